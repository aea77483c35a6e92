"""What every view asks of its arrays, said once: right shape, real numbers, one clock."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "check_box",
    "check_clock",
    "check_curve",
    "check_frames",
    "check_maps",
    "check_picture",
    "check_skeleton",
    "even_choice",
    "frame_edges",
    "runs",
    "spread",
    "strongest_place",
]


def check_clock(times_s: ArrayLike) -> NDArray[np.float64]:
    """``times_s`` as (T,) float64 seconds, T ≥ 1, finite and strictly increasing."""
    times = np.asarray(times_s, dtype=np.float64)
    if times.ndim != 1 or len(times) == 0:
        raise ValueError(
            f"times_s must hold one time in seconds per frame, shape (T,) with T >= 1; "
            f"got shape {times.shape}."
        )
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ValueError("times_s must be finite and strictly increasing (seconds).")
    return times


def check_curve(
    values: ArrayLike, count: int, name: str, *, rows: int | None = None
) -> NDArray[np.float64]:
    """``values`` as (T,) or (rows, T) float64, not all NaN; single NaNs stay (drawn as gaps)."""
    curve = np.asarray(values, dtype=np.float64)
    wanted = (count,) if rows is None else (rows, count)
    if curve.shape != wanted:
        raise ValueError(f"{name} must have shape {wanted}; got {curve.shape}.")
    if not np.isfinite(curve).any():
        raise ValueError(f"{name} holds no finite number: there is nothing to draw.")
    return np.where(np.isfinite(curve), curve, np.nan)


def check_frames(frames: ArrayLike, count: int | None = None) -> NDArray[np.uint8]:
    """``frames`` as uint8 (T, H, W, 3) upright RGB, T = ``count`` where given."""
    array = np.asarray(frames)
    good = array.ndim == 4 and array.shape[-1] == 3 and array.dtype == np.uint8
    if not good or 0 in array.shape:
        raise ValueError(
            f"frames must be uint8 of shape (T, H, W, 3); got {array.dtype} {array.shape}."
        )
    if count is not None and len(array) != count:
        raise ValueError(f"frames must hold one picture per time, {count}; got {len(array)}.")
    return array


def check_picture(frame: ArrayLike, what: str = "frame") -> NDArray[np.uint8]:
    """``frame`` as uint8 (..., H, W, 3)."""
    array = np.asarray(frame)
    if array.dtype != np.uint8 or array.ndim < 3 or array.shape[-1] != 3 or 0 in array.shape:
        raise ValueError(
            f"{what} must be uint8 of shape (..., H, W, 3); got {array.dtype} {array.shape}."
        )
    return array


def check_maps(maps: ArrayLike, count: int, name: str) -> NDArray[np.float64]:
    """``maps`` as (T, h, w) float64 in [0, 1]: positive evidence over one maximum per clip."""
    array = np.asarray(maps, dtype=np.float64)
    if array.ndim != 3 or len(array) != count or 0 in array.shape:
        raise ValueError(f"{name} must have shape ({count}, h, w); got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity.")
    if array.min() < -1e-3 or array.max() > 1 + 1e-3:
        raise ValueError(
            f"{name} must lie in [0, 1], divided by one maximum per clip; "
            f"got {array.min():.3g} to {array.max():.3g}."
        )
    return np.clip(array, 0, 1)


def check_skeleton(
    joints: ArrayLike, present: ArrayLike, count: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """``joints`` (T, P, J, 3) metres and ``present`` (T, P); not present where not finite."""
    array, there = np.asarray(joints, dtype=np.float64), np.asarray(present, dtype=bool)
    if array.ndim != 4 or array.shape[-1] != 3 or 0 in array.shape:
        raise ValueError(f"joints must have shape (T, P, J, 3) in metres; got {array.shape}.")
    if there.shape != array.shape[:2]:
        raise ValueError(f"present must have shape {array.shape[:2]}; got {there.shape}.")
    if count is not None and len(array) != count:
        raise ValueError(f"joints must hold one pose per time, {count}; got {len(array)}.")
    if not np.isfinite(array).any():
        raise ValueError("joints holds no finite number: there is no pose to draw.")
    there = there & np.isfinite(array).all(axis=(2, 3))
    return np.where(there[..., None, None], array, 0.0), there


def check_box(box: tuple[int, int, int] | None, height: int, width: int) -> tuple[int, ...]:
    """(top, left, height, width) in pixels of the part that a map covers; None: all of it."""
    if box is None:
        return 0, 0, height, width
    top, left, side = (int(n) for n in box)
    if side < 1 or top < 0 or left < 0 or top + side > height or left + side > width:
        raise ValueError(
            f"box must be (top, left, side) inside the {width}×{height} picture; got {box}."
        )
    return top, left, side, side


def frame_edges(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T + 1,) borders in seconds between neighbouring frames; a lone frame gets one second."""
    if len(times_s) == 1:
        return np.array([times_s[0] - 0.5, times_s[0] + 0.5])
    middle = (times_s[1:] + times_s[:-1]) / 2
    first = times_s[0] - (middle[0] - times_s[0])
    last = times_s[-1] + (times_s[-1] - middle[-1])
    return np.concatenate([[first], middle, [last]])


def runs(flags: ArrayLike) -> list[tuple[int, int, bool]]:
    """Stretches of equal value as (start, stop, value), stop exclusive."""
    values = np.asarray(flags, dtype=bool)
    cuts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    return [(a, b, bool(values[a])) for a, b in itertools.pairwise(cuts) if b > a]


def even_choice(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``count`` positions, evenly spread, first and last included."""
    if count <= most:
        return np.arange(count)
    if most == 1:
        return np.array([count // 2])
    return np.rint(np.linspace(0, count - 1, most)).astype(np.int64)


def spread(heights: Mapping[str, float], gap: float) -> dict[str, float]:
    """Heights of direct labels moved apart to at least ``gap``: order kept, moved least."""
    order = sorted(heights, key=lambda name: heights[name])
    pools: list[list[float]] = []  # [sum, count] of heights, each shifted by its rank × gap
    for rank, name in enumerate(order):
        pools.append([heights[name] - rank * gap, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1] = [pools[-1][0] + total, pools[-1][1] + count]
    placed = [total / count for total, count in pools for _ in range(int(count))]
    return {name: placed[rank] + rank * gap for rank, name in enumerate(order)}


def strongest_place(cells: NDArray[np.float64]) -> str:
    """Where in a picture the largest of ``cells`` (h, w) lies: ``upper left`` … ``lower right``."""
    row, column = np.unravel_index(int(cells.argmax()), cells.shape)
    third = lambda at, count: min(2, int(3 * (at + 0.5) / count))  # noqa: E731
    upright = ("upper", "middle", "lower")[third(row, cells.shape[0])]
    across = ("left", "centre", "right")[third(column, cells.shape[1])]
    return f"{upright} {across}"
