"""ConvNet averaging: each frame stands alone, and the clip's answer is the mean of theirs.

Two-Stream Convolutional Networks for Action Recognition in Videos
Karen Simonyan, Andrew Zisserman, NIPS 2014, https://arxiv.org/abs/1406.2199

    y_t = softmax(W x_t + b),   answer = mean over frames of y_t

The row "ConvNet" of MAM's Tables 2 and 3, taken from the VideoLSTM paper. TSN differs from it by
averaging before the softmax, in training too.

Where the sources are silent, and what we chose
- Dropout on the feature: 0.5, VGG16's own before its last layer.

B batch · T frames · d feature · K classes
"""

from __future__ import annotations

from os import PathLike

from torch import Tensor, nn

from models.baselines.sequence import (
    SequenceModel,
    SequenceOutput,
    answer_over_time,
    start_weights,
)

__all__ = ["ConvNet"]


class ConvNet(SequenceModel):
    """Frame CNN whose probabilities are averaged. It has no state, hence no ``context``.

    Args:
        num_classes: K.
        dropout: on each frame's feature.
        The others are those of ``SequenceModel``.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str | None = "resnet18",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        flow_length: int | None = None,
        feature_dim: int | None = None,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(
            backbone=backbone,
            width=width,
            weights=weights,
            flow_length=flow_length,
            feature_dim=feature_dim,
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.feature_dim, num_classes)
        start_weights(self.classifier)

    def _recur(self, features: Tensor) -> SequenceOutput:
        frame_logits = self.classifier(self.dropout(features))  # (B, T, K)
        return SequenceOutput(logits=answer_over_time(frame_logits), frame_logits=frame_logits)
