"""Trainings on skeletons: MAN, on any layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

import models
from actviz.clip.layouts import get_layout
from actviz.errors import ActvizError
from actviz.learn.data.batches import Batch, Made, Row
from actviz.learn.data.makers import JointMaker
from actviz.learn.data.puppets import PuppetJoints
from actviz.learn.recipes import MANRecipe
from actviz.learn.tasks.base import Step, Task, in_words

__all__ = ["MANTask"]

_USUAL = "ntu-25"  # the layout that the builder knows by itself


class MANTask(Task):
    """Joints in."""

    recipe: MANRecipe

    def open(self, part: str) -> Any:
        """The skeletons of a part, in the recipe's layout."""
        r = self.recipe
        if self.parts.dataset == "puppets":
            if r.layout not in ("", _USUAL):
                raise ActvizError(
                    f"{r.name}: puppets have the layout {_USUAL}; got layout={r.layout}."
                )
            return PuppetJoints(part, len(self.parts.samples[part]))
        from actviz.learn.data.joints import open_joints

        return open_joints(
            self.parts.samples[part],
            layout=r.layout or self.parts.layout,
            progress=self.place.progress,
        )

    @property
    def in_memory(self) -> bool:
        return True

    @property
    def layout(self) -> str:
        """Of the skeletons that are trained on."""
        return self.source("train").layout

    def more_overrides(self) -> dict[str, Any]:
        if self.layout == _USUAL:
            return {}
        layout = get_layout(self.layout)
        return {"joints": len(layout), "roles": {k: tuple(v) for k, v in layout.roles.items()}}

    def build(self) -> nn.Module:
        r = self.recipe
        torch.manual_seed(r.seed)
        starts = {"weights": r.weights} if r.weights else {}
        try:
            return models.build(r.model, **self.overrides, **starts)
        except (ValueError, TypeError) as error:
            raise in_words(r, error) from error

    def maker(self, part: str, *, epoch: int) -> Callable[[Sequence[Row]], Made]:
        return JointMaker(self.source(part), self.recipe, get_layout(self.layout))

    def step(self, batch: Batch, *, train: bool) -> Step:
        output = self.network(batch["joints"], batch["present"])
        return Step(output.logits, models.man_loss(output, batch["label"]))

    def parameter_groups(self) -> list[dict[str, Any]]:
        network: Any = self.network
        return list(models.man_parameter_groups(network, weight_decay=self.recipe.weight_decay))
