"""Training, on Lightning: any recipe, on one CPU or GPU or several, resumed as if never stopped.

Several devices and nodes are Lightning's: it starts the processes itself, or finds itself started
by torchrun or SLURM. The first process alone writes the run folder, which all of them must see.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import torch

from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded, load_checkpoint, rounded, save_checkpoint
from actviz.learn.evaluate import evaluate
from actviz.learn.keeping import Curves
from actviz.learn.lesson import KeepRun, Lesson
from actviz.learn.recipes import Recipe, get_recipe
from actviz.learn.runs import DataPlace, RunFolder, command_of
from actviz.learn.summary import card_of, limits_in_words, spread
from actviz.learn.tasks import Task, make_task

try:
    import lightning.pytorch as pl
    from lightning.pytorch.plugins.environments import (
        SLURMEnvironment,
        TorchElasticEnvironment,
    )
    from lightning.pytorch.strategies import DDPStrategy
except ImportError as error:
    raise ActvizError(
        "training needs Lightning, which is not installed; pip install 'actviz[train]'."
    ) from error

__all__ = ["check_machine", "is_first_process", "make_trainer", "train"]

Stages = Callable[[str, int, int], None]
_PATIENCE = timedelta(hours=12)  # that processes wait for one another: preparing data takes long


def train(
    recipe: Recipe | str,
    *,
    out: str | Path,
    data: str | Path | None = None,
    prepared: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    tell: Callable[[str], None] | None = None,
    stages: Stages | None = None,
    make: Callable[..., Task] = make_task,
    score: bool = True,
) -> Path:
    """Train ``recipe`` into the run folder ``out``; returns the path of ``best.safetensors``.

    The best epoch is chosen on the validation part (or as ``recipe.choose`` says); the test part
    is looked at once, at the end, for the card. With ``recipe.repeats`` above 1, each seed trains
    in a folder of its own and the first seed's weights are kept, whichever is best, with the
    spread in the card.

    Args:
        data: the data set's folder or list; None for puppets, which are made here.
        prepared: where ``actviz data prepare`` left pictures and flow, if not in its usual place.
        resume: go on from ``last.ckpt`` where there is one.
        progress: show Lightning's bar.
        tell: is given one line of figures after each epoch, where there is no bar.
        stages: told how far preparation and the final test are, as (stage, done, total).
        make: what makes the task, where it is not the recipe's own data (experiments).
        score: look at the test part at the end; experiments do so themselves.

    Raises:
        ActvizError: a folder in use, another recipe than the one to resume, unknown data, a
            machine that cannot run the recipe, a loss that is not finite.
    """
    recipe = get_recipe(recipe) if isinstance(recipe, str) else recipe
    place = DataPlace(_path(data), _path(prepared))
    check_machine(recipe)
    run = RunFolder(out)
    once = _Once(place, resume, progress, tell, stages, make, score)
    if recipe.repeats == 1:
        return once.train(recipe, run)
    if is_first_process():
        run.check(recipe, resume=resume)
        run.begin(recipe, place)
    bests = []
    for seed in range(recipe.seed, recipe.seed + recipe.repeats):
        single = replace(recipe, seed=seed, repeats=1)
        bests.append(once.train(single, RunFolder(run.folder / f"seed-{seed}")))
    return _join(recipe, place, run, bests) if is_first_process() else run.best


def is_first_process() -> bool:
    """Whether this is the process that writes, of those that train together."""
    from lightning.pytorch.utilities import rank_zero_only

    return not getattr(rank_zero_only, "rank", 0)


def check_machine(recipe: Recipe) -> None:
    """Refuse what this machine, or the batch, cannot be split into.

    Raises:
        ActvizError: an unknown or absent device, too many of them, fp16 without a GPU, or a batch
            that does not divide into equal parts.
    """
    kinds = {"auto": True, "cpu": True, "cuda": torch.cuda.is_available()}
    kinds["mps"] = torch.backends.mps.is_available()
    if not kinds.get(recipe.device):
        here = ", ".join(kind for kind, there in kinds.items() if there)
        raise ActvizError(f"device must be one of {here} on this machine; got {recipe.device!r}.")
    kind = _kind(recipe.device)
    if kind == "cuda" and recipe.devices > torch.cuda.device_count():
        raise ActvizError(
            f"devices={recipe.devices} asks for more GPUs than the {torch.cuda.device_count()} of "
            "this machine; set fewer."
        )
    if recipe.precision == "16-mixed" and kind != "cuda":
        raise ActvizError(
            f"precision=16-mixed needs a CUDA GPU; here it is {kind}: use bf16-mixed or 32-true."
        )
    if kind == "mps" and recipe.devices * recipe.nodes > 1:
        raise ActvizError("an Apple GPU trains alone; set devices=1 and nodes=1.")
    parts = recipe.accumulate * recipe.devices * recipe.nodes
    if recipe.batch_size % parts:
        raise ActvizError(
            f"{recipe.name}: batch_size ({recipe.batch_size}) must divide into accumulate x "
            f"devices x nodes = {parts} equal parts; change one of them with --set."
        )


class _Once:
    """One training of one seed."""

    def __init__(
        self,
        place: DataPlace,
        resume: bool,
        progress: bool,
        tell: Callable[[str], None] | None,
        stages: Stages | None,
        make: Callable[..., Task],
        score: bool,
    ) -> None:
        self.place, self.resume, self.progress, self.tell = place, resume, progress, tell
        self.stages, self.make, self.score = stages, make, score

    def train(self, recipe: Recipe, run: RunFolder) -> Path:
        with _quiet(), _threads(recipe.threads):
            keep = KeepRun(run)
            keep.tell = None if self.progress else self.tell
            trainer = make_trainer(recipe, callbacks=[keep], progress=self.progress)
            first = trainer.is_global_zero
            if first:
                run.check(recipe, resume=self.resume)
            task = self.make(
                recipe,
                root=self.place.root,
                prepared=self.place.prepared,
                progress=self.stages if first else None,
            )
            keep.card = cache(lambda: card_of(task, self.place))
            if first:
                run.begin(recipe, self.place)
            lesson = Lesson(task, Curves(run.curves if first else None))
            last = run.to_resume() if self.resume else None
            with _in_words(recipe):
                trainer.fit(lesson, ckpt_path=last, weights_only=True)
            return self._finish(task, run) if first and self.score else run.best

    def _finish(self, task: Task, run: RunFolder) -> Path:
        """Look at the test part, once, and complete the card."""
        run.note(skipped=dict(task.skipped))
        stored = task.recipe.stored
        best = rounded(load_checkpoint(run.best, device=_kind(task.recipe.device)), stored)
        metrics = self._final_metrics(best, task) | {"chosen": best.card.metrics["chosen"]}
        limits = limits_in_words(task.recipe, metrics)
        card = replace(best.card, data=task.data_words, metrics=metrics, limits=limits)
        return save_checkpoint(run.best, best.model, card, stored=stored)

    def _final_metrics(self, best: Loaded, task: Task) -> dict[str, Any]:
        """Scores on the test part, or, where there is none, on the validation part."""
        for part in ("test", "val"):
            if not task.parts.samples[part]:
                continue
            done = evaluate(
                best,
                data=self.place.root,
                dataset=task.recipe.data,
                part=part,
                clips=getattr(task.recipe, f"{part}_clips"),
                prepared=self.place.prepared,
                progress=self.stages,
            )
            return done.scores()
        return {"split": "none"}


def make_trainer(recipe: Recipe, *, callbacks: list[Any], progress: bool = False) -> pl.Trainer:
    """Lightning's trainer as the recipe wants it."""
    several = recipe.devices * recipe.nodes > 1
    # A MAM that writes nothing in a batch leaves some parameters without a gradient.
    ddp = DDPStrategy(timeout=_PATIENCE, find_unused_parameters=recipe.model == "mam")
    return pl.Trainer(
        accelerator=recipe.device,
        precision=recipe.precision,
        devices=recipe.devices,
        num_nodes=recipe.nodes,
        strategy=ddp if several else "auto",
        plugins=_plugins(),
        max_epochs=1,  # until the length of an epoch is known: Lesson.setup
        gradient_clip_val=recipe.clip_norm or None,
        accumulate_grad_batches=recipe.accumulate,
        reload_dataloaders_every_n_epochs=1,  # each epoch's order follows from its number
        use_distributed_sampler=False,  # tasks share their clips out themselves
        num_sanity_val_steps=0,
        logger=False,
        callbacks=callbacks,
        enable_checkpointing=bool(callbacks),
        enable_progress_bar=progress,
        enable_model_summary=False,
    )


def _plugins() -> list[Any]:
    """Under SLURM: no checkpoints at a signal, which may come in the middle of a step."""
    if SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():
        return [SLURMEnvironment(auto_requeue=False)]
    return []


def _join(recipe: Recipe, place: DataPlace, run: RunFolder, bests: list[Path]) -> Path:
    """The first seed's weights, with the spread over all seeds in their card."""
    loaded = [load_checkpoint(path) for path in bests]
    first = loaded[0]
    metrics = first.card.metrics | {"seeds": spread([one.card.metrics for one in loaded])}
    run.note(skipped=RunFolder(bests[0].parent).skipped())
    card = replace(first.card, metrics=metrics, command=command_of(recipe, place))
    return save_checkpoint(run.best, first.model, card, stored=recipe.stored)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _kind(device: str) -> str:
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextmanager
def _in_words(recipe: Recipe) -> Iterator[None]:
    """What goes wrong in a training for reasons a user can act on, in a sentence."""
    try:
        yield
    except SystemExit as error:  # Lightning's answer to Ctrl-C
        raise KeyboardInterrupt from error
    except torch.OutOfMemoryError as error:
        raise ActvizError(
            f"{recipe.name}: the GPU's memory does not hold a part of {recipe.batch_size} clips "
            f"in {recipe.accumulate}; set accumulate higher, or precision=bf16-mixed."
        ) from error
    except Exception as error:
        if recipe.compile and type(error).__module__.startswith(("torch._dynamo", "torch._ind")):
            told = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ActvizError(
                f"torch.compile failed ({told:.200}); it needs a C++ compiler, on a GPU Triton "
                "too: install one, or set compile=false."
            ) from error
        raise


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
