"""A result in words and as files: one JSON and one Markdown file for each table, figures as PNG."""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from actviz.experiments.base import Column, Experiment, Line, Result, Table
from actviz.experiments.claims import Verdict
from actviz.experiments.statistics import RULE, Measured
from actviz.staging import cannot_write, staged_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["as_printed", "by_how_much", "in_words", "provenance", "save_result", "table_json"]

_SCHEMA = 1
_MARKS = {"holds": "+", "does not hold": "-", "within the spread": "=", "not measured": " "}


def save_result(
    result: Result, experiment: Experiment, folder: Path, facts: Mapping[str, Any]
) -> list[Path]:
    """Write the files into ``folder``, all together or not at all; returns their paths.

    Raises:
        ActvizError: ``folder`` cannot be written.
    """
    names = [f"{t.name}{ending}" for t in result.tables for ending in (".md", ".json")]
    names = [*result.figures, *names]
    advice = "name another folder with --out."
    try:
        with staged_folder(folder, names, advice=advice) as fresh:
            for name, figure in result.figures.items():
                _save_png(figure, fresh / name)
            for table in result.tables:
                told = table_json(table, result, experiment, facts)
                text = json.dumps(told, indent=1, allow_nan=False, ensure_ascii=False)
                (fresh / f"{table.name}.json").write_text(text + "\n", encoding="utf-8")
                words = _page(table, experiment, facts)
                (fresh / f"{table.name}.md").write_text(words, encoding="utf-8")
    except OSError as error:
        raise cannot_write(folder, error, advice) from error
    return [folder / name for name in names]


def _save_png(figure: Figure, path: Path) -> None:
    """As small as a PNG is without loss: no transparency, which is everywhere the same, and packed.

    A palette would take a quarter of it, but its 256 colours put steps into heat over frames.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    Image.open(drawn).convert("RGB").save(path, "PNG", optimize=True)


def table_json(
    table: Table, result: Result, experiment: Experiment, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything of one table, as JSON takes it; figures in the unit of their column."""
    units = {column.name: column for column in table.columns}
    rows = [
        {
            "row": line.name,
            **({"group": line.group} if line.group else {}),
            **({"published": dict(line.published)} if line.published else {}),
            "ours": {n: f.to_json(units[n].scale) for n, f in line.ours.items()},
            **({"note": line.note} if line.note else {}),
        }
        for line in table.lines
    ]
    return {
        "schema": _SCHEMA,
        "experiment": experiment.name,
        "question": experiment.question,
        "title": table.title,
        "columns": {column.name: column.unit for column in table.columns},
        "rows": rows,
        "chance": {n: round(v * units[n].scale, 6) for n, v in table.chance.items()},
        "measured": list(table.measured),
        "claims": [verdict.to_json() for verdict in table.verdicts],
        "rule": RULE if table.verdicts else "",
        "notes": list(table.notes),
        "provenance": {**facts, "seeds": list(result.seeds)},
        "trainings": [dict(t) for t in result.trainings],
        **result.more,
    }


def provenance(command: str, scale: str) -> dict[str, Any]:
    """Command, code, machine and versions."""
    import torch

    from actviz.learn.runs import git_commit
    from actviz.trace.provenance import versions

    return {
        "command": command,
        "scale": scale,
        "commit": git_commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(torch),
        "versions": versions(),
    }


def in_words(table: Table) -> str:
    """The table for a terminal: figures beside the published ones, claims, notes."""
    parts = [table.title, "", _plain(_grid(table)), ""]
    parts += [f"  {said}" for said in table.measured]
    if table.verdicts:
        parts += ["", "Claims:", *(f"  {_claim(v)}" for v in table.verdicts)]
    if table.notes:
        parts += ["", "Notes:", *(f"  {note}" for note in table.notes)]
    return "\n".join(parts)


def _page(table: Table, experiment: Experiment, facts: Mapping[str, Any]) -> str:
    """The same as Markdown."""
    head, *rows = _grid(table)
    lines = [f"# {experiment.name}: {table.title}", ""]
    lines += [_bar(head), _bar(["---"] * len(head)), *map(_bar, rows), ""]
    lines += [*(f"{said}" for said in table.measured), ""] if table.measured else []
    if table.verdicts:
        lines += ["## Claims", "", _bar(["claim", "source", "verdict", "difference"])]
        lines += [_bar(["---"] * 4), *(_bar(_claim_cells(v)) for v in table.verdicts), "", RULE, ""]
    if table.notes:
        lines += ["## Notes", "", *(f"- {note}" for note in table.notes), ""]
    where = f"`{facts['command']}`, commit {facts['commit'][:12] or 'unknown'}, {facts['machine']}"
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    return "\n".join([*lines, f"{where}; {versions}; {facts['date']}.", ""])


def _grid(table: Table) -> list[list[str]]:
    """Head and rows as texts."""
    head = ["", *(f"published {name}" for name in table.published)]
    head += [_headed(column) for column in table.columns]
    rows = [_row(line, table) for line in table.lines]
    if table.chance:
        told = [_number(table.chance.get(c.name), c) for c in table.columns]
        rows.append(["chance", *([""] * len(table.published)), *told])
    return [head, *rows]


def _headed(column: Column) -> str:
    return f"{column.name}, %" if column.unit == "%" else column.name


def _row(line: Line, table: Table) -> list[str]:
    name = f"{line.name} ({line.note})" if line.note else line.name
    printed = [as_printed(line.published.get(name)) for name in table.published]
    return [name, *printed, *(_cell(line.ours.get(c.name), c) for c in table.columns)]


def as_printed(value: float | None) -> str:
    """A published figure with the decimals it was printed with, at least one."""
    if value is None:
        return ""
    return f"{value:.1f}" if round(value, 1) == value else f"{value:.2f}"


def _cell(figure: Measured | None, column: Column) -> str:
    if figure is None:
        return ""
    mean = _number(figure.mean, column)
    return mean if figure.sd is None else f"{mean} ± {_number(figure.sd, column)}"


def _number(share: float | None, column: Column) -> str:
    if share is None or share != share:
        return ""
    return f"{share * column.scale:.{column.digits}f}"


def _plain(grid: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = []
    for row in grid:
        first, *rest = (text.rjust(w) for text, w in zip(row, widths, strict=True))
        lines.append("  ".join([first.strip().ljust(widths[0]), *rest]).rstrip())
    return "\n".join(lines)


def _bar(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _claim(verdict: Verdict) -> str:
    words, source, said, difference = _claim_cells(verdict)
    told = f"{said}: {difference}" if difference else said
    return f"[{_MARKS[verdict.verdict]}] {words} ({source}) - {told}"


def _claim_cells(verdict: Verdict) -> list[str]:
    told = verdict.to_json()
    if "difference" not in told:
        return [told["claim"], told["source"], told["verdict"], ""]
    return [told["claim"], told["source"], told["verdict"], by_how_much(told)]


def by_how_much(told: Mapping[str, Any]) -> str:
    """A claim's difference with its standard error, unit and rival, as its JSON has them."""
    digits = 1 if told["unit"] == "points" else 3
    error = told["standard_error"]
    size = f"{told['difference']:+.{digits}f}"
    size += "" if error is None else f" ± {error:.{digits}f}"
    against = f" against {told['against']}" if "against" in told else ""
    unit = "" if told["unit"] == "0-1" else f" {told['unit']}"
    return f"{size}{unit}{against}"


def _machine(torch: Any) -> str:
    """The machine in words, without its name."""
    import os

    cores = f"{platform.machine()}, {os.cpu_count()} cores"
    if torch.cuda.is_available():
        return f"{cores}, {torch.cuda.get_device_name(0)}"
    return f"{cores}, no GPU"
