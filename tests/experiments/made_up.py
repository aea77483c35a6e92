"""Answers that nobody trained, for tests of what is made of them."""

from __future__ import annotations

import numpy as np

from actviz.experiments.trainings import Answers


def made_up(right, *, classes=("a", "b"), keys=None, curves=None):
    """Answers to clips of classes 0, 1, 0, …; ``right`` says which are right, for sure."""
    labels = np.arange(len(right)) % len(classes)
    answers = np.where(right, labels, (labels + 1) % len(classes))
    logits = np.full((len(right), len(classes)), -5, dtype=np.float32)
    logits[np.arange(len(right)), answers] = 5
    names = keys or tuple(f"test/{i}" for i in range(len(right)))
    return Answers(names, labels, logits, tuple(classes), curves or {}, {"seed": 0})
