"""An evaluation as files: scores in JSON, each clip's logits in CSV, the confusion as CSV, picture.

evaluation.json   every score and interval, what was skipped and why, provenance
answers.csv       key, true class, answer, and the logit of each class, exact: every figure in the
                  JSON can be computed again from it, to the last digit (answers-rb.csv and
                  answers-cb.csv: TMNet's branches)
confusion.csv     counts, row the true class, column the answer
confusion.png     the same as a picture
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError
from actviz.learn.evaluation import Evaluation
from actviz.learn.protocols import VIEWS
from actviz.staging import cannot_write, staged_folder

__all__ = [
    "SCHEMA",
    "check_writable",
    "is_saved",
    "load_evaluation",
    "save_evaluation",
    "views_in_words",
]

SCHEMA = 1
NAME = "evaluation.json"
_ALL = ("answers-rb.csv", "answers-cb.csv", "answers.csv", "confusion.csv", "confusion.png", NAME)
_HEAD = ("key", "label", "answer")


def save_evaluation(evaluation: Evaluation, folder: str | Path) -> Path:
    """Write the files into ``folder``, each whole, evaluation.json last; returns its path.

    Files of these names are replaced, others left alone. On failure nothing new is left behind.

    Raises:
        ActvizError: ``folder`` is a file or cannot be written.
    """
    folder = Path(folder)
    advice = "name another folder with --out."
    try:
        with staged_folder(folder, _ALL, advice=advice) as fresh:
            _write_all(evaluation, fresh)
    except OSError as error:
        raise cannot_write(folder, error, advice) from error
    return folder / NAME


def check_writable(folder: str | Path) -> None:
    """Refuse a place for results before hours are spent on them.

    Raises:
        ActvizError: ``folder`` is a file, or it cannot be written or made.
    """
    folder = Path(folder)
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ActvizError(f"{folder}: cannot be written; name a folder for the results with --out.")


def is_saved(path: str | Path) -> bool:
    """Whether ``path`` is meant as a saved evaluation: a folder, or a file ending in .json."""
    return Path(path).is_dir() or Path(path).suffix.lower() == ".json"


def load_evaluation(path: str | Path) -> Evaluation:
    """Read back what ``save_evaluation`` wrote; ``path`` its folder or its evaluation.json.

    Raises:
        ActvizError: files are missing, damaged, or do not belong together.
    """
    path = Path(path)
    path = path / NAME if path.is_dir() else path
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(said, dict) or said.get("schema") != SCHEMA:
            raise ValueError(f"it is no evaluation of schema {SCHEMA}")
        files = {name: _checked_text(path.with_name(name), sha) for name, sha in _csvs(said)}
        classes = tuple(row["class"] for row in said["classes"])
        keys, labels, logits = _read_answers(files.pop("answers.csv"), classes)
        branches = {
            Path(name).stem.removeprefix("answers-"): _read_answers(text, classes)[2]
            for name, text in files.items()
        }
        return Evaluation(
            keys=keys,
            labels=labels,
            logits=logits,
            classes=classes,
            skipped=said["skipped"],
            part=said["part"],
            views=said["views"]["name"],
            coarse={g: tuple(names) for g, names in said["coarse"].items()},
            branches=branches,
            truth=said["truth"],
            provenance=said["provenance"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ActvizError(
            f"{path}: expected evaluation.json and answers.csv as `actviz evaluate --out` writes "
            f"them ({why:.200})."
        ) from error


def _write_all(evaluation: Evaluation, folder: Path) -> None:
    tables = {"": evaluation.logits} | {f"-{n}": z for n, z in evaluation.branches.items()}
    sums = {}
    for ending, logits in tables.items():
        path = folder / f"answers{ending}.csv"
        _write_answers(path, evaluation, logits)
        sums[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    with (folder / "confusion.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["true class \\ answer", *evaluation.classes])
        rows = zip(evaluation.classes, evaluation.confusion.tolist(), strict=True)
        table.writerows([name, *counts] for name, counts in rows)
    text = json.dumps(_report(evaluation, sums), indent=1, allow_nan=False, ensure_ascii=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")
    draw(evaluation, folder / "confusion.png")


def _report(evaluation: Evaluation, sums: dict[str, str]) -> dict[str, Any]:
    facts = dict(evaluation.provenance)
    return {
        "schema": SCHEMA,
        "dataset": facts.get("dataset", ""),
        "protocol": facts.get("protocol", ""),
        "part": evaluation.part,
        "views": {"name": evaluation.views, "words": views_in_words(evaluation.views)},
        "clips": len(evaluation),
        "scores": evaluation.scores(),
        "classes": evaluation.class_table(),
        "coarse": {group: list(names) for group, names in evaluation.coarse.items()},
        "skipped": dict(evaluation.skipped),
        "truth": dict(evaluation.truth),
        "sha256": sums,
        "provenance": facts,
    }


def views_in_words(name: str) -> str:
    """What a clip was looked at by, in words; several joined by "+" where answers were fused."""
    return "; ".join(VIEWS[n].words if n in VIEWS else n for n in name.split("+"))


def draw(evaluation: Evaluation, path: Path) -> None:
    """The confusion matrix as a picture."""
    from actviz.views.confusion import confusion_figure

    facts = evaluation.provenance
    scores = evaluation.scores()
    low, high = scores["intervals"]["top1"]
    weights = " + ".join(f"{w['name']} ({w['trained_on']})" for w in facts.get("weights", ()))
    protocol = " ".join(str(facts[k]) for k in ("dataset", "protocol") if facts.get(k))
    note = (
        f"weights: {weights or 'not named'} · {protocol} {evaluation.part}, "
        f"{views_in_words(evaluation.views)} · {len(evaluation):,} clips, "
        f"{len(evaluation.skipped):,} skipped · "
        f"top-1 {scores['top1']:.1%} ({low:.1%} to {high:.1%})"
    )
    title = f"What is taken for what: {protocol or evaluation.part}"
    figure = confusion_figure(evaluation.confusion, evaluation.classes, title=title, note=note)
    figure.savefig(path, dpi=110)


def _write_answers(path: Path, evaluation: Evaluation, logits: NDArray[np.float32]) -> None:
    """One row per clip; a logit's decimals give the same float32, and the same float64, back."""
    names, answers = evaluation.classes, logits.argmax(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*_HEAD, *names])
        for row, key in enumerate(evaluation.keys):
            said = (key, names[evaluation.labels[row]], names[answers[row]])
            table.writerow([*said, *(repr(float(z)) for z in logits[row])])


def _read_answers(
    text: str, classes: tuple[str, ...]
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float32]]:
    head, *rows = csv.reader(text.splitlines(keepends=True))
    if tuple(head) != (*_HEAD, *classes):
        raise ValueError("the columns of its answers are not those of its classes")
    place = {name: k for k, name in enumerate(classes)}
    labels = np.array([place[row[1]] for row in rows], dtype=np.int64)
    logits = np.array([[float(z) for z in row[3:]] for row in rows], dtype=np.float32)
    return tuple(row[0] for row in rows), labels, logits


def _csvs(said: dict[str, Any]) -> list[tuple[str, str]]:
    named = said["sha256"].items()
    return [(n, s) for n, s in named if n in _ALL and n.startswith("answers")]


def _checked_text(path: Path, sha256: str) -> str:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path.name} is not the one that belongs to it")
    return content.decode("utf-8")
