"""MAN's STCM: the convolutions that read the recalibrated skeleton image (see models/man.py)."""

from __future__ import annotations

from os import PathLike

import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import build_backbone

__all__ = ["STCM", "STCM_CHANNELS", "SameConv", "build_stcm", "he_normal"]

STCM_CHANNELS = {"conv9": 128, "densenet161": 2208}  # of the last maps


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


class Block(nn.Module):
    """Pre-activation basic block; the very first one does without its leading BN-ReLU."""

    def __init__(
        self, before: int, after: int, *, stride: int, leading: bool, momentum: float
    ) -> None:
        super().__init__()
        norm = nn.BatchNorm2d(before, eps=1e-3, momentum=momentum)
        self.first = nn.Sequential(
            *([norm, nn.ReLU()] if leading else []), _conv(before, after, 3, stride)
        )
        self.second = nn.Sequential(
            nn.BatchNorm2d(after, eps=1e-3, momentum=momentum), nn.ReLU(), _conv(after, after, 3)
        )
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else _conv(before, after, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        return self.shortcut(maps) + self.second(self.first(maps))


class STCM(nn.Sequential):
    """Nine convolutions on the recalibrated image: (B, 3, S, F) -> maps (B, 128, S/4, F/4)."""

    def __init__(self, *, momentum: float) -> None:
        def norm(channels: int) -> nn.BatchNorm2d:
            return nn.BatchNorm2d(channels, eps=1e-3, momentum=momentum)

        super().__init__(
            _conv(3, 64, 5, 2),  # no pooling after it, as published
            norm(64),
            nn.ReLU(),
            Block(64, 64, stride=1, leading=False, momentum=momentum),
            Block(64, 64, stride=1, leading=True, momentum=momentum),
            Block(64, 128, stride=2, leading=True, momentum=momentum),
            Block(128, 128, stride=1, leading=True, momentum=momentum),
            norm(128),
            nn.ReLU(),
        )


def build_stcm(
    name: str, *, weights: str | PathLike[str] | None = None, momentum: float = 0.01
) -> nn.Sequential:
    """STCM "conv9", or "densenet161": (B, 3, S, F) -> maps (B, 2208, S/32, F/32).

    Args:
        weights: of "densenet161": None, "imagenet" or a file.
        momentum: share of a new batch in batch normalisation's statistics.
    """
    if name == "conv9":
        return STCM(momentum=momentum)
    stcm = nn.Sequential(*build_backbone("densenet161", weights=weights).stages)
    for layer in stcm.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = momentum
    return stcm
