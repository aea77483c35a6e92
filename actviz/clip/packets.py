"""A video file's index: when each frame is shown and where decoding can start.

Built from headers and packets. Only the first picture is decoded (it alone carries the true size
and the display matrix); more than that only where a file gives reason to doubt its packets.

N frames, in display order
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.clock import repair_times, slots_of
from actviz.clip.container import KeyPicture, open_video, pictures_from, walk_packets
from actviz.clip.pictures import Pictures, picture_counter
from actviz.errors import ClipReadError

__all__ = ["Orientation", "VideoIndex", "index_of"]

_USUAL_RATE, _FASTEST_RATE = 25, 300  # frames per second
_LARGE = 1280 * 720  # pixels: below, threads gain little and make damaged files unrepeatable
_NO_ORIGIN = ("mpegts", "mpeg")  # broadcast clocks: they start anywhere


@dataclass(frozen=True)
class Orientation:
    """The display matrix's turn and mirror: upright (x, y) = (a x + c y, b x + d y)."""

    a: int = 1
    b: int = 0
    c: int = 0
    d: int = 1

    @property
    def transposed(self) -> bool:
        return self.b != 0

    @property
    def degrees_clockwise(self) -> int:
        """0, 90, 180 or 270; a mirror is not counted."""
        turn = int(np.rint(np.degrees(np.arctan2(self.b, self.a)))) % 360
        if self.mirrored and not self.transposed:
            return 0  # a mirror alone, left with right or top with bottom, turns nothing
        return turn

    @property
    def mirrored(self) -> bool:
        return self.a * self.d - self.b * self.c < 0

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The stored picture (H, W, 3) turned upright."""
        if self.transposed:
            picture = picture.transpose(1, 0, 2)
        across, down = (self.c, self.b) if self.transposed else (self.a, self.d)
        return np.ascontiguousarray(picture[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


@dataclass(frozen=True)
class VideoIndex:
    """What is known of a file before its pictures are decoded."""

    path: Path
    codec: str
    width: int  # as stored, before turning upright
    height: int
    orientation: Orientation
    times_s: NDArray[np.float64]  # (N,), strictly increasing
    period_s: float  # how long the last frame is shown
    stamps: NDArray[np.int64] | None  # (N,) presentation stamps; None: frames known by order alone
    keys: tuple[KeyPicture, ...]  # by presentation stamp
    threads: bool  # whether to decode several frames at a time
    problems: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        return round(float(self.times_s[-1] - self.times_s[0]) + self.period_s, 9)


@dataclass
class _Table:
    """One walk through a stream's packets, in file order."""

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    keys: list[KeyPicture] = field(default_factory=list)
    coded: list[int] = field(default_factory=list)  # pictures in each packet
    problems: list[str] = field(default_factory=list)
    starts_on_key: bool = True
    bidirectional: bool = False
    damaged: int = 0


def index_of(path: Path) -> VideoIndex:
    """The index of a video file, remembered until the file changes."""
    try:
        status = path.stat()
    except OSError:  # opening it says in words what is wrong
        return _build(path)
    return _remembered(path.absolute(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _remembered(path: Path, _mtime_ns: int, _size: int) -> VideoIndex:
    return _build(path)


def _build(path: Path) -> VideoIndex:
    first = next(pictures_from(path), None)
    if first is None:
        raise ClipReadError(path, "no picture in it can be decoded; the file is damaged.")
    with open_video(path) as (container, stream):
        header = _Header.of(container, stream)
        counter = picture_counter(header.codec, stream.codec_context.extradata)
        table = _walk(container, stream, counter)
    problems = _named_problems(table, header)
    if header.format == "gif" and not _ends_as_gif(path):
        problems.append("the file is cut off: the mark that ends a GIF is missing")
    stamps, times, more = _timeline(path, table, header, doubtful=bool(problems))
    if not len(times):
        raise ClipReadError(path, "no picture in it can be decoded; the file is damaged.")
    if header.format in _NO_ORIGIN:
        times = times - times[0]
    threads = first.width * first.height >= _LARGE and not (problems or more)
    orientation = _orientation(first)
    if orientation.mirrored:
        more.append("the file asks for its pictures to be shown mirrored, and so they are")
    return VideoIndex(
        path=path,
        codec=header.codec,
        width=first.width,
        height=first.height,
        orientation=orientation,
        times_s=times,
        period_s=_last_period(times, table, header),
        stamps=stamps,
        keys=tuple(sorted(table.keys, key=lambda key: key.pts)) if stamps is not None else (),
        threads=threads,
        problems=(*problems, *more),
    )


def _timeline(
    path: Path, table: _Table, header: _Header, doubtful: bool
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64], list[str]]:
    """Stamps (None where they do not hold), times in seconds, and problems found on the way."""
    guessed = not header.stores_times and (table.bidirectional or header.reorders)
    if guessed or not _stamps_hold(table):
        return None, *_times_by_order(path, table, header, doubtful)
    stamps, more = _checked_stamps(path, table, doubtful)
    return stamps, header.seconds(stamps), more


@dataclass(frozen=True)
class _Header:
    codec: str
    format: str
    tick: Fraction  # seconds of one stamp
    period_s: float  # nominal time between frames
    end: int | None  # stamp at which the stream ends according to its header
    reorders: bool  # the decoder holds pictures back to put them in order

    @property
    def stores_times(self) -> bool:
        """AVI holds no display times: FFmpeg guesses them, wrongly where there are B-frames."""
        return self.format != "avi"

    def seconds(self, stamps: NDArray[np.int64]) -> NDArray[np.float64]:
        return stamps * self.tick.numerator / self.tick.denominator

    @classmethod
    def of(cls, container: Any, stream: Any) -> _Header:
        rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        if rate > _FASTEST_RATE:  # a container's tick taken for a rate
            rate = _USUAL_RATE
        kind = container.format.name
        end = None
        if stream.duration and kind.startswith("mov"):
            end = (stream.start_time or 0) + stream.duration
        elif stream.frames and kind == "avi":  # FFmpeg fits the duration to what is left of it
            end = stream.frames
        elif container.duration and kind.startswith("matroska") and not container.streams.audio:
            end = round(container.duration / 1e6 / stream.time_base)
        return cls(
            codec=stream.codec_context.codec.canonical_name,
            format=kind,
            tick=stream.time_base,
            period_s=float(1 / rate),
            end=end,
            reorders=bool(stream.codec_context.has_b_frames),
        )


def _orientation(frame: Any) -> Orientation:
    from av.sidedata.sidedata import Type

    matrix = next((data for data in frame.side_data if data.type == Type.DISPLAYMATRIX), None)
    if matrix is None:
        return Orientation()
    m = np.frombuffer(bytes(matrix), dtype="<i4").reshape(3, 3)
    turn = (m[0, 0], m[0, 1], m[1, 0], m[1, 1])
    largest = max(1, int(np.abs(turn).max()))
    a, b, c, d = (int(np.rint(part / largest)) for part in turn)
    whole = abs(a * d - b * c) == 1 and not a * b  # a quarter turn or mirror, nothing slanted
    return Orientation(a, b, c, d) if whole else Orientation()


def _walk(container: Any, stream: Any, count: Callable[[Any], Pictures]) -> _Table:
    table = _Table()
    for packet in walk_packets(container, stream, table.problems):
        if not table.coded and not packet.is_keyframe:
            table.starts_on_key = False
        pictures = count(packet)
        table.bidirectional |= pictures.bidirectional
        table.damaged += pictures.damaged or packet.is_corrupt
        if packet.is_keyframe and pictures.shown and packet.pts is not None:
            dts = packet.pts if packet.dts is None else packet.dts
            table.keys.append(KeyPicture(packet.pts, dts))
        table.pts.append(packet.pts)
        table.dts.append(packet.dts)
        table.durations.append(packet.duration or 0)
        table.coded.append(0 if packet.is_discard else pictures.shown)
    return table


def _named_problems(table: _Table, header: _Header) -> list[str]:
    problems = list(dict.fromkeys(table.problems))
    stamps = [stamp for stamp in table.pts if stamp is not None]
    if header.end is not None and stamps:
        missing_s = float((header.end - max(stamps)) * header.tick) - _last_shown(table, header)
        if missing_s > max(3 * header.period_s, 0.2):
            problems.append(
                f"the file is cut off: {missing_s:.2f} s of the length that its header "
                "announces are missing"
            )
        elif header.format == "avi" and header.end > (last := _last_slot(table)) + 1:
            problems.append(
                f"the header announces {header.end} frames, the file ends after {last + 1}"
            )
    if table.damaged:
        problems.append(f"{table.damaged} packet(s) are damaged")
    if not table.starts_on_key:
        problems.append("the file does not start on a key frame")
    return problems


def _ends_as_gif(path: Path) -> bool:
    """Whether the trailer byte is there, be it followed by padding."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1024))
        return file.read().rstrip(b"\0\r\n").endswith(b";")


def _last_slot(table: _Table) -> int:
    """Number of the last frame of an AVI file, whose stamps count frames."""
    return max((stamp for stamp in (*table.dts, *table.pts) if stamp is not None), default=-1)


def _stamps_hold(table: _Table) -> bool:
    """Whether presentation stamps alone tell the frames apart and put them in order."""
    shown = [pts for pts, coded in zip(table.pts, table.coded, strict=True) if coded]
    dts = [stamp for stamp in table.dts if stamp is not None]
    return (
        None not in shown
        and len(set(shown)) == len(shown)
        and max(table.coded, default=0) <= 1
        and all(a <= b for a, b in pairwise(dts))
    )


def _checked_stamps(
    path: Path, table: _Table, doubtful: bool
) -> tuple[NDArray[np.int64], list[str]]:
    """Stamps in display order; where the file is doubtful, of the pictures that do decode."""
    shown = (pts for pts, coded in zip(table.pts, table.coded, strict=True) if coded)
    stamps = np.asarray(sorted(pts for pts in shown if pts is not None), dtype=np.int64)
    if not doubtful:
        return stamps, []
    after = None
    if table.starts_on_key and not table.damaged and len(table.keys) > 1:
        after = max(table.keys, key=lambda key: key.pts)  # cut off: only its end is in doubt
    seen = {picture.pts for picture in pictures_from(path, after) if picture.pts is not None}
    whole = stamps < (after.pts if after else stamps[0])
    comes = whole | np.isin(stamps, np.fromiter(seen, dtype=np.int64, count=len(seen)))
    lost = int(np.sum(~comes))
    return stamps[comes], [f"{lost} frame(s) cannot be decoded"] if lost else []


def _times_by_order(
    path: Path, table: _Table, header: _Header, doubtful: bool
) -> tuple[NDArray[np.float64], list[str]]:
    """Times of frames whose stamps do not hold, in the order in which decoding gives them."""
    if header.format == "avi" and None not in table.dts:
        times = _times_by_slot(table, header)
        if doubtful:
            times = times[: len(_decoded_times(path))]
        return times, [
            "the file has B-frames but no display times (AVI holds none): timestamps were "
            "repaired from the order of the frames"
        ]
    times, changed = repair_times(_decoded_times(path), header.period_s)
    if not changed:
        return times, []
    return times, [
        f"timestamps of {changed} of {len(times)} frames were missing, repeated or out of order "
        "and were repaired"
    ]


def _times_by_slot(table: _Table, header: _Header) -> NDArray[np.float64]:
    used = slots_of(table.coded, [stamp for stamp in table.dts if stamp is not None])
    return header.seconds(used - used[:1])


def _decoded_times(path: Path) -> list[float]:
    """Seconds of every picture in the order in which decoding gives them, NaN where unknown."""
    times = [picture.time for picture in pictures_from(path)]
    return [np.nan if time is None else time for time in times]


def _last_period(times: NDArray[np.float64], table: _Table, header: _Header) -> float:
    """How long the last frame is shown, seconds: as its packet says, or as is usual here."""
    if header.stores_times or len(times) < 2:
        return _last_shown(table, header)
    return float(np.median(np.diff(times)))


def _last_shown(table: _Table, header: _Header) -> float:
    at = max(range(len(table.pts)), key=lambda place: table.pts[place] or 0)
    stored = float(table.durations[at] * header.tick)
    return stored if stored >= 1 / _FASTEST_RATE else header.period_s
