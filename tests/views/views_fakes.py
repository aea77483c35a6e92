"""Small made-up arrays, shaped like what the models leave in a trace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actviz.views import Truth

BONES = np.array([(0, 1), (1, 2), (1, 3), (3, 4), (1, 5), (5, 6), (0, 7), (7, 8), (0, 9), (9, 10)])
LEFT, RIGHT = (3, 4, 7, 8), (5, 6, 9, 10)
STANDING = np.array(
    [
        (0, 0, 2.5), (0, 0.5, 2.5), (0, 0.8, 2.5),  # hips, neck, head
        (-0.2, 0.45, 2.5), (-0.5, 0.2, 2.4), (0.2, 0.45, 2.5), (0.5, 0.6, 2.4),  # arms
        (-0.1, -0.4, 2.5), (-0.12, -0.85, 2.45), (0.1, -0.4, 2.5), (0.12, -0.85, 2.45),  # legs
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Fake:
    """T frames of a clip in which the middle third shows the action."""

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    probability: NDArray[np.float64]
    written: NDArray[np.bool_]
    memory_size: NDArray[np.int64]
    maps: NDArray[np.float64]
    attention: NDArray[np.float64]
    joints: NDArray[np.float64]
    present: NDArray[np.bool_]
    truth: Truth
    contribution: NDArray[np.float64]  # (T,)
    score_terms: NDArray[np.float64]  # (T, 3)
    similarity: NDArray[np.float64]  # (T,)


def make(count: int, *, people: int = 1) -> Fake:
    rng = np.random.default_rng(0)
    times = 0.1 + 0.25 * np.arange(count)
    share = np.linspace(0, 1, count) if count > 1 else np.array([0.5])
    probability = 0.05 + 0.9 * np.exp(-(((share - 0.5) / 0.2) ** 2))
    written = probability > 0.5
    maps = rng.random((count, 3, 4))
    joints = np.repeat(STANDING[None, None], count, axis=0).repeat(people, axis=1)
    joints = joints + np.arange(people)[None, :, None, None] * np.array([0.9, 0, 0])
    return Fake(
        frames=rng.integers(0, 256, (count, 24, 32, 3), dtype=np.uint8),
        times_s=times,
        probability=probability,
        written=written,
        memory_size=np.cumsum(written),
        maps=maps / maps.max(),
        attention=np.stack([probability, 1 - probability, np.full(count, 0.4)]),
        joints=joints,
        present=np.ones((count, people), dtype=bool),
        truth=Truth(times, (share > 0.33) & (share < 0.67), times[1:2]),
        contribution=np.where(written, np.cos(5 * share), 0.0),
        score_terms=np.stack([4 * probability - 3, 0.5 - share, share - 0.2], axis=1),
        similarity=np.where(np.cumsum(written) - written > 0, 1 - share, np.nan),
    )
