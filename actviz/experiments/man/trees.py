"""Trainings in nested dicts, done together and read back in the same places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actviz.experiments.base import Ask
from actviz.experiments.keeping import Answers, Wanted
from actviz.experiments.trainings import train_all
from actviz.progress import StageProgress

__all__ = ["facts_of", "train_tree"]


def train_tree(ask: Ask, wanted: Mapping[Any, Any], words: str = "") -> Any:
    """Answers in place of every ``Wanted`` in nested dicts; the first seed of all comes first."""
    flat = _flattened(wanted)
    order = sorted(flat, key=lambda place: flat[place].settings["seed"])
    told = _telling(ask.progress, words) if ask.progress and words else ask.progress
    done = train_all([flat[p] for p in order], jobs=ask.jobs, fresh=ask.fresh, progress=told)
    return _filled(wanted, dict(zip(order, done, strict=True)))


def facts_of(tree: Mapping[Any, Any], *names: str) -> list[dict[str, Any]]:
    """Each training's facts and accuracy; ``names`` say what the keys of each level are."""
    return [
        {**dict(zip(names, place, strict=False)), **one.facts}
        | {"test_top1": round(float(one.right.mean()), 6)}
        for place, one in _flattened(tree).items()
    ]


def _telling(progress: StageProgress, words: str) -> StageProgress:
    return lambda stage, done, total: progress(f"{stage} ({words})", done, total)


def _flattened(tree: Any, place: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    if not isinstance(tree, Mapping):
        return {place: tree}
    return {k: v for key, part in tree.items() for k, v in _flattened(part, (*place, key)).items()}


def _filled(tree: Any, found: Mapping[Any, Answers], place: tuple[Any, ...] = ()) -> Any:
    if isinstance(tree, Wanted):
        return found[place]
    return {key: _filled(part, found, (*place, key)) for key, part in tree.items()}
