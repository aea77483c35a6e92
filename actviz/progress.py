"""How far long work is, as it is told: what is being done, how much of it is, and of how much."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "StageProgress", "one_stage"]

Progress = Callable[[int, int], None]  # (done, in all)
StageProgress = Callable[[str, int, int], None]  # (what is being done, done, in all)


def one_stage(progress: StageProgress | None, words: str) -> Progress:
    """What tells of one stage of the work, ``words``; nothing where nobody listens."""

    def tell(done: int, total: int) -> None:
        if progress:
            progress(words, done, total)

    return tell
