"""The live loop: take the newest shot, glance at it, tell whoever listens, count.

Everything that takes time is measured as it runs: glances a second over the last two seconds, and
milliseconds of every glance.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from actviz.learn.checkpoints import Loaded
from actviz.live.glance import OneGlance, one_glance
from actviz.live.newest import Newest, fill
from actviz.live.source import Shot, Source

__all__ = ["Seen", "Summary", "run_live"]

_WINDOW_S = 2.0  # that the rate is measured over
_HALF_LIFE_S = 10.0  # in which the maps' common scale forgets a bright moment
_PATIENCE_S = 0.1  # between looks at whether to stop
_REMEMBERED = 10_000  # glances whose milliseconds tell the median

Glance = Callable[..., OneGlance]


@dataclass(frozen=True)
class Seen:
    """One glance with its shot and the state of the stream."""

    shot: Shot
    glance: OneGlance
    rate: float  # glances a second, measured
    seen: int  # shots so far
    glanced: int
    dropped: int


@dataclass(frozen=True)
class Summary:
    """What a live session came to."""

    seen: int = 0
    glanced: int = 0
    dropped: int = 0
    seconds: float = 0.0
    milliseconds: tuple[float, ...] = field(default=(), repr=False)  # of the last glances

    @property
    def rate(self) -> float:
        """Glances a second."""
        return self.glanced / self.seconds if self.seconds > 0 else 0.0

    def in_words(self) -> str:
        """A line for the terminal."""
        if not self.glanced:
            return "no frame was seen."
        slowest = sorted(self.milliseconds)[int(0.95 * (len(self.milliseconds) - 1))]
        return (
            f"{self.seen} frames seen in {self.seconds:.1f} s, {self.glanced} glanced at, "
            f"{self.dropped} dropped; {self.rate:.1f} frames/s; a glance took "
            f"{median(self.milliseconds):.1f} ms (95 % under {slowest:.1f} ms)."
        )


def run_live(
    loaded: Loaded,
    source: Source,
    *,
    tell: Callable[[Seen], None],
    seconds: float | None = None,
    cam_class: str | None = None,
    stop: threading.Event | None = None,
    now: Callable[[], float] = time.monotonic,
    look: Glance = one_glance,
) -> Summary:
    """Glance at the newest shot again and again, until the source ends, time is up or ``stop``.

    Args:
        tell: is handed every glance, in this thread.
        seconds: how long, at most.
        cam_class: the class whose evidence is mapped; the top class of each glance where None.
        now: a clock in seconds. look: in place of ``one_glance``.
    """
    look(loaded, np.zeros((*source.size, 3), np.uint8))  # the first takes longer: not counted
    stop = stop or threading.Event()
    newest, took = Newest(), deque[float](maxlen=_REMEMBERED)
    thread, began = fill(newest, source), now()
    recent, last, glanced, largest = deque([began]), began, 0, 0.0
    try:
        while not stop.is_set() and not newest.ended:
            if seconds is not None and now() - began >= seconds:
                break
            shot = newest.take(_PATIENCE_S)
            if shot is None:
                continue
            faded = largest * 0.5 ** ((now() - last) / _HALF_LIFE_S)
            glance = look(loaded, shot.picture, cam_class=cam_class, scale_from=faded)
            largest, last, glanced = glance.cam_max, now(), glanced + 1
            took.append(glance.milliseconds)
            rate = _rate(recent, last)
            tell(Seen(shot, glance, rate, newest.seen, glanced, newest.dropped))
        return Summary(newest.seen, glanced, newest.dropped, now() - began, tuple(took))
    finally:
        source.close()
        thread.join(timeout=2)


def _rate(recent: deque[float], moment: float) -> float:
    """Glances a second over the last two seconds, this one among them."""
    recent.append(moment)
    while len(recent) > 2 and moment - recent[0] > _WINDOW_S:
        recent.popleft()
    span = moment - recent[0]
    return (len(recent) - 1) / span if span > 0 else 0.0
