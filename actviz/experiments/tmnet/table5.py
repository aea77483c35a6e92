"""TMNet's Table 5: its three variants beside the state of the art as printed.

At paper scale the variants are on 50 layers, on both data sets and all three splits. On puppets
they are narrow networks, and TSN is the one of Table 1.
"""

from __future__ import annotations

from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, best, judge
from actviz.experiments.mam.places import SPLITS, find_data
from actviz.experiments.tmnet.grid import TOGETHER, TSM, TSN, Row, Runs, train
from actviz.experiments.tmnet.published import NOTES, TABLE5
from actviz.experiments.tmnet.shared import PAPER_SEEDS, SEEDS, Figures, chance, how

__all__ = ["table5"]

_2D, _3D_A, _3D_B = (name for name in TABLE5 if name.startswith("TMNet"))
_TSN = "TSN (BN-Inception)"
_ROWS = {
    _TSN: TSN,
    _2D: Row("tmnet-2d-resnet50"),
    _3D_A: Row("tmnet-3d-a", "tmnet-3d-a"),
    _3D_B: Row("tmnet-3d-b", "tmnet-3d-b"),
}
_I3D = "TMNet-3D-B on I3D, ours"
_TSM = "TSM, 8 frames, ours"
_SHOWN = "action visible"
_SEES_TIME = {"backbone_3d": "i3d_resnet18_narrow"}
_PLACES = {"one glance": "centre", "9 glances": TOGETHER}
_TESTED = (
    "One glance: the frame at the centre; 9 glances: the mean of the logits of nine evenly spread "
    "frames. TMNet-2D answers by both branches, the 3-D variants by RB. TMNet-3D-B's base is a 3-D "
    "network: it sees the nine frames as one clip, and its one glance is RB at the clip's centre. "
    "TSM sees them as one clip, too; its one glance is its answer to the centre frame among them."
)


def table5(ask: Ask) -> Result:
    """The printed list, ours beside those that are built here."""
    places = {"puppets": None} if ask.scale == "puppets" else find_data(ask.data)
    runs: dict[str, Runs] = {}
    for data, root in places.items():
        protocols = ("",) if root is None else SPLITS
        seeds = SEEDS if root is None else PAPER_SEEDS
        runs[data] = train(_rows(ask), ask, seeds=seeds, data=data, root=root, protocols=protocols)
    figures = _figures(runs)
    columns = tuple(dict.fromkeys(column for _, column in figures))
    table = Table(
        name="table5",
        title="The state of the art of 2020, and TMNet's variants",
        columns=tuple(map(Column, columns)),
        lines=tuple(_line(name, figures, ask) for name in _shown(ask)),
        published=("UCF101", "HMDB51"),
        verdicts=tuple(judge(c, figures) for data in runs for c in _claims(data)),
        chance=_chance(ask, columns),
        measured=(*_how(ask), _TESTED),
        notes=tuple(NOTES[n] for n in ("best", "alike", "U7", "D2", "D5")),
    )
    facts = tuple(fact for one in runs.values() for fact in one.facts())
    return Result((table,), seeds=next(iter(runs.values())).seeds, trainings=facts)


def _rows(ask: Ask) -> dict[str, Row]:
    if ask.scale == "paper":
        return _ROWS
    i3d = Row("tmnet-3d-b", "tmnet-3d-b", _SEES_TIME)
    return _ROWS | {_I3D: i3d, _TSM: TSM}


def _figures(runs: dict[str, Runs]) -> Figures:
    """(row, column): acc@1 at one glance and at nine, and mean class accuracy."""
    found: Figures = {}
    for data, one in runs.items():
        for row in dict.fromkeys(name for name, _, _ in one.answers):
            for words, place in _PLACES.items():
                figure = one.figure(row, place=place)
                assert figure is not None
                found[row, f"{data}, {words}"] = figure
            if one.evidence is not None:
                there = one.figure(row, place="anywhere", visible=True)
                assert there is not None
                found[row, f"{data}, {_SHOWN}"] = there
            mean_class = one.figure(row, measure="mAP")
            assert mean_class is not None
            found[row, f"{data}, mAP"] = mean_class
    return found


def _shown(ask: Ask) -> list[str]:
    return [*TABLE5, *(name for name in _rows(ask) if name not in TABLE5)]


def _line(name: str, figures: Figures, ask: Ask) -> Line:
    kind, ucf101, hmdb51 = TABLE5.get(name, ("TMNet", None, None))
    note = ""
    if name == _TSN:
        note = "printed: two streams of BN-Inception; ours: RGB, ResNet-18, 3 frames"
        if ask.scale == "puppets":
            note = "printed: two streams of BN-Inception; ours: RGB, the puppets' network, 3 frames"
    ours = {column: figure for (row, column), figure in figures.items() if row == name}
    printed = {"UCF101": ucf101, "HMDB51": hmdb51} if name in TABLE5 else {}
    return Line(name, printed, ours, note=note, group=kind)


def _claims(data: str) -> list[Claim]:
    said = []
    for words in (*_PLACES, *((_SHOWN,) if data == "puppets" else ())):
        column = f"{data}, {words}"
        tsn, flat, a, b = ((row, column) for row in _ROWS)
        said += [
            above(f"TMNet-3D-A is above TMNet-2D, {column}", a, flat, source="text"),
            above(f"TMNet-3D-B is above TMNet-3D-A, {column}", b, a, source="Table 5"),
            above(f"TMNet-3D-B is above TMNet-2D, {column}", b, flat, source="text"),
            best(
                f"TMNet-3D-B is the best of those built here, {column}",
                b,
                [tsn, flat, a],
                source="Table 5",
            ),
        ]
        if data == "puppets":
            i3d, words = (_I3D, column), "TMNet-3D-B whose base sees time is above"
            said += [
                above(f"{words} TMNet-3D-A, {column}", i3d, a, source="ours"),
                above(f"{words} TMNet-2D, {column}", i3d, flat, source="ours"),
                above(f"TMNet-2D is above TSM, {column}", flat, (_TSM, column), source="Figure 3"),
            ]
    return said


def _chance(ask: Ask, columns: tuple[str, ...]) -> dict[str, float]:
    """HMDB51 has 51 classes, UCF101 101."""
    counts = {c: 51 if c.startswith("hmdb51") else 101 for c in columns}
    return {c: chance(ask, [c], classes)[c] for c, classes in counts.items()}


def _how(ask: Ask) -> tuple[str, ...]:
    if ask.scale == "puppets":
        return how(ask)
    return (
        "ResNet-50 and SlowOnly-50 from ImageNet; mean over seeds and over the three splits. The "
        "published 94.5 % needs Kinetics weights (--set weights_3d of the recipe).",
    )
