"""What came of an evaluation: every clip's logits, and each score that follows from them.

N clips · K classes. Accuracies lie in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError
from actviz.learn.confidence import mean_class_interval, wilson_interval
from actviz.learn.scores import answer_scores, confusion_matrix

__all__ = ["Evaluation", "none_scored"]


@dataclass(frozen=True)
class Evaluation:
    """Answers of one model, or of several together, on one part of a data set.

    Raises:
        ActvizError: no clip, arrays that do not fit each other, or logits that are not finite.
    """

    keys: tuple[str, ...]  # (N,), of the clips, each once
    labels: NDArray[np.int64]  # (N,), places in ``classes``
    logits: NDArray[np.float32]  # (N, K), before softmax, mean over crops and frames
    classes: tuple[str, ...]  # (K,), in the order of the weights
    skipped: Mapping[str, str] = field(default_factory=dict)  # key -> why it is not among the N
    part: str = "test"
    views: str = "centre"  # a key of actviz.learn.protocols.VIEWS, "whole" for skeletons
    coarse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # group -> class names
    branches: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)  # TMNet: rb, cb
    truth: Mapping[str, Any] = field(default_factory=dict)  # what only puppets can be scored on
    provenance: Mapping[str, Any] = field(default_factory=dict)  # weights, data, device, …

    def __post_init__(self) -> None:
        count, classes = len(self.keys), len(self.classes)
        if not count:
            raise ActvizError(none_scored(self.skipped))
        if len(set(self.keys)) < count:
            twice = next(k for k in self.keys if self.keys.count(k) > 1)
            raise ActvizError(f"each clip must be there once; {twice!r} is there several times.")
        if self.labels.shape != (count,) or not np.isin(self.labels, np.arange(classes)).all():
            raise ActvizError(f"expected {count} labels from 0 to {classes - 1}, one per clip.")
        for logits in (self.logits, *self.branches.values()):
            _check_logits(logits, self.keys, classes)

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Counts (K, K): row the true class, column the answer."""
        return confusion_matrix(self.labels, self.logits.argmax(1), len(self.classes))

    def scores(self) -> dict[str, Any]:
        """Every score, as JSON and cards take them.

        ``mean_class`` is the mean of the classes' accuracies, over classes that have clips; what
        TMNet's tables call mAP is this. ``top5`` is left out below six classes, where it says
        nothing. ``intervals`` are of 95 %: Wilson's, and a bootstrap for ``mean_class``.
        ``per_class`` has None where a class has no clip.
        """
        counts = self.confusion
        total, right = counts.sum(1), np.diag(counts)
        answers = self._answers(self.logits)
        intervals = {"top1": wilson_interval(int(right.sum()), len(self))}
        if "top5" in answers:
            intervals["top5"] = wilson_interval(round(answers["top5"] * len(self)), len(self))
        intervals["mean_class"] = mean_class_interval(right, total)
        per_class = {c: self._share(k) for k, c in enumerate(self.classes)}
        groups = {"per_group": self._groups()} if self.coarse else {}
        branches = {"branches": {n: self._answers(b) for n, b in self.branches.items()}}
        return _plain(
            {
                "split": self.part,
                "clips": len(self),
                "skipped": len(self.skipped),
                **answers,
                "intervals": intervals,
                "per_class": per_class,
                **groups,
                **(branches if self.branches else {}),
                "confusion": counts,
                **self.truth,
            }
        )

    def class_table(self) -> list[dict[str, Any]]:
        """Each class's clips, how many were right, accuracy and its 95 % interval."""
        counts = self.confusion
        return [
            {"class": name, **_counted(int(counts[k, k]), int(counts[k].sum()))}
            for k, name in enumerate(self.classes)
        ]

    def _answers(self, logits: NDArray[np.float32]) -> dict[str, float]:
        scores = answer_scores(self.labels, logits)
        return scores if len(self.classes) > 5 else {k: v for k, v in scores.items() if k != "top5"}

    def _share(self, label: int) -> float | None:
        row = self.confusion[label]
        return float(row[label] / row.sum()) if row.sum() else None

    def _groups(self) -> dict[str, dict[str, Any]]:
        """Clips of each coarse group: over all its clips, and the mean of its classes."""
        found = {}
        for group, names in self.coarse.items():
            of_group = np.isin(self.classes, names)
            total = self.confusion.sum(1)[of_group]
            right = np.diag(self.confusion)[of_group]
            shares = right[total > 0] / total[total > 0]
            mean = float(shares.mean()) if len(shares) else None
            found[group] = {**_counted(int(right.sum()), int(total.sum())), "mean_class": mean}
        return found


def _counted(right: int, total: int) -> dict[str, Any]:
    known = total > 0
    return {
        "clips": total,
        "right": right,
        "accuracy": right / total if known else None,
        "interval": list(wilson_interval(right, total)) if known else None,
    }


def none_scored(skipped: Mapping[str, str]) -> str:
    """What is to be said where every clip was skipped."""
    if not skipped:
        return "there is no clip to score; check --part, --clips and the data set's folder."
    key, why = next(iter(skipped.items()))
    return f"none of {len(skipped)} clips could be scored; the first, {key}: {why}"


def _check_logits(logits: NDArray[np.float32], keys: tuple[str, ...], classes: int) -> None:
    if logits.shape != (len(keys), classes):
        raise ActvizError(f"expected logits {(len(keys), classes)}; got {logits.shape}.")
    bad = np.flatnonzero(~np.isfinite(logits).all(1))
    if len(bad):
        raise ActvizError(
            f"expected finite logits; got nan or infinity for {len(bad)} of {len(keys)} clips, "
            f"{keys[bad[0]]} first. The weights may have diverged in training: train anew with a "
            "lower learning rate, or in single precision."
        )


def _plain(value: Any) -> Any:
    """As JSON takes it: numpy's arrays as lists, nan (a score that has no value) as None."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and value != value else value
