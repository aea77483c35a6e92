"""Data sets by name: the papers' own, anyone's folder or CSV, and the puppets made here.

data = open_dataset("ucf101", Path("/data/ucf101"))
split = data.split("split1")      # train, test; validation by base.hold_out
data.absent()                     # samples that the lists name and the folder lacks
recognise(Path("/data/mine"))     # "folder"
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from actviz.datasets.base import Dataset, DatasetError, Sample, Split, hold_out
from actviz.datasets.finder import recognise

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetError",
    "Sample",
    "Split",
    "hold_out",
    "open_dataset",
    "recognise",
]


def _opener(module: str, function: str) -> Callable[..., Dataset]:
    """``function`` of ``actviz.datasets.<module>``, imported when it is called."""

    def open_it(root: Path | None, **options: Any) -> Dataset:
        real = getattr(import_module(f"actviz.datasets.{module}"), function)
        known = [name for name in inspect.signature(real).parameters if name != "root"]
        wrong = sorted(set(options) - set(known))
        if wrong:
            raise DatasetError(
                f"{function.removeprefix('open_')} takes the options {', '.join(known) or 'none'}; "
                f"got {', '.join(wrong)}."
            )
        return real(root, **options)

    return open_it


DATASETS: dict[str, Callable[..., Dataset]] = {
    "ucf101": _opener("ucf101", "open_ucf101"),
    "hmdb51": _opener("hmdb51", "open_hmdb51"),
    "ntu": _opener("ntu", "open_ntu"),
    "utkinect": _opener("utkinect", "open_utkinect"),
    "sysu": _opener("sysu", "open_sysu"),
    "hdm05": _opener("hdm05", "open_hdm05"),
    "folder": _opener("folder", "open_folder"),
    "puppets": _opener("puppet_set", "open_puppets"),
}


def open_dataset(name: str, root: Path | str | None = None, **options: Any) -> Dataset:
    """The data set ``name`` at ``root``, from its lists and file names alone.

    Args:
        name: a key of ``DATASETS``.
        root: its folder, or the CSV of a ``folder`` data set; puppets need none.
        options: what the data set's own ``open_…`` takes, such as ``lists`` of UCF101.

    Raises:
        DatasetError: no such data set or option, nothing at ``root``, or broken lists.
    """
    if name not in DATASETS:
        near = get_close_matches(name, DATASETS, n=1)
        raise DatasetError(
            f"the data set must be one of {', '.join(DATASETS)}; got {name!r}"
            + (f": did you mean {near[0]}?" if near else "; for your own clips take folder.")
        )
    if name == "puppets":
        return DATASETS[name](None, **options)
    if root is None:
        raise DatasetError(f"{name} needs to know where it lies: give its folder with --data ROOT.")
    root = Path(root).expanduser()
    if not (root.is_dir() or (name == "folder" and root.is_file())):
        what = "a folder or a CSV file of clips" if name == "folder" else f"a folder with {name}"
        raise DatasetError(f"{root}: expected {what}; there is none, check the name.")
    return DATASETS[name](root, **options)
