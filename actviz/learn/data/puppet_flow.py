"""Optical flow of puppet clips: fields from each frame of a clip to the next, kept in the cache.

Fields are drawn and computed at the size that a network sees, by DIS: on clips of 112 pixels it
takes 2 ms a field where TV-L1 takes 380 (``actviz.clip.flow``), which for 3,240 clips is minutes
against most of a day on one core. They lie in files of a few clips each, so that an interrupted
run goes on with the next file.

N clips · F fields of one clip, one fewer than its frames · T snippets of L fields · S pixels ·
n fields asked for
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.flow import BOUND, flow_fields, flow_method, quantise
from actviz.clip.sampling import segment_indices
from actviz.datasets import puppets
from actviz.learn.data.batches import in_processes
from actviz.learn.data.cache import is_stored, stored_array
from actviz.learn.data.puppets import puppet_looks
from actviz.learn.data.transforms import picture_indices, snippets_around

__all__ = ["PUPPET_FLOW", "PuppetFlow", "Snippets", "puppet_snippets"]

Progress = Callable[[str, int, int], None]
PUPPET_FLOW = "dis"
_SHARE = 24  # clips in one file, two of each action
_FEW = 2  # files, up to which starting processes costs more than it saves


class PuppetFlow:
    """Puppets as a ``FrameSource`` of optical flow, already of the size that is seen.

    Args:
        split: "train", "val" or "test"; its first ``clips`` clips.
        size: S, pixels of the square pictures that flow is computed from.
        workers: processes that compute what is not stored yet; -1: as many as there are cores.
        progress: told how far that is, as (stage, done, total).

    Raises:
        FlowError: flow is not stored yet, and there is no OpenCV to compute it.
    """

    def __init__(
        self,
        split: str,
        clips: int,
        *,
        size: int,
        workers: int = -1,
        progress: Progress | None = None,
    ) -> None:
        seeds = puppets.scene_seeds(split, clips)
        scenes = [puppets.make_scene(seed) for seed in seeds]
        self.keys = tuple(f"{split}/{seed}" for seed in seeds)
        self.labels = np.array([scene.label for scene in scenes], dtype=np.int64)
        self.skipped: dict[str, str] = {}
        self.size = size
        self._counts = [len(scene) - 1 for scene in scenes]
        self._shares = [seeds[i : i + _SHARE] for i in range(0, len(seeds), _SHARE)]
        _compute(self._shares, size, workers, progress)
        self._files = [_share(seeds, size) for seeds in self._shares]  # each (sum of F, S, S, 2)

    def count(self, clip: int) -> int:
        """Fields of the clip, F."""
        return self._counts[clip]

    def identity(self, clip: int) -> str:
        """Changes with the clip's fields."""
        name = self._files[clip // _SHARE].filename
        return f"{Path(str(name)).stem}/{clip % _SHARE}"

    def read(self, clip: int, at: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Fields (n, S, S, 2): x, y as grey levels; field k leads from frame k to k + 1.

        ``at`` may have any shape, which is then that of the first axes.
        """
        return np.asarray(self._files[clip // _SHARE][self._starts[clip] + np.asarray(at)])

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Where each clip's fields begin in its file, (N,)."""
        counts = np.array(self._counts, dtype=np.int64)
        before = np.cumsum(counts) - counts
        first = np.arange(len(counts)) // _SHARE * _SHARE  # the first clip of the same file
        return before - before[first]


@dataclass(frozen=True)
class Snippets:
    """``T`` snippets of each clip, in the middles of equal segments, with their truth."""

    source: PuppetFlow
    at: tuple[NDArray[np.int64], ...]  # N of (T, L), numbers of the fields
    labels: NDArray[np.int64]  # (N,)
    evidence: NDArray[np.bool_]  # (N, T), is the action visible in the frame amid the snippet

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, rows: slice) -> NDArray[np.uint8]:
        """Snippets (n, T, S, S, 2L) of some clips: fields as channels x, y, x, y, …"""
        return np.stack([self._clip(clip) for clip in range(len(self))[rows]])

    def _clip(self, clip: int) -> NDArray[np.uint8]:
        fields = self.source.read(clip, self.at[clip])  # (T, L, S, S, 2)
        return np.moveaxis(fields, 1, -2).reshape(len(fields), *fields.shape[2:4], -1)


def puppet_snippets(
    split: str, clips: int, *, count: int, length: int, size: int, around: bool = False
) -> Snippets:
    """``count`` snippets of ``length`` fields of each of the split's first ``clips`` clips.

    Args:
        around: around the frames that ``puppet_frames`` has, as a second stream beside them.
    """
    source = PuppetFlow(split, clips, size=size)
    scenes = [puppets.make_scene(seed) for seed in puppets.scene_seeds(split, clips)]
    fields = [source.count(clip) for clip in range(len(scenes))]
    if around:
        frames = [segment_indices(len(scene), count) for scene in scenes]
        at = [snippets_around(f, length, n) for f, n in zip(frames, fields, strict=True)]
    else:
        at = [picture_indices(n, count, length=length) for n in fields]
    evidence = np.stack(
        [scene.truth.evidence[a[:, length // 2]] for scene, a in zip(scenes, at, strict=True)]
    )
    return Snippets(source, tuple(at), source.labels, evidence)


def _compute(
    shares: Sequence[Sequence[int]], size: int, workers: int, progress: Progress | None
) -> None:
    """Store what is not stored yet, in several processes where that is worth their start."""
    missing = [seeds for seeds in shares if not is_stored("flow", _key(seeds, size))]
    if not missing:
        return
    flow_method(PUPPET_FLOW)  # said here, before any process is started
    cores = (os.cpu_count() or 1) if workers < 0 else workers
    several = cores if len(missing) > _FEW else 0
    make = partial(_store, missing, size)
    # Not forked: OpenCV's threads do not outlive a fork.
    done = in_processes(make, range(len(missing)), workers=several, start_method="spawn")
    for number, _ in enumerate(done, 1):
        if progress is not None:
            progress("flow of puppets", number, len(missing))


def _store(shares: Sequence[Sequence[int]], size: int, number: int) -> int:
    _share(shares[number], size)
    return number


def _share(seeds: Sequence[int], size: int) -> np.memmap:
    """The fields of a few clips one after the other, (sum of F, S, S, 2)."""
    total = sum(len(puppets.make_scene(seed)) - 1 for seed in seeds)
    shape, fill = (total, size, size, 2), partial(_fill, seeds, size)
    return stored_array("flow", _key(seeds, size), shape=shape, dtype=np.uint8, fill=fill)


def _key(seeds: Sequence[int], size: int) -> dict[str, Any]:
    made = {"looks": puppet_looks(), "method": PUPPET_FLOW, "bound": BOUND}
    return made | {"seeds": list(seeds), "size": size}


def _fill(seeds: Sequence[int], size: int, path: Path) -> None:
    array = np.load(path, mmap_mode="r+")
    start = 0
    for seed in seeds:
        frames = puppets.make_scene(seed).render(size=size)
        stop = start + len(frames) - 1
        array[start:stop] = quantise(flow_fields(frames, method=PUPPET_FLOW))
        start = stop
    array.flush()
