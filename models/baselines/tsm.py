"""TSM: a frame CNN whose residual branches see a little of the frames before and after.

TSM: Temporal Shift Module for Efficient Video Understanding
Ji Lin, Chuang Gan, Song Han, ICCV 2019, https://arxiv.org/abs/1811.08383

    S(x)[t, c] = x[t + 1, c]   for the first eighth of the channels
                 x[t − 1, c]   for the second eighth
                 x[t, c]       for the rest,              0 beyond the clip's ends
    block(x)   = shortcut(x) + convolutions(S(x))         residual shift: the shortcut keeps x whole
    class scores = mean over the frames of their logits   (TSN's consensus)

A shift has neither parameters nor arithmetic, so that weights of the plain network load as they are
and its FLOPs stay. It is the bi-directional, offline form that TMNet is compared with.

Where we differ, or the paper is silent
- The number of frames is not built in: a clip of T is shifted over its T. One frame has no
  neighbours, so that a quarter of its branches' channels is zero.
- ResNet-101 is shifted in every second block alone, as in the authors' code; the paper is silent.
- Where a stage has fewer than eight channels, nothing of it is shifted.

B batch · T frames · C channels · h, w map size · d CNN feature · K classes
"""

from __future__ import annotations

from os import PathLike
from typing import Any

from torch import Tensor, nn

from models.backbones import BACKBONES, build_backbone, check_clip
from models.baselines.tsn import TSNOutput

__all__ = ["TSM", "temporal_shift"]

_MANY_BLOCKS = 23  # in a stage: ResNet-101 and deeper


def temporal_shift(maps: Tensor, *, parts: int = 8) -> Tensor:
    """Move a part of the channels one step back in time and another one forward.

    Args:
        maps: (B, T, C, h, w).
        parts: C // parts channels move each way, the paper's 8.

    Returns:
        maps of the same shape, zero where nothing moved in.
    """
    count = maps.shape[2] // parts
    ahead, behind = slice(count), slice(count, 2 * count)
    shifted = maps.clone()
    shifted[:, :-1, ahead], shifted[:, -1, ahead] = maps[:, 1:, ahead], 0
    shifted[:, 1:, behind], shifted[:, 0, behind] = maps[:, :-1, behind], 0
    return shifted


class TSM(nn.Module):
    """Residual frame CNN with temporal shift and the average consensus.

    Args:
        num_classes: K.
        backbone: name of a residual frame CNN (``models.backbones``).
        width: channels of ``resnet18_narrow``.
        weights: of the backbone: None, "imagenet" or a file.
        dropout: on each frame's feature; the paper's 0.5 is for Kinetics.
        flow_length: L, flow fields of one snippet. None: RGB frames.

    Raises:
        ValueError: a backbone that is not residual, or what ``build_backbone`` refuses.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet50",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        dropout: float = 0.0,
        flow_length: int | None = None,
    ) -> None:
        super().__init__()
        residual = [name for name in BACKBONES if name.startswith("resne")]
        if backbone not in residual:
            raise ValueError(
                f"backbone of tsm must be one with residual blocks, {', '.join(residual)}; "
                f"got {backbone!r}."
            )
        self.backbone = build_backbone(
            backbone, width=width, weights=weights, flow_length=flow_length
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.backbone.feature_dim, num_classes)
        nn.init.normal_(self.classifier.weight, std=0.001)  # as TSN's
        nn.init.zeros_(self.classifier.bias)

    def forward(self, frames: Tensor) -> TSNOutput:
        """Frames (B, T, 3, H, W), or snippets of flow (B, T, 2L, H, W), in [0, 1]."""
        features = self.backbone.head(self.maps(frames).flatten(0, 1))  # (B·T, d)
        frame_logits = self.classifier(self.dropout(features)).unflatten(0, frames.shape[:2])
        return TSNOutput(logits=frame_logits.mean(1), frame_logits=frame_logits)

    def maps(self, frames: Tensor) -> Tensor:
        """Maps of the last stage (B, T, C, h, w)."""
        check_clip(frames, flow_length=self.backbone.flow_length)
        stem, *stages = self.backbone.stages
        maps = stem(self.backbone.normalise(frames.flatten(0, 1)))  # (B·T, C, h, w)
        maps = maps.unflatten(0, frames.shape[:2])
        for stage in stages:
            blocks: Any = list(stage.children())
            every = 2 if len(blocks) >= _MANY_BLOCKS else 1
            for number, block in enumerate(blocks):
                maps = _residual(block, maps, shift=number % every == 0)
        return maps


def _residual(block: Any, maps: Tensor, *, shift: bool) -> Tensor:
    """torchvision's residual block on (B, T, C, h, w), shifted at the start of its branch."""
    whole = maps.flatten(0, 1)
    branch = temporal_shift(maps).flatten(0, 1) if shift else whole
    depth = 3 if hasattr(block, "conv3") else 2
    for n in range(1, depth + 1):
        branch = getattr(block, f"bn{n}")(getattr(block, f"conv{n}")(branch))
        if n < depth:
            branch = block.relu(branch)
    shortcut = whole if block.downsample is None else block.downsample(whole)
    return block.relu(branch + shortcut).unflatten(0, maps.shape[:2])
