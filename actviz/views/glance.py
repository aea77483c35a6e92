"""TMNet's two branches over time, on screen: what one glance at each frame would answer."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve, check_maps, strongest_place
from actviz.views.lanes import Lane, LaneFigure
from actviz.views.theme import BOTH, CLASSIFICATION, REGRESSION, Curve, pick_theme
from actviz.views.truth import Truth

__all__ = ["describe_glance", "glance_lanes", "no_evidence"]


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
    cursor_s: float | None = None,
    truth: Truth | None = None,
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Probability of one class at every frame by each branch and both, and where they disagree.

    Args:
        times_s: (T,) seconds, strictly increasing.
        rb, cb, both: (T,) probability of ``class_name`` by the regression branch, the
            classification branch and their mean logits, each frame glanced at alone.
        cursor_s: where the one cursor stands, seconds; the labels then give the values there.
        thumbnails: uint8 (T, H, W, 3); shown above the lanes, clickable at every frame.
    """
    times = check_clock(times_s)
    curves = {
        name: check_curve(values, len(times), name)
        for name, values in (("rb", rb), ("cb", cb), ("both", both))
    }
    theme = pick_theme(dark)
    difference = curves["rb"] - curves["cb"]
    reach = max(0.1, float(np.nanmax(np.abs(difference), initial=0.0)) * 1.15)
    tick = max(step for step in (0.1, 0.2, 0.5, 1.0) if step <= max(reach, 0.1))
    lanes = LaneFigure(
        [
            Lane(f"probability of {class_name}, 0–1", 210, (-0.04, 1.06), (0, 0.5, 1)),
            Lane("regression minus classification", 84, (-reach, reach), (-tick, 0, tick)),
        ],
        times,
        theme,
        truth=truth,
        thumbnails=thumbnails,
    )
    looks = {
        "both": ("both", Curve(theme.both, BOTH.dash, BOTH.marker, BOTH.width)),
        "cb": ("classification", CLASSIFICATION),
        "rb": ("regression", REGRESSION),
    }
    at = len(times) - 1 if cursor_s is None else int(np.abs(times - cursor_s).argmin())
    labels = {}
    for key, (word, look) in looks.items():
        lanes.curve(0, curves[key], word, look)
        last = curves[key][np.isfinite(curves[key])][-1]
        value = curves[key][at]
        labels[f"{word} {value:.2f}" if np.isfinite(value) else word] = (last, look.colour)
    lanes.direct_labels(0, labels)
    _difference(lanes, difference)
    return lanes.finish(cursor_s, title, note)


def _difference(lanes: LaneFigure, difference: NDArray[np.float64]) -> None:
    """Bars up, plain, where the regression branch is surer; down, dotted, where the other is."""
    up = difference > 0
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
    names = [f"regression {value:+.2f} against classification" for value in difference]
    lanes.bars(1, difference, names, marker=marker)
    reach = lanes.figure.layout[lanes.axis(1).replace("y", "yaxis")].range[1]
    labels = {
        "regression ▲": (reach * 0.6, REGRESSION.colour),
        "classification ▼": (-reach * 0.6, CLASSIFICATION.colour),
    }
    lanes.direct_labels(1, labels)


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
