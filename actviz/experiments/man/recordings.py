"""UT-Kinect's recordings and folds, and the trainings on them that several experiments share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actviz.datasets.base import Dataset
from actviz.errors import ActvizError
from actviz.experiments.keeping import Answers, Wanted
from actviz.experiments.man.choosing import CANDIDATES, best_of, group_of, inner
from actviz.experiments.man.folds import FIVE, fold, folds_of

__all__ = [
    "BOTH",
    "CHOSEN",
    "MAN",
    "STCM",
    "Judged",
    "Recordings",
    "Runs",
    "candidates",
    "chosen_of",
    "open_recordings",
    "trainings_of",
]

MAN, STCM = "MAN", "STCM alone"
BOTH = {MAN: "utkinect/man", STCM: "utkinect/stcm"}
CHOSEN = "{}, recipe chosen"
Runs = dict[tuple[int, int], Wanted]  # (seed, fold)
Judged = Mapping[tuple[str, int, str], Any]  # model, group, candidate


@dataclass(frozen=True)
class Recordings:
    """UT-Kinect where it lies: its recordings, the folds' numbers, people in groups."""

    root: Path
    recordings: tuple[str, ...]
    folds: tuple[int, ...]
    groups: tuple[tuple[str, ...], ...]
    sequences: int

    @property
    def five(self) -> tuple[int, ...]:
        return tuple(n for n in FIVE if n in self.folds) or self.folds[:1]

    @property
    def five_in_words(self) -> str:
        """The recordings that the five folds leave out."""
        return ", ".join(self.recordings[n - 1] for n in self.five)


def open_recordings(root: Path | None, *, need: str) -> Recordings:
    """UT-Kinect at ``root``, for the experiment called ``need``.

    Raises:
        ActvizError: there is none, or of too few people.
    """
    from actviz.datasets import open_dataset
    from actviz.datasets.utkinect import people_in_groups

    if root is None:
        raise ActvizError(
            f"{need} needs --data, the folder of UT-Kinect's joints and labels: `actviz reproduce "
            f"{need} --data ROOT`."
        )
    data: Dataset = open_dataset("utkinect", root)
    recordings = tuple(sorted({sample.group or "" for sample in data.samples}))
    groups = people_in_groups(list(recordings))
    if len(groups) < 3:
        raise ActvizError(
            f"{root}: expected recordings of five people or more, so that a recipe can be chosen "
            f"without those tested on; found {', '.join(recordings)}."
        )
    return Recordings(
        root=root,
        recordings=recordings,
        folds=folds_of(data.protocols),
        groups=tuple(map(tuple, groups)),
        sequences=len(data.samples),
    )


def trainings_of(
    recipe: str,
    numbers: Sequence[int],
    data: Recordings,
    seeds: Sequence[int],
    *,
    chosen: Mapping[int, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Runs:
    """Of each seed and fold one training.

    Args:
        chosen: group -> the candidate that its folds are trained by; None: as published.
        settings: fields of the recipe, changed.
    """
    wanted: Runs = {}
    for seed in seeds:
        for number in numbers:
            group = group_of(number, data.recordings, data.groups)
            own = {} if chosen is None else CANDIDATES[chosen[group]]
            own = {**own, **(settings or {}), "seed": seed}
            wanted[seed, number] = fold(recipe, number, data.root, own)
    return wanted


def candidates(data: Recordings) -> dict[tuple[str, int, str], Wanted]:
    """The trainings by which a recipe is chosen: model, group, candidate."""
    return {
        (name, group, candidate): inner(recipe, candidate, group, data.root)
        for name, recipe in BOTH.items()
        for group in range(1, len(data.groups) + 1)
        for candidate in CANDIDATES
    }


def chosen_of(judged: Mapping[tuple[str, int, str], Answers]) -> dict[str, dict[int, str]]:
    """Model -> group -> the candidate that its folds are trained by."""
    found: dict[str, dict[int, str]] = {}
    for name, group, _ in judged:
        runs = {c: judged[name, group, c] for c in CANDIDATES}
        found.setdefault(name, {})[group] = best_of(runs)
    return found
