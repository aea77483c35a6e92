"""Lanes of each page, made once for each trace and kept: the cursor moves over a still figure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from actviz.clip.types import Clip
from actviz.report import truth_of
from actviz.trace.run import Traced
from actviz.trace.schema import MAMTrace, MANTrace, TMNetTrace
from actviz.views.lanes import Lane, LaneFigure
from actviz.views.theme import ATTENTION, BOTH, Curve, pick_theme
from explorer.compute import drawings
from explorer.pictures import thumbnails

__all__ = ["Drawn", "overview", "telling_position"]


Thumbs = NDArray[np.uint8] | None  # (T, h, w, 3)


@dataclass(frozen=True)
class Drawn:
    """A figure and the same in words."""

    figure: go.Figure
    words: str


def _thumbs(film: Clip | None) -> Thumbs:
    return None if film is None else thumbnails(film)


def overview(key: Hashable, found: dict[str, Traced], *, dark: bool) -> Drawn:
    """What each model did on one clip, in one row each over one axis of seconds."""
    return drawings().remember(("overview", key, dark), lambda: _overview(found, dark))


def _overview(found: dict[str, Traced], dark: bool) -> Drawn:
    """The first model's frames set the axis; the rows are the curves that the pages explain."""
    first = next(iter(found.values()))
    titles = {
        "mam": "Memory: write probability, 0–1",
        "tmnet": "One glance: probability of {}, 0–1",
        "man": "Skeleton: attention x, y, z, 0–1",
    }
    rows = []
    for model, traced in found.items():
        name = getattr(traced.trace, "cam_class", "")
        rows.append(Lane(titles[model].format(name), 96, (-0.06, 1.08), (0, 1)))
    theme = pick_theme(dark)
    lanes = LaneFigure(
        rows,
        first.trace.times_s,
        theme,
        truth=truth_of(first.trace),
        thumbnails=_thumbs(first.clip),
    )
    for row, traced in enumerate(found.values()):
        for name, curve, look in _curves(traced, theme.ink):
            style = {"color": look.colour, "dash": look.dash, "width": 2.5}
            lanes.figure.add_scatter(
                x=traced.trace.times_s,
                y=curve,
                name=name,
                mode="lines+markers",
                line=style,
                marker={"symbol": look.marker, "size": 6, "color": look.colour},
                hovertemplate=f"{name} %{{y:.2f}}<br>%{{x:.2f}} s<extra></extra>",
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 1}},
                row=lanes.row(row),
                col=1,
            )
        lanes.direct_labels(
            row, {n: (float(c[-1]), look.colour) for n, c, look in _curves(traced, theme.ink)}
        )
    return Drawn(lanes.finish(None, None, None), " ".join(map(_in_words, found.values())))


def _curves(traced: Traced, ink: str) -> list[tuple[str, NDArray, Curve]]:
    trace = traced.trace
    if isinstance(trace, MAMTrace):
        return [("write", trace.write_probability, Curve(ink))]
    if isinstance(trace, TMNetTrace):
        k = trace.classes.index(trace.cam_class)
        look = Curve(ink, BOTH.dash, BOTH.marker)
        return [("both branches", trace.probabilities[:, k], look)]
    assert isinstance(trace, MANTrace)
    return [
        (name, curve, look)
        for (name, look), curve in zip(ATTENTION.items(), trace.attention, strict=True)
    ]


def _in_words(traced: Traced) -> str:
    trace = traced.trace
    if isinstance(trace, MAMTrace):
        return f"MAM writes {int(trace.written.sum())} of {len(trace.written)} frames."
    if isinstance(trace, TMNetTrace):
        k = trace.classes.index(trace.cam_class)
        mean = float(trace.probabilities[:, k].mean())
        return f"TMNet, one frame at a time, gives {trace.cam_class} {mean:.2f} on average."
    assert isinstance(trace, MANTrace)
    best = float(trace.times_s[trace.attention.mean(0).argmax()])
    return f"MAN attends most at {best:.2f} s."


def telling_position(traced: Traced) -> int:
    """A frame worth opening at: most is written, most certain, or most speaks for it."""
    trace = traced.trace
    if isinstance(trace, MAMTrace):
        return int(trace.write_probability.argmax())
    if isinstance(trace, TMNetTrace):
        heat = np.maximum(trace.cam_rb, trace.cam_cb)  # (T, h, w)
        return int(heat.reshape(len(heat), -1).max(1).argmax())
    assert isinstance(trace, MANTrace)
    if trace.attribution is not None and trace.attribution.any():
        return int(trace.attribution.sum((1, 2)).argmax())
    seen = trace.present.any(1)  # (T,), an empty stage tells nothing
    return int(np.where(seen | ~seen.any(), trace.attention.mean(0), -1).argmax())
