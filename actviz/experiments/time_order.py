"""Do the models know sit down from stand up, and pick up from put down, by the order of time?

In the puppets these pairs are the same motions, each the other reversed: neither one frame nor a
mean over all frames tells them apart. MAM's memory is a mean too, but over the frames that its
controller chose with the past in mind (eq. 1-9). So we play test clips forwards, backwards (the
right answer is then the partner) and, for MAM, with every frame written, which leaves a plain mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from actviz.clip.preprocess import model_frames
from actviz.clip.sampling import segment_indices
from actviz.datasets.puppets import ACTIONS, Scene, make_scene, scene_seeds
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.statistics import Measured
from actviz.learn.checkpoints import Loaded, bundled, load_checkpoint

__all__ = ["PAIRS", "run", "time_order"]

PAIRS = (("sit down", "stand up"), ("pick up", "put down"))
_PARTNER = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}


_CLIPS = 600  # of the test split
_COLUMNS = ("forwards", "backwards, partner", "every frame written")


def run(ask: Ask) -> Result:
    """The same as a table."""
    rows = time_order(clips=ask.clips or _CLIPS, progress=ask.progress)
    lines = tuple(
        Line(
            f"{row['model']}, {row['pair']}",
            ours={c: Measured((row[c],)) for c in _COLUMNS if c in row},
            note=f"{row['clips']} clips",
        )
        for row in rows
    )
    table = Table(
        name="time_order",
        title="Reversed pairs, played forwards and backwards",
        columns=tuple(map(Column, _COLUMNS)),
        lines=lines,
        chance={c: 1 / len(ACTIONS) for c in _COLUMNS},
        measured=(
            "The bundled weights, shares of right answers; backwards, the partner of the pair is "
            "right. A guess between the two of a pair gets 50 %.",
        ),
    )
    return Result((table,))


def time_order(
    *, clips: int = _CLIPS, progress: Callable[[str, int, int], None] | None = None
) -> list[dict[str, Any]]:
    """Shares of right answers per model and pair, over the first ``clips`` puppet test clips.

    "backwards, partner" is right where the reversed clip is taken for the other action of the pair;
    "every frame written" (MAM only) is the clip played forwards with nothing skipped.
    """
    mam, man = (load_checkpoint(bundled(name)) for name in ("mam", "man"))
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for done, seed in enumerate(scene_seeds("test", clips), 1):
        scene = make_scene(int(seed))
        if scene.action in _PARTNER:
            pair = next(" / ".join(p) for p in PAIRS if scene.action in p)
            found.setdefault(("MAM", pair), []).append(_ask_mam(mam, scene))
            found.setdefault(("MAN", pair), []).append(_ask_man(man, scene))
        if progress:
            progress("playing clips both ways", done, clips)
    return [
        {"model": model, "pair": pair, "clips": len(marks)}
        | {c: float(x) for c, x in zip(_COLUMNS, np.mean(marks, axis=0), strict=False)}
        for (model, pair), marks in sorted(found.items())
    ]


def _is(logits: Tensor, action: str) -> float:
    return float(ACTIONS[int(logits.argmax())] == action)


@torch.inference_mode()
def _ask_mam(loaded: Loaded, scene: Scene) -> tuple[float, ...]:
    model, count = cast(Any, loaded.model), loaded.card.frames
    assert loaded.card.input_size is not None
    at = segment_indices(len(scene.times_s), count).tolist()
    pictures = scene.render(at, size=loaded.card.input_size)
    features = model.features(model_frames(pictures, loaded.card.input_size)[None])
    return (
        _is(model.rollout(features).logits, scene.action),
        _is(model.rollout(features.flip(1)).logits, _PARTNER[scene.action]),
        _is(model.rollout(features, force=torch.ones(1, count)).logits, scene.action),
    )


@torch.inference_mode()
def _ask_man(loaded: Loaded, scene: Scene) -> tuple[float, ...]:
    model, skeleton = cast(Any, loaded.model), scene.skeleton()
    joints = torch.from_numpy(skeleton.joints)[None]
    present = torch.from_numpy(skeleton.present)[None]
    return (
        _is(model(joints, present).logits, scene.action),
        _is(model(joints.flip(1), present.flip(1)).logits, _PARTNER[scene.action]),
    )
