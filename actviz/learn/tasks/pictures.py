"""Trainings on frames or flow: TSN, TMNet and its rivals, and MAM end to end.

B clips · T frames or snippets · C channels · S pixels · K classes
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

import models
from actviz.errors import ActvizError
from actviz.learn.checkpoints import bundled, load_checkpoint
from actviz.learn.data.batches import Batch, Made, Row
from actviz.learn.data.makers import PictureMaker, finish_pictures
from actviz.learn.data.puppet_flow import PuppetFlow
from actviz.learn.data.puppets import PuppetFrames
from actviz.learn.recipes import MAMRecipe, PictureRecipe, TMNetRecipe, TSNRecipe
from actviz.learn.tasks.base import Step, Task, device_of, in_words
from models.baselines.tsn import freeze_partial_bn, tsn_parameter_groups
from models.foreign import fit_state

__all__ = ["MAMTask", "PictureTask", "TMNetTask", "start_of", "take_over"]


class PictureTask(Task):
    """Frames in: TSN, TMNet's rivals, and what MAM end to end and TMNet share."""

    recipe: PictureRecipe

    def open(self, part: str) -> Any:
        """The clips of a part, as many frames of them stored as the recipe has it."""
        return self.pictures(part, self.recipe.modality)

    def pictures(self, part: str, modality: Literal["rgb", "flow"]) -> Any:
        """Frames, or optical flow, of a part's clips."""
        r = self.recipe
        if self.parts.dataset == "puppets":
            clips = len(self.parts.samples[part])
            if modality == "flow":
                told = self.place.progress
                return PuppetFlow(part, clips, size=r.input_size, progress=told)
            count = r.stored_frames if part == "train" else r.frames
            return PuppetFrames(part, clips, count=count, size=r.input_size)
        from actviz.learn.data.pictures import open_frames

        return open_frames(
            self.parts.samples[part],
            modality=modality,
            prepared=self.place.prepared,
            side=r.side,
            resize=r.resize,
            workers=r.workers,
            may_be_empty=part != "train",
            progress=self.place.progress,
        )

    def build(self) -> nn.Module:
        r = self.recipe
        torch.manual_seed(r.seed)
        named = ("weights", "weights_3d", "motion_weights")
        starts = {name: value for name in named if (value := getattr(r, name, ""))}
        try:
            network = models.build(r.model, **self.overrides, **starts)
        except (ValueError, TypeError) as error:
            raise in_words(r, error) from error
        if r.start_from:
            take_over(network, start_of(r.start_from), r)
        if r.partial_bn:
            freeze_partial_bn(network)
        return network

    def maker(self, part: str, *, epoch: int) -> Callable[[Sequence[Row]], Made]:
        r, train = self.recipe, part == "train"
        small = train and isinstance(r, TSNRecipe) and epoch < r.small_epochs
        seen = r if train or r.data != "puppets" else replace(r, sampling="tsn")
        size = r.input_size // 2 if small else r.input_size
        later = train and device_of(r).type == "cuda"
        return PictureMaker(self.source(part), seen, size=size, later=later)

    def to_device_batch(self, batch: Batch, device: torch.device) -> Batch:
        return finish_pictures(batch, flow=self.recipe.modality == "flow")

    def step(self, batch: Batch, *, train: bool) -> Step:
        output = self.forward(batch)
        return Step(output.logits, models.LOSSES[self.recipe.model](output, batch["label"]))

    def forward(self, batch: Batch) -> Any:
        """The model's output on a batch, finished or not."""
        return self.network(self.to_device_batch(batch, batch["label"].device)["frames"])

    def set_training(self) -> None:
        self.network.train()
        if self.recipe.partial_bn:
            freeze_partial_bn(self.network)

    def parameter_groups(self) -> list[dict[str, Any]]:
        r = self.recipe
        if r.tsn_groups:
            return tsn_parameter_groups(
                self.network,
                learning_rate=r.learning_rate,
                weight_decay=r.weight_decay,
                flow=r.modality == "flow",
                backbone_rate=r.backbone_rate,
            )
        if r.backbone_rate == 1:
            return super().parameter_groups()
        slow = [p for p in self._frame_cnn() if p.requires_grad]
        known = {id(p) for p in slow}
        rest = [p for p in self.network.parameters() if id(p) not in known and p.requires_grad]
        return [{"params": rest}, {"params": slow, "lr": r.learning_rate * r.backbone_rate}]

    def _frame_cnn(self) -> list[nn.Parameter]:
        """Parameters of the frame CNN: all but the classifier's where a model has cut it up."""
        network: Any = self.network
        if hasattr(network, "backbone"):
            return list(network.backbone.parameters())
        head = {id(p) for p in network.classifier.parameters()}
        return [p for p in network.parameters() if id(p) not in head]


class TMNetTask(PictureTask):
    """The training graph for the loss; for validation a glance at the centre or at each frame."""

    recipe: TMNetRecipe

    def step(self, batch: Batch, *, train: bool) -> Step:
        r, network, label = self.recipe, cast(Any, self.network), batch["label"]
        frames = self.to_device_batch(batch, label.device)["frames"]
        output = network(frames, None if train else frames.shape[1] // 2)
        loss = models.tmnet_loss(
            output, label, r.alpha, level=r.level, detach_target=r.detach_target
        )
        if train:
            return Step(output.logits, loss)
        centre = frames.shape[1] // 2
        one = r.test_views == "glance"  # chosen by what it is tested on
        glance = network.glance(frames[:, centre : centre + 1] if one else frames)
        branches = {"rb": glance.logits_rb, "cb": glance.logits_cb}
        extra = {f"top1_{k}": _top1(v.mean(1), label) for k, v in branches.items()}
        return Step(glance.logits.mean(1), loss, extra)


class MAMTask(PictureTask):
    """MAM end to end: gradients reach the frame CNN, as published."""

    recipe: MAMRecipe

    def step(self, batch: Batch, *, train: bool) -> Step:
        output = self.forward(batch)
        extra = {
            "write_rate": output.written.detach().mean(),
            "empty_memory": (output.memory_size[:, -1] == 0).float().mean(),
        }
        return Step(output.logits, models.mam_loss(output, batch["label"]), extra)


def start_of(given: str) -> nn.Module:
    """The model of a bundled name, such as "tsn", or of a weights file."""
    return load_checkpoint(Path(given) if Path(given).suffix else bundled(given)).model


def take_over(
    network: Any, start: Any, recipe: PictureRecipe, *, field: str = "start_from"
) -> None:
    """Fill a frame CNN, or ``network``'s, with that of ``start``; RGB starts flow by its mean.

    Args:
        field: of the recipe, which named ``start``.
    """
    said = f"{field}={getattr(recipe, field)!r}"
    if not hasattr(start, "backbone"):
        raise ActvizError(
            f"{recipe.name}: {said} holds no whole frame CNN; take weights of tsn or mam."
        )
    state = start.backbone.state_dict()
    try:
        if hasattr(network, "load_backbone"):
            network.load_backbone(state)
        else:
            cnn = getattr(network, "backbone", network)
            cnn.load_state_dict(fit_state(state, cnn.state_dict(), source=said))
    except (RuntimeError, ValueError) as error:
        kind = f"{recipe.backbone} of width {recipe.width}" if recipe.width else recipe.backbone
        raise ActvizError(
            f"{recipe.name}: {said} holds another frame CNN than {kind}: {error}"
        ) from error


def _top1(logits: Tensor, label: Tensor) -> Tensor:
    return (logits.argmax(1) == label).float().mean()
