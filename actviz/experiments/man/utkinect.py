"""MAN on UT-Kinect, for real: is it right on every sequence left out, as published?

Two recipes: the published one of NTU RGB+D carried over, of which the last epoch is reported; and
the best of four that is chosen without what is tested (``choosing``). MAN and its convolutions
alone on every fold, the others, each by a recipe of its own, on five.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, best, judge
from actviz.experiments.man.choosing import CANDIDATES, IN_WORDS
from actviz.experiments.man.folds import Folds
from actviz.experiments.man.published import NOTES, PUBLISHED
from actviz.experiments.man.recordings import (
    BOTH,
    CHOSEN,
    MAN,
    STCM,
    Judged,
    Recordings,
    candidates,
    chosen_of,
    open_recordings,
    trainings_of,
)
from actviz.experiments.man.trees import train_tree
from actviz.experiments.statistics import Measured

__all__ = ["utkinect"]

SEEDS, RIVAL_SEEDS = 3, 2
_RIVALS = {
    "TARM alone": "utkinect/tarm",
    "BGRU": "utkinect/bgru",
    "LSTM": "utkinect/lstm",
    "ST-GCN": "utkinect/stgcn",
}
_WIDE = {
    "MAN (ResNet-50)": "utkinect/man-resnet50",
    "MAN (DenseNet-161)": "utkinect/man-densenet161",
}
ALL, SOME = "all folds", "five folds"


def utkinect(ask: Ask) -> Result:
    """Every training that the cache has not, then the table."""
    data = open_recordings(ask.data, need="man/utkinect")
    seeds = tuple(range(ask.seeds or SEEDS))
    few = seeds[:RIVAL_SEEDS]
    rows = {name: trainings_of(recipe, data.folds, data, seeds) for name, recipe in BOTH.items()}
    rivals = _RIVALS | (_WIDE if ask.wide else {})
    rows |= {name: trainings_of(recipe, data.five, data, few) for name, recipe in rivals.items()}
    wanted = {"rows": rows, "judged": candidates(data)}
    found = train_tree(ask, wanted, "as published, and candidates")
    runs = {name: Folds(found["rows"][name]) for name in rows}
    chosen = chosen_of(found["judged"])
    second = {
        CHOSEN.format(name): trainings_of(recipe, data.folds, data, seeds, chosen=chosen[name])
        for name, recipe in BOTH.items()
    }
    more = train_tree(ask, second, "recipe chosen")
    runs |= {name: Folds(more[name]) for name in second}
    return _result(runs, found["judged"], chosen, data, seeds)


# ---- what came of it -----------------------------------------------------------------------------


def _result(
    runs: Mapping[str, Folds],
    judged: Judged,
    chosen: Mapping[str, Mapping[int, str]],
    data: Recordings,
    seeds: tuple[int, ...],
) -> Result:
    figures = _figures(runs, data)
    whole = [name for name, found in runs.items() if found.numbers == data.folds]
    classes = next(iter(runs[MAN].runs.values())).classes
    more = {
        "folds": {name: runs[name].by_fold() for name in runs},
        "classes": list(classes),
        "confusion": {name: runs[name].confusion().tolist() for name in whole},
        "wrong": {name: runs[name].wrong() for name in whole},
    }
    tables = (_table(figures, runs, data), _candidates(judged, chosen, data))
    drawn = {f"{_file_name(name)}.png": _draw(name, runs[name], classes) for name in whole}
    return Result(tables, seeds, tuple(_facts(runs)), figures=drawn, more=more)


Figures = dict[tuple[str, str], Measured]  # row, column


def _figures(runs: Mapping[str, Folds], data: Recordings) -> Figures:
    """Of what has all folds both columns: on five with the seeds that the rivals have."""
    found: Figures = {}
    for name, one in runs.items():
        found[name, SOME] = one.accuracy(data.five, one.seeds[:RIVAL_SEEDS])
        if one.numbers == data.folds:
            found[name, ALL] = one.accuracy(data.folds)
    return found


def _table(figures: Figures, runs: Mapping[str, Folds], data: Recordings) -> Table:
    lines = tuple(
        Line(
            name,
            published={"accuracy": PUBLISHED["UT-Kinect"]} if name == MAN else {},
            ours={column: figures[row, column] for row, column in figures if row == name},
            group="recipe chosen" if name in map(CHOSEN.format, BOTH) else "",
        )
        for name in runs
    )
    return Table(
        name="utkinect",
        title="UT-Kinect, one sequence left out at a time",
        columns=(Column(ALL), Column(SOME)),
        lines=lines,
        published=("accuracy",),
        verdicts=tuple(judge(claim, figures) for claim in _claims()),
        chance={ALL: 0.1, SOME: 0.1},
        measured=(
            f"{data.sequences} sequences of {len(data.recordings)} recordings, each left out once; "
            f"accuracy over all sequences left out, mean ± standard deviation over seeds. Five "
            f"folds: {data.five_in_words}, {RIVAL_SEEDS} seeds.",
            "MAN and STCM alone: the recipe published for NTU RGB+D at batch 16, 50 epochs, the "
            "last one reported; the plateau is that of the training loss. The others: AdamW, "
            "cosine schedule, 50 epochs, ours. All in bf16-mixed.",
            f"Recipe chosen: for each two people, of {len(CANDIDATES)} candidates the best on "
            f"people of whom the fold tests nobody, and without the two. {IN_WORDS}",
        ),
        notes=(NOTES["second-hand"], NOTES["ablation"]),
    )


def _claims() -> list[Claim]:
    said = []
    for form, words in (("{}", "as published"), (CHOSEN, "recipe chosen")):
        whole, half = ((form.format(name), ALL) for name in (MAN, STCM))
        said.append(
            above(f"memory helps: MAN is above STCM alone, {words}", whole, half, source="abstract")
        )
        said.append(
            Claim(
                f"MAN reaches the published 100 %, to half a point, {words}",
                "published",
                {whole: 1.0},
                constant=-PUBLISHED["UT-Kinect"] / 100,
                near=0.005,
            )
        )
    rivals = [(name, SOME) for name in _RIVALS]
    chosen = (CHOSEN.format(MAN), ALL)
    return [
        *said,
        best("MAN is above every rival, as published", (MAN, SOME), rivals, source="ours"),
        best(
            "MAN is above every rival, recipe chosen",
            (CHOSEN.format(MAN), SOME),
            rivals,
            source="ours",
        ),
        above(
            "the recipe chosen is above the published one, MAN", chosen, (MAN, ALL), source="ours"
        ),
    ]


def _candidates(judged: Judged, chosen: Mapping[str, Mapping[int, str]], data: Recordings) -> Table:
    """Every candidate's accuracy on the people that a group's recipe was chosen by."""
    lines = tuple(
        Line(
            f"{name}, for {' and '.join(data.groups[group - 1])}",
            ours={c: Measured.of_right(judged[name, group, c].right[None]) for c in CANDIDATES},
            note=taken,
            group=name,
        )
        for name, by_group in chosen.items()
        for group, taken in by_group.items()
    )
    return Table(
        name="utkinect-candidates",
        title="Recipes to choose from, on people of whom the folds of a row test nobody",
        columns=tuple(map(Column, CANDIDATES)),
        lines=lines,
        chance=dict.fromkeys(CANDIDATES, 0.1),
        measured=(
            "One training each, on six people, scored on two others. In brackets the recipe that "
            "the row's folds are trained by: most right answers, of several the least loss.",
        ),
    )


def _draw(name: str, found: Folds, classes: tuple[str, ...]) -> Any:
    from actviz.views import confusion_figure

    return confusion_figure(
        found.confusion(),
        classes,
        title=f"{name} on UT-Kinect",
        note=f"Each sequence left out once, {len(found.seeds)} seeds together.",
    )


def _file_name(name: str) -> str:
    return "utkinect-" + name.lower().replace(",", "").replace(" ", "-")


def _facts(runs: Mapping[str, Folds]) -> list[dict[str, Any]]:
    return [
        {"row": name, "fold": number, **one.facts, "test_top1": round(float(one.right.mean()), 6)}
        for name, found in runs.items()
        for (_, number), one in found.runs.items()
    ]
