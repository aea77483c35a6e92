"""Errors a user can act on: one sentence saying what was expected, what came and what to do."""

from __future__ import annotations

from os import PathLike

__all__ = ["ActvizError", "CheckpointError", "ClipReadError"]


class ActvizError(ValueError):
    """Base of every error that bad input can cause; the command line shows no traceback of it."""


class ClipReadError(ActvizError):
    """A video or skeleton file could not be read. Carries ``path`` and ``reason``."""

    def __init__(self, path: str | PathLike[str], reason: str) -> None:
        self.path = str(path)
        self.reason = reason
        super().__init__(f"{self.path}: {reason}")


class CheckpointError(ActvizError):
    """A weights file or its card is missing, foreign, unsafe or does not fit the model."""
