"""TMNet-2D: one glance at a frame stands for the whole clip.

Temporal Memory Network Towards Real-Time Video Understanding
Ziming Liu, Jinyang Li, Guangyu Gao, A. K. Qin, IEEE Access 2020
https://doi.org/10.1109/ACCESS.2020.3043386

    F_base = BB(I_1 … I_T)                           the first stages of a ResNet, frame by frame
    F_cls  = mean over time of CB(F_base)            classification branch, all frames
    F_reg  = RB(F_base[key])                         regression branch, one key frame
    loss   = CE(FC(F_cls), y) + α SmoothL1(F_reg − F_cls),  α = 0.8
    SmoothL1(x) = 0.5 x² if |x| < 1, else |x| − 0.5                                        (1)
    one glance: F = (RB(BB(I)) + CB(BB(I))) / 2 -> FC

Eq. 1 is the paper's only numbered one.

Where we differ, or the paper is silent
- F_cls is a "pseudo supervised signal": it is detached in the regression term (a flag).
- RB has no classifier of its own: CB's FC is shared. It is linear, so that the average of the two
  features before it and the average of the two logits after it are the same.
- The regression compares vectors after global average pooling; maps before it are an option.
- The key frame is drawn from the middle third in training and is the centre at a glance.
- No dropout is named: 0. "0 stages" in the base means the stem alone.
- VGG16 is read before its fully connected layers, since a class activation map needs FC after GAP.

B batch · T frames · C channels · h, w map size · K classes
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import build_backbone, check_clip

__all__ = [
    "TMNet",
    "TMNetGlance",
    "TMNetOutput",
    "centre_key",
    "draw_key",
    "key_range",
    "tmnet_loss",
]

_THIRDS = ("begin", "middle", "end")


@dataclass(frozen=True)
class TMNetOutput:
    """The training graph: T frames to CB, one key frame to RB."""

    logits: Tensor  # (B, K), both branches fused
    logits_rb: Tensor  # (B, K)
    logits_cb: Tensor  # (B, K)
    feature_rb: Tensor  # (B, C), F_reg
    feature_cb: Tensor  # (B, C), F_cls
    maps_rb: Tensor  # (B, C, h, w), before global average pooling
    maps_cb: Tensor  # (B, C, h, w), mean over time
    key: Tensor  # (B,) int64, the frame that RB saw


@dataclass(frozen=True)
class TMNetGlance:
    """Inference: every frame on its own, through both branches."""

    logits: Tensor  # (B, T, K), both branches fused
    logits_rb: Tensor  # (B, T, K)
    logits_cb: Tensor  # (B, T, K)
    maps_rb: Tensor  # (B, T, C, h, w)
    maps_cb: Tensor  # (B, T, C, h, w)


def key_range(frames: int, *, third: str = "middle") -> tuple[int, int]:
    """First key frame and one past the last in a third ("begin", "middle", "end") of T frames."""
    if third not in _THIRDS or frames < 1:
        raise ValueError(
            f"expected third among {', '.join(_THIRDS)} and at least one frame; "
            f"got {third!r}, {frames} frames."
        )
    i = _THIRDS.index(third)
    start = i * frames // 3
    return start, max(start + 1, (i + 1) * frames // 3)


def draw_key(
    frames: int,
    *,
    batch: int,
    third: str = "middle",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Random key frame of each clip (B,), int64, on the CPU (and from a CPU generator)."""
    start, stop = key_range(frames, third=third)
    return torch.randint(start, stop, (batch,), generator=generator, device="cpu")


def centre_key(frames: int) -> int:
    """The frame in the middle of T: where one glance looks."""
    return frames // 2


class TMNet(nn.Module):
    """One-glance recognition by a regression branch that imitates the temporal memory.

    Args:
        num_classes: K.
        backbone: name of a frame CNN (``models.backbones``).
        width: channels of ``resnet18_narrow``.
        weights: of the backbone: None, "imagenet" or a file.
        base_stages: stages in the shared base, 0 to 3; the branches hold the other 4 − that.
        key_third: third of the clip that training draws the key frame from.
        dropout: on features, before the shared classifier.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet18",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        base_stages: int = 2,
        key_third: str = "middle",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if base_stages not in (0, 1, 2, 3):
            raise ValueError(f"base_stages must be 0, 1, 2 or 3; got {base_stages!r}.")
        key_range(1, third=key_third)  # refuses an unknown third now, not in the first step
        cnn = build_backbone(backbone, width=width, weights=weights)
        cut = 1 + base_stages  # the stem is always shared
        self.normalise = cnn.normalise
        self.base = nn.Sequential(*cnn.stages[:cut])
        self.classification = nn.Sequential(*cnn.stages[cut:])  # CB
        self.regression = deepcopy(self.classification)  # RB: the same layers, weights of its own
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(cnn.stage_channels[-1], num_classes)  # FC, shared
        self.key_third = key_third

    def load_backbone(self, state: dict[str, Tensor]) -> None:
        """Start base and both branches from the state dict of a whole ``FrameCNN``."""
        parts: dict[str, dict[str, Tensor]] = {"base": {}, "branch": {}}
        cut = len(self.base)
        for name, value in state.items():
            kind, _, rest = name.partition(".")
            if kind != "stages":
                continue  # VGG16's head, which TMNet does without
            number, _, rest = rest.partition(".")
            part, at = ("base", int(number)) if int(number) < cut else ("branch", int(number) - cut)
            parts[part][f"{at}.{rest}"] = value
        self.base.load_state_dict(parts["base"])
        self.classification.load_state_dict(parts["branch"])
        self.regression.load_state_dict(parts["branch"])

    def forward(
        self,
        frames: Tensor,
        key: int | Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> TMNetOutput:
        """The training graph, in train and in eval mode alike.

        Args:
            frames: (B, T, 3, H, W) in [0, 1].
            key: frame that RB sees, one for all or one per clip (B,); None draws it at random.
            generator: CPU generator for that draw; torch's global one by default.
        """
        base = self._base(frames)  # (B, T, C', h', w'), F_base
        batch, count = base.shape[:2]
        key = self._key(key, batch=batch, frames=count, generator=generator).to(frames.device)
        maps_cb = self.classification(base.flatten(0, 1)).unflatten(0, (batch, count)).mean(1)
        maps_rb = self.regression(base[torch.arange(batch, device=base.device), key])
        feature_cb, feature_rb = _pooled(maps_cb), _pooled(maps_rb)  # (B, C), F_cls and F_reg
        logits_cb, logits_rb = self._answer(feature_cb), self._answer(feature_rb)
        return TMNetOutput(
            logits=(logits_rb + logits_cb) / 2,  # FC is linear: = FC((F_reg + F_cls) / 2)
            logits_rb=logits_rb,
            logits_cb=logits_cb,
            feature_rb=feature_rb,
            feature_cb=feature_cb,
            maps_rb=maps_rb,
            maps_cb=maps_cb,
            key=key,
        )

    def glance(self, frames: Tensor) -> TMNetGlance:
        """One glance at each of the frames (B, T, 3, H, W), independently of the others.

        Several glances answer together by the mean of their logits over T.
        """
        base = self._base(frames)
        size, base = base.shape[:2], base.flatten(0, 1)
        maps_rb = self.regression(base).unflatten(0, size)  # (B, T, C, h, w)
        maps_cb = self.classification(base).unflatten(0, size)  # (B, T, C, h, w)
        logits_rb, logits_cb = self._answer(_pooled(maps_rb)), self._answer(_pooled(maps_cb))
        return TMNetGlance(
            logits=(logits_rb + logits_cb) / 2,
            logits_rb=logits_rb,
            logits_cb=logits_cb,
            maps_rb=maps_rb,
            maps_cb=maps_cb,
        )

    def _base(self, frames: Tensor) -> Tensor:
        """BB: frames (B, T, 3, H, W) -> F_base (B, T, C', h', w')."""
        check_clip(frames)
        base = self.base(self.normalise(frames).flatten(0, 1))
        return base.unflatten(0, frames.shape[:2])

    def _answer(self, feature: Tensor) -> Tensor:
        """FC on features (..., C) of either branch -> logits (..., K)."""
        return self.classifier(self.dropout(feature))

    def _key(
        self,
        key: int | Tensor | None,
        *,
        batch: int,
        frames: int,
        generator: torch.Generator | None,
    ) -> Tensor:
        if key is None:
            return draw_key(frames, batch=batch, third=self.key_third, generator=generator)
        key = torch.as_tensor(key, dtype=torch.int64).expand(batch)
        if not bool(((key >= 0) & (key < frames)).all()):
            raise ValueError(f"key must be a frame number from 0 to {frames - 1}; got {key}.")
        return key


def tmnet_loss(
    output: TMNetOutput,
    target: Tensor,
    alpha: float = 0.8,
    *,
    level: str = "vector",
    detach_target: bool = True,
) -> Tensor:
    """The paper's loss: CE(FC(F_cls), y) + α SmoothL1(F_reg − F_cls), mean over elements.

    Args:
        output: of ``TMNet.forward``.
        target: classes y (B,).
        alpha: weight of the regression; the paper's best is 0.8.
        level: regress the pooled "vector" or the "map" before pooling.
        detach_target: F_cls is a target alone; False lets the regression move CB too.
    """
    if level not in ("vector", "map"):
        raise ValueError(f'level must be "vector" or "map"; got {level!r}.')
    guess, memory = (
        (output.feature_rb, output.feature_cb)
        if level == "vector"
        else (output.maps_rb, output.maps_cb)
    )
    memory = memory.detach() if detach_target else memory
    regression = F.smooth_l1_loss(guess, memory, beta=1.0)  # eq. 1
    return F.cross_entropy(output.logits_cb, target) + alpha * regression


def _pooled(maps: Tensor) -> Tensor:
    """Global average pooling (..., C, h, w) -> (..., C)."""
    return maps.mean((-2, -1))
