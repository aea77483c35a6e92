"""A small copy of a film, made while its frames pass by: to draw on them without decoding twice.

Decoding a minute at 1080p takes seconds, a copy of 360 lines a fraction of one.

H, W pixels, upright
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.reader import check_memory, file_sha256, iter_frames, read_clip
from actviz.clip.types import Clip
from actviz.clip.writer import VideoWriter
from actviz.errors import ClipReadError
from actviz.progress import Progress

__all__ = ["SmallFilm", "read_and_copy"]

_LOSS = 12  # of x264's crf: what the copy loses does not show beside what is lost in drawing on it


@dataclass(frozen=True)
class SmallFilm:
    """Every frame of a span of a film, in a file of its own."""

    path: Path
    begin_s: float  # of the span's first frame, on the film's own clock
    height: int
    width: int

    def frames(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """(seconds on the film's own clock, uint8 (H, W, 3)), in order of time."""
        for _, time_s, frame in iter_frames(self.path):
            yield self.begin_s + time_s, frame[: self.height, : self.width]  # odd sizes were padded


def read_and_copy(
    path: str | Path,
    frame_index: NDArray[np.int64],
    *,
    span: NDArray[np.int64],
    short_side: int,
    to: Path,
    fps: float,
    progress: Progress | None = None,
) -> tuple[Clip, SmallFilm]:
    """The frames numbered ``frame_index``, as ``read_clip`` has them, and a copy of the span.

    Args:
        span: numbers of all frames to copy, those of ``frame_index`` among them; increasing.
        short_side: pixels, of the clip and of the copy.
        to: the copy's file. fps: its nominal rate.
        progress: is told of frames that passed by.

    Raises:
        ClipReadError: as ``read_clip``; ActvizError: the copy cannot be written.
    """
    check_memory(path, len(frame_index), short_side=short_side)
    place = {int(number): at for at, number in enumerate(frame_index)}
    passing = iter_frames(path, frame_index=span, short_side=short_side)
    first = next(passing, None)
    if first is None:
        raise ClipReadError(Path(path), "none of the frames asked for can be decoded.")
    height, width = first[2].shape[:2]
    frames, times_s = np.empty((len(place), height, width, 3), np.uint8), np.empty(len(place))
    read = 0
    with VideoWriter(to, width=width, height=height, fps=fps, loss=_LOSS, quick=True) as copy:
        for done, (number, time_s, frame) in enumerate(chain([first], passing), 1):
            copy.write(frame, time_s)
            if number in place:
                frames[place[number]], times_s[place[number]] = frame, time_s
                read += 1
            if progress:
                progress(done, len(span))
    small = SmallFilm(to, first[1], height, width)
    if read < len(place):  # a damaged file: seeking to the frames may still give them
        return read_clip(path, frame_index=frame_index, short_side=short_side), small
    return Clip(frames, times_s, frame_index, str(path), file_sha256(path)), small
