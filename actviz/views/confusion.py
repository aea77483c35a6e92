"""Which class is taken for which: a confusion matrix for print, for two classes or hundreds.

Rows are the true class, columns the answer. Colour is the share of the row's clips; an empty cell
stays white, so that a single wrong clip can be seen among a hundred classes. K classes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from numpy.typing import ArrayLike, NDArray

from actviz.views.printing import LABEL, SMALL, literal, title_and_note
from actviz.views.theme import HEAT, LIGHT, ink_on

__all__ = ["confusion_figure", "confusions_in_words"]

_NUMBERS = 30  # classes, up to which every count is written into its cell
_NAMES = 160  # classes, up to which each has its name
_LETTER = 0.095  # inches of a letter of 12 points, about
_LONGEST = 26  # letters of a class name
_SIDE = 4.6  # inches right of the matrix: colour bar and words


def confusion_figure(
    counts: ArrayLike,
    classes: Sequence[str],
    *,
    title: str,
    note: str | None = None,
) -> Figure:
    """The matrix as a picture, with the most frequent confusions in words beside it.

    Args:
        counts: (K, K) whole numbers, row the true class, column the answer.
        classes: K names.
        note: a line below, such as which weights spoke.
    """
    table = _checked(counts, len(classes))
    names = [_short(name) for name in classes]
    cell = _cell(len(classes))
    margin = 0.85 + max(map(_inches, names)) if len(classes) <= _NAMES else 1.2
    side = cell * len(classes)
    lines = textwrap.wrap(note or "", max(60, int((side + margin + _SIDE) / _LETTER)))
    below = 0.35 + 0.24 * len(lines)
    body = max(side + margin, 4.4)
    width, height = margin + side + _SIDE, 0.95 + body + below
    figure = Figure(figsize=(width, height), dpi=110, facecolor=LIGHT.paper)
    top = height - 0.95  # inches up to the matrix's upper edge
    axes = figure.add_axes((margin / width, (top - side) / height, side / width, side / height))
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    _draw_cells(axes, table, shares)
    _name_axes(axes, names)
    bar = ((margin + side + 0.3) / width, (top - 2.2) / height, 0.18 / width, 2.2 / height)
    _draw_bar(figure.add_axes(bar))
    words = confusions_in_words(table, names, most=10 if len(classes) <= _NUMBERS else 30)
    _write(figure, words, x=margin + side + 0.3, top=top - 2.75, size=(width, height))
    title_and_note(figure, title, lines, x=0.3, y=0.4)
    return literal(figure)


def confusions_in_words(counts: ArrayLike, classes: Sequence[str], most: int = 10) -> list[str]:
    """The most frequent confusions as ``"YoYo → JugglingBalls 12 of 36"``, worst first."""
    table = _checked(counts, len(classes))
    wrong = table - np.diag(np.diag(table))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(at), len(classes)) for at in order]
    return [
        f"{classes[a]} → {classes[b]}  {wrong[a, b]} of {table[a].sum()}"
        for a, b in pairs
        if wrong[a, b]
    ]


def _checked(counts: ArrayLike, classes: int) -> NDArray[np.int64]:
    table = np.asarray(counts)
    if table.shape != (classes, classes) or not classes:
        raise ValueError(
            f"counts must have shape (K, K), one row and column per class, K = {classes}; "
            f"got {table.shape}."
        )
    if not np.issubdtype(table.dtype, np.integer) or (table < 0).any():
        raise ValueError("counts must be whole numbers of clips, none negative.")
    return table.astype(np.int64)


def _short(name: str) -> str:
    words = " ".join(name.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


def _inches(words: str) -> float:
    """How long words of 12 points are."""
    return float(TextPath((0, 0), words.replace("$", "S") or " ", size=SMALL).get_extents().x1) / 72


def _cell(classes: int) -> float:
    """Inches of one cell: room for a number, for a name, or for a dot of colour."""
    if classes <= _NUMBERS:
        return 1.0 if classes <= 4 else 0.6 if classes <= 15 else 0.48
    return 0.2 if classes <= _NAMES else 24 / classes


def _colours() -> ListedColormap:
    """The heat scale from its light end to its dark one; the lightest would drown in white."""
    return ListedColormap(matplotlib.colormaps[HEAT](np.linspace(0.92, 0, 256)))


def _draw_cells(axes: Axes, table: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    seen = np.ma.masked_where(table == 0, shares)
    axes.imshow(seen, cmap=_colours(), vmin=0, vmax=1, interpolation="nearest", aspect="equal")
    edges = np.arange(len(table) + 1) - 0.5
    for draw in (axes.hlines, axes.vlines):
        draw(edges, -0.5, len(table) - 0.5, color=LIGHT.grid, linewidth=0.6)
    if len(table) > _NUMBERS:
        return
    for row, column in np.argwhere(table):
        behind = to_hex(_colours()(float(shares[row, column])))
        axes.text(
            column, row, str(table[row, column]), ha="center", va="center",
            fontsize=SMALL, color=ink_on(behind),
        )  # fmt: skip


def _name_axes(axes: Axes, names: Sequence[str]) -> None:
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=LIGHT.ink)
    axes.set_ylabel("true class", fontsize=LABEL, color=LIGHT.ink)
    axes.set_xlabel("answer", fontsize=LABEL, color=LIGHT.ink)
    if len(names) > _NAMES:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)


def _draw_bar(axes: Axes) -> None:
    axes.imshow(
        np.linspace(1, 0, 256)[:, None], cmap=_colours(), vmin=0, vmax=1, aspect="auto",
        extent=(0, 1, 0, 1),
    )  # fmt: skip
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["> 0", "25 %", "50 %", "75 %", "100 %"])
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=LIGHT.ink)
    axes.text(
        5.6, 0.5, "of the true\nclass's clips;\nwhite: none", fontsize=SMALL, color=LIGHT.muted,
        va="center",
    )  # fmt: skip


def _write(
    figure: Figure, words: Sequence[str], *, x: float, top: float, size: tuple[float, float]
) -> None:
    """Lines from ``top`` inches downward at ``x`` inches, as many as there is room for."""
    width, height = size
    lines = [w for word in words for w in textwrap.wrap(word, 44, subsequent_indent="    ")]
    head = "most often taken for another:" if lines else "no clip is taken for another class."
    room = max(1, int((top - 0.4) / 0.23))
    for number, line in enumerate([head, *lines][:room]):
        figure.text(
            x / width, (top - 0.23 * number) / height, line, fontsize=SMALL, va="center",
            color=LIGHT.muted if number == 0 else LIGHT.ink,
        )  # fmt: skip
