"""Missing joints and missing people: filled where that is honest, and counted.

T frames · P people · J joints
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["LONGEST_GAP_S", "Filled", "fill_gaps"]

LONGEST_GAP_S = 0.5  # a person unseen for longer than this is absent, not interpolated
_ENOUGH = 0.5  # of a person's joints: with fewer, the frame counts as one without that person


@dataclass(frozen=True)
class Filled:
    """Joint positions without holes, and what was filled."""

    joints: NDArray[np.float32]  # (T, P, J, C), zero where a person stays absent
    observed: NDArray[np.bool_]  # (T, P), enough of the person was measured in this frame
    interpolated: NDArray[np.bool_]  # (T, P), not observed, but between two near observations
    joint_fills: int  # single joints filled in frames that were observed
    never_seen: tuple[int, ...]  # joints without any measurement, put at a neighbour's place


def fill_gaps(
    joints: NDArray[np.floating],
    times_s: NDArray[np.float64],
    *,
    bones: Sequence[tuple[int, int]] = (),
    longest_s: float = LONGEST_GAP_S,
) -> Filled:
    """Interpolate what is missing, linearly in seconds, one person at a time.

    Args:
        joints: (T, P, J, 3) metres, or (T, P, J, 2) pixels; anything not finite is missing.
        times_s: (T,), strictly increasing.
        bones: where to look for a neighbour of a joint that is never seen.
        longest_s: whole-person gaps up to this length, in seconds, are bridged.
    """
    raw = np.where(np.isfinite(joints).all(-1, keepdims=True), joints, np.nan)
    frames, people = raw.shape[:2]
    out = np.zeros(raw.shape, np.float32)
    observed = np.zeros((frames, people), bool)
    interpolated = np.zeros((frames, people), bool)
    fills, never = 0, set()
    for p in range(people):
        track = raw[:, p]
        seen = np.isfinite(track[..., 0])  # (T, J)
        ever = seen.any(0)  # (J,)
        if not ever.any():
            continue
        observed[:, p] = seen.sum(1) >= max(1, _ENOUGH * ever.sum())
        here = np.flatnonzero(observed[:, p])
        if len(here) == 0:
            continue
        fills += int((~seen[here][:, ever]).sum())
        never |= set(np.flatnonzero(~ever).tolist())
        complete = _complete(track, seen, times_s, here, bones)  # (T, J, 3)
        interpolated[:, p] = _bridged(here, times_s, longest_s)
        usable = observed[:, p] | interpolated[:, p]
        out[usable, p] = complete[usable]
    return Filled(out, observed, interpolated, fills, tuple(sorted(never)))


def _complete(
    track: NDArray[np.floating],
    seen: NDArray[np.bool_],
    times_s: NDArray[np.float64],
    here: NDArray[np.integer],
    bones: Sequence[tuple[int, int]],
) -> NDArray[np.floating]:
    """One person's joints (T, J, 3) at every time; beyond the first and last sight, held."""
    seen = seen.copy()
    known = seen[here].any(0)  # frames with too little of the person do not count
    outside = np.setdiff1d(np.arange(len(track)), here)
    seen[np.ix_(outside, known)] = False
    complete = np.zeros(track.shape)
    ever = np.flatnonzero(seen.any(0))
    for j in ever:
        at = np.flatnonzero(seen[:, j])
        for axis in range(track.shape[-1]):
            complete[:, j, axis] = np.interp(times_s, times_s[at], track[at, j, axis])
    for j in np.setdiff1d(np.arange(track.shape[1]), ever):
        neighbours = _nearest_known(int(j), set(ever.tolist()), bones)
        complete[:, j] = complete[:, neighbours].mean(1)
    return complete


def _nearest_known(joint: int, known: set[int], bones: Sequence[tuple[int, int]]) -> list[int]:
    """Known joints the fewest bones away from ``joint``; all known ones where none is connected."""
    visited, ring = {joint}, {joint}
    while ring:
        found = ring & known
        if found:
            return sorted(found)
        ring = {b for x, y in bones for a, b in ((x, y), (y, x)) if a in ring} - visited
        visited |= ring
    return sorted(known)


def _bridged(
    here: NDArray[np.integer], times_s: NDArray[np.float64], longest_s: float
) -> NDArray[np.bool_]:
    """Frames (T,) inside a gap between two observations no more than ``longest_s`` apart."""
    bridged = np.zeros(len(times_s), bool)
    for a, b in pairwise(here.tolist()):
        if times_s[b] - times_s[a] <= longest_s:
            bridged[a + 1 : b] = True
    return bridged
