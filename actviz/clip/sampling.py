"""Which frames a model sees: index arithmetic alone, no file and no torch.

N frames in the video (``count``) · K segments · L frames in a snippet (``length``); numbers from 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "glance_index",
    "grid_indices",
    "segment_indices",
    "snippet_indices",
    "span_frames",
    "strided_indices",
]


def segment_indices(
    count: int, segments: int, *, length: int = 1, rng: np.random.Generator | None = None
) -> NDArray[np.int64]:
    """First frame of one snippet per segment (K,), after Temporal Segment Networks.

    Centred where ``rng`` is None (its validation and 25-segment test rule): tick = (N − L + 1)/K,
    start k = int(tick/2 + tick·k). With ``rng`` its training rule: avg = (N − L + 1)//K, start k =
    k·avg + randint(avg); where avg is 0, K sorted random starts if N > K, else all 0.
    Short videos repeat frames. `snippet_indices` gives all L frames of each snippet.
    """
    _check_at_least_one(count=count, segments=segments, length=length)
    starts = count - length + 1  # places where a whole snippet fits; none or fewer if too short
    order = np.arange(segments)
    if rng is None:
        tick = max(starts, 0) / segments
        return (tick / 2 + tick * order).astype(np.int64)
    average = max(starts, 0) // segments
    if average > 0:
        return order * average + rng.integers(average, size=segments)
    if count > segments:
        return np.sort(rng.integers(max(starts, 1), size=segments))
    return np.zeros(segments, dtype=np.int64)


def grid_indices(count: int, segments: int = 25, *, length: int = 1) -> NDArray[np.int64]:
    """First frames (K,) on the whole-number grid of TSN's original test script.

    step = (N − L)//(K − 1), from the first frame on; all 0 where the video is too short for it.
    """
    _check_at_least_one(count=count, segments=segments, length=length)
    step = max(count - length, 0) // max(segments - 1, 1)
    return np.arange(segments, dtype=np.int64) * step


def snippet_indices(starts: ArrayLike, length: int, count: int) -> NDArray[np.int64]:
    """All frames (K, L) of snippets from ``starts`` (K,) on; past the last frame it repeats."""
    _check_at_least_one(length=length, count=count)
    return np.minimum(np.asarray(starts, dtype=np.int64)[:, None] + np.arange(length), count - 1)


def strided_indices(
    count: int, length: int, stride: int, *, rng: np.random.Generator | None = None
) -> NDArray[np.int64]:
    """One clip of ``length`` frames, every ``stride``-th (length,); past the end the last repeats.

    It lies in the middle of the video, or anywhere with ``rng``.
    """
    _check_at_least_one(count=count, length=length, stride=stride)
    room = max(count - ((length - 1) * stride + 1), 0)
    start = room // 2 if rng is None else int(rng.integers(room + 1))
    return np.minimum(start + stride * np.arange(length, dtype=np.int64), count - 1)


def glance_index(count: int, *, position: float = 0.5) -> int:
    """The one frame at ``position`` of the video: 0 the first, 0.5 the middle, 1 the last."""
    _check_at_least_one(count=count)
    if not 0 <= position <= 1:
        raise ValueError(f"position must lie in 0..1 (share of the video); got {position}.")
    return min(int(position * count), count - 1)


def span_frames(
    times_s: NDArray[np.float64], start_s: float | None = None, end_s: float | None = None
) -> NDArray[np.int64]:
    """Numbers of the frames with start <= time < end, seconds on the video's own clock.

    None means from the beginning, to the end. An end past the video's is cut to it. A span that
    falls between two frames gives the one on screen then.
    """
    if len(times_s) == 0:
        raise ValueError("expected at least one frame time; got none.")
    for name, second in (("start", start_s), ("end", end_s)):
        if second is not None and not np.isfinite(second):
            raise ValueError(f"the {name} must be a finite number of seconds; got {second}.")
    first, last = float(times_s[0]), float(times_s[-1])
    start = first if start_s is None else float(start_s)
    end = np.inf if end_s is None else float(end_s)
    if start_s is not None and start >= end:
        raise ValueError(f"the start must come before the end; got {start:g} s to {end:g} s.")
    if start > last + _last_step(times_s) or end <= first:
        raise ValueError(
            f"expected a span within {first:.2f}–{last:.2f} s, where the frames are; got "
            f"{_span_in_words(start_s, end_s)}."
        )
    close = 1e-6  # seconds typed by hand should still meet a frame at 1/3 s
    begin = int(np.searchsorted(times_s, start - close, side="left"))
    stop = int(np.searchsorted(times_s, end - close, side="left"))
    if stop <= begin:
        begin = max(begin - 1, 0)
        stop = begin + 1
    return np.arange(begin, stop)


def _span_in_words(start_s: float | None, end_s: float | None) -> str:
    if end_s is None:
        return f"{start_s:g} s to the end"
    return f"an end at {end_s:g} s" if start_s is None else f"{start_s:g} s to {end_s:g} s"


def _last_step(times_s: NDArray[np.float64]) -> float:
    """How long the last frame is shown: as long as is usual in this video."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0


def _check_at_least_one(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1; got {value}.")
