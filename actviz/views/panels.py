"""Small panels side by side: the same curves under one disturbance after another.

N levels · S seeds
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from actviz.views.printing import LABEL, SMALL, literal, title_and_note
from actviz.views.theme import LIGHT, OKABE_ITO, Curve

__all__ = ["Panel", "panels_figure"]

_LOOKS = (
    Curve(OKABE_ITO["vermilion"], marker="circle"),
    Curve(OKABE_ITO["blue"], dash="dash", marker="square"),
    Curve(OKABE_ITO["green"], dash="dot", marker="diamond"),
    Curve(OKABE_ITO["purple"], dash="dashdot", marker="x"),
)
_HIGH, _WIDE = 2.5, 2.75  # inches of a panel
_LEFT, _TOP, _GAP_X, _GAP_Y = 0.9, 1.15, 0.42, 1.05


@dataclass(frozen=True)
class Panel:
    """One disturbance: its levels, and what each curve is at them."""

    name: str
    x_name: str
    levels: Sequence[float]  # (N,)
    curves: Mapping[str, Sequence[Sequence[float]]]  # name -> (N, S) shares in [0, 1]
    neutral: float | None = None  # the level at which nothing is disturbed


def panels_figure(
    panels: Sequence[Panel],
    *,
    title: str,
    columns: int = 4,
    chance: float | None = None,
    note: str | None = None,
) -> Figure:
    """Panels in rows on one scale of per cent; what the curves are stands in the first free place.

    Args:
        panels: all with the same curves, at most four.
        chance: share that guessing gets, dotted.
    """
    names = _checked(panels)
    columns = min(columns, len(panels) + 1)
    rows = -(-(len(panels) + 1) // columns)  # one place is the key's
    width = _LEFT + columns * _WIDE + (columns - 1) * _GAP_X + 0.25
    lines = textwrap.wrap(note or "", max(40, int(width / 0.095)))
    height = _TOP + rows * _HIGH + (rows - 1) * _GAP_Y + 0.85 + 0.24 * len(lines)
    figure = Figure(figsize=(width, height), dpi=110, facecolor=LIGHT.paper)
    for place in range(len(panels) + 1):
        row, column = divmod(place, columns)
        left = (_LEFT + column * (_WIDE + _GAP_X)) / width
        bottom = (height - _TOP - row * (_HIGH + _GAP_Y) - _HIGH) / height
        axes = figure.add_axes((left, bottom, _WIDE / width, _HIGH / height))
        if place == len(panels):
            _key(axes, names)
        else:
            _draw(axes, panels[place], chance, first=column == 0)
    title_and_note(figure, title, lines, x=0.2, low=0.08)
    return literal(figure)


def _checked(panels: Sequence[Panel]) -> list[str]:
    """The names of the curves.

    Raises:
        ValueError: no panels, too many curves, other ones in some panel, or not one for each level.
    """
    names = list(panels[0].curves) if panels else []
    if not 1 <= len(names) <= len(_LOOKS):
        raise ValueError(f"panels must have 1 to {len(_LOOKS)} curves; got {len(names)}.")
    for panel in panels:
        shapes = {name: np.asarray(curve).shape for name, curve in panel.curves.items()}
        if list(shapes) != names or any(
            len(shape) != 2 or shape[0] != len(panel.levels) for shape in shapes.values()
        ):
            raise ValueError(
                f"expected curves {', '.join(names)} of shape (N, S) with N = {len(panel.levels)} "
                f"levels in {panel.name!r}; got {shapes}."
            )
    return names


def _draw(axes: Axes, panel: Panel, chance: float | None, *, first: bool) -> None:
    axes.set_facecolor(LIGHT.panel)
    axes.set_ylim(0, 104)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.grid(axis="y", color=LIGHT.grid, linewidth=0.8)
    x = np.asarray(panel.levels, dtype=float)
    if chance is not None:
        axes.axhline(100 * chance, color=LIGHT.muted, linewidth=1, linestyle=":")
    for look, curve in zip(_LOOKS, panel.curves.values(), strict=False):
        _curve(axes, x, 100 * np.asarray(curve, dtype=float), look, panel.neutral)
    axes.set_xticks(list(x), [f"{value:g}" for value in x])
    axes.set_title(panel.name, fontsize=LABEL, color=LIGHT.ink, loc="left")
    axes.set_xlabel(panel.x_name, fontsize=SMALL, color=LIGHT.ink)
    axes.tick_params(labelsize=SMALL, colors=LIGHT.ink, labelleft=first)
    if first:
        axes.set_ylabel("accuracy, %", fontsize=LABEL, color=LIGHT.ink)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _curve(
    axes: Axes, x: NDArray[np.float64], table: NDArray[np.float64], look: Curve,
    neutral: float | None,
) -> None:  # fmt: skip
    axes.plot(
        x, table, look.mpl_marker, color=look.colour, markersize=4, alpha=0.4, clip_on=False
    )  # fmt: skip
    axes.plot(
        x, table.mean(1), color=look.colour, linestyle=look.mpl_dash, marker=look.mpl_marker,
        markersize=6.5, linewidth=2, clip_on=False,
    )  # fmt: skip
    at = np.flatnonzero(x == (np.nan if neutral is None else neutral))
    axes.plot(
        x[at], table.mean(1)[at], "o", markersize=13, markerfacecolor="none",
        markeredgecolor=LIGHT.ink, markeredgewidth=1, clip_on=False,
    )  # fmt: skip


def _key(axes: Axes, names: Sequence[str]) -> None:
    """What the curves are, in a place of its own."""
    axes.set_axis_off()
    for look, name in zip(_LOOKS, names, strict=False):
        axes.plot(
            [], [], color=look.colour, linestyle=look.mpl_dash, marker=look.mpl_marker,
            markersize=8, linewidth=2.2, label=name,
        )  # fmt: skip
    axes.legend(
        loc="upper left", fontsize=LABEL, frameon=False, labelcolor=LIGHT.ink, handlelength=3,
        borderaxespad=0,
    )  # fmt: skip
