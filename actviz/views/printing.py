"""What the figures for print share: a page of rows over one axis of seconds, with title and note.

Figures are matplotlib's ``Figure`` objects, made without pyplot: nothing global, nothing shown.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from actviz.views.checks import spread
from actviz.views.heat import heat_opacity
from actviz.views.theme import LIGHT, Curve, heat_colours
from actviz.views.truth import Truth

__all__ = [
    "LABEL",
    "SMALL",
    "TITLE",
    "Page",
    "Row",
    "direct_labels",
    "draw_truth",
    "heat_on_grey",
    "heat_scale",
    "literal",
    "thumbnails",
    "title_and_note",
]

WIDTH = 13.33  # inches: a 16:9 slide
LEFT, RIGHT = 1.05, 2.05  # inches beside the rows: for units, and for direct labels
TITLE, LABEL, SMALL = 18, 14, 12  # points


@dataclass(frozen=True)
class Row:
    """One row of a page: inches high, inches free above it, words over it."""

    high: float
    gap: float = 0.42
    title: str = ""


class Page:
    """A figure of named rows, from top to bottom."""

    def __init__(
        self,
        rows: Mapping[str, Row],
        span: tuple[float, float],
        *,
        title: str,
        note: str | None,
        over_time: Sequence[str] | None = None,
    ) -> None:
        lines = textwrap.wrap(note or "", 128)
        names = list(rows)
        top = 0.62 + (0.3 if rows[names[0]].title else 0.0)
        bottom = (0.72 if over_time is None else 0.25) + 0.24 * len(lines)
        inside = sum(row.high for row in rows.values()) + sum(rows[n].gap for n in names[1:])
        self.height = top + inside + bottom
        self.width = WIDTH - LEFT - RIGHT  # inches of a row
        self.figure = Figure(figsize=(WIDTH, self.height), dpi=110, facecolor=LIGHT.paper)
        self.axes: dict[str, Axes] = {}
        y = self.height - top
        for number, (name, row) in enumerate(rows.items()):
            y -= row.high + (row.gap if number else 0.0)
            self.axes[name] = self._row(row, y)
        self._title(title)
        for number, line in enumerate(lines):
            at = (0.24 * (len(lines) - number) - 0.08) / self.height
            self.figure.text(LEFT / WIDTH, at, line, fontsize=SMALL, color=LIGHT.muted, va="center")
        timed = [self.axes[name] for name in (over_time or rows)]
        for axes in timed:
            axes.set_xlim(*span)
        timed[-1].set_xlabel("time, s", fontsize=LABEL, color=LIGHT.ink)
        timed[-1].tick_params(
            axis="x", labelbottom=True, length=4, labelsize=SMALL, color=LIGHT.muted
        )

    def _title(self, title: str) -> None:
        words = self.figure.text(
            LEFT / WIDTH,
            1 - 0.33 / self.height,
            short_title(title),
            fontsize=TITLE,
            fontweight="bold",
            color=LIGHT.ink,
            va="center",
            parse_math=False,
        )
        room = (WIDTH - LEFT - 0.2) * self.figure.dpi
        words.set_fontsize(TITLE * min(1.0, room / max(words.get_window_extent().width, 1.0)))

    def _row(self, row: Row, y: float) -> Axes:
        box = (LEFT / WIDTH, y / self.height, self.width / WIDTH, row.high / self.height)
        axes = self.figure.add_axes(box)
        axes.set_facecolor("none")
        for side in ("top", "right", "bottom", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(
            length=0, labelsize=SMALL, labelcolor=LIGHT.ink, labelbottom=False, labelleft=False
        )
        axes.set_yticks([])
        if row.title:
            axes.set_title(row.title, loc="left", fontsize=SMALL, color=LIGHT.muted, pad=5)
        return axes


def short_title(title: str, most: int = 76) -> str:
    """``title`` in at most so many characters; cut in its middle, so that ": answer" stays."""
    words = " ".join(title.split())
    if len(words) <= most:
        return words
    name, colon, answer = words.rpartition(": ")
    if not colon or len(answer) > most - 24:  # nothing to keep, or no room beside it
        name, answer = words, ""
    tail = colon + answer if answer else ""
    room = most - len(tail) - 1
    end = room // 3
    return f"{name[: room - end].rstrip()}…{name[len(name) - end :].lstrip()}{tail}"


def literal(figure: Figure) -> Figure:
    """The same figure with every word taken as it is: a ``$`` in a name starts no formula."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    return figure


def value_axis(
    axes: Axes, low: float, high: float, ticks: Sequence[float] | None, unit: str
) -> None:
    """A y axis with zero visible, a quiet grid and its unit; ``ticks`` None: a few round ones."""
    axes.set_ylim(low, high)
    axes.set_yticks(list(MaxNLocator(4).tick_values(low, high)[1:-1] if ticks is None else ticks))
    axes.tick_params(labelleft=True)
    axes.grid(axis="y", color=LIGHT.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axhline(0, color=LIGHT.muted, linewidth=1)
    axes.set_ylabel(unit, fontsize=LABEL, color=LIGHT.ink)


def direct_labels(axes: Axes, labels: Mapping[str, tuple[float, str]], inches: float) -> None:
    """Words to the right of a row, text → (height, colour), moved apart where they would touch."""
    low, high = axes.get_ylim()
    places = spread({text: at for text, (at, _) in labels.items()}, (high - low) * 0.23 / inches)
    for text, (_, colour) in labels.items():
        axes.annotate(
            text,
            (1, places[text]),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=LABEL - 1,
            color=LIGHT.text(colour),
            annotation_clip=False,
        )


def curve(axes: Axes, times_s: NDArray, values: NDArray, look: Curve, name: str) -> None:
    """A line with markers in the look of its category."""
    axes.plot(
        times_s,
        values,
        color=look.colour,
        linestyle=look.mpl_dash,
        marker=look.mpl_marker,
        markersize=6 if len(times_s) <= 40 else 3.5,
        linewidth=2.2,
        label=name,
        clip_on=False,
    )


def thumbnails(
    axes: Axes,
    frames: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    labels: Sequence[str],
    *,
    edges: Sequence[tuple[str, str]],
    high: float,
    inches: float,
    leads_to: NDArray[np.float64] | None = None,
) -> None:
    """``chosen`` frames side by side over the row, each labelled, framed and led to its time.

    Args:
        labels: words above each.
        edges: (colour, dash) of each one's frame.
        high: inches of the row (its y axis becomes inches); inches: its width.
        leads_to: x of the place each one's thin line leads down to; None: no lines.
    """
    start, end = axes.get_xlim()
    axes.set_ylim(0, high)
    lead = 0.3 if leads_to is not None else 0.0
    tall = high - lead - 0.26
    slot = (end - start) / len(chosen)
    shape = frames.shape[2] / frames.shape[1]
    wide = min(slot * 0.94, tall * shape * (end - start) / inches)
    tall = min(tall, wide * inches / (end - start) / shape)
    for number, at in enumerate(chosen):
        middle = start + (number + 0.5) * slot
        box = (middle - wide / 2, middle + wide / 2, lead, lead + tall)
        axes.imshow(frames[at], extent=box, aspect="auto", interpolation="bilinear", zorder=2)
        colour, dash = edges[number]
        axes.add_patch(
            Rectangle(
                (box[0], box[2]),
                wide,
                tall,
                fill=False,
                edgecolor=colour,
                linestyle=dash,
                linewidth=3,
                zorder=3,
                clip_on=False,
            )
        )
        axes.text(
            middle,
            lead + tall + 0.06,
            labels[number],
            ha="center",
            va="bottom",
            fontsize=SMALL,
            color=LIGHT.ink,
        )
        if leads_to is not None:
            axes.plot(
                [middle, leads_to[number]], [lead, 0], color=LIGHT.muted, linewidth=1, clip_on=False
            )
    axes.set_xlim(start, end)
    axes.set_ylim(0, high)


def draw_truth(axes: Axes, truth: Truth) -> None:
    """The truth lane: grey hatching where the action is visible, cuts as thin marks."""
    axes.set_ylim(0, 1)
    for start, end in truth.spans():
        patch = Rectangle(
            (start, 0.04), end - start, 0.92, hatch="////", facecolor="none",
            edgecolor=LIGHT.truth, linewidth=1,
        )  # fmt: skip
        patch.set_gid("truth")
        axes.add_patch(patch)
    start, end = axes.get_xlim()
    for left, right, phase in truth.phase_spans():
        left, right = max(left, start), min(right, end)
        if (right - left) / (end - start) > 0.012 * len(phase):
            axes.text(
                (left + right) / 2,
                0.5,
                phase,
                ha="center",
                va="center",
                fontsize=SMALL,
                color=LIGHT.ink,
                bbox={"facecolor": LIGHT.paper, "edgecolor": "none", "pad": 1.5},
            )
    cuts = [cut for cut in truth.cut_marks() if start < cut < end]
    for cut in cuts:
        axes.axvline(cut, color=LIGHT.ink, linewidth=1.2, gid="cut")
    if cuts:
        axes.annotate(
            "│ cut",
            (1, 0.5),
            xycoords="axes fraction",
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=LIGHT.muted,
            annotation_clip=False,
        )


def heat_scale(page: Page, first: str, last: str, words: str) -> None:
    """One colour bar beside the rows from ``first`` to ``last``, as opaque as the heat itself."""
    top, bottom = page.axes[first].get_position(), page.axes[last].get_position()
    left = (WIDTH - RIGHT + 0.3) / WIDTH
    axes = page.figure.add_axes((left, bottom.y0 + 0.02, 0.24 / WIDTH, top.y1 - bottom.y0 - 0.05))
    axes.imshow(heat_on_grey()[:, None], origin="lower", aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.tick_params(labelsize=SMALL, length=3, colors=LIGHT.ink)
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(words, fontsize=SMALL, color=LIGHT.ink)
    axes.set_label("colour bar")


def title_and_note(
    figure: Figure, title: str, lines: Sequence[str], *, x: float, y: float = 0.42, low: float = 0.0
) -> None:
    """A title above and a note's lines below, ``x`` inches from the left.

    Args:
        y: inches from the top to the title's middle.
        low: inches by which the lines stand lower.
    """
    width, height = figure.get_size_inches()
    figure.text(
        x / width, 1 - y / height, short_title(title), fontsize=TITLE, fontweight="bold",
        va="center", color=LIGHT.ink,
    )  # fmt: skip
    for number, line in enumerate(lines):
        at = (0.24 * (len(lines) - number) - low) / height
        figure.text(x / width, at, line, fontsize=SMALL, color=LIGHT.muted, va="center")


def heat_on_grey() -> NDArray[np.float64]:
    """The heat's colours (256, 3) from none to strongest, over a picture of middle grey."""
    opacity = heat_opacity(np.linspace(0, 1, 256))[:, None]
    return 0.5 + opacity * (heat_colours() / 255 - 0.5)
