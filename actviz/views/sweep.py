"""One setting turned from end to end: what each branch makes of it, with every training shown.

N settings · S seeds
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from actviz.views.printing import LABEL, SMALL, TITLE, direct_labels, literal, short_title
from actviz.views.theme import BOTH, CLASSIFICATION, LIGHT, REGRESSION

__all__ = ["sweep_figure"]

_LOOKS = {"RB": REGRESSION, "CB": CLASSIFICATION, "RB+CB": BOTH}
_HIGH, _WIDE, _BESIDE = 3.6, 6.4, 1.0  # inches of a panel, and of the words right of it
_LEFT, _TOP, _BOTTOM, _GAP = 0.95, 1.0, 0.85, 1.0


def sweep_figure(
    settings: Sequence[float],
    panels: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    *,
    x_name: str,
    title: str,
    mark: tuple[float, str] | None = None,
    note: str | None = None,
) -> Figure:
    """Panels side by side, accuracy over the setting; a line joins the means.

    Args:
        settings: (N,) on the x axis, where they stand as numbers.
        panels: what is measured -> "RB", "CB", "RB+CB" -> (N, S) shares in [0, 1].
        mark: a setting to point at, and what it is.
    """
    x = np.asarray(settings, dtype=float)
    tables = {name: _checked(curves, len(x)) for name, curves in panels.items()}
    low, high = _reach([t for curves in tables.values() for t in curves.values()])
    each = _WIDE + _BESIDE
    width = _LEFT + len(tables) * each + (len(tables) - 1) * _GAP
    said = f"The axis begins at {low:.0f} %. {note or ''}" if low else note or ""
    lines = textwrap.wrap(said, max(60, int(width / 0.095)))
    height = _TOP + _HIGH + _BOTTOM + 0.24 * len(lines)
    figure = Figure(figsize=(width, height), dpi=110, facecolor=LIGHT.paper)
    for number, (name, curves) in enumerate(tables.items()):
        left = _LEFT + number * (each + _GAP)
        place = (left, height - _TOP - _HIGH, _WIDE, _HIGH)
        axes = figure.add_axes(
            (place[0] / width, place[1] / height, place[2] / width, place[3] / height)
        )
        _draw(axes, x, curves, (low, high))
        axes.set_title(name, fontsize=LABEL, color=LIGHT.ink, loc="left")
        axes.set_xlabel(x_name, fontsize=LABEL, color=LIGHT.ink)
        if mark is not None:
            _point_at(axes, *mark)
    figure.text(
        *(0.2 / width, 1 - 0.42 / height), short_title(title), fontsize=TITLE, color=LIGHT.ink
    )
    for number, line in enumerate(lines):
        at = (0.24 * (len(lines) - number) - 0.08) / height
        figure.text(0.2 / width, at, line, fontsize=SMALL, color=LIGHT.muted)
    return literal(figure)


def _checked(
    curves: Mapping[str, Sequence[Sequence[float]]], count: int
) -> dict[str, NDArray[np.float64]]:
    """Percent (N, S) of each branch."""
    tables = {name: 100 * np.asarray(values, dtype=float) for name, values in curves.items()}
    for name, table in tables.items():
        if name not in _LOOKS or table.ndim != 2 or len(table) != count:
            raise ValueError(
                f"expected curves of {', '.join(_LOOKS)} with {count} settings each, (N, S); got "
                f"{name!r} {table.shape}."
            )
    return tables


def _reach(tables: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """From a round number below every figure to one above, so that small differences show."""
    values = np.concatenate([table.ravel() for table in tables])
    step = 5.0
    low = max(0.0, step * np.floor((values.min() - 1) / step))
    return low, min(100.0, step * np.ceil((values.max() + 1) / step))


def _draw(
    axes: Axes,
    x: NDArray[np.float64],
    curves: Mapping[str, NDArray[np.float64]],
    reach: tuple[float, float],
) -> None:
    axes.set_facecolor(LIGHT.panel)
    axes.set_ylim(*reach)
    axes.grid(axis="y", color=LIGHT.grid, linewidth=0.8)
    for name, table in curves.items():
        look = _LOOKS[name]
        axes.plot(x, table, look.mpl_marker, color=look.colour, markersize=4, alpha=0.4)
        axes.plot(
            x,
            table.mean(1),
            color=look.colour,
            linestyle=look.mpl_dash,
            marker=look.mpl_marker,
            markersize=8,
            linewidth=2.2,
        )
    axes.set_xticks(list(x), [f"{value:g}" for value in x])
    axes.set_ylabel("%", fontsize=LABEL, color=LIGHT.ink)
    axes.tick_params(labelsize=SMALL, colors=LIGHT.ink)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    ends = {name: (float(t.mean(1)[-1]), _LOOKS[name].colour) for name, t in curves.items()}
    direct_labels(axes, ends, _HIGH)


def _point_at(axes: Axes, setting: float, words: str) -> None:
    axes.axvline(setting, color=LIGHT.muted, linewidth=1, linestyle=":")
    axes.annotate(
        words,
        (setting, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-5, -13),
        textcoords="offset points",
        ha="right",
        fontsize=SMALL,
        color=LIGHT.muted,
    )
