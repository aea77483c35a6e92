"""A warm process that starts real trainings as children of its own and kills them with SIGKILL.

    python killing.py FOLDER random SEED KILLS      at random moments
    python killing.py FOLDER places                 at the places named below, one after the other

Prints one JSON object. Forking spares each of the many starts its seconds of imports; a child runs
``actviz train`` as the command line does.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from actviz.cli import main
from actviz.learn import engine, lesson
from actviz.learn.keeping import Curves
from actviz.learn.runs import RunFolder

RECIPE = "puppets/man"
SETTINGS = {
    "train_clips": 26,
    "val_clips": 12,
    "test_clips": 12,
    "epochs": 3,
    "batch_size": 6,
    "accumulate": 2,
    "frames": 16,
    "hidden": 8,
    "warmup": 3,
    "schedule": "cosine",
    "repeats": 1,
    "save_every": 1,
    "threads": 1,
    "device": "cpu",
}
PLACES: dict[str, tuple[type | object, str, int]] = {  # what is called, and which call is the last
    "before anything is kept": (lesson.Lesson, "training_step", 1),
    "before the first epoch's end": (lesson.KeepRun, "on_train_epoch_end", 1),
    "in mid-epoch, amid a batch's parts": (lesson.Lesson, "training_step", 14),
    "in validation": (lesson.Lesson, "validation_step", 2),
    "before last.ckpt is in its place": (lesson, "flush_to_disk", 4),
    "amid writing last.ckpt": (lesson.KeepRun, "on_save_checkpoint", 6),
    "between the best weights and the row": (RunFolder, "add_row", 2),
    "between the row and last.ckpt": (Curves, "flush", 2),
    "in the test": (engine, "evaluate", 1),
    "amid writing the last card": (engine, "save_checkpoint", 1),
}


def arguments(folder: Path) -> list[str]:
    """The command line of the training into ``folder``."""
    settings = [f"--set={name}={value}" for name, value in SETTINGS.items()]
    return ["train", RECIPE, "--out", str(folder), "--resume", *settings]


def start(folder: Path, before: Callable[[], None] = lambda: None) -> int:
    """Train in a child; returns its process number."""
    if child := os.fork():
        return child
    os.dup2(os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
    os.dup2(1, 2)
    before()
    os._exit(main(arguments(folder)))


def finish(folder: Path) -> None:
    """Train to the end, from wherever the folder stands."""
    _, status = os.waitpid(start(folder), 0)
    if status:
        raise SystemExit(f"training ended with {status}: {folder.with_suffix('.log').read_text()}")


def kill_at_random(folder: Path, seed: int, kills: int) -> dict[str, object]:
    """Trainings killed and resumed until each ends by itself, and ``kills`` have been given."""
    began = time.monotonic()
    finish(folder / "whole")
    most, dice, cut = time.monotonic() - began, random.Random(seed), []
    given = 0
    while given < kills:
        cut.append(folder / f"cut-{len(cut)}")
        while True:
            child = start(cut[-1])
            time.sleep(dice.uniform(0.02, 0.9 * most))
            os.kill(child, signal.SIGKILL)
            if os.waitpid(child, 0)[1] != signal.SIGKILL:
                break  # it had ended before
            given += 1
            if given >= kills:
                finish(cut[-1])
                break
    return {"kills": given, "cut": [p.name for p in cut]}


def kill_at_places(folder: Path) -> dict[str, object]:
    """One training for each place, killed there once and resumed."""
    finish(folder / "whole")
    cut = {}
    for number, (name, (owner, called, which)) in enumerate(PLACES.items()):

        def deadly(owner=owner, called=called, which=which) -> None:
            usual, left = getattr(owner, called), [which]

            def last(*given, **named):
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return usual(*given, **named)

            setattr(owner, called, last)

        path = folder / f"cut-{number}"
        status = os.waitpid(start(path, deadly), 0)[1]
        cut[name] = {"folder": path.name, "killed": status == signal.SIGKILL}
        finish(path)
    return cut


if __name__ == "__main__":
    where, kind, *numbers = sys.argv[1:]
    told = (
        kill_at_random(Path(where), *map(int, numbers))
        if kind == "random"
        else kill_at_places(Path(where))
    )
    sys.stdout.write(json.dumps(told))
