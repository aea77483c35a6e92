"""What is behind MAM's answer, for print: each item's share of it, and why it was written."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_frames, even_choice, frame_edges
from actviz.views.contribution import Contribution, check_contribution, signed
from actviz.views.controller import check_terms, logit_of
from actviz.views.parts import reach
from actviz.views.print_memory import decision_bar, frame_row, frame_row_height
from actviz.views.printing import Page, Row, curve, direct_labels, draw_truth, literal, value_axis
from actviz.views.theme import AGAINST, FOR, LIGHT, TERMS, Curve
from actviz.views.truth import Truth

__all__ = ["contribution_figure"]


def contribution_figure(
    frames: ArrayLike,
    times_s: ArrayLike,
    contribution: ArrayLike,
    written: ArrayLike,
    *,
    class_name: str,
    bias: float,
    score_terms: ArrayLike,
    score_bias: float,
    threshold: float,
    similarity: ArrayLike | None = None,
    title: str,
    truth: Truth | None = None,
    note: str | None = None,
) -> Figure:
    """Frames over the decision bar, what each adds to a class, and what the controller added up.

    Args:
        frames: uint8 (T, H, W, 3); eight are shown where more than ten come.
        times_s: (T,) seconds, strictly increasing.
        contribution: (T,) what each item adds to the logit of ``class_name``, 0 where skipped.
        written: (T,) the decisions.
        bias: of the classifier for this class.
        score_terms: (T, 3) feature, context and history in eq. 6; ``score_bias`` its bias.
        threshold: of the write probability.
        similarity: (T,) cosine with the memory before each frame, nan where that was empty.
        title: which clip, and what the model answers.
        note: which weights, what they were trained on, warnings.
    """
    times = check_clock(times_s)
    shares = check_contribution(contribution, written, class_name=class_name, bias=bias)
    terms, score = check_terms(score_terms, score_bias)
    pictures, edges = check_frames(frames, len(times)), frame_edges(times)
    chosen = even_choice(len(times), 8 if len(times) > 10 else 10)
    rows = {
        "frames": Row(frame_row_height(pictures, len(chosen)), title=" "),
        "decision": Row(0.42, gap=0.02),
        "shares": Row(1.5, gap=0.55, title=f"adds to the logit of {class_name}: {shares.sums}"),
        "terms": Row(2.1, gap=0.55, title="what the controller adds up (eq. 6)"),
    }
    if similarity is not None:
        rows["similarity"] = Row(0.9, gap=0.5, title="similarity to the memory before it")
    if truth is not None:
        rows["truth"] = Row(0.34, title="truth: the action is visible")
    page = Page(rows, (float(edges[0]), float(edges[-1])), title=title, note=note)
    frame_row(page.axes["frames"], pictures, times, chosen, shares.written, rows["frames"].high)
    decision_bar(page.axes["decision"], edges, shares.written)
    _shares(page.axes["shares"], edges, shares)
    _terms(page.axes["terms"], times, terms, score, score_bias, threshold)
    if similarity is not None:
        _similarity(page.axes["similarity"], times, np.asarray(similarity, dtype=np.float64))
    if truth is not None:
        draw_truth(page.axes["truth"], truth)
    return literal(page.figure)


def _shares(axes: Axes, edges: NDArray[np.float64], shares: Contribution) -> None:
    low, high = reach(shares.values)
    value_axis(axes, low, high, None, "logit")
    up = shares.values >= 0
    for which, look, hatch in ((up, FOR, None), (~up, AGAINST, "....")):
        at = np.flatnonzero(which & (shares.values != 0))
        axes.bar(
            (edges[at] + edges[at + 1]) / 2,
            shares.values[at],
            np.diff(edges)[at] * 0.92,
            color=look.colour,
            edgecolor=LIGHT.paper,
            hatch=hatch,
            linewidth=0,
        )
    labels = {"▲ for": (high * 0.55, FOR.colour)}
    if (~up).any():
        labels["▼ against"] = (low * 0.55, AGAINST.colour)
    direct_labels(axes, labels, 1.5)


def _terms(
    axes: Axes,
    times: NDArray[np.float64],
    terms: NDArray[np.float64],
    score: NDArray[np.float64],
    bias: float,
    threshold: float,
) -> None:
    level = logit_of(threshold)
    low, high = reach(terms, score, [level, bias])
    value_axis(axes, low, high, None, "score")
    labels: dict[str, tuple[float, str]] = {}
    for (name, look), values in zip(TERMS.items(), terms, strict=True):
        curve(axes, times, values, look, name)
        labels[name] = (float(values[-1]), look.colour)
    curve(axes, times, score, Curve(LIGHT.ink, width=3), "score")
    labels["score, their sum"] = (float(score[-1]), LIGHT.ink)
    levels = ((level, f"threshold {threshold:g}", "--"), (bias, f"bias {signed(bias)}", ":"))
    for height, words, dash in levels:
        if math.isfinite(height):
            axes.axhline(height, color=LIGHT.muted, linewidth=1.4, linestyle=dash)
            labels[words] = (height, LIGHT.muted)
    direct_labels(axes, labels, 2.1)


def _similarity(axes: Axes, times: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    known = np.isfinite(values)
    low = -1.05 if known.any() and values[known].min() < 0 else 0.0
    value_axis(axes, low, 1.05, (-1, 0, 1) if low < 0 else (0, 1), "cosine")
    if known.any():
        curve(axes, times, values, Curve(LIGHT.ink, marker="diamond"), "similarity")
