"""Puppets as a data set: clips that a seed makes, so that there is no file to find.

The label of a clip is its seed modulo twelve. ``scene_seeds`` gives the same seeds to whoever asks
for the same split, and no seed of one split is ever in another.
"""

from __future__ import annotations

from pathlib import Path

from actviz.datasets.base import Dataset, DatasetError, Sample, Split
from actviz.datasets.puppets import ACTIONS, SPLITS, scene_seeds

__all__ = ["COARSE", "open_puppets"]

COARSE = {
    "body motion": ACTIONS[:4],
    "time-reversed pairs": ACTIONS[4:8],
    "with an object": ACTIONS[8:10],
    "two people": ACTIONS[10:],
}


def open_puppets(
    root: Path | None = None, *, train: int = 2400, val: int = 240, test: int = 600
) -> Dataset:
    """Puppets as the recipes use them; keys are ``train/0``, ``val/1200000``, …

    Args:
        root: not needed, nothing lies anywhere.
        train: clips to train on, at most 120,000.
        val: clips to choose the best epoch by, at most 12,000.
        test: clips to test on, at most 12,000.

    Raises:
        DatasetError: more clips than a split has.
    """
    parts = {
        part: _samples(part, count)
        for part, count in (("train", train), ("val", val), ("test", test))
    }

    def make_split(name: str) -> Split:
        return Split(name, parts["train"], parts["test"], parts["val"])

    return Dataset(
        name="puppets",
        kind="video",
        root=root or Path(),
        classes=tuple(ACTIONS),
        samples=tuple(sample for part in parts.values() for sample in part),
        protocols=("seeds",),
        make_split=make_split,
        coarse=COARSE,
        notes=("Puppets are made from their seeds; each has a video and a skeleton (ntu-25).",),
    )


def _samples(part: str, count: int) -> tuple[Sample, ...]:
    if not 0 <= count <= len(SPLITS[part]):
        raise DatasetError(
            f"puppets: {part} can have 0 to {len(SPLITS[part])} clips; got {count}, ask for fewer."
        )
    return tuple(
        Sample(key=f"{part}/{seed}", path=None, label=seed % len(ACTIONS))
        for seed in scene_seeds(part, count)
    )
