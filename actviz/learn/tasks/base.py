"""What the engine knows of a training: its batches, its step, its parameter groups."""

from __future__ import annotations

import abc
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from actviz.errors import ActvizError
from actviz.learn.data.batches import Batch, Batches, Made, Row, worker_count
from actviz.learn.data.parts import Parts
from actviz.learn.recipes import Recipe

__all__ = ["Progress", "Step", "Task", "device_of", "in_words"]

Progress = Callable[[str, int, int], None]  # stage, done, total
_EVAL_CLIPS = 16  # at most, through the network at once


@dataclass(frozen=True)
class Step:
    """One batch seen: what the engine optimises and logs."""

    logits: Tensor  # (B, K)
    loss: Tensor
    extra: dict[str, Tensor] = field(default_factory=dict)  # logged beside the loss


@dataclass(frozen=True)
class Place:
    """Where the data lies, and who is told how far its preparation is."""

    root: Path | None = None
    prepared: Path | None = None
    progress: Progress | None = None


class Task(abc.ABC):
    """Data and step of one recipe.

    Attributes:
        network: with its starting weights.
        overrides: ``models.build(recipe.model, **overrides)`` makes a network like it.
        skipped: clips that are missing or cannot be read, with the reason.
    """

    def __init__(self, recipe: Recipe, parts: Parts, place: Place) -> None:
        self.recipe, self.parts, self.place = recipe, parts, place
        self.classes = parts.classes
        self.skipped: dict[str, str] = dict(parts.missing)
        self._sources: dict[str, Any] = {}
        self.overrides = recipe.build_overrides(len(self.classes)) | self.more_overrides()
        self.network = self.build()

    # what subclasses say

    @abc.abstractmethod
    def open(self, part: str) -> Any:
        """The source of a part's clips: its ``keys``, ``labels`` and ``skipped``."""

    @abc.abstractmethod
    def build(self) -> nn.Module:
        """The network with its starting weights."""

    @abc.abstractmethod
    def maker(self, part: str, *, epoch: int) -> Callable[[Sequence[Row]], Made]:
        """What makes a batch of rows."""

    @abc.abstractmethod
    def step(self, batch: Batch, *, train: bool) -> Step:
        """One batch through the network, with its loss."""

    def more_overrides(self) -> dict[str, Any]:
        """Keyword arguments of the builder that follow from the data."""
        return {}

    # data

    @property
    def in_memory(self) -> bool:
        """Whether reading a clip costs next to nothing."""
        return self.parts.dataset == "puppets"

    @property
    def layout(self) -> str | None:
        """Skeleton layout that the network takes; None where it takes pictures."""
        return None

    def prepare(self) -> None:
        """Make or find what is stored, and look through the clips; once."""
        for part in ("train", "val"):
            self.source(part)

    def source(self, part: str) -> Any:
        """The source of "train", "val" or "test", opened at the first call."""
        if part not in self._sources:
            same = part == "test" and self.recipe.choose == "test" and "val" in self._sources
            source = self._sources["val"] if same else self.open(part)
            self._sources[part] = source
            self.skipped |= source.skipped
        return self._sources[part]

    def give(self, part: str, source: Any) -> None:
        """Take ``source`` for the clips of ``part`` in place of the recipe's own."""
        self._sources[part] = source

    def batches(
        self, split: str, *, epoch: int = 0, start: int = 0, rank: int = 0, world: int = 1
    ) -> Batches:
        """Training batches of ``epoch`` from batch ``start`` on, or a whole other part in order.

        One batch has ``batch_size / accumulate`` clips, over all ranks.
        """
        r, train = self.recipe, split == "train"
        size = max(1, r.batch_size // r.accumulate)
        return Batches(
            len(self.source(split).keys),
            size=size if train else max(min(size, _EVAL_CLIPS), world),
            make=self.maker(split, epoch=epoch),
            seed=r.seed if train else None,
            epoch=epoch,
            start=start,
            rank=rank,
            world=world,
            workers=worker_count(r.workers, in_memory=self.in_memory, beside=r.devices),
            note=self._note,
        )

    def _note(self, lost: dict[str, str]) -> None:
        """Remember clips that could not be read after all, and say so once for each."""
        for key in sorted(set(lost) - set(self.skipped)):
            warnings.warn(f"{key} cannot be read, left out: {lost[key]}", stacklevel=2)
        self.skipped |= lost

    @property
    def data_words(self) -> str:
        """Which clips are trained on, chosen by and tested on, for the card."""
        p = self.parts
        counts = {
            name: len(self._sources[name].keys) if name in self._sources else len(samples)
            for name, samples in p.samples.items()
        }
        shown = ", ".join(f"{name} {count:,} clips" for name, count in counts.items())
        name = f"{p.dataset} ({p.protocol})" if p.protocol else p.dataset
        words = f"{name}: {shown}; {p.held_out}"
        if not self.skipped:
            return words
        missing = len(p.missing.keys() & self.skipped.keys())
        unread = len(self.skipped) - missing
        return f"{words}; left out: {missing} missing, {unread} unreadable"

    # training

    def to_device_batch(self, batch: Batch, device: torch.device) -> Batch:
        """What is better finished where the network is; the batch is there already."""
        return batch

    def before_epoch(self, epoch: int) -> None:  # noqa: B027  (a hook: most need nothing)
        """Called before each training epoch; ``batches`` knows the epoch by itself."""

    def set_training(self) -> None:
        """The network in training mode, what is frozen in eval mode."""
        self.network.train()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What the optimiser is given: parameters, and where they differ from the recipe."""
        return [{"params": [p for p in self.network.parameters() if p.requires_grad]}]


def device_of(recipe: Recipe) -> torch.device:
    """Where the recipe's network will be."""
    if recipe.device != "auto":
        return torch.device(recipe.device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def in_words(recipe: Recipe, error: Exception) -> ActvizError:
    """A builder's complaint as an error of ours, under the recipe's name."""
    return ActvizError(f"{recipe.name}: {error}")
