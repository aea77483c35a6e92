"""HMDB51: 6,766 clips of 51 actions from films and the web, three official splits.

Kuehne, Jhuang, Garrote, Poggio, Serre: HMDB: A Large Video Database for Human Motion Recognition,
ICCV 2011, https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/. In each
split a class has 70 clips to train on and 30 to test on; what is left is not used.

A clip's name begins with its source film; clips of one film are never parted between training and
validation, whatever their classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from actviz.datasets.base import Dataset, DatasetError, Sample, Split
from actviz.datasets.places import list_lines, lists_near, place_of

__all__ = ["COUNTS", "find_lists", "open_hmdb51"]

COUNTS = {f"split{n}": (3570, 1530) for n in (1, 2, 3)}  # train, test
_LISTS = "testTrainMulti_7030_splits"
_VIDEOS = ("hmdb51", "hmdb51_org", "HMDB51", "videos")
# film _ class _ visible body _ camera motion _ people _ viewpoint _ quality _ number
_NAME = r"(?P<film>.+)_{label}_[a-z]_(cm|nm)_np\d+_(fr|ba|le|ri)_(bad|med|goo)_\d+\.avi"


def open_hmdb51(root: Path, *, lists: Path | None = None) -> Dataset:
    """HMDB51 as its official lists have it, files there or not.

    Args:
        root: holds ``<class>/<name>.avi`` or ``hmdb51/<class>/<name>.avi``.
        lists: folder of the official lists; None looks in and beside ``root``.

    Raises:
        DatasetError: no lists, or a line that is not as the makers publish it.
    """
    root = Path(root)
    folder = Path(lists) if lists is not None else find_lists(root)
    names = [path.name for path in folder.glob("*_test_split1.txt")] if folder else []
    classes = sorted(name.removesuffix("_test_split1.txt") for name in names)
    if folder is None or not classes:
        raise DatasetError(
            f"{folder or root}: expected HMDB51's official lists (brush_hair_test_split1.txt, …) "
            f"in a folder {_LISTS}, in or beside the data; fetch them with `actviz data download "
            "hmdb51`."
        )
    marks = {split: _marks(folder, split, classes) for split in COUNTS}
    place = place_of(root, _VIDEOS, classes)
    labels = {name: name.partition("/")[0] for one in marks.values() for name in one}
    samples = {
        name: _sample(name, place(name), label, classes) for name, label in sorted(labels.items())
    }

    def make_split(split: str) -> Split:
        train, test = (
            tuple(samples[name] for name, mark in marks[split].items() if mark == wanted)
            for wanted in ("1", "2")
        )
        return Split(split, train, test)

    return Dataset(
        name="hmdb51",
        kind="video",
        root=root,
        classes=tuple(classes),
        samples=tuple(sorted(samples.values(), key=lambda s: (s.label, s.key))),
        protocols=tuple(marks),
        make_split=make_split,
    )


def find_lists(root: Path) -> Path | None:
    """The folder of HMDB51's lists in or beside ``root``, where there is one."""
    return lists_near(Path(root), _LISTS, "*_test_split1.txt")


def _marks(folder: Path, split: str, classes: list[str]) -> dict[str, str]:
    """``<class>/<file>`` -> "1" train, "2" test, "0" not used."""
    return {
        name: mark
        for label in classes
        for name, mark in _entries(folder / f"{label}_test_{split}.txt", label)
    }


def _entries(path: Path, label: str) -> Iterator[tuple[str, str]]:
    for where, line in list_lines(path):
        name, _, mark = line.rpartition(" ")
        name = name.strip()
        if not re.fullmatch(_NAME.format(label=re.escape(label)), name) or mark not in (
            "0",
            "1",
            "2",
        ):
            raise DatasetError(
                f"{where}: expected a clip of {label} and 1 (train), 2 (test) or 0 (not used); got "
                f"{line!r}; fetch the official lists anew."
            )
        yield f"{label}/{name}", mark


def _sample(name: str, path: Path, label: str, classes: list[str]) -> Sample:
    found = re.fullmatch(_NAME.format(label=re.escape(label)), name.partition("/")[2])
    assert found is not None
    key = name.removesuffix(".avi")
    return Sample(key=key, path=path, label=classes.index(label), group=found["film"])
