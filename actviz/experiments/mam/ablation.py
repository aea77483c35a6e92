"""What MAM's paper argues for and does not show: is each part of the controller worth its place?

Each variant is trained anew with every seed on the same frozen features as ``puppets/mam-head``;
other thresholds than the trained one are of the test alone, without training anew.
"""

from __future__ import annotations

from typing import Any

from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, judge, over
from actviz.experiments.mam.grid import AS_RIVALS, clip_limits
from actviz.experiments.mam.published import NOTES
from actviz.experiments.mam.writing import ACCURACY, WRITES, figures_of
from actviz.experiments.trainings import Answers, Wanted, train_all

__all__ = ["ablation"]

SEEDS = 5
RECIPE = "puppets/mam-head"
_FULL = "MAM as published"
_VARIANTS: dict[str, dict[str, Any]] = {  # row -> fields of the recipe
    _FULL: {},
    "no LSTM reset": {"reset": False},
    "controller without context": {"inputs": ("feature", "history")},
    "controller without history": {"inputs": ("feature", "context")},
    "controller without feature": {"inputs": ("context", "history")},
    "controller sees the feature alone": {"inputs": ("feature",)},
    "sum in place of mean": {"read": "sum"},
    "soft writes": {"writes": "soft"},
    "everything written": {"threshold": 0.0},
}
_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
_ALL_TEST = "everything written at test"
_MEASURED = (
    "Puppets, RGB, frozen features: 1,200 clips to train on, 240 to choose the epoch by, 600 to "
    "test on; mean ± standard deviation over seeds. Precision, recall and AUROC are of written "
    "frames against frames that show the action; precision is to be read against its chance.",
    "Soft writes weigh every frame by its write probability: what is above 0.5 counts as written "
    "here, and no memory of theirs is truly empty.",
)


def ablation(ask: Ask) -> Result:
    """Every variant and threshold."""
    seeds = tuple(range(ask.seeds or SEEDS))
    rows = _wanted(ask, seeds)
    order = [one for row in rows.values() for one in row]
    done = iter(train_all(order, jobs=ask.jobs, fresh=ask.fresh, progress=ask.progress))
    runs = {name: [next(done) for _ in row] for name, row in rows.items()}
    figures = {(n, c): f for n, row in runs.items() for c, f in figures_of(row).items()}
    lines = tuple(Line(name, ours=figures_of(row)) for name, row in runs.items())
    table = Table(
        name="ablation",
        title="MAM with parts of it changed",
        columns=(ACCURACY, *WRITES),
        lines=lines,
        verdicts=tuple(judge(claim, figures) for claim in _claims()),
        chance={ACCURACY.name: 1 / len(ACTIONS)},
        measured=_MEASURED,
        notes=(NOTES["T1"], NOTES["T8"]),
    )
    return Result((table,), seeds=seeds, trainings=tuple(_facts(runs)))


def _wanted(ask: Ask, seeds: tuple[int, ...]) -> dict[str, list[Wanted]]:
    """Row -> its trainings, seed by seed."""

    def row(settings: dict[str, Any], threshold: float | None = None) -> list[Wanted]:
        named = [clip_limits(RECIPE, ask, {**AS_RIVALS, **settings, "seed": s}) for s in seeds]
        return [Wanted(RECIPE, one, threshold=threshold) for one in named]

    rows = {name: row(settings) for name, settings in _VARIANTS.items()}
    rows |= {_threshold(t): row({}, t) for t in _THRESHOLDS if t != 0.5}
    return rows | {_ALL_TEST: row({}, 0.0)}


def _threshold(level: float) -> str:
    return f"threshold {level:g} at test"


def _claims() -> list[Claim]:
    full, right = (_FULL, ACCURACY.name), ACCURACY.name
    said = [
        above(f"MAM is above {name}", full, (name, right), source="text, not shown")
        for name in _VARIANTS
        if name != _FULL
    ]
    said += [
        alike(
            f"{_threshold(t)} costs less than 2 points",
            full,
            (_threshold(t), right),
            near=0.02,
            source="ours",
            same_trainings=True,
        )
        for t in _THRESHOLDS
        if t != 0.5
    ]
    chance = (_FULL, "chance of precision")
    return [
        *said,
        above(
            "what is written is worth more than everything",
            full,
            (_ALL_TEST, right),
            source="text, not shown",
            same_trainings=True,
        ),
        above(
            "written frames show the action more often than chance",
            (_FULL, "precision"),
            chance,
            source="text",
        ),
        over(
            "write probabilities rank the action's frames above others",
            (_FULL, "AUROC"),
            0.5,
            source="text",
            unit="0-1",
        ),
    ]


def _facts(runs: dict[str, list[Answers]]) -> list[dict[str, Any]]:
    return [
        {"row": name, **one.facts, "test_top1": round(float(one.right.mean()), 6)}
        for name, row in runs.items()
        for one in row
    ]
