"""Puppet clips as arrays for training and scoring: frames, limb masks, skeletons and their truth.

Rendering is shared among processes and kept in the cache, since every training of the same clips
asks for the same pictures.

N clips · C stored frames · S pixels · P people · J joints
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.sampling import segment_indices
from actviz.datasets import puppets
from actviz.learn.data.cache import stored_array

__all__ = [
    "Frames",
    "PuppetFrames",
    "PuppetJoints",
    "Skeletons",
    "limb_masks",
    "puppet_frames",
    "puppet_looks",
    "puppet_skeletons",
]

_FEW = 48  # clips, up to which starting processes costs more than it saves


@dataclass(frozen=True)
class Frames:
    """``C`` frames of each clip, the middles of equal segments, with their truth."""

    frames: NDArray[np.uint8]  # (N, C, S, S, 3)
    labels: NDArray[np.int64]  # (N,)
    evidence: NDArray[np.bool_]  # (N, C), is the action visible in this frame
    numbers: NDArray[np.int64]  # (N, C), of the frames in the whole clip
    key: str = ""  # changes with the pictures

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, rows: slice) -> NDArray[np.uint8]:
        """Frames (n, C, S, S, 3) of some clips, in memory."""
        return np.array(self.frames[rows])


@dataclass(frozen=True)
class Skeletons:
    """Whole skeleton sequences, each with its own number of frames."""

    joints: tuple[NDArray[np.float32], ...]  # N of (T, P, J, 3), metres
    present: tuple[NDArray[np.bool_], ...]  # N of (T, P)
    labels: NDArray[np.int64]  # (N,)
    evidence: tuple[NDArray[np.bool_], ...]  # N of (T,)

    def __len__(self) -> int:
        return len(self.labels)


class PuppetFrames:
    """Puppets as a ``FrameSource``: the clips' stored frames, already of the size that is seen."""

    def __init__(self, split: str, clips: int, *, count: int, size: int) -> None:
        self.data = puppet_frames(split, clips, count=count, size=size)
        self.keys = tuple(f"{split}/{seed}" for seed in puppets.scene_seeds(split, clips))
        self.labels = self.data.labels
        self.skipped: dict[str, str] = {}

    def count(self, clip: int) -> int:
        """Stored frames of the clip, C."""
        return int(self.data.frames.shape[1])

    def numbers(self, clip: int, at: NDArray[np.integer]) -> NDArray[np.int64]:
        """Which frames of the whole clip the stored ones ``at`` are."""
        return self.data.numbers[clip][at]

    def identity(self, clip: int) -> str:
        """Changes with the clip's pictures."""
        return f"{self.data.key}/{clip}"

    def read(self, clip: int, at: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Frames (n, S, S, 3)."""
        return np.asarray(self.data.frames[clip][at])


class PuppetJoints:
    """Puppets as a ``JointSource``."""

    layout = "ntu-25"

    def __init__(self, split: str, clips: int) -> None:
        self.data = puppet_skeletons(split, clips)
        self.keys = tuple(f"{split}/{seed}" for seed in puppets.scene_seeds(split, clips))
        self.labels = self.data.labels
        self.skipped: dict[str, str] = {}

    def read(self, clip: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Joints (F, 2, 25, 3) and who is present (F, 2)."""
        return self.data.joints[clip], self.data.present[clip]


def puppet_frames(split: str, clips: int, *, count: int, size: int) -> Frames:
    """``count`` frames of each of the split's first ``clips`` clips, ``size`` pixels square."""
    seeds = puppets.scene_seeds(split, clips)
    shape = (len(seeds), count, size, size, 3)
    frames = _stored("frames", split, shape, np.uint8)
    scenes = [puppets.make_scene(seed) for seed in seeds]
    labels = np.array([scene.label for scene in scenes], dtype=np.int64)
    numbers = np.stack([segment_indices(len(scene), count) for scene in scenes])
    evidence = np.stack([s.truth.evidence[at] for s, at in zip(scenes, numbers, strict=True)])
    return Frames(frames, labels, evidence, numbers, Path(str(frames.filename)).stem)


def limb_masks(split: str, clips: int, *, count: int, size: int) -> NDArray[np.bool_]:
    """Where the moving limbs are, (N, C, S, S), for the same frames as ``puppet_frames``."""
    return _stored("masks", split, (clips, count, size, size), np.bool_)


@lru_cache(maxsize=4)
def puppet_skeletons(split: str, clips: int, *, root: str | None = None) -> Skeletons:
    """The skeletons of the split's first ``clips`` clips, as long as they are.

    ``root``: as ``make_scene`` takes it.
    """
    scenes = [puppets.make_scene(seed, root=root) for seed in puppets.scene_seeds(split, clips)]
    skeletons = [scene.skeleton() for scene in scenes]
    return Skeletons(
        tuple(s.joints for s in skeletons),
        tuple(s.present for s in skeletons),
        np.array([scene.label for scene in scenes], dtype=np.int64),
        tuple(scene.truth.evidence for scene in scenes),
    )


def _render(seed: int, count: int, size: int) -> NDArray[np.uint8]:
    scene = puppets.make_scene(seed)
    return scene.render(_indices(scene, count), size=size)


def _mask(seed: int, count: int, size: int) -> NDArray[np.bool_]:
    scene = puppets.make_scene(seed)
    return scene.limb_mask(_indices(scene, count), size=size)


def _indices(scene: puppets.Scene, count: int) -> list[int]:
    return segment_indices(len(scene), count).tolist()


_MAKERS: dict[str, Callable[[int, int, int], NDArray]] = {"frames": _render, "masks": _mask}


def _stored(kind: str, split: str, shape: tuple[int, ...], dtype: type[np.generic]) -> np.memmap:
    key = {"looks": puppet_looks(), "seeds": puppets.scene_seeds(split, shape[0]), "shape": shape}
    return stored_array(
        kind, key, shape=shape, dtype=dtype, fill=lambda path: _fill(kind, path, split, shape[0])
    )


@lru_cache(maxsize=1)
def puppet_looks() -> str:
    """A digest of one clip of each action, so that what is stored is stale once puppets change."""
    total = hashlib.sha256()
    for seed in puppets.scene_seeds("train", len(puppets.ACTIONS)):
        scene = puppets.make_scene(seed)
        middle = [len(scene) // 3, len(scene) // 2]
        total.update(scene.render(middle, size=48).tobytes())
        total.update(scene.limb_mask(middle, size=48).tobytes())
        total.update(scene.truth.evidence.tobytes())
    return total.hexdigest()[:12]


def _fill(kind: str, path: Path, split: str, clips: int) -> None:
    """Draw every clip into the array at ``path``, in as many processes as there are cores."""
    workers = (os.cpu_count() or 1) if clips > _FEW else 1
    if workers == 1:
        return fill_share(kind, path, split, 0, 1)
    # Not multiprocessing: it would run the caller's script again in each process.
    code = "from actviz.learn.data.puppets import fill_share as f; {}"
    running = []
    try:
        for number in range(workers):
            share = code.format(f"f({kind!r}, {str(path)!r}, {split!r}, {number}, {workers})")
            running.append(subprocess.Popen([sys.executable, "-c", share], stderr=subprocess.PIPE))
        said = [process.communicate()[1] for process in running]
    finally:
        for process in running:
            process.kill()
    failed = [text.decode() for p, text in zip(running, said, strict=True) if p.returncode]
    if failed:
        raise RuntimeError(f"drawing puppets failed in a process of its own: {failed[0]}")


def fill_share(kind: str, path: str | Path, split: str, number: int, workers: int) -> None:
    """Draw every ``workers``-th clip from ``number`` on into the array at ``path``."""
    array = np.load(path, mmap_mode="r+")
    seeds = puppets.scene_seeds(split, len(array))
    count, size = array.shape[1:3]
    for row in range(number, len(seeds), workers):
        array[row] = _MAKERS[kind](seeds[row], count, size)
    array.flush()
