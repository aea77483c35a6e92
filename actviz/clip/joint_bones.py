"""Bones between joints, by their names or their places: for files that bring none.

T frames · P people · J joints
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from actviz.clip.joint_names import place_of

__all__ = ["bones_between", "bones_of"]

# From the trunk outwards; bones named by their start or their end stand in this order, too.
_ARM = (
    *("collar", "clavicle", "shoulder", "arm", "uparm", "upperarm", "humerus", "elbow", "forearm"),
    *("lowerarm", "lowarm", "radius", "wrist", "hand", "palm", "fingerbase", "fingers", "finger"),
    *("handindex", "handtip"),
)
_LEG = (
    *("hipjoint", "hip", "upleg", "upperleg", "thigh", "femur", "knee", "leg", "lowleg"),
    *("lowerleg", "shin", "calf", "tibia", "ankle", "heel", "foot", "toebase", "toes", "toe"),
    *("bigtoe", "toeend", "footend"),
)
_SPINE = (  # upwards
    *("root", "bodyroot", "spinebase", "hipcentre", "hipcenter", "midhip", "hips", "hip", "pelvis"),
    *("crotch", "waist", "lowerback", "lowback", "abdomen", "belly", "navel", "stomach", "spine"),
    *("spinemid", "midspine", "spinenavel", "trunk", "torso", "back", "upperback", "spinechest"),
    *("chest", "upperchest", "thorax", "spineshoulder", "shouldercentre", "shouldercenter"),
    *("midshoulder", "neckbase", "lowerneck", "neck", "upperneck", "head", "headend", "headtop"),
)
_POSES = 200  # enough to see which distances change
_BENDS = 4.0  # a change of distance counts so much more than the distance
_HEAD = _SPINE[_SPINE.index("upperneck") :]  # arms begin below


def bones_of(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Pairs of joint numbers: a spine, limbs that begin at it, thumbs; unknown joints stay alone.

    Limbs without a spine are joined to one another.
    """
    places = [place_of(name) for name in names]
    spine = _chain(places, "", _SPINE)
    bones = list(pairwise(spine))
    below = [at for at in spine if places[at][1].rstrip("0123456789") not in _HEAD]
    for limb, joint in ((_ARM, below[-1:]), (_LEG, spine[:1])):
        chains = [chain for side in ("left", "right") if (chain := _chain(places, side, limb))]
        bones += [bone for chain in chains for bone in pairwise(chain)]
        starts = [chain[0] for chain in chains]
        bones += [(joint[0], at) for at in starts] if joint else list(pairwise(starts))
    return (*bones, *_thumbs(places))


def bones_between(joints: NDArray[np.floating]) -> tuple[tuple[int, int], ...]:
    """A tree over joints (T, P, J, 3) of the shortest bones that keep their length."""
    known = np.where(np.isfinite(joints), joints, np.nan).astype(np.float64)
    poses = known.reshape(-1, *joints.shape[2:])
    poses = poses[np.isfinite(poses).all((1, 2)) & poses.any((1, 2))][:_POSES]
    if not len(poses):
        return ()
    apart = np.linalg.norm(poses[:, :, None] - poses[:, None], axis=-1)  # (poses, J, J)
    cost = np.median(apart, 0) + _BENDS * apart.std(0)
    bones, inside = [], {0}
    while len(inside) < joints.shape[2]:
        rest = [j for j in range(joints.shape[2]) if j not in inside]
        ends = sorted(inside)
        a, b = np.unravel_index(cost[np.ix_(ends, rest)].argmin(), (len(ends), len(rest)))
        bones.append((ends[a], rest[b]))
        inside.add(rest[b])
    return tuple(bones)


def _chain(places: Sequence[tuple[str, str]], side: str, order: Sequence[str]) -> list[int]:
    """Joints of one side in this order, of one name by the number behind it."""
    found = []
    for at, (its_side, place) in enumerate(places):
        bare = place.rstrip("0123456789")
        if its_side == side and bare in order:
            number = place.removeprefix(bare)
            found.append((order.index(bare), int(number or 0), at))
    return [at for *_, at in sorted(found)]


def _thumbs(places: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    """Thumbs to wrists, or hands."""
    where = {place: at for at, place in reversed(list(enumerate(places)))}
    bones = []
    for side in ("left", "right"):
        hand = where.get((side, "wrist"), where.get((side, "hand")))
        if hand is not None and (side, "thumb") in where:
            bones.append((hand, where[side, "thumb"]))
    return bones
