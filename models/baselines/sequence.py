"""What the rivals of MAM share: CNN features of frames in, an answer at every frame out.

VideoLSTM Convolves, Attends and Flows for Action Recognition
Zhenyang Li, Kirill Gavrilyuk, Efstratios Gavves, Mihir Jain, Cees G. M. Snoek, CVIU 2018
https://arxiv.org/abs/1607.01794

That paper compares a ConvNet, LSTM, soft-attention LSTM, ConvLSTM and VideoLSTM on one footing,
and MAM takes its rows from there. The footing, after the authors' code (the paper says less):

    y_t    = softmax(W_y tanh(W_f h_t + b_f) + b_y)       h_t flattened where it is a map
    loss   = mean over clips and frames of the cross entropy of y_t
    answer = mean over frames of y_t

Where we differ, or the sources are silent
- The clip's ``logits`` are the logarithm of the mean of the y_t, so that their softmax is the
  answer and they can be fused and compared as those of the other models here.
- Weights start uniform after Glorot, biases at 0, also where the authors draw from a normal
  distribution of 0.1 (the matrices of LSTM and ALSTM): that is too wide for small features.
- Clips have one length here: there is no mask of frames.
- Under autocast what follows the CNN runs in single precision, as MAM does.

B batch · T frames · d feature · C channels · h, w map size · H hidden · A attention · K classes
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import FrameCNN, build_backbone, check_clip

__all__ = [
    "FrameHead",
    "SequenceModel",
    "SequenceOutput",
    "TwoStreamModel",
    "answer_over_time",
    "lstm_update",
    "sequence_loss",
    "start_weights",
]


@dataclass(frozen=True)
class SequenceOutput:
    """The clip's answer and what happened at each frame, in the order of the frames."""

    logits: Tensor  # (B, K), their softmax is the clip's answer
    frame_logits: Tensor  # (B, T, K), before softmax
    attention: Tensor | None = None  # (B, T, h, w), sums to 1 over h and w
    context: Tensor | None = None  # (B, T, H), hidden state; a map is averaged over its locations


def answer_over_time(frame_logits: Tensor) -> Tensor:
    """Log of the mean of the frames' probabilities: (B, T, …, K) -> (B, …, K)."""
    return frame_logits.log_softmax(-1).logsumexp(1) - math.log(frame_logits.shape[1])


def sequence_loss(output: SequenceOutput, target: Tensor) -> Tensor:
    """Cross entropy of every frame's answer with the clip's class (B,), averaged."""
    return F.cross_entropy(
        output.frame_logits.flatten(0, 1), target.repeat_interleave(output.frame_logits.shape[1])
    )


def lstm_update(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """New hidden and cell state of an LSTM, of vectors (B, H) or of maps (B, H, h, w).

    Args:
        gates: (B, 4H, …) before their functions, in torch's order: input, forget, candidate,
            output.
        cell: (B, H, …), c_{t-1}.
    """
    i, f, g, o = gates.chunk(4, 1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


def start_weights(module: nn.Module) -> None:
    """Glorot's uniform weights and biases of 0, in every linear and convolution layer."""
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class FrameHead(nn.Module):
    """Hidden state of each frame -> its answer.

    Args:
        in_dim: size of the hidden state, flattened.
        dim: of the layer between; the authors' 1024.
        before: dropout on the hidden state. dropout: on the layer between.
    """

    def __init__(
        self, in_dim: int, num_classes: int, *, dim: int, dropout: float, before: float = 0.0
    ) -> None:
        super().__init__()
        self.before = nn.Dropout(before)
        self.fc = nn.Linear(in_dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(dim, num_classes)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, H) or (B, T, H, h, w) -> (B, T, K), before softmax."""
        mixed = torch.tanh(self.fc(self.before(hidden.flatten(2))))
        return self.classifier(self.dropout(mixed))


class SequenceModel(nn.Module):
    """A frame CNN, or ready features in its place, and something that reads them in order.

    A subclass fills ``_recur``; the rest is the same for all.

    Args:
        backbone: name of a frame CNN (``models.backbones``); None for ready features.
        width: channels of ``resnet18_narrow``.
        weights: of the backbone: None, "imagenet" or a file.
        flow_length: L where a frame is a snippet of so many flow fields; None: RGB frames.
        feature_dim: d, or C where it takes maps, of ready features; only with ``backbone=None``.
        map_size: (h, w) where the model is built for one size of maps.
    """

    takes: ClassVar[Literal["vector", "maps"]] = "vector"
    two_stream: bool = False

    def __init__(
        self,
        *,
        backbone: str | None,
        width: int | None,
        weights: str | PathLike[str] | None,
        flow_length: int | None,
        feature_dim: int | None,
        map_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if (backbone is None) == (feature_dim is None):
            raise ValueError(
                "give either backbone=<name> (frames in) or backbone=None with feature_dim=<size> "
                f"(ready features in); got backbone={backbone!r}, feature_dim={feature_dim}."
            )
        cnn = None
        if backbone is not None:
            cnn = build_backbone(backbone, width=width, weights=weights, flow_length=flow_length)
        self.backbone = cnn
        self.feature_dim = self._size_of(cnn, feature_dim)
        self.map_size = None if map_size is None else (int(map_size[0]), int(map_size[1]))

    def features(self, frames: Tensor) -> Tensor:
        """What ``rollout`` takes, of frames (B, T, 3, H, W) in [0, 1].

        With ``flow_length`` the frames are snippets of flow (B, T, 2L, H, W), rest at 0.5.

        Returns:
            vectors (B, T, d), or maps (B, T, C, h, w) of the last stage, as the class ``takes``.
        """
        return self._seen_by(self.backbone, frames)

    def forward(self, frames: Tensor, flow: Tensor | None = None) -> SequenceOutput:
        """Frames (B, T, 3, H, W) in [0, 1] (ready features where there is no CNN).

        A two-stream model also takes ``flow``: snippets (B, T, 2L, H, W), or ready features.
        """
        if flow is not None:
            raise ValueError(f"{type(self).__name__} reads one stream; got flow beside the frames.")
        return self.rollout(frames if self.backbone is None else self.features(frames))

    def rollout(self, features: Tensor, motion: Tensor | None = None) -> SequenceOutput:
        """What follows the CNN, alone: features as ``features`` returns them, finite.

        A two-stream model also takes ``motion``, as ``motion_features`` returns it.
        """
        if motion is not None:
            raise ValueError(f"{type(self).__name__} reads one stream; got motion beside features.")
        features = self._checked(features, self.feature_dim, "features")
        with torch.autocast(features.device.type, enabled=False):
            return self._recur(features)

    def _recur(self, features: Tensor) -> SequenceOutput:
        raise NotImplementedError

    def _size_of(self, cnn: FrameCNN | None, ready: int | None) -> int:
        if cnn is None:
            return int(ready or 0)
        return cnn.feature_dim if self.takes == "vector" else cnn.stage_channels[-1]

    def _seen_by(self, cnn: FrameCNN | None, frames: Tensor) -> Tensor:
        if cnn is None:
            raise ValueError(
                f"this {type(self).__name__} was built with backbone=None: call rollout(features)."
            )
        check_clip(frames, flow_length=cnn.flow_length)
        look = cnn if self.takes == "vector" else cnn.maps
        return look(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])

    def _checked(self, features: Tensor, size: int, name: str) -> Tensor:
        """``features`` in the model's dtype (autocast makes them bfloat16), or what is wrong."""
        maps = self.takes == "maps"
        asked = f"(B, T, {size}{', h, w' if maps else ''})"
        if features.ndim != (5 if maps else 3) or features.shape[2] != size or not features.numel():
            raise ValueError(
                f"{name} must have shape {asked} with at least one frame; "
                f"got {tuple(features.shape)}."
            )
        if self.map_size is not None and features.shape[3:] != self.map_size:
            raise ValueError(
                f"{name} must have shape {asked} with (h, w) = {self.map_size}, which this "
                f"{type(self).__name__} is built for; got {tuple(features.shape)}. Give it frames "
                "of the size it was made for, or build it with map_size of these maps."
            )
        if not bool(torch.isfinite(features).all()):
            raise ValueError(
                f"{name} must be finite; got nan or infinity. Check the frames for nan, and the "
                "backbone's weights."
            )
        return features.to(next(self.parameters()).dtype)


class TwoStreamModel(SequenceModel):
    """A ``SequenceModel`` that reads motion beside appearance, frame by frame.

    Args:
        motion_length: L of the motion CNN's snippets, which is built as the backbone is.
        motion_weights: of the motion CNN: None, "imagenet" or a file.
        motion_dim: d or C of ready motion features; only with ``backbone=None``.
        The others are those of ``SequenceModel``.
    """

    two_stream = True

    def __init__(
        self,
        *,
        backbone: str | None,
        width: int | None,
        weights: str | PathLike[str] | None,
        flow_length: int | None,
        feature_dim: int | None,
        motion_length: int,
        motion_weights: str | PathLike[str] | None,
        motion_dim: int | None,
        map_size: tuple[int, int] | None = None,
        motion: bool = True,
    ) -> None:
        super().__init__(
            backbone=backbone,
            width=width,
            weights=weights,
            flow_length=flow_length,
            feature_dim=feature_dim,
            map_size=map_size,
        )
        self.two_stream = motion
        if (motion_dim is None) == (motion and backbone is None):
            raise ValueError(
                "motion_dim is the size of ready motion features: give it with backbone=None, "
                f"and only there; got backbone={backbone!r}, motion_dim={motion_dim}."
            )
        cnn = None
        if motion and backbone is not None:
            cnn = build_backbone(
                backbone, width=width, weights=motion_weights, flow_length=motion_length
            )
        self.motion_backbone = cnn
        self.motion_dim = self._size_of(cnn, motion_dim)

    def motion_features(self, flow: Tensor) -> Tensor:
        """What ``rollout`` takes as ``motion``, of flow (B, T, 2L, H, W), rest at 0.5."""
        return self._seen_by(self.motion_backbone, flow)

    def forward(self, frames: Tensor, flow: Tensor | None = None) -> SequenceOutput:
        if self.backbone is not None:
            frames = self.features(frames)
        if flow is not None and self.motion_backbone is not None:
            flow = self.motion_features(flow)
        return self.rollout(frames, flow)

    def rollout(self, features: Tensor, motion: Tensor | None = None) -> SequenceOutput:
        if not self.two_stream:
            return super().rollout(features, motion)
        features = self._checked(features, self.feature_dim, "features")
        if motion is None:
            raise ValueError(
                f"{type(self).__name__} reads two streams; got no motion. Give flow beside the "
                "frames, or motion beside the features."
            )
        motion = self._checked(motion, self.motion_dim, "motion")
        _check_alike(features, motion)
        with torch.autocast(features.device.type, enabled=False):
            return self._recur_both(features, motion)

    def _recur_both(self, features: Tensor, motion: Tensor) -> SequenceOutput:
        raise NotImplementedError


def _check_alike(features: Tensor, motion: Tensor) -> None:
    if features.shape[:2] != motion.shape[:2] or features.shape[3:] != motion.shape[3:]:
        raise ValueError(
            "features and motion must hold the same clips, frames and map sizes; got "
            f"{tuple(features.shape)} and {tuple(motion.shape)}."
        )
