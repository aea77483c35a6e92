"""Results that come into their folder all together, when they are whole, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from actviz.errors import ActvizError

__all__ = ["cannot_write", "staged_folder"]


@contextmanager
def staged_folder(folder: Path, names: Sequence[str], *, advice: str) -> Iterator[Path]:
    """A scratch folder inside ``folder``, whose files move up when the work is whole.

    Files called ``names`` move in that order; those of them that this work did not write are
    removed from ``folder``, others are left alone. On failure nothing new is left behind.

    Args:
        advice: what to do where ``folder`` cannot be written, for the error.

    Raises:
        ActvizError: ``folder`` is a file or cannot be written.
    """
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".actviz-", dir=folder)
    except OSError as error:
        _remove_empty(made)
        raise cannot_write(folder, error, advice) from error
    try:
        with scratch as fresh:
            yield Path(fresh)
            for name in names:
                source = Path(fresh, name)
                if source.exists():
                    source.replace(folder / name)
                else:
                    (folder / name).unlink(missing_ok=True)
    except BaseException:
        _remove_empty(made)
        raise


def cannot_write(folder: Path, error: OSError, advice: str) -> ActvizError:
    """``error`` in words, and what to do: also for what goes wrong inside the scratch folder."""
    return ActvizError(f"{folder}: cannot be written ({error.strerror}); {advice}")


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:  # the innermost first
        with suppress(OSError):
            folder.rmdir()
