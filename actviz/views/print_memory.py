"""MAM's figure for print: the paper's Figure 3 (frames over a decision bar), and what it hides.

The paper shows six frames over a bar, green where the frame was written and blue where it was
skipped. Here also: how sure the controller was, how the memory grew, what it holds, and when.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_frames, even_choice, frame_edges, runs
from actviz.views.memory import check_decisions, check_resets
from actviz.views.pictures import greyed
from actviz.views.printing import (
    LABEL,
    LEFT,
    RIGHT,
    SMALL,
    WIDTH,
    Page,
    Row,
    direct_labels,
    draw_truth,
    literal,
    thumbnails,
    value_axis,
)
from actviz.views.theme import LIGHT, SKIPPED, WRITTEN, ink_on
from actviz.views.truth import Truth

__all__ = ["decision_bar", "frame_row", "frame_row_height", "memory_figure"]

_INCHES = WIDTH - LEFT - RIGHT
_APART = 5.0  # points: narrower frames in the bar are drawn without a line between them
_MOST = 8  # thumbnails in a row where not all fit


def memory_figure(
    frames: ArrayLike,
    times_s: ArrayLike,
    write_probability: ArrayLike,
    written: ArrayLike,
    memory_size: ArrayLike,
    *,
    threshold: float,
    title: str,
    state_reset: ArrayLike | None = None,
    flow_written: ArrayLike | None = None,
    truth: Truth | None = None,
    note: str | None = None,
) -> Figure:
    """Frames over the decision bar, write probability, memory size, truth, and the memory itself.

    Args:
        frames: uint8 (T, H, W, 3); eight are shown where more than ten come, and it says so.
        times_s: (T,) seconds, strictly increasing.
        write_probability: (T,) a_t in [0, 1] (eq. 7); single NaNs are gaps, all NaN is refused.
        written: (T,) the decision s_t (eq. 8).
        memory_size: (T,) items after each frame.
        threshold: a_t above this is written.
        title: which clip, and what the model answers.
        state_reset: (T,) the LSTM starts anew after this frame; None: after each skipped one.
        flow_written: (T,) what a second stream, on optical flow, decides at the same moments.
        note: which weights, what they were trained on, warnings.
    """
    times, probability, decision, size = check_decisions(
        times_s, write_probability, written, memory_size
    )
    pictures = check_frames(frames, len(times))
    resets = check_resets(state_reset, decision)
    edges = frame_edges(times)
    chosen = even_choice(len(times), _MOST if len(times) > 10 else 10)
    kept = np.flatnonzero(decision)
    held = kept[even_choice(len(kept), 10)] if len(kept) else kept
    words = _words(len(times), len(chosen), len(kept), len(held))
    rows = {
        "frames": Row(frame_row_height(pictures, len(chosen)), title=words["frames"]),
        "decision": Row(0.42, gap=0.02),
        **({} if flow_written is None else {"flow": Row(0.42, gap=0.14)}),
        "probability": Row(1.7, gap=0.5),
        "size": Row(0.95, gap=0.35),
    }
    if truth is not None:
        rows["truth"] = Row(0.34, title="truth: the action is visible")
    over_time = tuple(rows)
    tall = _tall(pictures, len(held), most=1.0) + 0.26 if len(held) else 0.3
    rows["memory"] = Row(tall, gap=1.0, title=words["memory"])
    span = float(edges[0]), float(edges[-1])
    page = Page(rows, span, title=title, note=note, over_time=over_time)
    frame_row(page.axes["frames"], pictures, times, chosen, decision, rows["frames"].high)
    decision_bar(page.axes["decision"], edges, decision)
    _probability(page.axes["probability"], times, probability, decision, resets, threshold)
    if flow_written is not None:
        _second_bar(page, edges, np.asarray(flow_written))
    _size(page.axes["size"], edges, size)
    if truth is not None:
        draw_truth(page.axes["truth"], truth)
    _memory(page.axes["memory"], pictures, times, held, rows["memory"].high)
    return literal(page.figure)


def _tall(frames: NDArray[np.uint8], count: int, *, most: float = 1.75) -> float:
    """Inches that ``count`` thumbnails side by side are high."""
    return min(most, _INCHES / count * 0.94 * frames.shape[1] / frames.shape[2])


def frame_row_height(frames: NDArray[np.uint8], count: int) -> float:
    """Inches of a row of ``count`` frames with their seconds above and their lines below."""
    return _tall(frames, count) + 0.56


def _words(frames: int, shown: int, kept: int, held: int) -> dict[str, str]:
    some = "" if shown == frames else f"{shown} of {frames} frames shown, evenly in time"
    memory = f"in memory at the end: {kept} item" + ("" if kept == 1 else "s")
    if held < kept:
        memory += f", {held} shown"
    return {"frames": some, "memory": memory}


def frame_row(
    axes: Axes,
    frames: NDArray[np.uint8],
    times: NDArray[np.float64],
    chosen: NDArray[np.int64],
    decision: NDArray[np.bool_] | None,
    high: float,
) -> None:
    """``chosen`` frames led to their seconds; those that ``decision`` skips grey, dashed, blue."""
    shown, edges = frames[chosen], [(LIGHT.grid, "-")] * len(chosen)
    if decision is not None:
        kept = decision[chosen]
        pairs = zip(shown, kept, strict=True)
        shown = np.stack([f if on else greyed(f, amount=0.3) for f, on in pairs])
        edges = [(WRITTEN.colour, "-") if on else (SKIPPED.colour, "--") for on in kept]
    thumbnails(
        axes,
        shown,
        np.arange(len(chosen)),
        [f"{times[i]:.2f} s" for i in chosen],
        edges=edges,
        high=high,
        inches=_INCHES,
        leads_to=times[chosen],
    )


def decision_bar(axes: Axes, edges: NDArray[np.float64], decision: NDArray[np.bool_]) -> None:
    """The paper's bar: green written, blue skipped; skipped is also half as high."""
    axes.set_ylim(0, 1)
    wide = edges[-1] - edges[0]
    points = np.diff(edges) / wide * _INCHES * 72  # width of each frame on paper
    for at, on in enumerate(decision):
        apart = points[at] >= _APART
        look = WRITTEN if on else SKIPPED
        axes.add_patch(
            Rectangle(
                (edges[at], 0),
                edges[at + 1] - edges[at],
                1.0 if on else 0.62,
                facecolor=look.colour,
                edgecolor=LIGHT.paper if apart else look.colour,
                linewidth=min(1.0, points[at] / 12) if apart else 0.3,
                gid="written" if on else "skipped",
            )
        )
    for start, stop, on in runs(decision):
        word, look = ("written", WRITTEN) if on else ("skipped", SKIPPED)
        if (edges[stop] - edges[start]) / wide > 0.075:
            middle = (edges[start] + edges[stop]) / 2
            axes.text(
                middle,
                0.5 if on else 0.31,
                word,
                ha="center",
                va="center",
                fontsize=SMALL,
                color=ink_on(look.colour),
                bbox={"facecolor": look.colour, "edgecolor": "none", "pad": 1.5},
                zorder=5,
            )
    count = int(decision.sum())
    labels = {
        f"{count} written": (0.78, WRITTEN.colour),
        f"{len(decision) - count} skipped": (0.22, SKIPPED.colour),
    }
    direct_labels(axes, labels, 0.42)


def _second_bar(page: Page, edges: NDArray[np.float64], written: NDArray[np.bool_]) -> None:
    """The other stream's decisions under the first one's, and which is whose."""
    if written.shape != (len(edges) - 1,):
        raise ValueError(f"flow_written must have shape ({len(edges) - 1},); got {written.shape}.")
    decision_bar(page.axes["flow"], edges, written.astype(bool))
    for row, words in (("decision", "frames"), ("flow", "flow")):
        name = page.axes[row].set_ylabel(words, fontsize=LABEL, color=LIGHT.ink)
        name.set(rotation=0, ha="right", va="center")
    page.axes["probability"].set_ylabel("write proba-\nbility, frames")


def _probability(
    axes: Axes,
    times: NDArray[np.float64],
    probability: NDArray[np.float64],
    decision: NDArray[np.bool_],
    resets: NDArray[np.bool_],
    threshold: float,
) -> None:
    value_axis(axes, -0.04, 1.06, (0, 0.5, 1), "write\nprobability")
    axes.axhline(threshold, color=LIGHT.muted, linewidth=1.4, linestyle=(0, (5, 3)))
    for left in range(len(times) - 1):
        _link(axes, times, probability, left, broken=bool(resets[left]))
    size = 9 if len(times) <= 40 else 6
    for which, look, fill in (
        (decision, WRITTEN, WRITTEN.colour),
        (~decision, SKIPPED, LIGHT.paper),
    ):
        axes.plot(
            times[which],
            probability[which],
            linestyle="none",
            marker=look.mpl_marker,
            markersize=size,
            markerfacecolor=fill,
            markeredgecolor=look.colour,
            markeredgewidth=2.2,
            clip_on=False,
            zorder=4,
        )
    direct_labels(axes, {f"threshold {threshold:g}": (threshold, LIGHT.muted)}, 1.7)
    if resets[:-1].any():
        axes.set_title(
            "● written   ○ skipped; where the line breaks, the LSTM starts anew",
            loc="left",
            fontsize=SMALL,
            color=LIGHT.muted,
            pad=5,
        )


def _link(axes: Axes, times: NDArray, values: NDArray, left: int, *, broken: bool) -> None:
    """The line between two frames; with a gap in its middle where the state was reset."""
    pieces: Sequence[tuple[float, float]] = ((0.0, 0.38), (0.62, 1.0)) if broken else ((0.0, 1.0),)
    for start, stop in pieces:
        share = np.array([start, stop])
        axes.plot(
            times[left] + share * (times[left + 1] - times[left]),
            values[left] + share * (values[left + 1] - values[left]),
            color=LIGHT.ink,
            linewidth=1.8,
            zorder=3,
        )


def _size(axes: Axes, edges: NDArray[np.float64], size: NDArray[np.float64]) -> None:
    most = max(float(np.nanmax(size)), 1.0)
    value_axis(axes, 0, most * 1.12, sorted({0, round(most)}), "memory\nsize, items")
    axes.stairs(size, edges, color=LIGHT.ink, linewidth=2, baseline=None)
    axes.stairs(size, edges, color=WRITTEN.colour, fill=True, alpha=0.18)
    direct_labels(axes, {f"{int(size[-1])} at the end": (float(size[-1]), LIGHT.ink)}, 0.95)


def _memory(
    axes: Axes,
    frames: NDArray[np.uint8],
    times: NDArray[np.float64],
    held: NDArray[np.int64],
    high: float,
) -> None:
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    if not len(held):
        axes.text(
            0, 0.5, "memory is empty: nothing was written", fontsize=LABEL, color=LIGHT.ink,
            va="center",
        )  # fmt: skip
        return
    labels = [f"{times[i]:.2f} s" for i in held]
    edges = [(WRITTEN.colour, "-")] * len(held)
    thumbnails(axes, frames, held, labels, edges=edges, high=high, inches=_INCHES)
