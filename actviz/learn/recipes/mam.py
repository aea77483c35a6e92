"""MAM's recipes (Yuan et al., AAAI 2019) and TSN's, from which its ``-tsn`` kinds grow.

Stated in the paper: SGD, batch 64, momentum 0.9, clipping 20; spatial rate 1e-3, a tenth every
6,000 of 18,000 iterations; temporal 5e-3, a tenth after 48,000 and 72,000 of 80,000; ImageNet
weights, corner crops, scale jitter and mirroring as TSN has them; two streams trained apart and
averaged. It is silent on T, dropout, weight decay, batch normalisation and the flow stack's length.
Ours, and why:

    T            6 for the TSN kinds (its Figure 3 shows six frames), 30 without (VideoLSTM's), one
                 drawn from each of 30 equal parts: TSN's rule takes the first frame 30 times of
                 clips with fewer
    dropout      TSN's 0.8 on RGB and 0.7 on flow; VideoLSTM's 0.5 without TSN
    decay, BN    TSN's 5e-4, all batch normalisation but the first frozen, biases at twice the rate
    VGG16        fc7 (4096), as TSN's and VideoLSTM's codes read it; pool5 (512, the mean over its
                 map) by --set backbone=vgg16_pool5
    flow         TSN's stacks of five; without TSN a single field, as VideoLSTM's VGG16 has
    accumulate   parts of a batch of 64 that fit a GPU of 24 GB
"""

from __future__ import annotations

from typing import Any

from actviz.learn.recipes.base import MAMRecipe, Recipe, TSNRecipe

__all__ = ["RECIPES"]

_MODALITIES = ("rgb", "flow")
_FLOW_SCALES = (1.0, 0.875, 0.75)  # TSN's for flow; its RGB adds 0.66
_TSN_NETWORK: dict[str, Any] = {
    "weights": "imagenet",  # flow: the mean over colours of its first layer (cross-modality)
    "partial_bn": True,
    "tsn_groups": True,
    "sampling": "tsn",
    "schedule": "step",
    "weight_decay": 5e-4,
    "test_views": "25x10",
}
_HERE = ("val_share", "choose", "accumulate")
_MAM_OURS = (
    *_HERE,
    *("frames", "dropout", "weight_decay", "partial_bn", "tsn_groups", "flow_length"),
    *("memory_dim", "hidden_dim", "controller_dim", "output_bias"),
)
_MAM_SCHEDULES: dict[str, dict[str, Any]] = {
    "rgb": {"learning_rate": 1e-3, "milestones": (6000, 12000), "iterations": 18000},
    "flow": {"learning_rate": 5e-3, "milestones": (48000, 72000), "iterations": 80000},
}
# TSN's published solvers: (modality, data set) -> rate, milestones, iterations; batch 128
_TSN_SCHEDULES: dict[tuple[str, str], dict[str, Any]] = {
    ("rgb", "ucf101"): {"milestones": (1500, 3000), "iterations": 3500},
    ("rgb", "hmdb51"): {"milestones": (1000, 2000), "iterations": 2500},
    ("flow", "ucf101"): {"milestones": (10000, 16000), "iterations": 18000},
    ("flow", "hmdb51"): {"milestones": (4000, 6000), "iterations": 7000},
}


def _seen(modality: str, *, flow_length: int = 5) -> dict[str, Any]:
    """What a stream sees, and how it is varied."""
    if modality == "rgb":
        return {"modality": "rgb"}
    return {"modality": "flow", "flow_length": flow_length, "scales": _FLOW_SCALES}


def _mam(data: str, backbone: str, modality: str, *, tsn: bool) -> MAMRecipe:
    heavy = backbone == "vgg16" and not tsn
    own: dict[str, Any] = {
        "frames": 6 if tsn else 30,
        "dropout": {"rgb": 0.8, "flow": 0.7}[modality] if tsn else 0.5,
        "partial_bn": tsn,
        "tsn_groups": tsn,
        "accumulate": 16 if heavy else 8 if tsn else 32,
        "sampling": "tsn" if tsn else "even",
    }
    title = {"vgg16": "VGG16", "resnet101": "ResNet-101"}[backbone]
    stream = {"rgb": "spatial", "flow": "temporal"}[modality]
    return MAMRecipe(
        name=f"{data}/mam-{backbone}{'-tsn' if tsn else ''}-{modality}",
        model="mam",
        summary=f"MAM's {stream} stream on {title}{' with TSN' if tsn else ''}, as published.",
        ours=_MAM_OURS if tsn else (*_MAM_OURS, "sampling"),
        data=data,
        backbone=backbone,
        batch_size=64,
        clip_norm=20.0,
        **_seen(modality, flow_length=5 if tsn else 1),
        **_MAM_SCHEDULES[modality],
        **(_TSN_NETWORK | own),
    )


def _tsn(data: str, modality: str) -> TSNRecipe:
    rgb = modality == "rgb"
    return TSNRecipe(
        name=f"{data}/tsn-{modality}",
        model="tsn",
        summary=f"TSN on {'RGB' if rgb else 'flow'}, three segments, its published schedule.",
        ours=(*_HERE, "backbone"),  # published on BN-Inception; MAM compares with its ResNet-101
        data=data,
        backbone="resnet101",
        frames=3,
        batch_size=128,
        accumulate=8,
        learning_rate=1e-3 if rgb else 5e-3,
        clip_norm=40.0 if rgb else 20.0,
        dropout=0.8 if rgb else 0.7,
        **_seen(modality),
        **_TSN_SCHEDULES[modality, data],
        **_TSN_NETWORK,
    )


RECIPES: tuple[Recipe, ...] = tuple(
    recipe
    for data in ("ucf101", "hmdb51")
    for recipe in (
        *(_tsn(data, modality) for modality in _MODALITIES),
        *(
            _mam(data, backbone, modality, tsn=tsn)
            for backbone in ("vgg16", "resnet101")
            for tsn in (False, True)
            for modality in _MODALITIES
        ),
    )
)
