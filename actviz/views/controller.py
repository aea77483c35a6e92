"""Why MAM wrote or skipped a frame: eq. 6 in its three terms, and how new the frame was."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock
from actviz.views.contribution import signed
from actviz.views.lanes import KEEP, Lane, LaneFigure
from actviz.views.parts import Part, reach, stacked
from actviz.views.theme import TERMS, Curve
from actviz.views.truth import Truth

__all__ = [
    "controller_lanes",
    "describe_controller",
    "describe_similarity",
    "logit_of",
    "similarity_part",
    "terms_part",
]


def logit_of(threshold: float) -> float:
    """The score at which the write probability is ``threshold``; infinite at 0 and 1."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie in [0, 1]; got {threshold}.")
    if threshold in (0, 1):
        return math.inf if threshold == 1 else -math.inf
    return math.log(threshold / (1 - threshold))


def check_terms(score_terms: ArrayLike, bias: float) -> tuple[NDArray, NDArray]:
    """Terms (3, T) and the score (T,) that they and the bias make, checked."""
    terms = np.asarray(score_terms, dtype=np.float64)
    if terms.ndim != 2 or terms.shape[1] != len(TERMS):
        raise ValueError(
            f"score_terms must have shape (T, 3): {', '.join(TERMS)}; got {terms.shape}."
        )
    if not np.isfinite(terms).all() or not np.isfinite(bias):
        raise ValueError("score_terms and bias must be finite; got nan or infinity.")
    return terms.T, terms.sum(1) + bias


def terms_part(
    score_terms: ArrayLike,
    *,
    bias: float,
    threshold: float,
    state_reset: ArrayLike | None = None,
) -> Part:
    """Eq. 6 over time: feature, context and history; with the bias they are the score.

    Args:
        score_terms: (T, 3) what feature, context and history add to the score q_t.
        bias: the controller's scalar bias.
        threshold: of the write probability; drawn at its logit, above which a frame is written.
        state_reset: (T,) the LSTM starts anew after this frame: small marks below.
    """
    terms, score = check_terms(score_terms, bias)
    level = logit_of(threshold)
    low, high = reach(terms, score, [level, bias])
    resets = _resets(state_reset, len(score))

    def draw(lanes: LaneFigure, number: int) -> None:
        labels: dict[str, tuple[float, str]] = {}
        for (name, look), values in zip(TERMS.items(), terms, strict=True):
            lanes.curve(number, values, name, look)
            labels[name] = (float(values[-1]), look.colour)
        ink = lanes.theme.ink
        lanes.curve(number, score, "score", Curve(ink, width=3))
        labels["score, their sum"] = (float(score[-1]), ink)
        for height, words in ((level, f"threshold {threshold:g}"), (bias, f"bias {signed(bias)}")):
            if math.isfinite(height):
                lanes.level(number, height, words, dash="dash" if height is level else "dot")
                labels[words] = (height, lanes.theme.muted)
        if len(resets):
            _mark_resets(lanes, number, resets, low)
            labels["▲ LSTM anew"] = (low, lanes.theme.muted)
        lanes.direct_labels(number, labels)

    return Part(Lane("what the controller adds up (eq. 6), score units", 214, (low, high)), draw)


def _resets(state_reset: ArrayLike | None, count: int) -> NDArray[np.int64]:
    """Positions after which a state was thrown away that a later frame would have had."""
    if state_reset is None:
        return np.zeros(0, dtype=np.int64)
    flags = np.asarray(state_reset, dtype=bool)
    if flags.shape != (count,):
        raise ValueError(f"state_reset must have shape {(count,)}; got {flags.shape}.")
    return np.flatnonzero(flags[:-1])


def _mark_resets(lanes: LaneFigure, number: int, resets: NDArray[np.int64], low: float) -> None:
    middle = (lanes.times_s[resets] + lanes.times_s[resets + 1]) / 2
    lanes.figure.add_trace(
        go.Scatter(
            x=middle,
            y=np.full(len(resets), low),
            mode="markers",
            name="state reset",
            hoverinfo="skip",
            unselected=KEEP,
            cliponaxis=False,
            marker={"symbol": "triangle-up", "size": 8, "color": lanes.theme.muted},
        ),
        row=lanes.row(number),
        col=1,
    )


def similarity_part(similarity: ArrayLike) -> Part:
    """Cosine of each frame's item with the memory before it; no point while that is empty."""
    values = np.asarray(similarity, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"similarity must have shape (T,); got {values.shape}.")
    known = np.isfinite(values)
    if known.any() and (np.abs(values[known]) > 1 + 1e-4).any():
        raise ValueError("similarity is a cosine, −1 to 1; got larger values.")
    low = -1.08 if known.any() and values[known].min() < 0 else -0.06
    ticks = (-1, 0, 1) if low < -1 else (0, 1)
    title = "similarity to the memory before it, cosine"
    if not known.any():
        title += ": the memory was empty throughout"

    def draw(lanes: LaneFigure, number: int) -> None:
        line = {"color": lanes.theme.ink, "width": 2}
        marker = {"color": lanes.theme.ink, "size": lanes.marker_size - 1, "symbol": "diamond"}
        lanes.points(number, values, "similarity", line=line, marker=marker)
        if known.any():
            last = float(values[known][-1])
            lanes.direct_labels(number, {f"{signed(last)} in the end": (last, lanes.theme.ink)})

    return Part(Lane(title, 84, (low, 1.08), ticks), draw)


def controller_lanes(
    times_s: ArrayLike,
    score_terms: ArrayLike,
    *,
    bias: float,
    threshold: float,
    similarity: ArrayLike | None = None,
    state_reset: ArrayLike | None = None,
    cursor_s: float | None = None,
    truth: Truth | None = None,
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """The controller's three terms with their sum and, where given, the similarity below."""
    parts = [terms_part(score_terms, bias=bias, threshold=threshold, state_reset=state_reset)]
    if similarity is not None:
        parts.append(similarity_part(similarity))
    return stacked(
        parts,
        times_s,
        cursor_s=cursor_s,
        truth=truth,
        thumbnails=thumbnails,
        title=title,
        note=note,
        dark=dark,
    )


def describe_controller(
    times_s: ArrayLike,
    score_terms: ArrayLike,
    *,
    bias: float,
    threshold: float,
    state_reset: ArrayLike | None = None,
) -> str:
    """The same arrays in words, for a reader who does not see the figure."""
    times = check_clock(times_s)
    terms, score = check_terms(score_terms, bias)
    if len(score) != len(times):
        raise ValueError(f"score_terms must hold {len(times)} rows; got {len(score)}.")
    spans = ", ".join(
        f"{name} {signed(values.min())} to {signed(values.max())}"
        for name, values in zip(TERMS, terms, strict=True)
    )
    best = int(score.argmax())
    text = (
        f"The controller's score adds up {spans} and the bias {signed(bias)}; it is highest at "
        f"{times[best]:.2f} s ({signed(score[best])})."
    )
    above = int((score > logit_of(threshold)).sum())
    text += f" It lies above the threshold in {above} of {len(times)} frames."
    resets = len(_resets(state_reset, len(times)))
    if resets:
        text += f" The LSTM starts anew {resets} time{'s' if resets > 1 else ''}."
    return text


def describe_similarity(times_s: ArrayLike, similarity: ArrayLike) -> str:
    """How like the memory each frame was, in words."""
    times, values = check_clock(times_s), np.asarray(similarity, dtype=np.float64)
    known = np.isfinite(values)
    if not known.any():
        return "The memory was empty before every frame, so no frame can be compared with it."
    at = np.flatnonzero(known)
    new = at[int(values[known].argmin())]
    return (
        f"Similarity of a frame to the memory before it: {signed(values[known].min())} to "
        f"{signed(values[known].max())}, newest at {times[new]:.2f} s."
    )
