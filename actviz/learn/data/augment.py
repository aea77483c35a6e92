"""Seeded variations of clips and skeletons, the same for every frame of a clip.

B clips · T frames · S pixels · P people · J joints
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["centre_on_hips", "draw_variation", "mirrored", "vary_pictures", "vary_skeleton"]

_SHIFT = 0.12  # of the half picture
_ZOOM = (0.85, 1.1)
_GAIN = (0.75, 1.3)  # per colour channel
_LIFT = 0.08  # added to every pixel, in [0, 1]


def draw_variation(rng: np.random.Generator) -> NDArray[np.float32]:
    """Eight numbers in [0, 1) that decide how ``vary_pictures`` changes one clip."""
    return rng.random(8, dtype=np.float32)


def vary_pictures(frames: Tensor, draw: Tensor, *, flow: bool = False) -> Tensor:
    """Shift, zoom, mirror and colour each clip (B, T, C, S, S) in [0, 1] by its draw (B, 8).

    Of flow the colours stay, and a mirrored x (every other channel) changes its sign: 1 − v.
    """
    batch, count = frames.shape[:2]
    draw = draw.to(frames)
    grid = _grid(draw[:, :4], size=frames.shape[-1])  # (B, S, S, 2)
    flat = frames.flatten(0, 1)  # (B·T, C, S, S)
    moved = F.grid_sample(
        flat,
        grid.repeat_interleave(count, 0),
        padding_mode="reflection",
        align_corners=False,
    ).unflatten(0, (batch, count))
    if flow:
        return _turn_flow(moved, mirrored=draw[:, 3] < 0.5)
    low, high = _GAIN
    gain = low * (high / low) ** draw[:, 4:7]  # even in the logarithm, so that 1 is the middle
    lift = _LIFT * (2 * draw[:, 7] - 1)
    coloured = moved * gain[:, None, :, None, None] + lift[:, None, None, None, None]
    return coloured.clamp(0, 1)


def _turn_flow(fields: Tensor, *, mirrored: Tensor) -> Tensor:
    """Fields (B, T, 2L, S, S) of mirrored clips (B,) with the sign of x changed."""
    is_x = torch.arange(fields.shape[2], device=fields.device) % 2 == 0
    turned = mirrored[:, None, None, None, None] & is_x[:, None, None]
    return torch.where(turned, 1 - fields, fields)


def _grid(draw: Tensor, *, size: int) -> Tensor:
    """Sampling grid (B, S, S, 2) of four draws in [0, 1]: zoom, shift in x and y, mirror."""
    zoom = _ZOOM[0] + (_ZOOM[1] - _ZOOM[0]) * draw[:, 0]
    mirror = torch.where(draw[:, 3] < 0.5, -1.0, 1.0)
    theta = draw.new_zeros(len(draw), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = zoom * mirror, zoom
    theta[:, :, 2] = _SHIFT * (2 * draw[:, 1:3] - 1)
    return F.affine_grid(theta, [len(draw), 3, size, size], align_corners=False)


def vary_skeleton(
    joints: NDArray[np.float32],
    present: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    turn: float = 0.0,
    scale: float = 0.0,
    speed: float = 0.0,
    crop: float = 0.0,
    noise: float = 0.0,
    hips: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
    hips_share: float = 0.0,
    sides: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
    mirror: float = 0.0,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A sequence (T, P, J, 3) as another camera, body or pace would have it; 0 leaves it alone.

    Args:
        turn: degrees, most, about the vertical (y).
        scale: most, share of the size.
        speed: most, share of the number of frames.
        crop: most, share of the length cut from each end.
        noise: metres, most; the standard deviation is drawn from a tenth of it on, even in the
            logarithm.
        hips: joint numbers of the left and the right hip.
        hips_share: chance that each body is centred on its hips in every frame, as pose from
            video has it.
        sides: joint numbers on the left and, in the same order, their counterparts on the right.
        mirror: chance that the bodies do with the left what they did with the right.
    """
    at = _paced(len(joints), rng=rng, speed=speed, crop=crop)
    joints, present = joints[at], present[at]
    if hips is not None and rng.random() < hips_share:
        joints = centre_on_hips(joints, hips=hips)
    if mirror and sides is not None and rng.random() < mirror:
        joints = mirrored(joints, sides=sides)
    varied = joints.astype(np.float64)
    if turn:
        varied = varied @ _turn(math.radians(rng.uniform(-turn, turn)))
    if scale:
        varied = varied * rng.uniform(1 - scale, 1 + scale)
    if noise:
        deviation = noise * 10 ** rng.uniform(-1, 0)
        varied = varied + rng.normal(0, deviation, varied.shape)
    return np.where(present[..., None, None], varied, 0).astype(np.float32), present


def mirrored(
    joints: NDArray[np.float32], *, sides: tuple[tuple[int, ...], tuple[int, ...]]
) -> NDArray[np.float32]:
    """Bodies (T, P, J, 3) in a mirror: x changes its sign, and left and right their names."""
    left, right = map(list, sides)
    turned = joints * np.array([-1, 1, 1], joints.dtype)
    turned[:, :, left + right] = turned[:, :, right + left]
    return turned


def _paced(count: int, *, rng: np.random.Generator, speed: float, crop: float) -> NDArray[np.int64]:
    """Which of ``count`` frames are kept, cut at the ends and seen faster or slower."""
    if not speed and not crop:
        return np.arange(count)
    start, stop = rng.uniform(0, crop), rng.uniform(1 - crop, 1)
    rows = max(min(8, count), round((stop - start) * count * rng.uniform(1 - speed, 1 + speed)))
    return np.linspace(start * (count - 1), stop * (count - 1), rows).round().astype(np.int64)


def _turn(angle: float) -> NDArray[np.float64]:
    """Rotation about y, to be multiplied from the right."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def centre_on_hips(
    joints: NDArray[np.float32], *, hips: tuple[tuple[int, ...], tuple[int, ...]]
) -> NDArray[np.float32]:
    """Each body (T, P, J, 3) with the middle of its hips at the origin in every frame."""
    left, right = (joints[:, :, list(side)].mean(2, keepdims=True) for side in hips)
    return (joints - (left + right) / 2).astype(np.float32)
