"""What a training remembers from step to step, so that it can stop anywhere and go on as if not.

Figures are sums over clips in double precision; the place in the epoch, the best epoch so far and
the plateau's memory are plain numbers. All of it lies in ``last.ckpt``.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from actviz.errors import ActvizError
from actviz.learn.recipes import Recipe
from actviz.learn.schedules import Plateau

if TYPE_CHECKING:
    from actviz.learn.tasks import Task

__all__ = [
    "Curves",
    "Figures",
    "Progress",
    "check_clips",
    "clips_of",
    "score_of",
    "watched",
]


class Figures:
    """Means over clips, whatever sizes their batches have."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.clips = 0

    def add(self, values: Mapping[str, Tensor], clips: int) -> None:
        """``values`` (scalars) are means over ``clips`` clips."""
        for name, value in values.items():
            exact = torch.float32 if value.device.type == "mps" else torch.float64
            share = value.detach().to(exact) * clips
            self.sums[name] = self.sums[name] + share if name in self.sums else share
        self.clips += clips

    def table(self, names: list[str], device: torch.device) -> Tensor:
        """The sums of ``names`` and the count, (len + 1,), to be added over processes."""
        zero = torch.zeros((), dtype=torch.float64)
        sums = [self.sums.get(name, zero).to("cpu", torch.float64) for name in names]
        both = torch.stack([*sums, torch.tensor(self.clips, dtype=torch.float64)])
        return both.to(device, torch.float32) if device.type == "mps" else both.to(device)

    @staticmethod
    def means(names: list[str], table: Tensor) -> dict[str, float]:
        """Name to mean; nothing where no clip was seen."""
        *sums, clips = table.tolist()
        return {n: s / clips for n, s in zip(names, sums, strict=True)} if clips else {}


@dataclass
class Progress:
    """Where the training is: the next batch, and what the epochs before it left."""

    plateau: Plateau
    epoch: int = 0
    batch: int = 0  # of this epoch, the next to be computed
    best: list[float] = field(default_factory=list)  # ``score_of`` the best epoch
    train: Figures = field(default_factory=Figures)

    def state(self, names: list[str], table: Tensor) -> dict[str, Any]:
        """Plain numbers and tensors; ``table`` holds this epoch's sums over all processes."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "best": list(self.best),
            "plateau": self.plateau.state(),
            "names": names,
            "sums": table.cpu(),
        }

    def restore(self, state: Mapping[str, Any], *, first: bool) -> None:
        """Go on from ``state()``; the sums are the ``first`` process's, so that none counts twice.

        Raises:
            ActvizError: the state is of another kind of run.
        """
        try:
            self.epoch, self.batch = state["epoch"], state["batch"]
            self.best = list(state["best"])
            self.plateau.restore(state["plateau"])
            if first:
                *sums, clips = state["sums"]
                self.train.sums = dict(zip(state["names"], sums, strict=True))
                self.train.clips = int(clips)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ActvizError(
                f"last.ckpt does not say where the training stopped ({error!r:.80}); it was "
                "written by another program: train anew in another folder."
            ) from error


class Curves:
    """Curves for TensorBoard, where its package is; and the watch over the loss.

    A step's loss is looked at when the next one begins, so that a GPU need not be waited for.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder  # None: nothing is written
        self._writer: Any = None
        self._pending: tuple[int, Tensor, float] | None = None

    def step(self, iteration: int, loss: Tensor, rate: float) -> None:
        """One batch's loss, computed for ``iteration`` (from 1 on)."""
        self.settle()
        self._pending = (iteration, loss.detach(), rate)

    def settle(self) -> None:
        """Look at the loss of the last step.

        Raises:
            ActvizError: it is infinite or not a number.
        """
        if self._pending is None:
            return
        iteration, loss, rate = self._pending[0], float(self._pending[1]), self._pending[2]
        self._pending = None
        if not math.isfinite(loss):
            raise ActvizError(
                f"the training loss became {loss} at iteration {iteration} (learning rate "
                f"{rate:.3g}); resume or start again with a lower learning_rate, a longer warmup, "
                "a clip_norm, or precision=32-true."
            )
        self.write({"step/loss": loss, "step/learning_rate": rate}, iteration)

    def write(self, values: Mapping[str, float], iteration: int) -> None:
        """Points of curves."""
        if self.folder is None:
            return
        if self._writer is None:
            self._writer = _summary_writer(self.folder, iteration)
        if self._writer is None:
            self.folder = None  # without the package training goes on
            return
        for name, value in values.items():
            self._writer.add_scalar(name, value, iteration)

    def flush(self) -> None:
        """To disk, now."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """No more points come."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _summary_writer(folder: Path, iteration: int) -> Any:
    """A writer whose curves replace those of a killed run from ``iteration`` on."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=iteration)


def clips_of(task: Task) -> dict[str, Any]:
    """Which clips ``task`` trains on, and what their labels mean: enough to know them again."""
    source = task.source("train")
    rows = "".join(f"{k}\t{label}\n" for k, label in zip(source.keys, source.labels, strict=True))
    digest = hashlib.sha256(rows.encode()).hexdigest()[:16]
    return {"classes": list(task.classes), "count": len(source.keys), "digest": digest}


def check_clips(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
    """Compare the clips that a training began with (``clips_of``) to those of now; warn of others.

    Raises:
        ActvizError: the classes are others.
    """
    if before is None or before == now:
        return
    if before["classes"] != now["classes"]:
        raise ActvizError(
            f"the run to resume was begun with {len(before['classes'])} classes "
            f"({', '.join(before['classes'][:3])} …), and the data has {len(now['classes'])} "
            f"({', '.join(now['classes'][:3])} …); give the --data that it began with, or start "
            "another folder."
        )
    warnings.warn(
        f"the clips to train on are not those that this run began with ({before['count']} then, "
        f"{now['count']} now): it goes on, but not as if it had never stopped.",
        stacklevel=2,
    )


def watched(recipe: Recipe) -> str:
    """The part that every epoch is measured on: "val", or "test" where the recipe chooses by it."""
    return "test" if recipe.choose == "test" else "val"


def score_of(recipe: Recipe, figures: Mapping[str, float], epoch: int) -> list[float]:
    """What the kept epoch has most of: top-1 then minus the loss, or, for "last", its number."""
    part = watched(recipe)
    if recipe.choose == "last" or f"{part}_top1" not in figures:
        return [float(epoch)]
    return [figures[f"{part}_top1"], -figures[f"{part}_loss"]]
