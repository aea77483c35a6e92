"""Figures measured once per seed, how they spread, and whether a difference is more than that.

S seeds · N clips
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RULE", "Contrast", "Measured", "contrast"]

ERRORS = 2.0  # standard errors that a difference must exceed
RULE = (
    "A claim is judged by the difference of the means over seeds, against its standard error, "
    "which adds up two sources: the trainings (over seeds; of the seeds' differences where both "
    "sides are the same trainings) and, for accuracies, the test clips (over the clips' "
    "differences, each the mean over seeds). Holds: more than two standard errors the claimed way; "
    "does not hold: more than two the other way; within the spread: neither, so that these "
    "trainings do not tell. Claims are judged one by one, without a correction for their number: "
    "of twenty that are mere chance, one looks like a finding."
)


@dataclass(frozen=True)
class Measured:
    """One figure, measured once for each seed.

    ``right`` (S, N) makes an accuracy of it, or another mean over clips: of its values.
    """

    values: tuple[float, ...]  # (S,)
    right: NDArray[np.bool_] | NDArray[np.float64] | None = field(default=None, compare=False)
    clips: Hashable = ""  # which clips the N are; the same word, the same clips in the same order

    @classmethod
    def of_right(cls, right: NDArray[np.bool_], clips: Hashable = "all") -> Measured:
        """Shares of right answers (S, N)."""
        return cls(tuple(float(x) for x in right.mean(1)), right, clips)

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def sd(self) -> float | None:
        """Sample standard deviation over seeds; None where one seed tells nothing of it."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    def to_json(self, scale: float = 1.0) -> dict[str, Any]:
        """Mean, spread and every value, times ``scale``."""
        sd = None if self.sd is None else _rounded(self.sd * scale)
        values = [_rounded(v * scale) for v in self.values]
        return {"mean": _rounded(self.mean * scale), "sd": sd, "values": values}


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of figures, and how sure it is."""

    difference: float
    error: float | None  # standard error; None where there is one seed and no clips to count

    def verdict(self) -> str:
        """ "holds" where the difference is surely above 0, by ``RULE``."""
        if self.error is None or abs(self.difference) <= ERRORS * self.error:
            return "within the spread"
        return "holds" if self.difference > 0 else "does not hold"


def contrast(
    terms: Mapping[Hashable, float],
    figures: Mapping[Any, Measured],
    *,
    constant: float = 0.0,
    same_trainings: bool = False,
) -> Contrast:
    """The sum of ``weight * figures[key]`` and ``constant``, with its standard error (``RULE``).

    Args:
        terms: key -> weight; {"a": 1, "b": -1} is a's lead over b.
        same_trainings: the figures are of the same trainings, seed by seed.
    """
    parts = [(weight, figures[key]) for key, weight in terms.items()]
    difference = constant + sum(weight * figure.mean for weight, figure in parts)
    squares = [_seeds(parts, same_trainings), _clips(parts)]
    known = [square for square in squares if square is not None]
    return Contrast(difference, math.sqrt(sum(known)) if known else None)


Parts = list[tuple[float, Measured]]


def _seeds(parts: Parts, same_trainings: bool) -> float | None:
    """Squared error of the trainings; None where some figure has one seed alone."""
    counts = {len(figure.values) for _, figure in parts}
    if min(counts) < 2:
        return None
    if same_trainings and len(counts) == 1:
        sums = np.sum([weight * np.array(figure.values) for weight, figure in parts], axis=0)
        return float(np.var(sums, ddof=1) / len(sums))
    shares = (w**2 * np.var(f.values, ddof=1) / len(f.values) for w, f in parts)
    return float(sum(shares))


def _clips(parts: Parts) -> float | None:
    """Squared error of the test clips; figures on the same clips share their luck."""
    sums: dict[Hashable, NDArray[np.float64]] = {}
    for weight, figure in parts:
        if figure.right is not None:
            sums[figure.clips] = sums.get(figure.clips, 0.0) + weight * figure.right.mean(0)
    large = [clip for clip in sums.values() if len(clip) > 1]
    return float(sum(np.var(c, ddof=1) / len(c) for c in large)) if large else None


def _rounded(value: float) -> float:
    return round(value, 6)
