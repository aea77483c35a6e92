"""What MAM wrote, against what shows the action: the figures beside every accuracy of it.

S seeds · N clips · T frames
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from actviz.experiments.base import Column
from actviz.experiments.statistics import Measured
from actviz.experiments.trainings import Answers
from actviz.learn.scores import write_scores

__all__ = ["ACCURACY", "WRITES", "figures_of"]

ACCURACY = Column("accuracy")
WRITES = (
    Column("written"),
    Column("precision"),
    Column("chance of precision"),
    Column("recall"),
    Column("AUROC", "0-1"),
    Column("empty memories"),
)
_NAMES = ("rate", "precision", "chance", "recall", "auroc", "empty_memory")


def figures_of(runs: Sequence[Answers]) -> Mapping[str, Measured]:
    """Accuracy of the seeds' answers and, of MAM, how its writes agree with the evidence."""
    found = {ACCURACY.name: Measured.of_right(np.stack([a.right for a in runs]))}
    if "written" not in runs[0].curves:
        return found
    scores = [
        write_scores(a.curves["written"], a.curves["evidence"], a.curves["write_probability"])
        for a in runs
    ]
    for column, name in zip(WRITES, _NAMES, strict=True):
        values = tuple(s[name] for s in scores)
        if all(v == v for v in values):  # AUROC needs frames of both kinds
            found[column.name] = Measured(values)
    return found
