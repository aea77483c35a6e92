"""The newest frame wins: what is dropped is counted, what is told is measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from live_films import film, glancing, picture

from actviz.errors import ActvizError
from actviz.live.glance import one_glance
from actviz.live.loop import Summary, run_live
from actviz.live.newest import Newest
from actviz.live.source import Film, Shot, open_source

LOADED = glancing()
ONE = one_glance(LOADED, picture())


@dataclass
class ByHand:
    """A source whose shots come when they are released."""

    name = "by hand"
    fps = 25.0
    size = (48, 64)
    count: int = 12
    broken: bool = False
    gate: Any = field(default_factory=lambda: threading.Semaphore(1))
    released: int = 1
    put: int = 0  # shots that the other thread has put on the shelf
    closed: bool = False

    def shots(self) -> Iterator[Shot]:
        for number in range(self.count):
            self.gate.acquire()
            if self.broken:
                raise ActvizError("the cable came off.")
            yield Shot(number, number / 25, picture())
            self.put += 1

    def release(self, count: int) -> None:
        """Let so many more come, and wait until they lie there."""
        self.released = min(self.released + count, self.count)
        self.gate.release(count)
        for _ in range(5000):
            if self.put >= self.released:
                return
            time.sleep(0.001)
        raise TimeoutError

    def close(self) -> None:
        self.closed = True
        self.gate.release(self.count)


@dataclass
class Clock:
    """Driven by hand."""

    s: float = 0.0

    def now(self) -> float:
        return self.s

    def wait(self, seconds: float) -> bool:
        self.s += seconds
        return False


def run(source: ByHand, released: int, **more: Any) -> tuple[Summary, list[Any]]:
    """Live on the source; during each glance 0.1 s pass and so many shots arrive."""
    clock, told, looked = Clock(), [], []

    def look(*_: Any, **__: Any) -> Any:
        clock.s += 0.1
        if looked:  # the first is the warm-up
            source.release(released)
        looked.append(clock.s)
        return replace(ONE, milliseconds=100.0)

    summary = run_live(LOADED, source, tell=told.append, now=clock.now, look=look, **more)
    return summary, told


def test_the_shelf_keeps_the_newest_and_counts_what_it_replaced():
    newest = Newest()
    for number in range(3):
        newest.put(Shot(number, 0.0, picture()))
    shot = newest.take(0)
    assert shot is not None
    assert (shot.number, newest.seen, newest.dropped) == (2, 3, 2)
    assert newest.take(0) is None
    newest.end()
    assert newest.ended


def test_a_fast_source_loses_what_comes_during_a_glance():
    summary, told = run(ByHand(), released=3)
    assert [seen.shot.number for seen in told] == [0, 3, 6, 9, 11]
    assert (summary.seen, summary.glanced, summary.dropped) == (12, 5, 7)
    assert told[-1].dropped == 7


def test_a_slow_source_loses_nothing():
    summary, told = run(ByHand(count=5), released=1)
    assert [seen.shot.number for seen in told] == [0, 1, 2, 3, 4]
    assert (summary.seen, summary.dropped) == (5, 0)


def test_the_rate_is_measured_on_the_clock():
    summary, told = run(ByHand(count=5), released=1)
    assert told[-1].rate == pytest.approx(10, rel=0.01)
    assert summary.rate == pytest.approx(10, rel=0.01)
    assert "5 frames seen" in summary.in_words()
    assert "100.0 ms" in summary.in_words()


def test_it_ends_when_time_is_up_and_closes_the_source():
    source = ByHand(count=100)
    summary, _ = run(source, released=1, seconds=0.35)
    assert summary.glanced == 4
    assert source.closed


def test_it_ends_when_asked():
    stop = threading.Event()
    source = ByHand(count=100)
    look = lambda *_, **__: ONE  # noqa: E731
    tell = lambda seen: stop.set()  # noqa: E731
    assert run_live(LOADED, source, tell=tell, stop=stop, look=look).glanced == 1


def test_what_breaks_the_source_is_told():
    with pytest.raises(ActvizError, match="cable came off"):
        run(ByHand(broken=True), released=1)


def test_maps_keep_the_largest_scale_and_forget_it_slowly():
    scales, clock = [], Clock()

    def look(*_: Any, scale_from: float = 0.0, **__: Any) -> Any:
        scales.append(scale_from)
        clock.s += 5.0
        if len(scales) > 1:
            source.release(1)
        return replace(ONE, cam_max=8.0)

    source = ByHand(count=3)
    run_live(LOADED, source, tell=lambda seen: None, now=clock.now, look=look)
    assert scales[1] == 0
    assert scales[2] == pytest.approx(8)  # no time passed since


def test_a_film_comes_at_its_own_pace(tmp_path):
    clock = Clock()
    source = Film(film(tmp_path / "film.mp4", 10), now=clock.now, wait=clock.wait)
    came = [(shot.number, shot.time_s, clock.s) for shot in source.shots()]
    assert [number for number, _, _ in came] == list(range(10))
    np.testing.assert_allclose([due for _, due, _ in came], np.arange(10) / 25, atol=1e-3)
    np.testing.assert_allclose([at for _, _, at in came], np.arange(10) / 25, atol=1e-3)


def test_a_late_film_does_not_wait(tmp_path):
    waits: list[float] = []
    moments = iter([0.0, *[10.0] * 20])
    wait = lambda s: waits.append(s) or False  # noqa: E731
    source = Film(film(tmp_path / "film.mp4", 10), now=lambda: next(moments), wait=wait)
    assert len(list(source.shots())) == 10
    assert waits == []


def test_a_closed_film_stops(tmp_path):
    source = Film(film(tmp_path / "film.mp4", 10))
    shots = source.shots()
    next(shots)
    source.close()
    assert list(shots) == []


def test_bad_sources_are_named(tmp_path):
    with pytest.raises(ActvizError, match=r"nothing\.mp4.*no such file"):
        open_source(str(tmp_path / "nothing.mp4"))
    with pytest.raises(ActvizError, match="camera 97 cannot be opened"):
        open_source("97")
