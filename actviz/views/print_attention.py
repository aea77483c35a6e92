"""MAN's figure for print: poses along time over the attention that each coordinate gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from actviz.views.attention import nearly_flat
from actviz.views.checks import (
    check_clock,
    check_curve,
    check_skeleton,
    even_choice,
    frame_edges,
)
from actviz.views.limbs import Limbs
from actviz.views.print_limbs import Moments, draw_joints, draw_moments, joint_rows_high
from actviz.views.printing import (
    LEFT,
    RIGHT,
    SMALL,
    WIDTH,
    Page,
    Row,
    curve,
    direct_labels,
    draw_truth,
    literal,
    value_axis,
)
from actviz.views.shading import Shading, by_attention
from actviz.views.skeleton import bone_sides, skeleton_extent
from actviz.views.standing import side_by_side
from actviz.views.theme import ATTENTION, LIGHT, OKABE_ITO, PEOPLE, Curve, heat_colours
from actviz.views.truth import Truth

__all__ = ["attention_figure"]

_INCHES = WIDTH - LEFT - RIGHT
_LEAD, _WORDS = 0.35, 0.3  # inches below the poses for lines, above them for numbers
_APART = "people drawn 1 m apart: each is centred at the own hips, true distances are unknown"


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
    root: str = "camera",
    shading: Shading | None = None,
    limbs: Limbs | None = None,
    moments: Moments | None = None,
) -> Figure:
    """Attention for x, y and z over time, under poses whose joints glow with its mean.

    Args:
        times_s: (T,) seconds, strictly increasing.
        attention: (3, T) in [0, 1]; single NaNs are gaps, all NaN is refused.
        joints: (T, P, J, 3) metres, Kinect axes.
        present: (T, P) who is there.
        bones: (bones, 2) joint numbers.
        left, right: joint numbers of each side.
        poses: at most so many poses, fewer where they are wide, evenly; the figure says so.
        note: which weights, what they were trained on, warnings.
        root: "camera", or "hips" where each person is centred at the own hips: several people
            then stand side by side in the figure, and it says so.
        shading: of each joint; the poses are marked by it, and with ``limbs`` it is a heat map.
        limbs: the rows of that map.
        moments: what is lost without each of them.
    """
    times = check_clock(times_s)
    curves = check_curve(attention, len(times), "attention", rows=3)
    array, there = check_skeleton(joints, present, len(times))
    array, apart = side_by_side(array, there, root)
    space = skeleton_extent(array, there)
    wide, high = space[0, 1] - space[0, 0], space[1, 1] - space[1, 0]
    fit = int(np.clip(_INCHES / (1.9 * wide / high), 3, poses))  # so that each is well seen
    chosen = even_choice(len(times), fit)
    tall = min(1.9, _INCHES / len(chosen) * 0.92 * high / wide)
    words = _words(len(chosen), len(times), shading)
    rows = _rows(Row(tall + _LEAD + _WORDS, title=words), shading, limbs, moments, truth)
    edges = frame_edges(times)
    said = " · ".join(part for part in (apart and _APART, nearly_flat(curves), note) if part)
    page = Page(rows, (float(edges[0]), float(edges[-1])), title=title, note=said)
    if shading is None:
        shading = by_attention(curves, *array.shape[1:3])
    mean = np.array([np.nanmean(c) if np.isfinite(c).any() else 0.0 for c in curves.T])
    sides = bone_sides(bones, left, right)
    metre = tall / high
    poses_axes = page.axes["poses"]
    _poses(poses_axes, times, array, there, chosen, mean, shading, sides, space, metre)
    _curves(page.axes["curves"], times, curves)
    if "joints" in page.axes and limbs is not None:
        draw_joints(page.axes["joints"], edges, shading, limbs, rows["joints"].high)
    if moments is not None:
        draw_moments(page.axes["moments"], moments, rows["moments"].high)
    if truth is not None:
        draw_truth(page.axes["truth"], truth)
    return literal(page.figure)


def _words(shown: int, count: int, shading: Shading | None) -> str:
    """What is to be known of the poses, above them."""
    some = f"{shown} of {count} poses shown, evenly in time; " if shown < count else ""
    marked = "glow: the same" if shading is None else f"joints: {shading.what}"
    sides = "left side thick blue, right side thin vermilion"
    return f"{some}{sides}; number: mean attention; {marked}"


def _rows(
    poses: Row,
    shading: Shading | None,
    limbs: Limbs | None,
    moments: Moments | None,
    truth: Truth | None,
) -> dict[str, Row]:
    """The page's rows from top to bottom: those that there is something for."""
    rows = {"poses": poses, "curves": Row(2.3, gap=0.1)}
    if shading is not None and limbs is not None:
        rows["joints"] = Row(joint_rows_high(limbs), title=shading.title)
    if moments is not None:
        rows["moments"] = Row(1.0, title=moments.title)
    if truth is not None:
        rows["truth"] = Row(0.34, title="truth: the action is visible")
    return rows


def _poses(
    axes: Axes,
    times: NDArray[np.float64],
    joints: NDArray[np.float64],
    present: NDArray[np.bool_],
    chosen: NDArray[np.int64],
    weight: NDArray[np.float64],
    shading: Shading,
    sides: dict[str, NDArray[np.int64]],
    space: NDArray[np.float64],
    metre: float,
) -> None:
    """Front views of the chosen poses, all at ``metre`` inches a metre, each led to its time."""
    start, end = axes.get_xlim()
    tall = metre * (space[1, 1] - space[1, 0])
    axes.set_ylim(0, tall + _LEAD + _WORDS)
    slot, second = (end - start) / len(chosen), (end - start) / _INCHES  # second: per inch
    for number, at in enumerate(chosen):
        middle = start + (number + 0.5) * slot
        panel = Rectangle((middle - 0.48 * slot, _LEAD - 0.06), 0.96 * slot, tall + _WORDS)
        panel.set(facecolor="#F3F5F7", edgecolor="none", zorder=0)
        axes.add_patch(panel)
        axes.plot(
            [middle, times[at]], [_LEAD - 0.06, 0], color=LIGHT.muted, linewidth=1, clip_on=False
        )
        words = f"{weight[at]:.2f}" if present[at].any() else f"{weight[at]:.2f}, nobody"
        top = tall + _LEAD + _WORDS - 0.05
        axes.text(middle, top, words, ha="center", va="top", fontsize=SMALL, color=LIGHT.ink)
        for person in np.flatnonzero(present[at]):
            pose = joints[at, person]
            across = middle + (pose[:, 0] - space[0].mean()) * metre * second
            up = _LEAD + (pose[:, 1] - space[1, 0]) * metre
            marks = shading.values[at, person].astype(np.float64)
            places = np.stack([across, up], axis=1)
            _figure(axes, places, sides, marks, shading, metre, PEOPLE[person % len(PEOPLE)])
    axes.set_xlim(start, end)


def _figure(
    axes: Axes,
    places: NDArray[np.float64],
    sides: dict[str, NDArray[np.int64]],
    marks: NDArray[np.float64],
    shading: Shading,
    metre: float,
    looks: Mapping[str, Curve],
) -> None:
    """Bones of one person, and joints as large and as coloured as they are marked."""
    used = np.unique(np.concatenate(list(sides.values())))
    scale = float(np.clip(metre, 0.5, 1.2))
    even = shading.what == "attention"  # one weight for the whole body: a glow, as on the stage
    glow = OKABE_ITO["yellow"] if even else heat_colours(shading.colours)[_steps(marks[used])] / 255
    axes.scatter(
        places[used, 0],
        places[used, 1],
        s=(20 + 420 * marks[used] ** 2) * scale,
        color=glow,
        alpha=0.08 + 0.32 * marks[used],
        linewidths=0,
        zorder=1,
    )
    for side in ("centre", "right", "left"):
        look = looks[side]
        for a, b in sides[side]:
            axes.plot(
                *places[[a, b]].T,
                color=LIGHT.graphic(look.colour),
                linewidth=look.width * 0.42 * scale,
                solid_capstyle="round",
                zorder=2,
            )
    axes.scatter(
        places[used, 0],
        places[used, 1],
        s=(5 if even else 5 + 60 * marks[used]) * scale,
        color=LIGHT.ink if even else glow,
        edgecolors=LIGHT.ink,
        linewidths=0 if even else 0.5,
        zorder=3,
    )


def _steps(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places of values in [0, 1] in a scale of 256 colours."""
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.int64)


def _curves(axes: Axes, times: NDArray[np.float64], curves: NDArray[np.float64]) -> None:
    value_axis(axes, -0.04, 1.06, (0, 0.5, 1), "attention, 0–1")
    labels, digits = {}, 3 if nearly_flat(curves) else 2
    for (name, look), values in zip(ATTENTION.items(), curves, strict=True):
        if np.isfinite(values).any():
            curve(axes, times, values, look, name)
            last = values[np.isfinite(values)][-1]
            labels[f"{name}  {last:.{digits}f} at the end"] = (float(last), look.colour)
    direct_labels(axes, labels, 2.3)
