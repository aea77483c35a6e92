"""What TMNet's tables share: rows that are trainings, their branches, how they were measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, Verdict, above, judge
from actviz.experiments.mam.places import find_data
from actviz.experiments.statistics import Measured
from actviz.experiments.tmnet.grid import BRANCHES, MEASURES, PLACES, TOGETHER, Row, Runs, train
from actviz.experiments.tmnet.published import NOTES, Triple, slips

__all__ = [
    "FUSED",
    "PAPER_SEEDS",
    "SEEDS",
    "TOP",
    "VISIBLE",
    "Figures",
    "Key",
    "by_branch",
    "chance",
    "fusion",
    "how",
    "known",
    "runs_of",
    "shares",
    "twice",
    "where_visible",
]

SEEDS = 3
PAPER_SEEDS = 1
FUSED, TOP = "RB+CB", "acc@1"
VISIBLE = "acc@1, action visible"
_ALL = "acc@1, 9 glances"
Key = tuple[str, ...]
Figures = dict[Key, Measured]
Claims = Callable[[tuple[str, ...]], list[Claim]]  # of the rows that are trained
_SMALLER = (
    "Puppets, a smaller grid than the paper's: TMNet-2D on a narrow ResNet-18 at 112 pixels, begun "
    "from the frame CNN of puppets-tsn; 1,200 clips to train on, each seen four times in batches "
    "of 16, 8 frames where the paper has 16; the last epoch, nothing chosen; bfloat16. Tested on "
    "600 clips, 50 of each of 12 actions, so that mean class accuracy is the same number as acc@1."
)
_SPREAD = (
    "Mean ± standard deviation over seeds, which change the new layers' start, the order of "
    "clips and the frames that are drawn; the frame CNN that all begin from is one."
)
_GLANCE = (
    "One glance: the frame at the centre of the clip, its centre crop; 9 glances: the mean of the "
    "logits of nine evenly spread frames, each looked at alone."
)
_TWICE = (
    "UCF101's clips are cut to their action, puppets' are not: it is visible in {shares}. "
    "So each claim is judged twice: at the centre, or where it names a third there; and over all "
    "glances, or all of that third, at which the action is visible."
)
_FEWER = "Fewer clips than the grid has (--clips): a trial, not the table."
_AT = {
    "centre": "at the centre",
    "anywhere": "anywhere",
    **{third: f"in the {third} third" for third in ("begin", "middle", "end")},
}


def fusion(row: str, source: str) -> list[Claim]:
    """Both branches together are above either."""
    return [
        above(
            f"both together are above {b} alone ({row})",
            (row, FUSED),
            (row, b),
            source=source,
            same_trainings=True,
        )
        for b in ("RB", "CB")
    ]


def by_branch(
    ask: Ask,
    name: str,
    title: str,
    rows: Mapping[str, Row],
    published: Mapping[str, Mapping[str, Triple | None]],
    shown: list[str],
    claims: Claims,
    notes: list[str],
) -> Result:
    """A table whose rows are trainings, each with its branches at one glance."""
    runs = runs_of(rows, ask)
    figures = _figures(runs, tuple(rows))
    lines = []
    for row in shown:
        for branch, printed in published[row].items():
            ours = _ours(runs, row, branch) if (row, branch) in figures else {}
            told = dict(zip(MEASURES, printed, strict=True)) if printed else {}
            lines.append(Line(f"{row}, {branch}", told, ours, group=row))
    names = dict.fromkeys(name for line in lines for name in line.ours)
    table = Table(
        name=name,
        title=title,
        columns=tuple(map(Column, names)),
        lines=tuple(lines),
        published=MEASURES if any(line.published for line in lines) else (),
        verdicts=twice(claims(tuple(rows)), figures),
        chance=chance(ask, list(names)),
        measured=(*how(ask), _GLANCE, *shares(runs, ("centre", "anywhere"))),
        notes=(*notes, NOTES["D2"], slips()),
    )
    return Result((table,), seeds=runs.seeds, trainings=tuple(runs.facts()))


def _figures(runs: Runs, rows: tuple[str, ...]) -> Figures:
    """(row, branch): acc@1 at the centre; (row, branch, VISIBLE): where the action is visible."""
    found: dict[Key, Measured | None] = {}
    for row in rows:
        for branch in BRANCHES:
            found[row, branch] = runs.figure(row, branch)
            if runs.evidence is not None:
                place = runs.figure(row, branch, place="anywhere", visible=True)
                found[row, branch, VISIBLE] = place
    return {key: figure for key, figure in found.items() if figure is not None}


def _ours(runs: Runs, row: str, branch: str) -> dict[str, Measured]:
    ours = {m: known(runs.figure(row, branch, m)) for m in MEASURES}
    if runs.evidence is not None:
        ours[VISIBLE] = known(runs.figure(row, branch, place="anywhere", visible=True))
    return ours | {_ALL: known(runs.figure(row, branch, TOP, TOGETHER))}


def twice(claims: list[Claim], figures: Figures) -> tuple[Verdict, ...]:
    """Each claim judged as it is and, where that is known, where the action is visible."""
    known_there = any(VISIBLE in key for key in figures)
    every = [*claims, *(map(where_visible, claims) if known_there else ())]
    return tuple(judge(claim, figures) for claim in every)


def where_visible(claim: Claim) -> Claim:
    """The same claim of the glances at which the action is visible."""

    def there(key: Any) -> Key:
        return (*key, VISIBLE)

    return replace(
        claim,
        words=f"{claim.words}; action visible",
        terms={there(key): weight for key, weight in claim.terms.items()},
        rivals=tuple(map(there, claim.rivals)),
    )


def shares(runs: Runs, places: tuple[str, ...]) -> tuple[str, ...]:
    """Which share of the glances shows the action, where that is known, in a sentence."""
    if runs.evidence is None:
        return ()
    shown = runs.evidence
    told = [f"{shown[:, PLACES[p]].mean():.0%} of the glances {_AT[p]}" for p in places]
    return (_TWICE.format(shares=", ".join(told)),)


def known(figure: Measured | None) -> Measured:
    assert figure is not None
    return figure


def runs_of(rows: Mapping[str, Row], ask: Ask) -> Runs:
    """The trainings; at paper scale on UCF101's first split (D1)."""
    if ask.scale == "puppets":
        return train(rows, ask, seeds=SEEDS)
    root = find_data(ask.data, need="ucf101")["ucf101"]
    return train(rows, ask, seeds=PAPER_SEEDS, data="ucf101", root=root, protocols=("split1",))


def chance(ask: Ask, columns: list[str], classes: int = 101) -> dict[str, float]:
    """What guessing gets where classes have equally many clips."""
    one = 1 / (len(ACTIONS) if ask.scale == "puppets" else classes)
    return {c: 5 * one if c.startswith("acc@5") else one for c in columns}


def how(ask: Ask) -> tuple[str, ...]:
    """How ours was obtained."""
    if ask.scale == "puppets":
        return (_SMALLER, _SPREAD, *((_FEWER,) if ask.clips else ()))
    return ("UCF101's first split (D1), ResNet-18 from ImageNet. Mean over seeds.",)
