"""What names a training, and what is kept of it: answers to the test clips, figures, weights.

Kept are logits, labels, MAM's decisions and TMNet's answers to single glances, and the weights of
what was trained: of a frozen frame CNN's network the head alone. A file appears under its name only
once it is whole.

N clips · T frames · G glances · K classes
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actviz.experiments.cutting import Cut
from actviz.learn.data.cache import digest_of, learn_folder
from actviz.learn.durable import flush_to_disk
from actviz.learn.recipes import Recipe, get_recipe

if TYPE_CHECKING:
    from actviz.learn.tasks import Task

__all__ = [
    "CURVES",
    "GLANCES",
    "TESTED",
    "Answers",
    "Wanted",
    "alone",
    "fill",
    "keep_weights",
    "load",
    "place_of",
    "store",
    "test_key",
    "weights_of",
]

_SCHEMA = 1  # changes where the same settings would give other answers
_FREE = (
    "workers",
    "save_every",
    "device",
    "devices",
    "nodes",
    "summary",
    "ours",
    "repeats",
    "stored",
)
# Fields that recipes gained since, with the value that all had before: it names no new training.
_LATER: dict[str, Any] = {"level": "vector", "detach_target": True, "norm_momentum": None}
CURVES = ("written", "write_probability", "evidence")
GLANCES = ("glance_both", "glance_rb", "glance_cb")
_CNNS = ("backbone", "motion_backbone")
TESTED = ("threshold", "frames")  # fields of Wanted that only a second test knows
_TOLD = (*TESTED, "glances")


@dataclass(frozen=True)
class Wanted:
    """One training and how it is tested."""

    recipe: str
    settings: Mapping[str, Any] = field(default_factory=dict)  # fields of the recipe, changed
    cut: Cut | None = None  # puppets: clips cut anew
    root: Path | None = None
    prepared: Path | None = None
    # of the test alone, in place of what it was trained with:
    threshold: float | None = None  # MAM's
    frames: int | None = None  # T
    # TMNet and frame CNNs: look at so many frames, one by one; the training's own test
    glances: int | None = None

    @property
    def trained(self) -> Wanted:
        """The training itself, with the test that follows it."""
        return replace(self, threshold=None, frames=None)

    def filled(self) -> Recipe:
        """The recipe with its settings.

        Raises:
            ActvizError: no such recipe or field.
        """
        recipe = get_recipe(self.recipe, {**self.settings, "repeats": 1})
        return recipe if self.cut is None else replace(recipe, frames=self.cut.frames)

    def key(self) -> dict[str, Any]:
        """Everything that decides the weights."""
        recipe = self.filled().to_dict()
        starts = {k: _digest_of_weights(v) for k, v in recipe.items() if k.startswith("start_from")}
        return {
            "schema": _SCHEMA,
            "recipe": {k: v for k, v in recipe.items() if k not in _FREE and not _as_ever(k, v)},
            "starts": starts,
            "cut": None if self.cut is None else asdict(self.cut),
            "root": None if self.root is None else str(self.root.resolve()),
        }

    def to_json(self) -> dict[str, Any]:
        """For a process of its own."""
        paths = {k: None if v is None else str(v) for k, v in self._paths().items()}
        return {**{k: getattr(self, k) for k in ("recipe", *_TOLD)}, **paths} | {
            "settings": dict(self.settings),
            "cut": None if self.cut is None else asdict(self.cut),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Wanted:
        paths = {k: Path(told[k]) if told[k] else None for k in ("root", "prepared")}
        cut = None if told["cut"] is None else Cut(**told["cut"])
        return cls(**{**told, **paths, "cut": cut})

    def _paths(self) -> dict[str, Path | None]:
        return {"root": self.root, "prepared": self.prepared}


@dataclass(frozen=True)
class Answers:
    """What one training answered on the test clips."""

    keys: tuple[str, ...]  # (N,)
    labels: NDArray[np.int64]  # (N,)
    logits: NDArray[np.float32]  # (N, K)
    classes: tuple[str, ...]  # (K,)
    curves: Mapping[str, NDArray[Any]]  # MAM: written, write_probability (N, T); evidence (N, T)
    facts: Mapping[str, Any]  # recipe, settings, seed, commit, seconds, …
    # one glance at each of G frames, the middles of equal parts: "both", "rb", "cb" (N, G, K)
    glances: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,)"""
        return self.logits.argmax(1) == self.labels


def test_key(wanted: Wanted) -> dict[str, Any]:
    named = {k: getattr(wanted, k) for k in _TOLD}
    return wanted.key() | {k: v for k, v in named.items() if v is not None}


def place_of(wanted: Wanted) -> Path:
    folder = learn_folder() / "experiments"
    folder.mkdir(exist_ok=True)
    return folder / f"{digest_of(test_key(wanted))}.npz"


def weights_of(path: Path) -> Path:
    return path.with_suffix(".safetensors")


@lru_cache(maxsize=16)
def _digest_of_weights(start: str) -> str:
    from actviz.clip.downloads import sha256_of
    from actviz.learn.checkpoints import bundled

    if not start:
        return ""
    return sha256_of(Path(start) if Path(start).suffix else bundled(start))[:12]


def keep_weights(best: Path, task: Task, path: Path) -> None:
    """What was trained of ``best``."""
    from safetensors.torch import load_file, save_file

    frozen = _CNNS if getattr(task.recipe, "freeze_backbone", False) else ()
    state = {k: v for k, v in load_file(best).items() if k.split(".")[0] not in frozen}
    fresh = path.with_suffix(".part")
    save_file(state, fresh)
    flush_to_disk(fresh, path)


def fill(task: Task, path: Path) -> None:
    from safetensors.torch import load_file

    state = load_file(path)
    task.network.load_state_dict(task.network.state_dict() | state)


def store(path: Path, task: Task, found: dict[str, Any], facts: Mapping[str, Any]) -> None:
    told = {"facts": dict(facts), "keys": list(found.pop("keys")), "classes": list(task.classes)}
    arrays: dict[str, Any] = {"told": np.array(json.dumps(told)), **found}
    fresh = path.with_suffix(".part")
    with fresh.open("wb") as file:
        np.savez(file, **arrays)
    flush_to_disk(fresh, path)


def load(path: Path) -> Answers:
    with np.load(path) as file:
        told = json.loads(str(file["told"]))
        curves = {name: file[name] for name in CURVES if name in file}
        glances = {n.removeprefix("glance_"): file[n] for n in GLANCES if n in file}
        return Answers(
            keys=tuple(told["keys"]),
            labels=file["labels"],
            logits=file["logits"],
            classes=tuple(told["classes"]),
            curves=curves,
            facts=told["facts"],
            glances=glances,
        )


def _as_ever(field: str, value: Any) -> bool:
    return field in _LATER and _LATER[field] == value


@contextmanager
def alone(path: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this process alone works on ``path``; the lock goes with the process that has it."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system: two at once would do the work twice
        yield True
        return
    with path.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
        path.with_suffix(".lock").unlink(missing_ok=True)
