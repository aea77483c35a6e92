"""TMNet's two branches over time, on screen: what one glance at each frame would answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve, check_maps, strongest_place
from actviz.views.lanes import Lane, LaneFigure
from actviz.views.parts import Part, stacked
from actviz.views.theme import BOTH, CLASSIFICATION, REGRESSION, Curve
from actviz.views.truth import Truth

__all__ = ["describe_glance", "glance_lanes", "glance_part", "lead_part", "no_evidence"]


def no_evidence(class_name: str, *, branch: str | None = None) -> str:
    """The words that stand where a map is zero everywhere."""
    words = f"no positive evidence for {class_name}"
    return f"{branch}: {words}" if branch else words


def glance_lanes(
    times_s: ArrayLike,
    rb: ArrayLike,
    cb: ArrayLike,
    both: ArrayLike,
    *,
    class_name: str,
    more: Sequence[Part] = (),
    cursor_s: float | None = None,
    truth: Truth | None = None,
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Probability of one class at every frame by each branch and both, and which branch leads.

    Args:
        times_s: (T,) seconds, strictly increasing.
        rb, cb, both: (T,) probability of ``class_name`` by the regression branch, the
            classification branch and their mean logits, each frame glanced at alone.
        more: further lanes below.
        cursor_s: where the one cursor stands, seconds; the labels then give the values there.
        thumbnails: uint8 (T, H, W, 3); shown above the lanes, clickable at every frame.
    """
    times = check_clock(times_s)
    at = None if cursor_s is None else int(np.abs(times - cursor_s).argmin())
    check_curve(rb, len(times), "rb")
    return stacked(
        [glance_part(rb, cb, both, class_name=class_name, at=at), lead_part(rb, cb), *more],
        times,
        cursor_s=cursor_s,
        truth=truth,
        thumbnails=thumbnails,
        title=title,
        note=note,
        dark=dark,
    )


def glance_part(
    rb: ArrayLike, cb: ArrayLike, both: ArrayLike, *, class_name: str, at: int | None = None
) -> Part:
    """Probability of ``class_name`` by each branch and both, (T,) each.

    Args:
        at: position whose values stand in the labels; None: the last one's.
    """
    curves = _curves(rb, cb, both)

    def draw(lanes: LaneFigure, number: int) -> None:
        looks = {
            "both": ("both", Curve(lanes.theme.both, BOTH.dash, BOTH.marker, BOTH.width)),
            "cb": ("classification", CLASSIFICATION),
            "rb": ("regression", REGRESSION),
        }
        labels = {}
        for key, (word, look) in looks.items():
            lanes.curve(number, curves[key], word, look)
            last = curves[key][np.isfinite(curves[key])][-1]
            value = curves[key][-1 if at is None else at]
            labels[f"{word} {value:.2f}" if np.isfinite(value) else word] = (last, look.colour)
        lanes.direct_labels(number, labels)

    title = f"probability of {class_name}, 0–1"
    return Part(Lane(title, 210, (-0.04, 1.06), (0, 0.5, 1)), draw)


def _curves(rb: ArrayLike, cb: ArrayLike, both: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """The three curves, checked: as long as the first."""
    given = {"rb": rb, "cb": cb, "both": both}
    return {name: check_curve(values, np.size(rb), name) for name, values in given.items()}


def lead_part(rb: ArrayLike, cb: ArrayLike) -> Part:
    """How much surer of the class the regression branch is than the classification branch, (T,)."""
    regression = check_curve(rb, np.size(rb), "rb")
    lead = regression - check_curve(cb, len(regression), "cb")
    reach = max(0.1, float(np.nanmax(np.abs(lead), initial=0.0)) * 1.15)
    tick = max(step for step in (0.1, 0.2, 0.5, 1.0) if step <= max(reach, 0.1))

    def draw(lanes: LaneFigure, number: int) -> None:
        _lead(lanes, number, lead, reach)

    title = "regression minus classification"
    return Part(Lane(title, 84, (-reach, reach), (-tick, 0, tick)), draw)


def _lead(lanes: LaneFigure, number: int, lead: NDArray[np.float64], reach: float) -> None:
    """Bars up, plain, where the regression branch is surer; down, dotted, where the other is."""
    up = lead > 0
    marker = {
        "color": np.where(up, REGRESSION.colour, CLASSIFICATION.colour),
        "line": {"width": 0},
        "pattern": {
            "shape": np.where(up, "", "."),
            "fgcolor": lanes.theme.panel,
            "size": 6,
            "solidity": 0.3,
        },
    }
    names = [f"regression {value:+.2f} against classification" for value in lead]
    lanes.bars(number, lead, names, marker=marker)
    labels = {
        "regression ▲": (reach * 0.6, REGRESSION.colour),
        "classification ▼": (-reach * 0.6, CLASSIFICATION.colour),
    }
    lanes.direct_labels(number, labels)


def describe_glance(
    times_s: ArrayLike,
    rb: ArrayLike,
    cb: ArrayLike,
    both: ArrayLike,
    *,
    class_name: str,
    cam_rb: ArrayLike | None = None,
    cam_cb: ArrayLike | None = None,
) -> str:
    """The same arrays in words, for a reader who does not see the figure."""
    times = check_clock(times_s)
    means = []
    for word, values in (("regression", rb), ("classification", cb)):
        curve = check_curve(values, len(times), word)
        best = int(np.nanargmax(curve))
        means.append(
            f"the {word} branch gives {np.nanmean(curve):.2f} on average and at most "
            f"{curve[best]:.2f} at {times[best]:.2f} s"
        )
    fused = check_curve(both, len(times), "both")
    text = (
        f"Probability of {class_name} at {len(times)} single frames: {'; '.join(means)}; "
        f"both together {np.nanmean(fused):.2f} on average."
    )
    for branch, maps in (("Regression", cam_rb), ("Classification", cam_cb)):
        if maps is not None:
            text += f" {_where(check_maps(maps, len(times), branch), times, branch, class_name)}"
    return text


def _where(maps: NDArray[np.float64], times: NDArray, branch: str, class_name: str) -> str:
    if maps.max() <= 0:
        return no_evidence(class_name, branch=f"{branch} map") + "."
    frame = int(maps.max(axis=(1, 2)).argmax())
    where = strongest_place(maps[frame])
    return f"{branch} map: strongest at {times[frame]:.2f} s in the {where}."
