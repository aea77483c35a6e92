"""Marker recordings, ``.c3d``: HDM05's 31 joints approximated by means of markers on the skin.

T frames · N markers · J joints

A marker sits on the skin, a joint inside the body, so that joints come out some centimetres off;
the ``.amc`` of the same motion is the better source. Marker names are those of HDM05 and of
Vicon's plug-in gait.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.c3d import read_markers
from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton_text import RawSkeleton
from actviz.errors import ClipReadError

__all__ = ["read_c3d"]

_LAYOUT = LAYOUTS["hdm05-31"]
_METRES = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254}

# Where a joint is put: the mean of those markers of the first group of which any is there. S stands
# for L or R. Waist markers are called WT in HDM05, ASI and PSI in plug-in gait.
_WAIST = ("LFWT", "RFWT", "LBWT", "RBWT", "LASI", "RASI", "LPSI", "RPSI")
_HEAD = ("LFHD", "RFHD", "LBHD", "RBHD", "ARIEL")
_TRUNK: dict[str, tuple[tuple[str, ...], ...]] = {
    "root": (_WAIST,),
    "lowerback": ((*_WAIST[2:4], *_WAIST[6:], "STRN", "T10"),),
    "upperback": (("STRN", "T10"),),
    "thorax": (("C7", "CLAV"),),
    "lowerneck": (("C7", "C7", "CLAV", "LBHD", "RBHD"), ("C7",)),
    "upperneck": (("LBHD", "RBHD", "C7"), _HEAD[:1]),
    "head": (_HEAD,),
}
_SIDE: dict[str, tuple[tuple[str, ...], ...]] = {
    "hipjoint": (("SFWT", "SBWT"), ("SASI", "SPSI")),
    "femur": (("SKNE", "SKNI"),),
    "tibia": (("SANK", "SANI"),),
    "foot": (("SMT1", "SMT5"), ("STOE", "SANK")),
    "toes": (("STOE",),),
    "clavicle": (("SSHO",),),
    "humerus": (("SELB", "SELM"),),
    "radius": (("SWRA", "SWRB"), ("SWRT",)),
    "wrist": (("SWRA", "SWRB", "SFIN"), ("SFIN",)),
    "hand": (("SFIN",), ("SWRA", "SWRB")),
    "fingers": (("SFIN",), ("SWRA", "SWRB")),
    "thumb": (("STHM",), ("SWRA",), ("SFIN",)),
}


def read_c3d(path: Path) -> RawSkeleton:
    """A ``.c3d`` recording in layout ``hdm05-31``, y upwards; clock frame / its own rate.

    Raises:
        ClipReadError: no ``.c3d``, a damaged one, or one without the markers of a body.
    """
    file = read_markers(path)
    unit = file.unit.lower() or "mm"
    if unit not in _METRES:
        raise ClipReadError(path, f"its positions are in {unit!r}; expected mm, cm, m or in.")
    frames = len(file.positions)
    if not frames or not 1 <= file.rate <= 10_000:
        raise ClipReadError(path, f"it holds {frames} frames at {file.rate:g} per second.")
    problems = ["Joints are means of skin markers, some centimetres off the true joints."]
    if frames < file.promised:
        problems.append(f"The file ends early: {frames} of its {file.promised} frames were kept.")
    names = [name.rpartition(":")[2].strip().upper() for name in file.names]  # "Bastian:LFHD"
    markers = file.positions.swapaxes(0, 1) * _METRES[unit]
    joints, lost = _joints(path, dict(zip(names, markers, strict=True)))
    joints, turned = _upright(file.up, joints)
    problems += turned
    if lost:
        problems.append(f"No marker for {', '.join(lost)}.")
    index = np.arange(frames)
    return RawSkeleton(joints[:, None], index / file.rate, index, _LAYOUT, tuple(problems))


def _joints(
    path: Path, markers: Mapping[str, NDArray[np.float64]]
) -> tuple[NDArray[np.float64], list[str]]:
    """Joints (T, J, 3), NaN where no marker is seen, and names of joints without any marker."""
    frames = len(next(iter(markers.values())))
    joints = np.full((frames, len(_LAYOUT), 3), np.nan)
    lost = []
    for number, name in enumerate(_LAYOUT.joint_names):
        groups = _TRUNK[name] if name in _TRUNK else _of_side(name)
        known = [[markers[m] for m in group if m in markers] for group in groups]
        chosen = next((group for group in known if group), None)
        if chosen is None:
            lost.append(name)
            continue
        stack = np.stack(chosen)
        seen = np.isfinite(stack).all(-1, keepdims=True)
        total = np.where(seen, stack, 0).sum(0)
        joints[:, number] = total / np.where(seen.any(0), seen.sum(0), np.nan)
    if len(lost) > len(_LAYOUT) // 2:
        raise ClipReadError(
            path,
            f"it has the markers {', '.join(list(markers)[:6])} …; expected those of a body, such "
            "as LFHD, C7, LFWT, LKNE.",
        )
    return joints, lost


def _of_side(name: str) -> tuple[tuple[str, ...], ...]:
    side = name[0].upper()
    return tuple(tuple(side + marker[1:] for marker in group) for group in _SIDE[name[1:]])


def _upright(says: str, joints: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[str]]:
    """Joints with y upwards. What is up is what the file says, else where the head is."""
    up = says if says in ("+Y", "+Z") else ""
    if not up:
        body = joints[:, _LAYOUT.number("head")] - joints[:, _LAYOUT.number("root")]
        tall = np.abs(np.nan_to_num(body).mean(0))
        up = "+Z" if tall[2] > tall[1] else "+Y"
    if up == "+Y":
        return joints, []
    return np.stack([joints[..., 0], joints[..., 2], -joints[..., 1]], -1), [
        "Turned so that y points upwards, as it does in the other files."
    ]
