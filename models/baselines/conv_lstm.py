"""ConvLSTM: an LSTM whose states are maps, and whose products are convolutions.

Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting
Xingjian Shi, Zhourong Chen, Hao Wang, Dit-Yan Yeung, Wai-kin Wong, Wang-chun Woo, NIPS 2015
https://arxiv.org/abs/1506.04214
and as the VideoLSTM paper compares with it (https://arxiv.org/abs/1607.01794), after its code:

    i_t, f_t, o_t = σ(W_x· ∗ X_t + W_h· ∗ H_{t-1} + b·)
    G_t = tanh(W_xg ∗ X_t + W_hg ∗ H_{t-1} + b_g)
    C_t = f_t C_{t-1} + i_t G_t,   H_t = o_t tanh(C_t),   H_0 = C_0 = 0

The row "ConvLSTM" of MAM's Tables 1 and 2 is that paper's: pool5 of VGG16 (512 × 7 × 7) in, hidden
512, 3 × 3 kernels, the flattened state into a layer of 1024, dropout 0.7 after it and none before.

Where we differ, or the sources differ
- Shi et al. let the cell look into the gates (peepholes); the VideoLSTM code calls its layer
  simplified and has none, nor have we.
- The flattened state ties the network to one map size: ``map_size``, 7 × 7 as with VGG16 or a
  ResNet at 224 pixels (``resnet18_narrow`` at 112).
- W_x ∗ X_t is computed for all frames at once.

B batch · T frames · C channels · h, w map size · H hidden · K classes
"""

from __future__ import annotations

from os import PathLike
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from models.baselines.sequence import (
    FrameHead,
    SequenceModel,
    SequenceOutput,
    answer_over_time,
    lstm_update,
    start_weights,
)

__all__ = ["ConvLSTM", "ConvLSTMCell"]


class ConvLSTMCell(nn.Module):
    """One step of a ConvLSTM, without peepholes.

    Args:
        channels: C of the input. hidden_dim: H.
        kernel: side of all its convolutions, odd: maps keep their size.
    """

    def __init__(self, channels: int, hidden_dim: int, *, kernel: int = 3) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, so that maps keep their size; got {kernel}.")
        pad = kernel // 2
        self.from_input = nn.Conv2d(channels, 4 * hidden_dim, kernel, padding=pad)  # W_x, b
        self.from_state = nn.Conv2d(hidden_dim, 4 * hidden_dim, kernel, padding=pad, bias=False)

    def input_part(self, features: Tensor) -> Tensor:
        """W_x ∗ X_t + b of all frames: (B, T, C, h, w) -> (B, T, 4H, h, w)."""
        return self.from_input(features.flatten(0, 1)).unflatten(0, features.shape[:2])

    def forward(self, input_part: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """One frame's part (B, 4H, h, w) and states (B, H, h, w) -> the new states."""
        return lstm_update(input_part + self.from_state(hidden), cell)


class ConvLSTM(SequenceModel):
    """ConvLSTM with an answer at every frame.

    Args:
        num_classes: K.
        hidden_dim: H. kernel: side of the convolutions. map_size: (h, w).
        head_dim: of the layer between hidden state and answer. dropout: after that layer.
        The others are those of ``SequenceModel``.
    """

    takes: ClassVar[Literal["vector", "maps"]] = "maps"

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str | None = "resnet18",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        flow_length: int | None = None,
        feature_dim: int | None = None,
        hidden_dim: int = 512,
        kernel: int = 3,
        map_size: tuple[int, int] = (7, 7),
        head_dim: int = 1024,
        dropout: float = 0.7,
    ) -> None:
        super().__init__(
            backbone=backbone,
            width=width,
            weights=weights,
            flow_length=flow_length,
            feature_dim=feature_dim,
            map_size=map_size,
        )
        self.hidden_dim = hidden_dim
        self.cell = ConvLSTMCell(self.feature_dim, hidden_dim, kernel=kernel)
        flat = hidden_dim * map_size[0] * map_size[1]
        self.head = FrameHead(flat, num_classes, dim=head_dim, dropout=dropout)
        start_weights(self.cell)
        start_weights(self.head)

    def _recur(self, features: Tensor) -> SequenceOutput:
        batch, _, _, height, width = features.shape
        hidden = cell = features.new_zeros(batch, self.hidden_dim, height, width)
        seen = []
        for part in self.cell.input_part(features).unbind(1):
            hidden, cell = self.cell(part, hidden, cell)
            seen.append(hidden)
        states = torch.stack(seen, 1)  # (B, T, H, h, w)
        frame_logits = self.head(states)
        return SequenceOutput(
            logits=answer_over_time(frame_logits),
            frame_logits=frame_logits,
            context=states.mean((3, 4)),
        )
