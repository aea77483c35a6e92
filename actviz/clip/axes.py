"""Positions as others save them, in metres and with y up: units and axes.

T frames · P people · J joints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNITS", "UPS", "guess_unit", "standing", "with_y_up"]

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}
UPS = {  # the axis that is up -> which axes become x, y, z, and their signs: turns, no mirrors
    "y": ((0, 1, 2), (1, 1, 1)),
    "-y": ((0, 1, 2), (1, -1, -1)),
    "z": ((0, 2, 1), (1, 1, -1)),
    "-z": ((0, 2, 1), (1, -1, 1)),
}
_LARGEST_M = 5.0  # that a body is in metres
_LARGEST_CM = 400.0  # and in centimetres; beyond it is millimetres
_LARGEST_MM = 4000.0
_STANDS = 0.9  # of a spine's length, along an axis


def guess_unit(joints: NDArray[np.floating]) -> tuple[str, float]:
    """ "m", "cm" or "mm" by the size of most bodies (T, P, J, 3), and that size.

    Metres too where no unit makes them people: what they are then stays to be asked.
    """
    there = np.isfinite(joints).all(-1).any(-1) & np.nan_to_num(joints).any((2, 3))  # (T, P)
    if not there.any():
        return "m", 0.0
    bodies = np.where(np.isfinite(joints), joints, np.nan)[there].astype(np.float64)
    size = float(np.median((np.nanmax(bodies, 1) - np.nanmin(bodies, 1)).max(-1)))
    if size <= _LARGEST_M or size > _LARGEST_MM:
        return "m", size
    return ("cm" if size <= _LARGEST_CM else "mm"), size


def with_y_up(joints: NDArray[np.floating], up: str) -> NDArray[np.floating]:
    """Positions (…, 3) turned so that the axis ``up``, a key of ``UPS``, is y."""
    axes, signs = UPS[up]
    return joints[..., list(axes)] * np.array(signs, np.float32)


def standing(joints: NDArray[np.floating], roles: Mapping[str, Sequence[int]]) -> str:
    """The axis, such as "y" or "-z", that most spines in (T, P, J, 3) go up along; "" if none."""
    if not (roles.get("spine_base") and roles.get("spine_shoulder")):
        return ""
    known = np.where(np.isfinite(joints), joints, np.nan).astype(np.float64)
    base, top = (known[:, :, list(roles[r])].mean(2) for r in ("spine_base", "spine_shoulder"))
    spine = (top - base).reshape(-1, 3)
    length = np.linalg.norm(spine, axis=-1)
    seen = np.isfinite(length) & (length > 0)
    if not seen.any():
        return ""
    along = np.median(spine[seen] / length[seen, None], axis=0)
    axis = int(np.abs(along).argmax())
    if abs(along[axis]) < _STANDS:
        return ""
    return ("-" if along[axis] < 0 else "") + "xyz"[axis]
