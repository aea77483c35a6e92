"""How long work takes on the machine at hand: in turns, to the end on its device, with the spread.

Works are run one after the other, round after round, so that a machine that is busy for a while
slows all of them alike: ratios of one round are then still right.

R rounds
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from actviz.experiments.statistics import Measured

__all__ = [
    "Work",
    "in_turn",
    "machine_words",
    "per_second",
    "ratio",
    "rounds_words",
    "seconds_of",
    "spread",
    "times",
]

Work = Callable[[], Any]


def seconds_of(work: Work, device: torch.device, before: Work | None = None) -> float:
    """One run, from an idle device to its end there; ``before`` is not counted."""
    if before is not None:
        before()
    _wait(device)
    began = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - began


def in_turn(
    works: Mapping[str, Work],
    *,
    rounds: int,
    device: torch.device,
    warm_up: int = 1,
    before: Work | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Measured]:
    """Seconds of each work, once in every round; the rounds of ``warm_up`` are not counted."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(warm_up + rounds):
        for name, work in works.items():
            seconds = seconds_of(work, device, before)
            if number >= warm_up:
                taken[name].append(seconds)
        if progress:
            progress(number + 1, warm_up + rounds)
    return {name: Measured(tuple(seconds)) for name, seconds in taken.items()}


def per_second(seconds: Measured, count: float = 1.0) -> Measured:
    """How many of ``count`` things done at a time are done in a second, round by round."""
    return Measured(tuple(count / s for s in seconds.values))


def times(figure: Measured, factor: float) -> Measured:
    """The figure in another unit."""
    return Measured(tuple(factor * value for value in figure.values))


def ratio(faster: Measured, slower: Measured) -> Measured:
    """How many times ``faster`` is ``slower``, each round by itself."""
    return Measured(tuple(a / b for a, b in zip(faster.values, slower.values, strict=True)))


def machine_words(device: torch.device) -> str:
    """The machine, and how busy it is with other work, in a sentence."""
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)}, float32"
    else:
        name = f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, float32"
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"Measured on {name}, torch {torch.__version__}{load}."


def rounds_words(rounds: int) -> str:
    """How a table's figures were obtained, a sentence for it."""
    return (
        f"Mean ± standard deviation over {rounds} rounds, in each of which everything is timed "
        "once, in turn; ratios are of the same round. Where the rule speaks of seeds, these are "
        "rounds."
    )


def spread(figure: Measured, digits: int = 1) -> str:
    """Median with the smallest and the largest: "20.9 (20.1 to 24.0)"."""
    values = np.asarray(figure.values)
    told = [f"{v:.{digits}f}" for v in (np.median(values), values.min(), values.max())]
    return f"{told[0]} ({told[1]} to {told[2]})"


def _processor() -> str:
    """The processor's own name where the system tells it, else its kind."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        told = []
    named = [line.split(":", 1)[1].strip() for line in told if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
