"""Acts of one figure: body motion, sitting down and standing up, and standing idle.

Each act is ``act(cast, dice, moment) -> Performance``: the actor stands at the origin and faces +z.
A reversed pair is one path through a share that runs 0 → 1 or 1 → 0, and nothing else differs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.body import LEFT, RIGHT, UP, Body, Rig, blend, unit
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.moves import (
    Moment,
    Performance,
    Prop,
    ease,
    plant,
    pulse,
    rest_arm,
    rest_arms,
    stand,
    sway,
)

__all__ = ["clap", "idle", "jumping_jack", "sit_down", "squat", "stand_up", "wave"]

Array = NDArray[np.float64]
TURN = 2 * np.pi


def _cycles(dice: Dice, moment: Moment, low: float, high: float, least: int) -> int:
    """How often a rhythmic movement repeats, from a frequency in hertz."""
    return max(least, round(dice.uniform(low, high) * moment.seconds))


def idle(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Stands, breathes, looks about a little; arms hang."""
    body, t = cast[0], moment.time_s
    root = stand(body, len(t), drop=0.004 + sway(dice, t, 0.003))
    root[:, 0] += sway(dice, t, 0.018)
    rig = Rig(
        body,
        root=root,
        yaw=sway(dice, t, 0.05),
        lean=0.01 + sway(dice, t, 0.015),
        bend=0.02 + sway(dice, t, 0.015),
        look=dice.uniform(-0.2, 0.2) + sway(dice, t, 0.3),
        nod=sway(dice, t, 0.08),
    )
    rest_arms(rig, swing=sway(dice, t, 0.03))
    plant(rig, wide=dice.uniform(0.0, 0.05))
    return Performance((rig.figure(),))


def wave(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """One arm goes up, the forearm swings from side to side, the arm comes down."""
    body, x, t = cast[0], moment.share, moment.time_s
    side = dice.sign()
    high, ahead = dice.uniform(-0.25, 0.75), dice.uniform(-0.1, 0.45)
    swing, middle = dice.uniform(0.35, 0.8), dice.uniform(-0.05, 0.3)
    times = _cycles(dice, moment, 1.1, 2.0, 2)
    up = pulse(x, dice.uniform(0.14, 0.22), dice.uniform(0.14, 0.22))
    root = stand(body, len(t), drop=0.004)
    root[:, 0] = sway(dice, t, 0.02) - 0.02 * side * up
    rig = Rig(body, root=root, yaw=sway(dice, t, 0.05), bend=sway(dice, t, 0.03),
              look=sway(dice, t, 0.15), twist=-0.12 * side * up)  # fmt: skip
    angle = middle + swing * np.sin(TURN * times * x)
    raised = rig.body_way(side, 1.0, high, ahead)
    beckon = (
        np.sin(angle)[:, None] * side * rig.chest_left
        + np.cos(angle)[:, None] * UP
        + 0.2 * rig.chest_forward
    )
    upper, fore = rest_arm(rig, side)
    lift = rig.body_way(
        side, 0.5, -0.3, 0.9
    )  # the forearm comes up in front, not through the trunk
    fore = unit(blend(fore, beckon, up) + (0.9 * up * (1 - up))[:, None] * lift)
    rig.arm(side, blend(upper, raised, up), fore, thumb=-side * rig.chest_left)
    rest_arms(rig, sides=(-side,))
    plant(rig, wide=dice.uniform(0.0, 0.05))
    return Performance((rig.figure(),))


def clap(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Both hands come up before the chest and meet again and again."""
    body, x, t = cast[0], moment.share, moment.time_s
    h = body.stature
    height, ahead = dice.uniform(-0.06, 0.06) * h, dice.uniform(0.19, 0.25) * h
    gap = dice.uniform(0.09, 0.17) * h
    times = _cycles(dice, moment, 1.3, 2.4, 3)
    edge = dice.uniform(0.12, 0.2)
    up = pulse(x, edge, edge)
    rig = Rig(body, root=stand(body, len(t), drop=0.004), yaw=sway(dice, t, 0.05),
              bend=0.04 * up + sway(dice, t, 0.02), look=sway(dice, t, 0.12))  # fmt: skip
    apart = 0.018 * h + gap * (0.5 + 0.5 * np.cos(TURN * times * x))
    middle = rig.joints[:, 20] + ahead * rig.forward + (height - 0.1 * h) * UP
    for side in (LEFT, RIGHT):
        goal = middle + (side * apart)[:, None] * rig.left
        upper, fore = rest_arm(rig, side)
        wrist = rig.shoulder(side) + body.upper_arm * upper + body.forearm * fore
        bow = (0.1 * h * np.sin(np.pi * up))[:, None] * (rig.forward + 0.5 * side * rig.left)
        pole = -UP + 0.6 * side * rig.left - 0.3 * rig.forward
        rig.reach(side, blend(wrist, goal, up) + bow, pole, thumb=UP + 0 * rig.left)
    plant(rig, wide=dice.uniform(0.0, 0.05))
    return Performance((rig.figure(),))


def jumping_jack(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Hops with legs apart and arms overhead, and back, in rhythm."""
    body, x, t = cast[0], moment.share, moment.time_s
    times = _cycles(dice, moment, 0.85, 1.35, 1)
    open_ = 0.5 - 0.5 * np.cos(TURN * times * x)
    top = dice.uniform(2.3, 2.95)  # arm angle from hanging, radians
    spread = dice.uniform(0.10, 0.19) * body.stature
    hop = dice.uniform(0.03, 0.09) * np.sin(TURN * times * x) ** 2
    leg = 0.988 * body.leg
    wide = spread * open_
    drop = leg - np.sqrt(leg**2 - wide**2) + 0.012 - hop
    rig = Rig(body, root=stand(body, len(t), drop=drop), lean=0.02 + 0 * open_,
              bend=0.02 + 0.04 * (1 - open_), yaw=sway(dice, t, 0.04))  # fmt: skip
    angle = 0.14 + (top - 0.14) * open_
    for side in (LEFT, RIGHT):
        out = np.sin(angle)[:, None] * side * rig.chest_left
        upper = out - np.cos(angle)[:, None] * rig.chest_up + 0.06 * rig.chest_forward
        late = angle + 0.25 * open_ * (1 - 0.2 * open_)
        fore = (
            np.sin(late)[:, None] * side * rig.chest_left
            - np.cos(late)[:, None] * rig.chest_up
            + 0.2 * rig.chest_forward
        )
        rig.arm(side, upper, fore)
    plant(rig, wide=wide, lift=hop)
    return Performance((rig.figure(),))


def squat(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Knees bend deep, arms come forward for balance, and up again."""
    body, x, t = cast[0], moment.share, moment.time_s
    h = body.stature
    times = _cycles(dice, moment, 0.35, 0.7, 1)
    low = 0.5 - 0.5 * np.cos(TURN * times * x)
    depth, back = dice.uniform(0.17, 0.29) * h, dice.uniform(0.04, 0.09) * h
    lean, bend = dice.uniform(0.3, 0.6), dice.uniform(0.0, 0.25)
    rig = Rig(body, root=stand(body, len(t), drop=depth * low + 0.004, back=back * low),
              lean=lean * low, bend=bend * low, nod=-0.35 * lean * low,
              yaw=sway(dice, t, 0.03))  # fmt: skip
    raise_, close = dice.uniform(-0.25, 0.2), dice.uniform(0.0, 0.35)
    for side in (LEFT, RIGHT):
        upper, fore = rest_arm(rig, side)
        ahead = rig.forward + raise_ * UP + 0.15 * side * rig.left
        inward = rig.forward + raise_ * UP - close * side * rig.left
        rig.arm(side, blend(upper, unit(ahead), ease(low)), blend(fore, unit(inward), ease(low)))
    plant(rig, wide=dice.uniform(0.02, 0.09))
    return Performance((rig.figure(),))


def _seat(cast: Sequence[Body], dice: Dice, moment: Moment, seated: Array) -> Performance:
    """The one path of sitting down and standing up; ``seated`` (T,) 0 standing … 1 sitting."""
    body, t = cast[0], moment.time_s
    h = body.stature
    seat, back = dice.uniform(0.235, 0.285) * h, dice.uniform(0.20, 0.25) * h
    lean, rest = dice.uniform(0.45, 0.75), dice.uniform(-0.12, 0.06)
    on_knees, wide = dice.chance(0.6), dice.uniform(0.0, 0.07)
    s = ease(seated)
    bow = np.sin(np.pi * np.clip(seated, 0, 1)) ** 1.5
    drop = (body.stand - seat - 0.075 * h) * s + 0.004
    rig = Rig(body, root=stand(body, len(t), drop=drop, back=back * ease(1.25 * s)),
              lean=lean * bow + rest * s, bend=0.25 * bow + 0.08 * s,
              nod=-0.3 * bow + sway(dice, t, 0.05), look=sway(dice, t, 0.12),
              yaw=sway(dice, t, 0.02))  # fmt: skip
    plant(rig, wide=wide)
    for side in (LEFT, RIGHT):
        hip, knee = (
            rig.joints[:, 12 if side == LEFT else 16],
            rig.joints[:, 13 if side == LEFT else 17],
        )
        lap = blend(hip, knee, np.full(len(t), 0.85 if on_knees else 0.5)) + 0.06 * h * UP
        upper, fore = rest_arm(rig, side)
        hang = rig.shoulder(side) + body.upper_arm * upper + body.forearm * fore
        bowed = (0.05 * h * np.sin(np.pi * s))[:, None] * rig.forward
        rig.reach(side, blend(hang, lap, s) + bowed, side * rig.left - 0.4 * rig.forward - 0.3 * UP)
    centre = np.zeros((len(t), 3)) + np.array([0.0, 0.0, -back - 0.03 * h])
    chair = Prop("chair", (0.44, seat, 0.42), centre)
    return Performance((rig.figure(),), (chair,))


def sit_down(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Sits down on the chair behind."""
    return _seat(cast, dice, moment, moment.share)


def stand_up(cast: Sequence[Body], dice: Dice, moment: Moment) -> Performance:
    """Stands up from the chair: sitting down, backwards."""
    return _seat(cast, dice, moment, 1.0 - moment.share)
