"""MAN: memory attention networks, a skeleton read as an image after temporal recalibration.

Memory Attention Networks for Skeleton-based Action Recognition
Chunyu Xie, Ce Li, Baochang Zhang, Chen Chen, Jungong Han, Changqing Zou, Jianzhuang Liu
IJCAI 2018, https://arxiv.org/abs/1804.08254; after the authors' published code (MANs_9)

    Skeleton to image, 3.4 (``skeleton_to_image``)
    TARM, one per coordinate X of (x, y, z), each (B, S, F)
        E  = X W_e + b_e                                  embedding
        M  = GRU→(E) + GRU←(E)                            memory cell
        g  = mean over features of E                      squeeze, one number per frame
        a  = σ(W_2 ReLU(W_1 g + b_1) + b_2)               attention over time, in [0, 1]
        X~ = X + (a · M) W_o + b_o                        recalibration, residual
    STCM: X~, Y~, Z~ stacked as channels of an image -> convolutions -> average -> classes

                     "conv9" (nine convolutions)    "densenet161" (after ImageNet)
    S                50                             224
    H                64                             128
    GRU's dropout    0.5, recurrent 0.5             0, recurrent 0

The image goes into either as it is: coordinates in metres, no mean and deviation of ImageNet.

Where we differ, and why
- The published demo never trains the attention (its two layers are made inside a Lambda). Here it
  is trained; ``attention="frozen"`` gives the demo's.
- The demo repeats g over features before W_1; every copy gives the same a, so one is enough.
- ``cell="keras"`` is the published GRU: hard sigmoid, reset before the recurrent product, one
  bias, separate dropout masks per gate, constant in time. ``cell="torch"`` is ``nn.GRU``, faster
  on a GPU: two biases, true sigmoid, reset after the recurrent product, torch's own uniform start
  of the weights, dropout on its input alone with one mask for all gates.
- ``stcm="densenet161"`` is torchvision's DenseNet-161, so that its ImageNet weights load. The
  published one is a Keras port of Caffe's: a Scale layer after each batch normalisation (here its
  own scale and shift) and an eps of 1.1e-5 (here 1e-5). Its classes' layer starts as the other's.
- How a skeleton becomes an image, and where that differs: models/skeleton_image.py.

B batch · T frames given · S image rows · P people · J joints · F columns · H GRU · K classes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.memory_cell import KerasGRU, TorchGRU, remember
from models.skeleton_image import (
    NTU_ROLES,
    Roles,
    checked_roles,
    image_rows,
    normalise_skeleton,
    skeleton_to_image,
    skipped_rules,
)
from models.stcm import STCM_CHANNELS, build_stcm, he_normal

__all__ = [
    "MAN",
    "NTU_ROLES",
    "TARM",
    "KerasGRU",
    "MANOutput",
    "TorchGRU",
    "image_rows",
    "man_loss",
    "man_parameter_groups",
    "normalise_skeleton",
    "recalibrate",
    "skeleton_to_image",
    "skipped_rules",
]


@dataclass(frozen=True)
class MANOutput:
    """What MAN saw and weighed, per coordinate (x, y, z) and image row."""

    logits: Tensor  # (B, K), before softmax
    attention: Tensor  # (B, 3, S), in [0, 1]
    memory: Tensor  # (B, 3, S, H), the memory cell's output
    image: Tensor  # (B, 3, S, F), metres, float32, before recalibration
    recalibrated: Tensor  # (B, 3, S, F), X~, Y~, Z~
    maps: Tensor  # (B, C, h, w), last maps of the STCM, before global average pooling
    rows: Tensor  # (B, S) int64, source frame of each row, -1 for padding


# ---- TARM ----------------------------------------------------------------------------------------


class TARM(nn.Module):
    """Temporal attention recalibration of one coordinate."""

    def __init__(
        self, rows: int, *, columns: int, hidden: int, reduction: int, cell: nn.Module
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(columns, hidden)  # W_e
        self.cell = cell
        self.squeeze = nn.Linear(rows, rows // reduction)  # W_1
        self.excite = nn.Linear(rows // reduction, rows)  # W_2
        self.restore = nn.Linear(hidden, columns)  # W_o
        for layer in (self.embed, self.squeeze, self.excite, self.restore):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """X (B, S, F) -> recalibrated X~ (B, S, F), attention a (B, S), memory M (B, S, H)."""
        recalibrated, attention, memory = recalibrate([self], x[:, None])
        return recalibrated[:, 0], attention[:, 0], memory[:, 0]


def recalibrate(tarms: Sequence[Any], image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each coordinate by a TARM of its own, side by side, which costs little more than one alone.

    In the precision of the weights under autocast too: a recurrence adds up what half precision
    loses, and its products are too small to gain from it.

    Args:
        image: (B, C, S, F) for C coordinates.

    Returns:
        recalibrated (B, C, S, F), attention (B, C, S) and memory (B, C, S, H).
    """
    with torch.autocast(image.device.type, enabled=False):
        x = image.transpose(0, 1)  # (C, B, S, F)
        embedded = _linear([t.embed for t in tarms], x)  # E, (C, B, S, H)
        memory = remember([t.cell for t in tarms], embedded)  # M
        squeezed = embedded.mean(-1)  # g, (C, B, S): from E, not from M
        hidden = F.relu(_linear([t.squeeze for t in tarms], squeezed))
        attention = torch.sigmoid(_linear([t.excite for t in tarms], hidden))  # a
        added = _linear([t.restore for t in tarms], attention[..., None] * memory)
        return (x + added).transpose(0, 1), attention.transpose(0, 1), memory.transpose(0, 1)


def _linear(layers: Sequence[nn.Linear], x: Tensor) -> Tensor:
    """Each layer on its own part of x: (C, …, in) -> (C, …, out)."""
    weight = torch.stack([layer.weight for layer in layers])
    bias = torch.stack([layer.bias for layer in layers])
    rows = x.flatten(1, -2)  # (C, rows, in)
    return torch.baddbmm(bias[:, None], rows, weight.mT).unflatten(1, x.shape[1:-1])


# ---- MAN -----------------------------------------------------------------------------------------


class MAN(nn.Module):
    """Memory attention network. A default of None is the published value for the ``stcm``.

    Args:
        num_classes: K.
        frames: S, image rows; default 50, 224 for "densenet161". people: P. joints: J.
        roles: joint numbers by role, for the normalisation; ``NTU_ROLES`` lists the names.
        hidden: H; default 64, 128 for "densenet161". reduction: S over the attention's units.
        cell: "keras" (as published) or "torch" (``nn.GRU``).
        attention: "trained" or "frozen" (as in the published demo).
        dropout, recurrent_dropout: of the memory cell, "torch" has the first alone; default 0.5
            each, 0 for "densenet161".
        momentum: share of a new batch in batch normalisation's statistics (Keras's .99 is 0.01).
        stcm: "conv9" or "densenet161".
        weights: of "densenet161": None, "imagenet" or a file.

    Raises:
        ValueError: an unknown name, or values that do not go together.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        frames: int | None = None,
        people: int = 2,
        joints: int = 25,
        roles: Roles = NTU_ROLES,
        hidden: int | None = None,
        reduction: int = 16,
        cell: str = "keras",
        attention: str = "trained",
        dropout: float | None = None,
        recurrent_dropout: float | None = None,
        momentum: float = 0.01,
        stcm: str = "conv9",
        weights: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        _check_names(cell=cell, attention=attention, stcm=stcm, weights=weights)
        wide = stcm == "densenet161"
        frames = frames if frames is not None else 224 if wide else 50
        hidden = hidden if hidden is not None else 128 if wide else 64
        if frames < (least := max(reduction, 29 if wide else 1)):  # 29 rows leave DenseNet one
            raise ValueError(
                f"frames must be at least {least} with reduction={reduction} and stcm={stcm!r}; "
                f"got {frames}."
            )
        self.roles = checked_roles(roles, joints)
        self.frames, self.people, self.joints = frames, people, joints
        self.columns = max(frames, people * joints)  # F
        usual = 0.0 if wide else 0.5
        first, second = (usual if r is None else r for r in (dropout, recurrent_dropout))

        def memory_cell() -> nn.Module:
            if cell == "torch":
                return TorchGRU(hidden, dropout=first)
            return KerasGRU(hidden, dropout=first, recurrent_dropout=second)

        self.tarms = nn.ModuleList(
            TARM(
                frames, columns=self.columns, hidden=hidden, reduction=reduction, cell=memory_cell()
            )
            for _ in "xyz"  # nothing is shared between coordinates
        )
        self.stcm = build_stcm(stcm, weights=weights, momentum=momentum)
        self.classifier = nn.Linear(STCM_CHANNELS[stcm], num_classes)
        he_normal(self.classifier)  # the published Dense's too
        for tarm in self.tarms:
            for layer in (tarm.squeeze, tarm.excite):
                layer.requires_grad_(attention == "trained")

    def forward(self, joints: Tensor, present: Tensor) -> MANOutput:
        """Joints (B, T, P, J, 3) in metres, present (B, T, P) bool; P may be fewer than people."""
        joints, present = self._checked(joints, present)
        image, rows = skeleton_to_image(
            joints, present, frames=self.frames, columns=self.columns, roles=self.roles
        )
        given = image.to(self.classifier.weight.dtype)  # of a model cast to bfloat16, too
        recalibrated, attention, memory = recalibrate(list(self.tarms), given)
        maps = self.stcm(recalibrated)  # O~ (B, 3, S, F) -> (B, C, h, w)
        return MANOutput(
            logits=self.classifier(maps.mean((-2, -1))),
            attention=attention,
            memory=memory,
            image=image,
            recalibrated=recalibrated,
            maps=maps,
            rows=rows,
        )

    def _checked(self, joints: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        fits = joints.ndim == 5 and joints.shape[3:] == (self.joints, 3) and joints.numel()
        if not fits or joints.shape[2] > self.people:
            raise ValueError(
                f"joints must have shape (B, T, P, {self.joints}, 3) in metres with at most "
                f"{self.people} people and at least one frame; got {tuple(joints.shape)}."
            )
        if present.shape != joints.shape[:3] or present.dtype != torch.bool:
            raise ValueError(
                f"present must be bool of shape (B, T, P) = {tuple(joints.shape[:3])}; "
                f"got {present.dtype} {tuple(present.shape)}."
            )
        absent = self.people - joints.shape[2]
        return F.pad(joints, (0, 0, 0, 0, 0, absent)), F.pad(present, (0, absent))


def man_loss(output: MANOutput, target: Tensor) -> Tensor:
    """Cross entropy with the sequence's class (B,)."""
    return F.cross_entropy(output.logits, target)


def man_parameter_groups(model: MAN, *, weight_decay: float = 2e-4) -> list[dict[str, object]]:
    """Optimiser groups: decay on convolution kernels and GRU input kernels, nowhere else.

    Keras's L2(1e-4) adds 1e-4 w² to the loss, whose gradient is that of a weight decay of 2e-4.
    """
    decayed: dict[str, nn.Parameter] = {}
    for name, parameter in model.named_parameters():
        convolution = name.startswith("stcm.") and parameter.ndim == 4
        input_kernel = ".cell." in name and ("kernel" in name or "weight_ih" in name)
        if convolution or input_kernel:
            decayed[name] = parameter
    rest = [p for n, p in model.named_parameters() if n not in decayed and p.requires_grad]
    return [
        {"params": list(decayed.values()), "weight_decay": weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]


def _check_names(
    *, cell: str, attention: str, stcm: str, weights: str | PathLike[str] | None
) -> None:
    if cell not in ("keras", "torch") or attention not in ("trained", "frozen"):
        raise ValueError(
            'cell must be "keras" or "torch", and attention "trained" or "frozen"; '
            f"got {cell!r}, {attention!r}."
        )
    if stcm not in STCM_CHANNELS or (weights is not None and stcm != "densenet161"):
        raise ValueError(
            'stcm must be "conv9", which starts without weights, or "densenet161"; '
            f"got {stcm!r} with weights={weights!r}."
        )
