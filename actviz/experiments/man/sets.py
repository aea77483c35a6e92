"""MAN on NTU RGB+D, SYSU-3D and HDM05, where you have them; published numbers beside ours.

MAN and its convolutions alone on every split of a protocol; the others, and MAN with the large
networks at 224 rows, on the first few where a protocol has many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from actviz.errors import ActvizError
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, best, judge
from actviz.experiments.keeping import Answers, Wanted
from actviz.experiments.mam.grid import clip_limits
from actviz.experiments.man.folds import LAST
from actviz.experiments.man.published import NOTES, NTU_LIST, PUBLISHED
from actviz.experiments.man.recordings import MAN, STCM
from actviz.experiments.man.trees import facts_of, train_tree
from actviz.experiments.statistics import Measured

__all__ = ["RIVALS", "WIDE", "hdm05", "ntu", "sysu"]

DENSE = "MAN (DenseNet-161)"
_BOTH = {MAN: "man", STCM: "stcm"}
RIVALS = {"TARM alone": "tarm", "BGRU": "bgru", "LSTM": "lstm", "ST-GCN": "stgcn"}
WIDE = {"MAN (ResNet-50)": "man-resnet50", DENSE: "man-densenet161"}
FEW = 5  # splits of what has many, for all but MAN and STCM alone
_ALL, _SOME = "{}", "{}, first five"


@dataclass(frozen=True)
class _Set:
    """A data set and what is published of MAN on it."""

    name: str  # a key of DATASETS
    title: str
    what: str  # that --data is the folder of
    kinds: Mapping[str, str]  # column -> how its protocols' names begin
    published: Mapping[str, float]  # the paper's column -> MAN's accuracy
    how: str
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # row -> as published
    many: bool = False  # a protocol has several splits


_NTU = _Set(
    name="ntu",
    title="NTU RGB+D",
    what="NTU RGB+D's .skeleton files",
    kinds={"cross-subject": "cross-subject", "cross-view": "cross-view"},
    published={k: PUBLISHED[f"NTU RGB+D, {k}"] for k in ("cross-subject", "cross-view")},
    how="MAN and STCM alone: the published recipe, SGD at batch 128, 50 epochs, on 50 rows; the "
    "epoch is chosen on a tenth of the training part, whole people. The others: AdamW, cosine "
    "schedule, ours.",
    notes=(NOTES["ntu"], NOTES["ntu-list"], NOTES["ablation"]),
    others={name: {"cross-subject": cs, "cross-view": cv} for name, (cs, cv) in NTU_LIST.items()},
)
_LAST_EPOCH = (
    "MAN and STCM alone: the recipe published for NTU RGB+D at batch 16, 50 epochs, on 50 rows; "
    "the last epoch is reported, nothing is held out. The others: AdamW, cosine schedule, ours."
)
_SYSU = _Set(
    name="sysu",
    title="SYSU 3DHOI",
    what="SYSU-3D's 3DvideoNorm",
    kinds={"setting-2": "setting-2/", "setting-1": "setting-1/"},
    published={"setting not stated": PUBLISHED["SYSU-3D"]},
    how=_LAST_EPOCH,
    notes=(NOTES["sysu"], NOTES["ablation"]),
    settings=LAST,
    many=True,
)
_HDM05 = _Set(
    name="hdm05",
    title="HDM05, 65 classes",
    what="HDM05's cut motions",
    kinds={"10-fold": "10-fold/"},
    published={"accuracy": PUBLISHED["HDM05"]},
    how=_LAST_EPOCH,
    notes=(NOTES["hdm05"], NOTES["ablation"]),
    settings=LAST,
    many=True,
)


def ntu(ask: Ask) -> Result:
    """NTU RGB+D, cross-subject and cross-view."""
    return _run(_NTU, ask)


def sysu(ask: Ask) -> Result:
    """SYSU-3D, 30 halves of either setting."""
    return _run(_SYSU, ask)


def hdm05(ask: Ask) -> Result:
    """HDM05, ten folds."""
    return _run(_HDM05, ask)


Splits = Mapping[str, tuple[str, ...]]  # column -> its protocols


def _run(of: _Set, ask: Ask) -> Result:
    splits, classes = _splits(of, ask)
    seeds = tuple(range(ask.seeds or 1))
    recipes = _BOTH | RIVALS | (WIDE if ask.wide else {})
    wanted = {name: _row(of, ask, name, recipes[name], splits, seeds) for name in recipes}
    trained = train_tree(ask, wanted)
    figures = _figures(of, trained, splits, seeds)
    more = {"splits": {name: _by_split(row) for name, row in trained.items()}} if of.many else {}
    table = _table(of, ask, figures, splits, list(recipes), classes)
    facts = tuple(facts_of(trained, "row", "seed", "protocol"))
    return Result((table,), seeds, facts, more=more)


def _splits(of: _Set, ask: Ask) -> tuple[Splits, int]:
    """Column -> names of its protocols, and how many classes there are."""
    from actviz.datasets import open_dataset

    if ask.data is None:
        raise ActvizError(
            f"man/{of.name} needs --data, the folder of {of.what}: `actviz reproduce "
            f"man/{of.name} --data ROOT`."
        )
    data = open_dataset(of.name, ask.data)
    found = {
        column: tuple(p for p in data.protocols if p.startswith(start))
        for column, start in of.kinds.items()
    }
    return found, len(data.classes)


def _row(
    of: _Set, ask: Ask, name: str, recipe: str, splits: Splits, seeds: Sequence[int]
) -> dict[int, dict[str, Wanted]]:
    """Seed -> protocol -> training; of many splits all for MAN and STCM alone, else a few."""
    most = None if name in _BOTH else FEW
    own = clip_limits(f"{of.name}/{recipe}", ask, of.settings)
    return {
        seed: {
            protocol: Wanted(
                f"{of.name}/{recipe}", {**own, "seed": seed, "protocol": protocol}, root=ask.data
            )
            for protocols in splits.values()
            for protocol in protocols[:most]
        }
        for seed in seeds
    }


Figures = dict[tuple[str, str], Measured]  # row, column
Trained = Mapping[str, Mapping[int, Mapping[str, Answers]]]  # row, seed, protocol


def _columns(of: _Set, splits: Splits) -> dict[str, tuple[str, ...]]:
    """Column -> protocols that it is over."""
    found = {_ALL.format(c): protocols for c, protocols in splits.items()}
    if of.many:
        found |= {_SOME.format(c): protocols[:FEW] for c, protocols in splits.items()}
    return found


def _figures(of: _Set, trained: Trained, splits: Splits, seeds: Sequence[int]) -> Figures:
    """Of each row the columns whose splits it has: the mean over splits, for each seed."""
    found: Figures = {}
    for name, row in trained.items():
        for column, protocols in _columns(of, splits).items():
            if not all(protocol in row[seeds[0]] for protocol in protocols):
                continue
            rights = [[row[seed][p].right for p in protocols] for seed in seeds]
            values = tuple(float(np.mean([r.mean() for r in some])) for some in rights)
            right = np.stack([np.concatenate(some) for some in rights])
            found[name, column] = Measured(values, right, column)
    return found


def _by_split(row: Mapping[int, Mapping[str, Answers]]) -> dict[str, float]:
    """Protocol -> share of right answers, over seeds."""
    first = next(iter(row.values()))
    return {p: round(float(np.mean([s[p].right.mean() for s in row.values()])), 4) for p in first}


def _table(
    of: _Set, ask: Ask, figures: Figures, splits: Splits, rows: Sequence[str], classes: int
) -> Table:
    columns = list(_columns(of, splits))
    printed = {DENSE if of.name == "ntu" else MAN: of.published, **of.others}
    lines = tuple(
        Line(
            name,
            published=printed.get(name, {}),
            ours={c: figures[name, c] for c in columns if (name, c) in figures},
        )
        for name in dict.fromkeys((*rows, *printed))
    )
    shown = [f"{column}: {len(protocols)} splits" for column, protocols in splits.items()]
    measured = [of.how]
    if of.many:
        measured.append(
            f"Accuracy is the mean over splits ({', '.join(shown)}); all but MAN and STCM alone "
            f"have the first {FEW} of each."
        )
    return Table(
        name=of.name,
        title=of.title,
        columns=tuple(map(Column, columns)),
        lines=lines,
        published=tuple(of.published),
        verdicts=tuple(judge(claim, figures) for claim in _claims(of, splits)),
        chance=dict.fromkeys(columns, 1 / classes),
        measured=tuple(measured),
        notes=of.notes if ask.wide else (*of.notes, NOTES["wide"]),
    )


def _claims(of: _Set, splits: Splits) -> list[Claim]:
    said: list[Claim] = []
    for column in splits:
        some = _SOME.format(column) if of.many else column
        said += [
            above(
                f"memory helps: MAN is above STCM alone, {column}",
                *((MAN, column), (STCM, column)),
                source="abstract",
            ),
            best(
                f"MAN is above every rival, {some}",
                (MAN, some),
                [(r, some) for r in RIVALS],
                source="ours",
            ),
            above(
                f"DenseNet-161 at 224 rows is above nine convolutions at 50, {some}",
                *((DENSE, some), (MAN, some)),
                source="ours",
            ),
        ]
        said += [
            _reaches(name, some if name == DENSE else column, level)
            for label, level in of.published.items()
            for name in ((DENSE,) if of.name == "ntu" else (MAN, DENSE))
            if len(of.published) == 1 or label == column
        ]
    return said


def _reaches(name: str, column: str, level: float) -> Claim:
    return Claim(
        f"{name} reaches the published {level:g} %, to a point, {column}",
        "published",
        {(name, column): 1.0},
        constant=-level / 100,
        near=0.01,
    )
