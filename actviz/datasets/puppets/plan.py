"""The running order of a clip: which shots, how long, and where the action is visible.

Nothing here knows the action, so the plan of a clip tells nothing about its class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.truth import Shot

__all__ = ["FPS", "Plan", "make_plan"]

FPS = 12
SHORTEST, LONGEST = 40, 72  # frames of a clip
IRRELEVANT = ("close-up", "empty stage", "idle", "pan")
LEAST_SHOT = 5  # frames
ORDERS = (  # where irrelevant shots stand around the takes T, and how often
    ((".", "T", "."), 0.36),
    ((".", "T"), 0.20),
    (("T", "."), 0.20),
    ((".", "T", ".", "T", "."), 0.10),
    (("T", ".", "T"), 0.14),
)


@dataclass(frozen=True)
class Plan:
    """T frames in shots; within a take the action's share runs 0 → 1 while ``evidence`` holds."""

    shots: tuple[Shot, ...]
    evidence: NDArray[np.bool_]  # (T,)
    phase: NDArray[np.float64]  # (T,)
    holds: tuple[tuple[int, int], ...]  # of each take: still frames before and after

    @property
    def frames(self) -> int:
        return len(self.evidence)


def _split(dice: Dice, total: int, parts: int, least: int) -> list[int]:
    """``total`` frames in ``parts`` of at least ``least`` each."""
    weights = dice.uniforms(0.6, 1.4, parts)
    spare = total - least * parts
    ends = np.round(np.cumsum(weights) / weights.sum() * spare).astype(int)
    return [least + int(step) for step in np.diff(ends, prepend=0)]


def _order(dice: Dice, seen: int, unseen: int) -> tuple[str, ...]:
    """An order whose takes and gaps are long enough for the frames there are."""
    fit = [
        (order, weight)
        for order, weight in ORDERS
        if (order.count("T") < 2 or seen >= 28) and unseen >= LEAST_SHOT * order.count(".") + 4
    ]
    return fit[dice.shares([weight for _, weight in fit])][0]


def _irrelevant(dice: Dice, length: int, last: str) -> list[tuple[str, int]]:
    """One or two different shots that fill a gap."""
    kinds = [kind for kind in IRRELEVANT if kind != last]
    first = dice.pick(kinds)
    if length < 2 * LEAST_SHOT + 2 or dice.chance(0.5):
        return [(first, length)]
    second = dice.pick([kind for kind in IRRELEVANT if kind != first])
    one, two = _split(dice, length, 2, LEAST_SHOT)
    return [(first, one), (second, two)]


def make_plan(dice: Dice) -> Plan:
    """Draw a running order of 40–72 frames of which 40–64 % show the action."""
    total = dice.between(SHORTEST, LONGEST)
    seen = round(total * dice.uniform(0.40, 0.64))
    order = _order(dice, seen, total - seen)
    takes = order.count("T")
    lengths = _split(dice, seen, takes, seen // takes - seen // (takes * 6))
    holds = tuple((dice.between(0, 2), dice.between(0, 2)) for _ in range(takes))
    held = sum(before + after for before, after in holds)
    if total - seen - held < LEAST_SHOT * order.count("."):
        holds, held = ((0, 0),) * takes, 0
    gaps = _split(dice, total - seen - held, order.count("."), LEAST_SHOT)
    shots: list[Shot] = []
    evidence, phase = np.zeros(total, dtype=bool), np.zeros(total)
    at, take, gap = 0, 0, 0
    for item in order:
        if item == "T":
            before, after = holds[take]
            count = lengths[take]
            run = slice(at + before, at + before + count)
            evidence[run] = True
            phase[run] = (np.arange(count) + 0.5) / count
            phase[run.stop : run.stop + after] = 1.0
            shots.append(Shot("action", at, run.stop + after))
            take += 1
        else:
            last = shots[-1].kind if shots else ""
            start = at
            for kind, length in _irrelevant(dice, gaps[gap], last):
                shots.append(Shot(kind, start, start + length))
                start += length
            gap += 1
        at = shots[-1].stop
    return Plan(tuple(shots), evidence, phase, holds)
