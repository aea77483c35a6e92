"""MAM's Tables 1 and 2: groups of actions, and each stream alone, beside temporal models.

At puppets scale every method learns on frozen features of one small frame CNN for RGB and one for
flow, as VideoLSTM's published code does; MAM's paper fine-tunes end to end, which paper scale does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actviz.datasets.puppet_set import COARSE
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, alike, best, judge, more
from actviz.experiments.mam.grid import FUSED
from actviz.experiments.mam.published import NOTES, TABLE1, TABLE1_CLASSES, TABLE2
from actviz.experiments.mam.table_parts import Figures, chance_of, grid_of, how, result_of

__all__ = ["table1", "table2"]

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
_ALONE = "RGB alone"


def table1(ask: Ask) -> Result:
    """Coarse groups of actions: ConvLSTM against MAM, both streams together."""
    names = ("ConvLSTM", "MAM")
    grid, groups = grid_of(names, ask, protocols=("split1",))
    rows: list[tuple[str, tuple[float | None, float | None] | None]]
    if ask.scale == "puppets":
        rows = [(ours, TABLE1.get(paper)) for paper, ours in _GROUPS.items()]
        rows.append(("time-reversed pairs", None))
        groups, key_of = COARSE, dict(_GROUPS)
    else:
        rows = [*TABLE1.items(), *TABLE1_CLASSES.items()]
        groups, key_of = (
            {row: groups.get(_UCF101[row], ()) for row, _ in rows},
            {n: n for n in TABLE1},
        )
    shown = {name: (name, FUSED) for name in names}
    shown |= {f"{name}, {_ALONE}": (name, "spatial") for name in names}
    figures: Figures = {
        (row, column): grid.accuracy(name, stream, groups[row])
        for row, _ in rows
        if groups[row]  # the paper's own where the data has none of them
        for column, (name, stream) in shown.items()
    }
    lines = tuple(
        Line(
            row,
            dict(zip(names, printed or (None, None), strict=True)),
            {column: figures[row, column] for column in shown if groups[row]},
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
        chance=chance_of(grid, tuple(shown)),
        measured=(*how(ask), "Share of a group's clips whose own class is the answer."),
        notes=(NOTES["streams"], *_stands_in(ask)),
    )
    return result_of(table, grid)


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
    grid, _ = grid_of(names, ask, protocols=("split1",), streams=_STREAMS)
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
        chance=chance_of(grid, _STREAMS),
        measured=(*how(ask), "The spatial stream sees RGB, the temporal stream optical flow."),
        notes=(NOTES["T10"],),
    )
    return result_of(table, grid)


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


def _stands_in(ask: Ask) -> tuple[str, ...]:
    if ask.scale == "paper":
        return ()
    pairs = "; ".join(f"{ours} for {paper}" for paper, ours in _GROUPS.items())
    return (
        f"The puppets' groups stand in for UCF101's: {pairs}. The time-reversed pairs are ours: "
        "only the order of time tells them apart.",
    )
