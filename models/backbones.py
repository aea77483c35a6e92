"""Frame CNNs, each cut into a stem and four stages, that every model here builds upon.

The networks are torchvision's, so that its ImageNet weights load; ``resnet18_narrow`` is a
ResNet-18 with fewer channels, for weights small enough to come with the project.

Where each network is cut. The maps that the five stages give are smaller than the frame by 2, 4,
8, 16, 32 (VGG16, MobileNetV2), by 4, 4, 8, 16, 32 (ResNet, whose stem holds a pooling; the narrow
one ends at 16), or by about 4, 8, 16, 16, 16 (SqueezeNet 1.1: 55, 27, 13 of 224 pixels):

    ResNet          stem = conv1 to maxpool, stages = layer1 … layer4
    VGG16           stem = block 1 with its pooling, stages = blocks 2 … 5
    MobileNetV2     stem = features 0–1, stages = 2–3, 4–6, 7–13, 14–18 (by stride)
    SqueezeNet 1.1  stem = features 0–2, stages = 3–5, 6–8, 9–10, 11–12

The feature of a frame is the global average of the last stage; for VGG16 it is fc7 (4096), as in
the public TSN and VideoLSTM codes that MAM's baselines come from.

N frames · C channels · H, W frame size · h, w map size
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
import torchvision.models as tv
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

__all__ = ["BACKBONES", "FrameCNN", "Normalise", "build_backbone", "check_clip", "check_floating"]

BACKBONES = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "vgg16",
    "mobilenet_v2",
    "squeezenet1_1",
    "resnet18_narrow",
)
_NARROW_WIDTH = 16  # channels of stage 1; torchvision's ResNet-18 has 64
_MEAN = (0.485, 0.456, 0.406)  # ImageNet, RGB in [0, 1]
_STD = (0.229, 0.224, 0.225)


def check_floating(frames: Tensor) -> None:
    """Refuse integers: normalised as if they were in [0, 1], pixels 0-255 answer nonsense.

    Raises:
        TypeError: ``frames`` are not of a floating dtype.
    """
    if not frames.is_floating_point():
        kind = str(frames.dtype).removeprefix("torch.")
        raise TypeError(
            f"frames must be float in [0, 1]; got {kind}. Divide pixels by 255, as "
            "actviz.clip.model_frames does."
        )


def check_clip(frames: Tensor) -> None:
    """Refuse what is not a batch of clips (B, T, 3, H, W), float in [0, 1].

    Raises:
        ValueError: another shape, or no frame. TypeError: not of a floating dtype.
    """
    if frames.ndim != 5 or frames.shape[2] != 3 or not frames.numel():
        raise ValueError(
            "frames must have shape (B, T, 3, H, W) with values in [0, 1] and at least one "
            f"frame; got {tuple(frames.shape)}. Did you pass (B, 3, T, H, W)?"
        )
    check_floating(frames)


class Normalise(nn.Module):
    """Frames (..., 3, H, W) in [0, 1] to zero mean and unit variance over ImageNet."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        return (frames - self.mean) / self.std


class FrameCNN(nn.Module):
    """A 2-D CNN as five stages and a head.

    Attributes:
        normalise: frames in [0, 1] to what the first stage takes.
        stages: stem and four stages; ``stages[i]`` gives ``stage_channels[i]`` channels.
        head: maps of the last stage (N, C, h, w) -> (N, feature_dim).
    """

    def __init__(
        self,
        stages: list[nn.Module],
        *,
        stage_channels: tuple[int, ...],
        head: nn.Module | None = None,
        feature_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.stages = nn.ModuleList(stages)
        self.stage_channels = stage_channels
        self.feature_dim = feature_dim or stage_channels[-1]
        self.head = head or nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def maps(self, frames: Tensor) -> Tensor:
        """Maps of the last stage: (N, 3, H, W) in [0, 1] -> (N, C, h, w)."""
        if frames.ndim != 4 or frames.shape[1] != 3:
            raise ValueError(
                "frames must have shape (N, 3, H, W) with values in [0, 1]; "
                f"got {tuple(frames.shape)}. Flatten batch and time first."
            )
        check_floating(frames)
        maps = self.normalise(frames)
        for stage in self.stages:
            maps = stage(maps)
        return maps

    def forward(self, frames: Tensor) -> Tensor:
        """Frames (N, 3, H, W) in [0, 1] -> features (N, feature_dim)."""
        return self.head(self.maps(frames))


def build_backbone(
    name: str, *, width: int | None = None, weights: str | PathLike[str] | None = None
) -> FrameCNN:
    """Frame CNN by name.

    Args:
        name: one of ``BACKBONES``.
        width: channels of stage 1 of ``resnet18_narrow`` (default 16); for no other network.
        weights: None (random), "imagenet" (torchvision's own downloader, into torch's cache), or
            the path of a state-dict file in torchvision's naming or in ours.
    """
    if name not in BACKBONES:
        raise ValueError(f"backbone must be one of {', '.join(BACKBONES)}; got {name!r}.")
    if width is not None and (name != "resnet18_narrow" or width < 1):
        raise ValueError(
            f"width is the positive channel count of resnet18_narrow; got width={width} for "
            f'{name}. Leave width out, or use backbone="resnet18_narrow".'
        )
    if name == "resnet18_narrow" and weights == "imagenet":
        raise ValueError(
            "there are no ImageNet weights of resnet18_narrow; use resnet18, or a weights file."
        )
    if name == "resnet18_narrow":
        backbone = _narrow_resnet18(width or _NARROW_WIDTH)
        return backbone if weights is None else _load_ours(backbone, _read_state(weights), weights)
    if weights is None or weights == "imagenet":
        return _cut(name, _torchvision_net(name, imagenet=weights == "imagenet"))
    state = _read_state(weights)
    net = _torchvision_net(name, imagenet=False)
    if any(key.startswith("stages.") for key in state):
        return _load_ours(_cut(name, net), state, weights)
    _load_checked(net, state, weights, optional=("fc.", "classifier."))
    return _cut(name, net)


def _torchvision_net(name: str, *, imagenet: bool) -> nn.Module:
    """torchvision's network, its classification layer included."""
    if not imagenet:
        # SqueezeNet, MobileNetV2 and VGG16 draw their weights in their own ways: keep those.
        return tv.get_model(name, weights=None)
    try:
        return tv.get_model(name, weights="IMAGENET1K_V1")
    except (URLError, OSError) as error:
        raise ValueError(
            f"expected to download torchvision's ImageNet weights of {name}, but there is no "
            f"network ({error}); pass the path of a downloaded weights file, or weights=None."
        ) from error


def _cut(name: str, net: Any) -> FrameCNN:
    """Cut torchvision's network into the stem and four stages named at the top of this file."""
    if name.startswith("resnet"):
        stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        stages = [stem, net.layer1, net.layer2, net.layer3, net.layer4]
        last = net.fc.in_features  # 512 for basic blocks, 2048 for bottlenecks
        return FrameCNN(stages, stage_channels=(64, last // 8, last // 4, last // 2, last))
    ends, channels = {
        "vgg16": ((5, 10, 17, 24, 31), (64, 128, 256, 512, 512)),
        "mobilenet_v2": ((2, 4, 7, 14, 19), (16, 24, 32, 96, 1280)),
        "squeezenet1_1": ((3, 6, 9, 11, 13), (64, 128, 256, 384, 512)),
    }[name]
    starts = (0, *ends[:-1])
    stages = [net.features[a:b] for a, b in zip(starts, ends, strict=True)]
    if name != "vgg16":
        return FrameCNN(stages, stage_channels=channels)
    # classifier = fc6, ReLU, dropout, fc7, ReLU, dropout, fc8: stop after fc7's ReLU.
    head = nn.Sequential(net.avgpool, nn.Flatten(), *net.classifier[:5])
    return FrameCNN(stages, stage_channels=channels, head=head, feature_dim=4096)


def _narrow_resnet18(width: int) -> FrameCNN:
    """ResNet-18 with ``width`` channels in stage 1 instead of 64, from torchvision's own blocks.

    The last stage keeps its size (stride 1), so that maps of a 112-pixel frame are 7 × 7, as those
    of the papers' 224-pixel frames are.
    """
    strides = (1, 2, 2, 1)
    channels = (width, width, 2 * width, 4 * width, 8 * width)
    stem = nn.Sequential(
        nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    stages: list[nn.Module] = [stem]
    for before, after, stride in zip(channels[:-1], channels[1:], strides, strict=True):
        shortcut = None
        if stride != 1 or before != after:
            shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
            )
        first = BasicBlock(before, after, stride, shortcut)
        stages.append(nn.Sequential(first, BasicBlock(after, after)))
    backbone = FrameCNN(stages, stage_channels=channels)
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):  # as torchvision initialises its ResNets
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return backbone


def _read_state(path: str | PathLike[str]) -> dict[str, Tensor]:
    if not Path(path).is_file():
        raise ValueError(
            f'weights must be None, "imagenet" or the path of a state-dict file; got {path!r}, '
            "which is no file."
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file may raise anything at all
        raise ValueError(
            f"{path}: expected a state-dict file of tensors, as torch.save writes it; torch could "
            f"not read it ({type(error).__name__}). Save model.state_dict() anew."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f"{path}: expected a state dict (names to tensors) of a backbone.")
    return state


def _load_ours(backbone: FrameCNN, state: dict[str, Tensor], path: str | PathLike[str]) -> FrameCNN:
    _load_checked(backbone, state, path, optional=())
    return backbone


def _load_checked(
    net: nn.Module,
    state: dict[str, Tensor],
    path: str | PathLike[str],
    *,
    optional: tuple[str, ...],
) -> None:
    """Load ``state``; the last layer under an ``optional`` prefix may miss or differ in shape.

    Batch normalisation's counter of batches may miss too: files older than it load elsewhere.
    """
    own = net.state_dict()
    fits = {k: v for k, v in state.items() if k in own and v.shape == own[k].shape}
    wrong = [k for k in own if k not in fits] + [k for k in state if k not in own]
    # VGG16's fc6 and fc7 are under "classifier." too, and are features: only the last may miss.
    last = [k for k in own if k.startswith(optional)][-2:] if optional else []
    counters = [k for k in own if k.endswith(".num_batches_tracked") and k not in state]
    wrong = [k for k in wrong if k not in last and k not in counters]
    if wrong:
        raise ValueError(
            f"{path}: the weights do not fit this backbone; missing, unknown or of another shape: "
            f"{', '.join(wrong[:5])}{' …' if len(wrong) > 5 else ''} ({len(wrong)} in all)."
        )
    net.load_state_dict(fits, strict=False)
