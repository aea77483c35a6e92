"""Rows to batches: what a worker process does with the clips it is asked for.

B clips · T frames or snippets · C channels (3, or 2L of flow) · S pixels · P people · J joints
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actviz.clip.layouts import Layout
from actviz.errors import ActvizError, ClipReadError
from actviz.learn.data.augment import draw_variation, vary_pictures, vary_skeleton
from actviz.learn.data.batches import Batch, Made, Row
from actviz.learn.data.sources import FrameSource, JointSource
from actviz.learn.data.transforms import (
    centre_cut,
    cut_out,
    draw_cut,
    picture_indices,
    resize_to,
    to_tensor,
)
from actviz.learn.recipes import MANRecipe, PictureRecipe

__all__ = ["JointMaker", "PictureMaker", "finish_pictures", "pad_skeletons", "read_rows"]

Seen = TypeVar("Seen")
_TRIES = 20  # clips in a row that cannot be read, before training gives up


@dataclass(frozen=True)
class PictureMaker:
    """Frames, cut out and varied as the recipe says; centred and plain where a row has no rng.

    Attributes:
        size: S, what crops are resized to.
        later: leave resizing to the device (``finish_pictures``).
        replaces: draw another clip for one that cannot be read.
    """

    source: FrameSource
    recipe: PictureRecipe
    size: int
    later: bool = False
    replaces: bool = True

    def __call__(self, rows: Sequence[Row]) -> Made:
        seen, labels, lost = read_rows(rows, self.source, self.see, replaces=self.replaces)
        batch: Batch = {"label": labels}
        if seen:
            batch |= _stacked([picture for picture, _ in seen], self.size)
            draws = [draw for _, draw in seen if draw is not None]
            if draws:
                batch["vary"] = torch.from_numpy(np.stack(draws))
        return Made(batch, lost)

    def see(
        self, clip: int, rng: np.random.Generator | None
    ) -> tuple[Tensor, NDArray[np.float32] | None]:
        """What is seen of a clip: uint8 (T, C, S, S), larger or smaller if ``later``; its draw."""
        r = self.recipe
        part = self.cut(self.pictures(clip, rng), rng, flow=r.modality == "flow")
        draw = draw_variation(rng) if rng is not None and r.augment == "mild" else None
        return part if self.later else resize_to(part, self.size, self.size), draw

    def pictures(self, clip: int, rng: np.random.Generator | None) -> Tensor:
        """Whole pictures of a clip, uint8 (T, C, H, W)."""
        length = self.recipe.flow_length if self.recipe.modality == "flow" else 1
        at = self.indices(clip, rng, length=length)
        return to_tensor(self.source.read(clip, at.reshape(-1)), length)

    def indices(
        self, clip: int, rng: np.random.Generator | None, *, length: int
    ) -> NDArray[np.int64]:
        """Numbers (T, L) of the pictures that are seen of a clip."""
        r = self.recipe
        return picture_indices(
            self.source.count(clip),
            r.frames,
            sampling=r.sampling,
            length=length,
            stride=r.stride,
            rng=rng,
        )

    def key(self) -> dict[str, Any]:
        """What, beside the recipe, decides which pictures are seen."""
        return {}

    def cut(self, pictures: Tensor, rng: np.random.Generator | None, *, flow: bool) -> Tensor:
        """The part of pictures (T, C, H, W) that is looked at."""
        r, (height, width) = self.recipe, pictures.shape[-2:]
        if rng is None or r.augment != "multiscale":
            return cut_out(pictures, centre_cut(height, width, r.input_size))
        cut = draw_cut(
            height,
            width,
            r.input_size,
            rng=rng,
            scales=r.scales,
            max_distort=r.max_distort,
            more=r.more_positions,
            flip=r.flip,
        )
        return cut_out(pictures, cut, flow=flow)


def finish_pictures(batch: Batch, *, flow: bool = False) -> Batch:
    """A batch as the network takes it: resized, float in [0, 1], varied; once done, as it is.

    Works on whatever device the batch is on.
    """
    frames = batch.get("frames")
    if frames is None or frames.is_floating_point():
        return batch
    rest = {k: v for k, v in batch.items() if k not in ("frames", "vary", "cut")}
    if "cut" in batch:
        size, *cuts = batch["cut"].tolist()
        parts = [f[..., : c[0], : c[1]] for f, c in zip(frames, cuts, strict=True)]
        frames = torch.stack([resize_to(part, size[0], size[0]) for part in parts])
    unit = frames.float().div_(255)
    if "vary" in batch:
        unit = vary_pictures(unit, batch["vary"], flow=flow)
    return rest | {"frames": unit}


@dataclass(frozen=True)
class JointMaker:
    """Skeleton sequences, varied as the recipe says where a row has an rng."""

    source: JointSource
    recipe: MANRecipe
    layout: Layout

    def __call__(self, rows: Sequence[Row]) -> Made:
        seen, labels, lost = read_rows(rows, self.source, self.see)
        return Made((pad_skeletons(seen) if seen else {}) | {"label": labels}, lost)

    def see(
        self, clip: int, rng: np.random.Generator | None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Joints (T, P, J, 3) and who is present (T, P)."""
        joints, present = self.source.read(clip)
        if rng is None:
            return joints, present
        r, roles = self.recipe, self.layout.roles
        hips = (roles.get("hip_left", ()), roles.get("hip_right", ()))
        return vary_skeleton(
            joints,
            present,
            rng=rng,
            turn=r.turn,
            scale=r.scale,
            speed=r.speed,
            crop=r.crop,
            noise=r.noise,
            hips=hips if r.hips_share and all(hips) else None,
            hips_share=r.hips_share,
            sides=(self.layout.left, self.layout.right),
            mirror=r.mirror,
        )


def pad_skeletons(pairs: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> Batch:
    """Sequences of several lengths as one batch; absent people in trailing frames are padding."""
    longest = max(len(joints) for joints, _ in pairs)
    people = max(joints.shape[1] for joints, _ in pairs)
    joints = np.zeros((len(pairs), longest, people, *pairs[0][0].shape[2:]), dtype=np.float32)
    present = np.zeros(joints.shape[:3], dtype=bool)
    for i, (j, p) in enumerate(pairs):
        joints[i, : len(j), : j.shape[1]], present[i, : len(j), : j.shape[1]] = j, p
    return {"joints": torch.from_numpy(joints), "present": torch.from_numpy(present)}


def read_rows(
    rows: Sequence[Row],
    source: Any,
    see: Callable[[int, np.random.Generator | None], Seen],
    *,
    replaces: bool = True,
) -> tuple[list[Seen], Tensor, dict[str, str]]:
    """What ``see`` makes of each row's clip, the labels, and which clips could not be read.

    In a row with an rng such a clip is replaced by another that the rng draws; else it is left out.

    Raises:
        ActvizError: many clips in a row cannot be read.
    """
    seen: list[Seen] = []
    labels: list[int] = []
    lost: dict[str, str] = {}
    for row in rows:
        clip = row.clip
        for _ in range(_TRIES):
            try:
                seen.append(see(clip, row.rng))
                labels.append(int(source.labels[clip]))
                break
            except ClipReadError as error:
                lost[source.keys[clip]] = error.reason
            if row.rng is None or not replaces:
                break
            clip = int(row.rng.integers(len(source.keys)))
        else:
            raise ActvizError(
                f"{_TRIES} clips in a row could not be read, {source.keys[clip]} last "
                f"({lost[source.keys[clip]]}); `actviz data check` names the broken ones."
            )
    return seen, torch.tensor(labels, dtype=torch.int64), lost


def _stacked(parts: list[Tensor], size: int) -> Batch:
    """Clips (T, C, h, w) as (B, T, C, H, W), channels last in memory; smaller ones are padded.

    Where they are not of ``size`` yet, "cut" (1 + B, 2) holds that size and each clip's own.
    """
    high, wide = (max(part.shape[-2 + axis] for part in parts) for axis in (0, 1))
    count, channels = parts[0].shape[:2]
    frames = torch.zeros(len(parts), count, high, wide, channels, dtype=torch.uint8)
    frames = frames.movedim(-1, 2)
    for frame, part in zip(frames, parts, strict=True):
        frame[..., : part.shape[-2], : part.shape[-1]] = part
    if all(part.shape[-2:] == (size, size) for part in parts):
        return {"frames": frames}
    shapes = [(size, size), *((part.shape[-2], part.shape[-1]) for part in parts)]
    return {"frames": frames, "cut": torch.tensor(shapes)}
