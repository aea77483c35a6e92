"""Where should a memory that skips frames win? Clips with a growing share of irrelevant frames.

The paper explains MAM's gain on HMDB51 by shots that do not show the action, which MAM ignores and
a mean cannot. Here the share of such frames is set: every clip, of training, validation and test,
is cut anew from stored features (``cutting``), with the same share in all three parts. Irrelevant
shots show nothing, or *other actions*: of these the label says no more than which is shown longest,
so that a controller trained by classification alone has little to learn skipping from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, judge, more, over
from actviz.experiments.cutting import Cut
from actviz.experiments.mam.grid import AS_RIVALS, clip_limits
from actviz.experiments.mam.writing import ACCURACY, WRITES, figures_of
from actviz.experiments.statistics import Measured
from actviz.experiments.trainings import Answers, Wanted, train_all

__all__ = ["irrelevant"]

SEEDS = 5
FRAMES = 10  # T: a share of 20 % is two of them
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8)
Shows = Literal["nothing", "other actions"]
_METHODS: dict[str, tuple[str, dict[str, Any]]] = {  # name -> recipe, its fields changed
    "MAM": ("puppets/mam-head", AS_RIVALS),
    "ConvNet": ("puppets/convnet-rgb", {}),
    "TSN": ("puppets/tsn-rgb", {}),
    "LSTM": ("puppets/lstm-rgb", {}),
}
_WRITTEN = tuple(Column(f"{c.name}, MAM", c.unit) for c in WRITES)
_MEASURED = (
    f"Puppets, RGB, frozen features, {FRAMES} frames of each clip, of which the share in the row "
    "does not show the clip's action; all else as in training and test of the recipes. ConvNet and "
    "TSN are plain means over frames, of their probabilities and of their logits; TSN learns, as "
    "MAM does, from the clip's answer alone. Mean ± standard deviation over seeds.",
    "Shots show nothing: close-ups, the empty stage, idle figures and pans of other clips of the "
    "same part. Shots show other actions: frames of clips of other classes, each shot shorter than "
    "the clip's own run of frames and each of another class; at 80 % two frames of the clip's own "
    "class stand among eight single frames of eight other classes.",
)


def irrelevant(ask: Ask) -> Result:
    """MAM, a plain mean and an LSTM at every share, on both kinds of shots."""
    seeds = tuple(range(ask.seeds or SEEDS))
    wanted = {
        (shows, share, name): _row(ask, seeds, shows, share, name)
        for shows, share in _cuts()
        for name in _METHODS
    }
    order = [one for row in wanted.values() for one in row]
    done = iter(train_all(order, jobs=ask.jobs, fresh=ask.fresh, progress=ask.progress))
    runs = {key: [next(done) for _ in row] for key, row in wanted.items()}
    figures = _figures(runs)
    table = Table(
        name="irrelevant",
        title="Accuracy by the share of irrelevant frames",
        columns=(*map(Column, _METHODS), *_WRITTEN),
        lines=tuple(_line(shows, share, figures) for shows, share in _cuts()),
        verdicts=tuple(judge(claim, figures) for claim in _claims()),
        chance=dict.fromkeys(_METHODS, 1 / len(ACTIONS)),
        measured=_MEASURED,
    )
    return Result((table,), seeds=seeds, trainings=tuple(_facts(runs)))


def _cuts() -> list[tuple[Shows, float]]:
    other: Shows = "other actions"
    return [("nothing", s) for s in SHARES] + [(other, s) for s in SHARES if s]


def _row(ask: Ask, seeds: tuple[int, ...], shows: Shows, share: float, name: str) -> list[Wanted]:
    recipe, own = _METHODS[name]
    named = [clip_limits(recipe, ask, {**own, "seed": seed}) for seed in seeds]
    return [Wanted(recipe, one, cut=Cut(share, shows, FRAMES)) for one in named]


Key = tuple[str, str]  # row, column
Runs = Mapping[tuple[Shows, float, str], list[Answers]]


def _name(shows: str, share: float) -> str:
    return f"{share:.0%} irrelevant" + (f", {shows}" if share else "")


def _figures(runs: Runs) -> dict[Key, Measured]:
    found: dict[Key, Measured] = {}
    for (shows, share, name), row in runs.items():
        told = dict(figures_of(row))
        found[_name(shows, share), name] = told.pop(ACCURACY.name)
        found |= {(_name(shows, share), f"{c}, {name}"): f for c, f in told.items()}
    return found


def _line(shows: str, share: float, figures: Mapping[Key, Measured]) -> Line:
    name = _name(shows, share)
    return Line(name, ours={c: f for (row, c), f in figures.items() if row == name}, group=shows)


def _claims() -> list[Claim]:
    said: list[Claim] = []
    for shows, share in _cuts():
        row = _name(shows, share)
        for rival in [name for name in _METHODS if name != "MAM"]:
            words = f"MAM is above {rival} at {row}"
            said.append(above(words, (row, "MAM"), (row, rival), source="text, not shown"))
    none = _name("", 0.0)
    for shows in ("nothing", "other actions"):
        most = _name(shows, SHARES[-1])
        for mean in ("ConvNet", "TSN"):
            words = f"MAM's lead over the plain mean {mean} grows from 0 % to 80 % ({shows})"
            pairs = [((row, "MAM"), (row, mean)) for row in (most, none)]
            said.append(more(words, *pairs, source="text, not shown"))
    for share in SHARES[1:]:
        row = _name("nothing", share)
        precision, chance = (row, "precision, MAM"), (row, "chance of precision, MAM")
        words = f"MAM writes the action rather than the rest at {row}"
        said.append(above(words, precision, chance, source="text"))
    for share in SHARES[1:]:
        row = _name("other actions", share)
        words = f"MAM writes nearly everything (above 90 %) at {row}"
        said.append(over(words, (row, "written, MAM"), 0.9, source="ours"))
        precision, chance = (row, "precision, MAM"), (row, "chance of precision, MAM")
        words = f"what MAM writes is hardly more often the action (3 points) at {row}"
        said.append(alike(words, precision, chance, near=0.03, source="ours"))
    return said


def _facts(runs: Runs) -> list[dict[str, Any]]:
    return [
        {"row": _name(shows, share), "method": name, **one.facts}
        | {"test_top1": round(float(one.right.mean()), 6)}
        for (shows, share, name), row in runs.items()
        for one in row
    ]
