"""The one place where colours, dashes, fonts and honest labels live.

Categories use the palette of Okabe and Ito, which people with any colour vision can tell apart;
magnitude uses viridis, that of motion plasma. Nothing rests on colour alone: every category also
has a dash, a marker or a hatch of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AGAINST",
    "ATTENTION",
    "BONES",
    "DARK",
    "FONT",
    "FOR",
    "GLOW",
    "HEAT",
    "LIGHT",
    "MOTION",
    "OKABE_ITO",
    "OUTSIDE_BANNER",
    "PEOPLE",
    "TERMS",
    "Curve",
    "Theme",
    "contrast",
    "heat_colours",
    "ink_on",
    "pick_theme",
    "readable",
    "rgb",
    "weights_note",
]

OKABE_ITO: dict[str, str] = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}

HEAT = "viridis"
MOTION = "plasma"  # magnitude that is not evidence, so that the two are not taken for one another
GLOW = "cividis"  # attention: a weight of moments, neither evidence nor magnitude
FONT = "DejaVu Sans, Segoe UI, Helvetica Neue, Arial, sans-serif"


@dataclass(frozen=True)
class Curve:
    """How one category looks everywhere: colour, and a dash and a marker as second cue."""

    colour: str
    dash: str = "solid"  # plotly's name: solid, dash, dot, dashdot
    marker: str = "circle"  # plotly's name
    width: float = 2.5

    @property
    def mpl_dash(self) -> str:
        """The same dash by matplotlib's name."""
        return {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}[self.dash]

    @property
    def mpl_marker(self) -> str:
        """The same marker by matplotlib's name."""
        return {"circle": "o", "circle-open": "o", "square": "s", "diamond": "D", "x": "x"}[
            self.marker
        ]


WRITTEN = Curve(OKABE_ITO["green"], marker="circle")
SKIPPED = Curve(OKABE_ITO["sky"], marker="circle-open")
REGRESSION = Curve(OKABE_ITO["vermilion"], marker="circle")
CLASSIFICATION = Curve(OKABE_ITO["blue"], dash="dash", marker="square")
BOTH = Curve(OKABE_ITO["black"], dash="dot", marker="diamond")
ATTENTION: dict[str, Curve] = {
    "x": Curve(OKABE_ITO["purple"], dash="solid", marker="circle"),
    "y": Curve(OKABE_ITO["orange"], dash="dash", marker="square"),
    "z": Curve(OKABE_ITO["blue"], dash="dot", marker="diamond"),
}
FOR = Curve(OKABE_ITO["blue"], marker="circle")  # an item speaks for a class, or against it
AGAINST = Curve(OKABE_ITO["vermilion"], dash="dot", marker="x")
TERMS: dict[str, Curve] = {  # of the score in MAM's eq. 6
    "feature": Curve(OKABE_ITO["orange"], dash="dash", marker="square"),
    "context": Curve(OKABE_ITO["blue"], dash="dashdot", marker="diamond"),
    "history": Curve(OKABE_ITO["purple"], dash="dot", marker="x"),
}
BONES: dict[str, Curve] = {  # the left side is drawn thick, the right side thinner and dashed
    "left": Curve(OKABE_ITO["sky"], dash="solid", width=9),
    "right": Curve(OKABE_ITO["vermilion"], dash="solid", width=5),
    "centre": Curve("#8A8F98", dash="solid", width=6),
}
PEOPLE: tuple[dict[str, Curve], ...] = (  # each person's bones: left is blue, right a warm colour
    BONES,
    {
        "left": Curve(OKABE_ITO["blue"], width=9),
        "right": Curve(OKABE_ITO["orange"], width=5),
        "centre": Curve("#6F6A5E", width=6),
    },
)


@dataclass(frozen=True)
class Theme:
    """The neutral colours of one appearance; categories keep their colour in both."""

    name: str
    paper: str  # behind everything
    panel: str  # behind a lane
    ink: str  # text and main curve
    muted: str  # secondary text
    grid: str
    truth: str  # hatching of the truth lane

    @property
    def both(self) -> str:
        """Colour of the fused answer: black on white paper, white on dark."""
        return OKABE_ITO["black"] if self.name == "light" else "#FFFFFF"

    def text(self, colour: str) -> str:
        """``colour`` shifted towards the ink until it reads as text here (contrast 4.5)."""
        return readable(colour, self.paper)

    def graphic(self, colour: str) -> str:
        """``colour`` shifted towards the ink until a line of it is plain to see (contrast 3)."""
        return readable(colour, self.paper, ratio=3.0)


LIGHT = Theme(
    "light", "#FFFFFF", "#FAFBFC", ink="#16191D", muted="#555C66", grid="#DFE3E8", truth="#6B7280"
)
DARK = Theme(
    "dark", "#0E1117", "#151A22", ink="#F2F4F7", muted="#A9B1BD", grid="#2C333E", truth="#9AA3B0"
)


def pick_theme(dark: bool) -> Theme:
    """The dark or the light appearance."""
    return DARK if dark else LIGHT


def rgb(colour: str) -> tuple[int, int, int]:
    """``#RRGGBB`` as three numbers 0–255."""
    if len(colour) != 7 or not colour.startswith("#"):
        raise ValueError(f'a colour must be written "#RRGGBB"; got {colour!r}.')
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    channels = np.array(rgb(colour)) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2); text needs 4.5, a line 3."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@cache
def readable(colour: str, background: str, *, ratio: float = 4.5) -> str:
    """``colour``, moved towards black or white only as far as ``ratio`` on ``background`` asks."""
    target = np.array(rgb(ink_on(background)))
    start = np.array(rgb(colour))
    for step in np.linspace(0, 1, 41):
        mixed = np.rint(start + (target - start) * step).astype(int)
        candidate = "#{:02X}{:02X}{:02X}".format(*mixed)
        if contrast(candidate, background) >= ratio:
            return candidate
    return ink_on(background)


def ink_on(background: str) -> str:
    """Black or white, whichever reads better on ``background``."""
    black, white = "#000000", "#FFFFFF"
    return black if contrast(black, background) >= contrast(white, background) else white


@cache
def heat_colours(name: str = HEAT) -> NDArray[np.uint8]:
    """The 256 colours of a scale of magnitude (256, 3), value 0 first."""
    scale = matplotlib.colormaps[name](np.arange(256))[:, :3]
    return np.rint(scale * 255).astype(np.uint8)


OUTSIDE_BANNER = (
    "This clip lies outside of what these weights were trained on: "
    "the picture shows how the model works, not that it is right."
)


def weights_note(weights: Mapping[str, Any] | None, *, outside: bool = False) -> str:
    """The line that every figure carries: which weights spoke, and what they were trained on.

    Args:
        weights: a trace's ``weights`` (``name``, ``trained_on``); None or nameless: untrained.
        outside: the clip is of another kind than the training data: the fixed banner is added.
    """
    name = (weights or {}).get("name")
    if not weights or not name:
        return "random weights, not trained: nothing here was learned"
    data = weights.get("trained_on")
    note = f"weights: {name} ({f'trained on {data}' if data else 'training data not stated'})"
    return f"{note} · {OUTSIDE_BANNER}" if outside else note
