"""Where a soft-attention LSTM looked, for print, over the frames that MAM kept of the same clip."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_frames, even_choice, frame_edges
from actviz.views.gaze import GAZE, Gaze, check_gaze
from actviz.views.heat import blend_heat, dim_outside
from actviz.views.print_memory import decision_bar, frame_row, frame_row_height
from actviz.views.printing import (
    SMALL,
    Page,
    Row,
    curve,
    direct_labels,
    draw_truth,
    heat_scale,
    literal,
    value_axis,
)
from actviz.views.theme import LIGHT
from actviz.views.truth import Truth

__all__ = ["gaze_figure"]


def gaze_figure(
    frames: ArrayLike,
    times_s: ArrayLike,
    attention: ArrayLike,
    *,
    attention_max: float,
    title: str,
    box: tuple[int, int, int] | None = None,
    written: ArrayLike | None = None,
    written_times_s: ArrayLike | None = None,
    truth: Truth | None = None,
    note: str | None = None,
) -> Figure:
    """Frames under their attention, how pointed that is over time, and MAM's decision bar.

    Args:
        frames: uint8 (T, H, W, 3); eight are shown where more than ten come.
        times_s: (T,) seconds, strictly increasing.
        attention: (T, h, w) in [0, 1], divided by ``attention_max``, one maximum per clip.
        box: (top, left, side) in pixels, the square the model saw; None: the whole picture.
        written: MAM's decisions on the same clip; ``written_times_s`` where it looked at others.
        note: which weights, what they were trained on, warnings.
    """
    times = check_clock(times_s)
    pictures = check_frames(frames, len(times))
    gaze = check_gaze(attention, len(times), attention_max)
    chosen = even_choice(len(times), 8 if len(times) > 10 else 10)
    shown = "" if len(chosen) == len(times) else f"{len(chosen)} of {len(times)} frames shown"
    peak = "attention on the strongest cell" + (": nearly even" if gaze.flat else "")
    rows = {"frames": Row(frame_row_height(pictures, len(chosen)), title=shown or " ")}
    if written is not None:
        rows["decision"] = Row(0.42, gap=0.02)
    rows["peak"] = Row(1.1, gap=0.5, title=peak)
    if truth is not None:
        rows["truth"] = Row(0.34, title="truth: the action is visible")
    edges = frame_edges(times)
    page = Page(rows, (float(edges[0]), float(edges[-1])), title=title, note=note)
    heat = blend_heat(dim_outside(pictures[chosen], box), gaze.maps[chosen], box=box)
    every = np.arange(len(chosen))
    frame_row(page.axes["frames"], heat, times[chosen], every, None, rows["frames"].high)
    heat_scale(page, "frames", "frames", "attention\n(1: highest)")
    if written is not None:
        own = times if written_times_s is None else check_clock(written_times_s)
        _decisions(page.axes["decision"], written, own)
    _peak(page.axes["peak"], times, gaze)
    if truth is not None:
        draw_truth(page.axes["truth"], truth)
    return literal(page.figure)


def _decisions(axes: Axes, written: ArrayLike, times: NDArray[np.float64]) -> None:
    decision = np.asarray(written)
    if decision.shape != times.shape:
        raise ValueError(f"written must have shape {times.shape}; got {decision.shape}.")
    decision_bar(axes, frame_edges(times), decision.astype(bool))
    name = axes.set_ylabel("MAM on\nthis clip", fontsize=SMALL, color=LIGHT.ink)
    name.set(rotation=0, ha="right", va="center")


def _peak(axes: Axes, times: NDArray[np.float64], gaze: Gaze) -> None:
    high = 1.15 * max(float(gaze.peak.max()), 1.3 * gaze.even)
    value_axis(axes, 0, high, None, "share")
    curve(axes, times, gaze.peak, GAZE, "strongest cell")
    axes.axhline(gaze.even, color=LIGHT.muted, linewidth=1.4, linestyle="--")
    labels = {
        "strongest cell": (float(gaze.peak[-1]), GAZE.colour),
        f"even: {gaze.even:.3f}": (gaze.even, LIGHT.muted),
    }
    direct_labels(axes, labels, 1.1)
