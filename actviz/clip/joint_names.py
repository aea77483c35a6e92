"""Which joint is where on the body, told by its name: sides, mirror images and roles of any layout.

Names as people write them: "Left Shoulder", "hip_left", "LHip", "mixamorig:LeftUpLeg", "L_Wrist",
"lfemur". Motion capture names bones: by where they start ("LeftUpLeg" is at the hip, "LeftArm" at
the shoulder) or, in ``.asf`` files, by where they end ("lfemur" is at the knee).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["centred_roles", "place_of", "roles_of", "sides_of"]

Joints = tuple[int, ...]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_DIGITS = "0123456789"
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
_SIDED = (  # places that there are twice: what may stand behind a bare "l" or "r"
    *("hip", "hipjoint", "upleg", "upperleg", "thigh", "femur", "knee", "leg", "lowleg"),
    *("lowerleg", "shin", "calf", "tibia", "ankle", "foot", "heel", "toe", "toes", "toebase"),
    *("toeend", "bigtoe", "collar", "clavicle", "shoulder", "arm", "uparm", "upperarm"),
    *("humerus", "elbow", "forearm", "lowerarm", "lowarm", "radius", "wrist", "hand", "fingers"),
    *("finger", "thumb", "palm"),
)
_PAIR = ("hip", "shoulder")
_HIP = ("hip", "hipjoint", "upleg", "upperleg", "thigh")
_ARM_ABOVE = ("arm", "uparm", "upperarm")  # with a lower arm beside it: bones named by their start
_ARM_BELOW = ("forearm", "lowerarm", "lowarm")
_SHOULDER = ("shoulder", *_ARM_ABOVE, "clavicle", "collar")
_TOES = ("toebase", "toes", "toe", "bigtoe", "toeend", "footend")
_BASE = (
    *("spinebase", "hipcentre", "hipcenter", "midhip", "hips", "hip", "pelvis", "root", "bodyroot"),
    *("crotch", "waist"),
)
_TOP = (
    *("spineshoulder", "shouldercentre", "shouldercenter", "midshoulder", "thorax", "upperchest"),
    *("chest", "neckbase", "lowerneck", "neck"),
)
_BETWEEN = (
    *("spine", "spinemid", "midspine", "torso", "lowerback", "upperback", "lowback", "back"),
    *("abdomen", "belly", "navel", "stomach", "spinenavel", "spinechest", "trunk"),
)


def sides_of(names: Sequence[str]) -> tuple[Joints, Joints]:
    """Joints on the left that have a mirror image, and these images in the same order."""
    places = [place_of(name) for name in names]
    right = {place: at for at, (side, place) in enumerate(places) if side == "right"}
    left = [at for at, (side, place) in enumerate(places) if side == "left" and place in right]
    return tuple(left), tuple(right[places[at][1]] for at in left)


def roles_of(names: Sequence[str]) -> dict[str, Joints]:
    """The roles of ``layouts.ROLE_NAMES`` that these names tell; those they do not tell are absent.

    A spine without an own joint below or above takes the middle of the hips, or of the shoulders.
    """
    found: dict[str, dict[str, int]] = {"left": {}, "right": {}, "": {}}
    for at, name in enumerate(names):
        side, place = place_of(name)
        for known in (place, place.rstrip(_DIGITS)):  # "Toe0", "Spine1"
            found[side].setdefault(known, at)
    roles: dict[str, Joints] = {}
    for side in ("left", "right"):
        roles |= {f"{part}_{side}": at for part, at in _limbs(found[side]).items()}
    centre = found[""]
    both = {part: roles.get(f"{part}_left", ()) + roles.get(f"{part}_right", ()) for part in _PAIR}
    base = _first(centre, _BASE) or _whole(both["hip"])
    top = _first(centre, _TOP) or _whole(both["shoulder"])
    if base and top:
        between = [at for place, at in centre.items() if place.rstrip(_DIGITS) in _BETWEEN]
        torso = {*base, *top, *between, *both["hip"], *both["shoulder"]}
        roles |= {"spine_base": base, "spine_shoulder": top, "torso": tuple(sorted(torso))}
    return roles


def centred_roles(names: Sequence[str], roles: dict[str, Joints]) -> dict[str, Joints]:
    """``roles`` with hips, where there are none: in the lower end of the spine, or in the middle.

    Two hips in one place give a body its origin and leave it unrotated.
    """
    if "hip_left" in roles or "hip_right" in roles:
        return roles
    middle = roles.get("spine_base") or tuple(range(len(names)))
    return roles | {"hip_left": middle, "hip_right": middle}


def _limbs(found: dict[str, int]) -> dict[str, Joints]:
    """Part -> joint, on one side."""
    by_start = any(place in found for place in _ARM_BELOW)
    shoulder = (*_ARM_ABOVE, "shoulder") if by_start else _SHOULDER
    toes = _first(found, _TOES)
    ankle = _first(found, ("ankle", "tibia")) or (_first(found, ("foot",)) if toes else ())
    foot = toes or (_first(found, ("foot",)) if ankle else ())
    told = {"hip": _first(found, _HIP), "shoulder": _first(found, shoulder)}
    told |= {"ankle": ankle, "foot": foot if ankle else ()}
    return {part: at for part, at in told.items() if at}


def _first(found: dict[str, int], places: Sequence[str]) -> Joints:
    """The first of ``places`` that there is."""
    return next(((found[place],) for place in places if place in found), ())


def _whole(pair: Joints) -> Joints:
    """A pair of which none is missing."""
    return pair if len(pair) == 2 else ()


def place_of(name: str) -> tuple[str, str]:
    """Side ("left", "right" or "") and place ("upleg") of a joint's name."""
    words = [word.lower() for word in _WORDS.findall(name.rpartition(":")[2])]
    if words and words[0].startswith("bip"):  # Biped: "Bip01 L Thigh", "Bip001 L Thigh"
        words = words[2:] if words[1:] and words[1].isdigit() else words[1:]
    side = next((_SIDES[word] for word in words if word in _SIDES), "")
    if side:
        at = next(at for at, word in enumerate(words) if word in _SIDES)
        return side, "".join(words[:at] + words[at + 1 :])
    text = "".join(words)
    for word, long in (("left", True), ("right", True), ("l", False), ("r", False)):
        for rest in (text.removeprefix(word), text.removesuffix(word)):
            if rest != text and (long or rest.rstrip(_DIGITS) in _SIDED) and rest:
                return _SIDES[word], rest
    return "", text
