"""LSTM on the frames' feature vectors: the plainest recurrent reader.

Long Short-Term Memory
Sepp Hochreiter, Jürgen Schmidhuber, Neural Computation 1997

    i_t, f_t, o_t = σ(W_x· x_t + W_h· h_{t-1} + b·),   g_t = tanh(W_xg x_t + W_hg h_{t-1} + b_g)
    c_t = f_t c_{t-1} + i_t g_t,   h_t = o_t tanh(c_t),   h_0 = c_0 = 0

The row "LSTM" of MAM's Table 2, as the VideoLSTM paper and code have it: fc7 of VGG16 (4096) in,
hidden 512, dropout 0.5 around a layer of 1024, an answer at every frame (``sequence.py``).

Where we differ, or the sources are silent
- No connection from the cell to the gates ("simplified" in the authors' code), as in torch.
- W_x x_t is computed for all frames at once; only W_h h_{t-1} waits for the frame before.

B batch · T frames · d feature · H hidden · K classes
"""

from __future__ import annotations

from os import PathLike

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

__all__ = ["LSTM"]


class LSTM(SequenceModel):
    """LSTM with an answer at every frame.

    Args:
        num_classes: K.
        hidden_dim: H. head_dim: of the layer between hidden state and answer.
        dropout: before and after that layer.
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
        hidden_dim: int = 512,
        head_dim: int = 1024,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(
            backbone=backbone,
            width=width,
            weights=weights,
            flow_length=flow_length,
            feature_dim=feature_dim,
        )
        self.from_input = nn.Linear(self.feature_dim, 4 * hidden_dim)  # W_x, b
        self.from_state = nn.Linear(hidden_dim, 4 * hidden_dim, bias=False)  # W_h
        self.head = FrameHead(
            hidden_dim, num_classes, dim=head_dim, dropout=dropout, before=dropout
        )
        for part in (self.from_input, self.from_state, self.head):
            start_weights(part)

    def _recur(self, features: Tensor) -> SequenceOutput:
        input_part = self.from_input(features)  # (B, T, 4H)
        hidden = cell = features.new_zeros(len(features), self.from_state.in_features)
        seen = []
        for part in input_part.unbind(1):
            hidden, cell = lstm_update(part + self.from_state(hidden), cell)
            seen.append(hidden)
        context = torch.stack(seen, 1)  # (B, T, H)
        frame_logits = self.head(context)
        return SequenceOutput(
            logits=answer_over_time(frame_logits), frame_logits=frame_logits, context=context
        )
