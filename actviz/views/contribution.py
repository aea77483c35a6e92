"""What each memory item adds to the logit of one class: exact, since MAM answers from a mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve
from actviz.views.lanes import Lane, LaneFigure
from actviz.views.parts import Part, decision_part, reach, stacked
from actviz.views.theme import AGAINST, FOR
from actviz.views.truth import Truth

__all__ = [
    "Contribution",
    "check_contribution",
    "contribution_lanes",
    "contribution_part",
    "describe_contribution",
]


@dataclass(frozen=True)
class Contribution:
    """One class's share of every frame, checked; ``items`` + ``bias`` is the logit."""

    values: NDArray[np.float64]  # (T,), 0 where nothing was written
    written: NDArray[np.bool_]  # (T,)
    bias: float
    class_name: str

    @property
    def items(self) -> float:
        """What all items add together."""
        return float(self.values.sum())

    @property
    def sums(self) -> str:
        """``items +3.21, bias −0.02, logit +3.19``"""
        logit = self.items + self.bias
        return f"items {signed(self.items)}, bias {signed(self.bias)}, logit {signed(logit)}"


def signed(value: float) -> str:
    """A number with its sign, the minus as wide as the plus."""
    return f"{value:+.2f}".replace("-", "−")


def check_contribution(
    contribution: ArrayLike, written: ArrayLike, *, class_name: str, bias: float
) -> Contribution:
    """The arrays of a contribution view, checked. Soft writes let skipped frames add a little."""
    decision = np.asarray(written)
    if decision.ndim != 1:
        raise ValueError(f"written must have shape (T,); got {decision.shape}.")
    decision = decision.astype(bool)
    values = check_curve(contribution, len(decision), "contribution")
    if not np.isfinite(values).all() or not np.isfinite(bias):
        raise ValueError("contribution and bias must be finite; got nan or infinity.")
    return Contribution(values, decision, float(bias), class_name)


def contribution_part(
    contribution: ArrayLike, written: ArrayLike, *, class_name: str, bias: float
) -> Part:
    """Bars up where an item speaks for the class, down and dotted where it speaks against it.

    Args:
        contribution: (T,) what each frame's item adds to the logit, 0 where skipped.
        written: (T,) the decisions.
        bias: of the classifier for this class; the bars and it add up to the logit.
    """
    shares = check_contribution(contribution, written, class_name=class_name, bias=bias)

    def draw(lanes: LaneFigure, number: int) -> None:
        up = shares.values >= 0
        dots = {"shape": np.where(up, "", "."), "fgcolor": lanes.theme.panel, "size": 6}
        colours = np.where(up, FOR.colour, AGAINST.colour)
        marker = {"color": colours, "line": {"color": lanes.theme.panel, "width": 1}}
        marker["pattern"] = dots | {"solidity": 0.3, "fillmode": "overlay"}
        lanes.bars(number, shares.values, _bar_words(shares), name="contribution", marker=marker)
        low, high = low_high
        labels = {"▲ for": (high * 0.6, FOR.colour)}
        if (shares.values < 0).any():
            labels["▼ against"] = (low * 0.6, AGAINST.colour)
        lanes.direct_labels(number, labels)

    low_high = reach(shares.values)
    return Part(Lane(f"adds to the logit of {class_name}: {shares.sums}", 104, low_high), draw)


def _bar_words(shares: Contribution) -> list[str]:
    return [
        f"adds {signed(value)} to {shares.class_name}" if on or value else "skipped: adds nothing"
        for value, on in zip(shares.values, shares.written, strict=True)
    ]


def contribution_lanes(
    times_s: ArrayLike,
    contribution: ArrayLike,
    written: ArrayLike,
    *,
    class_name: str,
    bias: float,
    cursor_s: float | None = None,
    truth: Truth | None = None,
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """The decisions over what each written frame adds to the logit of ``class_name``.

    Args:
        times_s: (T,) seconds, strictly increasing.
        contribution: (T,) what each frame's item adds to the logit, 0 where skipped.
        written: (T,) the decisions.
        bias: of the classifier for this class.
    """
    return stacked(
        [
            decision_part(written),
            contribution_part(contribution, written, class_name=class_name, bias=bias),
        ],
        times_s,
        cursor_s=cursor_s,
        truth=truth,
        thumbnails=thumbnails,
        title=title,
        note=note,
        dark=dark,
    )


def describe_contribution(
    times_s: ArrayLike,
    contribution: ArrayLike,
    written: ArrayLike,
    *,
    class_name: str,
    bias: float,
) -> str:
    """The same arrays in words, for a reader who does not see the figure."""
    times = check_clock(times_s)
    shares = check_contribution(contribution, written, class_name=class_name, bias=bias)
    if not shares.values.any():
        return (
            f"Nothing is in memory: the logit of {class_name} is the classifier's bias alone, "
            f"{signed(bias)}."
        )
    best, worst = int(shares.values.argmax()), int(shares.values.argmin())
    text = f"The memory adds {signed(shares.items)} to the logit of {class_name}"
    if shares.values[best] > 0:
        text += f", most at {times[best]:.2f} s ({signed(shares.values[best])})"
    if shares.values[worst] < 0:
        text += f"; against it speaks most {times[worst]:.2f} s ({signed(shares.values[worst])})"
    return f"{text}. With the bias {signed(bias)} the logit is {signed(shares.items + bias)}."
