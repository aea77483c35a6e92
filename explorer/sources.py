"""What can be looked at: the bundled puppet clips, and files of the user's own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from actviz.datasets.puppets.gallery import gallery
from actviz.describe import describe_file
from actviz.errors import ActvizError
from actviz.trace.run import MODELS, is_skeleton_file

__all__ = [
    "FILE_TYPES",
    "OWN",
    "WITH_PAGE",
    "Source",
    "check_file",
    "file_for",
    "in_words",
    "keep_pair",
    "keep_upload",
    "own_source",
    "samples",
]

WITH_PAGE = {name: MODELS[name] for name in ("mam", "tmnet", "man")}  # models with a page
OWN = "own file"  # the key of the one file of the user's own; never in the URL
FILE_TYPES = ("avi", "mp4", "mov", "mkv", "webm", "mpg", "mpeg", "m4v", "skeleton", "txt", "npz")


@dataclass(frozen=True)
class Source:
    """One thing to look at: a video, a skeleton sequence, or (puppets) both of the same scene."""

    key: str
    title: str
    video: Path | None
    skeleton: Path | None
    action: str | None = None  # what really happens, where known


@cache
def samples() -> Mapping[str, Source]:
    """The bundled puppet clips by name, in the order in which they are shown."""
    return {c.name: Source(c.name, c.title, c.video, c.skeleton, c.action) for c in gallery()}


def own_source(path: Path) -> Source:
    """A file of the user's own, taken for a skeleton or a video by its ending."""
    takes_joints = is_skeleton_file(path)
    return Source(OWN, path.name, None if takes_joints else path, path if takes_joints else None)


def file_for(source: Source, model: str) -> Path | None:
    """The file that ``model`` looks at: MAN prefers joints, MAM and TMNet need pictures."""
    return (source.skeleton or source.video) if model == "man" else source.video


def keep_upload(folder: Path, name: str, data: bytes) -> Path:
    """Store uploaded bytes under their sha256, so that the same file is stored once."""
    # The last folder's name is shown before "best", so it is a word.
    home = folder / hashlib.sha256(data).hexdigest()[:16] / "uploaded"
    home.mkdir(parents=True, exist_ok=True)
    path = home / (re.sub(r"[^\w.,() +-]", "_", Path(name).name).lstrip(".") or "upload")
    if not path.exists():
        path.write_bytes(data)
    return path


def keep_pair(folder: Path, files: Sequence[tuple[str, bytes]]) -> Path:
    """Store an uploaded .safetensors, and its card beside it under one stem where it came along.

    Raises:
        ActvizError: not one .safetensors with at most one .json.
    """
    by_kind = {Path(name).suffix.lower(): (name, data) for name, data in files}
    kinds = set(by_kind)
    if len(files) != len(kinds) or kinds not in ({".safetensors"}, {".safetensors", ".json"}):
        raise ActvizError(
            "expected one weights file (.safetensors), with its card (.json) where that is apart; "
            f"got {', '.join(name for name, _ in files) or 'none'}. Choose one, or both together."
        )
    name, data = by_kind[".safetensors"]
    path = keep_upload(folder, name, data)
    path.with_suffix(".json").unlink(missing_ok=True)  # of an earlier upload
    if ".json" in by_kind:
        path.with_suffix(".json").write_bytes(by_kind[".json"][1])
    return path


def check_file(path: Path) -> list[tuple[str, str]]:
    """What is in the file, as (name, words) rows; the content decides, not the ending.

    Raises:
        ActvizError: nothing that a model can look at, in one sentence.
    """
    if not path.is_file():
        raise ActvizError(f"{path}: no such file; give the full path of a video or skeleton file.")
    return describe_file(path)


def in_words(error: Exception, path: Path | None = None) -> str:
    """An error as one sentence for the page, naming the file as the user knows it."""
    text = " ".join(str(error).split())
    return text.replace(str(path), path.name) if path else text
