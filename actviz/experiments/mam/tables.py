"""MAM's Tables 1 to 4: the published figures, ours, and what the paper says of them.

At puppets scale every method learns on frozen features of one small frame CNN for RGB and one for
flow, as VideoLSTM's published code does; MAM's paper fine-tunes end to end, which paper scale does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actviz.datasets.puppet_set import COARSE
from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, best, judge, more
from actviz.experiments.mam.grid import FUSED, Grid, make_grid, method
from actviz.experiments.mam.places import SPLITS, coarse_of, find_data
from actviz.experiments.mam.published import (
    NOTES,
    TABLE1,
    TABLE1_CLASSES,
    TABLE2,
    TABLE3,
    TABLE4,
    arithmetic,
)
from actviz.experiments.statistics import Measured

__all__ = ["table1", "table2", "table3", "table4"]

SEEDS = 5
_PAPER_SEEDS = 1
_STREAMS = ("spatial", "temporal")
_GROUPS = {  # the paper's group -> the puppets' that stands in for it
    "human-object interaction": "with an object",
    "human-human interaction": "two people",
    "body motion only": "body motion",
}
_UCF101 = {  # row of Table 1 -> group or class of the data set
    "human-object interaction": "Human-Object Interaction",
    "human-human interaction": "Human-Human Interaction",
    "body motion only": "Body-Motion Only",
    "pizza tossing": "PizzaTossing",
    "mixing batter": "Mixing",
    "playing dhol": "PlayingDhol",
    "salsa spins": "SalsaSpin",
    "ice dancing": "IceDancing",
}
_FROZEN = (
    "Puppets: 1,200 clips to train on, 240 to choose the epoch by, 600 to test on (50 of each of "
    "12 actions). All methods learn on the same frozen features; what differs between two seeds is "
    "the start of what is trained and the order of the clips. Mean ± standard deviation over seeds."
)
_FEWER = "Fewer clips than the recipes name (--clips): a trial, not the table."
_ALONE = "RGB alone"
Figures = dict[Any, Measured]


def table1(ask: Ask) -> Result:
    """Coarse groups of actions: ConvLSTM against MAM, both streams together."""
    names = ("ConvLSTM", "MAM")
    grid, groups = _grid(names, ask, protocols=("split1",))
    rows: list[tuple[str, tuple[float | None, float | None] | None]]
    if ask.scale == "puppets":
        rows = [(ours, TABLE1.get(paper)) for paper, ours in _GROUPS.items()]
        rows.append(("time-reversed pairs", None))
        groups, key_of = COARSE, dict(_GROUPS)
    else:
        rows = [*TABLE1.items(), *TABLE1_CLASSES.items()]
        groups, key_of = {row: groups[_UCF101[row]] for row, _ in rows}, {n: n for n in TABLE1}
    shown = {name: (name, FUSED) for name in names}
    shown |= {f"{name}, {_ALONE}": (name, "spatial") for name in names}
    figures: Figures = {
        (row, column): grid.accuracy(name, stream, groups[row])
        for row, _ in rows
        for column, (name, stream) in shown.items()
    }
    lines = tuple(
        Line(
            row,
            dict(zip(names, printed or (None, None), strict=True)),
            _row(figures, row, tuple(shown)),
        )
        for row, printed in rows
    )
    table = Table(
        name="table1",
        title="Groups of actions, ConvLSTM against MAM",
        columns=tuple(map(Column, shown)),
        lines=lines,
        published=names,
        verdicts=tuple(judge(c, figures) for c in _claims1(key_of)),
        chance=_chance(ask, tuple(shown)),
        measured=(*_how(ask), "Share of a group's clips whose own class is the answer."),
        notes=(NOTES["streams"], *_stands_in(ask)),
    )
    return _result(table, grid)


def _claims1(groups: Mapping[str, str]) -> list[Claim]:
    """``groups``: the paper's group -> the row."""
    source = "Table 1"

    def pair(group: str, alone: str = "") -> tuple[Any, Any]:
        return (groups[group], f"MAM{alone}"), (groups[group], f"ConvLSTM{alone}")

    said = [
        above(f"MAM is above ConvLSTM on {groups[g]} ({words})", *pair(g, alone), source=source)
        for alone, words in (("", "both streams"), (f", {_ALONE}", _ALONE))
        for g in groups
    ]
    objects, people, body = map(pair, groups)
    return [
        *said,
        more("MAM gains more on objects than on body motion", objects, body, source=source),
        more("MAM gains more on two people than on body motion", people, body, source=source),
        alike(
            "MAM and ConvLSTM are alike on body motion (within 2 points)",
            *body,
            near=0.02,
            source=source,
        ),
    ]


def table2(ask: Ask) -> Result:
    """Each stream alone: MAM against temporal models on the same network."""
    names = tuple(TABLE2)
    grid, _ = _grid(names, ask, protocols=("split1",), streams=_STREAMS)
    figures: Figures = {
        (name, stream): grid.accuracy(name, stream)
        for name in names
        for stream in _STREAMS
        if stream in grid.methods[name].streams
    }
    lines = tuple(
        Line(
            name,
            dict(zip(_STREAMS, TABLE2[name], strict=True)),
            {s: figures[name, s] for s in _STREAMS if (name, s) in figures},
        )
        for name in names
    )
    table = Table(
        name="table2",
        title="Temporal models on each stream",
        columns=tuple(map(Column, _STREAMS)),
        lines=lines,
        published=_STREAMS,
        verdicts=tuple(judge(c, figures) for c in _claims2(names)),
        chance=_chance(ask, _STREAMS),
        measured=(*_how(ask), "The spatial stream sees RGB, the temporal stream optical flow."),
        notes=(NOTES["T10"],),
    )
    return _result(table, grid)


def _claims2(names: Sequence[str]) -> list[Claim]:
    rivals = [name for name in names if name != "MAM"]
    claims = []
    for stream in _STREAMS:
        mam = ("MAM", stream)
        keys = [(rival, stream) for rival in rivals]
        claims.append(best(f"MAM is the best {stream} network", mam, keys, source="Table 2"))
        claims += [
            above(f"MAM is above {rival}, {stream}", mam, (rival, stream), source="Table 2")
            for rival in rivals
        ]
    gains = [(("MAM", s), ("ConvNet", s)) for s in ("temporal", "spatial")]
    return [
        *claims,
        alike(
            "a plain LSTM gains nothing on the spatial network (within 1 point of ConvNet)",
            ("LSTM", "spatial"),
            ("ConvNet", "spatial"),
            near=0.01,
            source="text",
        ),
        above(
            "a plain LSTM gains on the temporal network",
            ("LSTM", "temporal"),
            ("ConvNet", "temporal"),
            source="text",
        ),
        more(
            "MAM's gain over ConvNet is larger on the temporal network than on the spatial one",
            *gains,
            source="text",
        ),
    ]


_ROWS3 = {  # row of Table 3 -> method on puppets
    "ConvNet": "ConvNet",
    "ALSTM": "ALSTM",
    "VideoLSTM": "VideoLSTM",
    "L2STM": "L2STM",
    "TSN (ResNet)": "TSN",
    "TS-LSTM": "TS-LSTM",
    "MAM without TSN": "MAM",
    "MAM (ResNet + TSN)": "MAM + TSN",
}
_ROWS3_PAPER = _ROWS3 | {
    "MAM (VGG + TSN)": "MAM (VGG + TSN)",
    "MAM (ResNet + TSN)": "MAM (ResNet + TSN)",
}
_FUSION = {"VideoLSTM": "product", "L2STM": "inside", "TS-LSTM": "inside"}


def table3(ask: Ask) -> Result:
    """Both streams together: MAM against networks like LSTMs."""
    table, grid = _fused_table(ask, "table3", "Two streams, LSTM-like networks", _ROWS3_PAPER)
    return _result(table, grid)


def table4(ask: Ask) -> Result:
    """The list against the state of the art, with ours beside those that are built here."""
    rows = {name: _ROWS3_PAPER.get(name, "") for name in TABLE4}
    rows |= {"MAM without TSN": "MAM"}
    table, grid = _fused_table(ask, "table4", "The state of the art of 2018", rows)
    return _result(table, grid)


def _fused_table(
    ask: Ask, name: str, title: str, rows: Mapping[str, str]
) -> tuple[Table, dict[str, Grid]]:
    """A table of both streams together on one data set or two."""
    grids: dict[str, Grid] = {}
    columns = ["puppets"] if ask.scale == "puppets" else list(find_data(ask.data))
    built = _built(rows, ask)
    for column in columns:
        chosen = tuple(dict.fromkeys(built.values()))
        grids[column], _ = _grid(chosen, ask, data=column, protocols=SPLITS)
    figures: Figures = {
        (row, column): grids[column].accuracy(of) for row, of in built.items() for column in columns
    }
    lines = tuple(
        Line(
            row,
            _printed(row, name),
            {c: figures[row, c] for c in columns if (row, c) in figures},
            note=_note(row, ask),
            group=TABLE4.get(row, ("", 0, 0))[0] if name == "table4" else "",
        )
        for row in rows
        if row in built or _printed(row, name)
    )
    table = Table(
        name=name,
        title=title,
        columns=tuple(map(Column, columns)),
        lines=lines,
        published=("UCF101", "HMDB51"),
        verdicts=tuple(judge(c, figures) for column in columns for c in _claims34(name, column)),
        chance=_chance(ask, columns),
        measured=(*_how(ask), _HOW_FUSED),
        notes=(*(NOTES[slip] for slip in ("T3", "T4", "T5", "T6")), arithmetic()),
    )
    return table, grids


_HOW_FUSED = (
    "Two networks answer together by the mean of their probabilities (VideoLSTM: the product); "
    "L2STM and TS-LSTM see both streams inside one network. Puppets: all see 16 frames of a clip; "
    "MAM with TSN trains on 6, one drawn from each of as many segments, and is tested on 16. MAM "
    "without TSN's sampling is not in the paper's Tables 3 and 4."
)


def _built(rows: Mapping[str, str], ask: Ask) -> dict[str, str]:
    """Row -> method, of rows that are trained here."""
    here = {row: of for row, of in rows.items() if of}
    if ask.scale == "puppets":  # one frame CNN: VGG and ResNet are the same row
        here.pop("MAM (VGG + TSN)", None)
        here |= {row: "MAM + TSN" for row in here if row == "MAM (ResNet + TSN)"}
    return here


def _printed(row: str, name: str) -> dict[str, float | None]:
    pair = TABLE3.get(row) if name == "table3" else TABLE4.get(row, ("", None, None))[1:]
    if not pair or pair == (None, None):
        return {}
    return dict(zip(("UCF101", "HMDB51"), pair, strict=True))


def _note(row: str, ask: Ask) -> str:
    told = [_FUSION[row]] if row in _FUSION else []
    if row == "ConvNet":
        told.append("no published figure, T4")
    if row == "ALSTM":
        told.append("UCF101: no published figure, T4")
    if ask.scale == "puppets" and row.startswith("MAM (ResNet"):
        told.append("ours: MAM + TSN on the puppets' own network")
    return "; ".join(told)


def _claims34(name: str, column: str) -> list[Claim]:
    source = "Table 3" if name == "table3" else "Table 4"
    top, plain = ("MAM (ResNet + TSN)", column), ("MAM without TSN", column)
    rivals = [(row, column) for row in _ROWS3 if not row.startswith("MAM")]
    said = [
        best(f"MAM with TSN is the best of those built here, {column}", top, rivals, source=source),
        above(f"MAM with TSN is above TSN, {column}", top, ("TSN (ResNet)", column), source=source),
        above(f"MAM with TSN is above TS-LSTM, {column}", top, ("TS-LSTM", column), source=source),
        above(f"MAM with TSN is above L2STM, {column}", top, ("L2STM", column), source=source),
    ]
    if name == "table4":
        return said[:2]
    return [
        *said,
        best(f"MAM without TSN is the best, {column}", plain, rivals, source="ours"),
        above(f"TSN's sampling helps MAM, {column}", top, plain, source="text"),
    ]


# ---- what the tables share -----------------------------------------------------------------------


def _grid(
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


def _row(figures: Figures, row: str, names: Sequence[str]) -> dict[str, Measured]:
    return {name: figures[row, name] for name in names}


def _chance(ask: Ask, columns: Sequence[str]) -> dict[str, float]:
    """What guessing gets where classes have equally many clips."""
    counts = {"puppets": len(ACTIONS), "hmdb51": 51}
    usual = "puppets" if ask.scale == "puppets" else "ucf101"
    return {c: 1 / counts.get(c if ask.scale == "paper" else usual, 101) for c in columns}


def _how(ask: Ask) -> tuple[str, ...]:
    if ask.scale == "puppets":
        return (_FROZEN, _FEWER) if ask.clips else (_FROZEN,)
    return ("Mean over seeds, and over the splits where there are several.",)


def _stands_in(ask: Ask) -> tuple[str, ...]:
    if ask.scale == "paper":
        return ()
    pairs = "; ".join(f"{ours} for {paper}" for paper, ours in _GROUPS.items())
    return (
        f"The puppets' groups stand in for UCF101's: {pairs}. The time-reversed pairs are ours: "
        "only the order of time tells them apart.",
    )


def _result(table: Table, grid: Grid | Mapping[str, Grid]) -> Result:
    grids = list(grid.values()) if isinstance(grid, Mapping) else [grid]
    facts = tuple(fact for one in grids for fact in one.facts())
    return Result((table,), seeds=grids[0].seeds, trainings=facts)
