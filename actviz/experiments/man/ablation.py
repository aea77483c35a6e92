"""Is each part of MAN's memory worth its place, and does Keras's cell matter?

Not one figure of this is published. Each variant is trained anew; the ones as they are, and the
convolutions alone, are those of ``man/utkinect`` and ``man/puppets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, judge
from actviz.experiments.keeping import Answers
from actviz.experiments.man.folds import Folds
from actviz.experiments.man.published import NOTES
from actviz.experiments.man.puppet_runs import how, on_puppets
from actviz.experiments.man.recordings import Recordings, open_recordings, trainings_of
from actviz.experiments.man.trees import facts_of, train_tree
from actviz.experiments.statistics import Measured

__all__ = ["ablation"]

SEEDS = 2
PUPPETS, UT = "puppets", "UT-Kinect"
FULL, OTHER, ALONE = "MAN, Keras's cell", "MAN, torch's GRU", "no memory (STCM alone)"
FROZEN, NONE = "frozen attention", "no attention (a = 1)"
_ROWS: dict[str, tuple[str, dict[str, Any]]] = {  # row -> model, fields of its recipe
    FULL: ("man", {"cell": "keras"}),
    OTHER: ("man", {"cell": "torch"}),
    FROZEN: ("man", {"attention": "frozen"}),
    NONE: ("man", {"attention": "none"}),
    ALONE: ("stcm", {}),
}
_USUAL = {PUPPETS: OTHER, UT: FULL}  # the cell that the data set's recipe has
_CHANCE = {PUPPETS: 1 / len(ACTIONS), UT: 0.1}
_MEASURED = (
    "Keras's cell, the published one: hard sigmoid, reset before the recurrent product, dropout of "
    "recurrent connections. Frozen attention: its two layers stay at their random start, as in the "
    "released demo. No attention: a = 1 for every frame, so that the memory is added as it is. "
    "Those two have the cell of the set's recipe: torch's on puppets, Keras's on UT-Kinect.",
)
Runs = Mapping[str, Mapping[Any, Answers]]  # row -> seed, or seed and fold -> answers


def ablation(ask: Ask) -> Result:
    """Every variant on puppets and, where its data is given, on five folds of UT-Kinect."""
    seeds = tuple(range(ask.seeds or SEEDS))
    wanted: dict[str, Any] = {PUPPETS: _on_puppets(ask, seeds)}
    data = None if ask.data is None else open_recordings(ask.data, need="man/ablation")
    if data is not None:
        wanted[UT] = {
            name: trainings_of(f"utkinect/{model}", data.five, data, seeds, settings=own)
            for name, (model, own) in _ROWS.items()
        }
    runs = train_tree(ask, wanted)
    figures = {(r, PUPPETS): _of_seeds(found) for r, found in runs[PUPPETS].items()}
    if data is not None:
        figures |= {(r, UT): Folds(found).accuracy(data.five) for r, found in runs[UT].items()}
    return Result((_table(ask, figures, data),), seeds, tuple(facts_of(runs, "data", "row")))


def _on_puppets(ask: Ask, seeds: tuple[int, ...]) -> dict[str, Any]:
    return {
        name: on_puppets(f"puppets/{model}", ask, seeds, own)
        for name, (model, own) in _ROWS.items()
    }


def _of_seeds(found: Mapping[int, Answers]) -> Measured:
    return Measured.of_right(np.stack([one.right for one in found.values()]))


Figures = Mapping[tuple[str, str], Measured]  # row, column


def _table(ask: Ask, figures: Figures, data: Recordings | None) -> Table:
    columns = [PUPPETS] if data is None else [PUPPETS, UT]
    measured = [how(ask), *_MEASURED]
    if data is not None:
        measured.append(
            "UT-Kinect: the published recipe of NTU RGB+D at batch 16, 50 epochs, the last one "
            f"reported; five folds of leave-one-sequence-out ({data.five_in_words}), accuracy over "
            "all their sequences."
        )
    return Table(
        name="ablation",
        title="MAN with parts of it changed",
        columns=tuple(map(Column, columns)),
        lines=tuple(Line(r, ours={c: figures[r, c] for c in columns}) for r in _ROWS),
        verdicts=tuple(judge(claim, figures) for claim in _claims(columns)),
        chance={c: _CHANCE[c] for c in columns},
        measured=tuple(measured),
        notes=(NOTES["ablation"], NOTES["frozen"]),
    )


def _claims(columns: list[str]) -> list[Claim]:
    said: list[Claim] = []
    for c in columns:
        usual = (_USUAL[c], c)
        said += [
            alike(
                f"the cell makes no difference, to 2 points ({c})",
                *((FULL, c), (OTHER, c)),
                near=0.02,
                source="ours",
            ),
            above(f"learnt attention is above frozen ({c})", usual, (FROZEN, c), source="abstract"),
            above(f"attention is above none ({c})", usual, (NONE, c), source="abstract"),
            above(f"memory is above none ({c})", usual, (ALONE, c), source="abstract"),
        ]
    return said
