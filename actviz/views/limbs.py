"""A body over time: joints by limb as a heat map, what is lost without a moment or a limb.

T frames · P people · J joints · M moments
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.answers import dress_bars
from actviz.views.checks import check_clock, check_curve
from actviz.views.heat import heat_opacity
from actviz.views.lanes import KEEP, Lane, LaneFigure
from actviz.views.parts import Part
from actviz.views.shading import Shading
from actviz.views.theme import AGAINST, BONES, FOR, Theme, heat_colours, pick_theme, rgb

__all__ = [
    "Limbs",
    "describe_joints",
    "describe_limbs",
    "describe_moments",
    "joint_part",
    "limb_bars",
    "limbs_by",
    "moment_part",
]

_LIMB = 22  # pixels of a limb's rows: its name fits beside it
OTHER = "other"
_MATTERS = 0.05  # a limb whose loss costs so much probability stands out


@dataclass(frozen=True)
class Limbs:
    """Which joints stand in which row of a map, from top to bottom, and how rows are called."""

    names: tuple[str, ...]  # as the right margin says them, one for each group
    sides: tuple[str, ...]  # left, right or centre, for each group
    groups: tuple[tuple[tuple[int, int], ...], ...]  # (person, joint) of each group's rows
    joint_names: tuple[str, ...]  # (J,)

    @property
    def rows(self) -> list[tuple[int, int]]:
        """(person, joint) of all rows, from top to bottom."""
        return [row for group in self.groups for row in group]

    @property
    def edges(self) -> NDArray[np.float64]:
        """(rows + 1,) borders between rows from top to bottom, every group 1 high."""
        inside = [g + np.arange(len(group)) / len(group) for g, group in enumerate(self.groups)]
        return np.concatenate([*inside, [len(self.groups)]])


def limbs_by(
    limbs: Mapping[str, Sequence[int]], joint_names: Sequence[str], present: ArrayLike
) -> Limbs:
    """Rows for everyone who is ever ``present`` (T, P), by limb; what is in none comes last."""
    there = np.flatnonzero(np.asarray(present, dtype=bool).any(axis=0))
    people = there.tolist() or [0]
    named = {j for joints in limbs.values() for j in joints}
    rest = [j for j in range(len(joint_names)) if j not in named]
    every = {**limbs, **({OTHER: rest} if rest else {})}
    many = len(people) > 1
    found = [(p, limb, tuple((p, j) for j in every[limb])) for p in people for limb in every]
    found = [entry for entry in found if entry[2]]
    sides = [next((s for s in ("left", "right") if s in limb), "centre") for _, limb, _ in found]
    return Limbs(
        tuple(f"{p + 1} {limb}" if many else limb for p, limb, _ in found),
        tuple(sides),
        tuple(rows for _, _, rows in found),
        tuple(name.replace("_", " ") for name in joint_names),
    )


def scale_words(shading: Shading, theme: Theme, *, cells: int = 12) -> str:
    """The colour scale with its ends, small enough for a lane's title."""
    tops = [_over(value, shading.colours, theme) for value in np.linspace(0, 1, cells)]
    bar = "".join(f"<span style='color:{top}'>█</span>" for top in tops)
    return f"{shading.low} {bar} {shading.high}"


def _over(value: float, colours: str, theme: Theme) -> str:
    """The colour of a value in [0, 1] over the lane's panel: the paler, the less."""
    panel = np.array(rgb(theme.panel), dtype=np.float64)
    full = heat_colours(colours)[round(float(value) * 255)].astype(np.float64)
    mixed = panel + float(heat_opacity(value)) / 0.8 * (full - panel)
    return "#{:02X}{:02X}{:02X}".format(*np.rint(mixed).astype(int))


def joint_part(shading: Shading, limbs: Limbs) -> Part:
    """Every joint over time, grouped by limb; the colour scale stands in the title."""
    count = len(limbs.groups)
    height = max(3, count) * (_LIMB if count < 8 else 19)

    def draw(lanes: LaneFigure, number: int) -> None:
        _heat(lanes, number, shading, limbs)
        for group in range(1, count):
            lanes.border(number, count - group)
        looks = {"left": BONES["left"].colour, "right": BONES["right"].colour}
        ink = lanes.theme.muted
        lanes.direct_labels(
            number,
            {
                name: (count - group - 0.5, looks.get(side, ink))
                for group, (name, side) in enumerate(zip(limbs.names, limbs.sides, strict=True))
            },
        )
        lanes.retitle(number, f"{shading.title} · {scale_words(shading, lanes.theme)}")

    return Part(Lane(shading.title, height, (0, count), ticks=()), draw)


def _heat(lanes: LaneFigure, number: int, shading: Shading, limbs: Limbs) -> None:
    rows = limbs.rows
    values = np.stack([shading.values[:, person, joint] for person, joint in rows])  # (rows, T)
    many = len({person for person, _ in rows}) > 1
    names = [
        f"person {person + 1}, {limbs.joint_names[joint]}" if many else limbs.joint_names[joint]
        for person, joint in rows
    ]
    steps = np.linspace(0, 1, 24)
    scale = [[float(v), _over(v, shading.colours, lanes.theme)] for v in steps]
    said = [[name] * values.shape[1] for name in names]
    lanes.figure.add_trace(
        go.Heatmap(
            x=lanes.edges,
            y=len(limbs.groups) - limbs.edges,
            z=values,
            zmin=0,
            zmax=1,
            colorscale=scale,
            showscale=False,
            text=said,
            customdata=values * shading.most,
            hovertemplate=f"%{{text}}: {shading.what} %{{customdata:.2f}}{shading.unit}"
            "<extra></extra>",
            hoverongaps=False,
            name=shading.what,
        ),
        row=lanes.row(number),
        col=1,
    )
    lanes.touch(number, len(limbs.groups) / 2)


def describe_joints(
    times_s: ArrayLike, shading: Shading, limbs: Limbs, *, what: str | None = None
) -> str:
    """Where the map is strongest, and which limbs hold most of it, in words."""
    times = check_clock(times_s)
    name, total = what or shading.what, float(shading.values.sum())
    if total <= 0:
        return f"{name[0].upper()}{name[1:]}: zero everywhere."
    shares = {
        limb: float(sum(shading.values[:, p, j].sum() for p, j in rows)) / total
        for limb, rows in zip(limbs.names, limbs.groups, strict=True)
    }
    first, second, *_ = [*sorted(shares, key=lambda limb: -shares[limb]), "", ""]
    at, person, joint = np.unravel_index(int(shading.values.argmax()), shading.values.shape)
    whose = f" of person {person + 1}" if len({p for p, _ in limbs.rows}) > 1 else ""
    also = f", then {second} {shares[second]:.0%}" if second else ""
    return (
        f"{name[0].upper()}{name[1:]}: most in {first} with {shares[first]:.0%} of all{also}; "
        f"strongest at {times[at]:.2f} s in {limbs.joint_names[joint]}{whose}."
    )


def moment_part(moments_s: ArrayLike, without: ArrayLike, whole: float, *, class_name: str) -> Part:
    """How a class's probability changes where one moment after another is kept from the model.

    Args:
        moments_s: (M, 2) start and end in seconds.
        without: (M,) probability of ``class_name`` without each of them.
        whole: its probability on the whole clip.
    """
    spans, values = _check_moments(moments_s, without)

    def draw(lanes: LaneFigure, number: int) -> None:
        falls = values <= whole
        lanes.figure.add_trace(
            go.Bar(
                x=spans.mean(axis=1),
                width=np.diff(spans, axis=1)[:, 0],
                base=whole,
                y=values - whole,
                name="without this moment",
                customdata=values,
                hovertemplate=f"without it {class_name} %{{customdata:.2f}}<extra></extra>",
                selected=KEEP,
                unselected=KEEP,
                marker={
                    "color": np.where(falls, FOR.colour, AGAINST.colour),
                    "line": {"color": lanes.theme.panel, "width": 2},
                    "pattern": {
                        "shape": np.where(falls, "", "."),
                        "fgcolor": lanes.theme.panel,
                        "size": 6,
                        "solidity": 0.3,
                    },
                },
            ),
            row=lanes.row(number),
            col=1,
        )
        lanes.touch(number, 0.5)
        lanes.level(number, whole, "whole clip")
        labels = {f"whole clip {whole:.2f}": (whole, lanes.theme.ink)}
        least = int(values.argmin())
        if whole - values[least] >= 0.01:
            labels[f"least {values[least]:.2f}"] = (float(values[least]), FOR.colour)
        else:
            labels["no moment alone"] = (whole - 0.25, lanes.theme.muted)
        lanes.direct_labels(number, labels)

    title = f"probability of {class_name} without this moment, 0–1 (bar down: it speaks for it)"
    return Part(Lane(title, 96, (-0.04, 1.06), (0, 0.5, 1)), draw)


def _check_moments(
    moments_s: ArrayLike, without: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    spans = np.asarray(moments_s, dtype=np.float64)
    if spans.ndim != 2 or spans.shape[1] != 2 or not len(spans) or (np.diff(spans) <= 0).any():
        raise ValueError(
            f"moments_s must hold start < end in seconds, (M, 2); got shape {spans.shape}."
        )
    return spans, check_curve(without, len(spans), "without")


def describe_moments(
    moments_s: ArrayLike, without: ArrayLike, whole: float, *, class_name: str
) -> str:
    """The moment whose loss costs most, in words."""
    spans, values = _check_moments(moments_s, without)
    least = int(values.argmin())
    start, end = spans[least]
    if whole - values[least] < 0.01:
        return f"No single moment carries {class_name}: without any of them it keeps {whole:.2f}."
    return (
        f"Without {start:.2f} to {end:.2f} s the probability of {class_name} falls most, from "
        f"{whole:.2f} to {values[least]:.2f}."
    )


def limb_bars(
    limbs: Sequence[str],
    without: ArrayLike,
    whole: float,
    *,
    class_name: str,
    dark: bool = False,
) -> go.Figure:
    """A class's probability without one limb after another, beside that with all of them.

    Args:
        limbs: (L,) names.
        without: (L,) probability of ``class_name`` where that limb is kept from the model.
        whole: its probability with all limbs.
    """
    values, theme = check_curve(without, len(limbs), "without"), pick_theme(dark)
    falls = whole - values >= _MATTERS
    figure = go.Figure(
        go.Bar(
            x=values,
            y=list(range(len(limbs))),
            orientation="h",
            marker={
                "color": np.where(falls, theme.graphic(FOR.colour), theme.muted),
                "line": {"width": 0},
            },
            text=[f"{value:.2f}" for value in values],
            textposition="outside",
            textfont={"size": 14, "color": theme.ink},
            cliponaxis=False,
            customdata=list(limbs),
            hovertemplate="without %{customdata}: %{x:.3f}<extra></extra>",
        )
    )
    dress_bars(figure, list(limbs), theme, axis=f"probability of {class_name}", bold=False)
    figure.update_layout(height=26 * len(limbs) + 46, margin={"l": 8, "r": 48, "t": 4, "b": 42})
    return figure


def describe_limbs(
    limbs: Sequence[str], without: ArrayLike, whole: float, *, class_name: str
) -> str:
    """The limb whose loss costs most, in words."""
    values = check_curve(without, len(limbs), "without")
    least = int(values.argmin())
    if whole - values[least] < 0.01:
        return f"No single limb carries {class_name}: without any of them it keeps {whole:.2f}."
    return (
        f"Without the {limbs[least]} the probability of {class_name} falls most, from {whole:.2f} "
        f"to {values[least]:.2f}."
    )
