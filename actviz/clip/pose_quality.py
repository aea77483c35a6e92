"""How good a pose from video is, and what it cannot tell, in words for whoever reads a trace.

T frames looked at · P people · J = 25 joints
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from actviz.clip.gaps import LONGEST_GAP_S
from actviz.clip.layouts import LAYOUTS

__all__ = ["ASSUMED", "OUT_OF_SIGHT", "Quality", "quality_in_words"]

OUT_OF_SIGHT = 0.5  # a joint's visibility below which it is guessed rather than seen
_MANY = 0.5  # share of the time above which something is said of the whole clip
_NAMED = 3  # stretches without a person that are named; more are counted
ASSUMED = (
    "Pose measures every joint from the middle of that person's own hips and takes the camera to "
    "be upright: the way that somebody walks, the distance between two people and which way is "
    "down are not in it."
)


@dataclass(frozen=True)
class Quality:
    """What can be judged of a pose: when, where in the picture, how well seen, and what is made."""

    times_s: NDArray[np.float64]  # (T,)
    points: NDArray[np.float32]  # (T, P, 25, 2), pixels, y down
    visibility: NDArray[np.float32]  # (T, P, 25) in [0, 1]
    found: NDArray[np.bool_]  # (T, P)
    interpolated: NDArray[np.bool_]  # (T, P)


def quality_in_words(quality: Quality, *, frames: int) -> list[str]:
    """Sentences about a pose of a clip of so many ``frames``; the last one is always there."""
    return [
        *_counts(quality, frames),
        *_stretches(quality),
        *_guessed(quality),
        *_upside_down(quality),
        ASSUMED,
    ]


def _counts(quality: Quality, frames: int) -> Iterator[str]:
    looked, somebody = len(quality.found), int(quality.found.any(1).sum())
    if somebody < looked:
        yield f"A person was found in {somebody} of {looked} frames."
    if looked < frames:
        yield f"Pose looked at {looked} of {frames} frames."
    bridged = int(quality.interpolated.sum())
    if bridged:
        yield (
            f"{bridged} missing {'sight was' if bridged == 1 else 'sights were'} interpolated "
            f"(gaps up to {LONGEST_GAP_S:g} s)."
        )


def _stretches(quality: Quality) -> Iterator[str]:
    """For each person, when they are missing for longer than is interpolated."""
    people = quality.found.shape[1]
    for p in range(people):
        absent = ~(quality.found[:, p] | quality.interpolated[:, p])
        spans = [(a, b) for a, b in _runs(absent, quality.times_s) if b - a > LONGEST_GAP_S]
        if not spans:
            continue
        who = "Nobody is there" if people == 1 else f"Person {p + 1} is missing"
        named = ", ".join(f"{a:.1f}–{b:.1f} s" for a, b in spans[:_NAMED])
        more = f" and {len(spans) - _NAMED} more times" if len(spans) > _NAMED else ""
        yield f"{who} at {named}{more}."


def _runs(flags: NDArray[np.bool_], times_s: NDArray[np.float64]) -> Iterator[tuple[float, float]]:
    """First and last second of each stretch of frames whose flag (T,) is set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    for first, after in pairwise(edges.tolist()):
        if flags[first]:
            yield float(times_s[first]), float(times_s[after - 1])


def _guessed(quality: Quality) -> Iterator[str]:
    """A word of warning where the legs, or most of somebody, are guessed rather than seen."""
    seen = quality.visibility[quality.found]  # (N, 25)
    legs = _joints("knee_left", "knee_right", "ankle_left", "ankle_right")
    if np.median(seen[:, legs]) < OUT_OF_SIGHT:
        yield "The legs are mostly out of sight: their positions are the pose model's guess."
    poorly = (np.median(seen, 1) < OUT_OF_SIGHT).mean()
    if poorly > _MANY:
        yield f"In {poorly:.0%} of the sights most joints are guessed rather than seen."


def _upside_down(quality: Quality) -> Iterator[str]:
    """Somebody whose head is below the hips most of the time, or a camera that is."""
    heights = quality.points[..., 1]  # (T, P, 25)
    below = heights[..., _joints("head")[0]] > heights[..., _joints("spine_base")[0]]
    share = below[quality.found].mean()
    if share > _MANY:
        yield (
            f"In {share:.0%} of the sights the head is below the hips: somebody is upside down, or "
            "the video is and lacks the mark that says so."
        )


def _joints(*names: str) -> list[int]:
    return [LAYOUTS["ntu-25"].number(name) for name in names]
