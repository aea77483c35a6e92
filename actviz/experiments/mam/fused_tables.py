"""MAM's Tables 3 and 4: two streams together, beside LSTM-like networks and the state of art."""

from __future__ import annotations

from collections.abc import Mapping

from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, best, judge
from actviz.experiments.mam.grid import Grid
from actviz.experiments.mam.places import SPLITS, find_data
from actviz.experiments.mam.published import NOTES, TABLE3, TABLE4, arithmetic
from actviz.experiments.mam.table_parts import Figures, chance_of, grid_of, how, result_of

__all__ = ["table3", "table4"]

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
    return result_of(table, grid)


def table4(ask: Ask) -> Result:
    """The list against the state of the art, with ours beside those that are built here."""
    rows = {name: _ROWS3_PAPER.get(name, "") for name in TABLE4}
    rows |= {"MAM without TSN": "MAM"}
    table, grid = _fused_table(ask, "table4", "The state of the art of 2018", rows)
    return result_of(table, grid)


def _fused_table(
    ask: Ask, name: str, title: str, rows: Mapping[str, str]
) -> tuple[Table, dict[str, Grid]]:
    """A table of both streams together on one data set or two."""
    grids: dict[str, Grid] = {}
    columns = ["puppets"] if ask.scale == "puppets" else list(find_data(ask.data))
    built = _built(rows, ask)
    for column in columns:
        chosen = tuple(dict.fromkeys(built.values()))
        grids[column], _ = grid_of(chosen, ask, data=column, protocols=SPLITS)
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
        chance={k: v for c, grid in grids.items() for k, v in chance_of(grid, [c]).items()},
        measured=(*how(ask), *_how_fused(ask)),
        notes=(*(NOTES[slip] for slip in ("T3", "T4", "T5", "T6")), arithmetic()),
    )
    return table, grids


_FUSED_BY = (
    "Two networks answer together by the mean of their probabilities (VideoLSTM: the product); "
    "L2STM and TS-LSTM see both streams inside one network."
)
_SEEN = (
    "Puppets: all see 16 frames of a clip; MAM with TSN trains on 6, one drawn from each of as "
    "many segments, and is tested on 16."
)
_NOT_PRINTED = "MAM without TSN's sampling is not in the paper's Tables 3 and 4."


def _how_fused(ask: Ask) -> tuple[str, ...]:
    seen = [_SEEN] if ask.scale == "puppets" else []
    return (" ".join([_FUSED_BY, *seen, _NOT_PRINTED]),)


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
