"""Accuracies to set beside speeds: of trainings that were done before, for none is done here.

The speed figures are of networks at full size; accuracies of TMNet and its rivals at that size need
UCF101 and GPUs. What is known here is how they do on puppets, from the trainings of Tables 1 to 5.

N test clips · G glances · K classes
"""

from __future__ import annotations

import numpy as np

from actviz.errors import ActvizError
from actviz.experiments.base import Ask
from actviz.experiments.keeping import Answers, load, place_of
from actviz.experiments.statistics import Measured
from actviz.experiments.stored import stored
from actviz.experiments.tmnet.grid import FRAMES, GLANCES, TSM, TSN, Row
from actviz.experiments.tmnet.shared import SEEDS
from actviz.experiments.trainings import Wanted, is_done

__all__ = ["known_accuracy"]

_ROWS = {
    "tmnet": Row(settings={"frames": FRAMES}),
    "tsn": TSN,
    "tsm": TSM,  # answers by its own test
}


def known_accuracy(model: str, frames: int) -> Measured | None:
    """Share of right answers on the puppets' test clips, seed by seed; None where none is known.

    Args:
        model: of models.BUILDERS.
        frames: F that a clip is looked at: of the nine stored glances of TMNet and TSN those
            nearest to the middles of F equal parts (all nine for 8); of TSM its own number alone.
    """
    if model not in _ROWS or (model == "tmnet" and frames > FRAMES):
        return None
    rights = []
    for seed in range(SEEDS):
        answers = _cached(_ROWS[model], seed)
        if answers is not None:
            rights.append(_right(answers, model, frames))
    if rights:
        return Measured.of_right(np.stack(rights), "puppets")
    return _recorded() if (model, frames) == ("tmnet", 1) else None


def glances_of(frames: int) -> list[int]:
    """Which of nine evenly spread glances stand for so many."""
    if frames >= FRAMES:
        return list(range(GLANCES))
    middles = (np.arange(frames) + 0.5) / frames
    return [int(k) for k in np.rint(middles * GLANCES - 0.5)]


def _cached(row: Row, seed: int) -> Answers | None:
    try:
        wanted: Wanted = row.wanted(Ask(), "puppets", seed)
        return load(place_of(wanted)) if is_done(wanted) else None
    except (ActvizError, ValueError):  # a recipe that this release has not
        return None


def _right(answers: Answers, model: str, frames: int) -> np.ndarray:
    if model == "tsm":
        return answers.right
    logits = answers.glances["both"][:, glances_of(frames)].mean(1)  # (N, K)
    return logits.argmax(1) == answers.labels


def _recorded() -> Measured | None:
    """One glance, as Table 1 was stored."""
    try:
        rows = {row["row"]: row["ours"] for row in stored("tmnet/table1").rows}
    except ActvizError:
        return None
    told = rows.get(f"{FRAMES} frames, RB+CB", {}).get("acc@1")
    return None if told is None else Measured(tuple(v / 100 for v in told["values"]))
