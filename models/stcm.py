"""MAN's STCM: the convolutions that read the recalibrated skeleton image (see models/man.py).

    "conv9"        as published: 5×5/2, then two stages of two basic blocks, no pooling before the
                   global average; pre-activation (the very first block does without)
    "preact18" …   the published code's builder goes on to [3, 4, 6, 3] and the like, which its demo
    "preact152"    leaves unused: four stages, blocks as conv9's. Ours, after He et al. (ECCV 2016):
                   basic blocks in 18 and 34, bottlenecks of four times the width from 50 on, whose
                   3×3 has the stride
    "resnet18" …   torchvision's ResNets, so that ImageNet's weights fit. Ours: against the builder
    "resnet152"    they have 7×7/2 and a max-pooling first, activation after each convolution, none
                   with a bias, and an eps of 1e-5
    "densenet161"  torchvision's DenseNet-161, as in the paper's best results

The first kinds start anew by he_normal, at 50 rows; torchvision's are made for 224, and can start
from ImageNet's weights or a file.

B batch · S image rows · F columns · C channels
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import build_backbone

__all__ = [
    "IMAGENET_STCM",
    "STCM",
    "STCM_CHANNELS",
    "SameConv",
    "build_stcm",
    "check_stcm_rows",
    "he_normal",
    "usual_rows",
]

_OWN = {  # blocks of each stage, and whether they are bottlenecks
    "conv9": ((2, 2), False),
    "preact18": ((2, 2, 2, 2), False),
    "preact34": ((3, 4, 6, 3), False),
    "preact50": ((3, 4, 6, 3), True),
    "preact101": ((3, 4, 23, 3), True),
    "preact152": ((3, 8, 36, 3), True),
}
IMAGENET_STCM = {  # torchvision's, and the channels of their last maps
    "resnet18": 512,
    "resnet34": 512,
    "resnet50": 2048,
    "resnet101": 2048,
    "resnet152": 2048,
    "densenet161": 2208,
}
_WIDTH = 64  # of the first stage; each further one has twice as many
_WIDER = 4  # a bottleneck gives so many times its width


def _channels(blocks: Sequence[int], bottleneck: bool) -> int:
    """Of the last maps."""
    return _WIDTH * 2 ** (len(blocks) - 1) * (_WIDER if bottleneck else 1)


STCM_CHANNELS = {name: _channels(*kind) for name, kind in _OWN.items()} | IMAGENET_STCM


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding, the odd pixel after: (1, 2) for 5×5/2 on 50."""

    def forward(self, input: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(
            input.shape[-2:], self.kernel_size, self.stride, strict=True
        ):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads = [total // 2, total - total // 2, *pads]  # F.pad starts at the last axis
        left, right, top, bottom = pads
        if (left, top) == (right, bottom):  # the convolution pads by itself: one copy less
            both = (top, left)
            return F.conv2d(input, self.weight, self.bias, self.stride, both, self.dilation)
        return super().forward(F.pad(input, pads))


def he_normal(layer: nn.Conv2d | nn.Linear) -> None:
    """Start ``layer`` by Keras's he_normal, which truncates at two sigma, and a bias of zero."""
    assert layer.bias is not None
    scale = (2 / layer.weight[0].numel()) ** 0.5  # of one output: what it takes in
    nn.init.trunc_normal_(layer.weight, std=scale, a=-2 * scale, b=2 * scale)
    nn.init.zeros_(layer.bias)


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> SameConv:
    conv = SameConv(before, after, kernel, stride=stride)
    he_normal(conv)
    return conv


def _norm(channels: int, momentum: float) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=momentum)  # Keras's eps


class Block(nn.Module):
    """Pre-activation basic block; the very first one does without its leading BN-ReLU."""

    def __init__(
        self, before: int, after: int, *, stride: int, leading: bool, momentum: float
    ) -> None:
        super().__init__()
        activation = [_norm(before, momentum), nn.ReLU()] if leading else []
        self.first = nn.Sequential(*activation, _conv(before, after, 3, stride))
        self.second = nn.Sequential(_norm(after, momentum), nn.ReLU(), _conv(after, after, 3))
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else _conv(before, after, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        return self.shortcut(maps) + self.second(self.first(maps))


class Bottleneck(nn.Module):
    """Pre-activation bottleneck 1×1, 3×3, 1×1 that gives four times its width."""

    def __init__(
        self, before: int, width: int, *, stride: int, leading: bool, momentum: float
    ) -> None:
        super().__init__()
        after = _WIDER * width
        activation = [_norm(before, momentum), nn.ReLU()] if leading else []
        self.first = nn.Sequential(*activation, _conv(before, width, 1))
        self.second = nn.Sequential(
            *(_norm(width, momentum), nn.ReLU(), _conv(width, width, 3, stride)),
            *(_norm(width, momentum), nn.ReLU(), _conv(width, after, 1)),
        )
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else _conv(before, after, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        return self.shortcut(maps) + self.second(self.first(maps))


class STCM(nn.Sequential):
    """Pre-activation stages on the image: (B, 3, S, F) -> maps (B, C, S/2^n, F/2^n), n stages.

    Args:
        blocks: of each stage; the published two stages of two are nine convolutions.
        bottleneck: of what kind they are.
        momentum: share of a new batch in batch normalisation's statistics.
    """

    def __init__(
        self, *, momentum: float, blocks: Sequence[int] = (2, 2), bottleneck: bool = False
    ) -> None:
        kind, wider = (Bottleneck, _WIDER) if bottleneck else (Block, 1)
        layers: list[nn.Module] = []
        channels = _WIDTH  # of the maps so far
        for stage, count in enumerate(blocks):
            width = _WIDTH * 2**stage
            for number in range(count):
                stride = 2 if stage and not number else 1
                leading = bool(layers)
                layers.append(
                    kind(channels, width, stride=stride, leading=leading, momentum=momentum)
                )
                channels = wider * width
        super().__init__(
            _conv(3, _WIDTH, 5, 2),  # no pooling after it, as published
            _norm(_WIDTH, momentum),
            nn.ReLU(),
            *layers,
            _norm(channels, momentum),
            nn.ReLU(),
        )


def usual_rows(name: str) -> int:
    """S that the network of that name is made for."""
    return 224 if name in IMAGENET_STCM else 50


def check_stcm_rows(name: str, rows: int) -> None:
    """Refuse an image whose maps would come to nothing.

    Raises:
        ValueError: fewer than 29 rows for DenseNet-161, whose poolings round down.
    """
    if name == "densenet161" and rows < 29:
        raise ValueError(f"frames must be at least 29 with stcm={name!r}; got {rows}.")


def build_stcm(
    name: str, *, weights: str | PathLike[str] | None = None, momentum: float = 0.01
) -> nn.Sequential:
    """The network of that name, of ``STCM_CHANNELS``: (B, 3, S, F) -> maps (B, C, s, f).

    Args:
        weights: of torchvision's: None, "imagenet" or a file.
        momentum: share of a new batch in batch normalisation's statistics.

    Raises:
        ValueError: no such network, or weights for one that starts without.
    """
    if name not in STCM_CHANNELS or (weights is not None and name not in IMAGENET_STCM):
        raise ValueError(
            f"stcm must be one of {', '.join(_OWN)}, which start without weights, or "
            f"{', '.join(IMAGENET_STCM)}; got {name!r} with weights={weights!r}."
        )
    if name in _OWN:
        blocks, bottleneck = _OWN[name]
        return STCM(momentum=momentum, blocks=blocks, bottleneck=bottleneck)
    stcm = nn.Sequential(*build_backbone(name, weights=weights).stages)
    for layer in stcm.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = momentum
    return stcm
