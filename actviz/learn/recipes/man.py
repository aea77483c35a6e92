"""MAN's recipes (Xie et al., IJCAI 2018) for each skeleton set, after the authors' published code.

Published, for NTU RGB+D at 50 x 50: SGD with Nesterov's momentum 0.9, rate 0.01, batch 128, 50
epochs, a fifth of the rate after five epochs without a better loss (three of rest, never below
1e-4), L2 of 1e-4 on kernels (2e-4 as weight decay), no augmentation, no clipping, and the epoch
chosen by the *test* set. Here the epoch is chosen on validation; ``--set choose=test`` does as they
did, and the card then says so.
Ours: the other sets take the same recipe at batch 16, since 128 leaves UT-Kinect two updates an
epoch; DenseNet-161's schedule was never published, so it takes the same one at batch 32.
"""

from __future__ import annotations

from typing import Any

from actviz.learn.recipes.base import MANRecipe, Recipe

__all__ = ["RECIPES"]

_PUBLISHED: dict[str, Any] = {
    "epochs": 50,
    "learning_rate": 0.01,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 2e-4,
    "clip_norm": 0.0,
    "schedule": "plateau",
    "plateau_factor": 0.2,
    "plateau_patience": 5,
    "plateau_cooldown": 3,
    "least_rate": 1e-4,
    "cell": "keras",
    "layout": "",  # the data set's own
}
_SETS = {"ntu": "NTU RGB+D", "utkinect": "UT-Kinect", "sysu": "SYSU 3DHOI", "hdm05": "HDM05"}


_OURS = ("val_share", "choose", "accumulate")
_SCHEDULE = ("batch_size", "epochs", "learning_rate", "momentum", "nesterov", "schedule")


def _nine(data: str) -> MANRecipe:
    return MANRecipe(
        name=f"{data}/man",
        model="man",
        summary=f"MAN with nine convolutions on {_SETS[data]}, 50 rows.",
        ours=_OURS if data == "ntu" else (*_OURS, "frames", *_SCHEDULE),
        data=data,
        frames=50,
        hidden=64,
        batch_size=128 if data == "ntu" else 16,
        **_PUBLISHED,
    )


def _densenet(data: str) -> MANRecipe:
    return MANRecipe(
        name=f"{data}/man-densenet161",
        model="man",
        summary=f"MAN with DenseNet-161 on {_SETS[data]}, 224 rows; wants a GPU.",
        ours=(*_OURS, *_SCHEDULE) if data == "ntu" else (*_OURS, "frames", *_SCHEDULE),
        data=data,
        frames=224,
        hidden=128,
        stcm="densenet161",
        weights="imagenet",
        batch_size=32 if data == "ntu" else 16,
        **_PUBLISHED,
    )


RECIPES: tuple[Recipe, ...] = tuple(make(data) for data in _SETS for make in (_nine, _densenet))
