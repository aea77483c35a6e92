"""What comes into the house: a video clip, what is known about its file, and a skeleton sequence.

T frames · H, W pixels · P people · J joints
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clip", "ClipInfo", "Skeleton"]


def _check_clock(times_s: NDArray[np.float64], count: int, what: str) -> None:
    if times_s.shape != (count,):
        raise ValueError(
            f"{what}.times_s must have one entry per frame, shape ({count},); got {times_s.shape}."
        )
    if count > 1 and not np.all(np.diff(times_s) > 0):
        raise ValueError(f"{what}.times_s must be strictly increasing (seconds).")


@dataclass(frozen=True)
class Clip:
    """Decoded frames of one video on its own clock.

    Raises ``ValueError`` where shapes disagree or time does not increase.
    """

    frames: NDArray[np.uint8]  # (T, H, W, 3), upright RGB
    times_s: NDArray[np.float64]  # (T,), strictly increasing, from the file's own clock
    frame_index: NDArray[np.int64]  # (T,), number of each frame in the whole file, from 0
    source: str  # path, or a name for a clip made in memory
    sha256: str  # of the file's bytes (of the frames, for a clip made in memory)

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise ValueError(
                "Clip.frames must be uint8 of shape (T, H, W, 3); got "
                f"{self.frames.dtype} {self.frames.shape}."
            )
        _check_clock(self.times_s, len(self.frames), "Clip")
        if self.frame_index.shape != self.times_s.shape:
            raise ValueError("Clip.frame_index must have one entry per frame.")

    def __len__(self) -> int:
        return len(self.frames)

    def take(self, positions: Sequence[int] | NDArray[np.integer]) -> Clip:
        """The clip's frames at ``positions`` (0-based, increasing), as a clip of their own."""
        at = np.asarray(positions)
        return replace(
            self,
            frames=self.frames[at],
            times_s=self.times_s[at],
            frame_index=self.frame_index[at],
        )


@dataclass(frozen=True)
class ClipInfo:
    """What ``probe`` learns from a video's headers and packets, without decoding its pictures."""

    source: str
    sha256: str
    duration_s: float
    frame_count: int
    fps: float  # nominal: frame_count / duration
    variable_rate: bool
    rotation: int  # degrees clockwise that upright display needs: 0, 90, 180 or 270
    width: int  # upright, pixels
    height: int  # upright, pixels
    codec: str
    problems: tuple[str, ...]  # each a sentence: repaired timestamps, truncated end, …


@dataclass(frozen=True)
class Skeleton:
    """Joint positions of up to two people over time, in metres.

    ``root`` is ``"camera"`` where positions are relative to the sensor, ``"hips"`` where the
    source centres each frame on the hips (pose from video does). Absent people and joints that
    could not be filled are zero, with ``present`` False for that person and frame.
    """

    joints: NDArray[np.float32]  # (T, P, J, 3), metres, P <= 2
    present: NDArray[np.bool_]  # (T, P)
    times_s: NDArray[np.float64]  # (T,), strictly increasing
    frame_index: NDArray[np.int64]  # (T,)
    layout: str  # a key of clip.layouts.LAYOUTS, or the name of `custom_layout`
    root: str  # "camera" or "hips"
    source: str
    sha256: str
    problems: tuple[str, ...] = ()
    custom_layout: object | None = None  # a clip.layouts.Layout brought by an .npz

    def __post_init__(self) -> None:
        if self.joints.ndim != 4 or self.joints.shape[-1] != 3:
            raise ValueError(
                f"Skeleton.joints must have shape (T, P, J, 3) in metres; got {self.joints.shape}."
            )
        frames, people = self.joints.shape[:2]
        if people > 2:
            raise ValueError(f"Skeleton holds at most 2 people; got {people}.")
        if self.present.shape != (frames, people):
            raise ValueError(
                f"Skeleton.present must have shape {(frames, people)}; got {self.present.shape}."
            )
        if self.root not in ("camera", "hips"):
            raise ValueError(f'Skeleton.root must be "camera" or "hips"; got {self.root!r}.')
        _check_clock(self.times_s, frames, "Skeleton")

    def __len__(self) -> int:
        return len(self.joints)
