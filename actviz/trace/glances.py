"""What one glance of TMNet sees: a clip looked at once, asked for its maps as often as one likes.

B batch (here 1) · T frames · K classes · C channels · h, w feature-map size

Branches lie along a leading axis of two: the regression branch RB, then the classification branch
CB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from actviz.clip.types import Clip, ClipInfo
from actviz.learn.cards import Card
from actviz.learn.checkpoints import Loaded
from actviz.trace.cam import scale_together
from actviz.trace.cam_methods import evidence_by
from actviz.trace.common import (
    Progress,
    class_number,
    expect_model,
    frame_batches,
    probabilities,
    to_numpy,
    trace_head,
)
from actviz.trace.schema import TMNetTrace
from models.tmnet import TMNet

__all__ = [
    "CachedTMNet",
    "glance_trace",
    "glances_at",
    "map_fields",
    "sees_together",
    "smooth_l1",
]


@dataclass(frozen=True)
class CachedTMNet:
    """A clip as TMNet's glances see it: every later question is about these arrays."""

    loaded: Loaded
    clip: Clip
    logits: Tensor  # (T, K), of both branches together
    branches: Tensor  # (2, T, K), logits of RB and of CB
    maps: Tensor  # (2, T, C, h, w), before global average pooling
    memory: Tensor  # (C,), the clip's F_cls
    head: dict[str, Any]  # the trace's fields that say where it came from

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def model(self) -> TMNet:
        """The network."""
        model: TMNet = expect_model(self.loaded, "tmnet")
        return model

    @property
    def answer(self) -> NDArray[np.float32]:
        """Class probabilities of the clip (K,): of the glances' mean logits."""
        return probabilities(self.logits.mean(0))


@torch.inference_mode()
def glances_at(
    loaded: Loaded,
    clip: Clip,
    *,
    info: ClipInfo | None = None,
    progress: Progress | None = None,
) -> CachedTMNet:
    """One glance at every frame of ``clip``.

    Raises:
        ActvizError: the weights are not of TMNet.
    """
    model = expect_model(loaded, "tmnet")
    clips = {"together": loaded.card.frames} if sees_together(loaded.card) else {}
    batches = frame_batches(loaded, clip, progress, **clips)
    logits, branches, maps, memory = zip(*(_look(model, batch) for batch in batches), strict=True)
    return CachedTMNet(
        loaded=loaded,
        clip=clip,
        logits=torch.cat(logits),
        branches=torch.cat(branches, dim=1),
        maps=torch.cat(maps, dim=1),
        memory=torch.cat(memory).mean(0),
        head=trace_head(loaded, clip, info),
    )


def sees_together(card: Card) -> bool:
    """Whether the base looks at a clip and not at single frames: TMNet-3D-B's, at as many frames
    as in training."""
    return card.overrides.get("variant") == "3d-b"


def _look(model: TMNet, frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Glances at (1, t, 3, S, S): logits (t, K), the branches' (2, t, K), their maps
    (2, t, C, h, w), and the temporal memory at each glance (t, C), whose mean is the clip's.

    In 2-D that is CB's feature of each. A 3-D CB makes F_cls of frames together: of as many as go
    through the network at once.
    """
    seen = model.glance(frames)
    branches = torch.cat((seen.logits_rb, seen.logits_cb))
    maps = torch.cat((seen.maps_rb, seen.maps_cb))
    if model.variant == "2d":
        return seen.logits[0], branches, maps, maps[1].mean((-2, -1))
    memory = model(frames, key=0).feature_cb  # (1, C)
    return seen.logits[0], branches, maps, memory.expand(frames.shape[1], -1)


@torch.inference_mode()
def glance_trace(
    cached: CachedTMNet,
    *,
    cam_class: str | None = None,
    method: str = "cam",
    progress: Progress | None = None,
) -> TMNetTrace:
    """The trace of a clip that was looked at; arguments as for ``map_fields``."""
    rb, cb = (probabilities(logits) for logits in cached.branches)
    return TMNetTrace(
        **cached.head,
        probabilities=probabilities(cached.logits),
        probabilities_rb=rb,
        probabilities_cb=cb,
        clip_answer=cached.answer,
        disagreement=np.abs(rb - cb).sum(-1) / 2,
        agree=rb.argmax(-1) == cb.argmax(-1),
        **_feature_curves(cached.maps.float().mean((-2, -1)), cached.memory.float()),
        **map_fields(cached, cam_class=cam_class, method=method, progress=progress),
    )


@torch.inference_mode()
def map_fields(
    cached: CachedTMNet,
    *,
    cam_class: str | None = None,
    method: str = "cam",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The trace's fields that are about the maps.

    Args:
        cam_class: the class whose evidence is mapped; the clip's top class where None.
        method: of ``actviz.trace.cam_methods.CAM_METHODS``.
        progress: for the slow ones among them.

    Raises:
        ActvizError: ``cam_class`` is no class of these weights, or ``method`` will not do.
    """
    chosen = class_number(cached.loaded.card.classes, cam_class, cached.answer)
    evidence = evidence_by(method, cached, chosen, progress=progress)
    maximum, (cam_rb, cam_cb) = scale_together(*evidence)
    return {
        "cam_class": cached.loaded.card.classes[chosen],
        "cam_method": method,
        "cam_max": maximum,
        "cam_rb": cam_rb,
        "cam_cb": cam_cb,
    }


def _feature_curves(features: Tensor, memory: Tensor) -> dict[str, Any]:
    """Features (2, T, C) against each other and against the temporal memory (C,)."""
    distance = smooth_l1(features, memory.expand_as(features))  # (2, T)
    similarity = F.cosine_similarity(features, memory.expand_as(features), dim=-1)
    return {
        "branch_distance": to_numpy(smooth_l1(*features)),
        "memory_distance_rb": to_numpy(distance[0]),
        "memory_distance_cb": to_numpy(distance[1]),
        "memory_similarity_rb": to_numpy(similarity[0]),
        "memory_similarity_cb": to_numpy(similarity[1]),
    }


def smooth_l1(guess: Tensor, target: Tensor) -> Tensor:
    """Eq. 1, mean over the feature's elements: (..., C) -> (...)."""
    return F.smooth_l1_loss(guess, target, beta=1.0, reduction="none").mean(-1)
