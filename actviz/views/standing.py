"""People put on a stage: kept in its middle, feet on its floor, side by side where places are lost.

T frames · P people · J joints
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_skeleton

__all__ = ["Standing", "feet_on_floor", "side_by_side", "stand_up"]

_JUMP_M, _JUMP_M_S = 0.5, 5.0  # hips that move further than both between frames: a cut
_BESIDE_M = 1.0  # between people whose true distance is unknown


@dataclass(frozen=True)
class Standing:
    """Joints as a stage shows them."""

    joints: NDArray[np.float32]  # (T, P, J, 3) metres; zero where absent
    present: NDArray[np.bool_]  # (T, P), with finite joints
    fresh: NDArray[np.bool_]  # (T, P): nothing leads here from the frame before: a cut, an entry
    apart: bool  # people stand side by side because their true places are unknown


def stand_up(
    joints: ArrayLike,
    present: ArrayLike,
    times_s: ArrayLike,
    *,
    hips: Sequence[int],
    root: str = "camera",
) -> Standing:
    """Joints moved for looking at: what moves within a frame stays, whatever the camera did.

    Args:
        joints: (T, P, J, 3) metres; a person with a joint that is not finite counts as absent.
        present: (T, P).
        times_s: (T,) seconds.
        hips: joint numbers whose mean is a person's place; none: all joints.
        root: "hips" where each person is centred on the own hips in each frame; then distances
            between people are unknown, and several stand one metre apart.
    """
    times = check_clock(times_s)
    if not np.isfinite(np.asarray(joints, dtype=np.float64)).any():  # nobody was ever measured
        gone = np.zeros(np.shape(present), dtype=bool)
        return Standing(np.zeros(np.shape(joints), np.float32), gone, ~gone, apart=False)
    array, there = check_skeleton(joints, present, len(times))
    array, apart = side_by_side(array, there, root)
    places = array[:, :, list(hips) or slice(None)].mean(axis=2)  # (T, P, 3)
    fresh = _fresh(places, there, times)
    centre = _centre(places, there) * np.array([1.0, 0.0, 1.0])
    moved = (array - centre[:, None, None]).astype(np.float32)
    moved[~there] = 0
    cut = ~(there & ~fresh).any(axis=1)  # nobody can be followed across it
    return Standing(feet_on_floor(moved, there, times, stretch=np.cumsum(cut)), there, fresh, apart)


def side_by_side(
    joints: NDArray[np.float64], present: NDArray[np.bool_], root: str
) -> tuple[NDArray[np.float64], bool]:
    """Where several people share one origin, person p moved p metres along x; and whether so.

    Raises:
        ValueError: ``root`` is neither "camera" nor "hips".
    """
    if root not in ("camera", "hips"):
        raise ValueError(f'root must be "camera" or "hips"; got {root!r}.')
    if root == "camera" or not (present.sum(axis=1) > 1).any():
        return joints, False
    shifted = joints.copy()
    shifted[..., 0] += _BESIDE_M * np.arange(joints.shape[1])[:, None]
    return shifted, True


def _fresh(
    places: NDArray[np.float64], there: NDArray[np.bool_], times: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(T, P) who cannot be followed from the frame before."""
    fresh = np.ones_like(there)
    far = np.maximum(_JUMP_M, _JUMP_M_S * np.diff(times))  # (T - 1,)
    moved = np.linalg.norm(np.diff(places, axis=0), axis=-1)  # (T - 1, P)
    fresh[1:] = ~(there[1:] & there[:-1]) | (moved > far[:, None])
    return fresh


def _centre(places: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(T, 3) the middle of all people; who is away counts where they last stood to the others.

    So the stage does not jump to those who stay when somebody leaves the picture.
    """
    shown = np.where(there[..., None], places, np.nan)
    known = np.flatnonzero(there.all(axis=1))
    if len(known):
        nearest = known[np.abs(np.arange(len(places))[:, None] - known[None]).argmin(axis=1)]
        offset = places[nearest] - places[nearest].mean(axis=1, keepdims=True)  # (T, P, 3)
        shown = shown - offset
    count = there.sum(axis=1)
    total = np.nansum(shown, axis=1)
    return np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], 0.0)


def feet_on_floor(
    joints: NDArray[np.float32],
    present: NDArray[np.bool_],
    times_s: NDArray[np.float64],
    *,
    stretch: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Joints (T, P, J, 3) for drawing, moved up or down so that feet meet one floor.

    A cut to another camera, or a source centred on the hips, moves the floor between frames. The
    lowest joint within half a second of a frame is taken to stand on it: a jump still leaves it.
    Frames of another ``stretch`` (T,), such as those beyond a cut, do not count.
    """
    heights = np.where(present[..., None], joints[..., 1], np.inf)
    lowest = heights.min((1, 2))  # (T,)
    if not np.isfinite(lowest).any():
        return joints
    own = np.zeros(len(times_s), np.int64) if stretch is None else stretch
    near = (np.abs(times_s - t) <= 0.5 for t in times_s)
    floor = np.array([lowest[n & (own == s)].min() for n, s in zip(near, own, strict=True)])
    lift = np.where(np.isfinite(floor), lowest[np.isfinite(lowest)].min() - floor, 0.0)
    moved = joints.copy()
    moved[..., 1] += lift[:, None, None].astype(np.float32)
    return moved
