"""The camera: where it stands, where it looks, and how it moves through a shot.

Camera coordinates are Kinect's: metres, x to the right of the picture, y up, z away from the
sensor. A point lands at u = W/2 + k·x/z, v = H/2 − k·y/z with k = focal · min(H, W) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.dice import Dice

__all__ = ["CameraTrack", "frame_points", "look", "still_axes"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CameraTrack:
    """Where the camera is at each frame of a shot or clip."""

    place: Array  # (T, 3), metres on the stage
    axes: Array  # (T, 3, 3), rows: right, up, away
    focal: Array  # (T,), in half picture sides

    def to_camera(self, points: Array) -> Array:
        """Stage points (T, ..., 3) in camera coordinates, (T, ..., 3) metres."""
        extra = (1,) * (points.ndim - 2)
        away = points - self.place.reshape(-1, *extra, 3)
        axes = self.axes.reshape(-1, *extra, 3, 3)
        parts = [(axes[..., row, :] * away).sum(axis=-1) for row in range(3)]
        return np.stack(parts, axis=-1)

    def turned(self, ways: Array) -> Array:
        """Stage directions (T, ..., 3) in camera axes."""
        extra = (1,) * (ways.ndim - 2)
        axes = self.axes.reshape(-1, *extra, 3, 3)
        return np.stack([(axes[..., row, :] * ways).sum(axis=-1) for row in range(3)], axis=-1)


def look(yaw: Array, pitch: Array) -> Array:
    """Axes (T, 3, 3) of a camera turned by ``yaw`` to the right and ``pitch`` up, radians."""
    yaw, pitch = np.broadcast_arrays(np.asarray(yaw, float), np.asarray(pitch, float))
    sy, cy, sp, cp = np.sin(yaw), np.cos(yaw), np.sin(pitch), np.cos(pitch)
    zero = np.zeros_like(sy)
    right = np.stack([cy, zero, -sy], axis=-1)
    up = np.stack([-sy * sp, cp, -cy * sp], axis=-1)
    away = np.stack([sy * cp, sp, cy * cp], axis=-1)
    return np.stack([right, up, away], axis=-2)


def still_axes(yaw: float, pitch: float) -> Array:
    """Axes (3, 3) of a camera that does not turn."""
    return look(np.array([yaw]), np.array([pitch]))[0]


def frame_points(
    points: Array, yaw: float, pitch: float, focal: float, fill: float, margin: float
) -> tuple[Array, float]:
    """Target (3,) and distance so that ``points`` (N, 3) with ``margin`` metres around each fill
    ``fill`` of the picture."""
    axes = still_axes(yaw, pitch)
    local = (points[:, None, :] * axes[None]).sum(axis=-1)  # (N, 3), unshifted camera axes
    low, high = local.min(axis=0), local.max(axis=0)
    middle = 0.5 * (low + high)
    local = local - middle
    need = focal * (np.abs(local[:, :2]).max(axis=1) + margin) / fill - local[:, 2]
    target = (middle[:, None] * axes).sum(axis=0)
    return target, float(need.max())


def shot(
    dice: Dice, time_s: Array, *, target: Array, distance: float, yaw: float, pitch: float,
    focal: float, room: float, motion: float = 1.0, sweep: float = 0.0,
) -> CameraTrack:  # fmt: skip
    """A camera move over ``time_s`` (T,): slow orbit and dolly, a hand's unrest, or a pan.

    ``room``: half the room's width, which the camera does not leave; ``sweep``: radians panned.
    """
    count = len(time_s)
    span = np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(1)
    yaws = yaw + motion * dice.uniform(-0.10, 0.10) * span
    pitches = pitch + motion * dice.uniform(-0.03, 0.03) * span
    far = distance * (1.0 + motion * dice.uniform(-0.10, 0.10) * span)
    away = look(yaws, pitches)[:, 2]
    place = np.asarray(target) - far[:, None] * away
    place[:, 1] = np.clip(place[:, 1], 0.35, 2.9)
    place[:, 0] = np.clip(place[:, 0], -room + 0.3, room - 0.3)
    aim = np.asarray(target) - place
    level = np.sqrt(aim[:, 0] ** 2 + aim[:, 2] ** 2)
    yaws, pitches = np.arctan2(aim[:, 0], aim[:, 2]), np.arctan2(aim[:, 1], level)
    shake = 0.006 * motion
    for angle in (yaws, pitches):
        for rate in (0.45, 1.3):
            phase = dice.uniform(0, 6.283)
            angle += shake / (1 + rate) * np.sin(6.283185307 * rate * time_s + phase)
    ease_ = (span + 0.5) ** 2 * (3 - 2 * (span + 0.5)) - 0.5
    return CameraTrack(place, look(yaws + sweep * ease_, pitches), np.full(count, focal))
