"""ALSTM: an LSTM that looks at one blend of locations at each frame.

Action Recognition using Visual Attention
Shikhar Sharma, Ryan Kiros, Ruslan Salakhutdinov, ICLR workshop 2016
https://arxiv.org/abs/1511.04119
and as the VideoLSTM paper compares with it (https://arxiv.org/abs/1607.01794), after its code:

    e_t,r = v · tanh(W_a x_t,r + U_a h_{t-1} + b_a)          score of location r
    a_t   = softmax over r of e_t,r
    x̂_t   = Σ_r a_t,r x_t,r                                   the expected feature
    h_t, c_t = LSTM(x̂_t; h_{t-1}, c_{t-1})
    h_0 = tanh(W_h0 x̄ + b),   c_0 = tanh(W_c0 x̄ + b),   x̄ = mean of x over frames and locations

The row "ALSTM" of MAM's Tables 2 and 3 is that paper's: pool5 of VGG16 (512 × 7 × 7) in, hidden
512, dropout 0.5 around a layer of 1024, an answer at every frame (``sequence.py``).

Where we differ, or the sources differ
- Sharma et al. score a location from h_{t-1} alone, with a weight vector for each location; the
  VideoLSTM code from the feature there too, with the same weights everywhere. So do we, and any map
  size fits.
- Sharma et al. stack three LSTMs, answer from all frames and penalise attention that leaves
  locations out; the VideoLSTM code has none of this, nor have we.
- A bias on the score cancels in the softmax and is left out.
- x̄ looks ahead: the first frame's attention already depends on the whole clip.

B batch · T frames · C channels · h, w map size · R = h·w · A attention · H hidden · K classes
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

__all__ = ["AttentionLSTM", "SoftAttention"]


class SoftAttention(nn.Module):
    """Weights of the locations at one frame, from their features and the state before."""

    def __init__(self, feature_dim: int, state_dim: int, *, dim: int) -> None:
        super().__init__()
        self.from_feature = nn.Linear(feature_dim, dim)  # W_a, b_a
        self.from_state = nn.Linear(state_dim, dim, bias=False)  # U_a
        self.score = nn.Linear(dim, 1, bias=False)  # v

    def forward(self, feature_part: Tensor, state: Tensor) -> Tensor:
        """``from_feature(x_t)`` (B, R, A); state (B, H), or one of each location (B, R, H)
        -> weights (B, R), 1 in sum."""
        state_part = self.from_state(state)
        if state_part.ndim == 2:
            state_part = state_part[:, None]  # (B, 1, A)
        return self.score(torch.tanh(feature_part + state_part)).squeeze(-1).softmax(-1)


class AttentionLSTM(SequenceModel):
    """LSTM on the expected feature under attention over locations.

    Args:
        num_classes: K.
        hidden_dim: H. attention_dim: A; C where None. head_dim: of the layer before the answer.
        dropout: before and after that layer.
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
        attention_dim: int | None = None,
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
        channels = self.feature_dim
        self.first_hidden = nn.Linear(channels, hidden_dim)  # W_h0
        self.first_cell = nn.Linear(channels, hidden_dim)  # W_c0
        self.attend = SoftAttention(channels, hidden_dim, dim=attention_dim or channels)
        self.from_input = nn.Linear(channels, 4 * hidden_dim)
        self.from_state = nn.Linear(hidden_dim, 4 * hidden_dim, bias=False)
        self.head = FrameHead(
            hidden_dim, num_classes, dim=head_dim, dropout=dropout, before=dropout
        )
        for name, part in self.named_children():
            if name != "backbone":
                start_weights(part)

    def _recur(self, features: Tensor) -> SequenceOutput:
        locations = features.flatten(3).transpose(2, 3)  # (B, T, R, C)
        feature_part = self.attend.from_feature(locations)  # (B, T, R, A)
        mean = locations.mean((1, 2))  # (B, C), x̄
        hidden = torch.tanh(self.first_hidden(mean))
        cell = torch.tanh(self.first_cell(mean))
        seen = []
        # unbind, not [:, t], whose gradient is as large as the whole at every frame.
        for part, places in zip(feature_part.unbind(1), locations.unbind(1), strict=True):
            weight = self.attend(part, hidden)  # (B, R), a_t
            expected = torch.einsum("br,brc->bc", weight, places)  # x̂_t
            gates = self.from_input(expected) + self.from_state(hidden)
            hidden, cell = lstm_update(gates, cell)
            seen.append((weight, hidden))
        attention, context = (torch.stack(x, 1) for x in zip(*seen, strict=True))
        frame_logits = self.head(context)
        return SequenceOutput(
            logits=answer_over_time(frame_logits),
            frame_logits=frame_logits,
            attention=attention.unflatten(-1, features.shape[3:]),
            context=context,
        )
