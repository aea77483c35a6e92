"""One puppet clip, from its seed: truth, skeleton, pictures, masks.

T frames · H, W pixels · N frames asked for
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from actviz.clip.types import Clip, Skeleton
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.paint import Canvas
from actviz.datasets.puppets.plan import FPS, make_plan
from actviz.datasets.puppets.shots import ACTIONS, Company, StagedShot, cast_company, stage_shot
from actviz.datasets.puppets.studio import Painter, develop, moving_limbs
from actviz.datasets.puppets.truth import PuppetTruth

__all__ = ["SPLITS", "Scene", "make_scene", "render_many", "scene_seeds"]

Size = int | tuple[int, int]
SPLITS = {
    "train": range(0, 120_000),
    "val": range(1_200_000, 1_212_000),
    "test": range(2_400_000, 2_412_000),
}  # an actor, a room, a camera track belong to one seed, so no split shares any with another


def scene_seeds(split: str, count: int) -> list[int]:
    """The first ``count`` seeds of a split; any twelve in a row hold each action once."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}.")
    seeds = SPLITS[split]
    if not 0 <= count <= len(seeds):
        raise ValueError(f"the {split} split has {len(seeds)} seeds; got a count of {count}.")
    return list(seeds[:count])


def make_scene(seed: int, *, action: str | None = None, root: str | None = None) -> Scene:
    """The clip of ``seed``.

    ``action``: None takes ``ACTIONS[seed % 12]``. ``root`` of the skeleton: "camera", "hips", or
    None to let the seed decide (about four in ten lose their global position).
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be a whole number from 0 to 2**63 - 1; got {seed}.")
    if action is not None and action not in ACTIONS:
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}; got {action!r}.")
    if root not in (None, "camera", "hips"):
        raise ValueError(f'root must be "camera", "hips" or None; got {root!r}.')
    return Scene(int(seed), action or ACTIONS[seed % len(ACTIONS)], root)


class Scene:
    """A clip that is computed as it is asked for; make it with ``make_scene``."""

    def __init__(self, seed: int, action: str, root: str | None) -> None:
        self.seed, self.action = seed, action
        self.label = ACTIONS.index(action)
        self.plan = make_plan(Dice(seed, "plan"))
        self.times_s = np.arange(self.plan.frames) / FPS
        dropped = Dice(seed, "root").chance(0.4)
        self.root = root or ("hips" if dropped else "camera")

    def __len__(self) -> int:
        return self.plan.frames

    def __repr__(self) -> str:
        return f"Scene(seed={self.seed}, action={self.action!r}, frames={len(self)})"

    @cached_property
    def truth(self) -> PuppetTruth:
        """What is known about each frame."""
        shots = self.plan.shots
        cuts = np.array([self.times_s[shot.start] for shot in shots[1:]], dtype=np.float64)
        return PuppetTruth(self.seed, self.action, self.times_s, self.plan.evidence,
                           self.plan.phase, cuts, shots)  # fmt: skip

    @cached_property
    def _company(self) -> Company:
        return cast_company(self.seed)

    @cached_property
    def staged(self) -> tuple[StagedShot, ...]:
        """Every shot with its figures, things and camera."""
        return tuple(
            stage_shot(self._company, self.plan, number, seed=self.seed, action=self.action)
            for number in range(len(self.plan.shots))
        )

    def skeleton(self) -> Skeleton:
        """The 25 NTU joints of both actors in camera metres; P is always 2."""
        count = len(self)
        joints = np.zeros((count, 2, 25, 3), dtype=np.float32)
        present = np.zeros((count, 2), dtype=bool)
        swap = Dice(self.seed, "slots").chance(0.5) and self.action in ("shake hands", "push")
        for staged in self.staged:
            span = slice(staged.shot.start, staged.shot.stop)
            alone = len(staged.people) == 1
            for person, figure in zip(staged.people, staged.performance.figures, strict=True):
                slot = 0 if alone else person ^ swap
                local = staged.camera.to_camera(figure.joints)
                if self.root == "hips":
                    local = local - 0.5 * (local[:, 12:13] + local[:, 16:17])
                joints[span, slot] = local
                present[span, slot] = True
        digest = hashlib.sha256(joints.tobytes() + present.tobytes()).hexdigest()
        return Skeleton(joints, present, self.times_s, np.arange(count), "ntu-25", self.root,
                        self._name, digest)  # fmt: skip

    @property
    def _name(self) -> str:
        return f"puppet {self.seed} {self.action}"

    def render(
        self, indices: Sequence[int] | None = None, size: Size = 112, *, noise: float = 1.0
    ) -> NDArray[np.uint8]:
        """Frames (N, H, W, 3); ``size`` is the side in pixels, or (height, width).

        ``noise`` scales the sensor's noise (which costs most of a video file's bytes).
        """
        height, width = _shape(size)
        asked = self._indices(indices)
        out = np.empty((len(asked), height, width, 3), dtype=np.uint8)
        for position, canvas, staged in self._painted(asked, (height, width)):
            out[position] = develop(
                canvas,
                seed=self.seed,
                shot_start=staged.shot.start,
                index=int(asked[position]),
                noise=noise,
            )
        return out

    def limb_mask(
        self, indices: Sequence[int] | None = None, size: Size = 112
    ) -> NDArray[np.bool_]:
        """Where a moving limb is seen in a frame of evidence, (N, H, W); empty elsewhere."""
        height, width = _shape(size)
        asked = self._indices(indices)
        out = np.zeros((len(asked), height, width), dtype=bool)
        shown = [int(i) for i in np.flatnonzero(self.plan.evidence[asked])]
        for position, canvas, staged in self._painted(asked[shown], (height, width)):
            moving = moving_limbs(staged, int(asked[shown[position]]) - staged.shot.start)
            out[shown[position]] = moving[canvas.limb]
        return out

    def clip(self, indices: Sequence[int] | None = None, size: Size = 112) -> Clip:
        """The rendered frames as a ``Clip``; ``indices`` must increase."""
        asked = self._indices(indices)
        frames = self.render(asked.tolist(), size)
        digest = hashlib.sha256(frames.tobytes()).hexdigest()
        return Clip(frames, self.times_s[asked], asked, self._name, digest)

    def _indices(self, indices: Sequence[int] | None) -> NDArray[np.int64]:
        if indices is None:
            return np.arange(len(self))
        asked = np.asarray(indices, dtype=np.int64).reshape(-1)
        if len(asked) and (asked.min() < 0 or asked.max() >= len(self)):
            raise ValueError(
                f"indices must lie in 0 … {len(self) - 1}; got {asked.min()} … {asked.max()}."
            )
        return asked

    def _painted(
        self, asked: NDArray[np.int64], shape: tuple[int, int]
    ) -> Iterator[tuple[int, Canvas, StagedShot]]:
        """Each asked frame painted: its position in ``asked``, its canvas, its shot."""
        for staged in self.staged:
            here = np.flatnonzero((asked >= staged.shot.start) & (asked < staged.shot.stop))
            if not len(here):
                continue
            local = asked[here] - staged.shot.start
            painter = Painter(staged, local, company=self._company, seed=self.seed, shape=shape)
            for order, position in enumerate(here.tolist()):
                yield position, painter.paint(order), staged


def _shape(size: Size) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 8:
        raise ValueError(f"size must be at least 8 pixels a side; got {size}.")
    return int(height), int(width)


def render_many(
    seeds: Sequence[int], frames_per_clip: int, size: int = 112, *, seed: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Equal numbers of frames of many clips, for training without torch.

    Frames are taken from equal segments of each clip: the middle of each, or with ``seed`` a
    random place. Returns frames (N, F, size, size, 3), labels (N,), evidence (N, F) and the frame
    numbers (N, F).
    """
    if frames_per_clip < 1:
        raise ValueError(f"frames_per_clip must be at least 1; got {frames_per_clip}.")
    count = len(seeds)
    frames = np.empty((count, frames_per_clip, size, size, 3), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    evidence = np.empty((count, frames_per_clip), dtype=bool)
    numbers = np.empty((count, frames_per_clip), dtype=np.int64)
    for row, number in enumerate(seeds):
        scene = make_scene(number)
        share = np.full(frames_per_clip, 0.5)
        if seed is not None:
            share = Dice(seed, f"frames {number}").uniforms(0, 1, frames_per_clip)
        at = ((np.arange(frames_per_clip) + share) / frames_per_clip * len(scene)).astype(np.int64)
        frames[row], labels[row] = scene.render(at.tolist(), size), scene.label
        evidence[row], numbers[row] = scene.truth.evidence[at], at
    return frames, labels, evidence, numbers
