"""Clip CNNs with one linear layer: Res-I3D and ResNet3D-18, whole 3-D networks beside TMNet.

    Res-I3D      Joao Carreira, Andrew Zisserman, Quo Vadis, Action Recognition? A New Model and the
                 Kinetics Dataset, CVPR 2017, https://arxiv.org/abs/1705.07750: a ResNet-50 whose
                 kernels are inflated, as ``models.backbones3d`` says
    ResNet3D-18  Du Tran, Heng Wang, Lorenzo Torresani, Jamie Ray, Yann LeCun, Manohar Paluri, A
                 Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018,
                 https://arxiv.org/abs/1711.11248: "R3D", kernels of 3 × 3 × 3 throughout, built of
                 torchvision's blocks, so that its Kinetics weights load

    F = mean over time and space of the last maps,   logits = FC(F)

TMNet's Figure 3 names both, and of neither more than "3 × 8 frames". A stage 1 of fewer channels
(``width``) makes them small enough to be trained in minutes; all else stays.

B batch · T frames · C channels · h, w map size · T' steps that are left of T · K classes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.video import r3d_18
from torchvision.models.video.resnet import BasicBlock

from models.backbones import FrameCNN
from models.backbones3d import ClipCNN, ClipConv3d, build_backbone_3d
from models.foreign import (
    fit_state,
    kinetics_state,
    read_state,
    refuse_misfit,
    to_torchvision_names,
)
from models.frames import Normalise

__all__ = ["ClipNet", "ClipNetOutput", "ResI3D", "ResNet3D18", "clip_net_loss"]

_R3D_WIDTH = 64  # channels of torchvision's stage 1
_FLAT = re.compile(r"^(stages\.[1-4]\.\d\.)(conv|bn)(\d)\.")  # in a block of a 2-D ResNet
_BESIDE = ("fc.", "classifier.")  # of a whole model's file, beside the network


@dataclass(frozen=True)
class ClipNetOutput:
    """The clip's answer."""

    logits: Tensor  # (B, K), before softmax
    maps: Tensor  # (B, C, T', h, w), of the last stage


class ClipNet(nn.Module):
    """A clip CNN, averaged over time and space, and one linear layer."""

    def __init__(self, backbone: ClipCNN, num_classes: int, *, dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(backbone.feature_dim, num_classes)
        nn.init.normal_(self.classifier.weight, std=0.01)  # as both are initialised
        nn.init.zeros_(self.classifier.bias)

    def forward(self, frames: Tensor) -> ClipNetOutput:
        """Frames (B, T, 3, H, W) in [0, 1]."""
        maps = self.backbone.maps(frames)  # (B, C, T', h, w)
        feature = self.dropout(maps.mean((-3, -2, -1)))  # (B, C)
        return ClipNetOutput(logits=self.classifier(feature), maps=maps)


class ResI3D(ClipNet):
    """Inflated ResNet.

    Args:
        num_classes: K.
        backbone: name of an inflated network (``models.backbones3d``).
        width: channels of the narrow ones' first stage.
        weights: None, "imagenet" (inflated) or a file, of 2-D or 3-D kernels.
        dropout: on the feature.
        flow_length: L, flow fields of one snippet. None: RGB frames.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "i3d_resnet50",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        dropout: float = 0.0,
        flow_length: int | None = None,
    ) -> None:
        cnn = build_backbone_3d(backbone, width=width, weights=weights, flow_length=flow_length)
        super().__init__(cnn, num_classes, dropout=dropout)


class ResNet3D18(ClipNet):
    """R3D-18.

    Args:
        num_classes: K.
        backbone: "r3d_18", as torchvision calls it.
        width: channels of stage 1; torchvision's 64.
        weights: None, "kinetics400" (torchvision's own downloader, into torch's cache) or a file.
        dropout: on the feature.

    Raises:
        ValueError: another name, or weights that are not there or do not fit.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "r3d_18",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        dropout: float = 0.0,
    ) -> None:
        if backbone != "r3d_18" or (width is not None and width < 1):
            raise ValueError(
                'resnet3d18 has the backbone "r3d_18" and a positive width; '
                f"got {backbone!r} and width={width}."
            )
        cnn = _r3d18(width or _R3D_WIDTH)
        if weights is not None:
            _load_r3d18(cnn, weights)
        super().__init__(cnn, num_classes, dropout=dropout)

    def load_backbone(self, state: Mapping[str, Tensor]) -> None:
        """Start from a 2-D ResNet-18 (a ``FrameCNN``'s state dict), inflated as I3D is.

        It sees twice as fine as that one does, which pools after its stem: half the pixels suit it.
        """
        _fill(self.backbone, {_in_r3d18(name): v for name, v in state.items()}, source="backbone")


def clip_net_loss(output: ClipNetOutput, target: Tensor) -> Tensor:
    """Cross entropy with the clip's class (B,)."""
    return F.cross_entropy(output.logits, target)


def _r3d18(width: int) -> ClipCNN:
    """torchvision's R3D-18 at any width, as stem and four stages."""
    stem = nn.Sequential(
        ClipConv3d(3, width, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False),
        nn.BatchNorm3d(width),
        nn.ReLU(inplace=True),
    )
    channels = (width, width, 2 * width, 4 * width, 8 * width)
    strides = (1, 2, 2, 2)
    stages: list[nn.Module] = [stem]
    for before, after, stride in zip(channels, channels[1:], strides, strict=False):
        stages.append(_two_blocks(before, after, stride=stride))
    cnn = FrameCNN(stages, stage_channels=channels)
    for module in cnn.modules():
        if isinstance(module, nn.Conv3d):  # as torchvision initialises it
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    cnn.normalise = Normalise(kinetics=True)
    return ClipCNN(cnn)


def _two_blocks(before: int, after: int, *, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != after:
        shortcut = nn.Sequential(
            nn.Conv3d(before, after, 1, stride=stride, bias=False), nn.BatchNorm3d(after)
        )
    return nn.Sequential(
        BasicBlock(before, after, _conv, stride, shortcut), BasicBlock(after, after, _conv)
    )


def _conv(before: int, after: int, _: int | None = None, stride: int = 1) -> nn.Module:
    """torchvision's ``Conv3DSimple``; what it does not use is asked of all its kind."""
    return ClipConv3d(before, after, 3, stride=stride, padding=1, bias=False)


def _load_r3d18(cnn: ClipCNN, weights: str | PathLike[str]) -> None:
    kinetics = weights == "kinetics400"
    source = "Kinetics weights of r3d_18" if kinetics else str(weights)
    state = kinetics_state("r3d_18") if kinetics else read_state(weights)
    _fill(cnn, _to_stages(state), source=source)


def _fill(cnn: ClipCNN, stages: Mapping[str, Tensor], *, source: str) -> None:
    own = cnn.state_dict()
    refuse_misfit(source, unknown=[name for name in stages if name not in own])
    cnn.load_state_dict(fit_state(stages, own, source=source), strict=False)


def _in_r3d18(name: str) -> str:
    """Where R3D-18 keeps a block's tensor: convolution and normalisation are one module's parts."""
    return _FLAT.sub(lambda m: f"{m[1]}conv{m[3]}.{int(m[2] == 'bn')}.", name)


def _to_stages(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """R3D-18's tensors by torchvision's names, or ours, in ours; the last layer left out."""
    with torch.device("meta"):
        renamed, _ = to_torchvision_names(state, r3d_18(weights=None))
    stages = {}
    for name, value in renamed.items():
        part, _, rest = name.partition(".")
        number = "0" if part == "stem" else part.removeprefix("layer")
        if not name.startswith(_BESIDE):
            stages[name if part == "stages" else f"stages.{number}.{rest}"] = value
    return stages
