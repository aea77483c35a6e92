"""What a model answers: its most probable classes as bars, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.theme import FONT, OKABE_ITO, Theme, pick_theme

__all__ = ["answer_bars", "answer_change", "describe_answer", "describe_change", "dress_bars"]


def _check_answer(top: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    answer = [(str(name), float(probability)) for name, probability in top]
    if not answer:
        raise ValueError("top must hold at least one (class, probability) pair; got none.")
    bad = [p for _, p in answer if not (np.isfinite(p) and -1e-6 <= p <= 1 + 1e-6)]
    if bad:
        raise ValueError(f"probabilities must lie in [0, 1]; got {bad[0]}.")
    return answer


def answer_bars(
    top: Sequence[tuple[str, float]],
    *,
    truth: str | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """Horizontal bars of ``top`` (class, probability), best first; the true class is starred."""
    answer = _check_answer(top)
    theme = pick_theme(dark)
    names = [f"{name} ★" if name == truth else name for name, _ in answer]
    values = [value for _, value in answer]
    accent = theme.graphic(OKABE_ITO["blue"])
    figure = go.Figure(
        go.Bar(
            x=values,
            y=list(range(len(names))),
            orientation="h",
            marker={"color": [accent] + [theme.muted] * (len(values) - 1), "line": {"width": 0}},
            text=[f"{value:.2f}" for value in values],
            textposition="outside",
            textfont={"size": 15, "color": theme.ink},
            cliponaxis=False,
            customdata=names,
            hovertemplate="%{customdata} %{x:.3f}<extra></extra>",
        )
    )
    dress_bars(figure, names, theme)
    head, foot = (40 if title else 6), (66 if note else 40)
    figure.update_layout(
        height=32 * len(names) + head + foot,
        margin={"l": 8, "r": 48, "t": head, "b": foot},
        title={"text": title or "", "x": 0, "font": {"size": 18}},
    )
    if note:
        figure.add_annotation(
            text=note, x=0, y=0, xref="paper", yref="paper", yshift=-40, xanchor="left",
            yanchor="top", showarrow=False, font={"color": theme.muted, "size": 14},
        )  # fmt: skip
    return figure


def dress_bars(
    figure: go.Figure,
    names: Sequence[str],
    theme: Theme,
    *,
    axis: str = "probability, 0–1",
    bold: bool = True,
) -> None:
    """Horizontal bars of probabilities as they look everywhere, the first one's name ``bold``."""
    figure.update_layout(
        paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper,
        font={"family": FONT, "size": 14, "color": theme.ink},
        bargap=0.3,
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(
        range=[0, 1],
        title={"text": axis, "standoff": 4},
        tickvals=[0, 0.5, 1],
        gridcolor=theme.grid,
        zeroline=True,
        zerolinecolor=theme.muted,
        fixedrange=True,
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(names))),
        ticktext=[f"<b>{names[0]}</b>" if bold else names[0], *names[1:]],
        tickfont={"size": 15},
        automargin=True,
        ticklabelstandoff=6,
        showgrid=False,
        fixedrange=True,
    )


def answer_change(
    classes: Sequence[str],
    before: ArrayLike,
    after: ArrayLike,
    *,
    truth: str | None = None,
    count: int = 4,
    names: tuple[str, str] = ("as it was", "what if"),
    dark: bool = False,
) -> go.Figure:
    """Two answers to one clip, bar beside bar, for the ``count`` classes highest in either.

    Args:
        classes: (K,) names.
        before, after: (K,) probabilities; the first hatched and grey, the second plain and blue.
        truth: the class that is really shown; starred.
        names: what the two are called.
    """
    one, other = _check_pair(classes, before, after)
    theme = pick_theme(dark)
    order = _highest(one, other, count)
    accent = theme.graphic(OKABE_ITO["blue"])
    hatch = {"shape": "/", "fgcolor": theme.muted, "bgcolor": theme.paper, "size": 6}
    looks: list[dict[str, object]] = [
        {"color": theme.muted, "pattern": hatch, "line": {"width": 1, "color": theme.muted}},
        {"color": accent, "line": {"width": 1, "color": accent}},
    ]
    figure = go.Figure()
    for values, name, look in zip((one, other), names, looks, strict=True):
        figure.add_bar(
            x=values[order],
            y=list(range(len(order))),
            orientation="h",
            name=name,
            marker=look,
            text=[f"{value:.2f}" for value in values[order]],
            textposition="outside",
            textfont={"size": 14, "color": theme.ink},
            cliponaxis=False,
            hoverinfo="skip",
        )
    legend = f"▨ {names[0]}   <span style='color:{accent}'>■</span> {names[1]}"
    starred = [f"{classes[k]} ★" if classes[k] == truth else classes[k] for k in order]
    dress_bars(figure, starred, theme)
    figure.update_layout(
        barmode="group",
        bargap=0.22,
        bargroupgap=0.08,
        height=50 * len(order) + 84,
        margin={"l": 8, "r": 48, "t": 40, "b": 40},
        title={"text": legend, "x": 0, "xref": "paper"},
        title_font_size=15,
    )
    return figure


def _check_pair(
    classes: Sequence[str], before: ArrayLike, after: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if one.shape != (len(classes),) or other.shape != one.shape or not len(classes):
        raise ValueError(
            f"before and after must hold one probability per class, ({len(classes)},); got "
            f"{one.shape} and {other.shape}."
        )
    both = np.concatenate([one, other])
    if not np.isfinite(both).all() or both.min() < -1e-6 or both.max() > 1 + 1e-6:
        raise ValueError("probabilities must lie in [0, 1].")
    return one, other


def _highest(one: NDArray[np.float64], other: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Classes highest in either, the new answer first: the bold one."""
    chosen = np.argsort(-np.maximum(one, other), kind="stable")[:count]
    return chosen[np.argsort(-other[chosen], kind="stable")]


def describe_change(classes: Sequence[str], before: ArrayLike, after: ArrayLike) -> str:
    """Two answers in words: ``the answer stays throw, 0.91 → 0.83``."""
    one, other = _check_pair(classes, before, after)
    was, now = int(one.argmax()), int(other.argmax())
    if was == now:
        return f"the answer stays {classes[now]}, {one[now]:.2f} → {other[now]:.2f}"
    return (
        f"the answer turns from {classes[was]} ({one[was]:.2f}) to {classes[now]} "
        f"({other[now]:.2f})"
    )


def describe_answer(top: Sequence[tuple[str, float]]) -> str:
    """The answer in words: ``throw with probability 0.91, then push 0.05``."""
    (name, value), *rest = _check_answer(top)
    others = ", ".join(f"{other} {probability:.2f}" for other, probability in rest)
    return f"{name} with probability {value:.2f}" + (f", then {others}" if others else "")
