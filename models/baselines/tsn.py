"""TSN's consensus: a frame CNN whose answers are averaged over the frames of a clip.

Temporal Segment Networks: Towards Good Practices for Deep Action Recognition
Limin Wang, Yuanjun Xiong, Zhe Wang, Yu Qiao, Dahua Lin, Xiaoou Tang, Luc Van Gool, ECCV 2016
https://arxiv.org/abs/1608.00859

    G = mean over segments of F(T_k; W),   class scores = softmax(G)                       (1)

The mean is of logits, before softmax. Also the plainest way to train a backbone for the others:
``model.backbone`` is the FrameCNN that MAM holds, and that ``TMNet.load_backbone`` takes.

How TSN trains, for any model on frames (after the authors' code; the paper says less):
- partial batch normalisation: all but the first keep statistics, scale and shift as they start;
- rates and decays by kind of parameter, ``tsn_parameter_groups``.

B batch · T frames (one per segment) · L flow fields · d CNN feature · K classes
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from models.backbones import build_backbone, check_clip

__all__ = ["TSN", "TSNOutput", "freeze_partial_bn", "tsn_loss", "tsn_parameter_groups"]

_CNN = ("backbone.", "base.", "classification.", "regression.")  # where our models keep theirs
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


@dataclass(frozen=True)
class TSNOutput:
    """The clip's answer and each frame's own."""

    logits: Tensor  # (B, K), before softmax
    frame_logits: Tensor  # (B, T, K)


class TSN(nn.Module):
    """Frame CNN with the average consensus.

    Args:
        num_classes: K.
        backbone: name of a frame CNN (``models.backbones``).
        width: channels of ``resnet18_narrow``.
        weights: of the backbone: None, "imagenet" or a file.
        dropout: on each frame's feature; the paper's 0.8 is for RGB, 0.7 for flow.
        flow_length: L, flow fields of one snippet; the paper's 5. None: RGB frames.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: str = "resnet18",
        width: int | None = None,
        weights: str | PathLike[str] | None = None,
        dropout: float = 0.8,
        flow_length: int | None = None,
    ) -> None:
        super().__init__()
        self.backbone = build_backbone(
            backbone, width=width, weights=weights, flow_length=flow_length
        )
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(self.backbone.feature_dim, num_classes)
        nn.init.normal_(self.classifier.weight, std=0.001)  # as the authors' code has it
        nn.init.zeros_(self.classifier.bias)

    def forward(self, frames: Tensor) -> TSNOutput:
        """Frames (B, T, 3, H, W), or snippets of flow (B, T, 2L, H, W), in [0, 1]."""
        check_clip(frames, flow_length=self.backbone.flow_length)
        features = self.backbone(frames.flatten(0, 1))  # (B·T, d)
        frame_logits = self.classifier(self.dropout(features)).unflatten(0, frames.shape[:2])
        return TSNOutput(logits=frame_logits.mean(1), frame_logits=frame_logits)  # eq. 1


def tsn_loss(output: TSNOutput, target: Tensor) -> Tensor:
    """Cross entropy of the consensus with the clip's class (B,)."""
    return F.cross_entropy(output.logits, target)


# ---- how TSN trains ------------------------------------------------------------------------------


def freeze_partial_bn(module: nn.Module) -> tuple[str, ...]:
    """TSN's partial batch normalisation: freeze all of ``module``'s but the first.

    The frozen ones are put in eval mode (running statistics are used and stay) and their scale
    and shift take no gradient. Call it after every ``module.train()``, which undoes the first.

    Returns:
        the names of the frozen layers.
    """
    norms = [
        (name, layer)
        for name, layer in module.named_modules()
        if isinstance(layer, nn.modules.batchnorm._BatchNorm)
    ]
    for _, layer in norms[1:]:
        layer.eval().requires_grad_(False)
    return tuple(name for name, _ in norms[1:])


def tsn_parameter_groups(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    flow: bool = False,
    backbone_rate: float = 1.0,
) -> list[dict[str, Any]]:
    """Optimiser groups as TSN has them; every trainable parameter is in exactly one.

        first conv weight   rate × 1 (flow × 5)     decayed
        first conv bias     rate × 2 (flow × 10)    not decayed
        normal weight       rate × 1                decayed
        normal bias         rate × 2                not decayed
        BN scale and shift  rate × 1                not decayed

    Args:
        model: one of ours that looks at frames. Freeze partial batch normalisation first.
        flow: the model takes flow, whose first convolution starts from another modality.
        backbone_rate: learning rate of the CNN over that of the rest, beside the factors above;
            where it is not 1, the CNN's groups stand apart as "… (backbone)".

    Returns:
        dicts with "name", "params", "lr" and "weight_decay"; groups of nothing are left out.
    """
    factors = {  # name: of the rate, of the decay
        "first conv weight": (5 if flow else 1, 1),
        "first conv bias": (10 if flow else 2, 0),
        "normal weight": (1, 1),
        "normal bias": (2, 0),
        "BN scale and shift": (1, 0),
    }
    kinds = _parameter_kinds(model)
    groups = []
    for cnn in (False, True) if backbone_rate != 1 else (None,):
        for name, (rate, decay) in factors.items():
            chosen = [
                p
                for n, p in model.named_parameters()
                if p.requires_grad and kinds[n] == name and cnn in (None, n.startswith(_CNN))
            ]
            group = {
                "name": f"{name} (backbone)" if cnn else name,
                "params": chosen,
                "lr": learning_rate * rate * (backbone_rate if cnn else 1),
                "weight_decay": weight_decay * decay,
            }
            groups += [group] if chosen else []
    return groups


def _parameter_kinds(model: nn.Module) -> dict[str, str]:
    """Name of each parameter -> name of its group."""
    kinds: dict[str, str] = {}
    layers = dict(model.named_modules())
    first = next((n for n, layer in layers.items() if isinstance(layer, _CONVOLUTIONS)), None)
    for path, layer in layers.items():
        where = "first conv" if path == first else "normal"
        for name, _ in layer.named_parameters(recurse=False):
            kind = f"{where} {'bias' if 'bias' in name else 'weight'}"
            kind = "BN scale and shift" if isinstance(layer, _NORMS) else kind
            kinds[f"{path}.{name}" if path else name] = kind
    return kinds
