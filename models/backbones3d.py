"""Clip CNNs: the frame CNNs of ``models.backbones`` inflated from two to three dimensions.

    SlowOnly  Christoph Feichtenhofer, Haoqi Fan, Jitendra Malik, Kaiming He, SlowFast Networks for
              Video Recognition, ICCV 2019, https://arxiv.org/abs/1812.03982: its slow path alone.
              Kernels of 1 in time in conv1, res2 and res3; 3 × 1 × 1 in the first convolution of
              each block of res4 and res5; no stride in time anywhere. (TMNet's "SlowNet".)
    I3D       Joao Carreira, Andrew Zisserman, Quo Vadis, Action Recognition?, CVPR 2017,
              https://arxiv.org/abs/1705.07750, for ResNet-50 as in Non-local Neural Networks (Wang
              et al., CVPR 2018): conv1 of 5 × 7 × 7 with stride 2 in time, first pooling with
              stride 2 in time, another halving after res2; 3 × 1 × 1 in every block of res2, in
              every second one of res3 and res4 (1st, 3rd, …) and of res5 (its 2nd). Of the narrow
              ResNet-18 the first 3 × 3 of the same blocks becomes 3 × 3 × 3.

Inflation: a kernel is repeated over its length in time and divided by that length, so that a still
clip is answered as the 2-D network answers its frame. At the ends of a clip this holds with
``time_padding="replicate"``; the published networks pad with "zeros", which is the default here.

Names and order of layers are those of the 2-D network, so that its weights load as they are, and so
do 3-D ones (torchvision's or MMAction2's naming) in the shapes they have.

B batch · T frames · C channels · h, w map size · T' steps that are left of T
"""

from __future__ import annotations

from copy import deepcopy
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import FrameCNN, build_backbone, load_weights
from models.foreign import inflate_kernel
from models.frames import check_clip

__all__ = [
    "BACKBONES_3D",
    "ClipCNN",
    "ClipConv3d",
    "TimeConv3d",
    "build_backbone_3d",
    "clip_cnn_beside",
    "inflate",
    "to_channels_last",
]

BACKBONES_3D = {  # name: the frame CNN that it inflates
    "slowonly18": "resnet18",
    "slowonly50": "resnet50",
    "i3d_resnet50": "resnet50",
    "slowonly18_narrow": "resnet18_narrow",
    "i3d_resnet18_narrow": "resnet18_narrow",
}
_PADDINGS = ("zeros", "replicate")
# Blocks of res2 … res5 with 3 × 1 × 1, as the non-local networks and MMAction2 have them.
_I3D_BLOCKS = ((0, 1, 2), (0, 2), (0, 2, 4), (1,))


class ClipConv3d(nn.Conv3d):
    """Convolution over time and space whose gradient is right for clips shorter than its kernel.

    Of 2 ≤ T < kernel steps, with zeros to be padded in time, oneDNN's bfloat16 gradient of the
    kernel reads memory that nobody wrote (torch 2.15, AVX-512: nan, or wrong by its own size).
    Zeros that are there already make it the one of float32 to 0.3 %.
    """

    def forward(self, input: Tensor) -> Tensor:
        steps, around = input.shape[2], int(self.padding[0])
        if not around or steps >= self.kernel_size[0]:
            return super().forward(input)
        input = F.pad(input, (0, 0, 0, 0, around, around))
        space = (0, *self.padding[1:])
        return F.conv3d(
            input, self.weight, self.bias, self.stride, space, self.dilation, self.groups
        )


class TimeConv3d(ClipConv3d):
    """Convolution over time and space whose padding in time is zeros or the clip's own ends."""

    def __init__(self, flat: nn.Conv2d, *, length: int, stride: int, time_padding: str) -> None:
        (kh, kw), (sh, sw) = flat.kernel_size, flat.stride
        assert not isinstance(flat.padding, str)
        ph, pw = flat.padding
        super().__init__(
            flat.in_channels,
            flat.out_channels,
            (length, kh, kw),
            stride=(stride, sh, sw),
            padding=(0 if time_padding == "replicate" else length // 2, ph, pw),
            groups=flat.groups,
            bias=flat.bias is not None,
            device=flat.weight.device,
        )
        self.ends = length // 2 if time_padding == "replicate" else 0
        self.weight = nn.Parameter(inflate_kernel(flat.weight.detach(), length))
        if flat.bias is not None:
            self.bias = nn.Parameter(flat.bias.detach().clone())

    def forward(self, input: Tensor) -> Tensor:
        if self.ends:
            input = F.pad(input, (0, 0, 0, 0, self.ends, self.ends), mode="replicate")
        return super().forward(input)


class ClipCNN(nn.Module):
    """A 3-D CNN as five stages, cut where the ``FrameCNN`` that it inflates is.

    Attributes:
        normalise: clips in [0, 1] to what the first stage takes.
        stages: stem and four stages on (B, C, T, h, w).
    """

    def __init__(self, cnn: FrameCNN) -> None:
        super().__init__()
        self.normalise, self.stages = cnn.normalise, cnn.stages
        self.stage_channels, self.feature_dim = cnn.stage_channels, cnn.feature_dim
        self.flow_length = cnn.flow_length

    def check_continues(self, cnn: FrameCNN, *, after: int) -> None:
        """Refuse to go on from stage ``after`` of ``cnn`` to features like its own.

        Raises:
            ValueError: it has other channels there or in the end.
        """
        here, there = self.stage_channels, cnn.stage_channels
        if (here[after], here[-1]) != (there[after], there[-1]):
            raise ValueError(
                "backbone and backbone_3d must give as many channels, where they are cut and in "
                f"the end; got {there[after]} and {there[-1]} in 2-D, {here[after]} and {here[-1]} "
                "in 3-D. Take resnet50 with slowonly50 or i3d_resnet50, resnet18 with slowonly18."
            )

    def maps(self, frames: Tensor) -> Tensor:
        """Clips (B, T, 3, H, W) in [0, 1] -> maps of the last stage (B, C, T', h, w)."""
        check_clip(frames, flow_length=self.flow_length)
        maps = self.normalise(frames).transpose(1, 2)  # (B, 3, T, H, W)
        for stage in self.stages:
            maps = stage(maps)
        return maps

    def forward(self, frames: Tensor) -> Tensor:
        """Clips (B, T, 3, H, W) in [0, 1] -> features (B, feature_dim)."""
        return self.maps(frames).mean((-3, -2, -1))


def build_backbone_3d(
    name: str,
    *,
    width: int | None = None,
    weights: str | PathLike[str] | None = None,
    flow_length: int | None = None,
    time_padding: str = "zeros",
) -> ClipCNN:
    """Clip CNN by name.

    Args:
        name: one of ``BACKBONES_3D``.
        width: channels of stage 1 of the narrow ones.
        weights: None (random), "imagenet" (of the 2-D network, inflated), or the path of a file, of
            any kind ``models.foreign`` knows, with 2-D weights (inflated) or 3-D ones (Kinetics).
        flow_length: L, for clips of flow (B, T, 2L, H, W).
        time_padding: "zeros" (as published) or "replicate" (the clip's first and last step).

    Raises:
        ValueError: an unknown name, arguments that do not go together, or weights that are not
            there, cannot be read or do not fit.
    """
    if name not in BACKBONES_3D:
        raise ValueError(f"backbone_3d must be one of {', '.join(BACKBONES_3D)}; got {name!r}.")
    flat = BACKBONES_3D[name]
    start = weights if weights == "imagenet" else None
    cnn = build_backbone(flat, width=width, weights=start, flow_length=flow_length)
    clip_cnn = inflate(cnn, name, time_padding=time_padding)
    if weights is not None and weights != "imagenet":
        load_weights(clip_cnn, flat, weights)
    return clip_cnn


def clip_cnn_beside(
    cnn: FrameCNN,
    backbone: str,
    *,
    name: str | None = None,
    width: int | None = None,
    weights: str | PathLike[str] | None = None,
    weights_3d: str | PathLike[str] | None = None,
) -> ClipCNN:
    """The clip CNN that works beside a frame CNN: its own inflation, unless more is asked for.

    Args:
        cnn, backbone, width, weights: the frame CNN, left as it is, and what built it.
        name: one of ``BACKBONES_3D``; default the SlowOnly of the frame CNN's kind.
        weights_3d: a file for the clip CNN; None: as the frame CNN starts, inflated.

    Raises:
        ValueError: no clip CNN of that kind, or none of that start.
    """
    kind = "resnet50" if backbone == "resnet101" else backbone
    slow = [n for n, flat in BACKBONES_3D.items() if flat == kind and n.startswith("slow")]
    if not name and not slow:
        raise ValueError(
            f"expected backbone_3d, one of {', '.join(BACKBONES_3D)}, beside {backbone}, which has "
            "no 3-D form of its own here; or take resnet18, resnet50 or resnet18_narrow."
        )
    name = name or slow[0]
    if weights_3d is None and BACKBONES_3D.get(name) == backbone:
        return inflate(deepcopy(cnn), name)
    if weights_3d is None and weights not in (None, "imagenet"):
        raise ValueError(
            f"expected weights_3d for {name}: the weights of {backbone} in {weights} do not fit "
            'it; give a file of its own, or weights_3d="imagenet".'
        )
    start = weights_3d or weights
    return build_backbone_3d(name, width=width, weights=start, flow_length=cnn.flow_length)


def inflate(cnn: FrameCNN, name: str, *, time_padding: str = "zeros") -> ClipCNN:
    """Turn a residual frame CNN into the clip CNN ``name``, its weights kept; ``cnn`` is used up.

    Raises:
        ValueError: an unknown ``time_padding``.
    """
    if time_padding not in _PADDINGS:
        raise ValueError(f'time_padding must be "zeros" or "replicate"; got {time_padding!r}.')
    lengths = _i3d_length if name.startswith("i3d") else _slow_length
    stem_stride = 2 if name.startswith("i3d") else 1
    for path, layer in list(cnn.stages.named_modules()):
        parent, _, child = path.rpartition(".")
        in_stem = path.startswith("0.")
        new: nn.Module | None = None
        if isinstance(layer, nn.Conv2d):
            new = TimeConv3d(
                layer,
                length=lengths(path),
                stride=stem_stride if in_stem else 1,
                time_padding=time_padding,
            )
        elif isinstance(layer, nn.BatchNorm2d):
            new = _norm_3d(layer)
        elif isinstance(layer, nn.MaxPool2d):
            new = nn.MaxPool3d((1, 3, 3), stride=(stem_stride, 2, 2), padding=(0, 1, 1))
        if new is not None:
            setattr(cnn.stages.get_submodule(parent), child, new)
    if name.startswith("i3d"):  # halves time; a clip of one step keeps it
        res2 = cnn.stages[1]
        assert isinstance(res2, nn.Sequential)
        res2.append(nn.MaxPool3d((2, 1, 1), ceil_mode=True))
    return ClipCNN(cnn)


def to_channels_last(network: nn.Module) -> nn.Module:
    """Lay out the kernels of ``network``, 2-D and 3-D ones, with channels last; faster on GPUs.

    ``nn.Module.to(memory_format=torch.channels_last)`` refuses 3-D ones. Values do not change.
    """
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in network.parameters():
        if parameter.ndim in layouts:
            parameter.data = parameter.data.to(memory_format=layouts[parameter.ndim])
    return network


def _slow_length(path: str) -> int:
    """Length in time of the kernel at "stage.block.layer" in SlowOnly."""
    return 3 if path.startswith(("3.", "4.")) and path.endswith(".conv1") else 1


def _i3d_length(path: str) -> int:
    """Length in time of the kernel at "stage.block.layer" in an inflated ResNet."""
    stage, block = (int(part) for part in path.split(".")[:2])
    if stage == 0:
        return 5
    return 3 if path.endswith(".conv1") and block in _I3D_BLOCKS[stage - 1] else 1


def _norm_3d(flat: nn.BatchNorm2d) -> nn.BatchNorm3d:
    norm = nn.BatchNorm3d(
        flat.num_features, eps=flat.eps, momentum=flat.momentum, device=flat.weight.device
    )
    norm.load_state_dict(flat.state_dict())
    return norm
