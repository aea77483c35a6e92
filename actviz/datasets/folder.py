"""Anyone's own clips: folders named after their classes, or one table of paths and labels.

ROOT/train/<class>/<file>, ROOT/val/…, ROOT/test/…   parts made by hand (val and test may be absent)
ROOT/<class>/<file>                                   no parts: all is for training
ROOT.csv: path,label,split[,group]                    paths relative to the table

Videos or skeletons, told by their endings, not both. Folders within a class folder are read too.
Skeletons whose people are known, by the table or by their names, have protocols by people as well.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from actviz.clip.skeleton import SKELETON_SUFFIXES
from actviz.datasets.base import Dataset, DatasetError, Kind, Sample, Split, natural
from actviz.datasets.finder import PARTS
from actviz.datasets.people import (
    CROSS,
    LEAVE_OUT,
    people_in,
    protocols_by_people,
    split_by_people,
)
from actviz.datasets.table import VIDEO_SUFFIXES, read_table

__all__ = ["open_folder"]

_CLUTTER = frozenset(("thumbs.db", "desktop.ini", "icon\r"))
_UNSAFE = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_LAYOUTS = {".skeleton": "ntu-25", ".txt": "kinect-20"}  # an .npz brings its own
_ALL = "No folders train, val, test: all is for training."
_FORM = "train/<class>/<file>, val/… and test/…, or <class>/<file>, or one CSV of path,label,split"


@dataclass(frozen=True)
class _Clip:
    path: Path
    name: str  # as its folder or table has it, with forward slashes
    label: str
    part: str
    group: str = ""


def open_folder(root: Path) -> Dataset:
    """The clips of a folder, or of a CSV; files that a CSV lists need not be there.

    The classes are those of the training part, in natural order ("take 2" before "take 10").
    Without a training part they are those that there are, and nothing can be trained.

    Raises:
        DatasetError: nothing to be found, a broken table, videos and skeletons in one data set, or
            a class that has no training clip.
    """
    root = Path(root)
    if root.is_file():
        return _dataset(root, root.parent, _from_table(root), ())
    clips, notes = _from_tree(root)
    tables = sorted(path for path in root.glob("*.csv") if not path.name.startswith("."))
    if len(tables) == 1 and len({clip.label for clip in clips}) < 2:  # all lie in one folder
        notes = tuple(note for note in notes if note != _ALL)
        return _dataset(tables[0], root, _from_table(tables[0]), notes)
    return _dataset(root, root, clips, notes)


def _from_table(table: Path) -> list[_Clip]:
    rows = read_table(table)
    return [_Clip(table.parent / r.path, r.path, r.label, r.part, r.group) for r in rows]


def _from_tree(root: Path) -> tuple[list[_Clip], tuple[str, ...]]:
    """The clips in folders, and what was left out, in words."""
    tops = _subfolders(root)
    parts = [folder for folder in tops if PARTS.get(folder.name.lower()) and _subfolders(folder)]
    found = [
        (path, label.name, PARTS[part.name.lower()])
        for part in parts
        for label in _subfolders(part)
        for path in _files(label)
    ]
    if not parts:
        found = [(path, label.name, "train") for label in tops for path in _files(label)]
    clips = [
        _Clip(path, path.relative_to(root).as_posix(), label, part)
        for path, label, part in found
        if path.suffix.lower() in VIDEO_SUFFIXES.union(SKELETON_SUFFIXES)
    ]
    clips = _without_texts(clips)
    taken = {clip.path for clip in clips}
    notes = [] if parts or not clips else [_ALL]
    left = Counter(path.suffix.lower() or "no ending" for path, _, _ in found if path not in taken)
    if left and clips:
        kinds = ", ".join(f"{n} × {ending}" for ending, n in sorted(left.items()))
        notes.append(f"Left out as neither video nor skeleton: {kinds}.")
    beside = [f.name for f in tops if parts and f not in parts and any(map(_is_video, _files(f)))]
    if beside:
        notes.append(f"Left out, beside {', '.join(p.name for p in parts)}: {', '.join(beside)}.")
    return clips, tuple(notes)


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def _without_texts(clips: list[_Clip]) -> list[_Clip]:
    """Without notes people keep beside clips: a .txt is a skeleton by name, or where all are."""
    sure = [c for c in clips if c.path.suffix.lower() != ".txt" or c.path.match("joints_*.txt")]
    return sure or clips


def _subfolders(folder: Path) -> list[Path]:
    inside = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted((path for path in inside if path.is_dir()), key=lambda p: natural(p.name))


def _files(folder: Path) -> Iterator[Path]:
    """Files below ``folder`` in natural order, hidden ones and system clutter left out."""
    for here, inside, names in os.walk(folder):
        inside[:] = sorted((n for n in inside if not n.startswith(".")), key=natural)
        for name in sorted(names, key=natural):
            if not name.startswith(".") and name.lower() not in _CLUTTER:
                yield Path(here, name)


def _dataset(source: Path, root: Path, clips: Sequence[_Clip], notes: tuple[str, ...]) -> Dataset:
    if not clips:
        raise DatasetError(f"{source}: expected clips as {_FORM}; found no video and no skeleton.")
    kind = _kind(source, clips)
    if kind == "skeleton":
        clips, told = _with_people(clips)
        notes += told
    trained = {clip.label for clip in clips if clip.part == "train"}
    if not trained:
        notes += ("No training part: these clips can be evaluated on, not trained on.",)
    classes = sorted(trained or {clip.label for clip in clips}, key=natural)
    for clip in clips:
        if clip.label not in classes:
            raise DatasetError(
                f"{source}: expected every class in the training part; got {clip.label} only in "
                f"{clip.part} ({clip.name}); add training clips of it or leave it out."
            )
    keys = _keys([clip.name for clip in clips])
    parts: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    for clip, key in zip(clips, keys, strict=True):
        sample = Sample(key, clip.path, classes.index(clip.label), clip.group)
        parts[clip.part].append(sample)
    train, val, test = (tuple(parts[part]) for part in ("train", "val", "test"))
    every = (*train, *val, *test)
    by_people = protocols_by_people(every) if kind == "skeleton" else ()

    def make_split(name: str) -> Split:
        given = Split(name, train, test, val)
        return split_by_people(name, every) if name in by_people else given

    endings = {clip.path.suffix.lower() for clip in clips}
    return Dataset(
        name="folder",
        kind=kind,
        root=root,
        classes=tuple(classes),
        samples=every,
        protocols=("given", *by_people),
        make_split=make_split,
        layout=_LAYOUTS.get(next(iter(endings))) if len(endings) == 1 else None,
        notes=notes,
    )


def _with_people(clips: Sequence[_Clip]) -> tuple[Sequence[_Clip], tuple[str, ...]]:
    """Clips with the people in them as groups, where their table or their names tell them."""
    named = "the table"
    if not any(clip.group for clip in clips):
        named = "file names"
        people = people_in([clip.name.rpartition(clip.label + "/")[2] for clip in clips])
        clips = [replace(clip, group=who) for clip, who in zip(clips, people, strict=True)]
    groups = {clip.group for clip in clips}
    if "" in groups or len(groups) < 2:
        return clips, ()
    return clips, (
        f"{len(groups)} people, told by {named}: protocols {CROSS} (odd numbers train, even ones "
        f"test) and {LEAVE_OUT}<person> are there beside given.",
    )


def _kind(source: Path, clips: Sequence[_Clip]) -> Kind:
    skeletons = [clip.name for clip in clips if clip.path.suffix.lower() in SKELETON_SUFFIXES]
    if not skeletons:
        return "video"
    if len(skeletons) == len(clips):
        return "skeleton"
    video = next(clip.name for clip in clips if clip.name not in set(skeletons))
    raise DatasetError(
        f"{source}: expected videos or skeletons; got {len(clips) - len(skeletons)} videos "
        f"({video}, …) and {len(skeletons)} skeletons ({skeletons[0]}, …): make two data sets."
    )


def _keys(names: Sequence[str]) -> list[str]:
    """One safe relative path per clip, unique on systems that ignore case too.

    The name without its ending; with it where two clips differ in nothing else; a digest of the
    name added where even that is not enough.
    """
    safe = [_safe(name) or "_" for name in _within(names)]
    bare = [str(Path(key).with_suffix("").as_posix()) for key in safe]
    shared = Counter(key.casefold() for key in bare)
    keys = [b if shared[b.casefold()] == 1 else s for b, s in zip(bare, safe, strict=True)]
    taken = Counter(key.casefold() for key in keys)
    return [
        key if taken[key.casefold()] == 1 else f"{key}-{hashlib.sha256(n.encode()).hexdigest()[:8]}"
        for key, n in zip(keys, names, strict=True)
    ]


def _within(names: Sequence[str]) -> list[str]:
    """Names without the folder that all absolute ones share: wherever it is, keys stay the same."""
    absolute = [bool(re.match("/|[A-Za-z]:/", name)) for name in names]
    bare = [name.lstrip("/") for name in names]
    folders = [name.rpartition("/")[0] for name, far in zip(bare, absolute, strict=True) if far]
    home = posixpath.commonpath(folders) if folders else ""
    return [n.removeprefix(home) if far else n for n, far in zip(bare, absolute, strict=True)]


def _safe(name: str) -> str:
    """A relative path without what some system forbids in names."""
    pieces = []
    for piece in unicodedata.normalize("NFC", name).replace("\\", "/").split("/"):
        if piece not in ("", ".", ".."):
            piece = _UNSAFE.sub("_", piece).rstrip(" .") or "_"
            pieces.append("_" + piece[1:] if piece.startswith(".") else piece)
    return "/".join(pieces)
