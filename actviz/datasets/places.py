"""Where the files of an official list lie, and the lists themselves, line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from actviz.datasets.base import DatasetError

__all__ = ["list_lines", "lists_near", "place_of"]


def lists_near(root: Path, name: str, holds: str) -> Path | None:
    """The folder ``name`` of official lists in or beside ``root``: one with files like ``holds``.

    Args:
        holds: glob pattern of a list, such as ``"classInd.txt"``.
    """
    root = root.absolute()
    homes = (root, root / "splits", root.parent, root.parent / "splits")
    folders = (*(home / name for home in homes), root, root / "splits", root / "annotations")
    return next((f for f in folders if f.is_dir() and any(f.glob(holds))), None)


def list_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of an official list that are not empty, each with its place for an error.

    Raises:
        DatasetError: the list is missing or no text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path}: expected one of the official lists; it cannot be read ({error}); fetch the "
            "lists anew."
        ) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def place_of(root: Path, usual: Sequence[str], classes: Iterable[str]) -> Callable[[str], Path]:
    """Says where ``<class>/<file>`` lies: in class folders, or all files in one.

    Args:
        usual: names of the folder in ``root`` that holds them; ``root`` itself comes last.
    """
    folders = [folder for folder in (root / name for name in usual) if folder.is_dir()] + [root]
    for folder in folders:
        if any((folder / name).is_dir() for name in classes):
            return lambda name: folder / name
    for folder in folders:
        if any(folder.glob("*.avi")):
            return lambda name: folder / PurePosixPath(name).name
    return lambda name: folders[0] / name
