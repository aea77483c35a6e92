"""MAN beside its halves and its rivals on puppet skeletons: accuracy, hips alone, order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import Layout
from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, best, judge, over
from actviz.experiments.man.asked import Asked, Change, Clip, as_it_is, ask_anew
from actviz.experiments.man.puppet_runs import ROWS, how, on_puppets
from actviz.experiments.man.recordings import MAN, STCM
from actviz.experiments.man.trees import facts_of, train_tree
from actviz.experiments.statistics import Measured
from actviz.experiments.time_order import PAIRS
from actviz.learn.data.augment import centre_on_hips

__all__ = ["on_all_roots", "puppets"]

SEEDS = 3
MIXED, HIPS = "as they come", "hips"
FORWARDS, BACKWARDS = "reversed pairs", "played backwards, partner"
COLUMNS = (MIXED, HIPS, FORWARDS, BACKWARDS)
_PARTNER = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
_MEASURED = (
    "As they come: six puppets in ten in camera metres, four centred on their hips in every "
    "frame, as pose from video has them. Hips: the same clips with every body so centred, so that"
    " paths and distances between people are gone. Reversed pairs: the clips of sit down / stand "
    "up and pick up / put down, each the other's motion reversed; played backwards, the partner "
    "is right (between the two a guess gets 50 %). Mean ± standard deviation over seeds.",
)
_NO_FIGURE = "No published figure on puppets: they are ours. That memory helps is the abstract's."
Figures = dict[tuple[str, str], Measured]  # row, column


def puppets(ask: Ask) -> Result:
    """Every training that the cache has not, then each network asked in every way."""
    seeds = tuple(range(ask.seeds or SEEDS))
    wanted = {name: on_puppets(recipe, ask, seeds) for name, recipe in ROWS.items()}
    trained = train_tree(ask, wanted)
    tell, figures = ask.telling("asking the networks"), Figures()
    for number, (name, row) in enumerate(wanted.items()):
        tell(number, len(wanted))
        found = [ask_anew(one, _CHANGES) for one in row.values()]
        figures |= {(name, c): f for c, f in on_all_roots(found).items()}
    tell(len(wanted), len(wanted))
    table = Table(
        name="puppets",
        title="Puppet skeletons: MAN, its halves alone, and rivals",
        columns=tuple(map(Column, COLUMNS)),
        lines=tuple(Line(name, ours={c: figures[name, c] for c in COLUMNS}) for name in wanted),
        verdicts=tuple(judge(claim, figures) for claim in _claims()),
        chance=dict.fromkeys(COLUMNS, 1 / len(ACTIONS)),
        measured=(how(ask), *_MEASURED),
        notes=(_NO_FIGURE,),
    )
    return Result((table,), seeds, tuple(facts_of(trained, "row")))


def _on_hips(clip: Clip, rng: np.random.Generator, layout: Layout) -> Clip:
    hips = (layout.roles["hip_left"], layout.roles["hip_right"])
    joints = centre_on_hips(clip[0], hips=hips)
    return np.where(clip[1][..., None, None], joints, 0), clip[1]


def _reversed(clip: Clip, rng: np.random.Generator, layout: Layout) -> Clip:
    return clip[0][::-1], clip[1][::-1]


_CHANGES: dict[str, Change] = {MIXED: as_it_is, HIPS: _on_hips, BACKWARDS: _reversed}


def on_all_roots(found: Sequence[Mapping[str, Asked]]) -> dict[str, Measured]:
    """Column -> figure, of each seed's answers to every change."""
    first = found[0][MIXED]
    paired = np.isin(first.labels, [first.classes.index(name) for name in _PARTNER])
    right = {c: np.stack([one[c].right for one in found]) for c in (MIXED, HIPS)}
    partner = np.stack([one[BACKWARDS].answers == _partners(one[BACKWARDS]) for one in found])
    return {
        **{c: Measured.of_right(r) for c, r in right.items()},
        FORWARDS: Measured.of_right(right[MIXED][:, paired], clips="pairs"),
        BACKWARDS: Measured.of_right(partner[:, paired], clips="pairs"),
    }


def _partners(asked: Asked) -> NDArray[np.int64]:
    """The class that is right of a clip played backwards (N,); its own where none is."""
    names = [_PARTNER.get(name, name) for name in asked.classes]
    return np.array([asked.classes.index(name) for name in names])[asked.labels]


def _claims() -> list[Claim]:
    rivals = [name for name in ROWS if name not in (MAN, STCM)]
    said = [
        above(f"memory helps: MAN is above STCM alone ({c})", (MAN, c), (STCM, c), source=source)
        for c, source in ((MIXED, "abstract"), (HIPS, "ours"), (FORWARDS, "ours"))
    ]
    said += [
        best(
            f"MAN is above TARM alone and every rival ({c})",
            (MAN, c),
            [(r, c) for r in rivals],
            source="ours",
        )
        for c in (MIXED, HIPS)
    ]
    said += [
        alike(
            f"{name} is as good where all are centred on the hips, to 3 points",
            (name, MIXED),
            (name, HIPS),
            near=0.03,
            source="ours",
            same_trainings=True,
        )
        for name in ROWS
    ]
    return [
        *said,
        over(
            "MAN knows the reversed clip for its partner, above a guess between the two",
            (MAN, BACKWARDS),
            0.5,
            source="ours",
        ),
    ]
