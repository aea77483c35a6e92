"""Training, on Lightning: any recipe, on one CPU or GPU, resumed as if it had never stopped.

Every random choice of an epoch follows from the recipe's seed, the epoch and the step, so that a
resumed run needs no stored random state and goes on bit for bit on the same machine's CPU. This is
the only module of ours that imports Lightning.
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from actviz.errors import ActvizError
from actviz.learn.checkpoints import CARD_KEY, Card, load_checkpoint, save_checkpoint
from actviz.learn.evaluate import evaluate
from actviz.learn.recipes import MANRecipe, PictureRecipe, Recipe, get_recipe
from actviz.learn.runs import RunFolder, command_of, git_commit
from actviz.learn.summary import data_in_words, limits_in_words, spread
from actviz.learn.tasks import Task, classes_of, make_network, make_task

try:
    import lightning.pytorch as pl
    from lightning.pytorch.callbacks import Checkpoint
except ImportError as error:
    raise ActvizError(
        "training needs Lightning, which is not installed; pip install 'actviz[train]'."
    ) from error

__all__ = ["learning_rate_factor", "train"]


def train(
    recipe: Recipe | str, *, out: str | Path, resume: bool = False, progress: bool = True
) -> Path:
    """Train ``recipe`` into the run folder ``out``; returns the path of ``best.safetensors``.

    The best epoch is chosen on the validation split; the test split is looked at once, at the
    end, for the card. With ``recipe.repeats`` above 1, each seed trains in a folder of its own and
    the first seed's weights are kept, whichever is best, with the spread in the card.

    Raises:
        ActvizError: a folder in use, another recipe than the one to resume, unknown data.
    """
    recipe = get_recipe(recipe) if isinstance(recipe, str) else recipe
    if recipe.repeats == 1:
        return _train_one(recipe, RunFolder(out, recipe, resume=resume), resume, progress)
    folder = RunFolder(out, recipe, resume=resume)
    bests = []
    for seed in range(recipe.seed, recipe.seed + recipe.repeats):
        single = replace(recipe, seed=seed, repeats=1)
        run = RunFolder(folder.folder / f"seed-{seed}", single, resume=resume)
        bests.append(_train_one(single, run, resume, progress))
    loaded = [load_checkpoint(path) for path in bests]
    first = loaded[0]
    metrics = first.card.metrics | {"seeds": spread([one.card.metrics for one in loaded])}
    card = replace(first.card, metrics=metrics, command=command_of(recipe))
    return save_checkpoint(folder.best, first.model, card)


def _train_one(recipe: Recipe, run: RunFolder, resume: bool, progress: bool) -> Path:
    with _quiet(), _threads(recipe.threads):
        network = make_network(recipe)
        task = make_task(recipe, network)
        task.prepare()
        card = _card(recipe)
        trainer = pl.Trainer(
            accelerator=recipe.device,
            precision=recipe.precision,
            devices=1,
            max_epochs=recipe.epochs,
            gradient_clip_val=recipe.clip_norm,
            reload_dataloaders_every_n_epochs=1,  # each epoch's order follows from its number
            num_sanity_val_steps=0,
            logger=False,
            callbacks=[KeepRun(run, card)],
            enable_progress_bar=progress,
            enable_model_summary=False,
            default_root_dir=run.folder,
        )
        last = run.last if resume and run.last.is_file() else None
        trainer.fit(Lesson(task), ckpt_path=last, weights_only=True)
        return _finish(recipe, run)


def _finish(recipe: Recipe, run: RunFolder) -> Path:
    """Look at the test split, once, and complete the card."""
    best = load_checkpoint(run.best)
    metrics = evaluate(best, clips=recipe.test_clips) | {"chosen": best.card.metrics["chosen"]}
    limits = limits_in_words(recipe.model, metrics)
    return save_checkpoint(run.best, best.model, replace(best.card, metrics=metrics, limits=limits))


class Lesson(pl.LightningModule):
    """A task as Lightning wants it."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.model = task.network.to(memory_format=torch.channels_last)
        self.task = task

    def train_dataloader(self) -> Any:
        return self.task.batches("train", epoch=self.current_epoch)

    def val_dataloader(self) -> Any:
        return self.task.batches("val")

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(
            self.task.recipe.seed * 1_000_003 + self.global_step
        )  # dropout, key frame

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        return self._step(batch, "train")

    def validation_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:
        self._step(batch, "val")

    def _step(self, batch: dict[str, Tensor], split: str) -> Tensor:
        step = self.task.step(batch, train=split == "train")
        label = batch["label"]
        top1 = (step.logits.argmax(1) == label).float().mean()
        shown = {"loss": step.loss.detach(), "top1": top1, **step.extra}
        named = {f"{split}_{k}": v for k, v in shown.items()}
        self.log_dict(named, on_step=False, on_epoch=True, batch_size=len(label), prog_bar=True)
        return step.loss

    def configure_optimizers(self) -> Any:
        recipe = self.task.recipe
        groups = self.task.parameter_groups()
        rate: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
        optimiser: torch.optim.Optimizer
        if recipe.optimiser == "adamw":
            optimiser = torch.optim.AdamW(groups, **rate)
        else:
            optimiser = torch.optim.SGD(
                groups, momentum=recipe.momentum, nesterov=recipe.nesterov, **rate
            )
        total = len(self.task.batches("train")) * recipe.epochs
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: learning_rate_factor(recipe, step, total)
        )
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]


class KeepRun(Checkpoint):
    """After every epoch: a row of figures, ``last.ckpt``, and the best weights so far."""

    def __init__(self, run: RunFolder, card: Card) -> None:
        super().__init__()
        self.run, self.card = run, card
        self.best = (-1.0, -math.inf)  # validation top-1, then minus the loss
        self.began = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.began = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        figures = {k: float(v) for k, v in trainer.callback_metrics.items()}
        row = {
            "epoch": trainer.current_epoch,
            "iterations": trainer.global_step,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            **figures,
            "seconds": time.monotonic() - self.began,
        }
        score = (figures["val_top1"], -figures["val_loss"])
        if score > self.best:
            self.best = score
            model: Any = pl_module.model
            save_checkpoint(self.run.best, model, replace(self.card, metrics=_chosen_by(row)))
        self.run.add_row(row)
        fresh = self.run.last.with_suffix(".part")
        trainer.save_checkpoint(fresh)
        fresh.replace(self.run.last)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint[CARD_KEY] = self.card.to_dict()

    def state_dict(self) -> dict[str, Any]:
        return {"best": list(self.best)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        top1, loss = state_dict["best"]
        self.best = (top1, loss)


def learning_rate_factor(recipe: Recipe, step: int, total: int) -> float:
    """What the learning rate is multiplied with at ``step`` of ``total`` iterations."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    if recipe.schedule == "step":
        return 0.1 ** sum(step >= m for m in recipe.milestones)
    if recipe.schedule == "cosine":
        done = (step - recipe.warmup) / max(total - recipe.warmup, 1)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1)))
    return 1.0


def _card(recipe: Recipe) -> Card:
    classes = classes_of(recipe)
    return Card(
        model=recipe.model,
        overrides=recipe.build_overrides(len(classes)),
        classes=classes,
        trained_on=recipe.data,
        frames=recipe.frames,
        input_size=recipe.input_size if isinstance(recipe, PictureRecipe) else None,
        layout=recipe.layout if isinstance(recipe, MANRecipe) else None,
        recipe=recipe.name,
        command=command_of(recipe),
        seed=recipe.seed,
        commit=git_commit(),
        data=data_in_words(recipe),
    )


def _chosen_by(row: dict[str, Any]) -> dict[str, Any]:
    return {"chosen": {k: row[k] for k in ("epoch", "val_top1", "val_loss")}}


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's remarks on loaders and devices; its errors still come."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
