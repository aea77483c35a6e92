"""Which recipe is best, chosen without a look at what is tested: once for each group of people.

For the folds of one group, every candidate is trained on recordings of six other people and scored
on those of two more (UT-Kinect's protocols ``inner/1`` …). So whatever fold of the group is tested
on, neither it nor its people had a say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import log_softmax

from actviz.experiments.keeping import Answers, Wanted
from actviz.experiments.man.folds import FAST, LAST

__all__ = ["CANDIDATES", "best_of", "inner", "log_loss"]

_VARIED: dict[str, Any] = {
    "speed": 0.25,
    "crop": 0.1,
    "scale": 0.15,
    "noise": 0.02,
    "mirror": 0.5,
}
_ADAMW: dict[str, Any] = _VARIED | {
    "epochs": 80,
    "schedule": "cosine",
    "warmup": 24,
    "optimiser": "adamw",
    "learning_rate": 0.002,
    "weight_decay": 0.05,
    "clip_norm": 1.0,
}
CANDIDATES: dict[str, dict[str, Any]] = {
    "as published": {},
    "varied": _VARIED,
    "varied, AdamW": _ADAMW,
    "varied, AdamW, quick statistics": _ADAMW | {"norm_momentum": 0.1},
}
IN_WORDS = (
    "Varied: pace up to 25 %, up to 10 % cut from each end, size up to 15 %, noise of joints up to "
    "2 cm, half of the clips seen in a mirror. (A turn about the vertical is undone by MAN's "
    "normalisation.) AdamW: 80 epochs, cosine schedule. Quick statistics: batch normalisation "
    "takes over a tenth of each batch in place of a hundredth, which wants thousands of steps."
)


def inner(recipe: str, candidate: str, group: int, root: Path) -> Wanted:
    """The training by which a candidate is judged for the folds of ``group``, from 1 on."""
    settings = FAST | LAST | CANDIDATES[candidate] | {"protocol": f"inner/{group}", "seed": 0}
    return Wanted(recipe, settings, root=root)


def best_of(runs: Mapping[str, Answers]) -> str:
    """The candidate with most right answers; of several, the one that is surest of them."""
    return max(runs, key=lambda name: (runs[name].right.mean(), -log_loss(runs[name])))


def log_loss(answers: Answers) -> float:
    """Mean cross entropy."""
    told = log_softmax(answers.logits.astype(np.float64), axis=1)
    return -float(told[np.arange(len(told)), answers.labels].mean())


def group_of(number: int, recordings: Sequence[str], groups: Sequence[Sequence[str]]) -> int:
    """The group, from 1 on, whose people fold ``number`` leaves out a recording of."""
    from actviz.datasets.utkinect import person_of

    person = person_of(recordings[number - 1])
    return next(at for at, people in enumerate(groups, 1) if person in people)
