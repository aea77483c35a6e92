"""MAN's temporal attention, on screen: one weight per frame for each coordinate x, y, z."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve
from actviz.views.lanes import Lane, LaneFigure
from actviz.views.parts import Part, stacked
from actviz.views.theme import ATTENTION
from actviz.views.truth import Truth

__all__ = ["attention_lanes", "attention_part", "describe_attention", "moved_part", "nearly_flat"]

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
    at = None if cursor_s is None else int(np.abs(times - cursor_s).argmin())
    parts = [attention_part(curves, at=at)]
    if moved is not None:
        parts.append(moved_part(check_curve(moved, len(times), "moved"), unit=moved_unit))
    said = " · ".join(part for part in (nearly_flat(curves), note) if part)
    return stacked(
        parts,
        times,
        cursor_s=cursor_s,
        truth=truth,
        thumbnails=thumbnails,
        title=title,
        note=said or None,
        dark=dark,
    )


def attention_part(
    attention: ArrayLike, *, at: int | None = None, title: str = "attention, 0–1", height: int = 230
) -> Part:
    """Attention (3, T) to x, y and z; the labels give the values at position ``at``, else the last.

    Curves that hardly move get a third decimal: one that is flat to the second still moves.
    """
    array = np.asarray(attention, dtype=np.float64)
    curves = check_curve(array, array.shape[-1], "attention", rows=3)

    def draw(lanes: LaneFigure, number: int) -> None:
        labels, digits = {}, 3 if nearly_flat(curves) else 2
        for (name, look), curve in zip(ATTENTION.items(), curves, strict=True):
            if not np.isfinite(curve).any():
                continue
            lanes.curve(number, curve, name, look)
            value = curve[-1 if at is None else at]
            words = f" {value:.{digits}f}" if np.isfinite(value) else ""
            labels[f"{name}{words}"] = (float(curve[np.isfinite(curve)][-1]), look.colour)
        lanes.direct_labels(number, labels)

    return Part(Lane(title, height, (-0.04, 1.06), (0, 0.5, 1)), draw)


def moved_part(moved: NDArray[np.float64], *, unit: str = "") -> Part:
    """How far the joints were moved on average (T,), in ``unit``."""
    top = max(float(np.nanmax(moved)), 1e-6) * 1.15

    def draw(lanes: LaneFigure, number: int) -> None:
        ink = lanes.theme.ink
        line = {"color": ink, "width": 2}
        lanes.points(number, moved, "moved", line=line, marker={"color": ink, "size": 5})

    title = "how far the joints were moved" + (f", {unit}" if unit else "")
    return Part(Lane(title, 84, (0, top)), draw)


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
