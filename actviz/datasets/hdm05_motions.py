"""HDM05's 130 kinds of cut motions by name, and the 65 classes that the field merges them into."""

from __future__ import annotations

import re

__all__ = ["MERGED", "MOTIONS", "merged"]


def _of(stem: str, *ends: str) -> tuple[str, ...]:
    return tuple(stem + end for end in ends)


_ONE_THREE = ("1Reps", "3Reps")
_STEPS = ("2StepsLStart", "2StepsRStart", "4StepsLStart", "4StepsRStart")
_CIRCLE = ("4StepsLstart", "4StepsRstart", "6StepsLstart", "6StepsRstart")
_ON_PLACE = (
    *_of("StartAir", "2StepsLStart", "2StepsRStart", "4StepsLStart"),
    *_of("StartFloor", "2StepsRStart", "4StepsRStart"),
)
_LIMB_SIDE = tuple(
    f"{side}{way}{reps}Reps" for side in "LR" for way in ("Front", "Side") for reps in (1, 2)
)
_ARMS = tuple(
    f"{arm}{way}{reps}"
    for arm in ("Both", "L", "R")
    for way in ("Backward", "Forward")
    for reps in _ONE_THREE
)
_HEIGHTS = ("FloorR", "HighR", "LowR", "MiddleR")

# Names of the folders of HDM05's cut motions (Müller et al., 2007), in alphabetical order.
MOTIONS: tuple[str, ...] = (
    *_of("cartwheel", "LHandStart1Reps", "LHandStart2Reps", "RHandStart1Reps"),
    *_of("clap", "1Reps", "5Reps", "AboveHead1Reps", "AboveHead5Reps"),
    *_of("deposit", *_HEIGHTS),
    *_of("elbowToKnee", "1RepsLelbowStart", "1RepsRelbowStart"),
    *_of("elbowToKnee", "3RepsLelbowStart", "3RepsRelbowStart"),
    *_of("grab", *_HEIGHTS),
    "hitRHandHead",
    *(f"hop{leg}{n}hops" for leg in ("BothLegs", "LLeg", "RLeg") for n in (1, 2, 3)),
    *_of("jog", "LeftCircle4StepsRstart", "LeftCircle6StepsRstart"),
    *_of("jogOnPlace", *_ON_PLACE),
    *_of("jogRightCircle", *_CIRCLE),
    *_of("jump", "Down", "ingJack1Reps", "ingJack3Reps"),
    *_of("kick", *_LIMB_SIDE),
    "lieDownFloor",
    *_of("punch", *_LIMB_SIDE),
    *_of("rotateArms", *_ARMS),
    *_of("runOnPlace", *_ON_PLACE),
    *_of("shuffle", *_STEPS),
    *_of("sitDown", "Chair", "Floor", "KneelTieShoes", "Table"),
    *_of("skier", "1RepsLstart", "3RepsLstart"),
    *_of("sneak", *_STEPS),
    *_of("squat", *_ONE_THREE),
    *_of("staircase", "Down3Rstart", "Up3Rstart"),
    *_of("standUp", "KneelToStand", "LieFloor", "SitChair", "SitFloor", "SitTable"),
    *_of("throw", "Basketball", "FarR", "SittingHighR", "SittingLowR"),
    *_of("throw", "StandingHighR", "StandingLowR"),
    *_of("turn", "Left", "Right"),
    *_of("walk", "2StepsLstart", "2StepsRstart", "4StepsLstart", "4StepsRstart"),
    *_of("walkBackwards", "2StepsRstart", "4StepsRstart"),
    *_of("walkLeft", "2Steps", "3Steps"),
    *_of("walkLeftCircle", *_CIRCLE),
    *_of("walkOnPlace", *_STEPS),
    *_of("walkRightCircle", *_CIRCLE),
    *_of("walkRightCrossFront", "2Steps", "3Steps"),
)

_COUNTED = re.compile(r"\d(Reps|hops|Steps)")
_BEGUN = re.compile(r"(Start(Air|Floor)|[LR](elbow)?[Ss]tart|[LR]HandStart)")
_THROWN = re.compile(r"(throwSitting|throwStanding)(High|Low)R")


def merged(motion: str) -> str:
    """The class among the 65 that a motion belongs to (after Cho & Chen, arXiv 1306.3874).

    The same motion done more often, or begun with the other foot, hand or elbow, on the floor or
    in the air, is one class. So far the names alone decide, and give 67; that throwing high and low
    are one class too, sitting and standing apart, is our inference: with it the 65 classes have the
    sizes of the merge by number that is public (8 of four kinds, 2 of five, 4 of three, 25 of two
    and 26 of one), for which no list of names was found.
    """
    plain = _BEGUN.sub("", _COUNTED.sub("", motion))
    return _THROWN.sub(r"\1R", plain)


MERGED: tuple[str, ...] = tuple(sorted({merged(motion) for motion in MOTIONS}))
