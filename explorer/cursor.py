"""The one time cursor: pure functions from frames, clicks and keys to a place in the clip.

The cursor is a frame number of the source file; each page shows the nearest frame that its model
looked at (a *position* 0…T-1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["cursor_left", "nearest", "selected_time", "stepped", "tick_seconds"]


def nearest(places: ArrayLike, wanted: float) -> int:
    """Position of the entry of ``places`` (frame numbers or seconds) nearest to ``wanted``."""
    array = np.asarray(places, dtype=np.float64)
    if array.size == 0:
        raise ValueError("places must hold at least one frame; got none.")
    return int(np.abs(array - wanted).argmin())


def stepped(position: int, count: int, by: int, *, around: bool = False) -> int:
    """``position`` moved by ``by``; stops at the ends, or goes round where ``around``."""
    moved = position + by
    return moved % count if around else min(max(moved, 0), count - 1)


def selected_time(state: Mapping[str, Any] | None) -> float | None:
    """Seconds of the point that was clicked in a lane, from what the browser reports.

    None where nothing is selected: the same point clicked again, or a click on empty paper.
    """
    points: Sequence[Mapping[str, Any]] = ((state or {}).get("selection") or {}).get("points") or ()
    for point in points:
        if isinstance(point.get("x"), (int, float)):
            return float(point["x"])
    return None


def tick_seconds(times_s: ArrayLike) -> float:
    """Seconds between steps while playing: the clip's own pace, as far as a page can follow."""
    times = np.asarray(times_s, dtype=np.float64)
    pace = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    return float(np.clip(pace, 0.25, 0.6))


def cursor_left(time_s: float, span_s: tuple[float, float], margins: tuple[int, int]) -> str:
    """Where the cursor's line stands in a lane figure with these pixel margins, as CSS."""
    start, end = span_s
    share = float(np.clip((time_s - start) / (end - start), 0, 1)) if end > start else 0.0
    left, right = margins
    return f"calc({left}px + (100% - {left + right}px) * {share:.5f})"
