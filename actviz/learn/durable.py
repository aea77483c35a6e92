"""Files that are whole or not there, even where the machine stops right after."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["flush_folder", "flush_to_disk"]


def flush_to_disk(fresh: Path, path: Path) -> None:
    """Put the whole file ``fresh`` in the place of ``path``, safe against a loss of power."""
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Names reach the disk with their folder, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems know no such thing
            os.fsync(handle)
    finally:
        os.close(handle)
