"""MAN and what it is compared with on puppet skeletons: a grid small enough for two cores.

On all 2,400 training clips of ``actviz train puppets/man`` every network is right on nearly every
clip, so that nothing could be compared. Here they have 360 clips, and all else alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actviz.experiments.base import Ask
from actviz.experiments.keeping import Wanted
from actviz.experiments.mam.grid import clip_limits
from actviz.experiments.man.folds import FAST
from actviz.experiments.man.recordings import MAN, STCM

__all__ = ["ROWS", "SMALL", "how", "on_puppets"]

ROWS = {
    MAN: "puppets/man",
    STCM: "puppets/stcm",
    "TARM alone": "puppets/tarm",
    "BGRU": "puppets/bgru",
    "ST-GCN": "puppets/stgcn",
}
SMALL: dict[str, Any] = FAST | {
    "choose": "last",
    "train_clips": 360,
    "val_clips": 12,
    "test_clips": 300,
    "epochs": 16,
    "batch_size": 16,
}
_HOW = (
    "Puppets: {train} clips to train on and {test} of other actors to test on, {epochs} epochs at "
    "batch {batch}, the last one reported. MAN and STCM alone: SGD; the others: AdamW, cosine "
    "schedule. All are trained with the recipes' variations: pace up to 25 %, up to 8 % cut from "
    "each end, size up to 10 %, noise up to 2 cm, three clips in ten centred on the hips "
    "beside the four that come so. All in bf16-mixed."
)


def on_puppets(
    recipe: str, ask: Ask, seeds: Sequence[int], settings: Mapping[str, Any] | None = None
) -> dict[int, Wanted]:
    """Seed -> its training."""
    own = [clip_limits(recipe, ask, {**SMALL, **(settings or {}), "seed": s}) for s in seeds]
    return {seed: Wanted(recipe, one) for seed, one in zip(seeds, own, strict=True)}


def how(ask: Ask) -> str:
    """How the networks came about, in words."""
    shown = clip_limits(ROWS[MAN], ask, SMALL)
    named = {"train": "train_clips", "test": "test_clips", "epochs": "epochs"}
    return _HOW.format(batch=shown["batch_size"], **{k: f"{shown[v]:,}" for k, v in named.items()})
