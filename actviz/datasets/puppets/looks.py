"""How an actor looks, and which solids it is painted with.

F frames asked for · limbs are numbered as ``LIMBS`` lists them, 0 being no limb.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.body import ARM, LEFT, LEG, RIGHT, Figure, unit
from actviz.datasets.puppets.camera import CameraTrack
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.paint import Canvas

__all__ = ["LIMBS", "LIMB_JOINTS", "Look", "PaintedFigure", "cast_look"]

Array = NDArray[np.float64]
Colour = NDArray[np.float32]
Radius = float | tuple[float, float]  # metres; of the trunk: half width and half depth

LIMBS = (
    "none", "head", "trunk",
    "left upper arm", "left forearm", "left hand", "right upper arm", "right forearm", "right hand",
    "left thigh", "left shin", "left foot", "right thigh", "right shin", "right foot",
)  # fmt: skip
LIMB_JOINTS = (
    (), (3,), (0, 1, 20),
    (4, 5), (5, 6), (6, 21), (8, 9), (9, 10), (10, 23),
    (12, 13), (13, 14), (14, 15), (16, 17), (17, 18), (18, 19),
)  # fmt: skip
FIRST_ARM = {LEFT: 3, RIGHT: 6}
FIRST_LEG = {LEFT: 9, RIGHT: 12}

SKINS = ((0.96, 0.80, 0.69), (0.90, 0.71, 0.57), (0.78, 0.57, 0.43), (0.60, 0.42, 0.31),
         (0.44, 0.30, 0.22))  # fmt: skip
HAIRS = ((0.13, 0.10, 0.09), (0.28, 0.18, 0.11), (0.48, 0.31, 0.16), (0.80, 0.64, 0.36),
         (0.62, 0.60, 0.58), (0.55, 0.22, 0.12))  # fmt: skip
SHIRTS = (
    (0.84, 0.26, 0.22), (0.17, 0.42, 0.70), (0.95, 0.72, 0.22), (0.20, 0.55, 0.42),
    (0.93, 0.91, 0.86), (0.56, 0.30, 0.58), (0.93, 0.50, 0.30), (0.25, 0.62, 0.72),
    (0.86, 0.45, 0.58), (0.25, 0.27, 0.34), (0.48, 0.62, 0.28), (0.62, 0.17, 0.24),
)  # fmt: skip
TROUSERS = (
    (0.18, 0.23, 0.37), (0.16, 0.16, 0.19), (0.46, 0.39, 0.29), (0.40, 0.43, 0.47),
    (0.30, 0.21, 0.17), (0.72, 0.66, 0.55), (0.20, 0.32, 0.30),
)  # fmt: skip
SHOES = ((0.13, 0.12, 0.12), (0.92, 0.90, 0.88), (0.45, 0.26, 0.15), (0.72, 0.20, 0.18))
WHITE = np.array((0.97, 0.96, 0.94), dtype=np.float32)
DARK = np.array((0.10, 0.08, 0.08), dtype=np.float32)


@dataclass(frozen=True)
class Look:
    """Colours and clothes of one actor; colours are RGB float32 (3,)."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    long_sleeves: bool
    shorts: bool
    hair_kind: str


def _far(colour: tuple, other: tuple) -> float:
    return sum(abs(a - b) for a, b in zip(colour, other, strict=True))


def cast_look(dice: Dice, *, against: tuple, other: Look | None = None) -> Look:
    """An actor's looks; the shirt stands out from the wall's colour ``against`` and from the
    other actor's."""
    fit = [c for c in SHIRTS if _far(c, against) > 0.45]
    if other is not None:
        fit = [c for c in fit if _far(c, tuple(other.shirt.tolist())) > 0.5]
    jitter = dice.uniforms(-0.03, 0.03, 3).astype(np.float32)
    trousers = [c for c in TROUSERS if _far(c, against) > 0.3]

    def tint(colour: tuple) -> Colour:
        return np.clip(np.array(colour, dtype=np.float32) + jitter, 0, 1)

    return Look(
        skin=tint(dice.pick(SKINS)),
        hair=tint(dice.pick(HAIRS)),
        shirt=tint(dice.pick(fit)),
        trousers=tint(dice.pick(trousers)),
        shoes=tint(dice.pick(SHOES)),
        long_sleeves=dice.chance(0.5),
        shorts=dice.chance(0.2),
        hair_kind=dice.pick(("short", "short", "long", "bun", "cap")),
    )


class PaintedFigure:
    """The solids of one figure at the frames asked for, ready to be painted one frame at a time."""

    def __init__(self, figure: Figure, look: Look, camera: CameraTrack, first_limb: int) -> None:
        self.look, self.first = look, first_limb
        self.h, self.build = figure.body.stature, figure.body.build
        self.points: dict[str, Array] = {}
        self.capsules: list[tuple] = []
        self.ellipsoids: list[tuple] = []
        self._frames(figure, camera)
        self._limbs(figure.joints)
        self._trunk(figure.joints)
        self._head(figure.joints)
        self._project(camera)

    def _frames(self, figure: Figure, camera: CameraTrack) -> None:
        """Axes (F, 3, 3) of trunk, pelvis and head: rows left, up, forward."""
        joints = figure.joints
        left = unit(joints[:, 4] - joints[:, 8])
        up = unit(joints[:, 20] - joints[:, 1])
        self.chest = _axes(left, up)
        self.pelvis = _axes(unit(joints[:, 12] - joints[:, 16]), unit(joints[:, 1] - joints[:, 0]))
        head_up = unit(joints[:, 3] - joints[:, 2])
        self.head = _axes(unit(np.cross(head_up, figure.face)), head_up)

    def _capsule(
        self,
        a: Array,
        ra: Radius,
        b: Array,
        rb: Radius,
        colour: Colour,
        limb: int,
        squash: float = 1.0,
    ) -> None:
        self.capsules.append((a, ra, b, rb, colour, self.first + limb, squash))

    def _ellipsoid(
        self,
        centre: Array,
        axes: Array,
        size: tuple[float, float, float],
        colour: Colour,
        limb: int,
    ) -> None:
        self.ellipsoids.append((centre, axes, np.array(size), colour, self.first + limb))

    def _limbs(self, joints: Array) -> None:
        h, look, fat = self.h / 1.72, self.look, self.build**0.5
        for side in (LEFT, RIGHT):
            shoulder, elbow, wrist, hand, tip, thumb = (joints[:, j] for j in ARM[side])
            arm, leg = FIRST_ARM[side], FIRST_LEG[side]
            sleeve = look.shirt if look.long_sleeves else look.skin
            loose = 0.008 if look.long_sleeves else 0.0
            self._capsule(shoulder, 0.058 * h * fat, elbow, 0.046 * h * fat, look.shirt, arm)
            self._capsule(
                elbow, (0.040 + loose) * h * fat, wrist, (0.028 + loose) * h, sleeve, arm + 1
            )
            self._capsule(wrist, 0.027 * h, 0.4 * hand + 0.6 * tip, 0.026 * h, look.skin, arm + 2)
            self._capsule(wrist, 0.016 * h, thumb, 0.013 * h, look.skin, arm + 2)
            hip, knee, ankle, foot = (joints[:, j] for j in LEG[side])
            shin = look.skin if look.shorts else look.trousers
            thin = 0.012 if look.shorts else 0.0
            self._capsule(hip, 0.088 * h * fat, knee, 0.063 * h * fat, look.trousers, leg)
            self._capsule(
                knee, (0.058 - thin / 2) * h * fat, ankle, (0.046 - thin) * h, shin, leg + 1
            )
            heel = ankle + np.array([0, -0.024, 0]) * h
            self._capsule(
                heel, 0.042 * h, foot + np.array([0, 0.014, 0]) * h, 0.034 * h, look.shoes, leg + 2
            )

    def _trunk(self, joints: Array) -> None:
        h, wide, look = self.h / 1.72, self.build, self.look
        base, mid, top, neck = joints[:, 0], joints[:, 1], joints[:, 20], joints[:, 2]
        self._ellipsoid(base, self.pelvis, (0.165 * h * wide, 0.125 * h, 0.122 * h * wide),
                        look.trousers, 2)  # fmt: skip
        chest = 0.10 * mid + 0.90 * top
        waist = 0.62 * mid + 0.38 * base
        girth = (0.142 * h * wide, 0.108 * h * wide), (0.150 * h * wide, 0.108 * h * wide)
        broad = (0.178 * h * wide**0.6, 0.108 * h * wide**0.8)
        self._capsule(waist, girth[0], mid, girth[1], look.shirt, 2, 1.8)
        self._capsule(mid, girth[1], chest, broad, look.shirt, 2, 2.0)
        skull = joints[:, 3]
        self._capsule(
            0.6 * top + 0.4 * neck, 0.06 * h, 0.5 * neck + 0.5 * skull, 0.052 * h, look.skin, 1
        )

    def _head(self, joints: Array) -> None:
        h, look, axes = 1.12 * self.h / 1.72, self.look, self.head
        centre = joints[:, 3] + 0.010 * h * axes[:, 1]

        def at(left: float, up: float, ahead: float) -> Array:
            return centre + h * (left * axes[:, 0] + up * axes[:, 1] + ahead * axes[:, 2])

        self._ellipsoid(centre, axes, (0.086 * h, 0.124 * h, 0.104 * h), look.skin, 1)
        cap = look.hair_kind == "cap"
        cover = look.shirt if cap else look.hair
        self._ellipsoid(at(0, 0.040, -0.022), axes, (0.095 * h, 0.100 * h, 0.106 * h), cover, 1)
        if cap:
            self._ellipsoid(at(0, 0.062, 0.095), axes, (0.07 * h, 0.012 * h, 0.075 * h), cover, 1)
        elif look.hair_kind == "long":
            self._ellipsoid(
                at(0, -0.055, -0.055), axes, (0.092 * h, 0.125 * h, 0.062 * h), cover, 1
            )
        elif look.hair_kind == "bun":
            self._ellipsoid(at(0, 0.105, -0.075), axes, (0.045 * h,) * 3, cover, 1)
        for side in (LEFT, RIGHT):
            self._ellipsoid(
                at(0.086 * side, -0.012, 0), axes, (0.016 * h, 0.028 * h, 0.02 * h), look.skin, 1
            )
            self._ellipsoid(
                at(0.034 * side, 0.004, 0.088), axes, (0.019 * h, 0.015 * h, 0.012 * h), WHITE, 1
            )
            self._ellipsoid(
                at(0.034 * side, 0.004, 0.0965), axes, (0.0095 * h, 0.0125 * h, 0.008 * h), DARK, 1
            )
            self._ellipsoid(
                at(0.036 * side, 0.032, 0.093), axes, (0.022 * h, 0.005 * h, 0.01 * h), look.hair, 1
            )
        self._ellipsoid(at(0, -0.022, 0.104), axes, (0.014 * h, 0.024 * h, 0.018 * h), look.skin, 1)
        lips = 0.55 * look.skin + np.array((0.22, 0.02, 0.03), np.float32)
        self._ellipsoid(at(0, -0.064, 0.087), axes, (0.028 * h, 0.008 * h, 0.012 * h), lips, 1)

    def _project(self, camera: CameraTrack) -> None:
        """Everything in camera metres, as plain lists for quick painting frame by frame."""
        ends = np.stack([np.stack([c[0], c[2]], 1) for c in self.capsules], 1)  # (F, N, 2, 3)
        self.ends = camera.to_camera(ends)
        self.radii = self._radii(camera)  # (F, N, 4): across and deep at the start, at the end
        centres = np.stack([e[0] for e in self.ellipsoids], 1)
        self.centres = camera.to_camera(centres)  # (F, M, 3)
        shapes = [_shape(camera.turned(e[1]), e[2]) for e in self.ellipsoids]
        self.shapes = np.stack(shapes, 1)  # (F, M, 3, 3)

    def _radii(self, camera: CameraTrack) -> Array:
        """Half width across the picture and half depth of each capsule's two ends, metres."""
        ways = camera.turned(self.chest)  # (F, 3, 3): rows left, up, forward
        along = ways[:, 1, :2] / np.sqrt((ways[:, 1, :2] ** 2).sum(-1, keepdims=True) + 1e-9)
        across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
        side = np.abs((ways[:, 0, :2] * across).sum(-1)), np.abs((ways[:, 2, :2] * across).sum(-1))
        deep = np.abs(ways[:, 0, 2]), np.abs(ways[:, 2, 2])
        out = np.empty((len(ways), len(self.capsules), 4))
        for number, (_, ra, _, rb, _, _, _) in enumerate(self.capsules):
            for end, radius in enumerate((ra, rb)):
                if isinstance(radius, tuple):
                    wide, thick = radius
                    out[:, number, 2 * end] = np.sqrt(
                        (wide * side[0]) ** 2 + (thick * side[1]) ** 2
                    )
                    out[:, number, 2 * end + 1] = np.sqrt(
                        (wide * deep[0]) ** 2 + (thick * deep[1]) ** 2
                    )
                else:
                    out[:, number, 2 * end : 2 * end + 2] = radius
        return out

    def solids(self, canvas: Canvas, frame: int, scale: float) -> list[tuple]:
        """What to paint at one frame, as (depth, how, arguments)."""
        out: list[tuple] = []
        half_w, half_h = canvas.width / 2, canvas.height / 2
        for (a, b), (ra, da, rb, db), (_, _, _, _, colour, limb, squash) in zip(
            self.ends[frame].tolist(), self.radii[frame].tolist(), self.capsules, strict=True
        ):
            if min(a[2], b[2]) < 0.25:
                continue
            ka, kb = scale / a[2], scale / b[2]
            start = (half_w + ka * a[0], half_h - ka * a[1], a[2], ra * ka, da)
            stop = (half_w + kb * b[0], half_h - kb * b[1], b[2], rb * kb, db)
            out.append((0.5 * (a[2] + b[2]), canvas.capsule, (start, stop, colour, limb, squash)))
        for (x, y, z), shape, (_, _, size, colour, limb) in zip(
            self.centres[frame].tolist(), self.shapes[frame], self.ellipsoids, strict=True
        ):
            k = scale / max(z, 0.25)
            if z < 0.25 or k * size.max() < 0.3:
                continue
            centre = (half_w + k * x, half_h - k * y, z, k)
            out.append((z, canvas.ellipsoid, (centre, shape, colour, limb)))
        return out


def _axes(left: Array, up: Array) -> Array:
    """Orthonormal rows left, up, forward (F, 3, 3) from nearly orthogonal left and up."""
    forward = unit(np.cross(left, up))
    return np.stack([unit(np.cross(up, forward)), up, forward], axis=1)


def _shape(axes: Array, size: Array) -> Array:
    """Matrix M (F, 3, 3) of pᵀ M p = 1 in picture axes (right, down, away)."""
    ways = axes * np.array([1.0, -1.0, 1.0])  # camera up → picture down
    scaled = ways / size[None, :, None]
    return (scaled[:, :, :, None] * scaled[:, :, None, :]).sum(axis=1)
