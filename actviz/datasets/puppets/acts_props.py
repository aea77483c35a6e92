"""Acts with an object: picking up and putting down, throwing, drinking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.body import LEFT, RIGHT, UP, Body, Rig, blend, unit
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.moves import (
    Moment,
    Performance,
    Prop,
    carry,
    ease,
    keys,
    plant,
    pulse,
    rest_arms,
    rest_wrist,
    stand,
    sway,
)

__all__ = ["drink", "pick_up", "put_down", "throw"]

Array = NDArray[np.float64]
GRAVITY = 9.81


@dataclass(frozen=True)
class _Load:
    """A thing to be picked up or put down, and where it stands."""

    kind: str
    size: tuple[float, float, float]  # metres
    both: bool  # takes both hands
    side: int  # which hand otherwise
    ground: float  # height of the table top; 0: on the floor

    @property
    def tall(self) -> float:
        return self.size[1] if self.kind != "ball" else 2 * self.size[0]

    @property
    def half(self) -> float:
        """From its middle to a wrist that holds it."""
        return 0.5 * self.size[0] + 0.04 if self.kind == "box" else self.size[0]

    def grip(self, stature: float) -> float:
        """Height of the wrists that take it where it stands; the fingers need room."""
        share = 0.6 if self.kind != "bottle" else 0.8
        return self.ground + max(self.tall * share, 0.107 * stature)


def _cast_load(dice: Dice) -> _Load:
    size: tuple[float, float, float]
    kind = dice.pick(("box", "box", "ball", "bottle"))
    if kind == "box":
        wide, tall, deep = dice.uniforms(0.2, 0.34, 3).tolist()
        size = (wide, tall, deep)
    elif kind == "ball":
        size = (dice.uniform(0.09, 0.13),) * 3
    else:
        size = (0.045, dice.uniform(0.22, 0.28), 0.045)
    side, on_table = dice.sign(), dice.chance(0.4)
    return _Load(kind, size, kind != "bottle", side, dice.uniform(0.3, 0.5) if on_table else 0.0)


def _lift(cast: Sequence[Body], dice: Dice, moment: Moment, up: Array) -> Performance:
    """The one path of picking up and putting down.

    ``up`` (T,) runs 0 (standing, thing in its place) … 1 (standing, thing in the hands); the hands
    hold it from the middle on.
    """
    body, t, h = cast[0], moment.time_s, cast[0].stature
    load = _cast_load(dice)
    grip = load.grip(h)
    need = np.clip((0.50 * h - grip) / (0.45 * h), 0.25, 1.0)
    lean, bend = dice.uniform(0.75, 1.0) * need, dice.uniform(0.35, 0.55) * need
    down = ease(up / 0.42) * ease((1 - up) / 0.42)
    drop = dice.uniform(0.10, 0.2) * need * h
    drop += max(_lowest(body, drop, lean, bend)[0] - grip - 0.84 * body.arm, 0.0)
    rig = Rig(body, root=stand(body, len(t), drop=drop * down + 0.004, back=0.07 * h * down),
              lean=lean * down, bend=bend * down + 0.03, nod=0.1 - 0.3 * down,
              yaw=sway(dice, t, 0.02), look=sway(dice, t, 0.08))  # fmt: skip
    plant(rig, wide=dice.uniform(0.01, 0.08))
    low = _lowest(body, drop, lean, bend)
    deep = load.size[2]
    out = _within(low, grip, 0.93 * body.arm, least=0.14 * h + 0.4 * deep)
    away, height = dice.uniform(0.19, 0.24) * h + 0.35 * deep, dice.uniform(0.5, 0.62) * h
    place = np.array([0.0 if load.both else load.side * 0.05 * h, grip, out])
    hold = np.array([place[0], height, 0.0]) + away * rig.forward + rig.joints[:, 0] * [1, 0, 1]
    return Performance((rig.figure(),), _handle(rig, load, place, hold, up))


def _handle(rig: Rig, load: _Load, place: Array, hold: Array, up: Array) -> tuple[Prop, ...]:
    """Move the arms from hanging to ``place`` (3,) to ``hold`` (T, 3); the things they move."""
    held = ease((up - 0.54) / 0.40)
    wrists = []
    for hand in (LEFT, RIGHT) if load.both else (load.side,):
        aside = hand * load.half * rig.left if load.both else 0.0
        path = _hand_path(rig, hand, place + aside, hold + aside, up, held)
        rig.reach(hand, path, hand * rig.left - 0.5 * rig.forward - 0.4 * UP)
        wrists.append(rig.joints[:, 6 if hand == LEFT else 10])
    if not load.both:
        idle = _above_floor(rig, rest_wrist(rig, -load.side))
        rig.reach(-load.side, idle, -load.side * rig.left - 0.5 * rig.forward)
    stands = np.array([place[0], load.ground + load.tall / 2, place[2]])
    carried = np.mean(wrists, axis=0) + (stands - place)
    thing = Prop(load.kind, load.size, np.where((up >= 0.5)[:, None], carried, stands))
    if not load.ground:
        return (thing,)
    foot = np.broadcast_to(np.array([place[0], 0.0, place[2]]), (len(up), 3))
    return thing, Prop("table", (0.6, load.ground, 0.42), foot)


def _lowest(body: Body, drop: float, lean: float, bend: float) -> tuple[float, float]:
    """Height and distance ahead of the shoulders at the lowest point of the bow."""
    middle, top = lean + 0.5 * bend, lean + bend
    height = body.stand - drop + body.lower_spine * np.cos(middle) + body.upper_spine * np.cos(top)
    ahead = body.lower_spine * np.sin(middle) + body.upper_spine * np.sin(top)
    return float(height), float(ahead) - 0.07 * body.stature


def _within(shoulder: tuple[float, float], grip: float, reach: float, *, least: float) -> float:
    """How far ahead a thing at height ``grip`` may lie so that the arms reach it."""
    fall = shoulder[0] - grip
    room = max(reach**2 - fall**2, 0.0) ** 0.5
    return min(max(shoulder[1] + 0.6 * room, least), shoulder[1] + 0.95 * room)


def _hand_path(rig: Rig, hand: int, low: Array, hold: Array, up: Array, held: Array) -> Array:
    """Wrist (T, 3): hangs, goes to ``low`` by the middle of the path, then rises to ``hold``."""
    before = carry(rig, hand, low + 0.0 * hold, ease(up / 0.46))
    return _above_floor(rig, blend(before, hold, held))


def _above_floor(rig: Rig, wrist: Array) -> Array:
    """Wrists (T, 3) kept so high that the fingers do not go through the floor."""
    out = wrist.copy()
    out[:, 1] = np.maximum(out[:, 1], 0.107 * rig.body.stature)
    return out


def pick_up(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Bows, takes the thing, comes up with it."""
    return _lift(cast, dice, moment, moment.share)


def put_down(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Bows, leaves the thing in its place: picking up, backwards."""
    return _lift(cast, dice, moment, 1.0 - moment.share)


def throw(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Winds up, throws a ball, follows through."""
    body, x, t = cast[0], moment.share, moment.time_s
    h, side = body.stature, dice.sign()
    under, radius = dice.chance(0.3), dice.uniform(0.055, 0.09)
    go = dice.uniform(0.52, 0.62)
    at = (0.0, 0.12, go - 0.14, go, go + 0.16, 1.0)
    wind = keys(x, at, (0, 0, 1, 0, -0.5, 0))
    turn_ = dice.uniform(0.45, 0.75)
    step = 0.12 * h * keys(x, at, (0, 0, -0.3, 1, 1, 0.8))
    root = stand(body, len(t), drop=0.012 * h + 0.02 * h * np.abs(wind), back=-step)
    rig = Rig(body, root=root, twist=side * turn_ * wind, yaw=0.25 * side * wind,
              lean=-0.16 * wind + sway(dice, t, 0.02), bend=-0.12 * wind)  # fmt: skip
    way = rig.body_way
    waist = (way(side, 0.2, -1, 0.15), way(side, -0.15, 0.15, 1))
    cocked = (way(side, 0.8, -0.1, -0.7), way(side, 0.3, 0.9, -0.6))
    loose = (way(side, 0.45, 0.35, 0.8), way(side, 0.1, 0.75, 0.65))
    after = (way(side, -0.1, -0.5, 0.8), way(side, -0.6, -0.7, 0.6))
    if under:
        cocked = (way(side, 0.25, -0.8, -0.75), way(side, 0.2, -0.6, -0.8))
        loose = (way(side, 0.1, -0.5, 0.9), way(side, 0.0, 0.0, 1.0))
        after = (way(side, 0.0, 0.2, 1.0), way(side, -0.1, 0.7, 0.8))
    path = (waist, waist, cocked, loose, after, waist)
    rig.arm(side, keys(x, at, [p[0] for p in path]), keys(x, at, [p[1] for p in path]))
    rest_arms(rig, sides=(-side,), swing=-0.3 * side * wind)
    _step_feet(rig, -side, np.maximum(step, 0.0) * 2.0)
    hand = rig.joints[:, 21 if side == LEFT else 23] + 0.6 * radius * rig.forward
    speed = np.array([0.0, dice.uniform(1.2, 2.4) + 1.2 * under, dice.uniform(3.6, 5.2)])
    ball, last = _flight(hand, x, go, speed, moment, radius)
    return Performance((rig.figure(),), (Prop("ball", (radius,) * 3, ball),), frame_to=last)


def _step_feet(rig: Rig, side: int, ahead: Array) -> None:
    """One foot steps ``ahead`` (T,) metres, the other stays."""
    for foot in (LEFT, RIGHT):
        ankle = np.zeros((len(ahead), 3))
        ankle[:, 0] = foot * rig.body.hip * 1.2
        ankle[:, 1] = rig.body.ankle
        if foot == side:
            ankle[:, 2] = ahead
            moving = np.abs(np.gradient(ahead)) if len(ahead) > 1 else ahead
            ankle[:, 1] += 0.06 * moving / max(float(moving.max()), 1e-6)
        rig.leg(foot, ankle)


def _flight(hand: Array, x: Array, go: float, speed: Array, moment: Moment, radius: float) -> tuple:
    """Ball centre (T, 3), in the hand and then free, and the frame up to which to frame it."""
    free = x >= go
    if not free.any() or free.all():
        return hand, len(x)
    first = int(np.argmax(free))
    start = hand[first - 1] if first else hand[0]
    late = moment.time_s - moment.time_s[first] + 1.0 / 24.0
    fall = start + late[:, None] * speed - 0.5 * GRAVITY * (late**2)[:, None] * UP
    fall[:, 1] = np.maximum(fall[:, 1], radius)
    return np.where(free[:, None], fall, hand), first + 1


def drink(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Lifts a cup to the mouth, tips it, lowers it."""
    body, x, t = cast[0], moment.share, moment.time_s
    h, side = body.stature, dice.sign()
    edge, sip = dice.uniform(0.25, 0.34), dice.uniform(0.45, 0.9)
    up = pulse(x, edge, edge)
    tip = pulse(np.clip((x - 0.75 * edge) / (1 - 1.5 * edge), 0, 1), 0.35, 0.35)
    rig = Rig(body, root=stand(body, len(t), drop=0.004), yaw=sway(dice, t, 0.04),
              bend=-0.06 * tip + 0.02, nod=-0.38 * sip * tip,
              look=sway(dice, t, 0.1) * (1 - up))  # fmt: skip
    tilt = unit(blend(UP + 0 * rig.face, UP - 2.2 * sip * rig.face, tip))
    mouth = rig.joints[:, 3] + h * (0.062 * rig.face - 0.03 * rig.head_up)
    cup_tall = dice.uniform(0.10, 0.14)
    centre_high = mouth + 0.035 * rig.face - 0.42 * cup_tall * tilt + 0.02 * UP
    hold_high, hold_out = dice.uniform(-0.30, -0.24) * h, dice.uniform(0.02, 0.08) * h
    waist = rig.joints[:, 20] + (hold_high * UP + 0.2 * h * rig.forward
                                 + side * hold_out * rig.left)  # fmt: skip
    centre = blend(waist, centre_high, up)
    aim = unit(rig.forward * 0.35 - side * rig.left * 0.5 + 0.25 * UP)
    wrist = centre - 0.062 * h * aim + 0.02 * side * rig.left
    rig.reach(side, wrist, side * rig.left - 0.9 * UP, thumb=UP + 0 * rig.left)
    hand = rig.joints[:, 7 if side == LEFT else 11]
    rest_arms(rig, sides=(-side,))
    plant(rig, wide=dice.uniform(0.0, 0.05))
    held = hand + blend(0.02 * rig.forward, centre_high - hand, up * 0.9)
    cup = Prop("cup", (0.04, cup_tall, 0.04), held, tilt=tilt)
    return Performance((rig.figure(),), (cup,))
