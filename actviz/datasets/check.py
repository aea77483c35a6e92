"""Which files of a data set are there, which can be read, and what is odd about them.

found = check(open_dataset("folder", root))
found.rows[0].status    # ok, suspicious, unreadable or missing
found.save(Path("check.csv"))
"""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from actviz.datasets.base import Dataset, DatasetError, Kind, Sample, Split
from actviz.datasets.crew import DIED, crew, workers_for
from actviz.errors import ClipReadError

if TYPE_CHECKING:
    from actviz.clip.layouts import Layout

__all__ = ["STATUSES", "Check", "Row", "check"]

Progress = Callable[[str, int, int], None]

STATUSES = ("ok", "suspicious", "unreadable", "missing")
USABLE = ("ok", "suspicious")


@dataclass(frozen=True)
class Row:
    """What was found of one sample."""

    key: str
    path: str
    label: int  # of its class
    class_name: str
    split: str  # train, val or test in the protocol; "" where in none
    status: str  # one of STATUSES
    frames: int = 0
    duration_s: float = 0.0
    fps: float = 0.0
    width: int = 0  # pixels, upright; 0 for skeletons
    height: int = 0
    problems: str = ""  # sentences
    layout: str = ""  # of a skeleton, with its number of joints where it is the file's own
    people: int = 0  # most at a time in a skeleton


@dataclass(frozen=True)
class Check:
    """What ``check`` found: a row for each sample, in the data set's order."""

    protocol: str
    rows: tuple[Row, ...]

    def count(self, status: str, split: str | None = None) -> int:
        """Samples of that status, in one part of the split or in all."""
        return sum(r.status == status and split in (None, r.split) for r in self.rows)

    @property
    def unusable(self) -> int:
        """Samples that cannot be trained or tested on: missing and unreadable ones."""
        return sum(row.status not in USABLE for row in self.rows)

    def bad(self) -> tuple[Row, ...]:
        """Rows that are not ok: unreadable ones first, then suspicious, then missing ones."""
        order = ("unreadable", "suspicious", "missing")
        return tuple(row for status in order for row in self.rows if row.status == status)

    def spoilt_classes(self) -> dict[str, tuple[int, int]]:
        """Class name -> (usable samples, all samples), of classes that lack some; worst first."""
        every = Counter(row.class_name for row in self.rows)
        usable = Counter(row.class_name for row in self.rows if row.status in USABLE)
        lacking = [name for name in every if usable[name] < every[name]]
        lacking.sort(key=lambda name: (usable[name] / every[name], name))
        return {name: (usable[name], every[name]) for name in lacking}

    def save(self, path: Path) -> None:
        """Write a CSV with one row for each sample.

        Raises:
            DatasetError: it cannot be written there.
        """
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file)
                table.writerow(_HEAD)
                table.writerows(astuple(row) for row in self.rows)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise DatasetError(f"{path}: cannot be written ({error.strerror}).") from None


_HEAD = tuple("class" if field.name == "class_name" else field.name for field in fields(Row))


@dataclass(frozen=True)
class _Finding:
    status: str
    frames: int = 0
    duration_s: float = 0.0
    fps: float = 0.0
    width: int = 0
    height: int = 0
    problems: tuple[str, ...] = ()
    layout: str = ""
    people: int = 0


def check(
    dataset: Dataset,
    *,
    protocol: str = "",
    thorough: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Check:
    """Look at every sample of a data set, several at a time. A broken one is a row, not an error.

    Args:
        protocol: whose split the rows name; "" for the usual one.
        thorough: decode every picture of a video, not its first and last alone.
        workers: processes (default: one for each core; 0: none but this one).
        progress: called with (stage, samples done, samples in all).
    """
    parts = _parts(dataset.split(protocol))
    samples = dataset.samples
    work = partial(_look_at, kind=dataset.kind, thorough=thorough)
    found: dict[Sample, _Finding] = {}
    with closing(crew(work, samples, workers=workers_for(workers, len(samples)))) as results:
        for sample, finding in results:
            found[sample] = finding or _Finding("unreadable", problems=(DIED,))
            if progress is not None:
                progress("checking", len(found), len(samples))
    rows = (_row(dataset, sample, parts.get(sample.key, ""), found[sample]) for sample in samples)
    return Check(protocol or dataset.protocols[0], tuple(rows))


def _parts(split: Split) -> dict[str, str]:
    named = (("train", split.train), ("val", split.val), ("test", split.test))
    return {sample.key: name for name, part in named for sample in part}


def _row(dataset: Dataset, sample: Sample, part: str, finding: _Finding) -> Row:
    return Row(
        key=sample.key,
        path=str(sample.path or ""),
        label=sample.label,
        class_name=dataset.classes[sample.label],
        split=part,
        status=finding.status,
        frames=finding.frames,
        duration_s=round(finding.duration_s, 3),
        fps=round(finding.fps, 3),
        width=finding.width,
        height=finding.height,
        problems=" ".join(f"{problem.rstrip('.')}." for problem in finding.problems),
        layout=finding.layout,
        people=finding.people,
    )


def _look_at(sample: Sample, kind: Kind, thorough: bool) -> _Finding:
    """What is found of one sample; never raises."""
    if sample.path is None:  # made by a program
        return _Finding("ok")
    try:
        sample.path.stat()
        if kind == "skeleton":
            return _skeleton(sample)
        return _video(sample.path, thorough)
    except (FileNotFoundError, NotADirectoryError):
        return _Finding("missing", problems=("there is no such file",))
    except ClipReadError as error:
        return _Finding("unreadable", problems=(error.reason,))
    except Exception as error:  # whatever a damaged file brings about: the others are looked at
        told = " ".join(str(error).split())
        return _Finding("unreadable", problems=(f"{type(error).__name__}: {told}",))


def _video(path: Path, thorough: bool) -> _Finding:
    from actviz.clip.reader import iter_frames, probe, read_clip

    info = probe(path)
    problems = list(info.problems)
    if thorough:
        decoded = sum(1 for _ in iter_frames(path, short_side=16))
        if not decoded:
            raise ClipReadError(path, "no picture in it can be decoded; the file is damaged.")
        if decoded < info.frame_count:
            problems.append(f"{info.frame_count - decoded} frame(s) cannot be decoded")
    else:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read_clip(path, frame_index=[0, info.frame_count - 1], short_side=16)
        problems += [str(warning.message).removeprefix(f"{path}: ") for warning in caught]
    return _Finding(
        "suspicious" if problems else "ok",
        info.frame_count,
        info.duration_s,
        info.fps,
        info.width,
        info.height,
        tuple(problems),
    )


def _skeleton(sample: Sample) -> _Finding:
    from actviz.clip.skeleton import layout_of, read_skeleton, usable

    assert sample.path is not None
    skeleton = read_skeleton(sample.path, segment=sample.segment)
    frames = len(skeleton)
    duration = float(skeleton.times_s[-1] - skeleton.times_s[0])
    return _Finding(
        "suspicious" if skeleton.problems else "ok",
        frames,
        duration,
        (frames - 1) / duration if duration else 0.0,
        problems=skeleton.problems,
        layout=_layout_words(layout_of(skeleton)),
        people=int(usable(skeleton).sum(1).max()),
    )


def _layout_words(layout: Layout) -> str:
    from actviz.clip.layouts import LAYOUTS

    return layout.name if layout.name in LAYOUTS else f"{layout.name} of {len(layout)} joints"
