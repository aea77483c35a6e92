"""For print: joints by limb over time as a heat map, and what is lost without each moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_curve
from actviz.views.heat import heat_opacity
from actviz.views.limbs import Limbs
from actviz.views.printing import SMALL, direct_labels, value_axis
from actviz.views.shading import Shading
from actviz.views.theme import AGAINST, BONES, FOR, LIGHT, heat_colours

__all__ = ["Moments", "draw_joints", "draw_moments", "joint_colours", "joint_rows_high"]


@dataclass(frozen=True)
class Moments:
    """A class's probability on the whole clip, and without each stretch of it."""

    spans_s: ArrayLike  # (M, 2)
    without: ArrayLike  # (M,)
    whole: float
    class_name: str

    @property
    def title(self) -> str:
        """The row's words."""
        return f"probability of {self.class_name} without this moment (bar down: it speaks for it)"


def joint_rows_high(limbs: Limbs) -> float:
    """Inches of the heat map, each limb's name readable beside it."""
    return max(3, len(limbs.groups)) * (0.24 if len(limbs.groups) < 8 else 0.2)


def joint_colours(colours: str) -> ListedColormap:
    """A scale of the theme over white paper: the paler, the less."""
    opacity = heat_opacity(np.linspace(0, 1, 256))[:, None] / 0.8
    return ListedColormap(1 + opacity * (heat_colours(colours) / 255 - 1))


def draw_joints(
    axes: Axes, edges: NDArray[np.float64], shading: Shading, limbs: Limbs, inches: float
) -> None:
    """Rows of joints over time, limbs named beside them, the scale in a small bar above."""
    count = len(limbs.groups)
    values = np.stack([shading.values[:, person, joint] for person, joint in limbs.rows])
    colours = joint_colours(shading.colours)
    axes.set_ylim(0, count)
    axes.pcolormesh(edges, count - limbs.edges, values, cmap=colours, vmin=0, vmax=1)
    for group in range(1, count):
        axes.axhline(group, color=LIGHT.paper, linewidth=1.6)
    looks = {"left": BONES["left"].colour, "right": BONES["right"].colour}
    named = enumerate(zip(limbs.names, limbs.sides, strict=True))
    labels = {n: (count - g - 0.5, looks.get(s, LIGHT.muted)) for g, (n, s) in named}
    direct_labels(axes, labels, inches)
    _scale(axes, shading, colours, inches)


def _scale(axes: Axes, shading: Shading, colours: ListedColormap, inches: float) -> None:
    """The colour bar in the line of the row's title, with words at its ends."""
    words = axes.get_title(loc="left")  # y given: else the bar would push the title up
    axes.set_title(words, loc="left", fontsize=SMALL, color=LIGHT.muted, pad=5, y=1.0)
    high = 0.13 / inches
    bar = axes.inset_axes((0.66, 1 + 0.06 / inches, 0.12, high))
    bar.imshow(np.linspace(0, 1, 256)[None], aspect="auto", cmap=colours, extent=(0, 1, 0, 1))
    bar.set_xticks([])
    bar.set_yticks([])
    for spine in bar.spines.values():
        spine.set_edgecolor(LIGHT.grid)
    look: dict[str, Any] = {"va": "center", "fontsize": SMALL, "color": LIGHT.muted}
    middle = 1 + 0.06 / inches + high / 2
    axes.text(0.655, middle, shading.low, ha="right", transform=axes.transAxes, **look)
    axes.text(0.785, middle, shading.high, ha="left", transform=axes.transAxes, **look)


def draw_moments(axes: Axes, moments: Moments, inches: float) -> None:
    """Bars from the whole clip's probability to that without each moment."""
    spans = np.asarray(moments.spans_s, dtype=np.float64)
    values = check_curve(moments.without, len(spans), "without")
    value_axis(axes, -0.04, 1.06, (0, 0.5, 1), "0–1")
    for (start, end), value in zip(spans, values, strict=True):
        falls = value <= moments.whole
        axes.bar(
            (start + end) / 2,
            value - moments.whole,
            width=0.94 * (end - start),
            bottom=moments.whole,
            color=FOR.colour if falls else AGAINST.colour,
            hatch="" if falls else "..",
            edgecolor=LIGHT.paper,
            linewidth=0,
        )
    axes.axhline(moments.whole, color=LIGHT.ink, linewidth=1.2, linestyle="--")
    labels = {f"whole clip {moments.whole:.2f}": (moments.whole, LIGHT.ink)}
    if moments.whole - values.min() >= 0.01:
        labels[f"least {values.min():.2f}"] = (float(values.min()), FOR.colour)
    direct_labels(axes, labels, inches)
