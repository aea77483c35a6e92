"""What each model trains on and how one step of it goes; the engine runs any of them alike.

B batch · T frames · C stored frames · d feature · V views · K classes
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

import models
from actviz.datasets import puppets
from actviz.errors import ActvizError
from actviz.learn.checkpoints import bundled, load_checkpoint
from actviz.learn.data.augment import vary_pictures, vary_skeleton
from actviz.learn.data.cache import stored_array
from actviz.learn.data.puppets import Frames, Skeletons, puppet_frames, puppet_skeletons
from actviz.learn.recipes import MAMRecipe, MANRecipe, PictureRecipe, Recipe, TMNetRecipe, TSNRecipe

__all__ = ["Batches", "Step", "Task", "classes_of", "make_network", "make_task", "pad_skeletons"]

Batch = dict[str, Tensor]
_FORWARD = 8  # clips through a frozen backbone at once
_EVAL_CLIPS = 16


@dataclass(frozen=True)
class Step:
    """One batch seen: what the engine optimises and logs."""

    logits: Tensor  # (B, K)
    loss: Tensor
    extra: dict[str, Tensor] = field(default_factory=dict)  # logged beside the loss


class Batches:
    """An epoch of batches; every choice in it follows from ``seed``, so that a run resumes equal.

    Without a seed: in order, without variation, the last batch as short as it comes.
    """

    def __init__(
        self,
        count: int,
        *,
        size: int,
        make: Callable[[NDArray[np.int64], np.random.Generator | None], Batch],
        seed: tuple[int, ...] | None = None,
    ) -> None:
        self.count, self.size, self.make, self.seed = count, size, make, seed

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def __iter__(self) -> Iterator[Batch]:
        rng = None if self.seed is None else np.random.default_rng(self.seed)
        order = np.arange(self.count) if rng is None else rng.permutation(self.count)
        for start in range(0, self.count, self.size):
            yield self.make(order[start : start + self.size], rng)


class Task:
    """Data and step of one recipe. ``prepare`` makes or finds the arrays, once."""

    def __init__(self, recipe: Recipe, network: nn.Module) -> None:
        self.recipe, self.network = recipe, network

    def prepare(self) -> None:
        raise NotImplementedError

    def batches(self, split: str, *, epoch: int = 0) -> Batches:
        """Training batches of ``epoch``, or the whole validation split in order."""
        train = split == "train"
        return Batches(
            self.recipe.train_clips if train else self.recipe.val_clips,
            size=self.recipe.batch_size if train else _EVAL_CLIPS,
            make=self.train_batch if train else self.val_batch,
            seed=(self.recipe.seed, epoch) if train else None,
        )

    def train_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        raise NotImplementedError

    def val_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        raise NotImplementedError

    def step(self, batch: Batch, *, train: bool) -> Step:
        raise NotImplementedError

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What the optimiser is given: parameters, and where they differ from the recipe."""
        return [{"params": [p for p in self.network.parameters() if p.requires_grad]}]


class PictureTask(Task):
    """Frames in: TSN, and what MAM end to end and TMNet share."""

    recipe: PictureRecipe
    data: dict[str, Frames]
    shrink = 1  # of training frames, in the current epoch

    def prepare(self) -> None:
        self.data = {
            "train": self.frames("train", self.recipe.stored_frames),
            "val": self.frames("val", self.recipe.frames),
        }

    def frames(self, split: str, count: int) -> Frames:
        r = self.recipe
        clips = r.train_clips if split == "train" else r.val_clips
        return puppet_frames(split, clips, count=count, size=r.input_size)

    def batches(self, split: str, *, epoch: int = 0) -> Batches:
        if split == "train":
            small = isinstance(self.recipe, TSNRecipe) and epoch < self.recipe.small_epochs
            self.shrink = 2 if small else 1
        return super().batches(split, epoch=epoch)

    def train_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        assert rng is not None
        data, count = self.data["train"], self.recipe.frames
        pictures = np.stack([data.frames[i][_jitter(data.frames.shape[1], count, rng)] for i in at])
        frames = _to_unit(pictures)
        if self.shrink > 1:
            frames = F.avg_pool2d(frames.flatten(0, 1), self.shrink).unflatten(0, (len(at), count))
        if self.recipe.augment != "none":
            frames = vary_pictures(frames, generator=_generator(rng))
        return {"frames": frames, "label": torch.from_numpy(data.labels[at])}

    def val_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        data = self.data["val"]
        return {
            "frames": _to_unit(np.array(data.frames[at])),
            "label": torch.from_numpy(data.labels[at]),
        }

    def step(self, batch: Batch, *, train: bool) -> Step:
        output = self.network(batch["frames"])
        return Step(output.logits, models.tsn_loss(output, batch["label"]))


class TMNetTask(PictureTask):
    """The training graph for the loss; one glance at each frame for validation."""

    recipe: TMNetRecipe

    def step(self, batch: Batch, *, train: bool) -> Step:
        network: Any = self.network
        output = network(batch["frames"], None if train else self.recipe.frames // 2)
        loss = models.tmnet_loss(output, batch["label"], self.recipe.alpha)
        if train:
            return Step(output.logits, loss)
        glance = network.glance(batch["frames"])
        branches = {"rb": glance.logits_rb, "cb": glance.logits_cb}
        extra = {f"top1_{k}": _top1(v.mean(1), batch["label"]) for k, v in branches.items()}
        return Step(glance.logits.mean(1), loss, extra)


class MAMTask(PictureTask):
    """MAM end to end: gradients reach the frame CNN, as published."""

    recipe: MAMRecipe

    def step(self, batch: Batch, *, train: bool) -> Step:
        network: Any = self.network
        ready = "features" in batch
        output = network.rollout(batch["features"]) if ready else network(batch["frames"])
        extra = {
            "write_rate": output.written.detach().mean(),
            "empty_memory": (output.memory_size[:, -1] == 0).float().mean(),
        }
        return Step(output.logits, models.mam_loss(output, batch["label"]), extra)

    def parameter_groups(self) -> list[dict[str, Any]]:
        network: Any = self.network
        slow = list(network.backbone.parameters())
        known = {id(p) for p in slow}
        rest = [p for p in network.parameters() if id(p) not in known]
        rate = self.recipe.learning_rate * self.recipe.backbone_rate
        return [{"params": rest}, {"params": slow, "lr": rate}]


class FrozenMAMTask(MAMTask):
    """MAM on features of a frozen frame CNN, computed once."""

    features: dict[str, NDArray[np.float32]]  # train (N, V, C, d), val (N, 1, T, d)

    def prepare(self) -> None:
        super().prepare()
        network: Any = self.network
        network.backbone.requires_grad_(False)
        views = self.recipe.views if self.recipe.augment != "none" else 1
        self.features = {
            split: self._features(split, views if split == "train" else 1)
            for split in ("train", "val")
        }

    def train_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        assert rng is not None
        stored = self.features["train"]
        view = rng.integers(stored.shape[1], size=len(at))
        rows = [
            stored[i, v][_jitter(stored.shape[2], self.recipe.frames, rng)]
            for i, v in zip(at, view, strict=True)
        ]
        label = torch.from_numpy(self.data["train"].labels[at])
        return {"features": torch.from_numpy(np.stack(rows)), "label": label}

    def val_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        features = torch.from_numpy(np.array(self.features["val"][at, 0]))
        return {"features": features, "label": torch.from_numpy(self.data["val"].labels[at])}

    def parameter_groups(self) -> list[dict[str, Any]]:
        return Task.parameter_groups(self)

    def _features(self, split: str, views: int) -> NDArray[np.float32]:
        """Features of ``views`` views of every clip; the first view is the clip as it is."""
        data = self.data[split]
        network: Any = self.network
        clips, count = data.frames.shape[:2]
        digest = _weights_digest(network.backbone)
        key = {"backbone": digest, "frames": data.key, "views": views}

        def fill(path: Path) -> None:
            array = np.load(path, mmap_mode="r+")
            network.eval().to(memory_format=torch.channels_last)
            for start in range(0, clips, _FORWARD):
                frames = _to_unit(np.array(data.frames[start : start + _FORWARD]))
                for view in range(views):
                    seeded = torch.Generator().manual_seed(start * views + view)
                    seen = vary_pictures(frames, generator=seeded) if view else frames
                    with torch.inference_mode():
                        array[start : start + _FORWARD, view] = network.features(seen).numpy()

        shape = (clips, views, count, network.feature_dim)
        return stored_array("features", key, shape=shape, dtype=np.float32, fill=fill)


class MANTask(Task):
    """Joints in."""

    recipe: MANRecipe
    data: dict[str, Skeletons]

    def prepare(self) -> None:
        r = self.recipe
        self.data = {
            "train": puppet_skeletons("train", r.train_clips),
            "val": puppet_skeletons("val", r.val_clips),
        }

    def train_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        assert rng is not None
        data = self.data["train"]
        pairs = [(data.joints[i], data.present[i]) for i in at]
        if self.recipe.speed:
            hips = (models.NTU_ROLES["hip_left"], models.NTU_ROLES["hip_right"])
            share = self.recipe.hips_share
            pairs = [vary_skeleton(*p, rng=rng, hips=hips, hips_share=share) for p in pairs]
        return pad_skeletons(pairs) | {"label": torch.from_numpy(data.labels[at])}

    def val_batch(self, at: NDArray[np.int64], rng: np.random.Generator | None) -> Batch:
        data = self.data["val"]
        pairs = [(data.joints[i], data.present[i]) for i in at]
        return pad_skeletons(pairs) | {"label": torch.from_numpy(data.labels[at])}

    def step(self, batch: Batch, *, train: bool) -> Step:
        output = self.network(batch["joints"], batch["present"])
        return Step(output.logits, models.man_loss(output, batch["label"]))

    def parameter_groups(self) -> list[dict[str, Any]]:
        network: Any = self.network
        return list(models.man_parameter_groups(network, weight_decay=self.recipe.weight_decay))


def classes_of(recipe: Recipe) -> tuple[str, ...]:
    """Names of the classes of the recipe's data.

    Raises:
        ActvizError: unknown data.
    """
    if recipe.data != "puppets":
        raise ActvizError(f'{recipe.name}: data must be "puppets"; got {recipe.data!r}.')
    return tuple(puppets.ACTIONS)


def make_network(recipe: Recipe) -> nn.Module:
    """The recipe's model with its starting weights; random ones follow from the seed."""
    torch.manual_seed(recipe.seed)
    network = models.build(recipe.model, **recipe.build_overrides(len(classes_of(recipe))))
    if isinstance(recipe, PictureRecipe) and recipe.start_from:
        given = Path(recipe.start_from)
        path = given if given.suffix else bundled(recipe.start_from)
        _take_over(network, load_checkpoint(path).model.backbone, recipe)
    return network


def make_task(recipe: Recipe, network: nn.Module) -> Task:
    """How ``recipe`` trains ``network``."""
    if isinstance(recipe, MAMRecipe):
        return (FrozenMAMTask if recipe.freeze_backbone else MAMTask)(recipe, network)
    if isinstance(recipe, TMNetRecipe):
        return TMNetTask(recipe, network)
    return (
        MANTask(recipe, network) if isinstance(recipe, MANRecipe) else PictureTask(recipe, network)
    )


def pad_skeletons(pairs: list[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> Batch:
    """Sequences of several lengths as one batch; absent people in trailing frames are padding."""
    longest = max(len(joints) for joints, _ in pairs)
    people = max(joints.shape[1] for joints, _ in pairs)
    joints = np.zeros((len(pairs), longest, people, *pairs[0][0].shape[2:]), dtype=np.float32)
    present = np.zeros(joints.shape[:3], dtype=bool)
    for i, (j, p) in enumerate(pairs):
        joints[i, : len(j), : j.shape[1]], present[i, : len(j), : j.shape[1]] = j, p
    return {"joints": torch.from_numpy(joints), "present": torch.from_numpy(present)}


def _take_over(network: Any, backbone: Any, recipe: PictureRecipe) -> None:
    try:
        if hasattr(network, "load_backbone"):
            network.load_backbone(backbone.state_dict())
        else:
            network.backbone.load_state_dict(backbone.state_dict())
    except RuntimeError as error:
        raise ActvizError(
            f"{recipe.name}: start_from={recipe.start_from!r} holds another frame CNN than "
            f"{recipe.backbone} of width {recipe.width}."
        ) from error


def _jitter(stored: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One random place in each of ``count`` equal parts of ``stored`` frames, in order."""
    places = (np.arange(count) + rng.random(count)) * stored / count
    return places.astype(np.int64)


def _to_unit(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 (B, T, S, S, 3) -> float (B, T, 3, S, S) in [0, 1], channels last in memory."""
    return torch.from_numpy(pictures).movedim(-1, -3).float().div_(255)


def _generator(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def _top1(logits: Tensor, label: Tensor) -> Tensor:
    return (logits.argmax(1) == label).float().mean()


def _weights_digest(network: nn.Module) -> str:
    total = hashlib.sha256()
    for name, value in network.state_dict().items():
        total.update(name.encode() + value.cpu().numpy().tobytes())
    return total.hexdigest()[:12]
