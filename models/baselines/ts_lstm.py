"""TS-LSTM: the clip in a few segments, each pooled, an LSTM over the segments of both streams.

TS-LSTM and Temporal-Inception: Exploiting Spatiotemporal Dynamics for Activity Recognition
Chih-Yao Ma, Min-Hung Chen, Zsolt Kira, Ghassan AlRegib
Signal Processing: Image Communication 2019, https://arxiv.org/abs/1703.10667

    z_t = [x_t ; m_t]                        appearance and motion features of a frame, one vector
    p_n = max over t in segment n of BN_n(z_t),   n = 1 … N = 3
    h_n = LSTM(p_n; h_{n-1})
    answer = softmax(W BN(h_N) + b)          from the last segment alone

after the paper and the authors' code ("BN + Max + LSTM + BN + FC"): ResNet-101 features of 25
frames (2048 and 2048), hidden 512, dropout 0.5 before the last layer, cross entropy of the answer.

Where we differ, or the sources are silent
- Segment n holds the frames ⌊(n−1)T/N⌋ … ⌊nT/N⌋ − 1: of 25 frames 8, 8 and 9.
- Batch normalisation is over all frames of a segment at once; the code's goes frame by frame with
  shared weights and statistics. At inference the two are the same.
- The code's LSTM has peepholes (its library's default) and, in one of its forms, more layers
  (512, 256) or an LSTM for each segment; here it is one LSTM without peepholes.
- ``frame_logits`` and ``context`` are those of the frame's segment, each read as the last one is;
  only the last segment's are trained.

B batch · T frames · N segments · d feature · H hidden · K classes
"""

from __future__ import annotations

from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.sequence import (
    SequenceOutput,
    TwoStreamModel,
    lstm_update,
    start_weights,
)

__all__ = ["TSLSTM", "segment_bounds", "ts_lstm_loss"]


def segment_bounds(frames: int, segments: int) -> list[tuple[int, int]]:
    """First frame of each segment, and the one after its last."""
    if not 1 <= segments <= frames:
        raise ValueError(
            f"a clip of {frames} frames cannot be cut into {segments} segments. Give more frames, "
            "or fewer segments."
        )
    return [(n * frames // segments, (n + 1) * frames // segments) for n in range(segments)]


def ts_lstm_loss(output: SequenceOutput, target: Tensor) -> Tensor:
    """Cross entropy of the last segment's answer with the clip's class (B,)."""
    return F.cross_entropy(output.logits, target)


class TSLSTM(TwoStreamModel):
    """Temporal-segment LSTM over the features of both streams.

    Args:
        num_classes: K.
        segments: N. hidden_dim: H. pool: over a segment, "max" or "mean".
        dropout: before the last layer.
        The others are those of ``TwoStreamModel``.
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
        motion_length: int = 5,
        motion_weights: str | PathLike[str] | None = None,
        motion_dim: int | None = None,
        segments: int = 3,
        pool: str = "max",
        hidden_dim: int = 512,
        dropout: float = 0.5,
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
        )
        if pool not in ("max", "mean"):
            raise ValueError(f'pool must be "max" or "mean"; got {pool!r}.')
        size = self.feature_dim + self.motion_dim
        self.pool = pool
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) for _ in range(segments))
        self.from_input = nn.Linear(size, 4 * hidden_dim)
        self.from_state = nn.Linear(hidden_dim, 4 * hidden_dim, bias=False)
        self.norm = nn.BatchNorm1d(hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden_dim, num_classes)
        for part in (self.from_input, self.from_state, self.classifier):
            start_weights(part)

    def pooled(self, features: Tensor, motion: Tensor) -> Tensor:
        """p: features (B, T, d) of both streams -> (B, N, d + d')."""
        both = torch.cat([features, motion], -1)
        bounds = segment_bounds(both.shape[1], len(self.norms))
        pieces = []
        for norm, (first, end) in zip(self.norms, bounds, strict=True):
            piece = norm(both[:, first:end].transpose(1, 2))  # (B, d + d', frames)
            pieces.append(piece.amax(-1) if self.pool == "max" else piece.mean(-1))
        return torch.stack(pieces, 1)

    def _recur_both(self, features: Tensor, motion: Tensor) -> SequenceOutput:
        input_part = self.from_input(self.pooled(features, motion))  # (B, N, 4H)
        hidden = cell = features.new_zeros(len(features), self.from_state.in_features)
        states = []
        for part in input_part.unbind(1):
            hidden, cell = lstm_update(part + self.from_state(hidden), cell)
            states.append(hidden)
        # Only the last state passes the normalisation while it learns, as in the code.
        logits = self.classifier(self.dropout(self.norm(states[-1])))
        answers = [self._read_as_last(state) for state in states[:-1]]
        lengths = [end - first for first, end in segment_bounds(features.shape[1], len(states))]
        repeats = torch.tensor(lengths, device=features.device)
        return SequenceOutput(
            logits=logits,
            frame_logits=torch.stack([*answers, logits], 1).repeat_interleave(repeats, 1),
            context=torch.stack(states, 1).repeat_interleave(repeats, 1),
        )

    @torch.no_grad()
    def _read_as_last(self, state: Tensor) -> Tensor:
        """An earlier state's answer (B, K) by the statistics gathered of the last ones."""
        n = self.norm
        normed = F.batch_norm(state, n.running_mean, n.running_var, n.weight, n.bias, eps=n.eps)
        return self.classifier(normed)
