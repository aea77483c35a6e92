"""VideoLSTM: a ConvLSTM that attends where a second ConvLSTM, on flow, tells it to.

VideoLSTM Convolves, Attends and Flows for Action Recognition
Zhenyang Li, Kirill Gavrilyuk, Efstratios Gavves, Mihir Jain, Cees G. M. Snoek, CVIU 2018
https://arxiv.org/abs/1607.01794
after the paper and the authors' code, ∗ a convolution, M_t the maps of the flow CNN:

    H^m_t, C^m_t = ConvLSTM_1×1(M_t, H_{t-1}; H^m_{t-1}, C^m_{t-1})      bottom: motion
    E_t   = v ∗ tanh(W_a ∗ X_t + U_a ∗ H^m_t + b_a)                       score of each location
    A_t   = softmax over locations of E_t
    X̂_t   = A_t X_t                                                       each location weighed
    H_t, C_t = ConvLSTM_3×3(X̂_t; H_{t-1}, C_{t-1})                        top: appearance
    H_0, C_0 = tanh(W ∗ X̄ + b),   H^m_0, C^m_0 = tanh(W ∗ M̄ + b),   means over the frames

Without motion (``motion=False``) the state before, H_{t-1}, stands in E_t for H^m_t: that is the
paper's Convolutional ALSTM. Hidden 512, the flattened H_t into a layer of 1024, dropout 0.7 after
it and none before, an answer at every frame (``sequence.py``).

Where we differ, or the sources are silent
- X̂ is not summed over locations, as ALSTM's is, so that it stays a map; with h·w weights that sum
  to 1 it is small. The code leaves it so, and so do we.
- A bias on the score cancels in the softmax and is left out.
- The attention's width A is that of the features (the code: of the features with motion, of the
  hidden state without; all are 512 there).
- Its temporal row in MAM's Table 2: we take the top layer to read flow too (``flow_length``).
- The code starts it from a trained ConvLSTM on flow and a trained Convolutional ALSTM; here it
  starts from scratch, and ``load_state_dict`` with their tensors does that.
- X̄ and M̄ look ahead: the first frame's attention already depends on the whole clip.

B batch · T frames · C channels · h, w map size · R = h·w · A attention · H hidden · K classes
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from models.baselines.attention_lstm import SoftAttention
from models.baselines.conv_lstm import ConvLSTMCell
from models.baselines.sequence import (
    FrameHead,
    SequenceOutput,
    TwoStreamModel,
    answer_over_time,
    start_weights,
)

__all__ = ["FirstState", "VideoLSTM"]


class FirstState(nn.Module):
    """H_0 and C_0 of a ConvLSTM, from the mean of the maps it will read."""

    def __init__(self, channels: int, hidden_dim: int, *, kernel: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, hidden_dim, kernel, padding=kernel // 2)
        self.cell = nn.Conv2d(channels, hidden_dim, kernel, padding=kernel // 2)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B, T, C, h, w) -> states (B, H, h, w)."""
        mean = features.mean(1)
        return torch.tanh(self.hidden(mean)), torch.tanh(self.cell(mean))


class MotionLayer(nn.Module):
    """The bottom ConvLSTM: reads flow, and what the top layer knew a frame ago."""

    def __init__(self, channels: int, hidden_dim: int) -> None:
        super().__init__()
        self.first = FirstState(channels, hidden_dim, kernel=1)
        self.cell = ConvLSTMCell(channels, hidden_dim, kernel=1)
        self.from_top = nn.Conv2d(hidden_dim, 4 * hidden_dim, 1, bias=False)

    def forward(
        self, input_part: Tensor, top: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """A frame's ``cell.input_part`` (B, 4H, h, w), H_{t-1} and its own states -> the new."""
        return self.cell(input_part + self.from_top(top), *state)


class VideoLSTM(TwoStreamModel):
    """Convolutional soft-attention LSTM with motion-based attention.

    Args:
        num_classes: K.
        motion: False: attention from the top layer's own state, and no second stream.
        hidden_dim: H, of both layers. attention_dim: A; C where None.
        kernel: side of the top layer's convolutions. map_size: (h, w).
        head_dim: of the layer between hidden state and answer. dropout: after that layer.
        The others are those of ``TwoStreamModel``.
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
        motion: bool = True,
        motion_length: int = 5,
        motion_weights: str | PathLike[str] | None = None,
        motion_dim: int | None = None,
        hidden_dim: int = 512,
        attention_dim: int | None = None,
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
            motion=motion,
            motion_length=motion_length,
            motion_weights=motion_weights,
            motion_dim=motion_dim,
            map_size=map_size,
        )
        channels = self.feature_dim
        self.bottom = MotionLayer(self.motion_dim, hidden_dim) if motion else None
        self.attend = SoftAttention(channels, hidden_dim, dim=attention_dim or channels)
        self.first = FirstState(channels, hidden_dim, kernel=kernel)
        self.cell = ConvLSTMCell(channels, hidden_dim, kernel=kernel)
        flat = hidden_dim * map_size[0] * map_size[1]
        self.head = FrameHead(flat, num_classes, dim=head_dim, dropout=dropout)
        for name, part in self.named_children():
            if not name.endswith("backbone"):
                start_weights(part)

    def _recur(self, features: Tensor) -> SequenceOutput:
        return self._read(features, None)

    def _recur_both(self, features: Tensor, motion: Tensor) -> SequenceOutput:
        return self._read(features, motion)

    def _read(self, features: Tensor, motion: Tensor | None) -> SequenceOutput:
        feature_part = self.attend.from_feature(_locations(features))  # (B, T, R, A), W_a ∗ X + b_a
        top = self.first(features)
        bottom, below = self.bottom, None
        motion_parts: Sequence[Tensor | None] = [None] * features.shape[1]
        if bottom is not None and motion is not None:
            motion_parts, below = bottom.cell.input_part(motion).unbind(1), bottom.first(motion)
        seen = []
        # unbind, not [:, t], whose gradient is as large as the whole at every frame.
        frames = zip(features.unbind(1), feature_part.unbind(1), motion_parts, strict=True)
        for maps, part, moved in frames:
            looks = top[0]
            if bottom is not None and moved is not None and below is not None:
                below = bottom(moved, top[0], below)
                looks = below[0]  # of this frame, where H_{t-1} is of the frame before
            weight = self.attend(part, _locations(looks))  # (B, R)
            weight = weight.unflatten(-1, features.shape[3:])  # (B, h, w), A_t
            top = self.cell(self.cell.from_input(maps * weight[:, None]), *top)
            seen.append((weight, top[0]))
        attention, states = (torch.stack(x, 1) for x in zip(*seen, strict=True))
        frame_logits = self.head(states)
        return SequenceOutput(
            logits=answer_over_time(frame_logits),
            frame_logits=frame_logits,
            attention=attention,
            context=states.mean((3, 4)),
        )


def _locations(maps: Tensor) -> Tensor:
    """(…, C, h, w) -> (…, R, C)."""
    return maps.flatten(-2).transpose(-2, -1)
