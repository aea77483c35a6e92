"""The layout of an ``.npz``: a known one by name or by number of joints, or one of its own.

What a layout of its own leaves open, its joints' names tell where they can (``joint_names``): which
joints are on the left and on the right, bones, and the roles that MAN's normalisation needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.joint_bones import bones_of
from actviz.clip.joint_names import centred_roles, place_of, roles_of, sides_of
from actviz.clip.layouts import LAYOUTS, Layout, common_name, get_layout
from actviz.errors import ClipReadError

__all__ = ["arrays_of_layout", "layout_of_arrays", "text_of", "texts_of"]

_PAIRS = {"hips": "hip", "shoulders": "shoulder", "ankles": "ankle", "feet": "foot"}
Arrays = Mapping[str, NDArray[Any]]


def texts_of(value: NDArray[Any]) -> list[str]:
    """Strings (or bytes) of an array, flat."""
    return [
        v.decode(errors="replace") if isinstance(v, bytes) else str(v)
        for v in value.reshape(-1).tolist()
    ]


def text_of(arrays: Arrays, key: str) -> str | None:
    """The one string stored under ``key``, or None where there is none."""
    return texts_of(arrays[key])[0] if key in arrays and arrays[key].size == 1 else None


def layout_of_arrays(path: Path, arrays: Arrays, count: int) -> tuple[Layout, list[str]]:
    """Layout of a file with ``count`` joints, and what had to be assumed.

    Raises:
        ClipReadError: no layout can be told, or one that does not hold together.
    """
    name = text_of(arrays, "layout")
    known = LAYOUTS.get(name.strip().lower()) if name else None
    if known is None and "joint_names" in arrays:
        return _own(path, name or "custom", arrays, count)
    if name:
        try:
            layout = get_layout(name)
        except ValueError as error:
            raise ClipReadError(path, f"{error} Or bring joint_names, bones and roles.") from None
        if len(layout) != count:
            raise ClipReadError(
                path,
                f"layout {layout.name} has {len(layout)} joints; the file's joints have {count}.",
            )
        return layout, []
    fits = [layout for layout in LAYOUTS.values() if len(layout) == count]
    if not fits:
        raise ClipReadError(
            path,
            f"it names no layout and has {count} joints; add layout ({', '.join(LAYOUTS)}) or "
            "joint_names.",
        )
    return fits[0], [f"No layout named: {fits[0].name} assumed."]


def _own(path: Path, name: str, arrays: Arrays, count: int) -> tuple[Layout, list[str]]:
    names = texts_of(arrays["joint_names"])
    if len(names) != count:
        raise ClipReadError(
            path, f"joint_names has {len(names)} names; the file's joints have {count}."
        )
    try:
        layout = _own_layout(name, names, arrays)
    except RecursionError:
        raise ClipReadError(path, "its roles are nested too deep to be read.") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ClipReadError(path, f"its own layout does not hold together: {error}") from None
    hips = {layout.roles.get("hip_left"), layout.roles.get("hip_right")}
    if len(hips) > 1:
        return layout, []
    return layout, [
        "Neither roles nor joint_names tell a left and a right hip: bodies keep the direction they "
        "are seen from."
    ]


def _own_layout(name: str, names: list[str], arrays: Arrays) -> Layout:
    plain = [n.strip().casefold() for n in names]

    def number(joint: Any) -> int:
        text = joint.decode(errors="replace") if isinstance(joint, bytes) else joint
        if isinstance(text, str) and not text.lstrip("-").isdigit():
            if text.strip().casefold() not in plain:
                raise ValueError(f"no joint is called {text!r}.")
            return plain.index(text.strip().casefold())
        if not 0 <= int(text) < len(plain):
            raise ValueError(f"there are {len(plain)} joints, and none has number {int(text)}.")
        return int(text)

    def numbers(joints: Any) -> tuple[int, ...]:
        if isinstance(joints, list) and any(isinstance(j, list | dict) for j in joints):
            raise ValueError("a role must be one joint or a flat list of joints.")
        return tuple(number(j) for j in (joints if isinstance(joints, list) else [joints]))

    bones = arrays["bones"].reshape(-1, 2).tolist() if "bones" in arrays else bones_of(names)
    given = json.loads(text_of(arrays, "roles") or "{}")
    roles = roles_of(names)
    for role, at in given.items():
        roles |= _of_both(common_name(role), numbers(at), names)
    left, right = (
        [numbers(arrays[side].reshape(-1).tolist()) for side in ("left", "right")]
        if "left" in arrays and "right" in arrays
        else sides_of(names)
    )
    return Layout(
        name,
        tuple(names),
        tuple((number(a), number(b)) for a, b in bones),
        left,
        right,
        centred_roles(names, roles),
    )


def _of_both(role: str, joints: tuple[int, ...], names: list[str]) -> dict[str, tuple[int, ...]]:
    """Roles as the layout has them: of "hips" the left and the right one, of "spine" its ends."""
    part = _PAIRS.get(role)
    if role == "spine_mid" and len(joints) > 1:  # "spine", from below
        return {"spine_base": joints[:1], "spine_shoulder": joints[-1:]}
    if part is None or len(joints) != 2:
        return {role: joints}
    left, right = joints if place_of(names[joints[0]])[0] != "right" else joints[::-1]
    return {f"{part}_left": (left,), f"{part}_right": (right,)}


def arrays_of_layout(layout: Layout) -> dict[str, NDArray[Any]]:
    """What ``save_skeleton`` stores so that another machine can read an own layout back."""
    return {
        "joint_names": np.array(layout.joint_names),
        "bones": np.array(layout.bones, np.int64).reshape(-1, 2),
        "left": np.array(layout.left, np.int64),
        "right": np.array(layout.right, np.int64),
        "roles": np.array(json.dumps({k: list(v) for k, v in layout.roles.items()})),
    }
