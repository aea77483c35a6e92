"""Several processes at work on a list of clips, none of which can bring the whole down.

A reader of damaged files may crash outright: then its process dies, the others go on, and the clips
that were in hand are tried again one by one, so that the culprit alone is left out. The processes
end with the one that started them, however it ends.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

from actviz.datasets.base import DatasetError

__all__ = ["DIED", "crew", "in_crew", "stopping", "workers_for"]

Job = TypeVar("Job")
Result = TypeVar("Result")

DIED = "the process that read it died (a damaged file can do that, or too little memory)"
_stop: Any = None  # in a worker: the event that asks it to leave off


def workers_for(asked: int | None, jobs: int) -> int:
    """How many processes to start; None: as many as there are cores, 0: none, work right here.

    Raises:
        DatasetError: fewer than 0.
    """
    if asked is not None and asked < 0:
        raise DatasetError(f"workers must be 0 (no process of their own) or more; got {asked}.")
    return min(_cores() if asked is None else asked, jobs)


def in_crew() -> bool:
    """Whether this process is a worker."""
    return _stop is not None


def stopping() -> bool:
    """Whether this worker has been asked to leave off; ask often in long work."""
    return _stop is not None and _stop.is_set()


def crew(
    work: Callable[[Job], Result], jobs: Sequence[Job], *, workers: int
) -> Generator[tuple[Job, Result | None], None, None]:
    """Each job with its result, as they finish; None where the process died of it, alone and twice.

    Close the iterator (``contextlib.closing``) to stop early: running work is asked to leave off.

    Args:
        work: a function of a module, with arguments and results that can be pickled.
        workers: processes; 0 works in this one.

    Raises:
        DatasetError: no process can be started.
    """
    if not workers:
        yield from ((job, work(job)) for job in jobs)
        return
    waiting = deque(jobs)
    while waiting:
        in_hand = yield from _shift(work, waiting, workers)
        for job in in_hand:  # one of these killed its process: each alone
            if (yield from _shift(work, deque([job]), 1)):
                yield job, None


def _shift(
    work: Callable[[Job], Result], waiting: deque[Job], workers: int
) -> Generator[tuple[Job, Result], None, list[Job]]:
    """Work until nothing is waiting, or a process died: returns the jobs that were in hand then."""
    context = get_context("spawn")  # a fork would copy the locks of this process's threads
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(stop,))
    in_hand: dict[Future[Result], Job] = {}
    try:
        _check_start(pool)
        while waiting or in_hand:
            while waiting and len(in_hand) < 2 * workers:
                try:
                    in_hand[pool.submit(work, waiting[0])] = waiting[0]
                except BrokenProcessPool:
                    return list(in_hand.values())
                waiting.popleft()
            done, _ = wait(in_hand, return_when=FIRST_COMPLETED)
            whole = [f for f in done if not isinstance(f.exception(), BrokenProcessPool)]
            for future in whole:
                yield in_hand.pop(future), future.result()
            if len(whole) < len(done):
                return list(in_hand.values())
        return []
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _check_start(pool: ProcessPoolExecutor) -> None:
    try:
        pool.submit(in_crew).result()
    except BrokenProcessPool:
        raise DatasetError(
            "worker processes cannot start here; where a script of yours calls this, put the call "
            'under `if __name__ == "__main__":`, or take workers=0.'
        ) from None


def _begin(stop: Any) -> None:
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the first process decides
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
