"""Experiments by name: each answers a question of a paper, or of ours, with a table.

result = get_experiment("mam/table2")(Ask(seeds=3))
print(in_words(result.tables[0]))
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from actviz.errors import ActvizError
from actviz.experiments.base import SCALES, Ask, Column, Experiment, Line, Result, Table

__all__ = [
    "EXPERIMENTS",
    "SCALES",
    "Ask",
    "Column",
    "Experiment",
    "Line",
    "Result",
    "Table",
    "get_experiment",
]


def _from(module: str, function: str) -> Callable[[Ask], Result]:
    """``function`` of ``actviz.experiments.<module>``, imported when it is run."""

    def run(ask: Ask) -> Result:
        real = getattr(import_module(f"actviz.experiments.{module}"), function)
        result: Result = real(ask)
        return result

    return run


_TRAINS = ("seeds", "clips", "jobs", "fresh")
_TABLE = ("scale", "data", *_TRAINS)
_MAN_TAKES = ("data", "seeds", "jobs", "fresh")
_MAN_SETS = (
    ("ntu", "MAN on NTU RGB+D: 82.67 % across people and 93.22 % across views, as published?"),
    ("sysu", "MAN on SYSU-3D, 30 halves of either setting: 87.63 % as published?"),
    ("hdm05", "MAN on HDM05, ten folds of 65 classes: 99.04 % as published?"),
)
_TMNET = (  # name, module, function, question
    (
        *("tmnet/table1", "tables", "table1"),
        "TMNet's Table 1: does one glance know more when training saw more frames?",
    ),
    (
        *("tmnet/table2", "tables", "table2"),
        "TMNet's Table 2: how many stages should its branches share?",
    ),
    (
        *("tmnet/table3", "tables", "table3"),
        "TMNet's Table 3: from which third of a clip should training draw the key frame?",
    ),
    (
        *("tmnet/table4", "tables", "table4"),
        "TMNet's Table 4: and where should one glance look?",
    ),
    (
        *("tmnet/table5", "table5", "table5"),
        "TMNet's Table 5: the state of the art as printed, and its three variants built here.",
    ),
    (
        *("tmnet/figure5", "figure5", "figure5"),
        "TMNet's Figure 5: how much should the regression weigh in the loss?",
    ),
)

EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        Experiment(
            "puppets/time-order",
            "Do MAM and MAN know sit down from stand up by the order of time?",
            _from("time_order", "run"),
            takes=("clips",),
        ),
        Experiment(
            "mam/table1",
            "MAM's Table 1: on which groups of actions is MAM above a ConvLSTM?",
            _from("mam.tables", "table1"),
            takes=_TABLE,
        ),
        Experiment(
            "mam/table2",
            "MAM's Table 2: which temporal model is best on RGB, and which on optical flow?",
            _from("mam.tables", "table2"),
            takes=_TABLE,
        ),
        Experiment(
            "mam/table3",
            "MAM's Table 3: with both streams, is MAM above networks like LSTMs?",
            _from("mam.fused_tables", "table3"),
            takes=_TABLE,
        ),
        Experiment(
            "mam/table4",
            "MAM's Table 4: the state of the art as printed, ours beside what is built here.",
            _from("mam.fused_tables", "table4"),
            takes=_TABLE,
        ),
        Experiment(
            "mam/figure3",
            "MAM's Figure 3: of six frames, does it write those that show the action?",
            _from("mam.figure3", "figure3"),
            takes=("data", *_TRAINS),
        ),
        Experiment(
            "mam/ablation",
            "Is each part of MAM's controller worth its place? (argued in the paper, not shown)",
            _from("mam.ablation", "ablation"),
            takes=_TRAINS,
        ),
        Experiment(
            "mam/irrelevant",
            "How many irrelevant frames must a clip have for MAM to beat a plain mean?",
            _from("mam.irrelevant", "irrelevant"),
            takes=_TRAINS,
        ),
        *(
            Experiment(name, question, _from(f"tmnet.{module}", function), takes=_TABLE)
            for name, module, function, question in _TMNET
        ),
        Experiment(
            "tmnet/figure3",
            "TMNet's Figure 3: how much faster and cheaper than TSN, TSM and 3-D networks is it?",
            _from("tmnet.speed", "figure3"),
            takes=(),
        ),
        Experiment(
            "tmnet/figure4",
            "TMNet's Figure 4: what do 1 to 64 frames cost?",
            _from("tmnet.speed", "figure4"),
            takes=(),
        ),
        Experiment(
            "tmnet/figure6",
            "TMNet's Figure 6: does RB see more of what moves, and does its glance know the clip?",
            _from("tmnet.figure6", "figure6"),
            takes=("clips", "data"),
        ),
        Experiment(
            "man/utkinect",
            "MAN on UT-Kinect, each sequence left out once: 100 % as published? Does memory help?",
            _from("man.utkinect", "utkinect"),
            takes=(*_MAN_TAKES, "wide"),
            real=True,
        ),
        *(
            Experiment(
                f"man/{name}",
                question,
                _from("man.sets", name),
                takes=(*_MAN_TAKES, "clips", "wide"),
                real=True,
            )
            for name, question in _MAN_SETS
        ),
        Experiment(
            "man/puppets",
            "MAN on puppet skeletons: above its halves and rivals, on hips alone, backwards?",
            _from("man.puppets", "puppets"),
            takes=_TRAINS,
        ),
        Experiment(
            "man/ablation",
            "Is MAN's attention worth its place, and does it matter which GRU its memory is?",
            _from("man.ablation", "ablation"),
            takes=("data", *_TRAINS),
        ),
        Experiment(
            "man/time",
            "Does MAN's memory help where time is warped, frames are lost or clips are short?",
            _from("man.over_time", "over_time"),
            takes=("data", *_TRAINS),
        ),
    )
}


def get_experiment(name: str) -> Experiment:
    """The experiment called ``name``.

    Raises:
        ActvizError: no such experiment.
    """
    if name not in EXPERIMENTS:
        raise ActvizError(f"experiment must be one of {', '.join(EXPERIMENTS)}; got {name!r}.")
    return EXPERIMENTS[name]
