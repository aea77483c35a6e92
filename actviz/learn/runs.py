"""The folder of one training: what was asked, with which code, and what came of every epoch.

recipe.json  environment.json  metrics.csv  last.ckpt  best.safetensors  best.json
"""

from __future__ import annotations

import csv
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from actviz.errors import ActvizError
from actviz.learn.recipes import RECIPES, Recipe

__all__ = ["RunFolder", "command_of", "git_commit"]

_PACKAGES = ("actviz", "torch", "torchvision", "lightning", "numpy")
_TRAINS = ("models", "actviz/learn", "actviz/datasets", "actviz/clip/sampling.py")
_ROOT = Path(__file__).resolve().parents[2]


class RunFolder:
    """Paths of a run, and what is written into it by hand.

    Raises:
        ActvizError: the folder holds a run already and ``resume`` is not asked for, or holds one
            of another recipe.
    """

    def __init__(self, folder: str | Path, recipe: Recipe, *, resume: bool) -> None:
        self.folder = Path(folder)
        self.last = self.folder / "last.ckpt"
        self.best = self.folder / "best.safetensors"
        self.metrics = self.folder / "metrics.csv"
        asked = self.folder / "recipe.json"
        if asked.is_file():
            if not resume:
                raise ActvizError(
                    f"{folder} holds a run already; continue it with --resume, or name another "
                    "folder with --out."
                )
            _check_same(json.loads(asked.read_text()), recipe, self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        _write_whole(asked, json.dumps(recipe.to_dict(), indent=1) + "\n")
        _write_whole(
            self.folder / "environment.json", json.dumps(_environment(recipe), indent=1) + "\n"
        )

    def add_row(self, row: Mapping[str, Any]) -> None:
        """One epoch's figures to ``metrics.csv``; rows of this epoch and later ones give way."""
        rows = []
        if self.metrics.is_file():
            with self.metrics.open(newline="") as file:
                rows = [r for r in csv.DictReader(file) if int(r["epoch"]) < int(row["epoch"])]
        rows.append({k: _short(v) for k, v in row.items()})
        names = list(dict.fromkeys(name for r in rows for name in r))
        fresh = self.metrics.with_suffix(".part")
        with fresh.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        fresh.replace(self.metrics)


def git_commit() -> str:
    """The commit this code is at, "-dirty" where what trains differs from it; "" without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain", "--", *_TRAINS) else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def command_of(recipe: Recipe) -> str:
    """The command that makes this run again."""
    usual = RECIPES[recipe.name].to_dict()
    changed = {k: v for k, v in recipe.to_dict().items() if v != usual[k]}
    settings = "".join(
        f" --set {k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in changed.items()
    )
    return f"actviz train {recipe.name}{settings}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _environment(recipe: Recipe) -> dict[str, Any]:
    return {
        "command": command_of(recipe),
        "commit": git_commit(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


def _check_same(stored: dict[str, Any], recipe: Recipe, folder: Path) -> None:
    now = json.loads(json.dumps(recipe.to_dict()))
    differ = sorted(k for k in now.keys() | stored.keys() if now.get(k) != stored.get(k))
    if differ:
        told = "; ".join(f"{k} was {stored.get(k)!r}, is {now.get(k)!r}" for k in differ)
        raise ActvizError(
            f"{folder}: a run is resumed with the recipe it began with; here {told}. Resume it "
            "unchanged, or start another folder."
        )


def _write_whole(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".part")
    fresh.write_text(text)
    fresh.replace(path)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
