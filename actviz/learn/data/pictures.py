"""Clips of a data set as pictures: prepared ones where they are, else straight from the videos.

Frames of a video are counted once, in several processes, and the counts kept in the cache until a
file changes. A clip that cannot be read is left out with its reason and never stops a training.

N clips · n pictures asked for · H, W pixels
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from actviz.datasets.base import DatasetError, Sample
from actviz.datasets.prepared import Prepared
from actviz.errors import ActvizError, ClipReadError
from actviz.learn.data.batches import in_processes, worker_count
from actviz.learn.data.cache import digest_of, learn_folder
from actviz.learn.data.transforms import resize_side

__all__ = ["ClipFrames", "open_frames"]

Modality = Literal["rgb", "flow"]
Resize = Literal["short", "square"]
_TOGETHER = 8  # clips that a process counts in one go
_FEW = 4 * _TOGETHER  # up to which starting processes costs more than it saves
_KEEP_EVERY = 64  # such goes between two writings of the counts


@dataclass(frozen=True)
class ClipFrames:
    """A ``FrameSource`` over files; pictures come resized (``open_frames``)."""

    samples: tuple[Sample, ...]  # (N,)
    counts: NDArray[np.int64]  # (N,), frames, or flow fields
    modality: Modality
    side: int
    resize: Resize
    prepared: Prepared | None
    skipped: dict[str, str]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Of the samples, (N,)."""
        return tuple(sample.key for sample in self.samples)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Of the samples, (N,)."""
        return np.array([sample.label for sample in self.samples], dtype=np.int64)

    def count(self, clip: int) -> int:
        """Frames, or flow fields, of a clip."""
        return int(self.counts[clip])

    def read(self, clip: int, at: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Pictures (n, H, W, 3), or flow (n, H, W, 2), at ``at`` (n,), which may repeat.

        A frame that a damaged file does not yield is replaced by the nearest one that it does.

        Raises:
            ClipReadError: the clip cannot be read after all.
        """
        sample = self.samples[clip]
        wanted, place = np.unique(np.asarray(at), return_inverse=True)
        if _is_stored(self.prepared, sample, self.modality):
            pictures = self._stored(sample, wanted)
        else:
            pictures = _from_video(sample, wanted, side=self.side)
        tensor = torch.from_numpy(pictures).movedim(-1, 1)  # (n, c, H, W)
        sized = resize_side(tensor, self.side, how=self.resize).movedim(1, -1)
        return sized.numpy()[place.reshape(-1)]

    def identity(self, clip: int) -> str:
        """Changes with the clip's file."""
        sample = self.samples[clip]
        path = sample.path
        if self.prepared is not None and _is_stored(self.prepared, sample, self.modality):
            path = self.prepared.folder(sample.key)
        return _identity(path) if path is not None else sample.key

    def _stored(self, sample: Sample, at: NDArray[np.integer]) -> NDArray[np.uint8]:
        assert self.prepared is not None
        try:
            return self.prepared.read(sample.key, self.modality, at)
        except DatasetError as error:
            raise ClipReadError(self.prepared.folder(sample.key), str(error)) from error


def open_frames(
    samples: Sequence[Sample],
    *,
    modality: Modality = "rgb",
    prepared: Path | None = None,
    side: int = 256,
    resize: Resize = "short",
    workers: int = -1,
    may_be_empty: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> ClipFrames:
    """The clips of ``samples`` that can be read.

    Args:
        prepared: folder of prepared pictures; clips that are not in it are read from their video.
        side: pixels of the short side, or of both ("square"); small videos are enlarged.
        workers: processes that count frames; −1: as many as fit.
        may_be_empty: do not mind that no clip is left.

    Raises:
        ActvizError: no clip can be read, or flow is asked for where none is prepared.
    """
    stored = Prepared(prepared) if prepared is not None else None
    skipped: dict[str, str] = {}
    counts = _count_stored(samples, stored, modality, skipped)
    rest = [s for s in samples if s.key not in counts and s.key not in skipped]
    if modality == "flow":
        skipped |= {s.key: "no flow is prepared" for s in rest}
    else:
        found, bad = _count_videos(rest, workers=workers, progress=progress)
        counts, skipped = counts | found, skipped | bad
    kept = tuple(sample for sample in samples if counts.get(sample.key, 0) > 0)
    if samples and not kept and not may_be_empty:
        raise _none_left(samples, modality, skipped)
    numbers = np.array([counts[s.key] for s in kept], dtype=np.int64)
    return ClipFrames(kept, numbers, modality, side, resize, stored, skipped)


def _none_left(samples: Sequence[Sample], modality: str, skipped: dict[str, str]) -> ActvizError:
    if modality == "flow":
        return ActvizError(
            "flow is read from prepared clips and none of these has it; run "
            "`actviz data prepare ROOT --flow` first."
        )
    key, why = next(iter(skipped.items()))
    return ActvizError(
        f"none of {len(samples)} clips can be read; the first, {key}: {why} `actviz data check` "
        "names them all."
    )


# ---- counting ------------------------------------------------------------------------------------


def _is_stored(prepared: Prepared | None, sample: Sample, modality: Modality) -> bool:
    return prepared is not None and prepared.has(sample.key, modality)


def _count_stored(
    samples: Sequence[Sample],
    prepared: Prepared | None,
    modality: Modality,
    skipped: dict[str, str],
) -> dict[str, int]:
    """Counts of the clips that are prepared; ``skipped`` gains those that are prepared badly."""
    counts: dict[str, int] = {}
    for sample in samples if prepared is not None else ():
        assert prepared is not None
        try:
            if number := prepared.count(sample.key, modality):
                counts[sample.key] = number
        except DatasetError as error:
            skipped[sample.key] = str(error)
    return counts


def _count_videos(
    samples: Sequence[Sample],
    *,
    workers: int,
    progress: Callable[[str, int, int], None] | None,
) -> tuple[dict[str, int], dict[str, str]]:
    """Frames of each video, by key, and why some cannot be read."""
    paths = {s.key: s.path for s in samples if s.path is not None}
    known = _Counts(list(paths.values()))
    counts: dict[str, int] = {}
    skipped: dict[str, str] = {s.key: "it has no file" for s in samples if s.path is None}
    fresh: list[tuple[str, Path]] = []
    for key, path in paths.items():
        before = known.get(path)
        if before is None:
            fresh.append((key, path))
        else:
            counts[key] = before
    done = 0
    for told in _scan([path for _, path in fresh], workers):
        for (key, path), number in zip(fresh[done : done + len(told)], told, strict=True):
            if isinstance(number, int):
                counts[key] = number
                known.put(path, number)
            else:
                skipped[key] = number
        done += len(told)
        if progress is not None:
            progress("counting frames", done, len(fresh))
    known.keep()
    return counts, skipped


def _scan(paths: Sequence[Path], workers: int) -> Iterator[list[int | str]]:
    """Counts, or reasons, of a few paths at a time."""
    several = worker_count(workers, in_memory=len(paths) <= _FEW)
    starts = range(0, len(paths), _TOGETHER)
    yield from in_processes(_CountSome(tuple(paths)), starts, workers=several)


@dataclass(frozen=True)
class _CountSome:
    paths: tuple[Path, ...]

    def __call__(self, start: int) -> list[int | str]:
        return [_count(path) for path in self.paths[start : start + _TOGETHER]]


def _count(path: Path) -> int | str:
    from actviz.clip.reader import frame_times

    try:
        return len(frame_times(path)[0])
    except ClipReadError as error:
        return error.reason


class _Counts:
    """Numbers of frames that were counted before, in the cache; the same file has the same."""

    def __init__(self, paths: Sequence[Path]) -> None:
        common = os.path.commonpath([path.absolute() for path in paths]) if paths else ""
        self._file = learn_folder() / f"frame-counts-{digest_of({'root': common})}.json"
        self._known = self._stored()
        self._fresh: dict[str, int] = {}

    def get(self, path: Path) -> int | None:
        """Frames of the file as it is now, if they were counted."""
        number = self._known.get(_identity(path))
        return number if isinstance(number, int) else None

    def put(self, path: Path, number: int) -> None:
        """Remember; written down now and then."""
        self._fresh[_identity(path)] = number
        if len(self._fresh) % (_KEEP_EVERY * _TOGETHER) == 0:
            self.keep()

    def keep(self) -> None:
        """Write down what is new."""
        if not self._fresh:
            return
        self._known = self._stored() | self._known | self._fresh
        fresh = self._file.with_suffix(f".{os.getpid()}.part")
        fresh.write_text(json.dumps(self._known))
        fresh.replace(self._file)
        self._fresh = {}

    def _stored(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}


def _identity(path: Path) -> str:
    """A file's name, size and time of change."""
    try:
        status = path.stat()
    except OSError:
        return str(path.absolute())
    return f"{path.absolute()}|{status.st_size}|{status.st_mtime_ns}"


# ---- reading -------------------------------------------------------------------------------------


def _from_video(sample: Sample, at: NDArray[np.integer], *, side: int) -> NDArray[np.uint8]:
    """Frames ``at`` (n,), increasing; where the file is damaged the nearest that can be read."""
    from actviz.clip.reader import read_clip

    assert sample.path is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of frames that are lost: the nearest stands in
        clip = read_clip(sample.path, frame_index=at, short_side=side)
    distance = np.abs(clip.frame_index[None] - at[:, None])  # (n, read)
    return clip.frames[distance.argmin(1)]
