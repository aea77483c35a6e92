"""What MAM's Tables 1 to 4 share: their trainings, chance, and how ours was obtained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actviz.datasets.puppet_set import COARSE
from actviz.experiments.base import Ask, Result, Table
from actviz.experiments.mam.grid import Grid, make_grid, method
from actviz.experiments.mam.places import coarse_of, find_data
from actviz.experiments.statistics import Measured

__all__ = ["SEEDS", "Figures", "chance_of", "grid_of", "how", "result_of"]

SEEDS = 5
_PAPER_SEEDS = 1
_FROZEN = (
    "Puppets: 1,200 clips to train on, 240 to choose the epoch by, 600 to test on (50 of each of "
    "12 actions). All methods learn on the same frozen features; what differs between two seeds is "
    "the start of what is trained and the order of the clips. Mean ± standard deviation over seeds."
)
_FEWER = "Fewer clips than the recipes name (--clips): a trial, not the table."
Figures = dict[Any, Measured]


def grid_of(
    names: Sequence[str],
    ask: Ask,
    *,
    data: str = "ucf101",
    protocols: Sequence[str],
    streams: Sequence[str] = (),
) -> tuple[Grid, Mapping[str, Sequence[str]]]:
    """The trainings of ``names``, and the coarse groups of the data."""
    if ask.scale == "puppets":
        methods = [method(name) for name in names]
        return make_grid(methods, ask, seeds=SEEDS, streams=streams), COARSE
    root = find_data(ask.data, need=data)[data]
    methods = [method(name, data) for name in names]
    grid = make_grid(
        methods, ask, seeds=_PAPER_SEEDS, root=root, protocols=protocols, streams=streams
    )
    return grid, coarse_of(data, root)


def chance_of(grid: Grid, columns: Sequence[str]) -> dict[str, float]:
    """What guessing gets where classes have equally many clips."""
    classes = next(iter(grid.answers.values())).classes
    return dict.fromkeys(columns, 1 / len(classes))


def how(ask: Ask) -> tuple[str, ...]:
    """How ours was obtained, a sentence each."""
    if ask.scale == "puppets":
        return (_FROZEN, _FEWER) if ask.clips else (_FROZEN,)
    return ("Mean over seeds, and over the splits where there are several.",)


def result_of(table: Table, grid: Grid | Mapping[str, Grid]) -> Result:
    """The table with what its trainings say of themselves."""
    grids = list(grid.values()) if isinstance(grid, Mapping) else [grid]
    facts = tuple(fact for one in grids for fact in one.facts())
    return Result((table,), seeds=grids[0].seeds, trainings=facts)
