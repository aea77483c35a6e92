"""TMNet's Figure 5: how much should the regression weigh? The paper draws it and prints no figure.

Alpha goes from 0.05 to 1.0 as in the paper; the steps between are ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actviz.experiments.base import Ask, Result
from actviz.experiments.claims import Claim, above, best
from actviz.experiments.tmnet.grid import BRANCHES, Row
from actviz.experiments.tmnet.published import NOTES
from actviz.experiments.tmnet.shared import VISIBLE, by_branch

__all__ = ["ALPHAS", "figure5"]

ALPHAS = (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)
_BEST = 0.8  # the paper's
_DRAWN = {
    "acc@1": "accuracy of a glance at the centre",
    "mAP": "mean class accuracy of the same",
    VISIBLE: "accuracy of glances that show the action",
}


def figure5(ask: Ask) -> Result:
    """Accuracy of each branch over alpha, as a table and drawn."""
    rows = {_name(alpha): Row(settings={"alpha": alpha}) for alpha in ALPHAS}
    nothing = {row: dict.fromkeys(BRANCHES) for row in rows}
    notes = [NOTES["U8"], NOTES["U2"], NOTES["U4"]]
    title = "Weight of the regression in the loss"
    result = by_branch(ask, "figure5", title, rows, nothing, list(rows), _claims, notes)
    return replace(result, figures={"figure5.png": _draw(result, ask)})


def _name(alpha: float) -> str:
    return f"alpha {alpha:g}"


def _claims(rows: tuple[str, ...]) -> list[Claim]:
    top = _name(_BEST)
    said = [
        best(
            f"alpha 0.8 is the best, {branch}",
            (top, branch),
            [(row, branch) for row in rows if row != top],
            source="text",
        )
        for branch in ("RB+CB", "RB", "CB")
    ]
    said += [
        above(
            f"0.8 is above {row.split()[1]}, {branch}",
            (top, branch),
            (row, branch),
            source="text",
        )
        for row in (rows[0], rows[-1])
        for branch in ("RB+CB", "RB")
    ]
    return [
        *said,
        above(
            "RB learns more where its loss weighs 0.8 than where it weighs 0.2",
            (top, "RB"),
            (_name(0.2), "RB"),
            source="ours",
        ),
    ]


def _draw(result: Result, ask: Ask) -> Any:
    """Every branch over alpha, by each measure that is a number of its own."""
    from actviz.views import sweep_figure

    lines = {line.name: line.ours for line in result.tables[0].lines}
    panels: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    for measure, words in _DRAWN.items():
        if measure not in next(iter(lines.values())):
            continue
        curves = {
            b: [lines[f"{_name(alpha)}, {b}"][measure].values for alpha in ALPHAS] for b in BRANCHES
        }
        if measure != "mAP" or curves not in panels.values():  # the same of equally many clips
            panels[words] = curves
    seeds = len(result.seeds)
    return sweep_figure(
        ALPHAS,
        panels,
        x_name="α, weight of the regression loss",
        mark=(_BEST, "the paper's best"),
        title="TMNet-2D by the weight of its regression loss",
        note=f"{ask.scale} scale, {seeds} seed{'s' * (seeds > 1)}: each a small mark, lines their "
        "means",
    )
