"""From a plan to what stands before the camera in each shot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets import acts_duo, acts_props, acts_solo
from actviz.datasets.puppets.body import Body, cast_body
from actviz.datasets.puppets.camera import CameraTrack, frame_points, shot
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.looks import Look, cast_look
from actviz.datasets.puppets.moves import Moment, Performance
from actviz.datasets.puppets.plan import FPS, Plan
from actviz.datasets.puppets.stage import Room, cast_room
from actviz.datasets.puppets.truth import Shot

__all__ = ["ACTIONS", "ACTS", "DUO", "Company", "StagedShot", "cast_company", "stage_shot"]

Array = NDArray[np.float64]

ACTS = {
    "wave": acts_solo.wave,
    "clap": acts_solo.clap,
    "jumping jack": acts_solo.jumping_jack,
    "squat": acts_solo.squat,
    "sit down": acts_solo.sit_down,
    "stand up": acts_solo.stand_up,
    "pick up": acts_props.pick_up,
    "put down": acts_props.put_down,
    "throw": acts_props.throw,
    "drink": acts_props.drink,
    "shake hands": acts_duo.shake_hands,
    "push": acts_duo.push,
}
ACTIONS = tuple(ACTS)
DUO = ("shake hands", "push")
DEGREE = np.pi / 180


@dataclass(frozen=True)
class Company:
    """Everything that stays the same through a clip."""

    bodies: tuple[Body, Body]
    looks: tuple[Look, Look]
    rooms: tuple[Room, Room]  # of the action, of the irrelevant shots (often the same)
    facing: float  # radians off the camera's axis
    spot: Array  # (3,), where on the stage
    idler: int  # which actor the irrelevant shots show


@dataclass(frozen=True)
class StagedShot:
    """One shot, in stage coordinates: who is where, seen by which camera, in which room."""

    shot: Shot
    room: Room
    camera: CameraTrack
    performance: Performance
    people: tuple[int, ...]  # which actor each figure is


def cast_company(seed: int) -> Company:
    """Actors, clothes, rooms and places of a clip; all of it from the seed alone."""
    dice = Dice(seed, "actors")
    bodies = (cast_body(dice), cast_body(dice))
    dice = Dice(seed, "rooms")
    room = cast_room(dice)
    away = cast_room(dice)
    elsewhere = dice.chance(0.3)
    dice = Dice(seed, "looks")
    first = cast_look(dice, against=room.wall)
    second = cast_look(dice, against=room.wall, other=first)
    dice = Dice(seed, "places")
    return Company(
        bodies=bodies,
        looks=(first, second),
        rooms=(room, away if elsewhere else room),
        facing=dice.uniform(-32, 32) * DEGREE,
        spot=np.array([dice.uniform(-0.5, 0.5), 0.0, dice.uniform(-0.3, 0.2)]),
        idler=dice.below(2),
    )


def stage_shot(company: Company, plan: Plan, number: int, *, seed: int, action: str) -> StagedShot:
    """Set up shot ``number`` of the plan."""
    item = plan.shots[number]
    dice = Dice(seed, f"shot {number}")
    time_s = np.arange(item.start, item.stop) / FPS
    if item.kind == "action":
        return _take(company, plan, item, dice, time_s, seed, action)
    if item.kind in ("idle", "close-up"):
        return _idle(company, item, dice, time_s, seed)
    return _nobody(company, item, dice, time_s)


def _take(
    company: Company, plan: Plan, item: Shot, dice: Dice, time_s: Array, seed: int, action: str
) -> StagedShot:  # fmt: skip
    """The action itself, framed so that all of it stays in the picture."""
    seen = plan.evidence[item.start : item.stop]
    moment = Moment(plan.phase[item.start : item.stop], time_s, int(seen.sum()) / FPS)
    act = ACTS[action](company.bodies, Dice(seed, "style"), moment)
    duo = action in DUO
    people = (0, 1) if duo else (0,)
    facing = Dice(seed, "side").sign() * 90 * DEGREE + 0.8 * company.facing
    yaw = facing if duo else np.pi + company.facing
    act = act.moved(yaw, company.spot * (0.4 if duo else 1.0))
    until = act.frame_to if act.frame_to is not None else len(time_s)
    points = [figure.joints.reshape(-1, 3) for figure in act.figures]
    points += [prop.centre[:until] for prop in act.props] + [act.wide]
    camera = _framed(
        dice, time_s, np.concatenate(points), company.rooms[0], fill=dice.uniform(0.76, 0.95)
    )
    return StagedShot(item, company.rooms[0], camera, act, people)


def _framed(
    dice: Dice, time_s: Array, points: Array, room: Room, *, fill: float, yaw: float | None = None
) -> CameraTrack:  # fmt: skip
    """A camera that keeps ``points`` (N, 3) in the picture."""
    focal = dice.uniform(1.7, 2.6)
    turn_ = dice.uniform(-18, 18) * DEGREE if yaw is None else yaw
    pitch = dice.uniform(-17, 2) * DEGREE
    target, distance = frame_points(points, turn_, pitch, focal, fill, margin=0.14)
    return shot(dice, time_s, target=target, distance=distance, yaw=turn_, pitch=pitch,
                focal=focal, room=room.half)  # fmt: skip


def _idle(company: Company, item: Shot, dice: Dice, time_s: Array, seed: int) -> StagedShot:
    """An actor who stands about: whole, or the head alone."""
    body, room = company.bodies[company.idler], company.rooms[1]
    act = acts_solo.idle((body,), dice, Moment(np.zeros(len(time_s)), time_s, len(time_s) / FPS))
    facing = dice.uniform(-32, 32) * DEGREE
    spot = np.array([dice.uniform(-0.8, 0.8), 0.0, dice.uniform(-0.4, 0.2)])
    act = act.moved(np.pi + facing, spot)
    if item.kind == "idle":
        fill = dice.uniform(0.72, 0.95)
        camera = _framed(dice, time_s, act.figures[0].joints.reshape(-1, 3), room, fill=fill)
    else:
        head = act.figures[0].joints[:, 3].mean(axis=0) - np.array([0, dice.uniform(0.0, 0.06), 0])
        focal = dice.uniform(2.2, 3.0)
        yaw = np.clip(facing + dice.uniform(-30, 30) * DEGREE, -0.75, 0.75)
        camera = shot(dice, time_s, target=head, distance=focal * dice.uniform(0.22, 0.34),
                      yaw=float(yaw), pitch=dice.uniform(-8, 6) * DEGREE, focal=focal,
                      room=room.half, motion=0.5)  # fmt: skip
    return StagedShot(item, room, camera, act, (company.idler,))


def _nobody(company: Company, item: Shot, dice: Dice, time_s: Array) -> StagedShot:
    """The empty stage, or a pan across it."""
    room = company.rooms[1]
    sweep = dice.sign() * dice.uniform(35, 75) * DEGREE if item.kind == "pan" else 0.0
    target = np.array([dice.uniform(-0.8, 0.8), dice.uniform(0.7, 1.2), 0.0])
    camera = shot(dice, time_s, target=target, distance=dice.uniform(3.2, 5.0),
                  yaw=dice.uniform(-22, 22) * DEGREE, pitch=dice.uniform(-14, 2) * DEGREE,
                  focal=dice.uniform(1.7, 2.4), room=room.half, sweep=sweep)  # fmt: skip
    return StagedShot(item, room, camera, Performance(()), ())
