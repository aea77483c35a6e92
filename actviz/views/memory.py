"""MAM's memory over time, on screen: when it wrote, how sure it was, how much it holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve, runs
from actviz.views.lanes import KEEP, Lane, LaneFigure
from actviz.views.parts import Part, decision_part, stacked
from actviz.views.theme import SKIPPED, WRITTEN
from actviz.views.truth import Truth

__all__ = [
    "check_decisions",
    "check_resets",
    "describe_memory",
    "memory_lanes",
    "probability_part",
    "size_part",
]


def check_decisions(
    times_s: ArrayLike, write_probability: ArrayLike, written: ArrayLike, memory_size: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """The four curves of a memory view, checked: times, probability, decision, size, each (T,)."""
    times = check_clock(times_s)
    probability = check_curve(write_probability, len(times), "write_probability")
    size = check_curve(memory_size, len(times), "memory_size")
    decision = np.asarray(written)
    if decision.shape != times.shape:
        raise ValueError(f"written must have shape {times.shape}; got {decision.shape}.")
    return times, probability, decision.astype(bool), size


def check_resets(state_reset: ArrayLike | None, written: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T,) frames after which the LSTM starts anew; None: each skipped one (eq. 4, 5)."""
    resets = ~written if state_reset is None else np.asarray(state_reset, dtype=bool)
    if resets.shape != written.shape:
        raise ValueError(f"state_reset must have shape {written.shape}; got {resets.shape}.")
    return resets


def memory_lanes(
    times_s: ArrayLike,
    write_probability: ArrayLike,
    written: ArrayLike,
    memory_size: ArrayLike,
    *,
    threshold: float,
    state_reset: ArrayLike | None = None,
    more: Sequence[Part] = (),
    cursor_s: float | None = None,
    truth: Truth | None = None,
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Write probability with its threshold, the decisions, the memory's size, and the truth.

    A skipped frame resets the LSTM's state (eq. 4–5): there the line has a small break.

    Args:
        times_s: (T,) seconds, strictly increasing.
        write_probability: (T,) a_t in [0, 1] (eq. 7).
        written: (T,) the decision s_t (eq. 8).
        memory_size: (T,) items after each frame.
        threshold: a_t above this is written.
        state_reset: (T,) the LSTM starts anew after this frame; None: after each skipped one.
        more: further lanes between the decisions and the memory's size.
        cursor_s: where the one cursor stands, seconds.
        thumbnails: uint8 (T, H, W, 3); shown above the lanes, clickable at every frame.
    """
    times, probability, decision, size = check_decisions(
        times_s, write_probability, written, memory_size
    )
    return stacked(
        [
            probability_part(probability, decision, threshold=threshold, state_reset=state_reset),
            decision_part(decision),
            *more,
            size_part(size),
        ],
        times,
        cursor_s=cursor_s,
        truth=truth,
        thumbnails=thumbnails,
        title=title,
        note=note,
        dark=dark,
    )


def probability_part(
    write_probability: ArrayLike,
    written: ArrayLike,
    *,
    threshold: float,
    state_reset: ArrayLike | None = None,
) -> Part:
    """How sure the controller was at each frame; the line breaks where the LSTM starts anew."""
    decision = np.asarray(written).astype(bool)
    probability = check_curve(write_probability, len(decision), "write_probability")
    resets = check_resets(state_reset, decision)

    def draw(lanes: LaneFigure, number: int) -> None:
        words = f"threshold {threshold:g}"
        lanes.level(number, threshold, words)
        lanes.direct_labels(number, {words: (threshold, lanes.theme.muted)})
        _probability(lanes, number, probability, decision)
        _breaks(lanes, number, probability, np.flatnonzero(resets[:-1]))

    return Part(Lane("write probability, 0–1", 190, (-0.04, 1.06), (0, 0.5, 1)), draw)


def size_part(memory_size: ArrayLike) -> Part:
    """Items in memory after each frame, as steps."""
    size = check_curve(memory_size, np.size(memory_size), "memory_size")
    most = max(float(np.nanmax(size)), 1.0)

    def draw(lanes: LaneFigure, number: int) -> None:
        ink = lanes.theme.ink
        line = {"color": ink, "width": 2, "shape": "hv"}
        marker = {"color": ink, "size": 5}
        lanes.points(number, size, "memory size", digits=0, line=line, marker=marker)
        lanes.direct_labels(number, {f"{int(size[-1])} at the end": (float(size[-1]), ink)})

    ticks = sorted({0, round(most)})
    return Part(Lane("memory size, items", 84, (0, most * 1.15), ticks), draw)


def _probability(
    lanes: LaneFigure, number: int, probability: NDArray, decision: NDArray[np.bool_]
) -> None:
    colours = np.where(decision, WRITTEN.colour, SKIPPED.colour)
    marker = {
        "size": lanes.marker_size + 2,
        "color": np.where(decision, WRITTEN.colour, lanes.theme.panel),
        "symbol": "circle",
        "line": {"color": colours, "width": 2.5},
    }
    line = {"color": lanes.theme.ink, "width": 2}
    lanes.points(number, probability, "write probability", marker=marker, line=line)


def _breaks(
    lanes: LaneFigure, number: int, probability: NDArray, resets: NDArray[np.int64]
) -> None:
    """Covers the middle of the line where the state behind it was thrown away."""
    times = lanes.times_s
    lanes.figure.add_trace(
        go.Scatter(
            x=(times[resets] + times[resets + 1]) / 2,
            y=(probability[resets] + probability[resets + 1]) / 2,
            mode="markers",
            name="state reset",
            hoverinfo="skip",
            unselected=KEEP,
            marker={"size": lanes.marker_size - 2, "symbol": "square", "color": lanes.theme.panel},
        ),
        row=lanes.row(number),
        col=1,
    )


def describe_memory(
    times_s: ArrayLike,
    write_probability: ArrayLike,
    written: ArrayLike,
    memory_size: ArrayLike,
    *,
    threshold: float,
    truth: Truth | None = None,
) -> str:
    """The same arrays in words, for a reader who does not see the figure."""
    times, probability, decision, size = check_decisions(
        times_s, write_probability, written, memory_size
    )
    frames = f"{len(times)} frame" + ("s" if len(times) > 1 else "")
    span = f"{frames} from {times[0]:.2f} to {times[-1]:.2f} s"
    if not decision.any():
        what = "none was written: the memory stayed empty"
    else:
        stretches = [
            f"{times[a]:.2f}–{times[b - 1]:.2f} s" if b - a > 1 else f"{times[a]:.2f} s"
            for a, b, on in runs(decision)
            if on
        ]
        shown = ", ".join(stretches[:4]) + (" and later" if len(stretches) > 4 else "")
        what = f"{int(decision.sum())} were written ({shown}); {int(size[-1])} items at the end"
    low, high = np.nanmin(probability), np.nanmax(probability)
    text = (
        f"MAM looked at {span}; {what}. "
        f"Write probability {low:.2f} to {high:.2f}, threshold {threshold:g}."
    )
    return text if truth is None else f"{text} {_against(truth, times, decision)}"


def _against(truth: Truth, times: NDArray[np.float64], decision: NDArray[np.bool_]) -> str:
    at = np.abs(np.asarray(truth.times_s)[None] - times[:, None]).argmin(axis=1)
    evidence = np.asarray(truth.evidence, dtype=bool)[at]
    right = int((decision & evidence).sum())
    return (
        f"The action was visible in {int(evidence.sum())} of these frames; "
        f"{right} of the {int(decision.sum())} written ones are among them."
    )
