"""Small networks on puppets: of the weights that come with the project, and TMNet beside others.

TMNet's variants and rivals are trained as ``puppets/tmnet`` is, from the same frame CNN (inflated
where they are 3-D), so that they differ by the model alone. ResNet3D-18 sees pictures of half the
side, since it does without the pooling that halves the others' after their stem. (Started at random
it stayed at ln 12 for 750 steps.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actviz.learn.recipes.base import (
    ClipRecipe,
    MAMRecipe,
    MANRecipe,
    Recipe,
    TMNetRecipe,
    TSNRecipe,
)

__all__ = ["RECIPES"]

_CLIPS: dict[str, Any] = {"train_clips": 2400, "val_clips": 240, "test_clips": 600}
_SMALL: dict[str, Any] = _CLIPS | {
    "backbone": "resnet18_narrow",
    "width": 16,
    "input_size": 112,
    "sampling": "even",
    "augment": "mild",
}
_BACKBONE = TSNRecipe(
    **_SMALL,
    name="puppets/backbone",
    model="tsn",
    summary="A narrow ResNet-18 as TSN on puppet frames: the frame CNN of MAM and TMNet.",
    seed=2,  # from scratch 0 and 1 sat on ln 12 for five epochs, 2 left it in the second
    frames=6,
    epochs=32,
    small_epochs=20,
    dropout=0.2,  # TSN's 0.8 is for 2048 features
    optimiser="adamw",
    learning_rate=0.002,
    weight_decay=0.02,
    warmup=100,
)
_FLOW: dict[str, Any] = {
    "modality": "flow",
    "flow_length": 5,  # TSN's stacks
    "train_clips": 1200,  # a clip's flow takes 0.3 s and 1.4 MB
}
_BACKBONE_FLOW = TSNRecipe(
    **(_SMALL | _FLOW),
    name="puppets/backbone-flow",
    model="tsn",
    summary="The same network on the puppets' optical flow, begun from the one on frames.",
    start_from="tsn",  # by the mean over colours of its first layer (cross-modality)
    frames=6,
    epochs=32,
    small_epochs=20,
    dropout=0.2,
    optimiser="adamw",
    learning_rate=0.002,
    weight_decay=0.02,
    warmup=100,
)
_MAM = MAMRecipe(
    **_SMALL,
    name="puppets/mam",
    model="mam",
    summary="MAM end to end from the frame CNN of puppets/backbone.",
    start_from="tsn",
    backbone_rate=0.4,
    memory_dim=128,
    hidden_dim=128,
    controller_dim=64,
    frames=16,
    epochs=8,
    batch_size=16,
    optimiser="adamw",
    learning_rate=0.0008,
    weight_decay=0.02,
    warmup=50,
)
_MAM_HEAD = MAMRecipe(
    **_SMALL,
    name="puppets/mam-head",
    model="mam",
    summary="MAM's memory and controller alone, on frozen features of puppets/backbone; 3 seeds.",
    start_from="tsn",
    freeze_backbone=True,
    memory_dim=128,
    hidden_dim=128,
    controller_dim=64,
    frames=24,
    epochs=25,
    optimiser="adamw",
    learning_rate=0.0003,
    weight_decay=0.01,
    repeats=3,
)
_MAM_HEAD_FLOW = replace(
    _MAM_HEAD,
    **_FLOW,
    name="puppets/mam-head-flow",
    summary="MAM's temporal stream: the same on frozen features of puppets/backbone-flow; 3 seeds.",
    start_from="tsn-flow",
)
_AS_TMNET: dict[str, Any] = _SMALL | {
    "start_from": "tsn",
    "frames": 8,
    "epochs": 8,
    "batch_size": 16,
    "optimiser": "adamw",
    "learning_rate": 0.0005,
    "weight_decay": 0.02,
    "warmup": 50,
}
_TMNET = TMNetRecipe(
    **_AS_TMNET,
    name="puppets/tmnet",
    model="tmnet",
    summary="TMNet-2D, two stages shared and two of each branch's own, on puppet frames.",
)
_TMNET_3D_A = replace(
    _TMNET,
    name="puppets/tmnet-3d-a",
    summary="TMNet-3D-A: a 3-D classification branch over puppet frames, one glance without it.",
    variant="3d-a",
    backbone_3d="slowonly18_narrow",
    test_views="glance",
)
_TMNET_3D_B = replace(
    _TMNET_3D_A,
    name="puppets/tmnet-3d-b",
    summary="TMNet-3D-B: a 3-D backbone over puppet frames too.",
    variant="3d-b",
)
_BESIDE_TMNET: tuple[Recipe, ...] = (
    TSNRecipe(
        **(_AS_TMNET | {"frames": 3}),
        name="puppets/tmnet-tsn",
        model="tsn",
        summary="The TSN of TMNet's Table 1: three puppet frames.",
    ),
    ClipRecipe(
        **_AS_TMNET,
        name="puppets/tsm",
        model="tsm",
        summary="TSM on eight puppet frames: shifted channels, the mean answer.",
    ),
    ClipRecipe(
        **(_AS_TMNET | {"backbone": "i3d_resnet18_narrow"}),
        name="puppets/res-i3d",
        model="res_i3d",
        summary="Res-I3D: the narrow ResNet-18 inflated, on eight puppet frames.",
    ),
    ClipRecipe(
        **(_AS_TMNET | {"backbone": "r3d_18", "input_size": 56}),
        name="puppets/resnet3d18",
        model="resnet3d18",
        summary="ResNet3D-18 of few channels, on eight puppet frames.",
    ),
)
_MAN = MANRecipe(
    **_CLIPS,
    name="puppets/man",
    model="man",
    summary="MAN with nine convolutions on puppet skeletons.",
    frames=50,
    epochs=10,
    learning_rate=0.02,
    nesterov=True,
    weight_decay=2e-4,  # = Keras's L2 of 1e-4, on the kernels that have one
    warmup=50,
    repeats=3,
    speed=0.25,
    crop=0.08,
    scale=0.1,
    noise=0.02,
    hips_share=0.3,
)
RECIPES: tuple[Recipe, ...] = (
    *(_BACKBONE, _BACKBONE_FLOW),
    *(_MAM, _MAM_HEAD, _MAM_HEAD_FLOW),
    *(_TMNET, _TMNET_3D_A, _TMNET_3D_B, *_BESIDE_TMNET, _MAN),
)
