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

__all__ = ["centre_on_hips", "vary_pictures", "vary_skeleton"]

_SHIFT = 0.12  # of the half picture
_ZOOM = (0.85, 1.1)
_GAIN = (0.75, 1.3)  # per colour channel
_LIFT = 0.08  # added to every pixel, in [0, 1]


def vary_pictures(frames: Tensor, *, generator: torch.Generator) -> Tensor:
    """Shift, zoom, mirror and colour of each clip (B, T, 3, S, S) in [0, 1], one draw per clip."""
    batch, count = frames.shape[:2]
    draw = torch.rand(batch, 8, generator=generator).to(frames.device)
    grid = _grid(draw[:, :4], size=frames.shape[-1])  # (B, S, S, 2)
    flat = frames.flatten(0, 1)  # (B·T, 3, S, S)
    moved = F.grid_sample(
        flat,
        grid.repeat_interleave(count, 0),
        padding_mode="reflection",
        align_corners=False,
    ).unflatten(0, (batch, count))
    low, high = _GAIN
    gain = low * (high / low) ** draw[:, 4:7]  # even in the logarithm, so that 1 is the middle
    lift = _LIFT * (2 * draw[:, 7] - 1)
    coloured = moved * gain[:, None, :, None, None] + lift[:, None, None, None, None]
    return coloured.clamp(0, 1)


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
    hips: tuple[tuple[int, ...], tuple[int, ...]],
    hips_share: float,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A sequence (T, P, J, 3) seen faster or slower, cut at its ends, scaled and with noise.

    Args:
        hips: joint numbers of the left and the right hip.
        hips_share: chance that each body is centred on its hips in every frame, as pose from
            video has it.
    """
    count = len(joints)
    start, stop = rng.uniform(0, 0.08), rng.uniform(0.92, 1)
    rows = max(8, round((stop - start) * count * rng.uniform(0.75, 1.25)))
    at = np.linspace(start * (count - 1), stop * (count - 1), rows).round().astype(int)
    joints, present = joints[at], present[at]
    if rng.random() < hips_share:
        joints = centre_on_hips(joints, hips=hips)
    joints = joints * rng.uniform(0.9, 1.1)
    noise = rng.normal(0, math.exp(rng.uniform(math.log(0.002), math.log(0.02))), joints.shape)
    return np.where(present[..., None, None], joints + noise, 0).astype(np.float32), present


def centre_on_hips(
    joints: NDArray[np.float32], *, hips: tuple[tuple[int, ...], tuple[int, ...]]
) -> NDArray[np.float32]:
    """Each body (T, P, J, 3) with the middle of its hips at the origin in every frame."""
    left, right = (joints[:, :, list(side)].mean(2, keepdims=True) for side in hips)
    return (joints - (left + right) / 2).astype(np.float32)
