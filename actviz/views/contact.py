"""A contact sheet: pictures in rows with words below, for print."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from actviz.views.checks import check_frames
from actviz.views.printing import SMALL, WIDTH, heat_on_grey, literal, title_and_note
from actviz.views.theme import LIGHT

__all__ = ["sheet"]


def sheet(
    frames: ArrayLike,
    labels: Sequence[str],
    *,
    title: str,
    columns: int = 6,
    note: str | None = None,
    heat: str | None = None,
) -> Figure:
    """A contact sheet: pictures in rows, each with its words below.

    Args:
        frames: uint8 (N, H, W, 3).
        labels: N short texts; "" for none.
        heat: what the heat on them means, for a colour bar; None: there is none.
    """
    pictures = check_frames(frames, len(labels))
    columns = max(1, min(columns, len(pictures)))
    rows = -(-len(pictures) // columns)
    lines = textwrap.wrap(note or "", 128)
    wide = (WIDTH - 0.8) / columns
    tall = wide * pictures.shape[1] / pictures.shape[2] + 0.34
    height = 0.9 + rows * tall + 0.2 + 0.24 * len(lines)
    figure = Figure(figsize=(WIDTH, height), dpi=110, facecolor=LIGHT.paper)
    title_and_note(figure, title, lines, x=0.4)
    if heat:
        _heat_bar(figure, heat, height)
    for number, (picture, words) in enumerate(zip(pictures, labels, strict=True)):
        row, column = divmod(number, columns)
        x, y = 0.4 + column * wide, height - 0.8 - (row + 1) * tall
        box = (x + 0.05) / WIDTH, (y + 0.32) / height, (wide - 0.1) / WIDTH, (tall - 0.42) / height
        axes = figure.add_axes(box)
        axes.imshow(picture, aspect="equal", interpolation="bilinear")
        axes.set_axis_off()
        figure.text(
            (x + wide / 2) / WIDTH, (y + 0.2) / height, words, ha="center", va="center",
            fontsize=SMALL, color=LIGHT.ink,
        )  # fmt: skip
    return literal(figure)


def _heat_bar(figure: Figure, words: str, height: float) -> None:
    """A level colour bar in the line of a sheet's title, ``height`` inches tall."""
    left, y = WIDTH - 2.4, 1 - 0.42 / height
    axes = figure.add_axes((left / WIDTH, y - 0.09 / height, 1.6 / WIDTH, 0.18 / height))
    axes.imshow(heat_on_grey()[None], aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_label("colour bar")
    look: dict[str, Any] = {"va": "center", "fontsize": SMALL, "color": LIGHT.ink}
    figure.text((left - 0.1) / WIDTH, y, f"{words}: 0", ha="right", **look)
    figure.text((left + 1.7) / WIDTH, y, "1", ha="left", **look)
