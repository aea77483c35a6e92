"""Where the real data of a table lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from actviz.errors import ActvizError

__all__ = ["SPLITS", "coarse_of", "find_data"]

SPLITS = ("split1", "split2", "split3")
_NAMES = {"ucf101": "UCF101", "hmdb51": "HMDB51"}


def find_data(root: Path | None, *, need: str = "") -> dict[str, Path]:
    """UCF101 and HMDB51 at ``root``, which is one of them or a folder that holds them.

    Raises:
        ActvizError: ``need``, or with "" either, is not there.
    """
    wanted = _NAMES.get(need, "UCF101 or HMDB51")
    if root is None:
        raise ActvizError(
            f"--scale paper trains on {wanted}; say where it is with --data ROOT, its folder or "
            "one that holds both."
        )
    if not root.is_dir():
        raise ActvizError(f"{root}: expected the folder of {wanted}; there is none.")
    from actviz.datasets import recognise

    found: dict[str, Path] = {}
    for place in (root, *sorted(p for p in root.iterdir() if p.is_dir())):
        name = recognise(place)
        if name in _NAMES and name not in found and not _known_above(place, found):
            found[name] = place
    if not found or (need and need not in found):
        raise ActvizError(
            f"{root}: expected {wanted}, its videos and split lists; there is none "
            "(`actviz data check ROOT` tells what is in a folder)."
        )
    return {name: found[name] for name in _NAMES if name in found}


def coarse_of(name: str, root: Path) -> Mapping[str, Sequence[str]]:
    """Coarse groups of the classes that are there and, beside them, each under its own name."""
    from actviz.datasets import open_dataset

    data = open_dataset(name, root)
    there = {g: tuple(c for c in some if c in data.classes) for g, some in data.coarse.items()}
    return {**there, **{c: (c,) for c in data.classes}}


def _known_above(place: Path, found: Mapping[str, Path]) -> bool:
    return any(place.is_relative_to(p) and place != p for p in found.values())
