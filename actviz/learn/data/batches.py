"""Batches whose every choice follows from (seed, epoch, batch, row), whoever makes them.

So a resumed training, more worker processes or more GPUs see the very same samples.

B clips of one batch, over all devices
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from actviz.errors import ActvizError

__all__ = ["Batch", "Batches", "Made", "Row", "cores_here", "in_processes", "worker_count"]

Batch = dict[str, Tensor]
Out = TypeVar("Out")
_AHEAD = 3  # batches that each process prepares before they are asked for
_MOST_WORKERS = 8


@dataclass(frozen=True)
class Row:
    """One sample of a batch: which clip, and the randomness that is its own."""

    clip: int
    rng: np.random.Generator | None  # None: nothing about it is random


@dataclass
class Made:
    """A batch, and the clips that could not be read for it after all."""

    batch: Batch
    lost: dict[str, str] = field(default_factory=dict)  # key -> reason


class Batches:
    """The batches of one epoch, or of one rank's share of it.

    Args:
        count: clips of the part.
        size: clips of one batch, jointly over all ranks.
        make: rows to a batch; run in worker processes where there are any.
        seed: of the training; None: clips in order, nothing random, the last batch as short as it
            comes.
        start: batches that iterating skips; ``len`` stays that of the whole epoch.
        rank, world: this process and how many there are; it gets rows ``rank::world``.
        workers: processes that make batches ahead; 0: this one does.
        note: told which clips could not be read.

    Raises:
        ActvizError: batches that cannot be shared equally among the ranks.
    """

    def __init__(
        self,
        count: int,
        *,
        size: int,
        make: Callable[[Sequence[Row]], Made],
        seed: int | None = None,
        epoch: int = 0,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
        workers: int = 0,
        note: Callable[[dict[str, str]], None] | None = None,
    ) -> None:
        if seed is not None and size % world:
            raise ActvizError(
                f"a batch of {size} clips must be a multiple of the {world} processes that train."
            )
        self.count, self.size, self.make = count, size, make
        self.seed, self.epoch, self.start = seed, epoch, start
        self.rank, self.world, self.workers, self.note = rank, world, workers, note
        shared = count if seed is None else count - count % size % world
        self._ends = [min(i + size, shared) for i in range(0, shared, size)]

    def __len__(self) -> int:
        return len(self._ends)

    def rows(self, number: int) -> list[Row]:
        """This rank's rows of batch ``number``."""
        begin, end = number * self.size, self._ends[number]
        places = range(begin + self.rank, end, self.world)
        if self.seed is None:
            return [Row(place, None) for place in places]
        order = self._order()
        return [Row(int(order[place]), self._rng(number, place - begin)) for place in places]

    def __iter__(self) -> Iterator[Batch]:
        numbers = range(self.start, len(self))
        for made in in_processes(self._make, numbers, workers=self.workers):
            if made.lost and self.note is not None:
                self.note(made.lost)
            yield made.batch

    def _make(self, number: int) -> Made:
        return self.make(self.rows(number))

    def _order(self) -> NDArray[np.int64]:
        assert self.seed is not None
        return np.random.default_rng((self.seed, self.epoch)).permutation(self.count)

    def _rng(self, number: int, row: int) -> np.random.Generator:
        assert self.seed is not None
        return np.random.default_rng((self.seed, self.epoch, number, row))


def cores_here() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worker_count(asked: int, *, in_memory: bool, beside: int = 1) -> int:
    """Processes that read clips: ``asked``, or for −1 as many as fit the machine.

    Args:
        in_memory: reading costs nothing: no process is worth its start.
        beside: trainings that share this machine, each with processes of its own.
    """
    if asked >= 0:
        return asked
    cores = cores_here() // max(beside, 1)
    return 0 if in_memory or cores <= 1 else min(cores - 1, _MOST_WORKERS)


# ---- worker processes ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Failed:
    """An error of ours in a worker, on its way to the process that asked."""

    sentence: str


class _Numbered(Dataset, Generic[Out]):
    def __init__(self, make: Callable[[int], Out], numbers: Sequence[int]) -> None:
        self.make, self.numbers = make, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: int) -> Out | _Failed:
        if at >= len(self):
            raise IndexError(at)
        try:
            return self.make(self.numbers[at])
        except ActvizError as error:
            return _Failed(str(error))


def in_processes(
    make: Callable[[int], Out],
    numbers: Sequence[int],
    *,
    workers: int,
    start_method: str | None = None,
) -> Iterator[Out]:
    """``make`` of each number, in order, computed ahead by ``workers`` processes (0: by this one).

    Args:
        make: run in a child; with another start method than "fork" it must be picklable.
        start_method: "fork" by default on Linux, where nothing is imported anew, else "spawn";
            the caller's script is run again in neither.

    Raises:
        ActvizError: of ``make``'s own, or because a process died.
    """
    if workers == 0 or not numbers:
        yield from map(make, numbers)
        return
    method = start_method or ("fork" if sys.platform == "linux" else "spawn")
    with _without_main(method), _same_signals(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # as many as asked for
        results = iter(_loader(make, numbers, workers, method))
    while True:
        try:
            made = next(results)
        except StopIteration:
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise ActvizError(
                "a process that reads clips ended unexpectedly, most often because memory (or "
                "shared memory, /dev/shm) ran out; set workers lower, or to 0."
            ) from error
        if isinstance(made, _Failed):
            raise ActvizError(made.sentence)
        yield made


def _loader(make: Callable[[int], Any], numbers: Sequence[int], workers: int, method: str) -> Any:
    return DataLoader(
        _Numbered(make, numbers),
        batch_size=None,
        num_workers=min(workers, len(numbers)),
        prefetch_factor=_AHEAD,
        collate_fn=_as_it_is,
        multiprocessing_context=multiprocessing.get_context(method),
        worker_init_fn=_begin_worker,
        generator=torch.Generator(),  # so that no other randomness is drawn from
    )


def _as_it_is(made: Any) -> Any:
    return made


def _begin_worker(number: int) -> None:
    """One thread for each process, and no second telling of what the first process tells."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")


@contextmanager
def _without_main(method: str) -> Iterator[None]:
    """Keep a spawned process from running the caller's script, which holds nothing it needs."""
    main = sys.modules["__main__"]
    saved = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    if method == "fork":
        saved = {}
    try:
        for name in saved:
            delattr(main, name)
        if saved:
            main.__spec__ = None
        yield
    finally:
        for name, value in saved.items():
            setattr(main, name, value)


@contextmanager
def _same_signals() -> Iterator[None]:
    """Keep torch's handler off: it would raise a child's death in the middle of any line of ours.

    The death is noticed, and told, when the next batch is asked for.
    """
    alone = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGCHLD")
    before = signal.getsignal(signal.SIGCHLD) if alone else None
    try:
        yield
    finally:
        if alone:
            signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)
