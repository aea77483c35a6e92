"""Run folders compared, bit for bit."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from actviz.learn.checkpoints import load_checkpoint


def rows_of(run: Path) -> list[dict[str, str]]:
    """``metrics.csv`` without the seconds, which no two runs have alike."""
    with (run / "metrics.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested dicts and lists as names and leaves."""
    if isinstance(value, dict | list | tuple):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inner:
            yield from flat(part, f"{name}.{key}")
    else:
        yield name, value


def differences(run: Path, other: Path) -> list[str]:
    """What the two folders do not have alike: weights, optimiser, progress, figures, card."""
    one, two = (
        dict(flat(torch.load(folder / "last.ckpt", weights_only=True))) for folder in (run, other)
    )
    found = sorted(one.keys() ^ two.keys())
    for name in (one.keys() & two.keys()) - {".actviz_card.commit"}:
        a, b = one[name], two[name]
        if not (torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b):
            found.append(name)
    if rows_of(run) != rows_of(other):
        found.append("metrics.csv")
    unlike = {"commit": "", "weights_sha256": ""}  # of the file, in which the commit is
    best, second = (load_checkpoint(folder / "best.safetensors") for folder in (run, other))
    state = second.model.state_dict()
    found += [k for k, v in best.model.state_dict().items() if not torch.equal(v, state[k])]
    if replace(best.card, **unlike) != replace(second.card, **unlike):
        found.append("best.json")
    names = [{p.name for p in folder.iterdir()} for folder in (run, other)]
    return found + sorted(names[0] ^ names[1])
