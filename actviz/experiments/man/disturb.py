"""Skeleton clips disturbed in time and in place, from not at all to badly.

T frames · P people · J joints
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.clip.gaps import fill_gaps
from actviz.clip.layouts import Layout
from actviz.experiments.man.asked import Change, Clip

__all__ = ["DISTURBANCES", "Disturbance"]

_FPS = 30.0  # of UT-Kinect and the puppets: where a gap is filled, in seconds


@dataclass(frozen=True)
class Disturbance:
    """One kind, turned up from ``neutral``."""

    name: str
    x_name: str  # what its level is
    levels: tuple[float, ...]  # in order, ``neutral`` among them
    make: Callable[[Clip, float, np.random.Generator, Layout], Clip]
    neutral: float = 0.0

    @property
    def worst(self) -> tuple[float, ...]:
        """The levels at the far ends."""
        return tuple(v for v in (self.levels[0], self.levels[-1]) if v != self.neutral)

    def at(self, level: float) -> Change:
        """What does it."""
        return lambda clip, rng, layout: self.make(clip, level, rng, layout)


def _pace(clip: Clip, times: float, rng: np.random.Generator, layout: Layout) -> Clip:
    """The same movement in ``times`` as many frames."""
    count = len(clip[0])
    return _at_times(clip, np.linspace(0, count - 1, max(2, round(count * times))))


def _warp(clip: Clip, depth: float, rng: np.random.Generator, layout: Layout) -> Clip:
    """Faster here, slower there: the pace goes once up and down between 1 - depth and 1 + depth."""
    count, phase = len(clip[0]), rng.uniform(0, 2 * math.pi)
    t = np.linspace(0, 1, count)
    bent = t + depth * (np.sin(2 * math.pi * t + phase) - math.sin(phase)) / (2 * math.pi)
    return _at_times(clip, bent * (count - 1))


def _dropped(clip: Clip, share: float, rng: np.random.Generator, layout: Layout) -> Clip:
    """Frames are lost one by one; those that remain follow one another."""
    count = len(clip[0])
    kept = np.sort(rng.permutation(count)[: max(2, round(count * (1 - share)))])
    return clip[0][kept], clip[1][kept]


def _hidden(clip: Clip, share: float, rng: np.random.Generator, layout: Layout) -> Clip:
    """For one stretch nobody is seen: rows of zeros in MAN's image."""
    joints, present = clip[0], clip[1].copy()
    long = min(round(len(present) * share), len(present) - 2)
    start = int(rng.integers(1, len(present) - long)) if long else 0  # never the first frame
    present[start : start + long] = False
    return joints, present


def _noise(clip: Clip, centimetres: float, rng: np.random.Generator, layout: Layout) -> Clip:
    """Every joint is off in every frame, by chance."""
    off = rng.normal(0, centimetres / 100, clip[0].shape)
    return np.where(clip[1][..., None, None], clip[0] + off, 0).astype(np.float32), clip[1]


def _occluded(clip: Clip, share: float, rng: np.random.Generator, layout: Layout) -> Clip:
    """Some joints are never seen; they are filled in as they are in a file that lacks them."""
    joints, present = clip
    gone = rng.permutation(len(layout))[: round(len(layout) * share)]
    holes = np.where(present[..., None, None], joints, np.nan)
    holes[:, :, gone] = np.nan
    filled = fill_gaps(holes, np.arange(len(joints)) / _FPS, bones=layout.bones)
    return np.where(present[..., None, None], filled.joints, 0), present


def _shorter(clip: Clip, share: float, rng: np.random.Generator, layout: Layout) -> Clip:
    """A share of the clip is cut away, before and after a stretch that chance picks."""
    count = len(clip[0])
    kept = max(2, round(count * (1 - share)))
    start = int(rng.integers(0, count - kept + 1))
    return clip[0][start : start + kept], clip[1][start : start + kept]


DISTURBANCES: tuple[Disturbance, ...] = (
    Disturbance("other pace", "length over its own", (0.5, 0.7, 1.0, 1.4, 2.0), _pace, neutral=1.0),
    Disturbance("time warped", "most change of pace", (0.0, 0.3, 0.6, 0.9), _warp),
    Disturbance("frames dropped", "share of frames", (0.0, 0.25, 0.5, 0.75), _dropped),
    Disturbance("nobody seen", "share of the clip, in one stretch", (0.0, 0.2, 0.4, 0.6), _hidden),
    Disturbance("noise", "standard deviation, cm", (0.0, 2.0, 4.0, 8.0), _noise),
    Disturbance("joints occluded", "share of joints", (0.0, 0.1, 0.2, 0.4), _occluded),
    Disturbance("shorter clip", "share cut away", (0.0, 0.25, 0.5, 0.75), _shorter),
)


def _at_times(clip: Clip, at: NDArray[np.float64]) -> Clip:
    """The clip at frames (N,) that need not be whole: between two frames where both show a person.

    Where one alone does, as the nearer frame has it.
    """
    joints, present = clip
    before = np.floor(at).astype(int)
    after = np.minimum(before + 1, len(joints) - 1)
    near = np.rint(at).astype(int)
    both = present[before] & present[after]  # (N, P)
    share = (at - before)[:, None, None, None]
    between = (1 - share) * joints[before] + share * joints[after]
    found = np.where(both[..., None, None], between, joints[near])
    return found.astype(np.float32), present[near]
