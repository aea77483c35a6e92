"""What a model answers: its most probable classes as bars, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from actviz.views.theme import FONT, OKABE_ITO, Theme, pick_theme

__all__ = ["answer_bars", "describe_answer"]


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
    _dress(figure, names, theme)
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


def _dress(figure: go.Figure, names: list[str], theme: Theme) -> None:
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
        title={"text": "probability, 0–1", "standoff": 4},
        tickvals=[0, 0.5, 1],
        gridcolor=theme.grid,
        zeroline=True,
        zerolinecolor=theme.muted,
        fixedrange=True,
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(names))),
        ticktext=[f"<b>{names[0]}</b>", *names[1:]],
        tickfont={"size": 15},
        automargin=True,
        ticklabelstandoff=6,
        showgrid=False,
        fixedrange=True,
    )


def describe_answer(top: Sequence[tuple[str, float]]) -> str:
    """The answer in words: ``throw with probability 0.91, then push 0.05``."""
    (name, value), *rest = _check_answer(top)
    others = ", ".join(f"{other} {probability:.2f}" for other, probability in rest)
    return f"{name} with probability {value:.2f}" + (f", then {others}" if others else "")
