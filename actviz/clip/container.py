"""The only place that touches PyAV for reading: open a file, walk its packets, decode them.

PyAV is imported inside the functions, so that importing this module does not need it.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actviz.errors import ClipReadError

__all__ = ["KeyPicture", "open_video", "pictures_from", "walk_packets"]

# Playlists and scripts (hls, concat, …) name other files to open: an upload must not do that.
_FORMATS = (
    "mov,mp4,avi,matroska,webm,mpegts,mpeg,flv,asf,ogg,gif,apng,mxf,nut,ivf,dv,rm,swf,wtv,"
    "h264,hevc,m4v,mpegvideo,mjpeg,h263,obu,yuv4mpegpipe"
)
_READABLE = "MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV or GIF"


@dataclass(frozen=True)
class KeyPicture:
    """A place where decoding can start."""

    pts: int
    dts: int  # the stamp that containers seek by


class _SeekMissedError(Exception):
    """Seeking did not lead to the key picture that was asked for."""


@contextmanager
def open_video(path: Path, *, threads: bool = False) -> Iterator[tuple[Any, Any]]:
    """The opened container and its picture stream; ``ClipReadError`` where there is none.

    ``threads`` False decodes one frame at a time, which keeps damaged files repeatable.
    """
    _check_file(path)
    container = _open(path)
    try:
        stream = _picture_stream(container, path)
        stream.thread_type = "AUTO" if threads else "SLICE"
        yield container, stream
    finally:
        container.close()


def walk_packets(container: Any, stream: Any, problems: list[str] | None = None) -> Iterator[Any]:
    """The stream's packets that hold data, in file order.

    Cut packets, and what follows a place that cannot be read, are left out; the reason is
    appended to ``problems``. (MPEG streams mark whole stretches as damaged in which most
    pictures are sound: those are kept.)
    """
    from av import FFmpegError

    keeps_marked = container.format.name.startswith("mpeg")
    try:
        for packet in container.demux(stream):
            if packet.size == 0:  # end of stream, or a dropped frame of an AVI file
                continue
            if packet.is_corrupt and not keeps_marked:
                if problems is not None:
                    problems.append("a packet is cut or damaged and was left out")
                continue
            yield packet
    except FFmpegError as error:
        if problems is not None:
            problems.append(f"reading stops early ({error.strerror})")


def pictures_from(
    path: Path,
    key: KeyPicture | None = None,
    *,
    threads: bool = False,
    wanted: Collection[int] | None = None,
) -> Iterator[Any]:
    """Decoded pictures in display order, from ``key`` on (None: from the beginning).

    What cannot be decoded is passed over. Where seeking fails the file is read from its
    beginning. Where the stamps of ``wanted`` pictures are given, others need not come: those that
    no picture is predicted from are not decoded.
    """
    if key is not None:
        try:
            yield from _decode(path, key, threads, wanted)
            return
        except _SeekMissedError:
            pass
    yield from _decode(path, None, threads, wanted)


def _decode(
    path: Path, key: KeyPicture | None, threads: bool, wanted: Collection[int] | None
) -> Iterator[Any]:
    with open_video(path, threads=threads) as (container, stream):
        for packet in _packets_from(container, stream, key):
            if wanted is not None:
                needed = packet.pts is None or packet.pts in wanted
                stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            yield from _decode_packet(stream, packet)
        yield from _decode_packet(stream, None)


def _packets_from(container: Any, stream: Any, key: KeyPicture | None) -> Iterator[Any]:
    """Packets from ``key`` on; where a seek lands before it, those in between are passed over."""
    from av import FFmpegError

    if key is None:
        yield from walk_packets(container, stream)
        return
    try:
        container.seek(key.dts, stream=stream)
    except FFmpegError:
        raise _SeekMissedError from None
    found = False
    for packet in walk_packets(container, stream):
        found = found or packet.pts == key.pts
        if found:
            yield packet
        elif packet.dts is not None and packet.dts > key.dts:
            break
    if not found:
        raise _SeekMissedError


def _decode_packet(stream: Any, packet: Any) -> list[Any]:
    from av import FFmpegError

    try:
        return stream.decode(packet)
    except FFmpegError:  # a damaged picture: the caller sees which frames are missing
        return []


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise ClipReadError(path, "expected a video file, got a folder; name one file in it.")
    try:
        status = path.stat()
    except FileNotFoundError:
        raise ClipReadError(path, "there is no such file; check the path.") from None
    except OSError as error:
        raise ClipReadError(path, f"cannot be opened ({error.strerror}).") from error
    if not stat.S_ISREG(status.st_mode):
        raise ClipReadError(path, "expected a video file; this is not a regular file.")
    if status.st_size == 0:
        raise ClipReadError(path, "the file is empty (0 bytes); copy or download it again.")


def _open(path: Path) -> Any:
    try:
        import av
    except ImportError as error:  # pragma: no cover - PyAV is a dependency of the package
        raise ClipReadError(path, "reading video needs PyAV: pip install av.") from error
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    try:
        return av.open(f"file:{path}", options=options, metadata_errors="replace")
    except OSError as error:
        raise ClipReadError(path, f"cannot be opened ({error.strerror}).") from error
    except av.FFmpegError as error:
        raise ClipReadError(path, _why_not_video(path)) from error


def _why_not_video(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return (
            "this MP4/MOV file is cut off or damaged: the index that says where its pictures "
            "lie is missing; copy or record it again."
        )
    return f"not a video that can be read here; expected {_READABLE}, got something else."


def _picture_stream(container: Any, path: Path) -> Any:
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails  # cover art of a sound file
    for stream in container.streams.video:
        if not stream.disposition & still and stream.codec_context is not None:
            return stream
    if container.streams.audio:
        raise ClipReadError(path, "holds sound but no pictures; expected a video.")
    raise ClipReadError(path, f"holds no video; expected {_READABLE} with pictures in it.")
