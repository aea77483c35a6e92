"""How the things on the stage are painted, and every shadow on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.body import UP, Figure, turn, unit
from actviz.datasets.puppets.camera import CameraTrack
from actviz.datasets.puppets.moves import Prop
from actviz.datasets.puppets.paint import Canvas

__all__ = ["PaintedProp", "floor_shadows"]

Array = NDArray[np.float64]
Colour = NDArray[np.float32]
CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
FACES = (  # corner numbers in order around each face, and its outward axis
    ((0, 1, 3, 2), (-1, 0, 0)), ((4, 5, 7, 6), (1, 0, 0)), ((0, 1, 5, 4), (0, -1, 0)),
    ((2, 3, 7, 6), (0, 1, 0)), ((0, 2, 6, 4), (0, 0, -1)), ((1, 3, 7, 5), (0, 0, 1)),
)  # fmt: skip
SHADED_BONES = ((0, 20, 0.15, 0.16), (2, 3, 0.08, 0.11), (4, 5, 0.05, 0.05), (5, 6, 0.045, 0.035),
                (8, 9, 0.05, 0.05), (9, 10, 0.045, 0.035), (12, 13, 0.08, 0.06),
                (13, 14, 0.055, 0.05), (16, 17, 0.08, 0.06), (17, 18, 0.055, 0.05),
                (14, 15, 0.06, 0.055), (18, 19, 0.06, 0.055))  # fmt: skip


@dataclass(frozen=True)
class _Slab:
    """A box of the given size, ``shift`` from the prop's origin in its own axes."""

    size: tuple[float, float, float]
    shift: tuple[float, float, float]
    dim: float = 1.0


@dataclass(frozen=True)
class _Rod:
    """A capsule between two points in the prop's own axes."""

    start: tuple[float, float, float]
    stop: tuple[float, float, float]
    radii: tuple[float, float]
    dim: float = 1.0
    squash: float = 1.0


def _legs(wide: float, tall: float, deep: float) -> list[_Slab | _Rod]:
    x, z = 0.5 * wide - 0.03, 0.5 * deep - 0.03
    return [
        _Rod((sx * x, 0.02, sz * z), (sx * x, tall - 0.03, sz * z), (0.016, 0.02), 0.75)
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def _parts(prop: Prop) -> list[_Slab | _Rod]:
    wide, tall, deep = prop.size
    if prop.kind == "box":
        return [_Slab(prop.size, (0, 0, 0))]
    if prop.kind == "ball":
        return [_Rod((0, -1e-3, 0), (0, 1e-3, 0), (wide, wide))]
    if prop.kind == "cup":
        return [_Rod((0, -0.5 * tall, 0), (0, 0.5 * tall, 0), (0.8 * wide, wide), 1.0, 4.0)]
    if prop.kind == "bottle":
        body = _Rod((0, -0.42 * tall, 0), (0, 0.12 * tall, 0), (wide, wide), 1.0, 2.0)
        return [body, _Rod((0, 0.1 * tall, 0), (0, 0.46 * tall, 0), (0.4 * wide, 0.36 * wide), 0.8)]
    if prop.kind == "table":
        return [_Slab((wide, 0.045, deep), (0, tall - 0.0225, 0)), *_legs(wide, tall, deep)]
    back = -0.5 * deep + 0.03
    x, top = 0.5 * wide - 0.03, tall + 0.42
    posts = [
        _Rod((side * x, tall, back), (side * x, top, back - 0.06), (0.019, 0.019), 0.75)
        for side in (-1, 1)
    ]
    board = _Slab((wide, 0.2, 0.03), (0, tall + 0.34, back - 0.05))
    return [
        _Slab((wide, 0.05, deep), (0, tall - 0.025, 0)),
        *_legs(wide, tall, deep),
        *posts,
        board,
    ]


class PaintedProp:
    """The solids of one prop at the frames asked for (F)."""

    def __init__(self, prop: Prop, colour: Colour, camera: CameraTrack) -> None:
        self.colour = colour
        count = len(prop.centre)
        across = np.broadcast_to(turn(np.array([1.0, 0.0, 0.0]), prop.yaw), (count, 3))
        up = np.broadcast_to(UP, (count, 3)) if prop.tilt is None else prop.tilt
        ahead = unit(np.cross(across, up))
        self.axes = np.stack([unit(np.cross(up, ahead)), up, ahead], axis=1)  # (F, 3, 3)
        self.ways = camera.turned(self.axes)
        self.parts = []
        for part in _parts(prop):
            if isinstance(part, _Slab):
                local = CORNERS * part.size + part.shift
            else:
                local = np.array([part.start, part.stop])
            placed = prop.centre[:, None] + (local[None, :, :, None] * self.axes[:, None]).sum(2)
            self.parts.append((part, camera.to_camera(placed)))
        self.size = prop.size
        self.centre = prop.centre

    def solids(self, canvas: Canvas, frame: int, scale: float) -> list[tuple]:
        """What to paint at one frame, as (depth, how, arguments)."""
        out: list[tuple] = []
        for part, points in self.parts:
            local = points[frame]
            if local[:, 2].min() < 0.25:
                continue
            k = scale / local[:, 2]
            u, v = canvas.width / 2 + k * local[:, 0], canvas.height / 2 - k * local[:, 1]
            colour = self.colour * np.float32(part.dim)
            if isinstance(part, _Rod):
                a, b = (
                    (u[i], v[i], local[i, 2], part.radii[i] * k[i], part.radii[i]) for i in (0, 1)
                )
                out.append((local[:, 2].mean(), canvas.capsule, (a, b, colour, 0, part.squash)))
            else:
                out.extend(
                    self._faces(canvas, frame, local, np.stack([u, v, local[:, 2]], 1), colour)
                )
        return out

    def _faces(
        self, canvas: Canvas, frame: int, local: Array, flat: Array, colour: Colour
    ) -> list[tuple]:
        out = []
        ways = self.ways[frame]
        for numbers, outward in FACES:
            normal = sum(amount * ways[axis] for axis, amount in enumerate(outward) if amount)
            corners = local[list(numbers)]
            if (normal * corners.mean(axis=0)).sum() >= 0:
                continue  # turned away
            lit = (normal[0], -normal[1], -normal[2])
            out.append((corners[:, 2].mean(), canvas.face, (flat[list(numbers)], lit, colour)))
        return out


def floor_shadows(
    figures: list[Figure], props: list[Prop], camera: CameraTrack, sun: Array, wall: float
) -> Array:
    """Shadow capsules (F, N, 2, 4) on the floor: camera x, y, z and radius, metres.

    ``sun`` (3,) points to the light; shadows stop at the back wall.
    """
    ends, radii = [], []
    for figure in figures:
        for a, b, ra, rb in SHADED_BONES:
            ends.append(np.stack([figure.joints[:, a], figure.joints[:, b]], 1))
            radii.append((ra, rb))
    for prop in props:
        shift = 0.0 if prop.kind in ("box", "ball", "bottle", "cup") else 0.5 * prop.size[1]
        centre = prop.centre + shift * UP
        wide = 0.5 * max(prop.size[0], prop.size[2])
        if prop.kind in ("ball", "cup", "bottle"):
            wide = prop.size[0]
        side = 0.35 * prop.size[0] * turn(np.array([1.0, 0.0, 0.0]), prop.yaw)
        ends.append(np.stack([centre - side, centre + side], 1))
        radii.append((wide, wide))
    if not ends:
        return np.zeros((len(camera.place), 0, 2, 4))
    points = np.stack(ends, 1)
    fallen = points - sun * (points[..., 1:2] / sun[1])
    fallen[..., 2] = np.minimum(fallen[..., 2], wall)
    size = np.broadcast_to(np.array(radii)[None, :, :, None], (*fallen.shape[:3], 1))
    return np.concatenate([camera.to_camera(fallen), size], axis=-1)
