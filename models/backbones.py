"""Frame CNNs, each cut into a stem and four stages, that every model here builds upon.

The networks are torchvision's, so that its ImageNet weights load; ``resnet18_narrow`` is a
ResNet-18 with fewer channels, for weights small enough to come with the project.

Where each network is cut. The maps that the five stages give are smaller than the frame by 2, 4,
8, 16, 32 (VGG16, MobileNets), by 4, 4, 8, 16, 32 (ResNet, ResNeXt and DenseNet, whose stem holds a
pooling; the narrow one ends at 16), or by about 4, 8, 16, 16, 16 (SqueezeNet 1.1: 55, 27, 13 of 224
pixels):

    ResNet, ResNeXt    stem = conv1 to maxpool, stages = layer1 … layer4
    VGG16              stem = block 1 with its pooling, stages = blocks 2 … 5
    DenseNet-161       stem = conv0 to pool0, stages = dense blocks 1 … 4 (a transition before each)
    MobileNetV2        stem = features 0–1, stages = 2–3, 4–6, 7–13, 14–18 (by stride)
    MobileNetV3 small  stem = feature 0, stages = 1, 2–3, 4–8, 9–12 (by stride)
    SqueezeNet 1.1     stem = features 0–2, stages = 3–5, 6–8, 9–10, 11–12

The feature of a frame is the global average of the last stage; for VGG16 it is fc7 (4096), as in
the public TSN and VideoLSTM codes that MAM's baselines come from. ``vgg16_pool5`` is VGG16 without
its three layers, the average of pool5 (512): MAM's paper leaves open which of the two it reads.

Optical flow enters as L consecutive fields, channels x, y, x, y, …: the first convolution takes 2L
channels, and RGB weights start it by their mean over the three (TSN). L = 1 is the single-flow
network of VideoLSTM, whose two-stream results MAM compares with.

N frames · L flow fields · C channels · H, W frame size · h, w map size
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import torch
import torchvision.models as tv
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from models.foreign import (
    fit_state,
    imagenet_state,
    read_state,
    refuse_misfit,
    to_torchvision_names,
    torchvision_name,
)
from models.frames import Normalise, channels_of, check_clip, check_floating, flow_words

__all__ = [
    "BACKBONES",
    "FrameCNN",
    "Normalise",
    "build_backbone",
    "check_clip",
    "check_floating",
    "load_weights",
    "to_stages",
]

BACKBONES = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "vgg16",
    "vgg16_pool5",
    "densenet161",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "squeezenet1_1",
    "resnet18_narrow",
)
_CUTS = {  # ends of the five stages in torchvision's ``features``, and the channels they give
    "vgg16": ((5, 10, 17, 24, 31), (64, 128, 256, 512, 512)),
    "densenet161": ((4, 5, 7, 9, 12), (96, 384, 768, 2112, 2208)),
    "mobilenet_v2": ((2, 4, 7, 14, 19), (16, 24, 32, 96, 1280)),
    "mobilenet_v3_small": ((1, 2, 4, 9, 13), (16, 16, 24, 48, 576)),
    "squeezenet1_1": ((3, 6, 9, 11, 13), (64, 128, 256, 384, 512)),
}
_BESIDE = ("fc.", "classifier.", "cls_head.", "head.", "neck.", "data_preprocessor.")
_NARROW_WIDTH = 16  # channels of stage 1; torchvision's ResNet-18 has 64


class FrameCNN(nn.Module):
    """A 2-D CNN as five stages and a head.

    Attributes:
        normalise: frames in [0, 1] to what the first stage takes.
        stages: stem and four stages; ``stages[i]`` gives ``stage_channels[i]`` channels.
        head: maps of the last stage (N, C, h, w) -> (N, feature_dim).
        flow_length: L where it takes flow (N, 2L, H, W) in place of frames (N, 3, H, W).
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
        self.flow_length: int | None = None
        self.head = head or nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def maps(self, frames: Tensor) -> Tensor:
        """Maps of the last stage: (N, 3, H, W) in [0, 1] -> (N, C, h, w)."""
        channels = channels_of(self.flow_length)
        if frames.ndim != 4 or frames.shape[1] != channels:
            raise ValueError(
                f"frames must have shape (N, {channels}, H, W) with values in [0, 1]"
                f"{flow_words(self.flow_length)}; got {tuple(frames.shape)}. Flatten batch and "
                "time first."
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
    name: str,
    *,
    width: int | None = None,
    weights: str | PathLike[str] | None = None,
    flow_length: int | None = None,
) -> FrameCNN:
    """Frame CNN by name.

    Args:
        name: one of ``BACKBONES``.
        width: channels of stage 1 of ``resnet18_narrow`` (default 16); for no other network.
        weights: None (random), "imagenet" (torchvision's own downloader, into torch's cache), or
            the path of a weights file of any kind that ``models.foreign`` knows. RGB weights start
            a flow network by the mean over the first convolution's channels (TSN).
        flow_length: L, consecutive flow fields of one snippet: the first convolution takes their
            2L channels. None: RGB frames.

    Raises:
        ValueError: an unknown name, arguments that do not go together, or weights that are not
            there, cannot be read or do not fit.
    """
    _check_arguments(name, width=width, weights=weights, flow_length=flow_length)
    cnn = _cut(name, _whole(name, width))
    if flow_length is not None:
        _take_flow(cnn, flow_length)
    if weights is not None:
        load_weights(cnn, name, weights)
    return cnn


def load_weights(net: nn.Module, name: str, weights: str | PathLike[str]) -> None:
    """Fill ``net``, the ``FrameCNN`` of that name or its 3-D inflation, as ``weights`` says."""
    imagenet = weights == "imagenet"
    source = f"ImageNet weights of {name}" if imagenet else str(weights)
    state = imagenet_state(name) if imagenet else read_state(weights)
    stages, _, kind = to_stages(state, name, source=source)
    own = net.state_dict()
    refuse_misfit(source, unknown=[key for key in stages if key not in own])
    called = {} if kind == "ours" else {ours: theirs for theirs, ours in _stage_names(name).items()}
    net.load_state_dict(fit_state(stages, own, source=source, called=called), strict=False)


def to_stages(
    state: Mapping[str, Tensor], name: str, *, source: str = "weights"
) -> tuple[dict[str, Tensor], dict[str, Tensor], str]:
    """A state dict of any naming that ``models.foreign`` knows in the names of ``FrameCNN``.

    Args:
        state: of a backbone or of a whole model; wrappers' prefixes may stand before its names.
        name: one of ``BACKBONES``.
        source: what errors call it.

    Returns:
        the backbone's part, the last layer's ("weight", "bias"; empty where there is none) and
        the kind of naming, as ``to_torchvision_names`` says it.

    Raises:
        ValueError: it holds layers that a network of that name has not.
    """
    with torch.device("meta"):
        net = _whole(name)
    state, kind = to_torchvision_names(state, net)
    known = list(net.state_dict())
    if kind == "ours":
        last = "classifier."
        # An own VGG16's fc6 and fc7 are what ``vgg16_pool5`` does without.
        parts = ("stages.",) if name == "vgg16_pool5" else ("stages.", "head.")
        stages = {k: v for k, v in state.items() if k.startswith(parts)}
    else:
        last = known[-1].rpartition(".")[0] + "."
        unknown = [k for k in state if k not in known and not k.startswith(_BESIDE)]
        refuse_misfit(source, unknown=unknown)
        names = _stage_names(name)
        stages = {names[k]: v for k, v in state.items() if k in names}
    layer = {k.removeprefix(last): v for k, v in state.items() if k.startswith(last)}
    return stages, layer, kind


def _check_arguments(
    name: str,
    *,
    width: int | None,
    weights: str | PathLike[str] | None,
    flow_length: int | None,
) -> None:
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
    if flow_length is not None and flow_length < 1:
        raise ValueError(
            "flow_length must be the positive number of flow fields in a snippet, or None for RGB "
            f"frames; got {flow_length}."
        )


def _whole(name: str, width: int | None = None) -> nn.Module:
    """The network with its classification layer, at random weights, by torchvision's names."""
    if name == "resnet18_narrow":
        return _NarrowResNet18(width or _NARROW_WIDTH)
    # SqueezeNet, MobileNet and VGG16 draw their weights in their own ways: those are kept.
    return tv.get_model(torchvision_name(name), weights=None)


def _stage_names(name: str) -> dict[str, str]:
    """torchvision's names -> ours, of all that both hold: they are the same tensors."""
    with torch.device("meta"):
        net = _whole(name)
    theirs = net.state_dict(keep_vars=True)
    ours = {id(value): key for key, value in _cut(name, net).state_dict(keep_vars=True).items()}
    return {key: ours[id(value)] for key, value in theirs.items() if id(value) in ours}


def _take_flow(cnn: FrameCNN, length: int) -> None:
    """Let the first convolution take 2L channels of flow, normalised as flow is."""
    stem = cnn.stages[0]
    name = next(n for n, m in stem.named_modules() if isinstance(m, nn.Conv2d))
    old = stem.get_submodule(name)
    assert isinstance(old, nn.Conv2d)
    new = nn.Conv2d(
        2 * length,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    parent, _, child = name.rpartition(".")
    setattr(stem.get_submodule(parent), child, new)
    cnn.normalise, cnn.flow_length = Normalise(flow=True), length


def _cut(name: str, net: Any) -> FrameCNN:
    """Cut torchvision's network into the stem and four stages named at the top of this file."""
    if name.startswith("resne"):
        stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        stages = [stem, net.layer1, net.layer2, net.layer3, net.layer4]
        first, last = net.conv1.out_channels, net.fc.in_features
        return FrameCNN(stages, stage_channels=(first, last // 8, last // 4, last // 2, last))
    ends, channels = _CUTS[torchvision_name(name)]
    starts = (0, *ends[:-1])
    stages = [net.features[a:b] for a, b in zip(starts, ends, strict=True)]
    if name == "densenet161":
        stages[-1].add_module("relu5", nn.ReLU())  # torchvision has it in ``forward``
    if name != "vgg16":
        return FrameCNN(stages, stage_channels=channels)
    # classifier = fc6, ReLU, dropout, fc7, ReLU, dropout, fc8: stop after fc7's ReLU.
    head = nn.Sequential(net.avgpool, nn.Flatten(), *net.classifier[:5])
    return FrameCNN(stages, stage_channels=channels, head=head, feature_dim=4096)


class _NarrowResNet18(nn.Module):
    """ResNet-18 with ``width`` channels in stage 1 instead of 64, from torchvision's own blocks.

    The last stage keeps its size (stride 1), so that maps of a 112-pixel frame are 7 × 7, as those
    of the papers' 224-pixel frames are.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = (width, width, 2 * width, 4 * width, 8 * width)
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _two_blocks(before, after, stride=stride)
            for before, after, stride in zip(channels, channels[1:], (1, 2, 2, 1), strict=False)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as torchvision initialises its ResNets
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        # Never used: it is there for its name. Without storage it draws no random numbers.
        self.fc = nn.Linear(channels[-1], 1, device="meta")


def _two_blocks(before: int, after: int, *, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != after:
        shortcut = nn.Sequential(
            nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
        )
    return nn.Sequential(BasicBlock(before, after, stride, shortcut), BasicBlock(after, after))
