"""A small copy of a film, made while its frames pass by: to draw on them without decoding twice.

Decoding a minute at 1080p takes seconds of two cores. Its pictures at 360 lines, as they are in
memory, are written and read again in a fraction of one: a gigabyte of scratch, for as long as the
drawing lasts.

N frames of the span · T frames looked at · H, W pixels, upright
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.reader import check_memory, file_sha256, iter_frames, read_clip
from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ClipReadError
from actviz.progress import Progress

__all__ = ["SmallFilm", "read_and_copy", "worth_copying"]

MOST_BYTES = 2**31  # of scratch: two minutes at 25 frames/s


@dataclass(frozen=True)
class SmallFilm:
    """Every frame of a span of a film, its pixels in a file as they are."""

    path: Path
    times_s: NDArray[np.float64]  # (N,), on the film's own clock
    height: int
    width: int

    def frames(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """(seconds, uint8 (H, W, 3)), in order of time."""
        size = self.height * self.width * 3
        with self.path.open("rb") as file:
            for time_s in self.times_s.tolist():
                frame = np.frombuffer(file.read(size), np.uint8)
                yield time_s, frame.reshape(self.height, self.width, 3)


def worth_copying(info: ClipInfo, frames: int, *, short_side: int, to: Path) -> bool:
    """Whether a copy of so many frames, in the folder ``to``, saves work and finds room.

    It saves none where the film is as small already, and a damaged one is better sought through.
    """
    shrunk = short_side / min(info.width, info.height)
    size = 3 * frames * round(info.width * shrunk) * round(info.height * shrunk)
    room = min(MOST_BYTES, shutil.disk_usage(to).free // 2)
    return shrunk < 1 and size <= room and not info.problems


def read_and_copy(
    path: str | Path,
    frame_index: NDArray[np.int64],
    *,
    span: NDArray[np.int64],
    short_side: int,
    to: Path,
    progress: Progress | None = None,
) -> tuple[Clip, SmallFilm]:
    """The frames numbered ``frame_index`` (T,), as ``read_clip`` has them, and a copy of the span.

    Args:
        span: numbers of the frames to copy (N,), increasing, those of ``frame_index`` among them.
        short_side: pixels, of the clip and of the copy.
        to: the copy's file.
        progress: is told of frames that passed by.

    Raises:
        ClipReadError: as ``read_clip`` raises it.
    """
    check_memory(path, len(frame_index), short_side=short_side)
    passing = iter_frames(path, frame_index=span, short_side=short_side)
    first = next(passing, None)
    if first is None:
        raise ClipReadError(Path(path), "none of the frames asked for can be decoded.")
    place = {int(number): at for at, number in enumerate(frame_index)}
    frames, seconds = np.empty((len(place), *first[2].shape), np.uint8), np.full(len(place), np.nan)
    times_s: list[float] = []
    with to.open("wb") as copy:
        for number, time_s, frame in chain([first], passing):
            copy.write(frame.data)
            times_s.append(time_s)
            if (at := place.get(number)) is not None:
                frames[at], seconds[at] = frame, time_s
            if progress:
                progress(len(times_s), len(span))
    small = SmallFilm(to, np.array(times_s), *first[2].shape[:2])
    if np.isnan(seconds).any():  # seeking to the others may still give them
        return read_clip(path, frame_index=frame_index, short_side=short_side), small
    return Clip(frames, seconds, frame_index, str(path), file_sha256(path)), small
