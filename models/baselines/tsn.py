"""TSN's consensus: a frame CNN whose answers are averaged over the frames of a clip.

Temporal Segment Networks: Towards Good Practices for Deep Action Recognition
Limin Wang, Yuanjun Xiong, Zhe Wang, Yu Qiao, Dahua Lin, Xiaoou Tang, Luc Van Gool, ECCV 2016
https://arxiv.org/abs/1608.00859

    G = mean over segments of F(T_k; W),   class scores = softmax(G)                       (1)

The mean is of logits, before softmax. Also the plainest way to train a backbone for the others:
``model.backbone`` is the FrameCNN that MAM holds, and that ``TMNet.load_backbone`` takes.

B batch · T frames (one per segment) · d CNN feature · K classes
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import build_backbone, check_clip

__all__ = ["TSN", "TSNOutput", "tsn_loss"]


@dataclass(frozen=True)
class TSNOutput:
    """The clip's answer and each frame's own."""

    logits: Tensor  # (B, K), before softmax
    frame_logits: Tensor  # (B, T, K)


class TSN(nn.Module):
    """Frame CNN with the average consensus.

    Args:
        num_classes: K.
        backbone: name of a frame CNN (``models.backbones``).
        width: channels of ``resnet18_narrow``.
        weights: of the backbone: None, "imagenet" or a file.
        dropout: on each frame's feature; the paper's 0.8 is for RGB.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet18",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        dropout: float = 0.8,
    ) -> None:
        super().__init__()
        self.backbone = build_backbone(backbone, width=width, weights=weights)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.backbone.feature_dim, num_classes)
        nn.init.normal_(self.classifier.weight, std=0.001)  # as the authors' code has it
        nn.init.zeros_(self.classifier.bias)

    def forward(self, frames: Tensor) -> TSNOutput:
        """Frames (B, T, 3, H, W) in [0, 1]."""
        check_clip(frames)
        features = self.backbone(frames.flatten(0, 1))  # (B·T, d)
        frame_logits = self.classifier(self.dropout(features)).unflatten(0, frames.shape[:2])
        return TSNOutput(logits=frame_logits.mean(1), frame_logits=frame_logits)  # eq. 1


def tsn_loss(output: TSNOutput, target: Tensor) -> Tensor:
    """Cross entropy of the consensus with the clip's class (B,)."""
    return F.cross_entropy(output.logits, target)
