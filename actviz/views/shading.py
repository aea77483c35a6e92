"""How strongly each joint is marked, and by what: attention, attribution or recalibration.

T frames · P people · J joints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_curve
from actviz.views.theme import GLOW, HEAT, MOTION

__all__ = [
    "LEAST_LOSS",
    "Shading",
    "by_attention",
    "by_attribution",
    "by_masking",
    "by_recalibration",
    "check_joint_values",
]

ATTENTION_TITLE = "attention, mean of x, y and z"
LEAST_LOSS = 0.1  # nats: a scale of falls ends there or higher, so that next to nothing stays pale


@dataclass(frozen=True)
class Shading:
    """Values of joints on one scale for the whole clip, and what the scale says at its ends."""

    values: NDArray[np.float32]  # (T, P, J) in [0, 1]
    what: str  # one word or two, for a value of one joint
    title: str
    colours: str  # a scale of the theme
    low: str
    high: str
    most: float = 1.0  # what 1 stands for
    unit: str = ""

    @property
    def words(self) -> str:
        """What marks the joints, on a picture that has no colour bar."""
        return f"joints by {self.title}, yellow most"


def check_joint_values(
    values: ArrayLike, shape: tuple[int, ...] | None = None, name: str = "values"
) -> NDArray[np.float32]:
    """``values`` (T, P, J), finite and not negative."""
    array = np.asarray(values, dtype=np.float32)
    if array.ndim != 3 or 0 in array.shape or (shape is not None and array.shape != shape):
        wanted = "(T, P, J)" if shape is None else str(shape)
        raise ValueError(f"{name} must have shape {wanted}; got {array.shape}.")
    if not np.isfinite(array).all() or array.min() < 0:
        raise ValueError(f"{name} must be finite and not negative.")
    return array


def by_attention(attention: ArrayLike, people: int, joints: int) -> Shading:
    """All joints of a frame by the mean of its attention (3, T) to x, y and z."""
    array = np.asarray(attention, dtype=np.float64)
    curves = check_curve(array, array.shape[-1], "attention", rows=3)
    known = np.isfinite(curves)
    mean = np.where(known, curves, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    values = np.broadcast_to(np.clip(mean, 0, 1)[:, None, None], (len(mean), people, joints))
    return Shading(values.astype(np.float32), "attention", ATTENTION_TITLE, GLOW, "0", "1")


def by_attribution(attribution: ArrayLike, class_name: str) -> Shading:
    """Each joint by its evidence for a class (T, P, J) in [0, 1]."""
    values = np.clip(check_joint_values(attribution, name="attribution"), 0, 1)
    title = f"evidence for {class_name}"
    return Shading(values, "evidence", title, HEAT, "none", "strongest")


def by_masking(
    losses: ArrayLike,
    moment: ArrayLike,
    limbs: Mapping[str, Sequence[int]],
    joints: int,
    *,
    class_name: str,
) -> Shading:
    """Each joint by what its limb is worth in the moment of each frame; 0 where it is in no limb.

    Args:
        losses: (P, L, M) fall of the log odds of ``class_name`` without this limb in this moment,
            nats; rises are shown as 0.
        moment: (T,) number, from 0, of the moment that each frame lies in.
        limbs: (L) joints by limb.
        joints: J, of a person.
    """
    falls, at = np.asarray(losses, dtype=np.float64), np.asarray(moment)
    fits = falls.ndim == 3 and falls.shape[1] == len(limbs) and falls.shape[2] > at.max()
    if not fits or not np.isfinite(falls).all():
        raise ValueError(
            f"losses must be finite (P, L, M) with L = {len(limbs)} limbs and M = {at.max() + 1} "
            f"moments or more; got shape {falls.shape}."
        )
    most = max(float(falls.max(initial=0.0)), LEAST_LOSS)
    values = np.zeros((len(at), len(falls), joints), dtype=np.float32)
    for limb, numbers in enumerate(limbs.values()):
        values[:, :, list(numbers)] = falls[:, limb, at].T[..., None].clip(min=0) / most
    title = f"masking: fall of the log odds of {class_name}"
    return Shading(values, "fall of log odds", title, HEAT, "0", f"{most:.2f} nats", most, " nats")


def by_recalibration(moved: ArrayLike) -> Shading:
    """Each joint by how far TARM moves it (T, P, J), metres."""
    metres = check_joint_values(moved, name="moved")
    most = float(metres.max())
    values = metres / (most or 1.0)
    title = "recalibration: moved by TARM"
    return Shading(values, "moved by", title, MOTION, "0", f"{most:.2f} m", most, " m")
