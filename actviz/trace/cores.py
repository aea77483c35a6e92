"""Small work of torch kept on the thread that asks for it.

torch shares even a product of 16 rows, or a tanh of 128 numbers, among its threads. Where the cores
have other work, each sharing waits until the other threads are let run: a hundred waits, and an
answer of a millisecond takes hundreds. ``torch.set_num_threads`` would end that for every thread of
the process, of which a server has many; here only the calling thread is meant.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import torch

__all__ = ["on_one_core"]


@contextmanager
def on_one_core() -> Iterator[None]:
    """Let torch compute on the calling thread alone, inside the block; other threads as before.

    OpenMP and MKL have such a setting for each thread. Where torch is built upon neither, nothing
    is changed.
    """
    torch.get_num_threads()  # which sets up torch's threads for a thread new to it
    done = [(put, put(1)) for put in _settings()]
    try:
        yield
    finally:
        for put, before in done:
            put(before)


@lru_cache(maxsize=1)
def _settings() -> tuple[Callable[[int], int], ...]:
    """What sets the calling thread's number of threads and returns the one before."""
    if not sys.platform.startswith("linux"):
        return ()
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        found = ctypes.CDLL(str(library))  # torch's own, which is loaded already
    except OSError:
        return ()
    settings: list[Callable[[int], int]] = []
    if hasattr(found, "omp_set_num_threads"):
        settings.append(lambda count: _openmp(found, count))
    if hasattr(found, "MKL_Set_Num_Threads_Local"):
        settings.append(found.MKL_Set_Num_Threads_Local)  # 0 stands for the process's own
    return tuple(settings)


def _openmp(found: ctypes.CDLL, count: int) -> int:
    before = int(found.omp_get_max_threads())
    found.omp_set_num_threads(count)
    return before
