"""MAN's temporal attention, on screen: one weight per frame for each coordinate x, y, z."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve
from actviz.views.lanes import Lane, LaneFigure
from actviz.views.theme import ATTENTION, pick_theme
from actviz.views.truth import Truth

__all__ = ["attention_lanes", "describe_attention", "nearly_flat"]

_FLAT = 0.05  # curves that move less than this say little about time


def nearly_flat(attention: NDArray[np.float64]) -> str | None:
    """A sentence where no curve moves by more than 0.05 over the clip; None otherwise."""
    swing = float(np.nanmax(np.nanmax(attention, axis=1) - np.nanmin(attention, axis=1)))
    if attention.shape[1] == 1 or swing >= _FLAT:
        return None
    return f"attention is nearly even over time: no coordinate moves by more than {swing:.3f}"


def attention_lanes(
    times_s: ArrayLike,
    attention: ArrayLike,
    *,
    cursor_s: float | None = None,
    truth: Truth | None = None,
    moved: ArrayLike | None = None,
    moved_unit: str = "",
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Attention over time per coordinate and, where given, how far the joints were moved.

    Args:
        times_s: (T,) seconds, strictly increasing.
        attention: (3, T) for x, y, z in [0, 1].
        moved: (T,) mean distance by which the model moved the joints, in ``moved_unit``.
        cursor_s: where the one cursor stands, seconds; the labels then give the values there.
        thumbnails: uint8 (T, H, W, 3); shown above the lanes, clickable at every frame.
    """
    times = check_clock(times_s)
    curves = check_curve(attention, len(times), "attention", rows=3)
    theme = pick_theme(dark)
    rows = [Lane("attention, 0–1", 230, (-0.04, 1.06), (0, 0.5, 1))]
    shift = None if moved is None else check_curve(moved, len(times), "moved")
    if shift is not None:
        unit = f", {moved_unit}" if moved_unit else ""
        top = max(float(np.nanmax(shift)), 1e-6) * 1.15
        rows.append(Lane(f"how far the joints were moved{unit}", 84, (0, top)))
    lanes = LaneFigure(rows, times, theme, truth=truth, thumbnails=thumbnails)
    at = len(times) - 1 if cursor_s is None else int(np.abs(times - cursor_s).argmin())
    labels, digits = {}, 3 if nearly_flat(curves) else 2
    for (name, look), curve in zip(ATTENTION.items(), curves, strict=True):
        if not np.isfinite(curve).any():
            continue
        lanes.curve(0, curve, name, look)
        value = f" {curve[at]:.{digits}f}" if np.isfinite(curve[at]) else ""
        labels[f"{name}{value}"] = (float(curve[np.isfinite(curve)][-1]), look.colour)
    lanes.direct_labels(0, labels)
    if shift is not None:
        line = {"color": theme.ink, "width": 2}
        lanes.points(1, shift, "moved", line=line, marker={"color": theme.ink, "size": 5})
    said = " · ".join(part for part in (nearly_flat(curves), note) if part)
    return lanes.finish(cursor_s, title, said or None)


def describe_attention(times_s: ArrayLike, attention: ArrayLike) -> str:
    """The same arrays in words, for a reader who does not see the figure."""
    times = check_clock(times_s)
    curves = check_curve(attention, len(times), "attention", rows=3)
    parts = []
    for name, curve in zip(ATTENTION, curves, strict=True):
        if not np.isfinite(curve).any():
            parts.append(f"{name} unknown")
            continue
        best = int(np.nanargmax(curve))
        parts.append(
            f"{name} from {np.nanmin(curve):.2f} to {curve[best]:.2f}, highest at "
            f"{times[best]:.2f} s"
        )
    frames = f"{len(times)} frame" + ("s" if len(times) > 1 else "")
    text = (
        f"MAN's attention over {frames} from {times[0]:.2f} to {times[-1]:.2f} s: "
        f"{'; '.join(parts)}."
    )
    flat = nearly_flat(curves)
    return f"{text} {flat[0].upper()}{flat[1:]}." if flat else text
