"""How well does MAN stand disturbances of time, with its memory and without?

The abstract's motive: a temporal recalibration "to alleviate such complex variations". Networks
that ``man/utkinect`` and ``man/puppets`` trained on undisturbed clips are asked about test clips
that are disturbed (``disturb``); nothing is trained for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, judge, more
from actviz.experiments.keeping import Wanted
from actviz.experiments.man.asked import as_it_is, ask_anew
from actviz.experiments.man.disturb import DISTURBANCES, Disturbance
from actviz.experiments.man.puppet_runs import ROWS, how, on_puppets
from actviz.experiments.man.recordings import (
    BOTH,
    CHOSEN,
    MAN,
    STCM,
    Recordings,
    candidates,
    chosen_of,
    open_recordings,
    trainings_of,
)
from actviz.experiments.man.trees import facts_of, train_tree
from actviz.experiments.statistics import Measured

__all__ = ["over_time"]

SEEDS = 3
UNDISTURBED = "undisturbed"
_WHAT = (
    "Other pace: the clip in so many times its own frames. Time warped: the pace goes once up and "
    "down between 1 - d and 1 + d, within the clip. Frames dropped: lost one by one, the rest "
    "follow one another. Nobody seen: one stretch of the clip in which the body is absent, rows of "
    "zeros in MAN's image. Noise: of every coordinate of every joint in every frame. Joints "
    "occluded: never seen in the whole clip, and put where a neighbour is, as this kit reads a "
    "file that lacks them. Shorter clip: a stretch of it, picked by chance.",
    "What chance picks follows from the clip: all networks are asked about the very same clips. "
    "Nothing was trained on clips so disturbed, beyond the recipes' own variations.",
)
Figures = dict[tuple[str, str], Measured]  # row, column
Wants = Mapping[str, Mapping[Any, Wanted]]  # column -> seed, or seed and fold -> training


def over_time(ask: Ask) -> Result:
    """On puppets and, where its data is given, on UT-Kinect."""
    seeds = tuple(range(ask.seeds or SEEDS))
    wanted = {n: on_puppets(ROWS[n], ask, seeds) for n in (MAN, STCM)}
    facts = facts_of(train_tree(ask, wanted), "row")
    parts = [_Part("puppets", "puppet skeletons", wanted, (how(ask),), 1 / len(ACTIONS))]
    if ask.data is not None:
        data = open_recordings(ask.data, need="man/time")
        folds = _utkinect(ask, data, seeds)
        facts += facts_of(train_tree(ask, folds), "row")
        parts.append(_Part("utkinect", "UT-Kinect", folds, (_on_utkinect(data),), 0.1))
    done = [part.run(ask) for part in parts]
    figures = {k: v for _, drawn in done for k, v in drawn.items()}
    return Result(tuple(t for t, _ in done), seeds, tuple(facts), figures=figures)


def _utkinect(ask: Ask, data: Recordings, seeds: Sequence[int]) -> dict[str, Any]:
    """The trainings of ``man/utkinect`` on all folds, as published and by the recipe chosen."""
    chosen = chosen_of(train_tree(ask, candidates(data), "candidates"))
    rows = {n: trainings_of(r, data.folds, data, seeds) for n, r in BOTH.items()}
    return rows | {
        CHOSEN.format(n): trainings_of(r, data.folds, data, seeds, chosen=chosen[n])
        for n, r in BOTH.items()
    }


def _on_utkinect(data: Recordings) -> str:
    return (
        f"UT-Kinect: the networks of man/utkinect; {data.sequences} sequences of "
        f"{len(data.recordings)} recordings, each asked of the networks that were trained without "
        "its recording. As published: no variations in training; recipe chosen: see there."
    )


class _Part:
    """One data set's networks, asked in every way."""

    def __init__(
        self, name: str, title: str, wanted: Wants, how_trained: tuple[str, ...], chance: float
    ) -> None:
        self.name, self.title, self.wanted = name, title, wanted
        self.how_trained, self.chance = how_trained, chance

    def run(self, ask: Ask) -> tuple[Table, dict[str, Any]]:
        """The table, and its figures by file name."""
        figures = self._ask(ask)
        columns = list(self.wanted)
        table = Table(
            name=f"time-{self.name}",
            title=f"MAN with and without its memory on disturbed clips: {self.title}",
            columns=tuple(map(Column, columns)),
            lines=tuple(
                Line(row, ours={c: figures[row, c] for c in columns}, group=group)
                for row, group in _rows()
            ),
            verdicts=tuple(judge(claim, figures) for claim in _claims(columns)),
            chance=dict.fromkeys(columns, self.chance),
            measured=(*self.how_trained, *_WHAT, "Mean ± standard deviation over seeds."),
        )
        return table, self._drawn(figures)

    def _ask(self, ask: Ask) -> Figures:
        changes = {UNDISTURBED: as_it_is} | {
            _row(d, level): d.at(level)
            for d in DISTURBANCES
            for level in d.levels
            if _real(d, level)
        }
        total, done = sum(map(len, self.wanted.values())), 0
        tell, found = ask.telling(f"asking the networks ({self.title})"), Figures()
        for column, row in self.wanted.items():
            rights: dict[str, dict[int, list[Any]]] = {}
            for place, one in row.items():  # of each seed, folds in order
                seed = place[0] if isinstance(place, tuple) else place
                for change, asked in ask_anew(one, changes).items():
                    rights.setdefault(change, {}).setdefault(seed, []).append(asked.right)
                done += 1
                tell(done, total)
            for change, by_seed in rights.items():
                stacked = np.stack([np.concatenate(some) for some in by_seed.values()])
                found[change, column] = Measured.of_right(stacked)
        return found

    def _drawn(self, figures: Figures) -> dict[str, Any]:
        """One figure of each way of training."""
        drawn = {}
        for form in ("{}", CHOSEN):
            pair = {name: form.format(name) for name in (MAN, STCM)}
            if all(column in self.wanted for column in pair.values()):
                suffix = "" if form == "{}" else "-recipe-chosen"
                said = self.title + ("" if form == "{}" else ", recipe chosen")
                picture = _draw(figures, pair, said, self.chance)
                drawn[f"time-{self.name}{suffix}.png"] = picture
        return drawn


def _real(kind: Disturbance, level: float) -> bool:
    return level != kind.neutral


def _row(kind: Disturbance, level: float) -> str:
    if not _real(kind, level):
        return UNDISTURBED
    return f"{kind.name}, {level:g} ({kind.x_name})"


def _rows() -> list[tuple[str, str]]:
    """Every row with its group."""
    rows = [(_row(d, v), d.name) for d in DISTURBANCES for v in d.levels if _real(d, v)]
    return [(UNDISTURBED, ""), *rows]


def _claims(columns: Sequence[str]) -> list[Claim]:
    said: list[Claim] = []
    for form in ("{}", CHOSEN):
        man, stcm = form.format(MAN), form.format(STCM)
        if man not in columns:
            continue
        by = "" if form == "{}" else ", recipe chosen"
        calm = ((UNDISTURBED, man), (UNDISTURBED, stcm))
        said.append(above(f"MAN is above STCM alone, undisturbed{by}", *calm, source="abstract"))
        for kind in DISTURBANCES:
            for level in kind.worst:
                row = _row(kind, level)
                pair = ((row, man), (row, stcm))
                said.append(
                    above(f"MAN is above STCM alone: {row}{by}", *pair, source="abstract, motive")
                )
                words = f"MAN loses less by it than STCM alone: {row}{by}"
                lead = more(words, pair, calm, source="abstract, motive")
                said.append(replace(lead, same_trainings=True))
    return said


def _draw(figures: Figures, pair: Mapping[str, str], title: str, chance: float) -> Any:
    from actviz.views import Panel, panels_figure

    panels = [
        Panel(
            kind.name,
            kind.x_name,
            kind.levels,
            {
                name: [figures[_row(kind, v), column].values for v in kind.levels]
                for name, column in pair.items()
            },
            neutral=kind.neutral,
        )
        for kind in DISTURBANCES
    ]
    seeds = len(figures[UNDISTURBED, next(iter(pair.values()))].values)
    return panels_figure(
        panels,
        title=f"Robustness to time: {title}",
        chance=chance,
        note=f"Accuracy on disturbed test clips; {seeds} seed{'s' * (seeds > 1)}, each a small "
        "mark, lines join their means. Ring: undisturbed. Dotted: chance.",
    )
