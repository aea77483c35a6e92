"""TMNet's two branches against each other: where they disagree, how far apart their features are,
and how well one glance predicts the feature of the whole clip, the "temporal memory"."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve
from actviz.views.lanes import KEEP, Lane, LaneFigure
from actviz.views.parts import Part
from actviz.views.theme import CLASSIFICATION, REGRESSION, Curve

__all__ = [
    "check_agree",
    "describe_branches",
    "describe_recall",
    "disagreement_part",
    "distance_part",
    "recall_part",
]

EQ1 = "SmoothL1, eq. 1"


def check_agree(
    disagreement: ArrayLike, agree: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Both as (T,): total variation in [0, 1], and whether both branches answer the same."""
    values = check_curve(disagreement, np.size(disagreement), "disagreement")
    same = np.asarray(agree)
    if same.shape != values.shape:
        raise ValueError(f"agree must have shape {values.shape}; got {same.shape}.")
    if np.nanmin(values) < -1e-6 or np.nanmax(values) > 1 + 1e-6:
        raise ValueError("disagreement is a share of the probability and must lie in [0, 1].")
    return values, same.astype(bool)


def disagreement_part(disagreement: ArrayLike, agree: ArrayLike) -> Part:
    """How much of the probability the branches place differently, a bar for each glance.

    Args:
        disagreement: (T,) total variation distance of their probabilities, 0 to 1.
        agree: (T,) both answer the same class; where not, the bar is full and has a cross.
    """
    values, same = check_agree(disagreement, agree)
    top = float(np.clip(np.nanmax(values) * 1.3, 0.25, 1.08))

    def draw(lanes: LaneFigure, number: int) -> None:
        marker = {
            "color": np.where(same, lanes.theme.grid, lanes.theme.ink),
            "line": {"color": lanes.theme.muted, "width": 1},
        }
        words = [
            f"{value:.2f} placed differently, {'same answer' if one else 'different answers'}"
            for value, one in zip(values, same, strict=True)
        ]
        lanes.bars(number, values, words, name="disagreement", marker=marker)
        differ = np.flatnonzero(~same)
        _crosses(lanes, number, differ, top)
        count = f"✕ {len(differ)} of {len(same)}" if len(differ) else "same answers"
        lanes.direct_labels(number, {count: (top * 0.5, lanes.theme.ink)})

    title = "branches disagree: share of probability placed differently · ✕ different answers"
    return Part(Lane(title, 84, (0, top), (0, 0.5, 1) if top > 0.5 else (0, 0.2)), draw)


def _crosses(lanes: LaneFigure, number: int, at: NDArray[np.int64], top: float) -> None:
    lanes.figure.add_scatter(
        x=lanes.times_s[at],
        y=np.full(len(at), top * 0.92),
        mode="markers",
        name="different answers",
        hoverinfo="skip",
        unselected=KEEP,
        marker={"symbol": "x", "size": 8, "color": lanes.theme.ink},
        row=lanes.row(number),
        col=1,
    )


def distance_part(branch_distance: ArrayLike) -> Part:
    """SmoothL1 between what both branches make of the same frame (T,)."""
    values = check_curve(branch_distance, np.size(branch_distance), "branch_distance")

    def draw(lanes: LaneFigure, number: int) -> None:
        look = Curve(lanes.theme.ink, "dot", "diamond")
        lanes.curve(number, values, "distance of the branches", look)
        lanes.direct_labels(number, {"RB to CB": (_last(values), lanes.theme.ink)})

    return Part(Lane(f"distance of the branches' features ({EQ1})", 96, _room(values)), draw)


def recall_part(memory_distance_rb: ArrayLike, memory_distance_cb: ArrayLike) -> Part:
    """The temporal memory: how near the feature of one glance comes to that of the clip.

    Args:
        memory_distance_rb, memory_distance_cb: (T,) SmoothL1 of either branch's feature of this
            frame alone to the clip's F_cls.
    """
    rb, cb = _pair(memory_distance_rb, memory_distance_cb)

    def draw(lanes: LaneFigure, number: int) -> None:
        lanes.curve(number, cb, "classification to the clip", CLASSIFICATION)
        lanes.curve(number, rb, "regression to the clip", REGRESSION)
        labels = {"classification": (_last(cb), CLASSIFICATION.colour)}
        labels["regression"] = (_last(rb), REGRESSION.colour)
        lanes.direct_labels(number, labels)

    title = f"temporal memory: one glance to the clip's feature ({EQ1}) · lower is better"
    return Part(Lane(title, 120, _room(rb, cb)), draw)


def _pair(rb: ArrayLike, cb: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one = check_curve(rb, np.size(rb), "memory_distance_rb")
    return one, check_curve(cb, len(one), "memory_distance_cb")


def _room(*curves: NDArray[np.float64]) -> tuple[float, float]:
    """A y range from zero, a little below it, to above all of the curves."""
    high = max(float(np.nanmax(curve)) for curve in curves) or 1.0
    return -0.06 * high, 1.15 * high


def _last(values: NDArray[np.float64]) -> float:
    return float(values[np.isfinite(values)][-1])


def describe_branches(times_s: ArrayLike, disagreement: ArrayLike, agree: ArrayLike) -> str:
    """In words: at how many glances the answers differ, and where the branches are furthest."""
    times = check_clock(times_s)
    values, same = check_agree(disagreement, agree)
    at, differ = int(np.nanargmax(values)), int((~same).sum())
    count = f"at {differ} of {len(same)} glances" if differ else "at no glance"
    return (
        f"The branches give different answers {count}; they are furthest apart at "
        f"{times[at]:.2f} s, where {values[at]:.2f} of the probability is placed differently."
    )


def describe_recall(
    times_s: ArrayLike, memory_distance_rb: ArrayLike, memory_distance_cb: ArrayLike
) -> str:
    """In words: from which glance the clip's feature can be told best, and by which branch."""
    times = check_clock(times_s)
    rb, cb = _pair(memory_distance_rb, memory_distance_cb)
    near = int((rb < cb).sum())
    best = [
        f"the {word} branch at {times[int(np.nanargmin(v))]:.2f} s (SmoothL1 {np.nanmin(v):.3f})"
        for word, v in (("regression", rb), ("classification", cb))
    ]
    return (
        f"The clip's feature is told best by {best[0]} and by {best[1]}; the regression branch is "
        f"the nearer one at {near} of {len(rb)} glances."
    )
