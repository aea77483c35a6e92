"""A task of points on a plane, so that what the engine does can be reckoned by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from actviz.datasets.base import Sample
from actviz.learn.data.batches import Made, Row
from actviz.learn.data.parts import Parts
from actviz.learn.engine import make_trainer
from actviz.learn.keeping import Curves
from actviz.learn.lesson import Lesson
from actviz.learn.recipes import Recipe, get_recipe
from actviz.learn.tasks.base import Place, Step, Task

CLASSES = ("left", "right", "above")
PLAIN = {
    "device": "cpu",
    "epochs": 1,
    "batch_size": 8,
    "warmup": 0,
    "schedule": "constant",
    "learning_rate": 0.5,
    "momentum": 0.0,
    "nesterov": False,
    "weight_decay": 0.0,
    "clip_norm": 0,
    "repeats": 1,
}


@dataclass(frozen=True)
class Points:
    """N labelled points (N, 2)."""

    keys: tuple[str, ...]
    labels: NDArray[np.int64]
    points: NDArray[np.float32]
    skipped: dict[str, str] = field(default_factory=dict)


class TinyTask(Task):
    """Points in, three classes out, through two small layers without normalisation."""

    def __init__(self, recipe: Recipe, *, count: int = 22) -> None:
        keys = {part: tuple(f"{part}/{i}" for i in range(count)) for part in ("train", "val")}
        samples = {p: tuple(Sample(k, None, 0) for k in named) for p, named in keys.items()}
        super().__init__(
            recipe, Parts("puppets", "video", CLASSES, samples | {"test": ()}), Place()
        )

    def open(self, part: str) -> Points:
        keys = tuple(s.key for s in self.parts.samples[part])
        labels = np.arange(len(keys)) % len(CLASSES)
        centres = np.array([[-1, 0], [1, 0], [0, 1]], dtype=np.float32)[labels]
        noise = np.random.default_rng(len(part)).normal(size=centres.shape, scale=0.2)
        return Points(keys, labels, (centres + noise).astype(np.float32))

    def build(self) -> nn.Module:
        torch.manual_seed(self.recipe.seed)
        return nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, len(CLASSES)))

    def maker(self, part: str, *, epoch: int) -> Callable[[Sequence[Row]], Made]:
        source = self.source(part)

        def make(rows: Sequence[Row]) -> Made:
            at = [row.clip for row in rows]
            points, labels = source.points[at], source.labels[at]
            return Made({"x": torch.from_numpy(points), "label": torch.from_numpy(labels)})

        return make

    def step(self, batch: dict[str, torch.Tensor], *, train: bool) -> Step:
        logits = self.network(batch["x"])
        return Step(logits, F.cross_entropy(logits, batch["label"]))


def tiny_recipe(**fields: Any) -> Recipe:
    """A recipe of plain gradient descent."""
    return get_recipe("puppets/man", PLAIN | fields)


def fit(recipe: Recipe, *, count: int = 22) -> Lesson:
    """Train a ``TinyTask`` with the engine's own trainer, without a run folder."""
    lesson = Lesson(TinyTask(recipe, count=count), Curves(None))
    make_trainer(recipe, callbacks=[]).fit(lesson)
    return lesson


def weights_of(lesson: Lesson) -> torch.Tensor:
    """All weights as one vector."""
    return torch.cat([p.detach().flatten() for p in lesson.model.parameters()])
