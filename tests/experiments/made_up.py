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


def glanced_up(branches, *, labels=None, classes=tuple("abcdefghijkl")):
    """Answers to nine glances at each clip; of each branch (N,) or (N, 9) says which are right."""
    count = len(next(iter(branches.values())))
    truth = np.arange(count) % len(classes) if labels is None else np.array(labels)
    glances = {}
    for name, right in branches.items():
        right = np.asarray(right)
        right = right if right.ndim == 2 else np.repeat(right[:, None], 9, 1)
        answers = np.where(right, truth[:, None], (truth[:, None] + 1) % len(classes))
        glances[name] = 5 * np.eye(len(classes), dtype=np.float32)[answers]
    both = glances.get("both", next(iter(glances.values())))
    keys = tuple(f"test/{i}" for i in range(count))
    facts = {"seed": 0}
    return Answers(keys, truth, both[:, 4], tuple(classes), {}, facts, glances)
