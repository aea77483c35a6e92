"""TMNet: one glance at a frame stands for the whole clip.

Temporal Memory Network Towards Real-Time Video Understanding
Ziming Liu, Jinyang Li, Guangyu Gao, A. K. Qin, IEEE Access 2020
https://doi.org/10.1109/ACCESS.2020.3043386

    F_base = BB(I_1 … I_T)                           the first stages of a ResNet, frame by frame
    F_cls  = mean over time of CB(F_base)            classification branch, all frames
    F_reg  = RB(F_base[key])                         regression branch, one key frame
    loss   = CE(FC(F_cls), y) + α SmoothL1(F_reg − F_cls),  α = 0.8
    SmoothL1(x) = 0.5 x² if |x| < 1, else |x| − 0.5                                        (1)
    one glance: F = (RB(BB(I)) + CB(BB(I))) / 2 -> FC

Eq. 1 is the paper's only numbered one. Variants (section IV-C 6, Figure 7):

    "2d"    BB, RB and CB are 2-D
    "3d-a"  CB is 3-D, over the T maps of F_base; one glance: F = RB(BB(I)) alone
    "3d-b"  BB is 3-D too, on the clip; RB, 2-D, stands in for the heavy CB: F = RB(BB(clip)[t])

Where we differ, or the paper is silent
- F_cls is a "pseudo supervised signal": it is detached in the regression term (a flag).
- RB has no classifier of its own: CB's FC is shared. It is linear, so that the average of the two
  features before it and the average of the two logits after it are the same.
- The regression compares vectors after global average pooling; maps before it are an option.
- The key frame is drawn from the middle third in training and is the centre at a glance; Table 3
  compares thirds, Table 1 agrees with none of them: the exact centre and any frame are options.
- No dropout is named: 0. "0 stages" in the base means the stem alone.
- VGG16 is read before its fully connected layers, since a class activation map needs FC after GAP.
- The 3-D variants' RB is the 2-D network's own end. The paper calls the 3-D one SlowNet50; with two
  shared stages its base has no kernel in time, so that 3d-a and 3d-b differ by their weights alone.
- At a glance the 3-D variants answer by RB; what CB says of a still is reported beside it.
- Where a 3-D base shortens time (I3D), frame t is the step t·T' // T of its T' steps.

B batch · T frames · C channels · h, w map size · K classes
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from os import PathLike

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import build_backbone
from models.backbones3d import clip_cnn_beside
from models.foreign import fit_state, refuse_misfit
from models.frames import check_clip

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
_KEYS = (*_THIRDS, "centre", "any")
_VARIANTS = ("2d", "3d-a", "3d-b")


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
    """Inference: every frame on its own (in "3d-b", every step of the base on its own)."""

    logits: Tensor  # (B, T, K), both branches fused; of the 3-D variants logits_rb
    logits_rb: Tensor  # (B, T, K)
    logits_cb: Tensor  # (B, T, K), of each frame as a clip of one where CB is 3-D
    maps_rb: Tensor  # (B, T, C, h, w)
    maps_cb: Tensor  # (B, T, C, h, w)


def key_range(frames: int, *, third: str = "middle") -> tuple[int, int]:
    """First key frame and one past the last of T frames: in a third, the "centre" or "any"."""
    if third not in _KEYS or frames < 1:
        raise ValueError(
            f"expected third among {', '.join(_KEYS)} and at least one frame; "
            f"got {third!r}, {frames} frames."
        )
    if third not in _THIRDS:
        return (0, frames) if third == "any" else (centre_key(frames), centre_key(frames) + 1)
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
        backbone: name of a frame CNN (``models.backbones``); default "resnet18" (Figure 4) for
            "2d" and "resnet50" (Table 5) for the 3-D variants.
        width: channels of ``resnet18_narrow``.
        weights: of the backbone: None, "imagenet" or a file.
        base_stages: stages in the shared base, 0 to 3; the branches hold the other 4 − that.
        key_third: third that training draws the key frame from, or "centre" or "any".
        dropout: on features, before the shared classifier.
        flow_length: L where a frame is a snippet of so many flow fields; None: RGB frames.
        variant: "2d", "3d-a" or "3d-b".
        backbone_3d: name of a clip CNN (``models.backbones3d``) for the 3-D variants; default the
            SlowOnly of the backbone's kind, for Table 5 "slowonly50".
        weights_3d: of that: a file, of Kinetics say; None: as the backbone starts, inflated.

    Raises:
        ValueError: an unknown name, or parts that do not go together.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str | None = None,
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        base_stages: int = 2,
        key_third: str = "middle",
        dropout: float = 0.0,
        flow_length: int | None = None,
        variant: str = "2d",
        backbone_3d: str | None = None,
        weights_3d: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        if base_stages not in (0, 1, 2, 3):
            raise ValueError(f"base_stages must be 0, 1, 2 or 3; got {base_stages!r}.")
        if variant not in _VARIANTS or (variant == "2d" and (backbone_3d or weights_3d)):
            raise ValueError(
                f"variant must be one of {', '.join(_VARIANTS)}, with backbone_3d and weights_3d "
                f"for the 3-D ones alone; got {variant!r}, {backbone_3d!r}, {weights_3d!r}."
            )
        key_range(1, third=key_third)  # refuses an unknown third now, not in the first step
        backbone = backbone or ("resnet18" if variant == "2d" else "resnet50")
        cnn = build_backbone(backbone, width=width, weights=weights, flow_length=flow_length)
        cut = 1 + base_stages  # the stem is always shared
        self.variant, self.key_third, self.flow_length = variant, key_third, flow_length
        self.normalise = cnn.normalise
        end = cnn.stages[cut:]
        if variant == "2d":
            self.base, self.classification = nn.Sequential(*cnn.stages[:cut]), nn.Sequential(*end)
        else:
            cube = clip_cnn_beside(
                cnn, backbone, name=backbone_3d, width=width, weights=weights, weights_3d=weights_3d
            )
            cube.check_continues(cnn, after=base_stages)
            whole = cube if variant == "3d-b" else cnn
            self.base = nn.Sequential(*whole.stages[:cut])
            self.classification = nn.Sequential(*cube.stages[cut:])  # CB
        self.regression = nn.Sequential(*deepcopy(end))  # RB: weights of its own
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(cnn.stage_channels[-1], num_classes)  # FC, shared

    def load_backbone(self, state: dict[str, Tensor]) -> None:
        """Start base and both branches from the state dict of a whole ``FrameCNN``.

        3-D parts take it inflated, and the first convolution of a flow network an RGB one's mean.
        """
        parts: dict[str, dict[str, Tensor]] = {"base": {}, "branch": {}}
        cut = len(self.base)
        for name, value in state.items():
            kind, _, rest = name.partition(".")
            if kind != "stages":
                continue  # VGG16's head, which TMNet does without
            number, _, rest = rest.partition(".")
            part, at = ("base", int(number)) if int(number) < cut else ("branch", int(number) - cut)
            parts[part][f"{at}.{rest}"] = value
        for module, part in (
            (self.base, "base"),
            (self.classification, "branch"),
            (self.regression, "branch"),
        ):
            own = module.state_dict()
            refuse_misfit("backbone", unknown=[name for name in parts[part] if name not in own])
            module.load_state_dict(fit_state(parts[part], own, source="backbone"), strict=False)

    def forward(
        self,
        frames: Tensor,
        key: int | Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> TMNetOutput:
        """The training graph, in train and in eval mode alike.

        Args:
            frames: (B, T, 3, H, W) in [0, 1]; (B, T, 2L, H, W) of flow.
            key: frame that RB sees, one for all or one per clip (B,); None draws it at random.
            generator: CPU generator for that draw; torch's global one by default.
        """
        base = self._base(frames)  # (B, T', C', h', w'), F_base
        batch, count = frames.shape[:2]
        key = self._key(key, batch=batch, frames=count, generator=generator).to(frames.device)
        maps_cb = self._memory(base)
        step = key * base.shape[1] // count
        maps_rb = self.regression(base[torch.arange(batch, device=base.device), step])
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

        Several glances answer together by the mean of their logits over T. The base of "3d-b"
        looks at the clip that it is given, and RB at each moment of it.
        """
        base = self._moments(frames)  # (B, T, C', h', w')
        size, base = base.shape[:2], base.flatten(0, 1)
        maps_rb = self.regression(base).unflatten(0, size)  # (B, T, C, h, w)
        maps_cb = self._memory(base[:, None]).unflatten(0, size)  # (B, T, C, h, w)
        logits_rb, logits_cb = self._answer(_pooled(maps_rb)), self._answer(_pooled(maps_cb))
        fused = (logits_rb + logits_cb) / 2 if self.variant == "2d" else logits_rb
        return TMNetGlance(
            logits=fused,
            logits_rb=logits_rb,
            logits_cb=logits_cb,
            maps_rb=maps_rb,
            maps_cb=maps_cb,
        )

    def answer(self, frames: Tensor) -> Tensor:
        """``glance(frames).logits`` (B, T, K) alone: the 3-D variants do it without CB."""
        if self.variant == "2d":
            return self.glance(frames).logits
        base = self._moments(frames)
        maps = self.regression(base.flatten(0, 1)).unflatten(0, base.shape[:2])
        return self._answer(_pooled(maps))

    def _base(self, frames: Tensor) -> Tensor:
        """BB: frames (B, T, 3, H, W) -> F_base (B, T', C', h', w'); T' is T where BB is 2-D."""
        check_clip(frames, flow_length=self.flow_length)
        given = self.normalise(frames)
        if self.variant == "3d-b":
            return self.base(given.transpose(1, 2)).transpose(1, 2)
        return self.base(given.flatten(0, 1)).unflatten(0, frames.shape[:2])

    def _moments(self, frames: Tensor) -> Tensor:
        """F_base at each frame (B, T, C', h', w'), its steps repeated where BB shortens time."""
        base, count = self._base(frames), frames.shape[1]
        if base.shape[1] == count:
            return base
        return base[:, torch.arange(count, device=base.device) * base.shape[1] // count]

    def _memory(self, base: Tensor) -> Tensor:
        """CB: F_base (B, T', C', h', w') -> its maps, mean over time (B, C, h, w)."""
        if self.variant != "2d":
            return self.classification(base.transpose(1, 2)).mean(2)
        maps = self.classification(base.flatten(0, 1))
        return maps.unflatten(0, base.shape[:2]).mean(1)

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
        given = torch.as_tensor(key)
        whole = not (given.is_floating_point() or given.dtype == torch.bool)
        inside = bool(((given >= 0) & (given < frames)).all())
        if not (whole and inside and given.shape in ((), (1,), (batch,))):
            raise ValueError(
                f"key must be a frame number from 0 to {frames - 1}, one for all or one for each "
                f"of {batch} clips; got {key}."
            )
        return given.to(torch.int64).expand(batch)


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
