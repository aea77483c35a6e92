"""How well people are seen over time, and seconds that were kept from the model.

T frames · P people · J joints
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.lanes import KEEP, Lane, LaneFigure
from actviz.views.parts import Part
from actviz.views.theme import PEOPLE

__all__ = ["quality_part", "unseen_over"]


def unseen_over(part: Part, span_s: tuple[float, float]) -> Part:
    """The same lane with a hatched band through the whole figure: seconds that the model missed."""

    def draw(lanes: LaneFigure, number: int) -> None:
        part.draw(lanes, number)
        lanes.band(*span_s, "not seen")

    return Part(part.lane, draw)


def quality_part(
    present: ArrayLike,
    visibility: ArrayLike | None = None,
    interpolated: ArrayLike | None = None,
) -> Part:
    """How well each person is seen: a bar a frame, hatched where bridged, none where missing.

    Args:
        present: (T, P) who is there.
        visibility: (T, P, J) in [0, 1], the bar's height by the mean over joints; None: full.
        interpolated: (T, P) whose joints were bridged over a short gap.
    """
    there = np.asarray(present, dtype=bool)
    bridged = np.zeros_like(there) if interpolated is None else np.asarray(interpolated, bool)
    seen = there.astype(float)
    if visibility is not None:
        seen = seen * np.nan_to_num(np.asarray(visibility, dtype=np.float64)).mean(axis=2)
        seen = np.where(there & bridged, np.maximum(seen, 0.5), seen)  # nobody saw these: a mark
    people = np.flatnonzero(there.any(axis=0)).tolist() or [0]
    count = len(people)

    def draw(lanes: LaneFigure, number: int) -> None:
        labels = {}
        for rank, person in enumerate(people):
            low = count - 1 - rank
            _seen_bars(lanes, number, seen[:, person], bridged[:, person], low, person)
            share = f"{there[:, person].mean():.0%}"
            name = f"person {person + 1}: {share}" if count > 1 else f"there: {share}"
            labels[name] = (low + 0.45, PEOPLE[person % len(PEOPLE)]["left"].colour)
        lanes.touch(number, 0.5)
        lanes.direct_labels(number, labels)

    how = "how surely joints are seen, 0–1" if visibility is not None else "who was measured"
    sign = " · hatched: bridged over a gap" if bridged.any() else ""
    return Part(Lane(f"{how}{sign}", 30 * count + 10, (0, count), ticks=()), draw)


def _seen_bars(
    lanes: LaneFigure,
    number: int,
    seen: NDArray[np.float64],
    bridged: NDArray[np.bool_],
    low: float,
    person: int,
) -> None:
    colour = PEOPLE[person % len(PEOPLE)]["left"].colour
    who = f"person {person + 1}"
    words = np.where(seen <= 0, "missing", np.where(bridged, "bridged", "measured"))
    lanes.figure.add_trace(
        go.Bar(
            x=(lanes.edges[:-1] + lanes.edges[1:]) / 2,
            width=np.diff(lanes.edges),
            base=low,
            y=0.88 * seen,
            text=[f"{who} {word} {v:.2f}" for word, v in zip(words, seen, strict=True)],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            name=who,
            selected=KEEP,
            unselected=KEEP,
            marker={
                "color": np.where(bridged, lanes.theme.panel, colour),
                "line": {"width": 0},
                "pattern": {"shape": np.where(bridged, "/", ""), "fgcolor": colour, "size": 6},
            },
        ),
        row=lanes.row(number),
        col=1,
    )
