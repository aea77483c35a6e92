"""Results that were measured before and are kept in ``results/``, read back for notebooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actviz.errors import ActvizError
from actviz.experiments.report import as_printed, by_how_much

__all__ = ["RESULTS", "Stored", "stored"]

RESULTS = Path(__file__).resolve().parents[2] / "results"
_DIGITS = {"%": 1, "0-1": 3, "items": 1, "s": 1}


@dataclass(frozen=True)
class Stored:
    """One table as ``actviz reproduce`` wrote it; figures in the unit of their column."""

    told: Mapping[str, Any]  # the JSON

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """Rows with what the paper printed (``published``) and what was measured (``ours``)."""
        return list(self.told["rows"])

    @property
    def claims(self) -> list[Mapping[str, Any]]:
        """What is claimed, and whether it holds here."""
        return list(self.told["claims"])

    def table(self) -> str:
        """The table in Markdown: published figures beside ours, mean ± spread over seeds."""
        units = self.told["columns"]
        printed = list(dict.fromkeys(n for row in self.rows for n in row.get("published", {})))
        head = ["", *(f"published {name}" for name in printed)]
        head += [f"{name}, %" if unit == "%" else name for name, unit in units.items()]
        lines = [head, ["---"] * len(head)]
        for row in self.rows:
            told = [row.get("published", {}).get(name) for name in printed]
            cells = [as_printed(value) for value in told]
            cells += [_figure(row["ours"].get(name), unit) for name, unit in units.items()]
            note = f" ({row['note']})" if "note" in row else ""
            lines.append([row["row"] + note, *cells])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def verdicts(self) -> str:
        """The claims in Markdown, each with its verdict."""
        return "\n".join(
            f"- {claim['claim']} ({claim['source']}): **{claim['verdict']}**"
            + (f", {by_how_much(claim)}" if "difference" in claim else "")
            for claim in self.claims
        )

    def source(self) -> str:
        """By which command, at which commit and with which seeds this was measured."""
        facts = self.told["provenance"]
        seeds = ", ".join(map(str, facts["seeds"])) or "none"
        commit = facts["commit"][:12] or "unknown"
        return f"`{facts['command']}`, commit {commit}, seeds {seeds}"


def _figure(told: Mapping[str, Any] | None, unit: str) -> str:
    if told is None:
        return ""
    digits = _DIGITS[unit]
    spread = "" if told["sd"] is None else f" ± {told['sd']:.{digits}f}"
    return f"{told['mean']:.{digits}f}{spread}"


def stored(experiment: str, *, folder: Path = RESULTS) -> Stored:
    """The result of ``mam/table2`` and the like, as it lies in ``results/``.

    Raises:
        ActvizError: none is there, or it is none.
    """
    path = folder / f"{experiment}.json"
    if not path.is_file():
        raise ActvizError(
            f"no result of {experiment} is stored in {folder.name}/; make it with `actviz "
            f"reproduce {experiment} --out {folder.name}/{Path(experiment).parent}`."
        )
    told = json.loads(path.read_text(encoding="utf-8"))
    if not {"rows", "columns", "claims", "provenance"} <= set(told):
        raise ActvizError(f"{path}: expected a table as `actviz reproduce` writes it.")
    return Stored(told)
