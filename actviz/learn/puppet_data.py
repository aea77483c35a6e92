"""Puppet clips as arrays for training and scoring: frames, limb masks, skeletons and their truth.

Rendering is shared among processes and kept in the cache, since every training of the same clips
asks for the same pictures.

N clips · C stored frames · S pixels · P people · J joints
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.sampling import segment_indices
from actviz.datasets import puppets
from actviz.learn.cache import stored_array

__all__ = ["Frames", "Skeletons", "limb_masks", "puppet_frames", "puppet_skeletons"]

_CHUNK = 24  # clips a process renders at a time
_FEW = 48  # clips, up to which starting processes costs more than it saves


@dataclass(frozen=True)
class Frames:
    """``C`` frames of each clip, the middles of equal segments, with their truth."""

    frames: NDArray[np.uint8]  # (N, C, S, S, 3)
    labels: NDArray[np.int64]  # (N,)
    evidence: NDArray[np.bool_]  # (N, C), is the action visible in this frame
    key: str = ""  # changes with the pictures

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Skeletons:
    """Whole skeleton sequences, each with its own number of frames."""

    joints: tuple[NDArray[np.float32], ...]  # N of (T, P, J, 3), metres
    present: tuple[NDArray[np.bool_], ...]  # N of (T, P)
    labels: NDArray[np.int64]  # (N,)
    evidence: tuple[NDArray[np.bool_], ...]  # N of (T,)

    def __len__(self) -> int:
        return len(self.labels)


def puppet_frames(split: str, clips: int, *, count: int, size: int) -> Frames:
    """``count`` frames of each of the split's first ``clips`` clips, ``size`` pixels square."""
    seeds = puppets.scene_seeds(split, clips)
    shape = (len(seeds), count, size, size, 3)
    frames = _stored("frames", seeds, shape, np.uint8, partial(_render, count=count, size=size))
    labels, evidence = _stored_truth(seeds, count)
    return Frames(frames, labels, evidence, Path(str(frames.filename)).stem)


def limb_masks(split: str, clips: int, *, count: int, size: int) -> NDArray[np.bool_]:
    """Where the moving limbs are, (N, C, S, S), for the same frames as ``puppet_frames``."""
    seeds = puppets.scene_seeds(split, clips)
    shape = (len(seeds), count, size, size)
    return _stored("masks", seeds, shape, np.bool_, partial(_mask, count=count, size=size))


@lru_cache(maxsize=4)
def puppet_skeletons(split: str, clips: int) -> Skeletons:
    """The skeletons of the split's first ``clips`` clips, as long as they are."""
    seeds = puppets.scene_seeds(split, clips)
    parts = [p for chunk in _map(_skeletons, _chunks(seeds)) for p in chunk]
    joints, present, labels, evidence = zip(*parts, strict=True)
    return Skeletons(joints, present, np.array(labels, dtype=np.int64), evidence)


def _stored(
    kind: str,
    seeds: Sequence[int],
    shape: tuple[int, ...],
    dtype: type[np.generic],
    make: Callable[[int], NDArray],
) -> np.memmap:
    key = {
        "looks": _looks(),
        "seeds": list(seeds),
        "shape": shape,
    }

    def fill(path: Path) -> None:
        starts = range(0, len(seeds), _CHUNK)
        jobs = [(path, start, list(seeds[start : start + _CHUNK]), make) for start in starts]
        _map(_fill_rows, jobs)

    return stored_array(kind, key, shape=shape, dtype=dtype, fill=fill)


@lru_cache(maxsize=1)
def _looks() -> str:
    """A digest of one clip of each action, so that what is stored is stale once puppets change."""
    total = hashlib.sha256()
    for seed in puppets.scene_seeds("train", len(puppets.ACTIONS)):
        scene = puppets.make_scene(seed)
        middle = [len(scene) // 3, len(scene) // 2]
        total.update(scene.render(middle, size=48).tobytes())
        total.update(scene.limb_mask(middle, size=48).tobytes())
        total.update(scene.truth.evidence.tobytes())
    return total.hexdigest()[:12]


def _stored_truth(seeds: Sequence[int], count: int) -> tuple[NDArray, NDArray]:
    """Labels (N,) and evidence (N, C): kept together, the label in column 0."""
    make = partial(_truth, count=count)
    table = _stored("truth", seeds, (len(seeds), 1 + count), np.int64, make)
    return np.array(table[:, 0]), np.array(table[:, 1:], dtype=bool)


def _indices(scene: puppets.Scene, count: int) -> list[int]:
    return segment_indices(len(scene), count).tolist()


def _render(seed: int, *, count: int, size: int) -> NDArray[np.uint8]:
    scene = puppets.make_scene(seed)
    return scene.render(_indices(scene, count), size=size)


def _mask(seed: int, *, count: int, size: int) -> NDArray[np.bool_]:
    scene = puppets.make_scene(seed)
    return scene.limb_mask(_indices(scene, count), size=size)


def _truth(seed: int, *, count: int) -> NDArray[np.int64]:
    scene = puppets.make_scene(seed)
    evidence = scene.truth.evidence[_indices(scene, count)]
    return np.concatenate([[scene.label], evidence]).astype(np.int64)


def _skeletons(seeds: Sequence[int]) -> list[tuple]:
    parts = []
    for seed in seeds:
        scene = puppets.make_scene(seed)
        skeleton = scene.skeleton()
        parts.append((skeleton.joints, skeleton.present, scene.label, scene.truth.evidence))
    return parts


def _fill_rows(job: tuple[Path, int, list[int], Callable[[int], NDArray]]) -> None:
    path, start, seeds, make = job
    array = np.load(path, mmap_mode="r+")
    for offset, seed in enumerate(seeds):
        array[start + offset] = make(seed)
    array.flush()


def _chunks(seeds: Sequence[int]) -> list[list[int]]:
    return [list(seeds[i : i + _CHUNK]) for i in range(0, len(seeds), _CHUNK)]


def _map(function: Callable, jobs: list) -> list:
    """``function`` of every job, in as many processes as there are cores where there is much."""
    workers = min(os.cpu_count() or 1, len(jobs))
    if workers < 2 or len(jobs) * _CHUNK <= _FEW:
        return [function(job) for job in jobs]
    spawn = multiprocessing.get_context("spawn")  # a fork would copy torch's threads half-way
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        return list(pool.map(function, jobs))
