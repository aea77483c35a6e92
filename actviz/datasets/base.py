"""One small interface for every data set: classes, samples, and the official ways to split them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from actviz.errors import ActvizError

__all__ = ["Dataset", "DatasetError", "Kind", "Sample", "Split", "hold_out", "natural"]

Kind = Literal["video", "skeleton"]


class DatasetError(ActvizError):
    """A data set's folder, list or label is not as its makers publish it."""


@dataclass(frozen=True)
class Sample:
    """One labelled clip: a file, or a named part of one."""

    key: str  # unique in its data set and the same on any machine; a safe relative path ("A/b_01")
    path: Path | None  # its file; None where a program makes it (puppets)
    label: int  # place in Dataset.classes
    group: str = ""  # same actor, film or recording: never parted between training and validation
    segment: str | None = None  # labelled part of a recording (UT-Kinect)


@dataclass(frozen=True)
class Split:
    """Who is trained on, who chooses the best epoch, who is tested on."""

    name: str
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    val: tuple[Sample, ...] = ()  # empty where the data set names none: see ``hold_out``


@dataclass(frozen=True)
class Dataset:
    """A data set as its makers define it, whether or not every file is there.

    Opening one reads lists and names alone, no video.
    """

    name: str  # a key of actviz.datasets.DATASETS
    kind: Kind
    root: Path
    classes: tuple[str, ...]  # (K,), in the order of the labels
    samples: tuple[Sample, ...]  # every one that the official lists name or the folder holds
    protocols: tuple[str, ...]  # names that ``split`` takes; the first is the usual one
    make_split: Callable[[str], Split]
    coarse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # group -> class names
    layout: str | None = None  # of skeletons, where all share one
    notes: tuple[str, ...] = ()  # what was left out or repaired and why, each a sentence

    def split(self, protocol: str = "") -> Split:
        """The split that ``protocol`` names; the usual one by default.

        Raises:
            DatasetError: no such protocol.
        """
        name = protocol or self.protocols[0]
        if name not in self.protocols:
            shown = ", ".join(self.protocols[:12]) + (" …" if len(self.protocols) > 12 else "")
            raise DatasetError(f"{self.name}: protocol must be one of {shown}; got {protocol!r}.")
        return self.make_split(name)

    def absent(self) -> tuple[Sample, ...]:
        """Samples whose file is not there."""
        return tuple(s for s in self.samples if s.path is not None and not s.path.is_file())


def natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts numbers within names by their value, and letters whatever their case."""
    pieces = re.split(r"([0-9]+)", text.casefold())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces if p], text


def hold_out(
    samples: tuple[Sample, ...], *, share: float, seed: int = 0
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Part ``samples`` into training and validation, whole groups together.

    Groups are taken in an order that follows from ``seed`` while one of their classes has less
    than ``share`` of its samples held out and none much more, and never the last group of a class.

    Raises:
        DatasetError: a share outside 0..1.
    """
    if not 0 < share < 1:
        raise DatasetError(f"the validation share must lie between 0 and 1; got {share}.")
    groups: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda s: s.key):
        groups.setdefault(sample.group or sample.key, []).append(sample)
    total = Counter(s.label for s in samples)
    left, taken = Counter(total), Counter[int]()
    held: set[str] = set()
    names = sorted(groups)
    np.random.default_rng(seed).shuffle(names)
    for most in (1.5 * share, 1.0):  # first without overshooting any class, then to reach every one
        for name in names:
            labels = Counter(s.label for s in groups[name])
            wanted = any(
                not taken[k] or (most < 1 and taken[k] + n / 2 <= share * total[k])
                for k, n in labels.items()
            )
            fits = all(taken[k] + n / 2 <= most * total[k] for k, n in labels.items())
            if wanted and fits and all(left[k] > n for k, n in labels.items()):
                left, taken = left - labels, taken + labels
                held |= {s.key for s in groups.pop(name)}
        names = [name for name in names if name in groups]
    train = tuple(s for s in samples if s.key not in held)
    return train, tuple(s for s in samples if s.key in held)
