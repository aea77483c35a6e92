"""What an experiment is, how it is asked for, and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from actviz.errors import ActvizError
from actviz.experiments.claims import Verdict
from actviz.experiments.statistics import Measured
from actviz.progress import Progress, StageProgress, one_stage

__all__ = ["SCALES", "Ask", "Column", "Experiment", "Line", "Result", "Table"]

SCALES = ("puppets", "paper")
Unit = Literal["%", "0-1", "items", "s"]


@dataclass(frozen=True)
class Ask:
    """How an experiment is to be run."""

    scale: str = "puppets"  # of SCALES
    seeds: int = 0  # trainings of each kind; 0: as many as the experiment usually has
    clips: int = 0  # of each part of the data, at most; 0: as the experiment has it
    data: Path | None = None  # real data, or videos
    jobs: int = 1  # trainings at once
    fresh: bool = False  # train again what the cache has
    wide: bool = False  # large networks too, which want a GPU
    progress: StageProgress | None = None

    def telling(self, words: str) -> Progress:
        """What tells ``progress`` of one stage of the work."""
        return one_stage(self.progress, words)


@dataclass(frozen=True)
class Experiment:
    """A question, and the function that answers it."""

    name: str
    question: str
    run: Callable[[Ask], Result]
    takes: tuple[str, ...] = ("scale", "seeds", "clips", "data", "jobs", "fresh")  # of Ask
    real: bool = False  # on real data alone, at the paper's scale

    def __call__(self, ask: Ask | None = None) -> Result:
        """Run it.

        Raises:
            ActvizError: an option that it does not take or that makes no sense.
        """
        ask = ask or Ask()
        if ask.scale not in SCALES:
            raise ActvizError(f"--scale must be one of {', '.join(SCALES)}; got {ask.scale!r}.")
        for name in ("seeds", "clips"):
            if getattr(ask, name) < 0:
                raise ActvizError(f"--{name} must be at least 1; got {getattr(ask, name)}.")
        if ask.jobs < 1:
            raise ActvizError(f"--jobs must be at least 1; got {ask.jobs}.")
        for name in ("scale", "seeds", "data", "fresh", "wide"):
            if name not in self.takes and getattr(ask, name) != getattr(Ask(), name):
                raise ActvizError(
                    f"{self.name} has no use for --{name}; leave it out. It takes: "
                    f"{', '.join(f'--{t}' for t in self.takes)}."
                )
        if ask.scale == "puppets" and ask.data is not None and "scale" in self.takes:
            raise ActvizError(
                f"puppets are made here; leave --data {ask.data} out, or train on it with "
                "--scale paper."
            )
        return self.run(ask)


@dataclass(frozen=True)
class Column:
    """One column of figures."""

    name: str
    unit: Unit = "%"

    @property
    def scale(self) -> float:
        """What a share is multiplied by."""
        return 100.0 if self.unit == "%" else 1.0

    @property
    def digits(self) -> int:
        return {"%": 1, "0-1": 3, "items": 1, "s": 1}[self.unit]


@dataclass(frozen=True)
class Line:
    """One row: what the paper printed, and what was measured here."""

    name: str
    published: Mapping[str, float | None] = field(default_factory=dict)  # column -> as printed
    ours: Mapping[str, Measured] = field(default_factory=dict)  # column -> shares or numbers
    note: str = ""
    group: str = ""  # rows that belong together


@dataclass(frozen=True)
class Table:
    """A table, what it claims and what is to be said of it."""

    name: str  # of its files
    title: str
    columns: tuple[Column, ...]  # of ours
    lines: tuple[Line, ...]
    published: tuple[str, ...] = ()  # the paper's columns
    verdicts: tuple[Verdict, ...] = ()
    chance: Mapping[str, float] = field(default_factory=dict)  # column -> what guessing gets, share
    measured: tuple[str, ...] = ()  # how ours was obtained, a sentence each
    notes: tuple[str, ...] = ()  # slips of the paper and the like, a sentence each


@dataclass(frozen=True)
class Result:
    """What came of an experiment."""

    tables: tuple[Table, ...]
    seeds: tuple[int, ...] = ()
    trainings: tuple[Mapping[str, Any], ...] = ()  # facts of each, with its figures
    figures: Mapping[str, Any] = field(default_factory=dict)  # file name -> matplotlib figure
    more: Mapping[str, Any] = field(default_factory=dict)  # JSON: what no table holds


def usual_jobs() -> int:
    """As many trainings at once as there are cores, at most eight."""
    return min(os.cpu_count() or 1, 8)
