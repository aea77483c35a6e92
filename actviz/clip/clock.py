"""Frame times: repairing broken ones, and rebuilding those that a file never stored.

Numpy only; nothing here opens a file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["is_variable", "repair_times", "slots_of"]

_RESET_S = 1.0  # a jump back by more than this is a clock that starts again, not disorder
_JITTER_S = 0.0021  # containers that count milliseconds round each time by up to one


def repair_times(raw_s: ArrayLike, period_s: float) -> tuple[NDArray[np.float64], int]:
    """Strictly increasing times for frames in display order, and how many had to be changed.

    ``raw_s`` (N,) seconds, NaN where missing. A clock that starts again is continued one
    ``period_s`` later, times out of order are sorted, missing and repeated ones are spread
    evenly between their neighbours.
    """
    raw = np.asarray(raw_s, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(raw))
    if known.size == 0:
        return period_s * np.arange(len(raw), dtype=np.float64), len(raw)
    values = raw[known].copy()
    steps = np.diff(values, prepend=values[0])
    values += np.cumsum(np.where(steps < -_RESET_S, period_s - steps, 0.0))
    values = np.sort(values)
    fresh = np.diff(values, prepend=-np.inf) > 1e-9
    times = _spread(len(raw), known[fresh], values[fresh], period_s)
    changed = ~np.isclose(times, raw, rtol=0, atol=1e-6)  # NaN is never close: it counts
    return times, int(changed.sum())


def _spread(
    count: int, at: NDArray[np.intp], values: NDArray[np.float64], period_s: float
) -> NDArray[np.float64]:
    """Times of ``count`` frames through ``values`` at positions ``at``, straight in between."""
    positions = np.arange(count)
    times = np.interp(positions, at, values)
    times += np.minimum(positions - at[0], 0) * period_s  # before the first known time
    times += np.maximum(positions - at[-1], 0) * period_s  # after the last
    return times


def is_variable(times_s: NDArray[np.float64]) -> bool:
    """Whether the time between frames varies by more than rounding (in over 1 % of them)."""
    steps = np.diff(times_s)
    if len(steps) < 2:
        return False
    usual = float(np.median(steps))
    uneven = np.abs(steps - usual) > max(0.1 * usual, _JITTER_S)
    return bool(uneven.mean() > 0.01)


def slots_of(coded: Sequence[int], slots: Sequence[int]) -> NDArray[np.int64]:
    """The clock slot in which each picture of a packed stream is shown, in display order.

    ``coded`` is the number of pictures in each packet, ``slots`` the packet's place on the
    file's clock. A packed picture waits for the next packet; a second one waiting is lost, as
    FFmpeg's ``mpeg4_unpack_bframes`` has it.
    """
    used: list[int] = []
    waiting = 0
    for count, slot in zip(coded, slots, strict=True):
        waiting = min(waiting + count, 2)
        if waiting:
            used.append(slot)
            waiting -= 1
    if len(used) > 1 and len(slots) > 1 and coded[1] == 0:
        used[0] = used[1] - 1  # an empty second packet is the encoder's delay, not a pause
    return np.asarray(used, dtype=np.int64)
