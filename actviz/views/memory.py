"""MAM's memory over time, on screen: when it wrote, how sure it was, how much it holds."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve, runs
from actviz.views.lanes import KEEP, Lane, LaneFigure
from actviz.views.theme import SKIPPED, WRITTEN, pick_theme
from actviz.views.truth import Truth

__all__ = ["check_decisions", "describe_memory", "memory_lanes"]


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


def memory_lanes(
    times_s: ArrayLike,
    write_probability: ArrayLike,
    written: ArrayLike,
    memory_size: ArrayLike,
    *,
    threshold: float,
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
        cursor_s: where the one cursor stands, seconds.
        thumbnails: uint8 (T, H, W, 3); shown above the lanes, clickable at every frame.
    """
    times, probability, decision, size = check_decisions(
        times_s, write_probability, written, memory_size
    )
    theme = pick_theme(dark)
    most = max(float(np.nanmax(size)), 1.0)
    lanes = LaneFigure(
        [
            Lane("write probability, 0–1", 190, (-0.04, 1.06), (0, 0.5, 1)),
            Lane("decision", 46, ticks=()),
            Lane("memory size, items", 84, (0, most * 1.15), sorted({0, round(most)})),
        ],
        times,
        theme,
        truth=truth,
        thumbnails=thumbnails,
    )
    lanes.level(0, threshold, f"threshold {threshold:g}")
    _probability(lanes, probability, decision)
    _decisions(lanes, decision)
    line = {"color": theme.ink, "width": 2, "shape": "hv"}
    marker = {"color": theme.ink, "size": 5}
    lanes.points(2, size, "memory size", digits=0, line=line, marker=marker)
    lanes.direct_labels(2, {f"{int(size[-1])} at the end": (float(size[-1]), theme.ink)})
    return lanes.finish(cursor_s, title, note)


def _probability(lanes: LaneFigure, probability: NDArray, decision: NDArray[np.bool_]) -> None:
    theme, times = lanes.theme, lanes.times_s
    colours = np.where(decision, WRITTEN.colour, SKIPPED.colour)
    marker = {
        "size": lanes.marker_size + 2,
        "color": np.where(decision, WRITTEN.colour, theme.panel),
        "symbol": "circle",
        "line": {"color": colours, "width": 2.5},
    }
    lanes.points(
        0, probability, "write probability", marker=marker, line={"color": theme.ink, "width": 2}
    )
    reset = np.flatnonzero(~decision[:-1])
    lanes.figure.add_trace(
        go.Scatter(  # covers the middle of the line: the state behind it was thrown away
            x=(times[reset] + times[reset + 1]) / 2,
            y=(probability[reset] + probability[reset + 1]) / 2,
            mode="markers",
            name="state reset",
            hoverinfo="skip",
            unselected=KEEP,
            marker={"size": lanes.marker_size - 2, "symbol": "square", "color": theme.panel},
        ),
        row=lanes.row(0),
        col=1,
    )


def _decisions(lanes: LaneFigure, decision: NDArray[np.bool_]) -> None:
    colours = np.where(decision, WRITTEN.colour, SKIPPED.colour)
    marker = {"color": colours, "line": {"color": lanes.theme.panel, "width": 1}}
    words = ["written" if on else "skipped" for on in decision]
    lanes.bars(1, np.where(decision, 1.0, 0.5), words, marker=marker)
    counts = {
        f"{int(decision.sum())} written": (0.8, WRITTEN.colour),
        f"{int((~decision).sum())} skipped": (0.25, SKIPPED.colour),
    }
    lanes.direct_labels(1, counts)


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
