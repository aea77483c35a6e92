"""Trainings on features of a frozen frame CNN: TSN's classifier, MAM's memory, and its rivals.

The clips are looked at once (``feature_store``); what is trained sees their features alone.

B clips · T frames · C channels · S pixels · h, w map size
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

import models
from actviz.errors import ActvizError
from actviz.learn.data.batches import Batch, Made, Row, worker_count
from actviz.learn.data.makers import PictureMaker
from actviz.learn.data.streams import MotionMaker, pair_streams
from actviz.learn.recipes import PictureRecipe, SequenceRecipe
from actviz.learn.tasks.base import device_of
from actviz.learn.tasks.feature_store import (
    FeatureMaker,
    Features,
    Look,
    store_features,
    with_motion,
)
from actviz.learn.tasks.pictures import MAMTask, PictureTask, start_of, take_over
from models.baselines.tsn import TSNOutput
from models.frames import channels_of

__all__ = ["FrozenMAMTask", "FrozenSequenceTask", "FrozenTSNTask"]


class _Frozen(PictureTask):
    """The frame CNN stays as it is and its features are stored."""

    def build(self) -> nn.Module:
        if self.recipe.sampling == "strided" and self.recipe.data == "puppets":
            raise ActvizError(
                f"{self.recipe.name}: the stored frames of a puppet are spread over its clip; set "
                "sampling=even, or freeze_backbone=false."
            )
        network: Any = super().build()
        for cnn in _frame_cnns(network):
            cnn.requires_grad_(False)
        return network

    @property
    def in_memory(self) -> bool:
        return True

    def open(self, part: str) -> Features:
        """Features of a part's clips, computed where the cache has none."""
        network: Any = self.network
        seen = self.seen(part)
        maker = PictureMaker(super().open(part), seen, size=seen.input_size, replaces=False)
        return self.stored(part, maker, network.backbone)

    def seen(self, part: str) -> PictureRecipe:
        """The recipe by which a part's clips are looked at, once for all epochs.

        Each view of a "strided" clip is one run of its frames; others are drawn from more frames.
        """
        r = self.recipe
        if r.sampling == "strided":
            return r
        frames = r.stored_frames if part == "train" else r.frames
        return replace(r, frames=frames, sampling="tsn")

    def stored(self, part: str, maker: PictureMaker, cnn: Any) -> Features:
        """What ``cnn`` says to the pictures of ``maker``."""
        r, maps = self.recipe, self.takes == "maps"
        look = Look(
            part=part,
            maker=maker,
            views=r.views if part == "train" and r.augment != "none" else 1,
            cnn=cnn,
            see=cnn.maps if maps else cnn,
            shape=(cnn.stage_channels[-1], *_map_size(cnn, r)) if maps else (cnn.feature_dim,),
            device=device_of(r),
            workers=worker_count(r.workers, in_memory=self.parts.dataset == "puppets"),
        )
        return store_features(look, self.place.progress)

    @property
    def takes(self) -> str:
        """Whether the network reads a vector of each frame or its maps."""
        return getattr(self.network, "takes", "vector")

    def maker(self, part: str, *, epoch: int) -> Callable[[Sequence[Row]], Made]:
        return FeatureMaker(self.source(part), self.recipe.frames)

    def set_training(self) -> None:
        self.network.train()
        for cnn in _frame_cnns(self.network):
            cnn.eval()

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": [p for p in self.network.parameters() if p.requires_grad]}]


class FrozenMAMTask(_Frozen, MAMTask):
    """MAM's memory and controller on frozen features."""

    def forward(self, batch: Batch) -> Any:
        network: Any = self.network
        return network.rollout(batch["features"])


class FrozenTSNTask(_Frozen):
    """TSN's classifier on frozen features."""

    def forward(self, batch: Batch) -> Any:
        network: Any = self.network
        frame_logits = network.classifier(network.dropout(batch["features"]))
        return TSNOutput(logits=frame_logits.mean(1), frame_logits=frame_logits)


class FrozenSequenceTask(_Frozen):
    """MAM's rivals, on vectors or maps of frames, some on those of the flow around them too."""

    recipe: SequenceRecipe

    def more_overrides(self) -> dict[str, Any]:
        """The size of maps that a network is built for, where it is built for one."""
        known = inspect.signature(models.BUILDERS[self.recipe.model]).parameters
        if "map_size" not in known:
            return {}
        r = self.recipe
        length = r.flow_length if r.modality == "flow" else None
        with torch.device("meta"):
            cnn = models.build_backbone(r.backbone, width=r.width, flow_length=length)
            return {"map_size": _map_size(cnn, r)}

    def build(self) -> nn.Module:
        r = self.recipe
        network: Any = super().build()
        if r.modality == "flow" and network.two_stream and r.motion_length != r.flow_length:
            raise ActvizError(
                f"{r.name}: where both streams see flow, both see the same snippets; set "
                f"motion_length={r.flow_length}, as flow_length is."
            )
        if r.start_from_flow and network.two_stream:
            start = start_of(r.start_from_flow)
            take_over(network.motion_backbone, start, r, field="start_from_flow")
            network.motion_backbone.requires_grad_(False)
        return network

    def open(self, part: str) -> Features:
        features = super().open(part)
        network: Any = self.network
        if not network.two_stream:
            return features
        motion = self.stored(part, self._motion(part), network.motion_backbone)
        return with_motion(features, motion)

    def _motion(self, part: str) -> PictureMaker:
        """Snippets around the frames that the first stream sees, or those it sees where it, too,
        sees flow."""
        r = self.seen(part)
        flow: Any = self.pictures(part, "flow")
        seen = replace(r, modality="flow", flow_length=self.recipe.motion_length)
        if r.modality == "flow":
            return PictureMaker(flow, seen, size=r.input_size, replaces=False)
        both: Any = pair_streams(self.pictures(part, "rgb"), flow)
        return MotionMaker(both, seen, size=r.input_size, replaces=False)

    def forward(self, batch: Batch) -> Any:
        network: Any = self.network
        return network.rollout(batch["features"], batch.get("motion"))


def _frame_cnns(network: Any) -> list[Any]:
    """The frame CNNs of a network: its own, and that of its motion."""
    found = (network.backbone, getattr(network, "motion_backbone", None))
    return [cnn for cnn in found if cnn is not None]


def _map_size(cnn: Any, recipe: PictureRecipe) -> tuple[int, int]:
    """(h, w) of the maps that ``cnn`` gives of the recipe's pictures."""
    weight = next(cnn.parameters())
    shape = (1, channels_of(cnn.flow_length), recipe.input_size, recipe.input_size)
    training = cnn.training
    with torch.inference_mode():
        maps: Tensor = cnn.eval().maps(torch.zeros(shape, device=weight.device))
    cnn.train(training)
    return maps.shape[-2], maps.shape[-1]
