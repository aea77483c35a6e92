"""TMNet's Figure 5: how much should the regression weigh? The paper draws it and prints no figure.

Alpha goes from 0.05 to 1.0 as in the paper; the steps between are ours.

On puppets the other tables are trained with AdamW, which divides each weight's gradient by its own
size: RB's weights, whose only gradient is that of the regression, then learn alike whatever alpha
is, and the shared base alone can tell. So the sweep is trained with SGD, as the paper trains; the
same sweep with AdamW stands below it.
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
_SGD = {"optimiser": "sgd", "learning_rate": 0.01, "weight_decay": 5e-4}  # the paper's rate
_ADAMW = "AdamW"
_OPTIMISERS = (
    "Trained with SGD, rate 0.01, as at paper scale (Tables 1 to 4: AdamW). With AdamW, which "
    "divides every weight's gradient by its size, RB's own weights do not feel alpha at all; that "
    "sweep is below and not judged."
)
_DRAWN = {
    "acc@1": "accuracy of a glance at the centre",
    "mAP": "mean class accuracy of the same",
    VISIBLE: "accuracy of glances that show the action",
}


def figure5(ask: Ask) -> Result:
    """Accuracy of each branch over alpha, as a table and drawn."""
    small = ask.scale == "puppets"
    rows = {_name(a): Row(settings={"alpha": a} | (_SGD if small else {})) for a in ALPHAS}
    if small:
        rows |= {_name(a, _ADAMW): Row(settings={"alpha": a}) for a in ALPHAS}
    nothing = {row: dict.fromkeys(BRANCHES) for row in rows}
    notes = [NOTES["U8"], NOTES["U2"], NOTES["U4"]]
    title = "Weight of the regression in the loss"
    result = by_branch(ask, "figure5", title, rows, nothing, list(rows), _claims, notes)
    if small:
        table = result.tables[0]
        result = replace(result, tables=(replace(table, measured=(*table.measured, _OPTIMISERS)),))
    return replace(result, figures={"figure5.png": _draw(result, ask)})


def _name(alpha: float, optimiser: str = "") -> str:
    return f"alpha {alpha:g}" + (f", {optimiser}" if optimiser else "")


def _claims(rows: tuple[str, ...]) -> list[Claim]:
    rows = tuple(row for row in rows if not row.endswith(_ADAMW))
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
    seeds, by = len(result.seeds), ", SGD" if ask.scale == "puppets" else ""
    return sweep_figure(
        ALPHAS,
        panels,
        x_name="α, weight of the regression loss",
        mark=(_BEST, "the paper's best"),
        title="TMNet-2D by the weight of its regression loss",
        note=f"{ask.scale.capitalize()} scale{by}, {seeds} seed{'s' * (seeds > 1)}: each a small "
        "mark, lines join their means",
    )
