"""One grid of trainings behind Tables 1 to 4: every method, on every stream, with every seed.

S seeds · N test clips · K classes
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError
from actviz.experiments.base import Ask
from actviz.experiments.statistics import Measured
from actviz.experiments.trainings import Answers, Wanted, train_all
from actviz.learn.fusion import mean_answer
from actviz.learn.recipes import RECIPES

__all__ = ["AS_RIVALS", "FUSED", "Grid", "Method", "clip_limits", "fused", "make_grid", "method"]

FUSED = "fused"
Stream = str  # "spatial" (RGB), "temporal" (flow), or "both": one network that sees both
Fusion = Literal["average", "product"]
# MAM's recipes changed to what its rivals' have: clips, frames, epochs and rate. Of the rates 3e-4
# (the recipe's), 1e-3 and 2e-3 this one is also the best for MAM by validation (two seeds).
AS_RIVALS = {"train_clips": 1200, "frames": 16, "epochs": 20, "learning_rate": 1e-3}
_TSN = AS_RIVALS | {"frames": 6}  # trained on few segments, as TSN; Figure 3 shows as many
_MAM = {"spatial": "puppets/mam-head", "temporal": "puppets/mam-head-flow"}


@dataclass(frozen=True)
class Method:
    """A method as rows of the tables have it."""

    name: str
    streams: Mapping[Stream, str]  # stream -> recipe
    fusion: Fusion = "average"
    settings: Mapping[str, Any] = field(default_factory=dict)
    tested: int | None = None  # frames of a clip at test, where training sees another number


def _frozen(stem: str, data: str) -> dict[Stream, str]:
    """The recipes of a method that learns each stream on its own."""
    return {"spatial": f"{data}/{stem}-rgb", "temporal": f"{data}/{stem}-flow"}


_PUPPETS: tuple[Method, ...] = (
    Method("ConvNet", _frozen("convnet", "puppets")),
    Method("LSTM", _frozen("lstm", "puppets")),
    Method("ALSTM", _frozen("alstm", "puppets")),
    Method("ConvLSTM", _frozen("convlstm", "puppets")),
    Method("VideoLSTM", _frozen("videolstm", "puppets"), "product"),
    Method("L2STM", {"both": "puppets/l2stm"}),
    Method("TS-LSTM", {"both": "puppets/tslstm"}),
    Method("TSN", _frozen("tsn", "puppets")),
    Method("MAM", _MAM, settings=AS_RIVALS),
    Method("MAM + TSN", _MAM, settings=_TSN, tested=int(AS_RIVALS["frames"])),
)


def _paper(data: str) -> tuple[Method, ...]:
    """The same at paper scale; MAM is trained end to end, on VGG16 and on ResNet-101."""
    return (
        *(Method(n, _frozen(n.lower(), data)) for n in ("ConvNet", "LSTM", "ALSTM", "ConvLSTM")),
        Method("VideoLSTM", _frozen("videolstm", data), "product"),
        Method("L2STM", {"both": f"{data}/l2stm"}),
        Method("TS-LSTM", {"both": f"{data}/tslstm"}),
        Method("TSN", _frozen("tsn", data)),
        Method("MAM", _frozen("mam-vgg16", data)),
        Method("MAM (VGG + TSN)", _frozen("mam-vgg16-tsn", data)),
        Method("MAM (ResNet + TSN)", _frozen("mam-resnet101-tsn", data)),
    )


def method(name: str, data: str = "puppets") -> Method:
    """The method of a table's row, as it is trained on ``data``.

    Raises:
        ActvizError: a recipe that it needs is not there.
    """
    found = {m.name: m for m in (_PUPPETS if data == "puppets" else _paper(data))}[name]
    missing = [recipe for recipe in found.streams.values() if recipe not in RECIPES]
    if missing:
        raise ActvizError(f"{name} needs the recipe {missing[0]}, which is not there.")
    return found


@dataclass(frozen=True)
class Grid:
    """What was trained, and accuracies of it."""

    seeds: tuple[int, ...]
    protocols: tuple[str, ...]
    answers: Mapping[tuple[str, Stream, int, str], Answers]  # method, stream, seed, protocol
    methods: Mapping[str, Method]

    def of(self, name: str, stream: Stream, seed: int, protocol: str) -> Answers:
        """One training's answers; of ``FUSED`` the streams' together."""
        if stream != FUSED:
            return self.answers[name, stream, seed, protocol]
        one = self.methods[name]
        streams = [self.answers[name, s, seed, protocol] for s in one.streams]
        return fused(streams, one.fusion)

    def accuracy(self, name: str, stream: Stream = FUSED, classes: Sequence[str] = ()) -> Measured:
        """Share of right answers for each seed, of all clips or those of ``classes``.

        Over several protocols the mean of their shares.
        """
        shares, rights = [], []
        for seed in self.seeds:
            every = [self.of(name, stream, seed, p) for p in self.protocols]
            right = [a.right[_of_classes(a, classes)] for a in every]
            shares.append(float(np.mean([r.mean() for r in right])))
            rights.append(np.concatenate(right))
        return Measured(tuple(shares), np.stack(rights), tuple(classes) or "all")

    def facts(self) -> list[dict[str, Any]]:
        """Each training's facts with its accuracy on the test clips."""
        return [
            {"method": name, "stream": stream, "protocol": protocol, **a.facts}
            | {"test_top1": round(float(a.right.mean()), 6)}
            for (name, stream, _, protocol), a in self.answers.items()
        ]


def make_grid(
    methods: Iterable[Method],
    ask: Ask,
    *,
    seeds: int,
    root: Path | None = None,
    protocols: Sequence[str] = ("",),
    streams: Sequence[Stream] = (),
    settings: Mapping[str, Any] | None = None,
) -> Grid:
    """Train what the cache lacks.

    Args:
        seeds: trainings of each kind, where ``ask`` names no number.
        streams: only these, where a method has them; empty: all.
        settings: fields of every recipe, changed.
    """
    named = {m.name: m for m in methods}
    numbers = tuple(range(ask.seeds or seeds))
    wanted: dict[tuple[str, Stream, int, str], Wanted] = {}
    for seed in numbers:  # seed by seed, so that a killed table has every row
        for protocol in protocols:
            for one in named.values():
                for stream, recipe in one.streams.items():
                    if not streams or stream in streams or stream == "both":
                        own = clip_limits(recipe, ask, {**one.settings, **(settings or {})})
                        own |= {"seed": seed} | ({"protocol": protocol} if protocol else {})
                        wanted[one.name, stream, seed, protocol] = Wanted(
                            recipe, own, root=root, frames=one.tested
                        )
    order = list(wanted.values())
    done = train_all(order, jobs=ask.jobs, fresh=ask.fresh, progress=ask.progress)
    return Grid(numbers, tuple(protocols), dict(zip(wanted, done, strict=True)), named)


def clip_limits(recipe: str, ask: Ask, settings: Mapping[str, Any]) -> dict[str, Any]:
    """``settings`` with at most ``ask.clips`` of each part, and one thread where it is small."""
    one = RECIPES[recipe]
    limits: dict[str, Any] = {"threads": 1} if one.data == "puppets" else {}
    if ask.clips:
        for part in ("train_clips", "val_clips", "test_clips"):
            usual = settings.get(part, getattr(one, part))
            limits[part] = min(usual or ask.clips, ask.clips)
    return {**settings, **limits}


def fused(streams: Sequence[Answers], how: Fusion) -> Answers:
    """The streams' probabilities, averaged or multiplied, on the clips that all have answered."""
    if len(streams) == 1:
        return streams[0]
    places = [{key: row for row, key in enumerate(s.keys)} for s in streams]
    common = [key for key in streams[0].keys if all(key in place for place in places)]
    rows = [[place[key] for key in common] for place in places]
    logits = [s.logits[r] for s, r in zip(streams, rows, strict=True)]
    equally = [1.0] * len(logits)
    if how == "product":  # probabilities multiply where logits add up
        together = len(logits) * mean_answer(logits, equally)
    else:
        share = mean_answer(logits, equally, how="softmax")
        together = np.log(np.maximum(share, np.finfo(share.dtype).tiny))
    first = streams[0]
    return Answers(tuple(common), first.labels[rows[0]], together, first.classes, {}, {})


def _of_classes(answers: Answers, classes: Sequence[str]) -> NDArray[np.bool_]:
    wanted = [k for k, name in enumerate(answers.classes) if not classes or name in classes]
    return np.isin(answers.labels, wanted)
