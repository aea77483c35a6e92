"""One clip into its folder of pictures: whole or not at all, whatever happens in between.

Pictures are written into a part folder ``<out>/.parts/<host>-<process>-<token>``, which is renamed
to its place when ``clip.json`` is in it. Part folders whose process is gone are cleared.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.flow import BOUND, iter_flow, quantise
from actviz.datasets.base import DatasetError, Sample
from actviz.datasets.crew import in_crew, stopping
from actviz.datasets.prepared import CARD, clip_folder, picture_name, read_card
from actviz.errors import ClipReadError

__all__ = [
    "NO_FILE",
    "Outcome",
    "Settings",
    "as_jpeg",
    "clear_parts",
    "enlarged",
    "is_prepared",
    "prepare_clip",
]

QUALITY = 95  # of the JPEG files
NO_FILE = "there is no such file"
_PARTS = ".parts"
_ABANDONED_S = 3600.0  # of a part folder of another machine in which nothing happens any more
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Settings:
    """What to make of every clip."""

    out: Path
    side: int = 256  # pixels of the shorter side
    flow: str = ""  # "tvl1" or "dis"; "": no flow


@dataclass(frozen=True)
class Outcome:
    """What became of a clip."""

    status: str  # prepared, present, missing, unreadable, stopped or full
    reason: str = ""
    size: int = 0  # bytes on disk
    source_size: int = 0  # bytes of the video


class _Stopped(Exception):
    """This worker was asked to leave off."""


def is_prepared(sample: Sample, settings: Settings) -> bool:
    """Whether the clip's folder is what ``settings`` ask for, made of the file as it is now.

    A clip whose file is gone counts as prepared where its pictures are there.

    Raises:
        DatasetError: its folder holds pictures that something else made, and they do not do.
    """
    folder = clip_folder(settings.out, sample.key)
    card = read_card(folder)
    if card is None:
        return _made_elsewhere(folder, settings)
    same = card.get("side") == settings.side and card.get("quality") == QUALITY
    if not same or (settings.flow and card.get("method") != settings.flow):
        return False
    try:
        return card.get("source") == _stamp(_path(sample))
    except FileNotFoundError:
        return True


def _made_elsewhere(folder: Path, settings: Settings) -> bool:
    """Whether another tool's pictures are there, with flow if that is asked for."""
    if not folder.is_dir() or next(folder.glob("*.jpg"), None) is None:
        return False
    needed = ("img", "flow_x", "flow_y") if settings.flow else ("img",)
    if all((folder / picture_name(stem, 1)).is_file() for stem in needed):
        return True
    raise DatasetError(
        f"{folder}: holds pictures that another tool made, without all of "
        f"{', '.join(needed)}; give another folder with --out."
    )


def prepare_clip(sample: Sample, settings: Settings) -> Outcome:
    """Make the clip's folder; never raises for a broken clip, the outcome says what is wrong."""
    try:
        if is_prepared(sample, settings):
            return Outcome("present")
        source = _stamp(_path(sample))
        with _part_folder(settings.out) as part:
            card = _write_pictures(_path(sample), part, settings)
            text = json.dumps({**card, "source": source})
            (part / CARD).write_text(text, encoding="utf-8")
            size = _size_on_disk(part)
            _install(part, sample, settings)
        return Outcome("prepared", size=size, source_size=source["size"])
    except _Stopped:
        return Outcome("stopped")
    except FileNotFoundError:
        return Outcome("missing", NO_FILE)
    except ClipReadError as error:
        return Outcome("unreadable", error.reason)
    except Exception as error:  # whatever a damaged file brings about: the others go on
        if isinstance(error, OSError) and error.errno in _FULL:
            return Outcome("full")
        return Outcome("unreadable", f"{type(error).__name__}: {' '.join(str(error).split())}")


def clear_parts(out: Path) -> None:
    """Remove what interrupted runs left behind; parts that a living process fills are kept."""
    home = out / _PARTS
    if not home.is_dir():
        return
    for part in home.iterdir():
        if _abandoned(part):
            shutil.rmtree(part, ignore_errors=True)
    if not any(home.iterdir()):
        home.rmdir()


def _abandoned(part: Path) -> bool:
    host, _, rest = part.name.rpartition("-")[0].rpartition("-")
    if host == _host() and rest.isdigit() and not _alive(int(rest)):
        return True
    try:
        return time.time() - part.stat().st_mtime > _ABANDONED_S
    except OSError:  # removed by its own process just now
        return False


def _alive(process: int) -> bool:
    if os.name != "posix":  # there os.kill would end it; age alone decides
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _ended(process)


def _ended(process: int) -> bool:
    """Whether only its exit status is left: in containers nobody may ever collect an orphan's."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no Linux, or collected just now
        return False
    return told.rpartition(")")[2].split()[0] in ("Z", "X")


def _host() -> str:
    return socket.gethostname() or "here"


@contextmanager
def _part_folder(out: Path) -> Iterator[Path]:
    part = out / _PARTS / f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    for again in (True, True, False):  # another run that ends may remove the empty home just now
        try:
            part.mkdir(parents=True)
            break
        except FileNotFoundError:
            if not again:
                raise
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _install(part: Path, sample: Sample, settings: Settings) -> None:
    """Put the finished part in its place, unless another run was faster."""
    target = clip_folder(settings.out, sample.key)
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(3):
        if is_prepared(sample, settings):
            return
        if read_card(target) is not None:  # of other settings, or of an older file
            old = part.with_name(f"{part.name}.old")
            target.rename(old)
            shutil.rmtree(old, ignore_errors=True)
        try:
            part.rename(target)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise DatasetError(f"{target}: holds other files; empty it or give another folder with --out.")


def _write_pictures(path: Path, part: Path, settings: Settings) -> dict[str, Any]:
    """All pictures of the clip into ``part``, a frame at a time; returns what to say of them."""
    from actviz.clip.reader import frame_times

    stored_times, problems = frame_times(path)
    times: list[float] = []
    frames = _written_frames(path, part, settings.side, times)
    flows = 0
    first = next(frames, None)
    if first is None:
        raise ClipReadError(path, "no picture in it can be decoded; the file is damaged.")
    if settings.flow:
        flows = _write_flow(first, frames, part, settings.flow)
    else:
        for _ in frames:
            pass
    lost = len(stored_times) - len(times)
    more = (f"{lost} frame(s) cannot be decoded",) if lost else ()
    return {
        "schema": 1,
        "frames": len(times),
        "flows": flows,
        "width": first.shape[1],
        "height": first.shape[0],
        "times": times,  # seconds, of each frame
        "side": settings.side,
        "quality": QUALITY,
        "method": settings.flow or None,
        "bound": BOUND,
        "problems": [*problems, *more],
    }


def _written_frames(
    path: Path, part: Path, side: int, times: list[float]
) -> Iterator[NDArray[np.uint8]]:
    """Each frame uint8 (H, W, 3), its shorter side ``side``, once it is written and timed."""
    from actviz.clip.reader import iter_frames

    for _, time_s, frame in iter_frames(path, short_side=side):
        if stopping():
            raise _Stopped
        resized = enlarged(frame, side)
        times.append(time_s)
        _save(part / picture_name("img", len(times)), resized)
        yield resized


def _write_flow(
    first: NDArray[np.uint8], rest: Iterator[NDArray[np.uint8]], part: Path, method: str
) -> int:
    def frames() -> Iterator[NDArray[np.uint8]]:
        yield first
        yield from rest

    if in_crew():
        import cv2

        cv2.setNumThreads(1)  # the cores are shared by processes already
    number = 0
    for number, field in enumerate(iter_flow(frames(), method=method), 1):
        levels = quantise(field)
        _save(part / picture_name("flow_x", number), levels[..., 0])
        _save(part / picture_name("flow_y", number), levels[..., 1])
    return number


def enlarged(frame: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A frame smaller than asked for, as TSN has it: enlarged, bilinear."""
    from PIL import Image

    height, width = frame.shape[:2]
    if min(height, width) >= side:
        return frame
    scale = side / min(height, width)
    size = (round(width * scale), round(height * scale))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))


def as_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 3), or grey (H, W), as the JPEG that is stored of it."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _save(path: Path, picture: NDArray[np.uint8]) -> None:
    path.write_bytes(as_jpeg(picture))  # not by PIL, which hides that a disk is full


def _path(sample: Sample) -> Path:
    if sample.path is None:
        raise DatasetError(f"{sample.key}: is made by a program; there is nothing to prepare.")
    return sample.path


def _stamp(path: Path) -> dict[str, Any]:
    """What tells that a file has changed."""
    status = path.stat()
    return {"name": path.name, "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _size_on_disk(folder: Path) -> int:
    return sum(_blocks(path.stat()) for path in folder.iterdir())


def _blocks(status: os.stat_result) -> int:
    return getattr(status, "st_blocks", 0) * 512 or status.st_size
