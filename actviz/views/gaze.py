"""Where a soft-attention LSTM looks (ALSTM, VideoLSTM), beside what MAM decided to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_clock, check_curve, check_maps, strongest_place
from actviz.views.lanes import Lane, LaneFigure
from actviz.views.parts import Part, decision_part, stacked
from actviz.views.theme import OKABE_ITO, Curve
from actviz.views.truth import Truth

__all__ = ["GAZE", "Gaze", "check_gaze", "describe_gaze", "gaze_lanes", "gaze_part"]

GAZE = Curve(OKABE_ITO["purple"], marker="diamond")
_EVEN = 1.5  # times its even share: below that no cell stands out


@dataclass(frozen=True)
class Gaze:
    """Attention of a clip, checked."""

    maps: NDArray[np.float64]  # (T, h, w) in [0, 1], one maximum per clip
    maximum: float  # that maximum, a share of one frame's attention

    @property
    def peak(self) -> NDArray[np.float64]:
        """(T,) share of a frame's attention on its strongest cell."""
        return self.maps.max(axis=(1, 2)) * self.maximum

    @property
    def even(self) -> float:
        """The share that every cell would have were it all the same."""
        return 1 / (self.maps.shape[1] * self.maps.shape[2])

    @property
    def flat(self) -> bool:
        """No cell of any frame stands out."""
        return bool(self.peak.max() < _EVEN * self.even)


def check_gaze(attention: ArrayLike, count: int, attention_max: float) -> Gaze:
    """``attention`` (T, h, w) in [0, 1] and the clip's largest share that 1 stands for."""
    maps = check_maps(attention, count, "attention")
    if not 0 < attention_max <= 1 + 1e-4:
        raise ValueError(
            "attention_max must be the clip's largest share of one frame's attention, in (0, 1]; "
            f"got {attention_max}."
        )
    return Gaze(maps, float(attention_max))


def gaze_lanes(
    times_s: ArrayLike,
    attention: ArrayLike,
    *,
    attention_max: float,
    answer: ArrayLike | None = None,
    class_name: str = "",
    written: ArrayLike | None = None,
    written_times_s: ArrayLike | None = None,
    cursor_s: float | None = None,
    truth: Truth | None = None,
    thumbnails: NDArray[np.uint8] | None = None,
    title: str | None = None,
    note: str | None = None,
    dark: bool = False,
) -> go.Figure:
    """How pointed the attention is at each frame, what is answered by then, and MAM's decisions.

    Args:
        times_s: (T,) seconds, strictly increasing.
        attention: (T, h, w) in [0, 1], divided by one maximum per clip.
        attention_max: that maximum, a share of one frame's attention.
        answer: (T,) probability of ``class_name`` at each step.
        written: (T,) MAM's decisions on the same clip; ``written_times_s`` where it looked at
            other frames.
        thumbnails: uint8 (T, H, W, 3), best with the attention already on them (``blend_heat``).
    """
    times = check_clock(times_s)
    parts = [gaze_part(attention, times, attention_max=attention_max)]
    if answer is not None:
        parts.append(_answer_part(check_curve(answer, len(times), "answer"), class_name))
    if written is not None:
        title_of = "what MAM decided about the same clip"
        parts.append(decision_part(written, title=title_of, times_s=written_times_s))
    return stacked(
        parts,
        times,
        cursor_s=cursor_s,
        truth=truth,
        thumbnails=thumbnails,
        title=title,
        note=note,
        dark=dark,
    )


def gaze_part(
    attention: ArrayLike, times_s: ArrayLike, *, attention_max: float, who: str = ""
) -> Part:
    """How pointed the attention is: the share of its strongest cell, beside an even one.

    Args:
        attention: (T, h, w) in [0, 1], divided by ``attention_max``, one maximum per clip.
        times_s: (T,) seconds of its own frames.
        who: looks; named where lanes of others stand around it.
    """
    times = check_clock(times_s)
    gaze = check_gaze(attention, len(times), attention_max)
    high = 1.15 * max(float(gaze.peak.max()), 1.3 * gaze.even)
    title = f"{who}: " if who else ""
    title += "attention on the strongest cell, share" + (": nearly even" if gaze.flat else "")

    def draw(lanes: LaneFigure, number: int) -> None:
        words = f"even: {gaze.even:.3f}"
        lanes.curve(number, gaze.peak, "strongest cell", GAZE, times_s=times)
        lanes.level(number, gaze.even, words)
        last = float(gaze.peak[-1])
        lanes.direct_labels(
            number,
            {"strongest cell": (last, GAZE.colour), words: (gaze.even, lanes.theme.muted)},
        )

    return Part(Lane(title, 104, (0, high)), draw)


def _answer_part(answer: NDArray[np.float64], class_name: str) -> Part:
    def draw(lanes: LaneFigure, number: int) -> None:
        look = Curve(lanes.theme.ink, dash="dash", marker="square")
        lanes.curve(number, answer, class_name, look)
        known = answer[np.isfinite(answer)]
        lanes.direct_labels(
            number, {f"{known[-1]:.2f} in the end": (float(known[-1]), look.colour)}
        )

    return Part(Lane(f"probability of {class_name} by then, 0–1", 84, (-0.06, 1.08), (0, 1)), draw)


def describe_gaze(times_s: ArrayLike, attention: ArrayLike, *, attention_max: float) -> str:
    """The same arrays in words, for a reader who does not see the figure."""
    times = check_clock(times_s)
    gaze = check_gaze(attention, len(times), attention_max)
    at = int(gaze.peak.argmax())
    text = (
        f"Of each of {len(times)} frames' attention the strongest of "
        f"{gaze.maps.shape[1]}×{gaze.maps.shape[2]} cells holds {gaze.peak.min():.3f} to "
        f"{gaze.peak.max():.3f} (even: {gaze.even:.3f})"
    )
    if gaze.flat:
        return f"{text}: it is nearly even, no place stands out."
    return f"{text}, most pointed at {times[at]:.2f} s in the {strongest_place(gaze.maps[at])}."
