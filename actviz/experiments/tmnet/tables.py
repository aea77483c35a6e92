"""TMNet's Tables 1 to 4: the published figures, ours, and what the paper says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, best, judge, more
from actviz.experiments.mam.places import find_data
from actviz.experiments.statistics import Measured
from actviz.experiments.tmnet.grid import BRANCHES, MEASURES, TOGETHER, Row, Runs, train
from actviz.experiments.tmnet.published import (
    NOTES,
    TABLE1,
    TABLE2,
    TABLE3,
    TABLE4,
    Triple,
    slips,
)

__all__ = [
    "SEEDS",
    "Figures",
    "by_branch",
    "chance",
    "fusion",
    "how",
    "table1",
    "table2",
    "table3",
    "table4",
    "trained_rows",
]

SEEDS = 3
_PAPER_SEEDS = 1
_THIRDS = ("begin", "middle", "end")
_ALL = "acc@1, 9 glances"
_FUSED, _TOP = "RB+CB", "acc@1"
Key = tuple[str, ...]
Figures = dict[Key, Measured]
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
_FEWER = "Fewer clips than the grid has (--clips): a trial, not the table."


# ---- Table 1: frames in training -----------------------------------------------------------------


def table1(ask: Ask) -> Result:
    """How many frames CB learns from, against TSN with three."""
    rows = _lengths(ask)
    shown = list(TABLE1)
    notes = [NOTES[n] for n in ("tsn", "twice", "U3", "U9", "D4")]
    notes += [NOTES["U5"]] if ask.scale == "paper" else [NOTES["64"]]
    return by_branch(
        ask,
        "table1",
        "Frames in training, one glance at test",
        rows,
        TABLE1,
        shown,
        _claims1,
        notes,
    )


def _lengths(ask: Ask) -> dict[str, Row]:
    tsn = Row("tmnet-tsn", "tmnet-tsn", {"frames": 3})
    if ask.scale == "puppets":
        lengths = {f"{t} frame{'s' * (t > 1)}": t for t in (1, 8, 16, 32)}
        return {"TSN, 3 frames": tsn} | {n: Row(settings={"frames": t}) for n, t in lengths.items()}
    # spread over the clip (U5); 16 frames at once as in the other tables
    rows = {"TSN, 3 frames": Row("tmnet-tsn")}
    for t in (1, 8, 16, 32, 64):
        settings = {"frames": t, "sampling": "even", "accumulate": max(1, t // 16)}
        rows[f"{t} frame{'s' * (t > 1)}"] = Row(settings=settings)
    return rows


def _claims1(rows: tuple[str, ...]) -> list[Claim]:
    tsn, one = ("TSN, 3 frames", _FUSED), "1 frame"
    many = [row for row in rows if row.endswith("frames") and not row.startswith("TSN")]
    said = [
        above(f"RB+CB trained on {row} is above TSN", (row, _FUSED), tsn, source="text")
        for row in many
    ]
    said += [
        above(
            f"{many[0]} in training are better than 1, {b}", (many[0], b), (one, b), source="text"
        )
        for b in BRANCHES
    ]
    said += [
        above(
            f"{many[-1]} in training are better than {many[0].split()[0]}, {b}",
            (many[-1], b),
            (many[0], b),
            source="text",
        )
        for b in BRANCHES
    ]
    for row in many:
        said += fusion(row, "Table 1")
    said += [
        alike(
            f"RB comes within 2 points of CB ({row})",
            (row, "RB"),
            (row, "CB"),
            near=0.02,
            source="Table 1",
            same_trainings=True,
        )
        for row in many
    ]
    single = f"trained on {one}, both together are below CB alone"
    tsn_above = f"trained on {one}, RB+CB is below TSN"
    return [
        *said,
        above(single, (one, "CB"), (one, _FUSED), source="text, U9", same_trainings=True),
        above(tsn_above, tsn, (one, _FUSED), source="Table 1"),
    ]


def fusion(row: str, source: str) -> list[Claim]:
    """Both branches together are above either."""
    return [
        above(
            f"both together are above {b} alone ({row})",
            (row, _FUSED),
            (row, b),
            source=source,
            same_trainings=True,
        )
        for b in ("RB", "CB")
    ]


# ---- Table 2: depths -----------------------------------------------------------------------------


def table2(ask: Ask) -> Result:
    """How many stages are shared, how many each branch's own."""
    rows = {row: Row(settings={"base_stages": int(row[0])}) for row in TABLE2}
    notes = [NOTES[n] for n in ("U8", "U7", "D4")]
    title = "Stages of the base / of each branch"
    return by_branch(ask, "table2", title, rows, TABLE2, list(TABLE2), _claims2, notes)


def _claims2(rows: tuple[str, ...]) -> list[Claim]:
    def winner(row: str, branch: str, source: str) -> Claim:
        rivals = [(r, branch) for r in rows if r != row]
        return best(f"{row} is the best of {branch}", (row, branch), rivals, source=source)

    return [
        winner("3/1", _FUSED, "text"),
        winner("2/2", "RB", "text"),
        winner("3/1", "CB", "Table 2"),
        above(
            "one stage is too shallow for RB: 2/2 is above 3/1",
            ("2/2", "RB"),
            ("3/1", "RB"),
            source="text",
        ),
        *(claim for row in rows for claim in fusion(row, "Table 2")),
    ]


# ---- Tables 3 and 4: thirds ----------------------------------------------------------------------


def trained_rows() -> dict[str, Row]:
    """Table 3's trainings, which Table 4 tests at other places."""
    return {third: Row(settings={"key": third}) for third in _THIRDS}


def table3(ask: Ask) -> Result:
    """Which third of the clip training draws RB's key frame from."""
    notes = [NOTES[n] for n in ("D3", "D4")]
    title = "Third of the clip that RB's key frame is drawn from in training"
    return by_branch(ask, "table3", title, trained_rows(), TABLE3, list(TABLE3), _claims3, notes)


def _claims3(rows: tuple[str, ...]) -> list[Claim]:
    def winner(row: str, branch: str, source: str) -> Claim:
        rivals = [(r, branch) for r in rows if r != row]
        return best(f"{row} is the best third for {branch}", (row, branch), rivals, source=source)

    return [
        winner("middle", "RB", "text"),
        winner("end", _FUSED, "text"),
        winner("end", "CB", "Table 3"),
        *(claim for row in rows for claim in fusion(row, "Table 3")),
    ]


def table4(ask: Ask) -> Result:
    """Table 3's trainings, at one glance in each third."""
    runs = _runs(trained_rows(), ask)
    figures: Figures = {}
    lines = []
    for (trained, seen), printed in TABLE4.items():
        ours = {m: _known(runs.figure(trained, _FUSED, m, seen)) for m in MEASURES}
        ours |= {f"{_TOP} {b}": _known(runs.figure(trained, b, _TOP, seen)) for b in ("RB", "CB")}
        figures[trained, seen] = ours[_TOP]
        name = f"trained on {trained}, glance at {seen}"
        lines.append(Line(name, dict(zip(MEASURES, printed, strict=True)), ours, group=trained))
    columns = tuple(map(Column, (*MEASURES, *(f"{_TOP} {b}" for b in ("RB", "CB")))))
    table = Table(
        name="table4",
        title="Third in training against third of the glance, RB+CB",
        columns=columns,
        lines=tuple(lines),
        published=MEASURES,
        verdicts=tuple(judge(claim, figures) for claim in _claims4()),
        chance=chance(ask, [c.name for c in columns]),
        measured=(
            *how(ask),
            "A glance drawn from a third: each clip's mean over three evenly spread frames of it.",
        ),
        notes=(*(NOTES[n] for n in ("U6", "U6b", "sensitive", "D3")), slips()),
    )
    return Result((table,), seeds=runs.seeds, trainings=tuple(runs.facts()))


def _claims4() -> list[Claim]:
    said = [
        best(
            f"a glance at the middle is best (trained on {trained})",
            (trained, "middle"),
            [(trained, "begin"), (trained, "end")],
            source="text" if trained != "middle" else "text, U6",
            same_trainings=True,
        )
        for trained in _THIRDS
    ]
    said += [
        best(
            f"training on the middle is best (glance at {seen})",
            ("middle", seen),
            [("begin", seen), ("end", seen)],
            source="Table 4",
        )
        for seen in _THIRDS
    ]
    centre = ("middle", "middle")
    return said + [
        more(
            f"looking at the {third} costs more than having trained on it",
            (centre, ("middle", third)),
            (centre, (third, "middle")),
            source="text",
        )
        for third in ("begin", "end")
    ]


# ---- what the tables share -----------------------------------------------------------------------


def by_branch(
    ask: Ask,
    name: str,
    title: str,
    rows: Mapping[str, Row],
    published: Mapping[str, Mapping[str, Triple | None]],
    shown: list[str],
    claims: Any,
    notes: list[str],
) -> Result:
    """A table whose rows are trainings, each with its branches at one glance."""
    runs = _runs(rows, ask)
    figures: Figures = {
        (row, branch): figure
        for row in rows
        for branch in BRANCHES
        if (figure := runs.figure(row, branch)) is not None
    }
    lines = []
    for row in shown:
        for branch, printed in published[row].items():
            ours = {}
            if (row, branch) in figures:
                ours = {m: _known(runs.figure(row, branch, m)) for m in MEASURES}
                ours[_ALL] = _known(runs.figure(row, branch, _TOP, TOGETHER))
            told = dict(zip(MEASURES, printed, strict=True)) if printed else {}
            lines.append(Line(f"{row}, {branch}", told, ours, group=row))
    columns = (*map(Column, MEASURES), Column(_ALL))
    table = Table(
        name=name,
        title=title,
        columns=columns,
        lines=tuple(lines),
        published=MEASURES if any(line.published for line in lines) else (),
        verdicts=tuple(judge(claim, figures) for claim in claims(tuple(rows))),
        chance=chance(ask, [c.name for c in columns]),
        measured=(*how(ask), _GLANCE),
        notes=(*notes, NOTES["D2"], slips()),
    )
    return Result((table,), seeds=runs.seeds, trainings=tuple(runs.facts()))


def _known(figure: Measured | None) -> Measured:
    assert figure is not None
    return figure


def _runs(rows: Mapping[str, Row], ask: Ask) -> Runs:
    """The trainings; at paper scale on UCF101's first split (D1)."""
    if ask.scale == "puppets":
        return train(rows, ask, seeds=SEEDS)
    root = find_data(ask.data, need="ucf101")["ucf101"]
    return train(rows, ask, seeds=_PAPER_SEEDS, data="ucf101", root=root, protocols=("split1",))


def chance(ask: Ask, columns: list[str], classes: int = 101) -> dict[str, float]:
    """What guessing gets where classes have equally many clips."""
    one = 1 / (len(ACTIONS) if ask.scale == "puppets" else classes)
    return {c: 5 * one if c.startswith("acc@5") else one for c in columns}


def how(ask: Ask) -> tuple[str, ...]:
    """How ours was obtained."""
    if ask.scale == "puppets":
        return (_SMALLER, _SPREAD, *((_FEWER,) if ask.clips else ()))
    return ("UCF101's first split (D1), ResNet-18 from ImageNet. Mean over seeds.",)
