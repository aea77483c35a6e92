"""Lattice-LSTM (L²STM): every location of the map has its own transition of the memory.

Lattice Long Short-Term Memory for Human Action Recognition
Lin Sun, Kui Jia, Kevin Chen, Dit-Yan Yeung, Bertram E. Shi, Silvio Savarese, ICCV 2017
https://arxiv.org/abs/1708.03958

For each stream, RGB and flow, ∗ a convolution:

    I_t = σ(W_xi ∗ X_t + W_hi ∗ H_{t-1} + b_i)            W and b shared by both streams
    F_t = σ(W_xf ∗ X_t + W_hf ∗ H_{t-1} + b_f)            likewise
    O_t = σ(W_xo ∗ X_t + W_ho ∗ H_{t-1} + b_o)
    G_t = tanh(W_xc ∗ X_t + L(H_{t-1}) + b_c)
    C_t = F_t C_{t-1} + I_t G_t,   H_t = O_t tanh(C_t),   H_0 = C_0 = 0

    L(H)(k; m, n) = Σ over l and (i, j) of the kernel of  W_L(k, l, i, j; m, n) H(l; m + i, n + j)

L is the "local superposition": a convolution whose weights differ at every location (m, n). With
the same weights everywhere it is a convolution, and a stream is a ConvLSTM (``conv_lstm.py``).
Input and forget gates learn from both modalities: the gradient of either stream's loss reaches
their weights. The two streams' answers are averaged.

Stated there: a transition of the memory cell's state for every location, input and forget gates
trained by both modalities, a weighted average of both streams' vectorised states, all end to end.

Where the paper is silent, or leaves a choice, and what we chose
- L stands in the candidate alone, what the memory takes up; in the gates H is convolved.
- Shared are the gates' weights, not their values: each stream opens its gates from what it reads.
  So both must have the same number of channels.
- Sizes: 3 × 3 kernels and hidden 512, as in the ConvLSTM it is compared with. The paper speaks of
  14 × 14 maps of VGG16; ours are those of the last stage, 7 × 7 at 224 pixels (``map_size``). W_L
  grows with their number: at 7 × 7 and hidden 512 it has 115 million weights a stream.
- The answer of a stream at a frame is read from its flattened ("vectorised") state through the
  layer of 1024 that the other rivals have, dropout 0.7 after it; streams and frames are averaged as
  probabilities, with the streams' weights 1 : 1 (the paper's "weighted average"; MAM's Table 3
  says average). The loss is the mean of both streams' over all frames.
- No peepholes; states start at 0. The recipes train on frozen frame CNNs, as VideoLSTM's code does
  for those that MAM compares with.

B batch · T frames · C channels · h, w map size · R = h·w · S = 2 streams · H hidden · K classes
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.sequence import (
    FrameHead,
    SequenceOutput,
    TwoStreamModel,
    answer_over_time,
    lstm_update,
    start_weights,
)

__all__ = ["LatticeLSTM", "LatticeOutput", "LocalSuperposition", "lattice_lstm_loss"]


@dataclass(frozen=True)
class LatticeOutput(SequenceOutput):
    """``frame_logits`` are the log of the two streams' averaged probabilities; ``context`` is the
    mean of their states."""

    stream_logits: Tensor | None = None  # (B, S, T, K), RGB and flow each by itself


def lattice_lstm_loss(output: LatticeOutput, target: Tensor) -> Tensor:
    """Cross entropy of every frame's answer in either stream with the class (B,), averaged."""
    assert output.stream_logits is not None
    answers = output.stream_logits.flatten(1, 2)  # (B, S·T, K)
    return F.cross_entropy(answers.flatten(0, 1), target.repeat_interleave(answers.shape[1]))


class LocalSuperposition(nn.Module):
    """L: a convolution without bias whose weights differ at every location.

    Attributes:
        weight: (h, w, H_out, H_in, kernel, kernel); each location's as a convolution has it.
    """

    def __init__(self, dim: int, *, map_size: tuple[int, int], kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.weight = nn.Parameter(torch.empty(*map_size, dim, dim, kernel, kernel))
        bound = (3 / (dim * kernel**2)) ** 0.5  # Glorot's, of the convolution it stands for
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, H, h, w) -> (B, H, h, w)."""
        around = F.unfold(maps, self.kernel, padding=self.kernel // 2)  # (B, H·kernel², R)
        around = around.permute(2, 0, 1).contiguous()  # bmm would copy it location by location
        weight = self.weight.flatten(0, 1).flatten(2)  # (R, H, H·kernel²)
        mixed = torch.bmm(around, weight.transpose(1, 2))  # (R, B, H)
        return mixed.permute(1, 2, 0).unflatten(-1, maps.shape[2:])


class LatticeStream(nn.Module):
    """What one stream has of its own: candidate, output gate and answer."""

    def __init__(
        self,
        channels: int,
        hidden_dim: int,
        num_classes: int,
        *,
        map_size: tuple[int, int],
        kernel: int,
        head_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        pad = kernel // 2
        self.from_input = nn.Conv2d(channels, 2 * hidden_dim, kernel, padding=pad)  # W_xc, W_xo
        self.to_output = nn.Conv2d(hidden_dim, hidden_dim, kernel, padding=pad, bias=False)  # W_ho
        self.local = LocalSuperposition(hidden_dim, map_size=map_size, kernel=kernel)  # W_L
        flat = hidden_dim * map_size[0] * map_size[1]
        self.head = FrameHead(flat, num_classes, dim=head_dim, dropout=dropout)

    def input_part(self, features: Tensor) -> Tensor:
        """W_x ∗ X_t + b of all frames: (B, T, C, h, w) -> (B, T, 2H, h, w)."""
        return self.from_input(features.flatten(0, 1)).unflatten(0, features.shape[:2])

    def forward(self, input_part: Tensor, hidden: Tensor) -> Tensor:
        """A frame's part (B, 2H, h, w) and H_{t-1} -> candidate and output gate (B, 2H, h, w)."""
        return input_part + torch.cat([self.local(hidden), self.to_output(hidden)], 1)


class LatticeLSTM(TwoStreamModel):
    """Two Lattice-LSTMs, on RGB and on flow, with shared input and forget gates.

    Args:
        num_classes: K.
        hidden_dim: H, of each stream. kernel: side of the kernels. map_size: (h, w).
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
        motion_length: int = 5,
        motion_weights: str | PathLike[str] | None = None,
        motion_dim: int | None = None,
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
            motion_length=motion_length,
            motion_weights=motion_weights,
            motion_dim=motion_dim,
            map_size=map_size,
        )
        channels = self.feature_dim
        if channels != self.motion_dim:
            raise ValueError(
                "the two streams share their gates, so motion_dim must equal feature_dim; got "
                f"{self.motion_dim} and {channels}."
            )
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, so that maps keep their size; got {kernel}.")
        self.hidden_dim, pad = hidden_dim, kernel // 2
        self.gates_from_input = nn.Conv2d(channels, 2 * hidden_dim, kernel, padding=pad)
        self.gates_from_state = nn.Conv2d(
            hidden_dim, 2 * hidden_dim, kernel, padding=pad, bias=False
        )
        self.appearance, self.motion = (
            LatticeStream(
                channels,
                hidden_dim,
                num_classes,
                map_size=map_size,
                kernel=kernel,
                head_dim=head_dim,
                dropout=dropout,
            )
            for _ in range(2)
        )
        for name, part in self.named_children():
            if not name.endswith("backbone"):
                start_weights(part)

    def _recur_both(self, features: Tensor, motion: Tensor) -> SequenceOutput:
        states = self._states(features, motion)  # (S, B, T, H, h, w)
        answers = [self.appearance.head(states[0]), self.motion.head(states[1])]
        stream_logits = torch.stack(answers, 1)  # (B, S, T, K)
        frame_logits = answer_over_time(stream_logits)  # (B, T, K), over the streams
        return LatticeOutput(
            logits=answer_over_time(frame_logits),
            frame_logits=frame_logits,
            context=states.mean((0, 4, 5)),
            stream_logits=stream_logits,
        )

    def _states(self, features: Tensor, motion: Tensor) -> Tensor:
        """Maps of both streams (B, T, C, h, w) -> their hidden states (S, B, T, H, h, w)."""
        batch, frames, _, height, width = features.shape
        both = torch.cat([features, motion])  # the gates are shared: one batch of S·B clips
        shared = self.gates_from_input(both.flatten(0, 1)).unflatten(0, (2 * batch, frames))
        own = [
            part.unbind(1)  # not [:, t]: its gradient is as large as the whole, at every frame
            for part in (self.appearance.input_part(features), self.motion.input_part(motion))
        ]
        hidden = cell = features.new_zeros(2 * batch, self.hidden_dim, height, width)
        seen = []
        for gate_part, one, two in zip(shared.unbind(1), *own, strict=True):
            gates = gate_part + self.gates_from_state(hidden)  # input and forget
            first = self.appearance(one, hidden[:batch])  # candidate and output
            second = self.motion(two, hidden[batch:])
            gates = torch.cat([gates, torch.cat([first, second])], 1)  # (S·B, 4H, h, w)
            hidden, cell = lstm_update(gates, cell)
            seen.append(hidden)
        return torch.stack(seen, 1).unflatten(0, (2, batch))
