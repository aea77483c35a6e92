"""ST-GCN: graph convolutions over the body's joints, convolutions over time; a modern reference.

Spatial Temporal Graph Convolutional Networks for Skeleton-Based Action Recognition
Sijie Yan, Yuanjun Xiong, Dahua Lin
AAAI 2018, https://arxiv.org/abs/1801.07455

    a joint's neighbours  itself and those one bone away, in three subsets ("spatial" partition):
                          0 the joint, and neighbours as far from the body's centre as it is
                          1 neighbours nearer to the centre    2 neighbours further from it
    graph convolution     out_i = Σ_k Σ_{j in subset k of i} (M_k)_ij / Z_k(i) · in_j W_k + b
                          Z_k(i) the subset's size, M_k learnt importance of each edge, from 1 on
    block                 graph convolution, BN, ReLU, convolution over 9 frames, BN; residual; ReLU
    whole                 BN of each joint's coordinates, blocks, mean over frames, joints and
                          people, classes

Where we differ, and why
- It sees what MAN sees, for the sake of comparison: bodies normalised, each in a frame of its own,
  at S frames; the paper has 300 frames in the camera's axes.
- It is light: six blocks of 32 to 128 channels in place of nine of 64 to 256 (``PAPER_CHANNELS``).
- Edges are weighted by the size of the subset, as the paper's sum over neighbours has it; its
  matrix form is the symmetric one.

B batch · S frames · P people · J joints · C channels · K classes
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.skeleton_nets import SkeletonOutput
from models.skeleton_image import NTU_ROLES, ReadsSkeletons, Roles

__all__ = ["NTU_BONES", "PAPER_CHANNELS", "STGCN", "adjacency", "hops_from"]

Bones = Sequence[Sequence[int]]

# Pairs of joints (from 0) in the NTU RGB+D (Kinect v2) numbering.
NTU_BONES: tuple[tuple[int, int], ...] = (
    *((0, 1), (1, 20), (20, 2), (2, 3)),
    *((20, 4), (4, 5), (5, 6), (6, 7), (7, 21), (6, 22)),
    *((20, 8), (8, 9), (9, 10), (10, 11), (11, 23), (10, 24)),
    *((0, 12), (12, 13), (13, 14), (14, 15), (0, 16), (16, 17), (17, 18), (18, 19)),
)
PAPER_CHANNELS = (64, 64, 64, 128, 128, 128, 256, 256, 256)
_LIGHT = (32, 32, 64, 64, 128, 128)


def hops_from(centre: int, bones: Bones, joints: int) -> list[int]:
    """Bones between each of J joints and ``centre``; J for those that no bone leads to."""
    hops = [joints] * joints
    hops[centre] = 0
    for _ in range(joints):  # as often as the longest way may be
        for a, b in bones:
            hops[a], hops[b] = min(hops[a], hops[b] + 1), min(hops[b], hops[a] + 1)
    return hops


def adjacency(bones: Bones, joints: int, *, centre: int) -> Tensor:
    """Weights 1/Z_k(i) of the edges from joint j to joint i, (3, J, J) as [k, i, j].

    Raises:
        ValueError: a bone or a centre of joints there are not.
    """
    named = [centre, *(joint for bone in bones for joint in bone)]
    if any(not 0 <= joint < joints for joint in named) or any(len(bone) != 2 for bone in bones):
        raise ValueError(
            f"bones must be pairs, and they and centre joint numbers from 0 to {joints - 1}; got "
            f"centre={centre}, bones={tuple(map(tuple, bones))}."
        )
    hops = hops_from(centre, bones, joints)
    edges = torch.zeros(3, joints, joints)
    for i in range(joints):
        edges[0, i, i] = 1
    for a, b in bones:
        for i, j in ((a, b), (b, a)):
            subset = 0 if hops[i] == hops[j] else 1 if hops[j] < hops[i] else 2
            edges[subset, i, j] = 1
    return edges / edges.sum(2, keepdim=True).clamp(min=1)


class GraphConv(nn.Module):
    """Three subsets of neighbours, each with weights of its own: (N, C, S, J) -> (N, C', S, J)."""

    def __init__(self, before: int, after: int, edges: Tensor) -> None:
        super().__init__()
        self.edges: Tensor
        self.register_buffer("edges", edges, persistent=False)  # follows from the bones
        self.importance = nn.Parameter(torch.ones_like(edges))  # M
        self.mix = nn.Conv2d(before, len(edges) * after, 1)  # W_k, side by side

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mix(x).unflatten(1, (len(self.edges), -1))  # (N, 3, C', S, J)
        weight = (self.edges * self.importance).to(mixed.dtype)
        return torch.einsum("nkcsj,kij->ncsi", mixed, weight)


class GraphBlock(nn.Module):
    """Graph convolution, then convolution over time, with a residual."""

    def __init__(
        self, before: int, after: int, *, edges: Tensor, stride: int, kernel: int, dropout: float
    ) -> None:
        super().__init__()
        self.space = nn.Sequential(
            GraphConv(before, after, edges), nn.BatchNorm2d(after), nn.ReLU()
        )
        over_time = nn.Conv2d(
            after, after, (kernel, 1), stride=(stride, 1), padding=(kernel // 2, 0)
        )
        self.time = nn.Sequential(over_time, nn.BatchNorm2d(after), nn.Dropout(dropout))
        self.shortcut: nn.Module = nn.Identity()
        if before != after or stride != 1:
            shorter = nn.Conv2d(before, after, 1, stride=(stride, 1))
            self.shortcut = nn.Sequential(shorter, nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.time(self.space(x)) + self.shortcut(x))


class STGCN(ReadsSkeletons):
    """ST-GCN with the spatial partition.

    Args:
        frames, people, joints, roles: as MAN's.
        bones: pairs of joint numbers; ``NTU_BONES`` for the usual joints.
        centre: the joint that distances are counted from; None: of ``roles``, the spine at the
            shoulders, else its base, else joint 0.
        channels: of each block; where it grows, time is halved.
        kernel: frames of a convolution over time, odd.
        dropout: of each block.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        frames: int = 50,
        people: int = 2,
        joints: int = 25,
        roles: Roles = NTU_ROLES,
        bones: Bones = NTU_BONES,
        centre: int | None = None,
        channels: Sequence[int] = _LIGHT,
        kernel: int = 9,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(frames=frames, people=people, joints=joints, roles=roles)
        if kernel % 2 == 0 or not channels:
            raise ValueError(
                "kernel must be odd, and channels name at least one block; got "
                f"kernel={kernel}, channels={tuple(channels)}."
            )
        middle = _centre_of(self.roles) if centre is None else centre
        edges = adjacency(bones, joints, centre=middle)
        self.norm = nn.BatchNorm1d(3 * joints)
        self.blocks = nn.Sequential(
            *(
                GraphBlock(
                    before,
                    after,
                    edges=edges,
                    stride=1 if before in (3, after) else 2,
                    kernel=kernel,
                    dropout=dropout,
                )
                for before, after in pairwise((3, *channels))
            )
        )
        self.classifier = nn.Linear(channels[-1], num_classes)

    def forward(self, joints: Tensor, present: Tensor) -> SkeletonOutput:
        """Joints (B, T, P, J, 3) in metres, present (B, T, P) bool."""
        image, rows = self.see_image(joints, present)
        body = self.bodies(image)
        B, S, P, J, C = body.shape
        x = body.to(self.classifier.weight.dtype).permute(0, 2, 4, 3, 1)  # (B, P, C, J, S)
        x = self.norm(x.reshape(B * P, C * J, S)).reshape(B * P, C, J, S).mT
        maps = self.blocks(x)  # (B·P, C', s, J)
        pooled = maps.mean((-2, -1)).unflatten(0, (B, P)).mean(1)
        return SkeletonOutput(self.classifier(pooled), image, rows, maps=_by_clip(maps, B))


def _by_clip(maps: Tensor, batch: int) -> Tensor:
    """(B·P, C, s, J) -> (B, C, s, P·J)"""
    return maps.unflatten(0, (batch, -1)).movedim(1, 3).flatten(3)


def _centre_of(roles: Roles) -> int:
    for role in ("spine_shoulder", "spine_base"):
        if roles.get(role):
            return roles[role][0]
    return 0
