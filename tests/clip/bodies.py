"""Bodies as a pose model would find them, scripted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from actviz.clip.pose_landmarks import Detection
from actviz.clip.pose_people import follow

RED, BLUE = (0.8, 0.2, 0.2), (0.2, 0.2, 0.8)
FPS = 25


def body(
    x: float,
    y: float = 100.0,
    torso: float = 40.0,
    *,
    visible: float = 1.0,
    wears: Sequence[float] | None = None,
) -> Detection:
    """A body whose torso centre is at (x, y) pixels, ``torso`` pixels long."""
    image = np.tile([x, y], (33, 1)).astype(float)
    image[[11, 12], 1] -= torso / 2
    image[[23, 24], 1] += torso / 2
    colours = None if wears is None else np.tile(np.asarray(wears, float), (2, 1))
    return Detection(np.ones((33, 3)), image, np.full(33, visible), colours)


def numbers(frames: Sequence[Mapping[str, Detection]], *, seed: int = 0) -> dict[str, list[int]]:
    """What number each named body of frames is given; -1 where it is not found, or found twice.

    Frames are 25 a second, and list their bodies in an order of no meaning.
    """
    rng = np.random.default_rng(seed)
    orders = [_shuffled(list(bodies.values()), rng) for bodies in frames]
    people = follow([(t / FPS, order) for t, order in enumerate(orders)])
    given = [{id(found): p for p, found in now.items()} for now in people]
    names = dict.fromkeys(name for bodies in frames for name in bodies)
    return {
        name: [now.get(id(bodies.get(name)), -1) for now, bodies in zip(given, frames, strict=True)]
        for name in names
    }


def _shuffled(bodies: list[Detection], rng: np.random.Generator) -> list[Detection]:
    return [bodies[i] for i in rng.permutation(len(bodies))]
