"""The puppet's body: human proportions, and a rig that turns controls into the 25 NTU joints.

World: metres, y up, floor at y = 0, the camera looks along +z, x grows to the right of the
picture. As with the Kinect, the picture is a mirror picture: left = up x forward, so that a figure
facing the camera (forward −z) has its left hand at smaller x.

T frames · all joints (T, 25, 3) · angles in radians
Segment lengths as fractions of stature after Drillis and Contini (1966), as Winter's
"Biomechanics and Motor Control of Human Movement" prints them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.dice import Dice

__all__ = ["BONES", "LEFT", "RIGHT", "Body", "Figure", "Rig", "blend", "cast_body", "unit"]

Array = NDArray[np.float64]

LEFT, RIGHT = 1, -1  # the sign of a side along the figure's own left axis
UP = np.array([0.0, 1.0, 0.0])

# Joint numbers of NTU RGB+D, 0-based (Kinect v2 order).
BASE, MID, NECK, HEAD, SHOULDERS = 0, 1, 2, 3, 20
ARM = {LEFT: (4, 5, 6, 7, 21, 22), RIGHT: (8, 9, 10, 11, 23, 24)}
LEG = {LEFT: (12, 13, 14, 15), RIGHT: (16, 17, 18, 19)}
BONES = (
    *((0, 1), (1, 20), (20, 2), (2, 3)),
    *((20, 4), (4, 5), (5, 6), (6, 7), (7, 21), (6, 22)),
    *((20, 8), (8, 9), (9, 10), (10, 11), (11, 23), (10, 24)),
    *((0, 12), (12, 13), (13, 14), (14, 15)),
    *((0, 16), (16, 17), (17, 18), (18, 19)),
)


@dataclass(frozen=True)
class Body:
    """Lengths of one actor in metres."""

    stature: float
    build: float  # girth relative to the average, 0.85 to 1.2
    shoulder: float  # half the distance between the shoulder joints
    hip: float  # half the distance between the hip joints
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    lower_spine: float
    upper_spine: float

    @property
    def arm(self) -> float:
        """Shoulder to wrist."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> float:
        """Hip to ankle."""
        return self.thigh + self.shin

    @property
    def ankle(self) -> float:
        """Height of the ankle above the sole."""
        return 0.039 * self.stature

    @property
    def stand(self) -> float:
        """Height of the spine base when standing with knees not quite straight."""
        return self.ankle + 0.988 * self.leg + 0.02 * self.stature


def cast_body(dice: Dice) -> Body:
    """A person: stature 1.50–1.95 m, limbs varied by a few per cent."""
    stature = dice.uniform(1.50, 1.95)
    legs, arms = dice.uniform(0.96, 1.04), dice.uniform(0.96, 1.04)
    width = dice.uniform(0.93, 1.08)
    return Body(
        stature=stature,
        build=dice.uniform(0.85, 1.2),
        shoulder=0.112 * stature * width,
        hip=0.052 * stature * dice.uniform(0.94, 1.1),
        upper_arm=0.180 * stature * arms,
        forearm=0.148 * stature * arms,
        thigh=0.245 * stature * legs,
        shin=0.246 * stature * legs,
        lower_spine=0.142 * stature,
        upper_spine=0.142 * stature,
    )


@dataclass(frozen=True)
class Figure:
    """One actor over time."""

    body: Body
    joints: Array  # (T, 25, 3)
    face: Array  # (T, 3), unit, where the nose points

    def moved(self, yaw: float, shift: Array) -> Figure:
        """The figure turned by ``yaw`` about the origin's vertical, then shifted by (3,)."""
        return Figure(self.body, turn(self.joints, yaw) + shift, turn(self.face, yaw))


def turn(points: Array, yaw: float) -> Array:
    """Points (..., 3) turned about the vertical so that forward +z becomes (sin, 0, cos)."""
    c, s = np.cos(yaw), np.sin(yaw)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack([c * x + s * z, y, c * z - s * x], axis=-1)


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) scaled to length one."""
    length = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    return vectors / np.maximum(length, 1e-9)


def blend(start: Array, end: Array, share: Array) -> Array:
    """From ``start`` to ``end``, both (..., 3), by ``share`` (T,) in [0, 1]; straight line."""
    share = np.asarray(share, dtype=np.float64)[..., None]
    return start + (end - start) * share


def _column(value: float | Array, count: int) -> Array:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (count,))[:, None]


def _tilt(up: Array, forward: Array, angle: Array) -> tuple[Array, Array]:
    """Bow ``up`` towards ``forward`` by ``angle`` (T, 1); returns the new pair."""
    c, s = np.cos(angle), np.sin(angle)
    return c * up + s * forward, c * forward - s * up


class Rig:
    """Poses a body frame by frame: first the trunk, then each limb by direction or by reach."""

    def __init__(
        self,
        body: Body,
        *,
        root: Array,  # (T, 3), spine base
        yaw: float | Array = 0.0,
        lean: float | Array = 0.0,  # pelvis forward
        bend: float | Array = 0.0,  # upper spine forward, on top of lean
        twist: float | Array = 0.0,  # shoulders to the left
        nod: float | Array = 0.0,  # head down, on top of the rest
        look: float | Array = 0.0,  # head to the left
    ) -> None:
        count = len(root)
        self.body = body
        self.joints = np.zeros((count, 25, 3))
        yaw = _column(yaw, count)
        zero = np.zeros_like(yaw)
        self.forward = np.concatenate([np.sin(yaw), zero, np.cos(yaw)], axis=1)
        self.left = np.concatenate([np.cos(yaw), zero, -np.sin(yaw)], axis=1)
        lean, bend = _column(lean, count), _column(bend, count)
        up, _ = _tilt(UP, self.forward, lean)
        middle, _ = _tilt(UP, self.forward, lean + 0.5 * bend)
        chest, chest_forward = _tilt(UP, self.forward, lean + bend)
        twist = _column(twist, count)
        self.chest_up = chest
        self.chest_left = np.cos(twist) * self.left - np.sin(twist) * chest_forward
        self.chest_forward = np.cos(twist) * chest_forward + np.sin(twist) * self.left
        self._trunk(root, up, middle)
        self._head(lean + bend, _column(nod, count), _column(look, count))

    def _trunk(self, root: Array, up: Array, middle: Array) -> None:
        body, joints = self.body, self.joints
        joints[:, BASE] = root
        joints[:, MID] = root + body.lower_spine * middle
        joints[:, SHOULDERS] = joints[:, MID] + body.upper_spine * self.chest_up
        drop = 0.02 * body.stature
        for side in (LEFT, RIGHT):
            hip = root + side * body.hip * self.left - drop * up
            shoulder = joints[:, SHOULDERS] + side * body.shoulder * self.chest_left
            joints[:, LEG[side][0]] = hip
            joints[:, ARM[side][0]] = shoulder - 0.012 * body.stature * self.chest_up

    def _head(self, bow: Array, nod: Array, look: Array) -> None:
        body, joints = self.body, self.joints
        neck_up, _ = _tilt(UP, self.forward, 0.8 * bow)
        joints[:, NECK] = joints[:, SHOULDERS] + 0.04 * body.stature * neck_up
        gaze = np.cos(look) * self.chest_forward + np.sin(look) * self.chest_left
        flat = unit(gaze * np.array([1.0, 0.0, 1.0]))
        head_up, self.face = _tilt(UP, flat, 0.55 * bow + nod)
        self.head_up = head_up
        joints[:, HEAD] = joints[:, NECK] + 0.075 * body.stature * head_up

    def shoulder(self, side: int) -> Array:
        """The shoulder joint, (T, 3)."""
        return self.joints[:, ARM[side][0]]

    def body_way(self, side: int, out: float, up: float, ahead: float) -> Array:
        """A unit direction (T, 3) in the chest's own axes; ``out`` away from the body's middle."""
        way = out * side * self.chest_left + up * self.chest_up + ahead * self.chest_forward
        return unit(way)

    def arm(self, side: int, upper: Array, fore: Array, *, thumb: Array | None = None) -> None:
        """Set an arm by the directions (T, 3) of upper arm and forearm."""
        shoulder, elbow, wrist, hand, tip, thumb_joint = ARM[side]
        joints, h = self.joints, self.body.stature
        upper, fore = unit(upper), unit(fore)
        joints[:, elbow] = joints[:, shoulder] + self.body.upper_arm * upper
        joints[:, wrist] = joints[:, elbow] + self.body.forearm * fore
        joints[:, hand] = joints[:, wrist] + 0.045 * h * fore
        joints[:, tip] = joints[:, hand] + 0.05 * h * fore
        aside = self.chest_forward - 0.3 * side * self.chest_left if thumb is None else thumb
        aside = unit(aside - (aside * fore).sum(-1, keepdims=True) * fore + 1e-6 * self.chest_up)
        joints[:, thumb_joint] = joints[:, wrist] + h * (0.035 * fore + 0.025 * aside)

    def reach(self, side: int, wrist: Array, pole: Array, *, thumb: Array | None = None) -> None:
        """Set an arm so that the wrist is at ``wrist`` (T, 3), the elbow towards ``pole``."""
        body, start = self.body, self.shoulder(side)
        middle, end = two_bones(start, wrist, pole, body.upper_arm, body.forearm)
        self.arm(side, middle - start, end - middle, thumb=thumb)

    def leg(
        self, side: int, ankle: Array, *, toes: Array | None = None, splay: float = 0.2
    ) -> None:
        """Set a leg: its ankle at ``ankle`` (T, 3), its knee forward and ``splay`` out."""
        hip, knee, foot_joint, foot = LEG[side]
        body, joints = self.body, self.joints
        out = self.forward + side * splay * self.left
        middle, end = two_bones(joints[:, hip], ankle, out, body.thigh, body.shin)
        joints[:, knee], joints[:, foot_joint] = middle, end
        flat = unit(out) if toes is None else unit(toes)
        sole = 0.7 * body.ankle  # the foot joint lies just above the floor
        joints[:, foot] = end + 0.115 * body.stature * flat - sole * UP

    def figure(self) -> Figure:
        """The finished figure."""
        return Figure(self.body, self.joints, self.face)


def two_bones(start: Array, goal: Array, pole: Array, first: float, second: float) -> tuple:
    """Middle and end joint (T, 3) of two bones from ``start`` towards ``goal``; the middle joint
    lies towards ``pole``. A goal out of reach is approached as far as the bones allow."""
    span = goal - start
    far = np.sqrt((span * span).sum(-1, keepdims=True))
    way = span / np.maximum(far, 1e-9)
    far = np.clip(far, abs(first - second) + 1e-3, 0.9995 * (first + second))
    aside = unit(pole - (pole * way).sum(-1, keepdims=True) * way)
    along = (first**2 + far**2 - second**2) / (2 * far)
    height = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    return start + along * way + height * aside, start + far * way
