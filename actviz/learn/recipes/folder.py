"""Recipes of ours for anyone's own clips: small, quick on two cores, from ImageNet weights.

``folder/tsn`` and ``folder/mam`` look at the clips once through a frozen frame CNN and train the
rest on what it saw, which takes minutes; ``--set freeze_backbone=false`` trains everything.
"""

from __future__ import annotations

from typing import Any

from actviz.learn.recipes.base import MAMRecipe, MANRecipe, Recipe, TMNetRecipe, TSNRecipe

__all__ = ["RECIPES"]

_OWN: dict[str, Any] = {
    "data": "folder",
    "val_share": 0.15,
    "optimiser": "adamw",
}
_PICTURES: dict[str, Any] = _OWN | {"backbone": "resnet18", "weights": "imagenet", "warmup": 20}
_FROZEN: dict[str, Any] = _PICTURES | {
    "freeze_backbone": True,
    "sampling": "even",
    "stored_frames": 16,
    "views": 2,
    "dropout": 0.5,
    "learning_rate": 0.001,
    "weight_decay": 0.01,
    "batch_size": 16,
}

RECIPES: tuple[Recipe, ...] = (
    TSNRecipe(
        name="folder/tsn",
        model="tsn",
        summary="Your own videos: the mean answer of frames, on a frozen frame CNN.",
        frames=8,
        epochs=40,
        **_FROZEN,
    ),
    MAMRecipe(
        name="folder/mam",
        model="mam",
        summary="Your own videos: MAM's memory on a frozen frame CNN.",
        frames=12,
        epochs=60,
        memory_dim=128,
        hidden_dim=128,
        controller_dim=64,
        **_FROZEN,
    ),
    TMNetRecipe(
        name="folder/tmnet",
        model="tmnet",
        summary="Your own videos: TMNet-2D end to end, one glance; the slowest of the three.",
        frames=4,
        input_size=160,
        side=182,
        epochs=8,
        batch_size=8,
        learning_rate=0.0003,
        weight_decay=0.02,
        backbone_rate=0.3,
        test_views="glance",
        **_PICTURES,
    ),
    MANRecipe(
        name="folder/man",
        model="man",
        summary="Your own skeletons: MAN with nine convolutions.",
        layout="",
        frames=50,
        epochs=60,
        batch_size=16,
        learning_rate=0.002,
        weight_decay=2e-4,
        turn=15.0,
        scale=0.1,
        speed=0.2,
        crop=0.08,
        noise=0.01,
        **_OWN,
    ),
)
