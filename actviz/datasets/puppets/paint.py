"""Painting solids: capsules, ellipsoids and flat faces, anti-aliased, shaded, with a depth buffer.

Each solid is drawn inside its own small box of pixels with the weak-perspective picture of itself:
its silhouette is a distance in pixels (so edges are smooth), its surface a unit normal (so it is
lit), its depth in metres (so what is nearer hides what is behind). All float32, (3, H, W) planar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "Light"]

Image = NDArray[np.float32]
Colour = NDArray[np.float32]  # (3,)


@dataclass(frozen=True)
class Light:
    """A key light and what fills its shadows; ``way`` points to the light, in camera axes with
    y down as the picture's rows go and z towards the camera."""

    way: tuple[float, float, float]
    key: Colour  # (3,)
    fill: Colour  # (3,)


class Canvas:
    """One picture being painted."""

    def __init__(self, background: Image, light: Light) -> None:
        self.colour = background  # (3, H, W)
        _, self.height, self.width = background.shape
        self.depth = np.full((self.height, self.width), 1e6, dtype=np.float32)
        self.limb = np.zeros((self.height, self.width), dtype=np.uint8)
        self.light = light
        self._x = np.arange(self.width, dtype=np.float32) + np.float32(0.5)
        self._y = np.arange(self.height, dtype=np.float32)[:, None] + np.float32(0.5)

    def _box(self, low_x: float, high_x: float, low_y: float, high_y: float) -> tuple | None:
        """Slices of the box, or None where it lies outside the picture."""
        left, right = max(int(low_x - 1.0), 0), min(int(high_x + 2.0), self.width)
        top, bottom = max(int(low_y - 1.0), 0), min(int(high_y + 2.0), self.height)
        if left >= right or top >= bottom:
            return None
        return slice(top, bottom), slice(left, right)

    def capsule(self, a: tuple, b: tuple, colour: Colour, limb: int, squash: float = 1.0) -> None:
        """A round-ended limb from ``a`` to ``b``, each (u, v, z, radius px, radius m).

        ``squash`` > 1 flattens the round ends (a trunk's shoulders are no dome).
        """
        ax, ay, az, ar, am = a
        bx, by, bz, br, bm = b
        big = max(ar, br)
        box = self._box(min(ax, bx) - big, max(ax, bx) + big, min(ay, by) - big, max(ay, by) + big)
        if box is None:
            return
        rows, columns = box
        x, y = self._x[columns] - np.float32(ax), self._y[rows] - np.float32(ay)
        dx, dy = bx - ax, by - ay
        length = max(dx * dx + dy * dy, 1e-6)
        raw = x * np.float32(dx / length) + y * np.float32(dy / length)
        t = _within_one(raw.copy())
        px, py = x - t * np.float32(dx), y - t * np.float32(dy)
        radius = np.float32(ar) + t * np.float32(br - ar)
        square = px * px + py * py
        reach = square
        if squash != 1.0:  # flat ends: a nearer edge, and hardly any rounding in the light
            over = raw - t
            end = over * over * np.float32(length)
            reach = square + np.float32(squash * squash - 1) * end
            px, py = px - over * np.float32(0.6 * dx), py - over * np.float32(0.6 * dy)
            square = square - np.float32(0.84) * end
        cover = _within_one(radius - np.sqrt(reach) + np.float32(0.5))
        inverse = 1 / radius
        nx, ny = px * inverse, py * inverse
        nz = np.sqrt(np.maximum(1 - square * (inverse * inverse), 0))
        z = (
            np.float32(az)
            + t * np.float32(bz - az)
            - nz * (np.float32(am) + t * np.float32(bm - am))
        )
        self._put(rows, columns, cover, z, (nx, ny, nz), colour, limb)

    def ellipsoid(self, centre: tuple, shape: NDArray, colour: Colour, limb: int) -> None:
        """An ellipsoid at ``centre`` (u, v, z, pixels per metre); ``shape`` (3, 3): the matrix M
        of its surface pᵀ M p = 1 in metres, picture axes (right, down, away)."""
        u, v, depth, scale = centre
        (m00, m01, m02), (_, m11, m12), (_, _, m22) = shape.tolist()
        s00, s01, s11 = m00 - m02 * m02 / m22, m01 - m02 * m12 / m22, m11 - m12 * m12 / m22
        area = max(s00 * s11 - s01 * s01, 1e-9)
        wide, tall = (s11 / area) ** 0.5 * scale, (s00 / area) ** 0.5 * scale
        box = self._box(u - wide, u + wide, v - tall, v + tall)
        if box is None:
            return
        rows, columns = box
        one = np.float32(1 / scale)
        x, y = (self._x[columns] - np.float32(u)) * one, (self._y[rows] - np.float32(v)) * one
        gx, gy = (
            x * np.float32(s00) + y * np.float32(s01),
            x * np.float32(s01) + y * np.float32(s11),
        )
        level = 1 - (x * gx + y * gy)  # 1 in the middle, 0 on the silhouette
        steep = 2 * np.sqrt(gx * gx + gy * gy) + np.float32(1e-3)
        cover = _within_one(level / steep * np.float32(scale) + np.float32(0.5))
        tilt = (x * np.float32(m02) + y * np.float32(m12)) * np.float32(1 / m22)
        z = -tilt - np.sqrt(np.maximum(level, 0) * np.float32(1 / m22))
        nx = x * np.float32(m00) + y * np.float32(m01) + z * np.float32(m02)
        ny = x * np.float32(m01) + y * np.float32(m11) + z * np.float32(m12)
        nz = -(x * np.float32(m02) + y * np.float32(m12) + z * np.float32(m22))
        norm = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-9))
        self._put(rows, columns, cover, z + np.float32(depth),
                  (nx * norm, ny * norm, nz * norm), colour, limb)  # fmt: skip

    def face(self, corners: NDArray, normal: tuple, colour: Colour, limb: int = 0) -> None:
        """A flat convex face: ``corners`` (N, 3) as (u, v, z), in order around it."""
        u, v = corners[:, 0], corners[:, 1]
        box = self._box(u.min(), u.max(), v.min(), v.max())
        if box is None:
            return
        rows, columns = box
        x, y = self._x[columns], self._y[rows]
        points = corners.tolist()
        turn = sum(
            p[0] * q[1] - q[0] * p[1] for p, q in zip(points, points[1:] + points[:1], strict=True)
        )
        inside: Image | None = None
        for p, q in zip(points, points[1:] + points[:1], strict=True):
            ex, ey = q[0] - p[0], q[1] - p[1]
            norm = (1 if turn > 0 else -1) / max((ex * ex + ey * ey) ** 0.5, 1e-6)
            edge = (y - np.float32(p[1])) * np.float32(ex * norm) - (
                x - np.float32(p[0])
            ) * np.float32(ey * norm)
            inside = edge if inside is None else np.minimum(inside, edge)
        assert inside is not None
        cover = _within_one(inside + np.float32(0.5))
        z0, zu, zv = _plane(points)
        z = np.float32(z0) + x * np.float32(zu) + y * np.float32(zv)
        nx, ny, nz = (np.float32(value) for value in normal)
        self._put(rows, columns, cover, z, (nx, ny, nz), colour, limb)

    def shadow(self, a: tuple, b: tuple, stretch: float, depth: float) -> None:
        """Darken the ground under a capsule's shadow; ``stretch``: how many times flatter than
        wide a circle on the floor looks; ``depth``: share of light taken away."""
        ax, ay, ar = a
        bx, by, br = b
        big = 1.35 * max(ar, br)
        box = self._box(min(ax, bx) - big, max(ax, bx) + big,
                        min(ay, by) - big / stretch, max(ay, by) + big / stretch)  # fmt: skip
        if box is None:
            return
        rows, columns = box
        x = self._x[columns] - np.float32(ax)
        y = (self._y[rows] - np.float32(ay)) * np.float32(stretch)
        dx, dy = bx - ax, (by - ay) * stretch
        length = max(dx * dx + dy * dy, 1e-6)
        t = _within_one(x * np.float32(dx / length) + y * np.float32(dy / length))
        px, py = x - t * np.float32(dx), y - t * np.float32(dy)
        radius = np.float32(ar) + t * np.float32(br - ar)
        soft = 1 - (px * px + py * py) / (radius * radius * np.float32(1.8))
        dark = np.clip(soft * np.float32(depth * 1.6), 0, np.float32(depth))
        shade = self._shade[rows, columns]
        np.maximum(shade, dark, out=shade)

    def begin_shadows(self) -> None:
        """Start collecting shadows; where they overlap the darkest counts once."""
        self._shade = np.zeros((self.height, self.width), dtype=np.float32)

    def end_shadows(self) -> None:
        """Lay the collected shadows on the picture."""
        self.colour *= 1 - self._shade

    def _put(
        self,
        rows: slice,
        columns: slice,
        cover: Image,
        z: Image,
        normal: tuple,
        colour: Colour,
        limb: int,
    ) -> None:
        """Blend a lit surface into the picture where it is nearest."""
        nx, ny, nz = normal
        light = self.light
        lx, ly, lz = light.way
        depth = self.depth[rows, columns]
        cover = cover * (z < depth)
        toward = nx * np.float32(lx) + ny * np.float32(ly) + nz * np.float32(lz)
        wrap = np.maximum(toward * np.float32(0.6) + np.float32(0.4), 0)
        key = wrap * (np.float32(0.55) + np.float32(0.45) * nz)
        tint = (light.key * colour)[:, None, None], (light.fill * colour)[:, None, None]
        lit = tint[0] * key + tint[1] * (np.float32(0.62) + np.float32(0.38) * nz)
        target = self.colour[:, rows, columns]
        target += cover * (lit - target)
        solid = cover > np.float32(0.5)
        np.copyto(depth, z, where=solid)
        np.copyto(self.limb[rows, columns], np.uint8(limb), where=solid)


def _within_one(values: Image) -> Image:
    """``values`` held in [0, 1], in place; quicker than ``np.clip`` on small boxes."""
    np.maximum(values, 0, out=values)
    return np.minimum(values, 1, out=values)


def _plane(points: list) -> tuple[float, float, float]:
    """z = z0 + zu·u + zv·v through the first three corners that span a plane."""
    (u0, v0, z0), (u1, v1, z1), (u2, v2, z2) = points[:3]
    au, av, az, bu, bv, bz = u1 - u0, v1 - v0, z1 - z0, u2 - u0, v2 - v0, z2 - z0
    area = au * bv - av * bu
    if abs(area) < 1e-6:
        return (z0 + z1 + z2) / 3, 0.0, 0.0
    zu, zv = (az * bv - bz * av) / area, (au * bz - bu * az) / area
    return z0 - zu * u0 - zv * v0, zu, zv
