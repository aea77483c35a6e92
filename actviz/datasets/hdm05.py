"""HDM05 (Müller et al., 2007): 2,337 motions of five people, cut and named, at 120 Hz.

Files are called ``HDM_<actor>_<motion>_<number>_120``, ``.amc`` beside their ``.asf``, ``.c3d``, or
``.npz`` made of either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from actviz.datasets.base import Dataset, DatasetError, Sample, Split
from actviz.datasets.hdm05_motions import MERGED, MOTIONS, merged

__all__ = ["FOLDS", "OFFICIAL_COUNT", "open_hdm05"]

OFFICIAL_COUNT = 2337  # sequences of the 130 kinds
FOLDS = 10
_SUFFIXES = (".amc", ".npz", ".c3d")  # the earlier one is taken where a motion has several
_NAME = re.compile(r"HDM_([a-z]+)_(.+?)_(\d+)(?:_120)?", re.IGNORECASE | re.ASCII)
_MOTION_OF = {motion.lower(): motion for motion in MOTIONS}


def open_hdm05(root: Path, classes: int = 65) -> Dataset:
    """HDM05's cut motions anywhere below ``root``.

    Protocols: ``10-fold/01`` to ``/10``: a tenth of each class is tested on. The folds are drawn by
    us, since none are published.

    Args:
        classes: 65, merged by name (``hdm05_motions.merged``), or the 130 motions as they are.

    Raises:
        DatasetError: another number of classes, no such folder, or no such file in it.
    """
    root = Path(root)
    if classes not in (len(MERGED), len(MOTIONS)):
        raise DatasetError(f"hdm05 has 65 classes, merged, or 130; got {classes}.")
    names = MERGED if classes == len(MERGED) else MOTIONS
    files, notes = _files(root)
    samples = tuple(
        Sample(
            key=f"{motion}/{path.stem}",
            path=path,
            label=names.index(merged(motion) if names is MERGED else motion),
            group=f"{actor} {motion}",  # repetitions; a whole actor of five would be too much
        )
        for (motion, _), (actor, path) in sorted(files.items())
    )
    if len(samples) != OFFICIAL_COUNT:
        notes.append(f"{len(samples)} of the published 2,337 sequences are here.")
    return Dataset(
        name="hdm05",
        kind="skeleton",
        root=root,
        classes=names,
        samples=samples,
        protocols=tuple(f"10-fold/{n:02}" for n in range(1, FOLDS + 1)),
        make_split=lambda protocol: _split(protocol, samples),
        layout="hdm05-31",
        notes=(*notes, "The ten folds are drawn by us; none are published.", *_on_merge(names)),
    )


def _on_merge(names: Sequence[str]) -> list[str]:
    if len(names) != len(MERGED):
        return []
    return [
        "The 65 classes are merged by name; which two pairs join beside repetitions and starts "
        "(throwing high and low, sitting and standing) is our inference."
    ]


def _files(root: Path) -> tuple[dict[tuple[str, str], tuple[str, Path]], list[str]]:
    """(motion, name without ending) -> actor and file; and what was left out in words."""
    files: dict[tuple[str, str], tuple[str, Path]] = {}
    uncut: list[str] = []
    for path in sorted(root.rglob("HDM_*"), key=lambda p: _rank(p)):
        if path.suffix.lower() not in _SUFFIXES:
            continue
        match = _NAME.fullmatch(path.stem)
        motion = _motion(match[2] if match else "", path.parent.name)
        if match is None or motion is None:
            uncut.append(path.name)
        else:
            files.setdefault((motion, path.stem.lower()), (match[1].lower(), path))
    if not files:
        raise DatasetError(
            f"{root}: expected HDM05's cut motions such as HDM_bd_grabHighR_001_120.amc; found "
            + (f"none of the 130 kinds, but {uncut[0]}." if uncut else "none.")
        )
    notes = []
    if uncut:
        notes.append(
            f"{len(uncut)} files are none of the 130 cut motions, such as {uncut[0]}; left out."
        )
    return files, notes


def _rank(path: Path) -> tuple[int, str]:
    suffix = path.suffix.lower()
    return (_SUFFIXES.index(suffix) if suffix in _SUFFIXES else len(_SUFFIXES), str(path))


def _motion(named: str, folder: str) -> str | None:
    """One of the 130 kinds, by the file's name or else by its folder's."""
    return _MOTION_OF.get(named.lower()) or _MOTION_OF.get(folder.lower())


def _split(protocol: str, samples: tuple[Sample, ...]) -> Split:
    """The samples of each class dealt onto ten folds in an order that never changes."""
    wanted = int(protocol.rpartition("/")[2]) - 1
    rng = np.random.default_rng(5)
    tested: set[str] = set()
    dealt = 0
    for label in sorted({s.label for s in samples}):
        keys = sorted(s.key for s in samples if s.label == label)
        for key in rng.permutation(keys).tolist():
            if dealt % FOLDS == wanted:
                tested.add(key)
            dealt += 1
    return Split(
        protocol,
        tuple(s for s in samples if s.key not in tested),
        tuple(s for s in samples if s.key in tested),
    )
