"""What the acts share: easing, standing, walking, arms at rest, and what an act returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.body import LEFT, RIGHT, UP, Body, Figure, Rig, blend, turn, unit
from actviz.datasets.puppets.dice import Dice

__all__ = [
    "Moment",
    "Performance",
    "Prop",
    "ease",
    "keys",
    "pulse",
    "rest_arm",
    "rest_arms",
    "stand",
    "sway",
    "walk",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moment:
    """The clock an act runs on: ``share`` (T,) goes 0 → 1 over the act, ``time_s`` is real."""

    share: Array
    time_s: Array
    seconds: float  # how long the act lasts


@dataclass(frozen=True)
class Prop:
    """A thing on the stage: ``kind`` says how it is drawn; one box, ball, cup, chair or table."""

    kind: str
    size: tuple[float, float, float]  # metres: width, height, depth (a ball: its radius first)
    centre: Array  # (T, 3)
    yaw: float = 0.0
    tilt: Array | None = None  # (T, 3) unit, the thing's own up; None: upright


@dataclass(frozen=True)
class Performance:
    """Figures and props over the frames of one take, in metres on the stage."""

    figures: tuple[Figure, ...]
    props: tuple[Prop, ...] = ()
    frame_to: int | None = None  # the camera frames the action up to this frame (a thrown ball)
    wide: Array = field(default_factory=lambda: np.zeros((0, 3)))  # further points to keep in view

    def moved(self, yaw: float, shift: Array) -> Performance:
        """The whole performance turned about the origin, then shifted."""
        props = tuple(
            replace(
                prop,
                centre=turn(prop.centre, yaw) + shift,
                yaw=prop.yaw + yaw,
                tilt=None if prop.tilt is None else turn(prop.tilt, yaw),
            )
            for prop in self.props
        )
        figures = tuple(figure.moved(yaw, shift) for figure in self.figures)
        return replace(self, figures=figures, props=props, wide=turn(self.wide, yaw) + shift)


def ease(x: Array | float) -> Array:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def pulse(x: Array, rise: float, fall: float) -> Array:
    """Rises over the first ``rise`` of [0, 1], falls over the last ``fall``."""
    return ease(x / rise) * ease((1.0 - x) / fall)


def keys(x: Array, at: Sequence[float], values: Sequence[Array | float]) -> Array:
    """Eased key frames: ``values`` (each a number, (3,) or (T, 3)) at the shares ``at``."""
    stacked = [np.asarray(value, dtype=np.float64) for value in values]
    vector = any(value.ndim > 0 for value in stacked)
    out = stacked[0] + np.zeros((len(x), 3) if vector else (len(x),))
    for start, stop, value in zip(at[:-1], at[1:], stacked[1:], strict=True):
        share = ease((x - start) / (stop - start))
        out = out + (value - out) * (share[:, None] if vector else share)
    return out


def sway(dice: Dice, time_s: Array, size: float) -> Array:
    """A slow unrest (T,), two sines of random phase, at most ``size``."""
    slow, quick = dice.uniform(0.15, 0.4), dice.uniform(0.5, 0.9)
    first, second = dice.uniform(0, 6.283), dice.uniform(0, 6.283)
    return size * (
        0.65 * np.sin(6.283185307 * slow * time_s + first)
        + 0.35 * np.sin(6.283185307 * quick * time_s + second)
    )


def stand(body: Body, count: int, *, drop: Array | float = 0.0, back: Array | float = 0.0) -> Array:
    """The spine base (T, 3) above the origin, lowered by ``drop`` and set back by ``back``."""
    root = np.zeros((count, 3))
    root[:, 1] = body.stand - drop
    root[:, 2] = -np.asarray(back)
    return root


def plant(rig: Rig, *, wide: Array | float = 0.0, lift: Array | float = 0.0) -> None:
    """Both feet under the hips of a figure that stands at the origin facing +z, ``wide`` apart."""
    count = len(rig.joints)
    for side in (LEFT, RIGHT):
        ankle = np.zeros((count, 3))
        ankle[:, 0] = side * (rig.body.hip * 1.15 + np.asarray(wide))
        ankle[:, 1] = rig.body.ankle + np.asarray(lift)
        rig.leg(side, ankle)


def rest_arm(rig: Rig, side: int, *, out: float = 0.13, ahead: float = 0.12) -> tuple[Array, Array]:
    """Directions of upper arm and forearm hanging at the side."""
    down = -UP + 0.25 * (UP - rig.chest_up)
    upper = unit(down + out * side * rig.chest_left + 0.03 * rig.chest_forward)
    fore = unit(down + 0.4 * out * side * rig.chest_left + (0.1 + ahead) * rig.chest_forward)
    return upper, fore


def rest_arms(
    rig: Rig, *, sides: Sequence[int] = (LEFT, RIGHT), swing: Array | float = 0.0
) -> None:
    """Let arms hang; ``swing`` (T,) moves left forward and right back."""
    for side in sides:
        upper, fore = rest_arm(rig, side)
        push = (side * np.asarray(swing) + np.zeros(len(rig.joints)))[:, None] * rig.forward
        rig.arm(side, upper + push, fore + 1.2 * push + 0.3 * np.abs(push))


def rest_wrist(rig: Rig, side: int) -> Array:
    """Where the wrist (T, 3) of a hanging arm is."""
    upper, fore = rest_arm(rig, side)
    return rig.shoulder(side) + rig.body.upper_arm * upper + rig.body.forearm * fore


def carry(rig: Rig, side: int, goal: Array, share: Array) -> Array:
    """A wrist path (T, 3) from hanging to ``goal`` by ``share`` (T,), bowed forwards."""
    path = blend(rest_wrist(rig, side), goal, share)
    bow = 0.12 * rig.body.stature * np.sin(np.pi * np.asarray(share))
    return path + bow[:, None] * rig.forward * 0.5


def walk(rig: Rig, path: Array, *, stride: float, start: Array) -> None:
    """Feet of a figure that has gone ``path`` (T,) metres along its forward axis from ``start``.

    Each foot stands while the body passes over it, then swings; both come together at the ends.
    """
    speed = np.abs(np.gradient(path)) if len(path) > 1 else np.zeros_like(path)
    going = (
        ease(speed / max(float(speed.max()), 1e-6) * 2.5) if float(speed.max()) > 1e-6 else speed
    )
    for side in (LEFT, RIGHT):
        step = path / stride + (0.0 if side == LEFT else 0.5)
        part = step - np.floor(step)
        swing = ease((part - 0.5) * 2.0)
        ahead = (swing - part + 0.25) * stride * going
        lift = 0.09 * np.sin(np.pi * np.clip((part - 0.5) * 2.0, 0, 1)) * going
        ankle = start + side * rig.body.hip * 1.1 * rig.left
        ankle = ankle + (path + ahead)[:, None] * rig.forward
        ankle[:, 1] = rig.body.ankle + lift
        rig.leg(side, ankle)
