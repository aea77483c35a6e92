"""A task as Lightning trains it, and what is kept of it at every step that may be the last.

Every random choice follows from the recipe's seed, the epoch, the batch and the process, and every
learning rate from the step's number. So ``last.ckpt`` need hold no random state: the weights, the
optimiser's state and ``Progress`` are all that a run goes on from, bit for bit on one machine's
CPU. This module and ``engine`` are the only ones that import Lightning.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from actviz.errors import ActvizError
from actviz.learn.checkpoints import CARD_KEY, Card, save_checkpoint
from actviz.learn.durable import flush_to_disk
from actviz.learn.keeping import (
    Curves,
    Figures,
    Progress,
    check_clips,
    clips_of,
    score_of,
    watched,
)
from actviz.learn.runs import RunFolder
from actviz.learn.schedules import Plateau, epochs_of, rate_factor, steps_of
from actviz.learn.tasks import Task
from models import to_channels_last

try:
    import lightning.pytorch as pl
    from lightning.pytorch.callbacks import Checkpoint
except ImportError as error:
    raise ActvizError(
        "training needs Lightning, which is not installed; pip install 'actviz[train]'."
    ) from error

__all__ = ["KeepRun", "Lesson"]

PROGRESS_KEY = "actviz_progress"  # where last.ckpt holds it
CLIPS_KEY = "actviz_clips"  # and which clips are trained on


class Lap:
    """The batches of one epoch, of which the first ``start`` are done and ``length`` are wanted."""

    def __init__(self, batches: Iterable[Any], *, start: int, length: int) -> None:
        self.batches, self.start, self.length = batches, start, length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        yield from islice(self.batches, self.length - self.start)


class Lesson(pl.LightningModule):
    """A task as Lightning wants it."""

    def __init__(self, task: Task, curves: Curves) -> None:
        super().__init__()
        recipe = task.recipe
        if recipe.channels_last:
            to_channels_last(task.network)  # 3-D kernels, too
        if recipe.compile:
            task.network.compile()
        self.model = task.network
        self.task, self.curves = task, curves
        self.progress = Progress(Plateau.of(recipe))
        self.held_out = Figures()
        self.figures: dict[str, float] = {}  # of the epoch that ended last
        self.last_rate = task.recipe.learning_rate  # of the last step; groups have factors of it
        self._weight = 0  # clips whose gradients are waiting for the optimiser's step
        self._prepared = False

    # data

    def prepare_data(self) -> None:
        self._prepare()

    def setup(self, stage: str) -> None:
        self._prepare()
        if not self.parts_per_epoch:
            raise ActvizError(
                f"{self.task.recipe.name}: no clip to train on is left; see the data set's lists "
                "and which clips were skipped."
            )
        self.trainer.fit_loop.max_epochs = epochs_of(self.task.recipe, self.steps_per_epoch)

    def _prepare(self) -> None:
        if not self._prepared:
            self.task.prepare()
            self.parts_per_epoch = len(self._batches("train", epoch=0))
            self._prepared = True

    def _batches(self, part: str, *, epoch: int = 0, start: int = 0) -> Any:
        world = self.trainer.world_size
        return self.task.batches(part, epoch=epoch, start=start, rank=self.global_rank, world=world)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.parts_per_epoch / self.task.recipe.accumulate)

    def train_dataloader(self) -> Any:
        """This epoch's batches from where the run stands; the last epoch may be short."""
        recipe, epoch, start = self.task.recipe, self.progress.epoch, self.progress.batch
        self.task.before_epoch(epoch)
        batches = self._batches("train", epoch=epoch, start=start)
        left = steps_of(recipe, self.steps_per_epoch) - epoch * self.steps_per_epoch
        length = min(len(batches), max(left, 1) * recipe.accumulate)
        return Lap(batches, start=start, length=length)

    def val_dataloader(self) -> Any:
        return self._batches(watched(self.task.recipe))

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        moved = {k: v.to(device, non_blocking=True) for k, v in batch.items()}
        return self.task.to_device_batch(moved, device)

    # steps

    def on_train_start(self) -> None:
        self.task.set_training()

    def on_validation_model_train(self) -> None:
        self.task.set_training()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        key = (self.task.recipe.seed, self.progress.epoch, batch_idx, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1))
        factor = self.rate_factor()
        self.last_rate = self.task.recipe.learning_rate * factor
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = group["initial_lr"] * factor

    def rate_factor(self) -> float:
        """Of this step, to all learning rates."""
        recipe = self.task.recipe
        total = steps_of(recipe, self.steps_per_epoch)
        return rate_factor(recipe, self.global_step, total, plateau=self.progress.plateau.now)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        step = self.task.step(batch, train=True)
        clips = len(batch["label"])
        self.progress.train.add(_figures(step, batch["label"]), clips)
        self.curves.step(self.global_step + 1, step.loss, self.last_rate)
        if self.trainer.progress_bar_callback is not None:
            self.log("loss", step.loss.detach(), prog_bar=True, logger=False, batch_size=clips)
        self._weight += clips
        self.progress.batch = batch_idx + 1
        return step.loss * (clips / self._part)

    @property
    def _part(self) -> int:
        """Clips of a whole part of a batch in one process."""
        recipe = self.task.recipe
        return recipe.batch_size // (recipe.accumulate * self.trainer.world_size)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Parts and batches may be short: what counts is the mean over all clips of the step."""
        share = self._part * self.task.recipe.accumulate / self._weight
        self._weight = 0
        if share != 1:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.grad.mul_(share)

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        if clips := len(batch["label"]):  # a process's share of the last batch may be empty
            step = self.task.step(batch, train=False)
            self.held_out.add(_figures(step, batch["label"]), clips)

    def configure_optimizers(self) -> Any:
        recipe = self.task.recipe
        groups = self.task.parameter_groups()
        rate: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
        optimiser: torch.optim.Optimizer
        if recipe.optimiser == "adamw":
            optimiser = torch.optim.AdamW(groups, **rate)
        elif recipe.optimiser == "rmsprop":
            optimiser = torch.optim.RMSprop(
                groups, alpha=recipe.smoothing, momentum=recipe.momentum, **rate
            )
        else:
            optimiser = torch.optim.SGD(
                groups, momentum=recipe.momentum, nesterov=recipe.nesterov, **rate
            )
        for group in optimiser.param_groups:
            group["initial_lr"] = group["lr"]
        return optimiser

    # figures and state

    def totals(self, figures: Figures) -> tuple[list[str], Tensor]:
        """Names and sums over all processes."""
        strategy = self.trainer.strategy
        names = strategy.broadcast(sorted(figures.sums))  # the first process has every name
        return names, strategy.reduce(figures.table(names, self.device), reduce_op="sum")

    def on_train_epoch_end(self) -> None:
        """Figures of the epoch, exact means over its clips; the next epoch begins."""
        self.curves.settle()
        recipe, progress = self.task.recipe, self.progress
        part = watched(recipe)
        self.figures = {}
        for prefix, figures in (("train", progress.train), (part, self.held_out)):
            means = Figures.means(*self.totals(figures))
            self.figures |= {f"{prefix}_{name}": value for name, value in means.items()}
        progress.train, self.held_out = Figures(), Figures()
        if recipe.schedule == "plateau":
            shown = self.figures.get(f"{part}_loss", self.figures["train_loss"])
            progress.plateau.after(shown)  # without validation, the training's own loss
        progress.epoch, progress.batch = progress.epoch + 1, 0

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[PROGRESS_KEY] = self.progress.state(*self.totals(self.progress.train))
        checkpoint[CLIPS_KEY] = clips_of(self.task)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        check_clips(checkpoint.get(CLIPS_KEY), clips_of(self.task))
        self.progress.restore(checkpoint.get(PROGRESS_KEY, {}), first=self.global_rank == 0)


def _figures(step: Any, label: Tensor) -> dict[str, Tensor]:
    top1 = (step.logits.detach().argmax(1) == label).float().mean()
    return {"loss": step.loss, "top1": top1, **step.extra}


class KeepRun(Checkpoint):
    """Keeps what a run can go on from: every so many iterations, and after every epoch.

    An epoch leaves, in this order, its weights where they are the best so far, a row of figures,
    and ``last.ckpt``; a run killed between two of them does the epoch's end again, alike.
    """

    card: Callable[[], Card]  # of what is trained, before any figure is known

    def __init__(self, run: RunFolder) -> None:
        super().__init__()
        self.run = run
        self.tell: Callable[[str], None] | None = None  # one line for each epoch
        self.began = time.monotonic()
        self._saved = 0  # iteration

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._saved = trainer.global_step
        if trainer.is_global_zero:
            device = _device_in_words(trainer)
            self.run.note(device=device, skipped=dict(pl_module.task.skipped))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        every = pl_module.task.recipe.save_every
        due = every and trainer.global_step >= self._saved + every
        whole = not pl_module._weight  # between two steps of the optimiser
        if due and whole and batch_idx + 1 < trainer.num_training_batches:
            self._save(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """After the lesson's own, as with every callback that keeps checkpoints."""
        progress, figures = pl_module.progress, pl_module.figures
        seconds, self.began = time.monotonic() - self.began, time.monotonic()
        row = {
            "epoch": progress.epoch - 1,
            "iterations": trainer.global_step,
            "learning_rate": pl_module.last_rate,
            **figures,
            "seconds": seconds,
        }
        score = score_of(pl_module.task.recipe, figures, row["epoch"])
        if score > progress.best:
            progress.best = score
            self._keep_best(trainer, pl_module, row)
        if trainer.is_global_zero:
            self.run.add_row(row)
            pl_module.curves.write({f"epoch/{k}": v for k, v in figures.items()}, row["iterations"])
            pl_module.curves.flush()
            if self.tell is not None:
                self.tell(_in_words(row))
        self._save(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        pl_module.curves.close()

    def _keep_best(self, trainer: pl.Trainer, pl_module: Any, row: dict[str, Any]) -> None:
        part = watched(pl_module.task.recipe)
        told = ("epoch", f"{part}_top1", f"{part}_loss")
        chosen = {"chosen": {k: row[k] for k in told if k in row}}
        if trainer.is_global_zero:
            save_checkpoint(self.run.best, pl_module.model, replace(self.card(), metrics=chosen))

    def _save(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """``last.ckpt``, whole or as it was; in every process, as Lightning wants it."""
        pl_module.curves.settle()  # never keep what a broken step left
        fresh = self.run.last.with_name("last.ckpt.part")
        trainer.save_checkpoint(fresh)
        if trainer.is_global_zero:
            flush_to_disk(fresh, self.run.last)
        self._saved = trainer.global_step

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: Any, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[CARD_KEY] = self.card().to_dict()


def _device_in_words(trainer: pl.Trainer) -> str:
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{trainer.world_size} x {name}" if trainer.world_size > 1 else name


def _in_words(row: dict[str, Any]) -> str:
    """One line: "epoch 3: train_loss 1.234, …, 12 s"."""
    shown = (f"{k} {v:.4g}" for k, v in row.items() if k not in ("epoch", "seconds"))
    return f"epoch {row['epoch']}: {', '.join(shown)}, {row['seconds']:.0f} s"
