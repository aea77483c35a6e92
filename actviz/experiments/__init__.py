"""Experiments by name: each measures one claim and returns its figures as a table.

The tables and figures of the papers join this dictionary as their models are built in full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actviz.errors import ActvizError
from actviz.experiments.time_order import time_order

__all__ = ["EXPERIMENTS", "Experiment", "Row", "get_experiment"]

Row = dict[str, Any]  # column -> value


@dataclass(frozen=True)
class Experiment:
    """A question, and the function that answers it."""

    name: str
    question: str
    run: Callable[..., list[Row]]  # (clips=..., progress=...) -> rows


EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        Experiment(
            "puppets/time-order",
            "Do MAM and MAN know sit down from stand up by the order of time?",
            time_order,
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
