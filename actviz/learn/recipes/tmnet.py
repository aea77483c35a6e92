"""TMNet's recipes (Liu et al., IEEE Access 2020), the TSN of its Table 1, the rivals of Figure 3.

Stated in the paper: 16 frames two apart, resized to 256 x 256, crops of scales 1 to 0.5 at 224,
mirroring, rate 0.01, a tenth after 10,000 and 16,000 of 24,000 iterations, alpha 0.8; the key
frame from the middle third; two stages shared (Table 2); ResNet-18 in the ablations, 50 layers in
Table 5. It is silent on batch size, momentum, decay, dropout and where the networks start.
Ours: batch 32, 0.9, 5e-4, none in the branches, ImageNet weights (inflated for the 3-D kinds;
Table 5's 94.5 % needs Kinetics weights, given as a file), gradients clipped at 40.
One glance is one frame without augmentation, for 2-D and 3-D-A. 3-D-B's base is a 3-D network, of
which the regression branch replaces the heavy end alone: it is tested on the clip of 16 frames in
the middle (Table 5 says "16 frames"), by the mean of the branch's answers over them, which is ours.

TSM is trained on UCF101 as its authors' script has it (Lin et al., ICCV 2019): 8 segments, rate
0.001, a tenth after 10 and 20 of 25 epochs, batch 64, dropout 0.8, gradients clipped at 20, partial
batch normalisation, and from Kinetics weights, which ``--set weights=FILE`` gives; ImageNet's are
ours, and so is HMDB51 by the same script. The two 3-D networks see 8 frames (Figure 3: 3 × 8); how
they were trained nobody says, so that they follow TMNet's own schedule and differ by the model.
"""

from __future__ import annotations

from typing import Any

from actviz.learn.recipes.base import ClipRecipe, Recipe, TMNetRecipe, TSNRecipe

__all__ = ["RECIPES"]

_OURS = (
    *("val_share", "choose", "accumulate", "batch_size", "optimiser", "momentum", "weight_decay"),
    *("clip_norm", "dropout", "weights", "more_positions", "max_distort"),
)
_COMMON: dict[str, Any] = {
    "weights": "imagenet",
    "input_size": 224,
    "resize": "square",
    "scales": (1.0, 0.875, 0.75, 0.66, 0.5),
    "more_positions": False,  # the five of its framework
    "learning_rate": 0.01,
    "schedule": "step",
    "milestones": (10000, 16000),
    "iterations": 24000,
    "batch_size": 32,
    "clip_norm": 40.0,
    "weight_decay": 5e-4,
}
_KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("tmnet-2d", "TMNet-2D on ResNet-18, as in the paper's ablations.", {"backbone": "resnet18"}),
    (
        "tmnet-2d-resnet50",
        "TMNet-2D on ResNet-50, as in the paper's Table 5.",
        {"backbone": "resnet50", "accumulate": 4},
    ),
    (
        "tmnet-3d-a",
        "TMNet-3D-A: a 3-D classification branch, one glance through 2-D layers alone.",
        {"variant": "3d-a", "backbone": "resnet50", "backbone_3d": "slowonly50", "accumulate": 4},
    ),
    (
        "tmnet-3d-b",
        "TMNet-3D-B: a 3-D backbone too, whose heavy end the regression branch replaces.",
        {
            **{"variant": "3d-b", "backbone": "resnet50", "backbone_3d": "slowonly50"},
            **{"accumulate": 8, "test_views": "centre"},
        },
    ),
)


def _tmnet(data: str, name: str, summary: str, own: dict[str, Any]) -> TMNetRecipe:
    return TMNetRecipe(
        name=f"{data}/{name}",
        model="tmnet",
        summary=summary,
        ours=_OURS if own.get("variant") != "3d-b" else (*_OURS, "test_views"),
        data=data,
        frames=16,
        sampling="strided",
        stride=2,
        alpha=0.8,
        key="middle",
        base_stages=2,
        **(_COMMON | {"test_views": "glance"} | own),
    )


def _tsn(data: str) -> TSNRecipe:
    return TSNRecipe(
        name=f"{data}/tmnet-tsn",
        model="tsn",
        summary="The TSN of TMNet's Table 1: ResNet-18, three frames.",
        ours=_OURS,
        data=data,
        backbone="resnet18",
        frames=3,
        sampling="tsn",
        test_views="10-crop",
        **_COMMON,
    )


_TSM_STEPS = {"ucf101": 149, "hmdb51": 56}  # of 64 clips in an epoch of a training split


def _tsm(data: str) -> ClipRecipe:
    epoch = _TSM_STEPS[data]
    return ClipRecipe(
        name=f"{data}/tsm",
        model="tsm",
        summary="TSM on ResNet-50, eight frames: shifted channels, the mean answer.",
        ours=("val_share", "choose", "accumulate", "weights", "tsn_groups", "test_views"),
        data=data,
        backbone="resnet50",
        weights="imagenet",
        frames=8,
        sampling="tsn",
        scales=(1.0, 0.875, 0.75, 0.66),
        partial_bn=True,
        tsn_groups=True,
        dropout=0.8,
        learning_rate=0.001,
        schedule="step",
        milestones=(10 * epoch, 20 * epoch),
        iterations=25 * epoch,
        batch_size=64,
        accumulate=4,
        clip_norm=20.0,
        weight_decay=5e-4,
        test_views="centre",
    )


def _clip_net(data: str, name: str, model: str, summary: str, own: dict[str, Any]) -> ClipRecipe:
    return ClipRecipe(
        name=f"{data}/{name}",
        model=model,
        summary=summary,
        ours=(*_OURS, "stride", "schedule", "learning_rate", "milestones", "iterations", "scales"),
        data=data,
        frames=8,
        sampling="strided",
        test_views="10-crop",
        **(_COMMON | own),
    )


def _clip_nets(data: str) -> tuple[ClipRecipe, ...]:
    inflated = {"backbone": "i3d_resnet50", "stride": 8, "dropout": 0.5, "accumulate": 4}
    small = {"backbone": "r3d_18", "weights": "kinetics400", "stride": 4, "input_size": 112}
    return (
        _clip_net(data, "res-i3d", "res_i3d", "Res-I3D: an inflated ResNet-50.", inflated),
        _clip_net(
            data,
            "resnet3d18",
            "resnet3d18",
            "ResNet3D-18, as torchvision has it, from its Kinetics weights.",
            small | {"side": 128},
        ),
    )


RECIPES: tuple[Recipe, ...] = tuple(
    recipe
    for data in ("ucf101", "hmdb51")
    for recipe in (
        _tsn(data),
        *(_tmnet(data, *kind) for kind in _KINDS),
        *(_tsm(data), *_clip_nets(data)),
    )
)
