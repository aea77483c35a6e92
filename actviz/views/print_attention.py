"""MAN's figure for print: poses along time over the attention that each coordinate gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from actviz.views.attention import nearly_flat
from actviz.views.checks import (
    check_clock,
    check_curve,
    check_skeleton,
    even_choice,
    frame_edges,
)
from actviz.views.printing import (
    LEFT,
    RIGHT,
    SMALL,
    WIDTH,
    Page,
    curve,
    direct_labels,
    draw_truth,
    value_axis,
)
from actviz.views.skeleton import bone_sides, skeleton_extent
from actviz.views.theme import ATTENTION, BONES, LIGHT, OKABE_ITO
from actviz.views.truth import Truth

__all__ = ["attention_figure"]

_INCHES = WIDTH - LEFT - RIGHT
_POSES = 2.6  # inches
_LEAD = 0.35


def attention_figure(
    times_s: ArrayLike,
    attention: ArrayLike,
    joints: ArrayLike,
    present: ArrayLike,
    bones: ArrayLike,
    *,
    left: Sequence[int],
    right: Sequence[int],
    title: str,
    truth: Truth | None = None,
    poses: int = 10,
    note: str | None = None,
) -> Figure:
    """Attention for x, y and z over time, under poses whose joints glow with its mean.

    Args:
        times_s: (T,) seconds, strictly increasing.
        attention: (3, T) in [0, 1]; single NaNs are gaps, all NaN is refused.
        joints: (T, P, J, 3) metres, Kinect axes.
        present: (T, P) who is there.
        bones: (bones, 2) joint numbers.
        left, right: joint numbers of each side.
        poses: at most so many poses, evenly; the figure says so.
        note: which weights, what they were trained on, warnings.
    """
    times = check_clock(times_s)
    curves = check_curve(attention, len(times), "attention", rows=3)
    array, there = check_skeleton(joints, present, len(times))
    chosen = even_choice(len(times), poses)
    some = f"{len(chosen)} of {len(times)} poses shown, evenly in time; "
    words = (some if len(chosen) < len(times) else "") + (
        "left side thick blue, right side thin vermilion; the glow grows with mean attention"
    )
    rows = {"poses": (words, _POSES), "curves": ("", 2.3)}
    if truth is not None:
        rows["truth"] = ("truth: the action is visible", 0.34)
    edges = frame_edges(times)
    said = " · ".join(part for part in (nearly_flat(curves), note) if part)
    page = Page(rows, (float(edges[0]), float(edges[-1])), title=title, note=said)
    mean = np.array([np.nanmean(c) if np.isfinite(c).any() else 0.0 for c in curves.T])
    sides = bone_sides(bones, left, right)
    _poses(page.axes["poses"], times, array, there, chosen, mean, sides)
    _curves(page.axes["curves"], times, curves)
    if truth is not None:
        draw_truth(page.axes["truth"], truth)
    return page.figure


def _poses(
    axes: Axes,
    times: NDArray[np.float64],
    joints: NDArray[np.float64],
    present: NDArray[np.bool_],
    chosen: NDArray[np.int64],
    weight: NDArray[np.float64],
    sides: dict[str, NDArray[np.int64]],
) -> None:
    """Front views of the chosen poses, all at one size, each led to its time."""
    start, end = axes.get_xlim()
    axes.set_ylim(0, _POSES)
    slot = (end - start) / len(chosen)
    (x0, x1), (y0, y1), _ = skeleton_extent(joints, present)
    second = (end - start) / _INCHES  # seconds per inch
    metre = min(0.96 * slot / second / (x1 - x0), (_POSES - _LEAD - 0.35) / (y1 - y0))  # inches
    for number, at in enumerate(chosen):
        middle = start + (number + 0.5) * slot
        axes.plot([middle, times[at]], [_LEAD, 0], color=LIGHT.muted, linewidth=1, clip_on=False)
        floor = np.array([-0.44, 0.44]) * slot + middle
        axes.plot(floor, [_LEAD, _LEAD], color=LIGHT.grid, linewidth=2)
        words = f"{weight[at]:.2f}"
        axes.text(middle, _POSES - 0.02, words, ha="center", va="top", fontsize=SMALL)
        for person in np.flatnonzero(present[at]):
            pose = joints[at, person]
            across = middle + (pose[:, 0] - (x0 + x1) / 2) * metre * second
            up = _LEAD + (pose[:, 1] - y0) * metre
            _figure(axes, np.stack([across, up], axis=1), sides, weight[at], metre)
        if not present[at].any():
            axes.text(middle, _POSES / 2, "nobody", ha="center", fontsize=SMALL, color=LIGHT.muted)
    axes.set_xlim(start, end)


def _figure(
    axes: Axes,
    places: NDArray[np.float64],
    sides: dict[str, NDArray[np.int64]],
    weight: float,
    metre: float,
) -> None:
    used = np.unique(np.concatenate(list(sides.values())))
    scale = float(np.clip(metre, 0.5, 1.2))
    axes.scatter(
        *places[used].T,
        s=(20 + 420 * weight**2) * scale,
        color=OKABE_ITO["yellow"],
        alpha=0.08 + 0.32 * weight,
        linewidths=0,
        zorder=1,
    )
    for side in ("centre", "right", "left"):
        look = BONES[side]
        for a, b in sides[side]:
            axes.plot(
                *places[[a, b]].T,
                color=LIGHT.graphic(look.colour),
                linewidth=look.width * 0.42 * scale,
                solid_capstyle="round",
                zorder=2,
            )
    axes.scatter(*places[used].T, s=5 * scale, color=LIGHT.ink, zorder=3, linewidths=0)


def _curves(axes: Axes, times: NDArray[np.float64], curves: NDArray[np.float64]) -> None:
    value_axis(axes, -0.04, 1.06, (0, 0.5, 1), "attention, 0–1")
    labels = {}
    for (name, look), values in zip(ATTENTION.items(), curves, strict=True):
        if np.isfinite(values).any():
            curve(axes, times, values, look, name)
            last = values[np.isfinite(values)][-1]
            labels[f"{name}  {last:.2f} at the end"] = (float(last), look.colour)
    direct_labels(axes, labels, 2.3)
