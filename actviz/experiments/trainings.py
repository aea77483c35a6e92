"""Trainings that experiments share: each is done once, and what it answered is kept in the cache.

A training is named by everything that decides it (``keeping``), so that a table that was killed
goes on where it stopped, and a second table uses what the first one trained.

N clips · T frames · K classes
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError
from actviz.experiments.cutting import Cut, CutClips, evidence_of
from actviz.experiments.glances import glanced, look
from actviz.experiments.keeping import (
    CURVES,
    TESTED,
    Answers,
    Wanted,
    alone,
    fill,
    keep_weights,
    load,
    place_of,
    store,
    test_key,
    weights_of,
)
from actviz.learn.data.batches import cores_here
from actviz.learn.data.cache import digest_of
from actviz.learn.recipes import Recipe

if TYPE_CHECKING:
    from actviz.learn.tasks import Task

__all__ = ["Answers", "Wanted", "answers_of", "is_done", "train_all", "work"]

Progress = Callable[[str, int, int], None]
_STAGE = "trainings"


def is_done(wanted: Wanted) -> bool:
    """Whether the cache has its answers."""
    return place_of(wanted).is_file()


def train_all(
    wanted: Sequence[Wanted],
    *,
    jobs: int = 1,
    fresh: bool = False,
    progress: Progress | None = None,
) -> list[Answers]:
    """The answers of every training, in order; those that the cache has are not done again.

    Args:
        jobs: trainings at once, each in a process of its own.
        fresh: forget what the cache has.
        progress: told how many are done, and how far the features of new clips are.

    Raises:
        ActvizError: a training failed, and why.
    """
    todo = list({digest_of(test_key(w)): w for w in wanted}.values())
    if fresh:
        for one in todo:
            place_of(one).unlink(missing_ok=True)
            place_of(one.trained).unlink(missing_ok=True)
    if jobs > 1 and sum(not is_done(one) for one in todo) > 1:
        _in_processes(todo, jobs, progress)
    for number, one in enumerate(todo):
        if progress:
            progress(_STAGE, number, len(todo))
        answers_of(one, progress=progress)
    if progress:
        progress(_STAGE, len(todo), len(todo))
    return [answers_of(one) for one in wanted]


def answers_of(wanted: Wanted, *, progress: Progress | None = None) -> Answers:
    """The answers of one training, which is done where the cache has none."""
    path = place_of(wanted)
    if not path.is_file():
        with alone(path, wait=True):
            if not path.is_file():
                _do(wanted, path, progress)
    return load(path)


# ---- one training --------------------------------------------------------------------------------


def _do(wanted: Wanted, path: Path, progress: Progress | None) -> None:
    if wanted != wanted.trained:
        return _test_anew(wanted, path, progress)
    from actviz.learn.engine import train

    began = time.monotonic()
    run = path.with_suffix(".run")
    task = _task(wanted, progress)
    _forget_another(run, task.recipe)
    best = train(
        task.recipe,
        out=run,
        data=wanted.root,
        prepared=wanted.prepared,
        resume=True,
        progress=False,
        make=lambda *_, **__: task,
        score=False,
    )
    keep_weights(best, task, weights_of(path))
    fill(task, weights_of(path))
    found = _scores(task, wanted, best)
    store(path, task, found, _facts(wanted, task, best, time.monotonic() - began))
    shutil.rmtree(run)


def _test_anew(wanted: Wanted, path: Path, progress: Progress | None) -> None:
    """The answers of a training under other conditions, on stored features."""
    facts = answers_of(wanted.trained, progress=progress).facts
    changed = {k: v for k in TESTED if (v := getattr(wanted, k)) is not None}
    more = {k: v for k, v in changed.items() if k == "frames"}
    task = _task(replace(wanted.trained, settings={**wanted.settings, **more}), progress)
    fill(task, weights_of(place_of(wanted.trained)))
    if wanted.threshold is not None:
        cast(Any, task.network).threshold = wanted.threshold
    store(path, task, _on_features(task), {**facts, "tested": changed})


def _forget_another(run: Path, recipe: Recipe) -> None:
    """Remove what a stopped run left of a recipe with other fields, which cannot be resumed.

    The same training may have been begun with another number of workers, or by an earlier release.
    """
    try:
        begun = json.loads((run / "recipe.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        begun = None
    if begun != json.loads(json.dumps(recipe.to_dict())):
        shutil.rmtree(run, ignore_errors=True)


def _task(wanted: Wanted, progress: Progress | None = None) -> Task:
    """How the training goes, with the clips cut anew where that is wanted."""
    from actviz.learn.tasks import make_task

    recipe = wanted.filled()
    task = make_task(recipe, root=wanted.root, prepared=wanted.prepared, progress=progress)
    if wanted.cut is not None:
        for part in ("train", "val", "test"):
            whole = replace(wanted, cut=None).filled()
            task.give(part, _cut_clips(_whole(whole), part, wanted.cut))
    return task


def _whole(recipe: Recipe) -> Recipe:
    """The recipe by which every stored frame's features are looked up, whatever is trained."""
    stored = getattr(recipe, "stored_frames", recipe.frames)
    return replace(recipe, frames=stored, seed=0)


@lru_cache(maxsize=6)
def _cut_clips(recipe: Recipe, part: str, cut: Cut) -> CutClips:
    from actviz.learn.tasks import make_task

    return CutClips(make_task(recipe).source(part), part, cut)


def _scores(task: Task, wanted: Wanted, best: Path) -> dict[str, Any]:
    """Keys, labels and logits (N, K) of the test clips and, of MAM, what it wrote (N, T).

    Of a frozen frame CNN on its stored features, where it has one look at each clip; glance by
    glance where that is wanted; else by the test protocol of the recipe.
    """
    if wanted.glances:
        seen = _task(replace(wanted, settings=glanced(wanted.settings, wanted.glances)))
        fill(seen, weights_of(place_of(wanted)))
        return look(seen)
    recipe: Any = task.recipe
    if getattr(recipe, "freeze_backbone", False) and recipe.test_views == "centre":
        return _on_features(task)
    from actviz.learn.evaluate import evaluate

    done = evaluate(
        best,
        data=wanted.root,
        dataset=task.recipe.data,
        prepared=wanted.prepared,
        clips=task.recipe.test_clips,
    )
    return {"keys": done.keys, "labels": done.labels, "logits": done.logits}


def _on_features(task: Task) -> dict[str, Any]:
    import torch

    parts: list[dict[str, NDArray[Any]]] = []
    task.network.eval()
    with torch.inference_mode():
        for batch in task.batches("test"):
            output = cast(Any, task).forward(batch)
            names = [n for n in ("logits", *CURVES) if hasattr(output, n)]
            parts.append({n: getattr(output, n).float().cpu().numpy() for n in names})
    found: dict[str, Any] = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
    if "written" in found:
        found["written"] = found["written"] > 0.5
        evidence = _evidence(task)
        found |= {} if evidence is None else {"evidence": evidence}
    source = task.source("test")
    return found | {"keys": source.keys, "labels": source.labels}


def _evidence(task: Task) -> NDArray[np.bool_] | None:
    """Where the test clips show their action, (N, T), where that is known."""
    source = task.source("test")
    if isinstance(source, CutClips):
        return source.evidence[:, 0]
    if task.parts.dataset != "puppets" or getattr(task.recipe, "modality", "rgb") != "rgb":
        return None  # a snippet of flow spans several frames
    return evidence_of("test", len(source.keys), task.recipe.frames)


def _facts(wanted: Wanted, task: Task, best: Path, seconds: float) -> dict[str, Any]:
    from actviz.learn.runs import command_of, git_commit

    chosen = json.loads(best.with_suffix(".json").read_text(encoding="utf-8"))["metrics"]
    recipe = task.recipe
    return {
        "recipe": wanted.recipe,
        "command": command_of(recipe),
        "cut": None if wanted.cut is None else asdict(wanted.cut),
        "seed": recipe.seed,
        "parameters": sum(p.numel() for p in task.network.parameters() if p.requires_grad),
        "chosen": chosen.get("chosen", {}),
        "data": task.data_words,
        "commit": git_commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
    }


# ---- several at once -----------------------------------------------------------------------------


def _in_processes(todo: Sequence[Wanted], jobs: int, progress: Progress | None) -> None:
    """Do what is not done in ``jobs`` processes, each taking the next that nobody has."""
    kinds = {json.dumps(_but_seed(one)): one for one in todo if not is_done(one)}
    for one in kinds.values():
        for part in ("train", "val", "test"):
            _task(one, progress).source(part)  # features once, not once in each process
    told = json.dumps([one.to_json() for one in todo])
    code = "from actviz.experiments.trainings import work; work()"
    places = [place_of(one) for one in todo]
    # Processes that each take all cores wait for one another at every small step.
    share = str(max(1, cores_here() // jobs))
    own = {"OMP_NUM_THREADS": share} | dict(os.environ)
    running = []
    try:
        for _ in range(jobs):
            # Not multiprocessing: it would run the caller's script again in each process.
            process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=own,
            )
            assert process.stdin is not None
            process.stdin.write(told)
            process.stdin.close()
            running.append(process)
        while any(process.poll() is None for process in running):
            if progress:
                progress(_STAGE, sum(path.is_file() for path in places), len(todo))
            time.sleep(0.5)
    finally:
        for process in running:
            process.kill()
    for process in running:
        assert process.stderr is not None
        said = process.stderr.read().strip().splitlines()
        if process.wait() and said:
            raise ActvizError(said[-1])


def _but_seed(wanted: Wanted) -> dict[str, Any]:
    settings = {k: v for k, v in wanted.settings.items() if k != "seed"}
    return replace(wanted.trained, settings=settings).to_json()


def work() -> None:
    """Do the trainings named on standard input that nobody else is doing, one after the other."""
    todo = [Wanted.from_json(told) for told in json.loads(sys.stdin.read())]
    try:
        for one in todo:
            path = place_of(one)
            if path.is_file():
                continue
            with alone(path, wait=False) as mine:
                if mine and not path.is_file():
                    _do(one, path, None)
    except ActvizError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from error
