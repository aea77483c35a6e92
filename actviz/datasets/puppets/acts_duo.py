"""Acts of two figures: shaking hands and pushing. They meet at the origin, along the z axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.body import LEFT, RIGHT, UP, Body, Rig, blend
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.moves import (
    Moment,
    Performance,
    carry,
    ease,
    keys,
    rest_arms,
    stand,
    sway,
    walk,
)

__all__ = ["push", "shake_hands"]

Array = NDArray[np.float64]


def _walker(
    body: Body, *, start: float, yaw: float, path: Array, lean: Array, bend: Array, twist: Array
) -> Rig:
    """A figure that starts at z = ``start`` facing ``yaw`` and goes ``path`` (T,) metres ahead."""
    count = len(path)
    way = np.cos(yaw)
    root = stand(body, count, drop=0.02)
    root[:, 2] = start + way * path
    pace = np.gradient(path) if count > 1 else np.zeros(count)
    root[:, 1] -= 0.02 * ease(np.abs(pace) / 0.06)
    rig = Rig(body, root=root, yaw=yaw, lean=lean, bend=bend, twist=twist, nod=-0.3 * lean)
    first = np.zeros((count, 3))
    first[:, 2] = start
    walk(rig, path, stride=0.62 * body.stature, start=first)
    return rig


def shake_hands(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Two walk up to each other, shake hands, let go."""
    x, t = moment.share, moment.time_s
    one, two = cast[0], cast[1]
    small = min(one.stature, two.stature)
    side = RIGHT if dice.chance(0.8) else LEFT
    apart, near = dice.uniform(1.3, 1.9), dice.uniform(0.74, 0.86) * (one.arm + two.arm) * 0.86
    come = dice.uniform(0.3, 0.38)
    meet = (apart - near) * ease(x / come)
    part = dice.uniform(0.4, 0.6)  # how much of the way each of them walks
    high = dice.uniform(0.57, 0.64) * small
    shakes = max(2, round(dice.uniform(1.5, 2.4) * 0.42 * moment.seconds))
    grip = ease((x - 0.8 * come) / (0.38 * come + 0.04)) * ease((1.0 - x) / 0.17)
    beat = np.sin(2 * np.pi * shakes * np.clip((x - come) / (0.83 - come), 0, 1))
    size = dice.uniform(0.03, 0.07) * small
    rigs = []
    for body, start, yaw, share in (
        (one, -apart / 2, 0.0, part),
        (two, apart / 2, np.pi, 1 - part),
    ):
        bow = dice.uniform(0.03, 0.12) * grip
        rig = _walker(body, start=start, yaw=yaw, path=meet * share, lean=0.04 + bow,
                      bend=0.05 + sway(dice, t, 0.02), twist=-0.22 * side * grip)  # fmt: skip
        rigs.append(rig)
    middle = 0.5 * (rigs[0].joints[:, 0] + rigs[1].joints[:, 0])
    middle[:, 1] = high + size * beat * ease((x - come) / 0.05) * ease((0.85 - x) / 0.05)
    for rig in rigs:
        pole, thumb = side * rig.left - UP - 0.4 * rig.forward, UP + 0 * rig.left
        rig.reach(side, middle - 0.06 * rig.body.stature * rig.forward, pole)
        fore = rig.joints[:, 7 if side == LEFT else 11] - rig.joints[:, 6 if side == LEFT else 10]
        goal = middle - 1.35 * fore  # the palms meet, not the wrists
        rig.reach(side, carry(rig, side, goal, grip), pole, thumb=thumb)
        rest_arms(rig, sides=(-side,), swing=sway(dice, t, 0.04))
    return Performance(tuple(rig.figure() for rig in rigs))


def push(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """One walks up and pushes the other, who staggers back."""
    x, t = moment.share, moment.time_s
    one, two = cast[0], cast[1]
    apart = dice.uniform(1.3, 1.8)
    hit = dice.uniform(0.42, 0.5)
    near = 0.80 * one.arm + 0.05 * one.stature + 0.1
    come = (apart - near) * ease(x / (hit - 0.08)) + 0.10 * keys(
        x, (0, hit - 0.06, hit + 0.08, 1), (0, 0, 1, 0.6)
    )
    far, force = dice.uniform(0.3, 0.6), dice.uniform(0.7, 1.0)
    give = -far * ease((x - hit) / 0.34)
    arms = keys(x, (0, hit - 0.22, hit - 0.08, hit + 0.05, hit + 0.12, hit + 0.34, 1),
                (0, 0, 0.75, 1, 1, 0, 0))  # fmt: skip
    thrust = ease((x - hit + 0.1) / 0.12)
    lean = 0.05 + 0.28 * force * keys(
        x, (0, hit - 0.12, hit + 0.05, hit + 0.3, 1), (0, 0, 1, 0.1, 0)
    )
    fall = keys(x, (0, hit - 0.02, hit + 0.12, hit + 0.42, 1), (0, 0, 1, 0.2, 0))
    pusher = _walker(one, start=-apart / 2, yaw=0.0, path=come, lean=lean,
                     bend=0.06 + sway(dice, t, 0.02), twist=0.0 * x)  # fmt: skip
    pushed = _walker(two, start=apart / 2, yaw=np.pi, path=give, lean=-0.32 * force * fall,
                     bend=0.30 * force * fall + sway(dice, t, 0.02),
                     twist=dice.uniform(-0.3, 0.3) * fall)  # fmt: skip
    chest = 0.45 * pushed.joints[:, 1] + 0.55 * pushed.joints[:, 20]
    for side in (LEFT, RIGHT):
        touch = (
            chest + 0.09 * one.stature * side * pusher.left - 0.13 * two.stature * pusher.forward
        )
        drawn = pusher.shoulder(side) + 0.30 * one.arm * pusher.forward - 0.16 * one.stature * UP
        goal = blend(drawn, touch - 0.03 * one.stature * pusher.forward, thrust)
        path = carry(pusher, side, goal, arms)
        palm = 0.8 * UP + 0.3 * pusher.forward
        pusher.reach(side, path, side * pusher.left - 0.7 * UP, thumb=palm)
        _flail(pushed, side, fall, dice.uniform(0.5, 1.0))
    return Performance((pusher.figure(), pushed.figure()))


def _flail(rig: Rig, side: int, fall: Array, size: float) -> None:
    """Arms fly up and forward while the figure staggers back."""
    upper = rig.body_way(side, 0.13, -1.0, 0.03)
    fore = rig.body_way(side, 0.05, -1.0, 0.22)
    thrown = rig.body_way(side, 0.7, -0.25, 0.7)
    ahead = rig.body_way(side, 0.3, 0.25, 1.0)
    share = size * fall
    rig.arm(side, blend(upper, thrown, share), blend(fore, ahead, share))
