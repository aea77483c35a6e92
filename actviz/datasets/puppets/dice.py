"""Randomness that is the same everywhere.

Every draw is made here from raw 64-bit words of one stated generator, Philox 4x64-10 as numpy's
``Philox.random_raw`` gives them. NumPy promises the raw words for ever, its distributions not;
so uniform and normal numbers are mapped from the words here.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dice"]

T = TypeVar("T")
_UNIT = 2.0**-53


class Dice:
    """A stream of random numbers named by a seed and a word; equal names give equal streams."""

    def __init__(self, seed: int, name: str) -> None:
        key = np.array([seed, zlib.crc32(name.encode())], dtype=np.uint64)
        self._bits = np.random.Philox(key=key)

    def raw(self, count: int) -> NDArray[np.uint64]:
        """``count`` raw 64-bit words, shape (count,)."""
        return self._bits.random_raw(count)

    def unit(self) -> float:
        """One number in [0, 1)."""
        return int(self._bits.random_raw() >> 11) * _UNIT

    def uniform(self, low: float, high: float) -> float:
        """One number in [low, high)."""
        return low + (high - low) * self.unit()

    def uniforms(self, low: float, high: float, count: int) -> NDArray[np.float64]:
        """Numbers in [low, high), shape (count,)."""
        return low + (high - low) * (self.raw(count) >> np.uint64(11)).astype(np.float64) * _UNIT

    def bell(self, mean: float, spread: float) -> float:
        """A nearly normal number: the sum of four uniform ones, never beyond 3.5 ``spread``."""
        four = float(self.uniforms(-0.5, 0.5, 4).sum())
        return mean + spread * four * 1.7320508075688772  # four uniforms have variance 1/3

    def below(self, count: int) -> int:
        """A whole number in [0, count)."""
        return int(self.unit() * count)

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high], both included."""
        return low + self.below(high - low + 1)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def sign(self) -> int:
        """−1 or +1."""
        return 1 if self.unit() < 0.5 else -1

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``."""
        return items[self.below(len(items))]

    def shares(self, weights: Sequence[float]) -> int:
        """An index, drawn in proportion to ``weights``."""
        at = self.unit() * float(sum(weights))
        for index, weight in enumerate(weights):
            at -= weight
            if at < 0:
                return index
        return len(weights) - 1
