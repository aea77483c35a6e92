"""TMNet's figure for print: the paper's Figure 6, for several moments and on one scale.

The paper shows one frame of HighJump with the maps of the regression (RB) and classification (CB)
branch and their probabilities. Here the same frames stand in columns, both maps share one colour
scale for the whole clip, and below run the probability of every single glance over time, where the
branches disagree, and how near each glance comes to the feature of the whole clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from actviz.views.branches import check_agree
from actviz.views.checks import (
    check_clock,
    check_curve,
    check_frames,
    check_maps,
    even_choice,
    frame_edges,
)
from actviz.views.glance import no_evidence
from actviz.views.heat import blend_heat, blend_motion, dim_outside
from actviz.views.printing import (
    LABEL,
    LEFT,
    RIGHT,
    SMALL,
    TITLE,
    WIDTH,
    Page,
    Row,
    curve,
    direct_labels,
    draw_truth,
    heat_scale,
    literal,
    thumbnails,
    value_axis,
)
from actviz.views.theme import BOTH, CLASSIFICATION, LIGHT, REGRESSION
from actviz.views.truth import Truth

__all__ = ["Branches", "glance_figure"]

_INCHES = WIDTH - LEFT - RIGHT
_SHOWN = "{} of {} frames shown: evenly in time"
_AMONG = ", the one of highest evidence among them"
_NAMES = {
    "frames": "frame",
    "RB": "regression\nbranch",
    "CB": "classification\nbranch",
    "motion": "motion",
}
_BRIEF = {"frames": "frame", "RB": "evidence\n(RB)", "CB": "evidence\n(CB)", "motion": "motion"}
_ROOM = 1.35  # inches of a row beside which the names stand upright without touching
_LOOKS = {"RB": REGRESSION, "CB": CLASSIFICATION}


@dataclass(frozen=True)
class Branches:
    """How the branches stand to one another and to the clip at each of T glances."""

    disagreement: ArrayLike  # (T,), total variation distance of their probabilities
    agree: ArrayLike  # (T,), both answer the same class
    distance_rb: ArrayLike  # (T,), SmoothL1 of this glance's feature to the clip's F_cls
    distance_cb: ArrayLike  # (T,)


def glance_figure(
    frames: ArrayLike,
    times_s: ArrayLike,
    cam_rb: ArrayLike,
    cam_cb: ArrayLike,
    rb: ArrayLike,
    cb: ArrayLike,
    both: ArrayLike,
    *,
    class_name: str,
    title: str,
    columns: int = 6,
    box: tuple[int, int, int] | None = None,
    branches: Branches | None = None,
    motion: ArrayLike | None = None,
    motion_max: float = 0.0,
    truth: Truth | None = None,
    note: str | None = None,
) -> Figure:
    """The evidence maps of both branches on the same frames, and their probabilities over time.

    Args:
        frames: uint8 (T, H, W, 3).
        times_s: (T,) seconds, strictly increasing.
        cam_rb, cam_cb: (T, h, w) in [0, 1], positive evidence over one maximum for clip and
            branches. Zero everywhere: the figure says "no positive evidence" in words.
        rb, cb, both: (T,) probability of ``class_name`` by each branch and by both.
        class_name: the class whose evidence and probability are shown.
        columns: at most so many frames, evenly, the one of highest evidence among them; the
            figure says so.
        box: (top, left, side) in pixels, the square the model saw; None: the whole picture.
        branches: where the branches disagree, and the temporal memory; None: no such rows.
        motion: (T, h', w') in [0, 1], flow magnitude over ``motion_max`` pixels per frame.
        note: which weights, what they were trained on, warnings.
    """
    times = check_clock(times_s)
    pictures = check_frames(frames, len(times))
    given = {"RB": cam_rb, "CB": cam_cb}
    maps = {n: check_maps(m, len(times), f"cam_{n.lower()}") for n, m in given.items()}
    curves = {
        name: check_curve(values, len(times), name)
        for name, values in (("RB", rb), ("CB", cb), ("both", both))
    }
    if columns < 1:
        raise ValueError(f"columns must be at least 1; got {columns}.")
    chosen = _choice(maps, columns)
    more = [n for n, x in (("motion", motion), ("branches", branches)) if x is not None]
    some = "" if len(chosen) == len(times) else _SHOWN.format(len(chosen), len(times))
    if some and max(m.max() for m in maps.values()) > 0:
        some += _AMONG
    page = _page(pictures, times, len(chosen), some, more, truth, title, note)
    _frames(page, pictures, times, chosen)
    seen = dim_outside(pictures[chosen], box)
    _evidence(page, seen, maps, curves, chosen, box, class_name)
    if motion is not None:
        moves = check_maps(motion, len(times), "motion")[chosen]
        _motion(page, blend_motion(seen, moves, box=box), motion_max)
    _curves(page.axes["curves"], times, curves, chosen, class_name)
    if branches is not None:
        _disagreement(page.axes["disagree"], times, branches)
        _recall(page.axes["recall"], times, branches)
    if truth is not None:
        draw_truth(page.axes["truth"], truth)
    return literal(page.figure)


def _evidence(
    page: Page,
    seen: NDArray[np.uint8],
    maps: dict[str, NDArray[np.float64]],
    curves: dict[str, NDArray[np.float64]],
    chosen: NDArray[np.int64],
    box: tuple[int, int, int] | None,
    class_name: str,
) -> None:
    """The rows of both branches' maps over the frames ``seen``, and their scale."""
    for branch in ("RB", "CB"):
        heat = blend_heat(seen, maps[branch][chosen], box=box)
        _maps(page, branch, heat, curves[branch][chosen])
        if maps[branch].max() <= 0:
            _no_map(page.axes[branch], no_evidence(class_name, branch=branch))
    reach = {branch: float(m.max()) for branch, m in maps.items()}
    if max(reach.values()) > 0:
        unit = "(1: the clip's highest)" if _high(page, "RB") >= _ROOM else "(1: highest)"
        far = ", ".join(f"{branch} to {most:.2f}" for branch, most in reach.items())
        heat_scale(page, "RB", "CB", f"evidence for {class_name}\n{unit}\n{far}")


def _choice(maps: dict[str, NDArray[np.float64]], columns: int) -> NDArray[np.int64]:
    """Frames evenly in time, the nearest of them moved to where the evidence is highest."""
    highest = np.maximum(*(m.max(axis=(1, 2)) for m in maps.values()))
    chosen = even_choice(len(highest), columns)
    if highest.max() > 0:
        peak = int(highest.argmax())
        chosen[np.abs(chosen - peak).argmin()] = peak
    return chosen


def _page(
    frames: NDArray[np.uint8],
    times: NDArray[np.float64],
    shown: int,
    some: str,
    more: list[str],
    truth: Truth | None,
    title: str,
    note: str | None,
) -> Page:
    tall = min(2.3, _INCHES / shown * 0.94 * frames.shape[1] / frames.shape[2])
    rows = {
        "frames": Row(tall + 0.26, title=some),
        "RB": Row(tall + 0.26, gap=0.14),
        "CB": Row(tall + 0.26, gap=0.14),
    }
    if "motion" in more:
        rows["motion"] = Row(tall + 0.26, gap=0.14)
    rows["curves"] = Row(1.9, gap=0.5)
    if "branches" in more:
        rows |= {"disagree": Row(0.6, gap=0.46), "recall": Row(1.1, gap=0.46)}
    if truth is not None:
        rows["truth"] = Row(0.34, title="truth: the action is visible")
    edges = frame_edges(times)
    page = Page(rows, (float(edges[0]), float(edges[-1])), title=title, note=note)
    for name in (name for name in rows if name in _NAMES):
        colour = _LOOKS[name].colour if name in _LOOKS else LIGHT.ink
        label = page.axes[name].set_ylabel("", fontsize=LABEL, color=LIGHT.text(colour))
        if tall + 0.26 >= _ROOM:
            label.set_text(_NAMES[name])
        else:
            label.set(text=_BRIEF[name], rotation=0, ha="right", va="center", fontsize=SMALL)
    return page


def _frames(
    page: Page, frames: NDArray[np.uint8], times: NDArray[np.float64], chosen: NDArray[np.int64]
) -> None:
    thumbnails(
        page.axes["frames"],
        frames,
        chosen,
        [f"{times[i]:.2f} s" for i in chosen],
        edges=[(LIGHT.grid, "-")] * len(chosen),
        high=_high(page, "frames"),
        inches=_INCHES,
    )


def _maps(page: Page, branch: str, heat: NDArray[np.uint8], values: NDArray[np.float64]) -> None:
    thumbnails(
        page.axes[branch],
        heat,
        np.arange(len(heat)),
        [f"{branch} {value:.2f}" if np.isfinite(value) else branch for value in values],
        edges=[(_LOOKS[branch].colour, _LOOKS[branch].mpl_dash)] * len(heat),
        high=_high(page, branch),
        inches=_INCHES,
    )


def _no_map(axes: Axes, words: str) -> None:
    """Says over the pictures that no heat is missing by mistake."""
    axes.text(
        0.5,
        0.42,
        words,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=TITLE,
        color=LIGHT.ink,
        bbox={"facecolor": LIGHT.paper, "edgecolor": LIGHT.ink, "boxstyle": "round,pad=0.4"},
        zorder=6,
    )


def _high(page: Page, name: str) -> float:
    return float(page.axes[name].get_position().height * page.height)


def _curves(
    axes: Axes,
    times: NDArray[np.float64],
    curves: dict[str, NDArray[np.float64]],
    chosen: NDArray[np.int64],
    class_name: str,
) -> None:
    value_axis(axes, -0.04, 1.06, (0, 0.5, 1), "probability")
    _over(axes, f"probability of {class_name}, one glance at each frame")
    for at in times[chosen]:
        axes.axvline(at, color=LIGHT.grid, linewidth=1, zorder=0)
    labels = {}
    words = {"RB": "regression (RB)", "CB": "classification (CB)", "both": "both"}
    for name, look in (("both", BOTH), *reversed(_LOOKS.items())):
        curve(axes, times, curves[name], look, words[name])
        last = curves[name][np.isfinite(curves[name])][-1]
        labels[words[name]] = (float(last), look.colour)
    direct_labels(axes, labels, 1.9)


def _motion(page: Page, heat: NDArray[np.uint8], largest: float) -> None:
    thumbnails(
        page.axes["motion"],
        heat,
        np.arange(len(heat)),
        [""] * len(heat),
        edges=[(LIGHT.muted, "-")] * len(heat),
        high=_high(page, "motion"),
        inches=_INCHES,
    )
    words = "no motion"
    if largest > 0:
        words = f"motion, 0 to {largest:.1f}\npixels per frame,\ncoloured by its root"
    _beside(page.axes["motion"], words)


def _disagreement(axes: Axes, times: NDArray[np.float64], branches: Branches) -> None:
    values, same = check_agree(branches.disagreement, branches.agree)
    top = float(np.clip(np.nanmax(values) * 1.25, 0.25, 1.05))
    value_axis(axes, 0, top, (0, 0.5, 1) if top > 0.5 else (0, 0.2), "")
    edges = frame_edges(times)
    colours = [LIGHT.grid if agrees else LIGHT.ink for agrees in same]
    axes.bar(edges[:-1], values, np.diff(edges), align="edge", color=colours, edgecolor=LIGHT.muted)
    _over(axes, "share of the probability that the branches place differently")
    differ = int((~same).sum())
    _beside(
        axes, f"black: different\nanswers ({differ} of {len(same)})" if differ else "same answers"
    )


def _recall(axes: Axes, times: NDArray[np.float64], branches: Branches) -> None:
    curves = {
        "regression (RB)": (branches.distance_rb, REGRESSION),
        "classification (CB)": (branches.distance_cb, CLASSIFICATION),
    }
    checked = {name: check_curve(v, len(times), name) for name, (v, _) in curves.items()}
    high = max(float(np.nanmax(values)) for values in checked.values()) or 1.0
    ticks = [t for t in MaxNLocator(3).tick_values(0, high) if 0 <= t < 1.15 * high]
    value_axis(axes, 0, 1.15 * high, ticks, "SmoothL1")
    labels = {}
    for name, (_, look) in reversed(curves.items()):
        curve(axes, times, checked[name], look, name)
        last = checked[name][np.isfinite(checked[name])][-1]
        labels[name] = (float(last), look.colour)
    direct_labels(axes, labels, 1.1)
    _over(axes, "temporal memory: from the feature of one glance to that of the clip (eq. 1)")


def _over(axes: Axes, words: str) -> None:
    axes.set_title(words, loc="left", fontsize=SMALL, color=LIGHT.muted, pad=5)


def _beside(axes: Axes, words: str) -> None:
    axes.annotate(
        words, (1, 0.5), xycoords="axes fraction", xytext=(8, 0), textcoords="offset points",
        va="center", fontsize=SMALL, color=LIGHT.ink, annotation_clip=False,
    )  # fmt: skip
