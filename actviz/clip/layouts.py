"""Which number is which joint: the skeleton layouts that files and checkpoints speak of.

J joints

``ntu-25``     Kinect v2 order, as NTU RGB+D numbers them (Shahroudy et al., CVPR 2016).
``kinect-20``  Kinect v1 order, as UT-Kinect (Xia et al., CVPR-W 2012) and SYSU-3D use it.
``hdm05-31``   the root and the far ends of the 30 bones of an HDM05 ``.asf``, in its order.

Positions are in metres on the Kinect camera's axes: x to the sensor's left (a person facing it has
the right hand at larger x), y up, z away from the sensor; a right-handed system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from actviz.errors import ActvizError

__all__ = ["LAYOUTS", "LIMBS", "ROLE_NAMES", "Layout", "common_name", "get_layout", "limbs_of"]

ROLE_NAMES = (
    "hip_left",
    "hip_right",
    "shoulder_left",
    "shoulder_right",
    "spine_base",
    "spine_shoulder",
    "torso",
    "ankle_left",
    "foot_left",
    "ankle_right",
    "foot_right",
)


@dataclass(frozen=True)
class Layout:
    """Names, bones and roles of one joint numbering.

    ``left[i]`` and ``right[i]`` are mirror images of each other where both sides are complete.
    ``roles`` has keys of ``ROLE_NAMES``; a rule whose role is missing is skipped by the model.
    """

    name: str
    joint_names: tuple[str, ...]  # (J,)
    bones: tuple[tuple[int, int], ...]  # pairs of joint numbers
    left: tuple[int, ...]
    right: tuple[int, ...]
    roles: Mapping[str, tuple[int, ...]]

    def __post_init__(self) -> None:
        count = len(self.joint_names)
        if len(set(self.joint_names)) != count:
            raise ValueError(f"layout {self.name!r} names a joint twice; names must differ.")
        numbers = [j for bone in self.bones for j in bone] + [*self.left, *self.right]
        numbers += [j for joints in self.roles.values() for j in joints]
        wrong = sorted({j for j in numbers if not 0 <= j < count})
        if wrong:
            raise ValueError(
                f"layout {self.name!r} has joints 0 to {count - 1}; "
                f"its bones, sides or roles speak of joint {wrong[0]}."
            )
        unknown = sorted(set(self.roles) - set(ROLE_NAMES))
        if unknown:
            raise ValueError(
                f"layout {self.name!r} has the unknown role {unknown[0]!r}; "
                f"known roles are {', '.join(ROLE_NAMES)}."
            )

    def __len__(self) -> int:
        return len(self.joint_names)

    def number(self, joint_name: str) -> int:
        """The number of the joint called ``joint_name`` (case does not matter)."""
        names = [n.lower() for n in self.joint_names]
        try:
            return names.index(joint_name.lower())
        except ValueError:
            raise ValueError(
                f"layout {self.name!r} has no joint {joint_name!r}; "
                f"it has {', '.join(self.joint_names)}."
            ) from None


def _bones(names: Sequence[str], text: str) -> tuple[tuple[int, int], ...]:
    """Bones written as chains of names: ``"a b c, c d"`` is a–b, b–c, c–d."""
    chains = [chain.split() for chain in text.split(",")]
    return tuple((names.index(a), names.index(b)) for c in chains for a, b in pairwise(c))


def _both(text: str) -> str:
    """A chain of the left side, and the same of the right side."""
    return f"{text.replace('L', 'left')}, {text.replace('L', 'right')}"


def _sides(names: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of the joints called ``*_left`` and of their mirror images."""
    left = tuple(i for i, n in enumerate(names) if n.endswith("_left"))
    return left, tuple(names.index(names[i].removesuffix("left") + "right") for i in left)


_ARM = ("shoulder", "elbow", "wrist", "hand")
_LEG = ("hip", "knee", "ankle", "foot")
_LIMBS = tuple(
    f"{part}_{side}" for limb in (_ARM, _LEG) for side in ("left", "right") for part in limb
)


def _ntu_25() -> Layout:
    names = ("spine_base", "spine_mid", "neck", "head", *_LIMBS, "spine_shoulder")
    names += ("hand_tip_left", "thumb_left", "hand_tip_right", "thumb_right")
    chains = ["spine_base spine_mid spine_shoulder neck head"]
    chains.append(_both("spine_shoulder shoulder_L elbow_L wrist_L hand_L hand_tip_L"))
    chains.append(_both("wrist_L thumb_L"))
    chains.append(_both("spine_base hip_L knee_L ankle_L foot_L"))
    roles = {
        "hip_left": (12,),
        "hip_right": (16,),
        "shoulder_left": (4,),
        "shoulder_right": (8,),
        "spine_base": (0,),
        "spine_shoulder": (20,),
        "torso": (0, 1, 4, 8, 12, 16, 20),
        "ankle_left": (14,),
        "foot_left": (15,),
        "ankle_right": (18,),
        "foot_right": (19,),
    }
    return Layout("ntu-25", names, _bones(names, ", ".join(chains)), *_sides(names), roles)


def _kinect_20() -> Layout:
    names = ("hip_centre", "spine", "shoulder_centre", "head", *_LIMBS)
    chains = ["hip_centre spine shoulder_centre head"]
    chains.append(_both("shoulder_centre shoulder_L elbow_L wrist_L hand_L"))
    chains.append(_both("hip_centre hip_L knee_L ankle_L foot_L"))
    roles = {
        "hip_left": (12,),
        "hip_right": (16,),
        "shoulder_left": (4,),
        "shoulder_right": (8,),
        "spine_base": (0,),
        "spine_shoulder": (2,),
        "torso": (0, 1, 2, 4, 8, 12, 16),
        "ankle_left": (14,),
        "foot_left": (15,),
        "ankle_right": (18,),
        "foot_right": (19,),
    }
    return Layout("kinect-20", names, _bones(names, ", ".join(chains)), *_sides(names), roles)


def _hdm05_31() -> Layout:
    leg = ("hipjoint", "femur", "tibia", "foot", "toes")
    arm = ("clavicle", "humerus", "radius", "wrist", "hand", "fingers", "thumb")
    spine = ("lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head")
    names = ("root", *(f"{side}{part}" for side in "lr" for part in leg), *spine)
    names += tuple(f"{side}{part}" for side in "lr" for part in arm)
    chains = [f"root {' '.join(spine)}"]
    for side in "lr":
        chains.append("root " + " ".join(side + part for part in leg))
        chains.append("thorax " + " ".join(side + part for part in arm[:-1]))
        chains.append(f"{side}wrist {side}thumb")
    left = tuple(names.index("l" + part) for part in leg + arm)
    right = tuple(names.index("r" + part) for part in leg + arm)
    trunk = ("root", "lhipjoint", "rhipjoint", *spine[:3], "lclavicle", "rclavicle")
    of_role: dict[str, tuple[str, ...]] = {
        "hip_left": ("lhipjoint",),
        "hip_right": ("rhipjoint",),
        "shoulder_left": ("lclavicle",),
        "shoulder_right": ("rclavicle",),
        "spine_base": ("root",),
        "spine_shoulder": ("thorax",),
        "torso": trunk,
        "ankle_left": ("ltibia",),
        "foot_left": ("ltoes",),
        "ankle_right": ("rtibia",),
        "foot_right": ("rtoes",),
    }
    roles = {role: tuple(names.index(n) for n in joints) for role, joints in of_role.items()}
    return Layout("hdm05-31", names, _bones(names, ", ".join(chains)), left, right, roles)


LAYOUTS: dict[str, Layout] = {
    layout.name: layout for layout in (_ntu_25(), _kinect_20(), _hdm05_31())
}

# The same place on the body under other names; what is not listed keeps its own name.
_CENTRE_NAMES = {
    "hip_centre": "spine_base",
    "hip_center": "spine_base",
    "root": "spine_base",
    "pelvis": "spine_base",
    "spine": "spine_mid",
    "lowerback": "spine_mid",
    "shoulder_centre": "spine_shoulder",
    "shoulder_center": "spine_shoulder",
    "thorax": "spine_shoulder",
    "upperneck": "neck",
}
_HDM05_SIDE_NAMES = {
    "hipjoint": "hip",
    "femur": "knee",
    "tibia": "ankle",
    "toes": "foot",
    "clavicle": "shoulder",
    "humerus": "elbow",
    "radius": "wrist",
    "hand": "hand",
    "fingers": "hand_tip",
    "thumb": "thumb",
}


def common_name(joint_name: str) -> str:
    """The NTU name of the same place on the body, or the name itself where there is none."""
    name = joint_name.strip().lower().replace(" ", "_").replace("-", "_")
    if name in _CENTRE_NAMES:
        return _CENTRE_NAMES[name]
    if name[:1] in ("l", "r") and name[1:] in _HDM05_SIDE_NAMES:
        return f"{_HDM05_SIDE_NAMES[name[1:]]}_{'left' if name[0] == 'l' else 'right'}"
    first, _, rest = name.partition("_")
    return f"{rest}_{first}" if rest and first in ("left", "right") else name


def get_layout(name: str) -> Layout:
    """The layout called ``name``; case does not matter.

    Raises:
        ActvizError: no such layout.
    """
    layout = LAYOUTS.get(str(name).strip().lower())
    if layout is None:
        raise ActvizError(f"unknown skeleton layout {name!r}; known are {', '.join(LAYOUTS)}.")
    return layout


LIMBS = ("head and neck", "torso", "left arm", "right arm", "left leg", "right leg")
_LIMB_WORDS = {  # in joints' names, looked for in this order: "forearm" holds "ear"
    "arm": (
        *("shoulder", "clavicle", "collar", "humerus", "arm", "elbow", "radius", "wrist", "hand"),
        *("palm", "finger", "thumb", "index", "pinky"),
    ),
    "leg": (
        *("hip", "femur", "thigh", "leg", "knee", "tibia", "shin", "calf", "ankle", "foot", "heel"),
        "toe",
    ),
    "head and neck": ("head", "neck", "nose", "eye", "ear", "mouth", "face", "jaw", "skull"),
    "torso": (
        *("spine", "torso", "trunk", "chest", "thorax", "sternum", "back", "abdomen", "belly"),
        *("waist", "pelvis", "root"),
    ),
}


def limbs_of(layout: Layout) -> dict[str, tuple[int, ...]]:
    """Joints by limb, of ``LIMBS`` those that the layout tells by its names, sides and roles.

    A shoulder belongs to its arm and a hip to its leg, their centres to the torso. A joint that is
    neither named after a part of the body nor has a role is in no limb.
    """
    found: dict[str, list[int]] = {limb: [] for limb in LIMBS}
    for joint, name in enumerate(layout.joint_names):
        limb = _limb(layout, joint, name.lower())
        if limb is not None:
            found[limb].append(joint)
    return {limb: tuple(joints) for limb, joints in found.items() if joints}


def _limb(layout: Layout, joint: int, name: str) -> str | None:
    """The limb that a joint of this name is in."""
    words = ((part, word) for part, words in _LIMB_WORDS.items() for word in words)
    part, word = next(((part, word) for part, word in words if word in name), ("", ""))
    if not part:  # named after nothing: a role may tell
        roles = [role for role, joints in layout.roles.items() if joint in joints]
        parts = {"hip": "leg", "ankle": "leg", "foot": "leg", "shoulder": "arm", "spine": "torso"}
        part = next((parts[r.split("_")[0]] for r in roles if r.split("_")[0] in parts), "")
    if part in ("arm", "leg"):
        sides = {"left": layout.left, "right": layout.right}
        side = next((side for side, joints in sides.items() if joint in joints), None)
        if side is None:  # a centre of the hips or of the shoulders is of the torso
            return "torso" if word in ("hip", "shoulder") else None
        return f"{side} {part}"
    return part or None
