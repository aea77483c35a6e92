"""Where live pictures come from: a camera by its number, or a file played at its own pace.

A source hands out one shot after the other and waits in between, as a camera does; who is slower
than it takes only the newest (``actviz.live.newest``).

H, W pixels
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from actviz.clip.reader import iter_frames, probe
from actviz.errors import ActvizError
from actviz.trace.traced import SHORT_SIDE

__all__ = ["Camera", "Film", "Shot", "Source", "open_source"]

_USUAL_RATE = 30.0  # frames a second of a camera that does not say


@dataclass(frozen=True)
class Shot:
    """One picture of a stream."""

    number: int  # in the stream, from 0
    time_s: float  # on the stream's own clock, its first shot 0
    picture: NDArray[np.uint8]  # (H, W, 3), upright RGB


class Source(Protocol):
    """What hands out shots until it has no more or is closed."""

    @property
    def name(self) -> str:
        """To show."""

    @property
    def fps(self) -> float:
        """Nominal frames per second."""

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of its pictures."""

    def shots(self) -> Iterator[Shot]:
        """One after the other, each when it is due."""

    def close(self) -> None:
        """End ``shots`` soon, from whichever thread."""


def open_source(what: str) -> Source:
    """The camera of that number, or the video file of that name.

    Raises:
        ActvizError: there is none.
    """
    if what.isdecimal() and not Path(what).exists():
        return Camera(int(what))
    return Film(Path(what))


class Film:
    """A video file as a stream: each frame comes when it is due and not before.

    Args:
        path: any video file that can be read.
        now: a clock in seconds.
        wait: waits so many seconds; true where the wait was cut short by ``close``.

    Raises:
        ClipReadError: it is no video.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self.path, self._now = path, now
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait
        self._info = probe(path)
        self._frames = iter_frames(path, short_side=SHORT_SIDE)
        self._first = next(self._frames)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def sha256(self) -> str:
        """Of the file."""
        return self._info.sha256

    @property
    def fps(self) -> float:
        return self._info.fps

    @property
    def size(self) -> tuple[int, int]:
        height, width = self._first[2].shape[:2]
        return height, width

    def shots(self) -> Iterator[Shot]:
        begin, start = self._now(), self._first[1]
        yield Shot(0, 0.0, self._first[2])
        for number, (_, time_s, picture) in enumerate(self._frames, 1):
            ahead = begin + (time_s - start) - self._now()
            if self._closed.is_set() or (ahead > 0 and self._wait(ahead)):
                return
            yield Shot(number, time_s - start, picture)

    def close(self) -> None:
        self._closed.set()


class Camera:
    """A camera of this machine, by its number, through OpenCV.

    Raises:
        ActvizError: there is no such camera, or it gives no picture.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._closed = threading.Event()
        self._camera = _opened(number)
        first = self._read()
        if first is None:
            self._camera.release()
            raise ActvizError(
                f"camera {number} gives no picture; close other programs that use it."
            )
        self._first = first

    @property
    def name(self) -> str:
        return f"camera {self.number}"

    @property
    def fps(self) -> float:
        told = float(self._camera.get(_FPS))
        return told if 1 <= told <= 240 else _USUAL_RATE

    @property
    def size(self) -> tuple[int, int]:
        height, width = self._first.shape[:2]
        return height, width

    def shots(self) -> Iterator[Shot]:
        begin, number = time.monotonic(), 0
        try:
            while not self._closed.is_set() and (picture := self._read()) is not None:
                yield Shot(number, time.monotonic() - begin, picture)
                number += 1
        finally:
            self._camera.release()

    def close(self) -> None:
        self._closed.set()

    def _read(self) -> NDArray[np.uint8] | None:
        there, picture = self._camera.read()
        return _shown(picture) if there and picture is not None else None


_FPS = 5  # OpenCV's CAP_PROP_FPS


def _opened(number: int) -> Any:
    try:
        import cv2
    except ImportError as error:
        raise ActvizError(
            "a camera needs OpenCV: pip install opencv-python-headless; or name a video file."
        ) from error
    cv2.utils.logging.setLogLevel(0)  # its own complaints would stand beside our sentence
    camera = cv2.VideoCapture(number)
    if not camera.isOpened():
        camera.release()
        raise ActvizError(
            f"camera {number} cannot be opened; check that it is plugged in and that no other "
            "program uses it, give another number, or name a video file."
        )
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not one that waited
    return camera


def _shown(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """BGR of any size as RGB with a short side of at most 360 pixels."""
    import cv2

    height, width = picture.shape[:2]
    scale = SHORT_SIDE / min(height, width)
    if scale < 1:
        size = (round(width * scale), round(height * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[..., ::-1])
