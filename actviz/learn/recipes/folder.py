"""Recipes of ours for anyone's own clips: small, quick on two cores, from ImageNet weights.

``folder/tsn`` and ``folder/mam`` look at the clips once through a frozen frame CNN and train the
rest on what it saw, which takes minutes; ``--set freeze_backbone=false`` trains everything.
``folder/man`` and what it is compared with read skeletons, and are trained all in the same way.
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

# Chosen on other people than those that were tested (docs/datasets.md has the figures).
_SKELETONS: dict[str, Any] = {
    "data": "folder",
    "layout": "",  # the files' own
    "frames": 50,
    "epochs": 150,
    "batch_size": 16,
    "threads": 1,
    "optimiser": "adamw",
    "learning_rate": 0.002,
    "weight_decay": 0.05,
    "clip_norm": 1.0,
    "warmup": 24,
    # Held out, a fifth of five people would cost more than the choice of an epoch gains.
    "choose": "last",
    "val_share": 0.0,
    "scale": 0.15,
    "speed": 0.25,
    "crop": 0.1,
    "noise": 0.02,
    "mirror": 0.5,
}
_ON_SKELETONS: dict[str, tuple[str, dict[str, Any]]] = {
    "man": ("MAN with nine convolutions", {"norm_momentum": 0.1}),
    "stcm": ("MAN's nine convolutions alone", {"norm_momentum": 0.1}),
    "tarm": ("MAN's memory and attention alone, pooled over time", {}),
    "bgru": ("a bidirectional GRU over the rows that MAN sees", {"hidden": 128}),
    "skeleton_lstm": ("an LSTM over the rows that MAN sees", {"hidden": 128}),
    "stgcn": ("a light ST-GCN on the joints that MAN sees", {}),
}


def _skeletons(model: str) -> MANRecipe:
    title, own = _ON_SKELETONS[model]
    return MANRecipe(
        name=f"folder/{model.removeprefix('skeleton_')}",
        model=model,
        summary=f"Your own skeletons: {title}.",
        **(_SKELETONS | own),
    )


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
    *(_skeletons(model) for model in _ON_SKELETONS),
)
