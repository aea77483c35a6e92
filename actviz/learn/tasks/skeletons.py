"""Trainings on skeletons, on any layout: MAN, its halves alone, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import nn

import models
from actviz.clip.layouts import Layout, get_layout
from actviz.errors import ActvizError
from actviz.learn.data.batches import Batch, Made, Row
from actviz.learn.data.joints import StoredJoints, open_joints
from actviz.learn.data.makers import JointMaker
from actviz.learn.data.puppets import PuppetJoints
from actviz.learn.recipes import MANRecipe
from actviz.learn.tasks.base import Step, Task, in_words

__all__ = ["MANTask"]

_USUAL = "ntu-25"  # the layout that the builders know by themselves
_KERAS = ("man", "stcm", "tarm")  # models whose decay falls where the published code's L2 does


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
        return self._everything.part(self.parts.samples[part])

    @cached_property
    def _everything(self) -> StoredJoints:
        """The sequences of all parts, in one layout; each file is read once."""
        samples = {s.key: s for part in self.parts.samples.values() for s in part}
        return open_joints(
            tuple(samples.values()),
            layout=self.recipe.layout or self.parts.layout,
            progress=self.place.progress,
        )

    @property
    def in_memory(self) -> bool:
        return True

    @property
    def layout(self) -> str:
        """Of the skeletons that are trained on."""
        return self._joint_layout.name

    @property
    def _joint_layout(self) -> Layout:
        """Names and roles, of a layout that the files bring too."""
        puppets = self.parts.dataset == "puppets"
        return get_layout(_USUAL) if puppets else self._everything.joint_layout

    def more_overrides(self) -> dict[str, Any]:
        layout = self._joint_layout
        if layout.name == _USUAL:
            return {}
        roles = {role: tuple(joints) for role, joints in layout.roles.items()}
        own = {"joints": len(layout), "people": max(1, self._everything.people), "roles": roles}
        return own | ({"bones": layout.bones} if self.recipe.model == "stgcn" else {})

    def build(self) -> nn.Module:
        r = self.recipe
        torch.manual_seed(r.seed)
        starts = {"weights": r.weights} if r.weights else {}
        try:
            return models.build(r.model, **self.overrides, **starts)
        except (ValueError, TypeError) as error:
            raise in_words(r, error) from error

    def maker(self, part: str, *, epoch: int) -> Callable[[Sequence[Row]], Made]:
        layout, recipe = self._joint_layout, self.recipe
        if not layout.left or len(layout.left) != len(layout.right):
            recipe = replace(recipe, mirror=0.0)  # nobody knows which joints to exchange
        return JointMaker(self.source(part), recipe, layout)

    def step(self, batch: Batch, *, train: bool) -> Step:
        output = self.network(batch["joints"], batch["present"])
        return Step(output.logits, models.LOSSES[self.recipe.model](output, batch["label"]))

    def parameter_groups(self) -> list[dict[str, Any]]:
        if self.recipe.model not in _KERAS:
            return super().parameter_groups()
        network = self.network
        return list(models.man_parameter_groups(network, weight_decay=self.recipe.weight_decay))
