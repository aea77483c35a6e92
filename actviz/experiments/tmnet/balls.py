"""Speed against accuracy, each network a ball as large as its FLOPs: TMNet's Figures 3 and 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from actviz.views.theme import LIGHT, OKABE_ITO

__all__ = ["Ball", "draw_balls"]

_LOOKS = {"tmnet": "vermilion", "tsn": "blue", "tsm": "green", "res_i3d": "purple"}
_OTHERS = "orange"
_AREA = 2600.0  # points² of the largest ball
_SMALLEST = 26.0
_STRIP_ROWS = 4
_WIDTH, _HEIGHT = 640.0, 500.0  # points of the panels together, about
_NAME = (140.0, 28.0)  # points of a name, about


@dataclass(frozen=True)
class Ball:
    """One network in the figure."""

    name: str
    model: str
    speed: float  # videos a second
    flops: float  # of one video
    accuracy: float | None  # share; None: not known, drawn on the strip below


def draw_balls(balls: Sequence[Ball], *, title: str, note: str, chance: float) -> Figure:
    """Balls over a logarithmic axis of speed; those of unknown accuracy on a strip of their own."""
    known = [ball for ball in balls if ball.accuracy is not None]
    unknown = [ball for ball in balls if ball.accuracy is None]
    figure = Figure(figsize=(11, 8 if known and unknown else 6), layout="constrained")
    figure.suptitle(title, fontsize=15, fontweight="bold", x=0.01, ha="left")
    rows = [part for part in (known, unknown) if part]
    heights = [3.2 if part is known else 1.4 + 0.25 * min(len(part), 4) for part in rows]
    axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    largest = max(ball.flops for ball in balls)
    for axis, part in zip(axes, rows, strict=True):
        _place(axis, part, largest)
        if part is known:
            _accuracy_axis(axis, known, chance)
        else:
            _strip(axis, len(part))
    axes[-1].set_xlabel("videos per second (logarithmic), network only", fontsize=13)
    speeds = [ball.speed for ball in balls]
    axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes[-1].set_xlim(min(speeds) / 2.8, max(speeds) * 2.4)
    for axis, part, share in zip(axes, rows, heights, strict=True):
        _name(axis, part, largest, _HEIGHT * share / sum(heights))
    _key(axes[0], largest)
    figure.supxlabel(fill(note, 130), fontsize=10, color=LIGHT.muted, x=0.01, ha="left")
    return figure


def _place(axis: Axes, balls: Sequence[Ball], largest: float) -> None:
    """The balls of one panel."""
    for ball, height in zip(balls, _heights(balls), strict=True):
        axis.scatter(
            [ball.speed],
            [height],
            s=_area(ball.flops, largest),
            color=LIGHT.graphic(OKABE_ITO[_LOOKS.get(ball.model, _OTHERS)]),
            alpha=0.75,
            edgecolor=LIGHT.ink,
            linewidth=1.0,
            zorder=3,
        )
    axis.set_xscale("log")
    axis.grid(True, axis="x", color=LIGHT.grid)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _name(axis: Axes, balls: Sequence[Ball], largest: float, height: float) -> None:
    """Each ball's name, on the side where it meets no other ball or name; axes have their limits.

    Args:
        height: of the panel, about, in points.
    """
    heights = _heights(balls)
    radii = [float(np.sqrt(_area(ball.flops, largest) / np.pi)) for ball in balls]
    places = [_points(axis, b.speed, h, height) for b, h in zip(balls, heights, strict=True)]
    taken = [(x, y, 2 * r, 2 * r) for (x, y), r in zip(places, radii, strict=True)]
    for ball, at, (x, y), radius in zip(balls, heights, places, radii, strict=True):
        aside, over = radius + 6 + _NAME[0] / 2, radius + 4 + _NAME[1] / 2
        sides = ((0, over), (0, -over), (aside, 0), (-aside, 0))
        best = min(sides, key=lambda s: _met((x + s[0], y + s[1], *_NAME), taken, height))
        taken.append((x + best[0], y + best[1], *_NAME))
        axis.annotate(
            f"{ball.name}\n{ball.flops / 1e9:.3g} GFLOPs · {ball.speed:.3g}/s",
            (ball.speed, at),
            xytext=best,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=10,
            color=LIGHT.ink,
        )


def _points(axis: Axes, speed: float, value: float, height: float) -> tuple[float, float]:
    """Where a ball stands in its panel, about, in points from the lower left."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    across = np.log(speed / left) / np.log(right / left)
    return float(across) * _WIDTH, (value - low) / (high - low) * height


def _met(box: tuple[float, ...], taken: Sequence[tuple[float, ...]], panel: float) -> float:
    """Points² of a box (x, y of its middle, width, height) that others cover or the panel lacks."""
    x, y, width, height = box
    aside = max(0.0, width / 2 - x) + max(0.0, x + width / 2 - _WIDTH)
    over = max(0.0, height / 2 - y) + max(0.0, y + height / 2 - panel)
    shared = [
        max(0.0, (width + w) / 2 - abs(x - u)) * max(0.0, (height + h) / 2 - abs(y - v))
        for u, v, w, h in taken
    ]
    return sum(shared) + aside * height + over * width


def _heights(balls: Sequence[Ball]) -> list[float]:
    """Accuracies in percent; where there are none, rows that keep neighbours' names apart."""
    if balls[0].accuracy is not None:
        return [100 * (ball.accuracy or 0.0) for ball in balls]
    return [float(number % _STRIP_ROWS) for number in range(len(balls))]


def _area(flops: float, largest: float) -> float:
    return max(_SMALLEST, _AREA * flops / largest)


def _accuracy_axis(axis: Axes, balls: Sequence[Ball], chance: float) -> None:
    values = [100 * (ball.accuracy or 0.0) for ball in balls]
    room = max(4.0, 0.45 * (max(values) - min(values)))
    axis.set_ylim(min(values) - room, max(values) + 1.6 * room)
    axis.set_ylabel("accuracy on puppets, %", fontsize=13)
    axis.grid(True, axis="y", color=LIGHT.grid)
    words = f"chance {100 * chance:.1f} %; the axis does not begin at 0"
    axis.text(0.995, 0.02, words, transform=axis.transAxes, ha="right", fontsize=10,
              color=LIGHT.muted)  # fmt: skip


def _strip(axis: Axes, count: int) -> None:
    axis.set_yticks([])
    axis.set_ylim(-0.8, min(count, _STRIP_ROWS) + 0.6)
    axis.set_ylabel("accuracy\nnot measured", fontsize=12, color=LIGHT.muted)


def _key(axis: Axes, largest: float) -> None:
    """What a ball's area means."""
    handles: list[Any] = []
    for flops in _round_sizes(largest):
        look: dict[str, Any] = {
            "color": LIGHT.grid,
            "markeredgecolor": LIGHT.ink,
            "linestyle": "none",
        }
        size, words = np.sqrt(_area(flops, largest)), f"{flops / 1e9:.3g} GFLOPs"
        handles += axis.plot([], [], "o", markersize=size, label=words, **look)
    axis.legend(
        handles=handles,
        title="a video's answer",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        labelspacing=1.6,
        handletextpad=1.6,
        borderpad=1.2,
        fontsize=10,
    )


def _round_sizes(largest: float) -> list[float]:
    """Three sizes for the key: the largest power of ten, a fifth of it and a twentieth."""
    top = 10 ** np.floor(np.log10(largest))
    return [float(top), float(top / 5), float(top / 20)]
