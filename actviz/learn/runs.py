"""The folder of one training: what was asked, with which code, and what came of every epoch.

recipe.json  environment.json  metrics.csv  last.ckpt  best.safetensors  best.json  tensorboard/
"""

from __future__ import annotations

import csv
import json
import platform
import shlex
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from actviz.errors import ActvizError
from actviz.learn.durable import flush_to_disk
from actviz.learn.recipes import RECIPES, Recipe

__all__ = ["DataPlace", "RunFolder", "command_of", "git_commit"]

_PACKAGES = ("actviz", "torch", "torchvision", "lightning", "numpy", "av", "opencv-python-headless")
_TRAINS = ("models", "actviz/learn", "actviz/datasets", "actviz/clip/sampling.py")
_ROOT = Path(__file__).resolve().parents[2]
_FREE = ("workers", "save_every", "device", "devices", "nodes", "summary", "ours")  # may change


@dataclass(frozen=True)
class DataPlace:
    """Where the clips are; both None for puppets, which are made here."""

    root: Path | None = None
    prepared: Path | None = None

    def options(self) -> str:
        """As the command line takes it."""
        said = "" if self.root is None else f" --data {shlex.quote(str(self.root))}"
        if self.prepared is not None:
            said += f" --prepared {shlex.quote(str(self.prepared))}"
        return said


class RunFolder:
    """Paths of a run, and what is written into it by hand."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.last = self.folder / "last.ckpt"
        self.best = self.folder / "best.safetensors"
        self.metrics = self.folder / "metrics.csv"
        self.environment = self.folder / "environment.json"
        self.curves = self.folder / "tensorboard"

    def check(self, recipe: Recipe, *, resume: bool) -> None:
        """Refuse what would spoil another run.

        Raises:
            ActvizError: the folder holds a run already and ``resume`` is not asked for, or one of
                another recipe; or it is no folder.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise ActvizError(f"{self.folder}: expected a folder for the run; this is a file.")
        made = [p for p in (self.last, self.best, self.metrics) if p.exists()]
        made += self.folder.glob("seed-*/last.ckpt")
        if made and not resume:
            raise ActvizError(
                f"{self.folder} holds a run already; continue it with --resume, or name another "
                "folder with --out."
            )
        asked = self.folder / "recipe.json"
        if made and asked.is_file():
            _check_same(_read_json(asked), recipe, self.folder)

    def to_resume(self) -> Path | None:
        """What an interrupted training goes on from; None where it had kept nothing yet.

        Raises:
            ActvizError: the file is damaged.
        """
        if not self.last.is_file():
            return None
        if self.last.is_file() and not zipfile.is_zipfile(self.last):
            raise ActvizError(
                f"{self.last} is damaged and cannot be gone on from; take a copy of it that is "
                "whole, or start another folder with --out."
            )
        return self.last

    def begin(self, recipe: Recipe, place: DataPlace) -> None:
        """Write what is asked and with what; leftovers of a killed run go."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ActvizError(
                f"{self.folder}: the run's folder cannot be made ({error.strerror}); name another "
                "with --out."
            ) from error
        for left in self.folder.glob("*.part"):
            left.unlink(missing_ok=True)
        earlier = _read_json(self.environment) if self.environment.is_file() else {}
        sessions = [*earlier.pop("earlier", []), earlier] if earlier else []
        _write_whole(self.folder / "recipe.json", recipe.to_dict())
        now = _environment(recipe, place)
        if self.last.is_file() and sessions:
            now["earlier"] = sessions  # what the parts before --resume ran with
        _write_whole(self.environment, now)

    def note(self, **facts: Any) -> None:
        """Add facts to ``environment.json``."""
        _write_whole(self.environment, _read_json(self.environment) | facts)

    def skipped(self) -> dict[str, str]:
        """Clips that could not be read, and why."""
        told = _read_json(self.environment) if self.environment.is_file() else {}
        return dict(told.get("skipped", {}))

    def add_row(self, row: Mapping[str, Any]) -> None:
        """One epoch's figures to ``metrics.csv``; rows of this epoch and later ones give way."""
        rows = []
        if self.metrics.is_file():
            with self.metrics.open(newline="") as file:
                rows = [r for r in csv.DictReader(file) if int(r["epoch"]) < int(row["epoch"])]
        rows.append({k: _short(v) for k, v in row.items()})
        names = list(dict.fromkeys(name for r in rows for name in r))
        fresh = self.metrics.with_name("metrics.csv.part")
        with fresh.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        flush_to_disk(fresh, self.metrics)


def git_commit() -> str:
    """The commit this code is at, "-dirty" where what trains differs from it; "" without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain", "--", *_TRAINS) else commit
    except (OSError, subprocess.CalledProcessError):
        return ""


def command_of(recipe: Recipe, place: DataPlace | None = None) -> str:
    """The command that makes this run again."""
    usual = RECIPES[recipe.name].to_dict()
    changed = {k: v for k, v in recipe.to_dict().items() if v != usual[k]}
    settings = "".join(
        f" --set {shlex.quote(f'{k}={v if isinstance(v, str) else json.dumps(v)}')}"
        for k, v in changed.items()
    )
    return f"actviz train {recipe.name}{place.options() if place else ''}{settings}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _environment(recipe: Recipe, place: DataPlace) -> dict[str, Any]:
    return {
        "command": command_of(recipe, place),
        "commit": git_commit(),
        "data_root": None if place.root is None else str(place.root.resolve()),
        "prepared": None if place.prepared is None else str(place.prepared.resolve()),
        "seeds": list(range(recipe.seed, recipe.seed + recipe.repeats)),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "packages": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _check_same(stored: dict[str, Any], recipe: Recipe, folder: Path) -> None:
    now = json.loads(json.dumps(recipe.to_dict()))
    # Recipes gain fields; a run begun before one was there did what its default says.
    later = {f.name: f.default for f in fields(recipe) if f.default is not MISSING}
    stored = json.loads(json.dumps(later)) | stored
    differ = sorted(
        k for k in now.keys() | stored.keys() if k not in _FREE and now.get(k) != stored.get(k)
    )
    if differ:
        told = "; ".join(f"{k} was {stored.get(k)!r}, is {now.get(k)!r}" for k in differ)
        raise ActvizError(
            f"{folder}: a run is resumed with the recipe it began with; here {told}. Resume it "
            "unchanged, or start another folder."
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ActvizError(f"{path}: cannot be read ({error}); start another folder.") from error
    return values if isinstance(values, dict) else {}


def _write_whole(path: Path, values: Mapping[str, Any]) -> None:
    fresh = path.with_name(path.name + ".part")
    fresh.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    flush_to_disk(fresh, path)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
