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

Other networks for the STCM, which of them is published, and what is ours: models/stcm.py.

The image goes into either as it is: coordinates in metres, no mean and deviation of ImageNet.

Where we differ, and why
- The published demo never trains the attention (its two layers are made inside a Lambda). Here it
  is trained; ``attention="frozen"`` gives the demo's, ``"none"`` does without (a = 1).
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
    ReadsSkeletons,
    Roles,
    image_rows,
    normalise_skeleton,
    skeleton_to_image,
    skipped_rules,
)
from models.stcm import (
    IMAGENET_STCM,
    STCM_CHANNELS,
    build_stcm,
    check_stcm_rows,
    he_normal,
    usual_rows,
)

__all__ = [
    "MAN",
    "NTU_ROLES",
    "TARM",
    "KerasGRU",
    "MANOutput",
    "TorchGRU",
    "build_tarms",
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


_WIDE_OPEN = 40.0  # σ of it is 1 in single precision


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


def build_tarms(
    rows: int,
    *,
    columns: int,
    hidden: int,
    reduction: int,
    cell: str,
    attention: str,
    dropout: float,
    recurrent_dropout: float,
) -> nn.ModuleList:
    """A TARM for each coordinate x, y, z; nothing is shared between them.

    Raises:
        ValueError: an unknown name, or fewer rows than the attention is reduced by.
    """
    if cell not in ("keras", "torch") or attention not in ("trained", "frozen", "none"):
        raise ValueError(
            'cell must be "keras" or "torch", and attention "trained", "frozen" or "none"; '
            f"got {cell!r}, {attention!r}."
        )
    if rows < reduction:
        raise ValueError(f"frames must be at least reduction={reduction}; got {rows}.")

    def memory_cell() -> nn.Module:
        if cell == "torch":
            return TorchGRU(hidden, dropout=dropout)
        return KerasGRU(hidden, dropout=dropout, recurrent_dropout=recurrent_dropout)

    tarms = nn.ModuleList(
        TARM(rows, columns=columns, hidden=hidden, reduction=reduction, cell=memory_cell())
        for _ in "xyz"
    )
    for tarm in tarms:
        assert isinstance(tarm, TARM)
        for layer in (tarm.squeeze, tarm.excite):
            layer.requires_grad_(attention == "trained")
        if attention == "none":  # a = 1
            nn.init.zeros_(tarm.excite.weight)
            nn.init.constant_(tarm.excite.bias, _WIDE_OPEN)
    return tarms


# ---- MAN -----------------------------------------------------------------------------------------


class MAN(ReadsSkeletons):
    """Memory attention network. A default of None is the published value for the ``stcm``.

    Args:
        num_classes: K.
        frames: S, image rows; default 50, 224 for torchvision's networks. people: P. joints: J.
        roles: joint numbers by role, for the normalisation; ``NTU_ROLES`` lists the names.
        hidden: H; default 64, 128 at 224. reduction: S over the attention's units.
        cell: "keras" (as published) or "torch" (``nn.GRU``).
        attention: "trained", "frozen" (as in the published demo) or "none" (a = 1).
        dropout, recurrent_dropout: of the memory cell, "torch" has the first alone; default 0.5
            each, 0 at 224.
        momentum: share of a new batch in batch normalisation's statistics (Keras's .99 is 0.01).
        stcm: one of ``STCM_CHANNELS``: "conv9", "preact18" … or, at 224, "resnet18" …,
            "densenet161".
        weights: of the last two kinds: None, "imagenet" or a file.

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
        frames = usual_rows(stcm) if frames is None else frames
        super().__init__(frames=frames, people=people, joints=joints, roles=roles)
        check_stcm_rows(stcm, frames)
        wide = stcm in IMAGENET_STCM
        usual = 0.0 if wide else 0.5
        self.tarms = build_tarms(
            frames,
            columns=self.columns,
            hidden=hidden if hidden is not None else 128 if wide else 64,
            reduction=reduction,
            cell=cell,
            attention=attention,
            dropout=usual if dropout is None else dropout,
            recurrent_dropout=usual if recurrent_dropout is None else recurrent_dropout,
        )
        self.stcm = build_stcm(stcm, weights=weights, momentum=momentum)
        self.classifier = nn.Linear(STCM_CHANNELS[stcm], num_classes)
        he_normal(self.classifier)  # the published Dense's too

    def forward(self, joints: Tensor, present: Tensor) -> MANOutput:
        """Joints (B, T, P, J, 3) in metres, present (B, T, P) bool; P may be fewer than people."""
        return self.answer(*self.see_image(joints, present))

    def answer(self, image: Tensor, rows: Tensor) -> MANOutput:
        """What follows from ``see_image``'s image (B, 3, S, F) and rows (B, S), masked or whole."""
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


def man_loss(output: Any, target: Tensor) -> Tensor:
    """Cross entropy with the sequence's class (B,); ``output`` is MAN's, or another's logits."""
    return F.cross_entropy(output.logits, target)


def man_parameter_groups(
    model: nn.Module, *, weight_decay: float = 2e-4
) -> list[dict[str, object]]:
    """Optimiser groups of MAN, or of one of its halves alone.

    Decay on convolution kernels and GRU input kernels, nowhere else.

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
