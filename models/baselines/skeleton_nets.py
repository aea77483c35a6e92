"""MAN's halves and recurrent networks on skeletons: what its claim is measured against.

    STCMAlone      the skeleton image straight into the convolutions: MAN without its memory
    TARMAlone      the recalibrated image X~, Y~, Z~, its mean over rows, classes: MAN without its
                   convolutions
    BGRU           rows of the image, all coordinates of a frame in one vector, through a
                   bidirectional GRU; its outputs' mean over the rows that hold a frame
    SkeletonLSTM   the same rows through an LSTM; its state after the last row that holds a frame

Each sees what MAN sees (models/skeleton_image.py) and takes its arguments where they mean the same.
The paper names no such networks; these are ours, after common practice.

B batch · T frames given · S image rows · P people · J joints · F columns · H units · K classes
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.man import build_tarms, recalibrate
from models.skeleton_image import NTU_ROLES, ReadsSkeletons, Roles
from models.stcm import STCM_CHANNELS, build_stcm, check_stcm_rows, he_normal, usual_rows

__all__ = ["BGRU", "STCMAlone", "SkeletonLSTM", "SkeletonOutput", "TARMAlone"]


@dataclass(frozen=True)
class SkeletonOutput:
    """What a model beside MAN saw and answered; None where it has no such thing."""

    logits: Tensor  # (B, K), before softmax
    image: Tensor  # (B, 3, S, F), metres, float32
    rows: Tensor  # (B, S) int64, source frame of each row, -1 for padding
    maps: Tensor | None = None  # (B, C, h, w), last maps, before global average pooling
    attention: Tensor | None = None  # (B, 3, S), in [0, 1]
    memory: Tensor | None = None  # (B, 3, S, H)
    recalibrated: Tensor | None = None  # (B, 3, S, F), X~, Y~, Z~
    states: Tensor | None = None  # (B, S, ...), what a recurrent layer gave after each row


class STCMAlone(ReadsSkeletons):
    """MAN's convolutions alone. Arguments as MAN's; ``dropout`` is of the averaged maps."""

    def __init__(
        self,
        num_classes: int,
        *,
        frames: int | None = None,
        people: int = 2,
        joints: int = 25,
        roles: Roles = NTU_ROLES,
        dropout: float = 0.0,
        momentum: float = 0.01,
        stcm: str = "conv9",
        weights: str | PathLike[str] | None = None,
    ) -> None:
        frames = usual_rows(stcm) if frames is None else frames
        super().__init__(frames=frames, people=people, joints=joints, roles=roles)
        check_stcm_rows(stcm, frames)
        self.stcm = build_stcm(stcm, weights=weights, momentum=momentum)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(STCM_CHANNELS[stcm], num_classes)
        he_normal(self.classifier)

    def forward(self, joints: Tensor, present: Tensor) -> SkeletonOutput:
        """Joints (B, T, P, J, 3) in metres, present (B, T, P) bool."""
        image, rows = self.see_image(joints, present)
        maps = self.stcm(image.to(self.classifier.weight.dtype))
        logits = self.classifier(self.dropout(maps.mean((-2, -1))))
        return SkeletonOutput(logits, image, rows, maps=maps)


class TARMAlone(ReadsSkeletons):
    """MAN's memory and attention alone. Arguments as MAN's."""

    def __init__(
        self,
        num_classes: int,
        *,
        frames: int = 50,
        people: int = 2,
        joints: int = 25,
        roles: Roles = NTU_ROLES,
        hidden: int = 64,
        reduction: int = 16,
        cell: str = "keras",
        attention: str = "trained",
        dropout: float = 0.5,
        recurrent_dropout: float = 0.5,
    ) -> None:
        super().__init__(frames=frames, people=people, joints=joints, roles=roles)
        self.tarms = build_tarms(
            frames,
            columns=self.columns,
            hidden=hidden,
            reduction=reduction,
            cell=cell,
            attention=attention,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
        )
        self.classifier = nn.Linear(3 * self.columns, num_classes)
        he_normal(self.classifier)

    def forward(self, joints: Tensor, present: Tensor) -> SkeletonOutput:
        """Joints (B, T, P, J, 3) in metres, present (B, T, P) bool."""
        image, rows = self.see_image(joints, present)
        given = image.to(self.classifier.weight.dtype)
        recalibrated, attention, memory = recalibrate(list(self.tarms), given)
        logits = self.classifier(recalibrated.mean(2).flatten(1))  # (B, 3·F) -> (B, K)
        return SkeletonOutput(
            logits, image, rows, attention=attention, memory=memory, recalibrated=recalibrated
        )


class _Recurrent(ReadsSkeletons):
    """Rows of the image through a recurrent layer; what is made of its outputs the kinds say.

    Args:
        frames, people, joints, roles: as MAN's.
        hidden: H of each direction. layers: one above the other.
        dropout: of the rows let in, and of what is classified.
    """

    bidirectional: bool

    def __init__(
        self,
        num_classes: int,
        *,
        frames: int = 50,
        people: int = 2,
        joints: int = 25,
        roles: Roles = NTU_ROLES,
        hidden: int = 128,
        layers: int = 1,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(frames=frames, people=people, joints=joints, roles=roles)
        kind = nn.GRU if self.bidirectional else nn.LSTM
        self.cell: nn.RNNBase = kind(
            3 * people * joints,
            hidden,
            num_layers=layers,
            batch_first=True,
            bidirectional=self.bidirectional,
        )
        self.rate = dropout
        self.classifier = nn.Linear(hidden * (2 if self.bidirectional else 1), num_classes)

    def train(self, mode: bool = True) -> Self:
        """Set the mode; the recurrent layer, which has no dropout of its own, stays in training.

        cuDNN refuses a backward pass (saliency needs one) through a recurrent layer in eval mode.
        """
        super().train(mode)
        self.cell.train()
        return self

    def forward(self, joints: Tensor, present: Tensor) -> SkeletonOutput:
        """Joints (B, T, P, J, 3) in metres, present (B, T, P) bool."""
        image, rows = self.see_image(joints, present)
        given = self.bodies(image).flatten(2).to(self.classifier.weight.dtype)  # (B, S, P·J·3)
        states, _ = self.cell(F.dropout(given, self.rate, self.training))  # (B, S, H or 2H)
        seen = F.dropout(self.summed_up(states, rows >= 0), self.rate, self.training)
        return SkeletonOutput(self.classifier(seen), image, rows, states=states)

    def summed_up(self, states: Tensor, real: Tensor) -> Tensor:
        """States (B, S, …) and which rows hold a frame (B, S) -> (B, …)."""
        raise NotImplementedError


class BGRU(_Recurrent):
    """A bidirectional GRU over the rows, its outputs averaged over those that hold a frame."""

    bidirectional = True

    def summed_up(self, states: Tensor, real: Tensor) -> Tensor:
        share = real / real.sum(1, keepdim=True).clamp(min=1)  # (B, S)
        return torch.einsum("bs,bsh->bh", share.to(states.dtype), states)


class SkeletonLSTM(_Recurrent):
    """An LSTM over the rows, asked after the last one that holds a frame."""

    bidirectional = False

    def summed_up(self, states: Tensor, real: Tensor) -> Tensor:
        number = torch.arange(real.shape[1], device=real.device)
        last = torch.where(real, number, 0).amax(1)  # (B,), the first row where nobody ever is
        return states[torch.arange(len(states), device=last.device), last]
