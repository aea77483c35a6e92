"""Lanes as building blocks: what a lane is called, how high it is, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock
from actviz.views.lanes import KEEP, Lane, LaneFigure
from actviz.views.theme import SKIPPED, WRITTEN, pick_theme
from actviz.views.truth import Truth

__all__ = ["Part", "decision_part", "reach", "stacked"]


@dataclass(frozen=True)
class Part:
    """One lane with the way it is drawn into whatever figure it stands in."""

    lane: Lane
    draw: Callable[[LaneFigure, int], None]  # (figure, the lane's number in it)


def stacked(
    parts: Sequence[Part],
    times_s: ArrayLike,
    *,
    cursor_s: float | None = None,
    truth: Truth | None = None,
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """``parts`` from top to bottom over one axis of seconds, with one cursor through them."""
    lanes = LaneFigure(
        [part.lane for part in parts],
        check_clock(times_s),
        pick_theme(dark),
        truth=truth,
        thumbnails=thumbnails,
    )
    for number, part in enumerate(parts):
        part.draw(lanes, number)
    return lanes.finish(cursor_s, title, note)


def decision_part(
    written: ArrayLike,
    *,
    title: str = "decision",
    times_s: ArrayLike | None = None,
    forced_s: ArrayLike = (),
    dropped_s: ArrayLike = (),
) -> Part:
    """MAM's bar: green and full height where written, blue and half as high where skipped.

    Args:
        written: (T,) the decisions.
        times_s: (T,) their seconds, where they are not those of the figure they stand in.
        forced_s: seconds of the decisions that somebody else took: a diamond on their bar.
        dropped_s: seconds of frames that were not shown to the model: a cross.
    """
    decision = np.asarray(written)
    times = None if times_s is None else check_clock(times_s)
    if decision.ndim != 1 or (times is not None and decision.shape != times.shape):
        raise ValueError(f"written must have one decision per time, (T,); got {decision.shape}.")
    decision = decision.astype(bool)

    def draw(lanes: LaneFigure, number: int) -> None:
        colours = np.where(decision, WRITTEN.colour, SKIPPED.colour)
        marker = {"color": colours, "line": {"color": lanes.theme.panel, "width": 1}}
        words = ["written" if on else "skipped" for on in decision]
        tops = np.where(decision, 1.0, 0.5)
        lanes.bars(number, tops, words, times_s=times, marker=marker)
        counts = {
            f"{int(decision.sum())} written": (0.8, WRITTEN.colour),
            f"{int((~decision).sum())} skipped": (0.25, SKIPPED.colour),
        }
        lanes.direct_labels(number, counts)
        _mark(lanes, number, forced, "forced", "diamond")
        _mark(lanes, number, gone, "dropped", "x")

    forced, gone = np.asarray(forced_s, float), np.asarray(dropped_s, float)
    for marks, sign in ((forced, "◆ forced"), (gone, "✕ left out")):
        title = f"{title} · {sign}" if len(marks) else title
    return Part(Lane(title, 46, ticks=()), draw)


def _mark(
    lanes: LaneFigure, number: int, seconds: NDArray[np.float64], name: str, symbol: str
) -> None:
    if not len(seconds):
        return
    lanes.figure.add_trace(
        go.Scatter(
            x=seconds,
            y=np.full(len(seconds), 0.25),
            mode="markers",
            name=name,
            hoverinfo="skip",
            unselected=KEEP,
            marker={
                "symbol": symbol,
                "size": 12,
                "color": lanes.theme.ink,
                "line": {"color": lanes.theme.panel, "width": 1.5},
            },
        ),
        row=lanes.row(number),
        col=1,
    )


def reach(*values: ArrayLike, least: float = 0.1) -> tuple[float, float]:
    """(low, high) of a y axis that shows zero and all finite ``values``, with a little air."""
    flat = np.concatenate([np.zeros(1), *(np.ravel(np.asarray(v, float)) for v in values)])
    flat = flat[np.isfinite(flat)]
    low, high = float(flat.min()), float(flat.max())
    air = 0.12 * max(high - low, least)
    return low - air, max(high, low + least) + air
