"""From MediaPipe's 33 body landmarks to the NTU-25 joints, and who is who from frame to frame.

P people · J joints · M = 33 landmarks

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

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton import DERIVED

__all__ = ["LANDMARKS", "Detection", "Identities", "joints_from_landmarks", "to_kinect_axes"]

LANDMARKS = 33
_EAR, _SHOULDER, _ELBOW, _WRIST, _LITTLE, _INDEX, _THUMB = 7, 11, 13, 15, 17, 19, 21
_HIP, _KNEE, _ANKLE, _TOES = 23, 25, 27, 31  # numbers of the left side; the right side is one more
_REACH = 0.75  # torso lengths that a torso may move between two sights of the same person,
_SPEED = 3.0  # and this many more for each second between them (a brisk walk),
_FARTHEST = 1.5  # but never more than this
_DOUBLE = 0.5  # torso lengths: bodies that are nearer than this all over are one body found twice
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

    @property
    def centre(self) -> NDArray[np.float64]:
        """Middle of shoulders and hips, pixels (2,)."""
        return self.image[list(_TORSO)].mean(0)

    @property
    def torso(self) -> float:
        """From the middle of the shoulders to the middle of the hips, pixels; at least 1."""
        a, b, c, d = (self.image[i] for i in _TORSO)
        return max(1.0, float(np.linalg.norm((a + b - c - d) / 2)))


@dataclass
class Identities:
    """Keeps two people apart over time by where their torsos are in the picture.

    A detection goes to the person whose torso was nearest when last seen, if that is within reach
    (``_REACH`` and following lines). One out of everybody's reach is a new person while there is a
    free place, otherwise the person nearest to it.
    """

    most: int = 2
    _last: list[tuple[Detection, float]] = field(default_factory=list)  # per person: last, when

    def assign(self, found: list[Detection], time_s: float) -> dict[int, Detection]:
        """Person number -> detection of this frame."""
        found = _without_doubles(found)[: self.most]
        out: dict[int, Detection] = {}
        pairs = sorted(
            (self._distance(p, detection, time_s), p, i)
            for p in range(len(self._last))
            for i, detection in enumerate(found)
        )
        placed: set[int] = set()
        for strict in (True, False):  # first those within reach, then the rest
            for distance, p, i in pairs:
                if p not in out and i not in placed and (distance <= 1 or not strict):
                    out[p] = found[i]
                    placed.add(i)
            for i, detection in enumerate(found):
                if strict and i not in placed and len(self._last) < self.most:
                    out[len(self._last)] = detection
                    self._last.append((detection, time_s))
                    placed.add(i)
        for p, detection in out.items():
            self._last[p] = (detection, time_s)
        return out

    def _distance(self, person: int, detection: Detection, time_s: float) -> float:
        """How far away a detection is, in units of the person's reach by now."""
        last, seen_s = self._last[person]
        step = float(np.linalg.norm(detection.centre - last.centre))
        reach = min(_REACH + _SPEED * (time_s - seen_s), _FARTHEST)
        return step / (min(last.torso, detection.torso) * reach)


def _without_doubles(found: list[Detection]) -> list[Detection]:
    """Detections without second sights of the same body, the most visible first."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda d: -float(d.visibility.mean())):
        apart = [
            float(np.linalg.norm(detection.image - other.image, axis=1).mean())
            / max(detection.torso, other.torso)
            for other in kept
        ]
        if all(distance > _DOUBLE for distance in apart):
            kept.append(detection)
    return kept
