"""Video files in: what is in them, and the frames asked for, upright, on the file's own clock.

N frames in the file · T frames asked for · H, W pixels, upright
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.clock import is_variable
from actviz.clip.container import KeyPicture, pictures_from
from actviz.clip.downloads import sha256_of
from actviz.clip.packets import VideoIndex, index_of
from actviz.clip.sampling import span_frames
from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ClipReadError

__all__ = ["check_memory", "file_sha256", "frame_times", "iter_frames", "probe", "read_clip"]

MOST_BYTES = 2**31  # of one clip in memory
_SKIP_COST = 8  # frames: decoding this many unwanted ones costs no more than a seek

StrPath = str | PathLike[str]


def probe(path: StrPath) -> ClipInfo:
    """What is in a video file, from its headers and packets (and its first picture).

    Raises ``ClipReadError`` for anything that is not a video with at least one picture.
    """
    index = index_of(Path(path))
    width, height = _upright_size(index)
    return ClipInfo(
        source=str(path),
        sha256=file_sha256(path),
        duration_s=index.duration_s,
        frame_count=len(index.times_s),
        fps=round(len(index.times_s) / index.duration_s, 6),
        variable_rate=is_variable(index.times_s),
        rotation=index.orientation.degrees_clockwise,
        width=width,
        height=height,
        codec=index.codec,
        problems=index.problems,
    )


def frame_times(path: StrPath) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Seconds of every frame in display order (N,), strictly increasing, and the file's problems.

    Nothing but the first picture is decoded, unless the file is damaged.
    """
    index = index_of(Path(path))
    return index.times_s.copy(), index.problems


def read_clip(
    path: StrPath,
    *,
    frame_index: Sequence[int] | NDArray[np.integer] | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    short_side: int | None = None,
) -> Clip:
    """Frames of a video: those numbered ``frame_index``, or a span in seconds, or all.

    Only groups of pictures that hold a wanted frame are decoded, each once and up to its last
    wanted frame. The clip is in order of time and holds each frame once, whatever the order and
    repeats of ``frame_index``. ``short_side`` shrinks the shorter side to that many pixels
    (never enlarges). Frames that a damaged file does not yield are left out with a warning.

    Raises ``ClipReadError`` where no frame can be read or the clip would not fit in memory.
    """
    index = index_of(Path(path))
    wanted = _wanted_frames(index, frame_index, start_s, end_s)
    upright = _Upright(index, short_side)
    check_memory(path, len(wanted), short_side=short_side)
    frames = np.empty((len(wanted), *upright.shape), dtype=np.uint8)
    read = np.zeros(len(wanted), dtype=bool)
    for seek in (True, False):  # from the beginning where seeking did not give every frame
        rest = wanted[~read]
        for number, picture in _decode_wanted(index, rest, seek=seek) if rest.size else ():
            at = int(np.searchsorted(wanted, number))
            frames[at] = upright(picture)
            read[at] = True
    if not read.all():
        _report_lost(index, wanted[~read], everything=not read.any())
        frames, wanted = frames[read], wanted[read]
    return Clip(
        frames=frames,
        times_s=index.times_s[wanted],
        frame_index=wanted,
        source=str(path),
        sha256=file_sha256(path),
    )


def iter_frames(
    path: StrPath,
    *,
    frame_index: Sequence[int] | NDArray[np.integer] | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    short_side: int | None = None,
) -> Iterator[tuple[int, float, NDArray[np.uint8]]]:
    """Frames as (number in the file, seconds, uint8 (H, W, 3)), one at a time, in order of time.

    Those numbered ``frame_index``, or all of a span, as `read_clip` has it; memory does not grow
    with their number. Errors are raised at the call, not at the first frame.
    """
    index = index_of(Path(path))
    wanted = _wanted_frames(index, frame_index, start_s, end_s)
    upright = _Upright(index, short_side)
    return _stream_frames(index, wanted, upright)


def _stream_frames(
    index: VideoIndex, wanted: NDArray[np.int64], upright: _Upright
) -> Iterator[tuple[int, float, NDArray[np.uint8]]]:
    before = -1
    for number, picture in _decode_wanted(index, wanted, seek=True):
        if number > before:  # a damaged file can hand a picture out too late
            yield number, float(index.times_s[number]), upright(picture)
            before = number


def file_sha256(path: StrPath) -> str:
    """The sha256 of a file's bytes, in hexadecimal; remembered until the file changes."""
    file = Path(path)
    try:
        status = file.stat()
        return _sha256(file.absolute(), status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ClipReadError(file, f"cannot be read ({error.strerror}).") from error


@lru_cache(maxsize=64)
def _sha256(path: Path, _mtime_ns: int, _size: int) -> str:
    return sha256_of(path)


def _upright_size(index: VideoIndex) -> tuple[int, int]:
    size = (index.width, index.height)
    return size[::-1] if index.orientation.transposed else size


class _Upright:
    """Turns decoded pictures into upright RGB arrays of one size."""

    def __init__(self, index: VideoIndex, short_side: int | None) -> None:
        from av.video.reformatter import VideoReformatter

        if short_side is not None and short_side < 1:
            raise ValueError(f"short_side must be at least 1 pixel; got {short_side}.")
        shorter = min(index.width, index.height)
        scale = 1.0 if short_side is None else min(1.0, short_side / shorter)
        self.width = max(1, round(index.width * scale))
        self.height = max(1, round(index.height * scale))
        self._orientation = index.orientation
        self._reformatter = VideoReformatter()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, 3) of the upright picture."""
        size = (self.height, self.width)
        return (*(size[::-1] if self._orientation.transposed else size), 3)

    def __call__(self, picture: Any) -> NDArray[np.uint8]:
        shrinks = (picture.width, picture.height) != (self.width, self.height)
        rgb = self._reformatter.reformat(
            picture,
            width=self.width,
            height=self.height,
            format="rgb24",
            interpolation="AREA" if shrinks else None,  # averages what a pixel covers: no aliasing
        )
        return self._orientation.apply(np.asarray(rgb.to_ndarray(), dtype=np.uint8))


def _wanted_frames(
    index: VideoIndex,
    frame_index: Sequence[int] | NDArray[np.integer] | None,
    start_s: float | None,
    end_s: float | None,
) -> NDArray[np.int64]:
    """Numbers of the frames asked for, increasing, each once."""
    spanned = start_s is not None or end_s is not None
    if frame_index is None:
        if not spanned:
            return np.arange(len(index.times_s))
        try:
            return span_frames(index.times_s, start_s, end_s)
        except ValueError as error:
            raise ClipReadError(index.path, str(error)) from error
    if spanned:
        raise ValueError("read_clip takes frame_index or start_s/end_s, not both.")
    asked = np.asarray(frame_index)
    if asked.ndim != 1 or asked.size == 0 or not np.issubdtype(asked.dtype, np.integer):
        raise ValueError(
            "frame_index must be a sequence of whole numbers, at least one; got "
            f"{asked.dtype} of shape {asked.shape}."
        )
    count = len(index.times_s)
    if asked.min() < 0 or asked.max() >= count:
        raise ClipReadError(
            index.path,
            f"frame_index must lie in 0..{count - 1} (the video has {count} frames); got "
            f"{asked.min()}..{asked.max()}.",
        )
    return np.unique(asked).astype(np.int64)


def check_memory(path: StrPath, count: int, *, short_side: int | None = None) -> None:
    """Refuse a clip of ``count`` frames that would not fit in memory.

    Raises ``ClipReadError``.
    """
    index = index_of(Path(path))
    upright = _Upright(index, short_side)
    size = count * int(np.prod(upright.shape))
    if size > MOST_BYTES:
        raise ClipReadError(
            index.path,
            f"{count} frames of {upright.shape[1]}×{upright.shape[0]} would take "
            f"{size / 2**30:.1f} GiB of memory, more than {MOST_BYTES / 2**30:.0f}; ask for fewer "
            "(frame_index, start and end), a smaller short_side, or stream them with iter_frames.",
        )


def _report_lost(index: VideoIndex, lost: NDArray[np.int64], *, everything: bool) -> None:
    what = f"frame {lost[0]} ({index.times_s[lost[0]]:.2f} s)"
    if len(lost) > 1:
        what += f" and {len(lost) - 1} more"
    if everything:
        raise ClipReadError(index.path, f"{what} cannot be decoded; the file is damaged there.")
    warnings.warn(f"{index.path}: {what}: cannot be decoded, left out of the clip.", stacklevel=3)


@dataclass(frozen=True)
class _Run:
    """Wanted frames decoded in one go from a key picture (None: the beginning of the file)."""

    key: KeyPicture | None
    wanted: NDArray[np.int64]


def _decode_wanted(
    index: VideoIndex, wanted: NDArray[np.int64], *, seek: bool
) -> Iterator[tuple[int, Any]]:
    """(number, decoded picture) of each wanted frame, in order of time."""
    if index.stamps is None:
        yield from _decode_by_order(index, wanted)
        return
    runs = _runs(index, wanted) if seek else [_Run(None, wanted)]
    for run in runs:
        yield from _decode_run(index, index.stamps, run)


def _decode_by_order(index: VideoIndex, wanted: NDArray[np.int64]) -> Iterator[tuple[int, Any]]:
    """Where stamps do not tell frames apart they are counted from the beginning of the file."""
    asked, last = set(wanted.tolist()), int(wanted[-1])
    for number, picture in enumerate(pictures_from(index.path, threads=index.threads)):
        if number in asked:
            yield number, picture
        if number >= last:
            return


def _runs(index: VideoIndex, wanted: NDArray[np.int64]) -> list[_Run]:
    """Split wanted frames where going on to the next key picture is dearer than seeking to it."""
    assert index.stamps is not None
    key_stamps = np.asarray([key.pts for key in index.keys], dtype=np.int64)
    group = np.searchsorted(key_stamps, index.stamps[wanted], side="right") - 1  # -1: before all
    key_frame = np.searchsorted(index.stamps, key_stamps)  # number of each key frame
    ahead = key_frame[np.maximum(group[1:], 0)] - wanted[:-1]
    splits = np.flatnonzero((group[1:] > group[:-1]) & (ahead > _SKIP_COST)) + 1
    runs = []
    for part in np.split(np.arange(len(wanted)), splits):
        at = int(group[part[0]])
        runs.append(_Run(index.keys[at] if at > 0 else None, wanted[part]))
    return runs


def _decode_run(
    index: VideoIndex, stamps: NDArray[np.int64], run: _Run
) -> Iterator[tuple[int, Any]]:
    number_of = dict(zip(stamps[run.wanted].tolist(), run.wanted.tolist(), strict=True))
    last = int(stamps[run.wanted[-1]])
    needed = None if index.problems else frozenset(number_of)  # damage: whatever comes is welcome
    for picture in pictures_from(index.path, run.key, threads=index.threads, wanted=needed):
        if picture.pts is None:
            continue
        if picture.pts in number_of:
            yield number_of.pop(picture.pts), picture
        if not number_of or (picture.pts >= last and not index.problems):
            return  # damage can put pictures out of order: then all are waited for
