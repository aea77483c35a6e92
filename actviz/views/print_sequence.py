"""What a model of sequences answers as it goes on, for print, over the frames it looks at.

Where the model attends, its maps lie over the frames, on one scale for the whole clip.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve, check_frames, even_choice, frame_edges
from actviz.views.gaze import check_gaze
from actviz.views.heat import blend_heat, dim_outside
from actviz.views.print_memory import frame_row, frame_row_height
from actviz.views.printing import (
    Page,
    Row,
    curve,
    direct_labels,
    draw_truth,
    heat_scale,
    literal,
    value_axis,
)
from actviz.views.theme import BOTH, LIGHT
from actviz.views.truth import Truth

__all__ = ["sequence_figure"]


def sequence_figure(
    frames: ArrayLike,
    times_s: ArrayLike,
    answer: ArrayLike,
    *,
    class_name: str,
    title: str,
    attention: ArrayLike | None = None,
    attention_max: float = 1.0,
    box: tuple[int, int, int] | None = None,
    truth: Truth | None = None,
    note: str | None = None,
) -> Figure:
    """Frames, under their attention where there is any, and the answer's probability over time.

    Args:
        frames: uint8 (T, H, W, 3); eight are shown where more than ten come, and it says so.
        times_s: (T,) seconds, strictly increasing.
        answer: (T,) probability of ``class_name`` at each frame.
        class_name: the clip's answer.
        title: which clip, and what the model answers.
        attention: (T, h, w) in [0, 1], divided by ``attention_max``, one maximum per clip.
        box: (top, left, side) in pixels, the square the model saw; None: the whole picture.
        note: which weights, what they were trained on, warnings.
    """
    times = check_clock(times_s)
    pictures = check_frames(frames, len(times))
    values = check_curve(answer, len(times), "answer")
    chosen = even_choice(len(times), 8 if len(times) > 10 else 10)
    some = "" if len(chosen) == len(times) else f"{len(chosen)} of {len(times)} frames shown"
    rows = {
        "frames": Row(frame_row_height(pictures, len(chosen)), title=some or " "),
        "answer": Row(1.9, gap=0.5, title=f"probability of {class_name}, frame by frame"),
    }
    if truth is not None:
        rows["truth"] = Row(0.34, title="truth: the action is visible")
    edges = frame_edges(times)
    page = Page(rows, (float(edges[0]), float(edges[-1])), title=title, note=note)
    shown = dim_outside(pictures[chosen], box)
    if attention is not None:
        maps = check_gaze(attention, len(times), attention_max).maps
        shown = blend_heat(shown, maps[chosen], box=box)
        heat_scale(page, "frames", "frames", "attention\n(1: highest)")
    every = np.arange(len(chosen))
    frame_row(page.axes["frames"], shown, times[chosen], every, None, rows["frames"].high)
    _answer(page.axes["answer"], times, values)
    if truth is not None:
        draw_truth(page.axes["truth"], truth)
    return literal(page.figure)


def _answer(axes: Axes, times: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    value_axis(axes, -0.04, 1.06, (0, 0.5, 1), "probability")
    curve(axes, times, values, BOTH, "answer")
    last = float(values[np.isfinite(values)][-1])
    direct_labels(axes, {f"{last:.2f} at the end": (last, LIGHT.ink)}, 1.9)
