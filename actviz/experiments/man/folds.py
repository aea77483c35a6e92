"""Leave-one-sequence-out on UT-Kinect: trainings of folds, joined to figures over all sequences.

S seeds · N sequences · K classes
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.experiments.keeping import Answers, Wanted
from actviz.experiments.statistics import Measured
from actviz.learn.scores import confusion_matrix

__all__ = ["FAST", "FIVE", "LAST", "Folds", "fold", "folds_of"]

# Small images gain nothing from a second thread; bfloat16 makes their convolutions twice as fast.
FAST: dict[str, Any] = {"precision": "bf16-mixed", "threads": 1}
LAST: dict[str, Any] = {"choose": "last", "val_share": 0.0}  # nothing is chosen by what is tested
FIVE = (1, 6, 11, 16, 17)  # one fold of each group of people, first and second recordings
_PROTOCOL = "leave-one-sequence-out/{:02}"


def fold(recipe: str, number: int, root: Path, settings: Mapping[str, Any]) -> Wanted:
    """The training that leaves out recording ``number``, from 1 on."""
    protocol = {"protocol": _PROTOCOL.format(number)}
    return Wanted(recipe, {**FAST, **LAST, **settings, **protocol}, root=root)


def folds_of(protocols: Sequence[str]) -> tuple[int, ...]:
    """The numbers of the folds that a data set has."""
    found = (name.rpartition("/") for name in protocols)
    return tuple(int(number) for kind, _, number in found if kind == _PROTOCOL.partition("/")[0])


@dataclass(frozen=True)
class Folds:
    """Answers of one way of training: of each seed and fold one."""

    runs: Mapping[tuple[int, int], Answers] = field(default_factory=dict)  # (seed, fold)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({seed for seed, _ in self.runs}))

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(sorted({number for _, number in self.runs}))

    def accuracy(self, numbers: Sequence[int], seeds: Sequence[int] | None = None) -> Measured:
        """Over all sequences of some folds together."""
        chosen = self.seeds if seeds is None else seeds
        right = [
            np.concatenate([self.runs[seed, number].right for number in numbers]) for seed in chosen
        ]
        return Measured.of_right(np.stack(right), clips=tuple(numbers))

    def by_fold(self) -> dict[str, float]:
        """The recording left out -> share of right answers, over seeds."""
        found: dict[str, float] = {}
        for number in self.numbers:
            some = [self.runs[seed, number] for seed in self.seeds]
            recording = some[0].keys[0].partition("/")[0]
            found[recording] = round(float(np.mean([one.right.mean() for one in some])), 4)
        return found

    def confusion(self) -> NDArray[np.int64]:
        """(K, K), row the true class, summed over seeds."""
        first = next(iter(self.runs.values()))
        labels, answers = (
            np.concatenate(parts)
            for parts in zip(
                *((one.labels, one.logits.argmax(1)) for one in self.runs.values()), strict=True
            )
        )
        return confusion_matrix(labels, answers, len(first.classes))

    def wrong(self) -> list[dict[str, Any]]:
        """Every sequence that some seed got wrong: what it is, and what was answered how often."""
        said: dict[str, Counter[str]] = {}
        true: dict[str, str] = {}
        for one in self.runs.values():
            for key, label, answer in zip(one.keys, one.labels, one.logits.argmax(1), strict=True):
                if label != answer:
                    said.setdefault(key, Counter())[one.classes[answer]] += 1
                    true[key] = one.classes[label]
        return [
            {"sequence": key, "action": true[key], "answered": dict(said[key].most_common())}
            for key in sorted(said)
        ]
