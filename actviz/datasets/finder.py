"""Which data set a folder holds, told by the names of its files alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from actviz.datasets import hmdb51, ucf101
from actviz.datasets.base import DatasetError

__all__ = ["PARTS", "recognise"]

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}  # word of a folder or a table -> part of the split
_DEPTH = 5
_ENOUGH = 3000  # names to look at
_SIGNS = {  # how the makers name a file
    "ntu": re.compile(r"S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}\.skeleton", re.IGNORECASE),
    "utkinect": re.compile(r"joints_s\d\d_e\d\d\.txt", re.IGNORECASE),
    "sysu": re.compile(r"sklWorld\.mat", re.IGNORECASE),
    "hdm05": re.compile(r"HDM_.+\.(amc|c3d|asf)", re.IGNORECASE),
    "ucf101": re.compile(r"v_[A-Za-z]+_g\d+_c\d+\.avi"),
    "hmdb51": re.compile(r".+_(cm|nm)_np\d+_(fr|ba|le|ri)_(bad|med|goo)_\d+\.avi"),
}


def recognise(root: Path | str) -> str:
    """The key of ``DATASETS`` that ``root`` is: "folder" for a CSV and where nothing else fits.

    A folder with parts (``train``, ``val``, ``test``) is a ``folder``, whatever its files' names.

    Raises:
        DatasetError: nothing is there.
    """
    root = Path(root).expanduser()
    if root.is_file():
        return "folder"
    if not root.is_dir():
        raise DatasetError(f"{root}: expected a folder or a CSV file; there is none.")
    if any(PARTS.get(path.name.lower()) and path.is_dir() for path in root.iterdir()):
        return "folder"
    names = list(islice(_names(root), _ENOUGH))
    for name in ("ntu", "utkinect", "sysu", "hdm05"):
        if any(_SIGNS[name].fullmatch(n) for n in names):
            return name
    for name, find in (("ucf101", ucf101.find_lists), ("hmdb51", hmdb51.find_lists)):
        listed = find(root) is not None
        if listed and any(_SIGNS[name].fullmatch(n) for n in names):
            return name
        if listed and _within(find(root), root):  # the lists alone
            return name
    return "ucf101" if (root / "UCF-101").is_dir() else "folder"


def _within(path: Path | None, root: Path) -> bool:
    return path is not None and path.absolute().is_relative_to(root.absolute())


def _names(root: Path) -> Iterator[str]:
    """Names of the files below ``root``, not too deep, hidden ones left out."""
    for folder, inside, files in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        inside[:] = sorted(n for n in inside if not n.startswith(".")) if depth < _DEPTH else []
        yield from (name for name in files if not name.startswith("."))
