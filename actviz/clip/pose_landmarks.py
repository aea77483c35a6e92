"""From MediaPipe's 33 body landmarks to the NTU-25 joints.

J joints · M = 33 landmarks

MediaPipe's world landmarks are metres from the middle of the hips: x to the right of the picture,
y down, z away from the camera. The Kinect camera, whose axes every layout uses, has x to the
sensor's left, y up and z away: half a turn about z, so (x, y, z) becomes (−x, −y, z).

Joints that MediaPipe does not have are weighted means of landmarks:

| joint | from |
|---|---|
| head | middle of the ears |
| hand | half wrist, a quarter each index and little-finger knuckle |
| hand tip | middle of index and little-finger knuckle |
| spine base, spine shoulder | middle of the hips, of the shoulders |
| spine middle, neck | on the line spine base – spine shoulder – head, as measured on NTU RGB+D |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton import DERIVED

__all__ = [
    "LANDMARKS",
    "Detection",
    "joints_from_landmarks",
    "to_kinect_axes",
    "torso_colours",
]

LANDMARKS = 33
_EAR, _SHOULDER, _ELBOW, _WRIST, _LITTLE, _INDEX, _THUMB = 7, 11, 13, 15, 17, 19, 21
_HIP, _KNEE, _ANKLE, _TOES = 23, 25, 27, 31  # numbers of the left side; the right side is one more
_GRID = 8  # places along and across a torso at which its colours are taken
_TORSO = (_SHOULDER, _SHOULDER + 1, _HIP, _HIP + 1)


def _weights() -> NDArray[np.float64]:
    """(25, 33): each NTU joint as a weighted mean of landmarks."""
    parts: dict[str, dict[int, float]] = {"head": {_EAR: 0.5, _EAR + 1: 0.5}}
    single = {"shoulder": _SHOULDER, "elbow": _ELBOW, "wrist": _WRIST, "thumb": _THUMB}
    single |= {"hip": _HIP, "knee": _KNEE, "ankle": _ANKLE, "foot": _TOES}
    for k, side in enumerate(("left", "right")):
        parts |= {f"{name}_{side}": {left + k: 1.0} for name, left in single.items()}
        parts[f"hand_{side}"] = {_WRIST + k: 0.5, _INDEX + k: 0.25, _LITTLE + k: 0.25}
        parts[f"hand_tip_{side}"] = {_INDEX + k: 0.5, _LITTLE + k: 0.5}
    rows = {name: np.zeros(LANDMARKS) for name in parts}
    for name, part in parts.items():
        rows[name][list(part)] = list(part.values())
    for name, means in DERIVED.items():
        if name not in rows:
            rows[name] = sum((w * rows[of] for of, w in means.items()), np.zeros(LANDMARKS))
    return np.stack([rows[name] for name in LAYOUTS["ntu-25"].joint_names])


_WEIGHTS = _weights()


def joints_from_landmarks(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """NTU-25 joints (25, C) from landmarks (33, C): positions, pixels or visibilities alike."""
    return _WEIGHTS @ landmarks


def to_kinect_axes(world: NDArray[np.floating]) -> NDArray[np.float64]:
    """World landmarks or joints (…, 3) in metres on the Kinect camera's axes."""
    return np.asarray(world, np.float64) * (-1.0, -1.0, 1.0)


@dataclass(frozen=True)
class Detection:
    """One person found in one frame."""

    world: NDArray[np.float64]  # (33, 3), metres from the middle of the hips, MediaPipe's axes
    image: NDArray[np.float64]  # (33, 2), pixels of the upright frame
    visibility: NDArray[np.float64]  # (33,), in [0, 1]
    colours: NDArray[np.float64] | None = None  # (2, 3) of the torso, from ``torso_colours``

    @property
    def is_finite(self) -> bool:
        """Whether every landmark has a place."""
        return bool(np.isfinite(self.world).all() and np.isfinite(self.image).all())

    @property
    def centre(self) -> NDArray[np.float64]:
        """Middle of shoulders and hips, pixels (2,)."""
        return self.image[list(_TORSO)].mean(0)

    @property
    def torso(self) -> float:
        """From the middle of the shoulders to the middle of the hips, pixels; at least 1."""
        a, b, c, d = (self.image[i] for i in _TORSO)
        return max(1.0, float(np.linalg.norm((a + b - c - d) / 2)))


def torso_colours(
    rgb: NDArray[np.uint8], image: NDArray[np.floating]
) -> NDArray[np.float64] | None:
    """What somebody wears: mean colours (2, 3) in [0, 1] of the torso's upper and lower half.

    Args:
        rgb: (H, W, 3).
        image: landmarks (33, 2) in pixels of ``rgb``.

    Returns:
        None where a half is out of the picture.
    """
    height, width = rgb.shape[:2]
    corners = image[list(_TORSO)].reshape(2, 2, 2)  # shoulders, hips; left, right; x, y
    share = (np.arange(_GRID) + 0.5) / _GRID
    ends = np.stack([1 - share, share])  # (2, grid)
    at = np.floor(np.einsum("ia,jb,ijc->abc", ends, ends, corners)).astype(np.int64)
    inside = ((at >= 0) & (at < (width, height))).all(-1)  # (grid, grid)
    halves = [slice(None, _GRID // 2), slice(_GRID // 2, None)]
    seen = [at[half][inside[half]] for half in halves]  # of (n, 2)
    if not all(len(places) for places in seen):
        return None
    return np.stack([rgb[places[:, 1], places[:, 0]].mean(0) / 255 for places in seen])
