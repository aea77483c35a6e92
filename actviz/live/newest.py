"""The newest frame wins: a shelf with room for one shot, filled by one thread, emptied by another.

A network that is slower than the camera must not fall behind it: what it did not get to is dropped
and counted, so that its answer is always of now.
"""

from __future__ import annotations

import threading

from actviz.live.source import Shot, Source

__all__ = ["Newest", "fill"]


class Newest:
    """Holds the newest shot that nobody has taken yet."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._shot: Shot | None = None
        self._ended = False
        self._error: Exception | None = None
        self.seen = 0  # shots put
        self.dropped = 0  # of them, those that a newer one replaced

    def put(self, shot: Shot) -> None:
        """Put a shot, in place of one that was not taken."""
        with self._change:
            self.seen += 1
            self.dropped += self._shot is not None
            self._shot = shot
            self._change.notify_all()

    def end(self, error: Exception | None = None) -> None:
        """No more will come."""
        with self._change:
            self._ended, self._error = True, error
            self._change.notify_all()

    @property
    def ended(self) -> bool:
        """Whether no more will come and none is left; raises what broke the source."""
        with self._change:
            if self._shot is None and self._error is not None:
                raise self._error
            return self._ended and self._shot is None

    def take(self, timeout: float | None = None) -> Shot | None:
        """The newest shot; None where none came in ``timeout`` seconds or no more will."""
        with self._change:
            self._change.wait_for(lambda: self._shot is not None or self._ended, timeout)
            shot, self._shot = self._shot, None
            return shot


def fill(newest: Newest, source: Source) -> threading.Thread:
    """A running thread that puts the source's shots until there are no more."""

    def work() -> None:
        error: Exception | None = None
        try:
            for shot in source.shots():
                newest.put(shot)
        except Exception as problem:  # told to the thread that takes
            error = problem
        newest.end(error)

    thread = threading.Thread(target=work, name="actviz live source", daemon=True)
    thread.start()
    return thread
