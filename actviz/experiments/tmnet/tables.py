"""TMNet's Tables 1 to 4: the published figures, ours, and what the paper says of them."""

from __future__ import annotations

from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, best, more
from actviz.experiments.tmnet.grid import BRANCHES, MEASURES, TSN, Row
from actviz.experiments.tmnet.published import NOTES, TABLE1, TABLE2, TABLE3, TABLE4, slips
from actviz.experiments.tmnet.shared import (
    FUSED,
    TOP,
    VISIBLE,
    Figures,
    by_branch,
    chance,
    fusion,
    how,
    known,
    runs_of,
    shares,
    twice,
)

__all__ = ["table1", "table2", "table3", "table4", "trained_rows"]

_THIRDS = ("begin", "middle", "end")
_IN_A_THIRD = "A glance drawn from a third: each clip's mean over three evenly spread frames of it."


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
    if ask.scale == "puppets":
        lengths = {f"{t} frame{'s' * (t > 1)}": t for t in (1, 8, 16, 32)}
        return {"TSN, 3 frames": TSN} | {n: Row(settings={"frames": t}) for n, t in lengths.items()}
    # spread over the clip (U5); 16 frames at once as in the other tables
    rows = {"TSN, 3 frames": TSN}
    for t in (1, 8, 16, 32, 64):
        settings = {"frames": t, "sampling": "even", "accumulate": max(1, t // 16)}
        rows[f"{t} frame{'s' * (t > 1)}"] = Row(settings=settings)
    return rows


def _claims1(rows: tuple[str, ...]) -> list[Claim]:
    tsn, one = ("TSN, 3 frames", FUSED), "1 frame"
    many = [row for row in rows if row.endswith("frames") and not row.startswith("TSN")]
    said = [
        above(f"RB+CB trained on {row} is above TSN", (row, FUSED), tsn, source="text")
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
        above(single, (one, "CB"), (one, FUSED), source="text, U9", same_trainings=True),
        above(tsn_above, tsn, (one, FUSED), source="Table 1"),
    ]


def _winner(words: str, rows: tuple[str, ...], row: str, branch: str, source: str) -> Claim:
    rivals = [(r, branch) for r in rows if r != row]
    return best(f"{row} is the {words} {branch}", (row, branch), rivals, source=source)


# ---- Table 2: depths -----------------------------------------------------------------------------


def table2(ask: Ask) -> Result:
    """How many stages are shared, how many each branch's own."""
    rows = {row: Row(settings={"base_stages": int(row[0])}) for row in TABLE2}
    notes = [NOTES[n] for n in ("U8", "U7", "D4")]
    title = "Stages of the base / of each branch"
    return by_branch(ask, "table2", title, rows, TABLE2, list(TABLE2), _claims2, notes)


def _claims2(rows: tuple[str, ...]) -> list[Claim]:
    return [
        _winner("best of", rows, "3/1", FUSED, "text"),
        _winner("best of", rows, "2/2", "RB", "text"),
        _winner("best of", rows, "3/1", "CB", "Table 2"),
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
    return [
        _winner("best third for", rows, "middle", "RB", "text"),
        _winner("best third for", rows, "end", FUSED, "text"),
        _winner("best third for", rows, "end", "CB", "Table 3"),
        *(claim for row in rows for claim in fusion(row, "Table 3")),
    ]


def table4(ask: Ask) -> Result:
    """Table 3's trainings, at one glance in each third."""
    runs = runs_of(trained_rows(), ask)
    figures: Figures = {}
    lines = []
    for (trained, seen), printed in TABLE4.items():
        ours = {m: known(runs.figure(trained, FUSED, m, seen)) for m in MEASURES}
        figures[trained, seen] = ours[TOP]
        for branch in ("RB", "CB"):
            ours[f"{TOP} {branch}"] = known(runs.figure(trained, branch, TOP, seen))
        if runs.evidence is not None:
            there = known(runs.figure(trained, FUSED, TOP, seen, visible=True))
            ours[VISIBLE] = figures[trained, seen, VISIBLE] = there
        name = f"trained on {trained}, glance at {seen}"
        lines.append(Line(name, dict(zip(MEASURES, printed, strict=True)), ours, group=trained))
    columns = list(lines[0].ours)
    table = Table(
        name="table4",
        title="Third in training against third of the glance, RB+CB",
        columns=tuple(map(Column, columns)),
        lines=tuple(lines),
        published=MEASURES,
        verdicts=twice(_claims4(), figures),
        chance=chance(ask, columns),
        measured=(*how(ask), _IN_A_THIRD, *shares(runs, _THIRDS)),
        notes=(*(NOTES[n] for n in ("U6", "U6b", "sensitive", "D3")), slips()),
    )
    return Result((table,), seeds=runs.seeds, trainings=tuple(runs.facts()))


def _claims4() -> list[Claim]:
    said = [
        best(
            f"a glance in the middle third is best (trained on {trained})",
            (trained, "middle"),
            [(trained, "begin"), (trained, "end")],
            source="text" if trained != "middle" else "text, U6",
            same_trainings=True,
        )
        for trained in _THIRDS
    ]
    said += [
        best(
            f"training on the middle third is best (glance at {seen})",
            ("middle", seen),
            [("begin", seen), ("end", seen)],
            source="Table 4",
        )
        for seen in _THIRDS
    ]
    centre = ("middle", "middle")
    return said + [
        more(
            f"to look at the {third} third costs more than to have trained on it",
            (centre, ("middle", third)),
            (centre, (third, "middle")),
            source="text",
        )
        for third in ("begin", "end")
    ]
