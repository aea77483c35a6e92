"""What makes training fast, made once: every clip of a data set as pictures, and flow if wanted.

prepare(open_dataset("ucf101", root), flow=True)    # into root/prepared, see ``prepared``

An interrupted run continues with the next one; two at once share the work. A clip that cannot be
read is left out and listed in ``report.csv``.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from actviz.clip.flow import flow_method
from actviz.datasets.base import Dataset, DatasetError, Sample
from actviz.datasets.crew import DIED, crew, workers_for
from actviz.datasets.prepare_clip import (
    NO_FILE,
    Outcome,
    Settings,
    clear_parts,
    is_prepared,
    prepare_clip,
)
from actviz.datasets.prepared import clip_folder
from actviz.errors import ActvizError

__all__ = ["REPORT", "Prepare", "prepare", "prepared_folder"]

Progress = Callable[[str, int, int], None]
Tell = Callable[[str], None]

REPORT = "report.csv"
_SETTINGS = "settings.json"
_FIRST = 8  # clips after which size and time are foretold
_TOO_MUCH = 1.25  # times the free space: a forecast from few clips is no more certain than that


@dataclass(frozen=True)
class Prepare:
    """What ``prepare`` did."""

    folder: Path | None  # of the prepared clips; None where there is nothing to prepare
    outcomes: tuple[tuple[Sample, Outcome], ...]
    report: Path | None  # CSV of the clips that were left out, with the reasons
    note: str = ""

    def count(self, status: str) -> int:
        """Clips that are "prepared", "present" (before this run), "missing" or "unreadable"."""
        return sum(outcome.status == status for _, outcome in self.outcomes)

    def __str__(self) -> str:
        if self.folder is None:
            return self.note
        missing = self.count("missing")
        parts = [
            f"{self.count('prepared')} prepared",
            f"{self.count('present')} already there",
            *([f"{missing} missing"] if missing else []),
            f"{self.count('unreadable')} could not be read",
        ]
        left_out = missing or self.count("unreadable")
        return ", ".join(parts) + (f" (see {self.report})." if left_out else ".")


def prepared_folder(dataset: Dataset) -> Path:
    """Where prepared clips lie unless another place is named: ``prepared`` beside the videos."""
    root = dataset.root.parent if dataset.root.is_file() else dataset.root
    return root / "prepared"


def prepare(
    dataset: Dataset,
    out: Path | None = None,
    *,
    flow: bool = False,
    method: str = "auto",
    side: int = 256,
    workers: int | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> Prepare:
    """Every clip of a video data set into its folder of pictures, those that are not there yet.

    Args:
        out: folder of the prepared clips (default: ``prepared`` in the data set's root).
        flow: optical flow as well, computed on the resized frames.
        method: of flow: "tvl1", "dis", or "auto": as earlier runs into ``out`` did, or else TV-L1
            where OpenCV has it.
        side: pixels of the shorter side; smaller videos are enlarged.
        workers: processes (default: one for each core; 0: none but this one).
        progress: called with (stage, clips done, clips in all).
        tell: called with a sentence that foretells size and time, after the first clips.

    Raises:
        DatasetError: a full or read-only disk, or settings that make no sense.
        FlowError: no such flow here.
    """
    if dataset.kind == "skeleton" or all(sample.path is None for sample in dataset.samples):
        return Prepare(None, (), None, _nothing_to_do(dataset))
    if not 16 <= side <= 4096:
        raise DatasetError(f"the shorter side must be 16 to 4096 pixels; got {side}.")
    out = prepared_folder(dataset) if out is None else Path(out)
    settings = _begin(Settings(out, side), flow=flow, method=method)
    outcomes, todo = _look(dataset.samples, settings, progress)
    try:
        with contextlib.closing(_work(todo, settings, workers, progress, tell)) as finished:
            outcomes.update(finished)
    finally:
        clear_parts(out)
        _write_report(out / REPORT, outcomes)
    return Prepare(out, tuple(outcomes.items()), out / REPORT)


def _nothing_to_do(dataset: Dataset) -> str:
    what = "skeletons" if dataset.kind == "skeleton" else "clips that a program makes"
    return f"{dataset.name} holds {what}: nothing to prepare, training packs them by itself."


def _begin(settings: Settings, *, flow: bool, method: str) -> Settings:
    """Make the folder, and settle the flow method: one for all runs into it, unless told."""
    out = settings.out
    chosen = ""
    if flow:
        earlier = _earlier_method(out)
        try:
            chosen = flow_method(earlier if method == "auto" and earlier else method)
        except ActvizError as error:
            if method != "auto" or not earlier:
                raise
            raise DatasetError(f"{out}: holds flow by {earlier}, and here {error}") from None
    try:
        out.mkdir(parents=True, exist_ok=True)
        clear_parts(out)
        if chosen:
            _write_whole(out / _SETTINGS, json.dumps({"method": chosen}))
        elif not os.access(out, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise DatasetError(
            f"{out}: prepared clips cannot be written there ({error.strerror}); give another "
            "folder with --out."
        ) from None
    return replace(settings, flow=chosen)


def _earlier_method(out: Path) -> str:
    try:
        return str(json.loads((out / _SETTINGS).read_text(encoding="utf-8"))["method"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _look(
    samples: Sequence[Sample], settings: Settings, progress: Progress | None
) -> tuple[dict[Sample, Outcome], list[Sample]]:
    """What is there already, and what is to be done."""
    outcomes: dict[Sample, Outcome] = {}
    todo: list[Sample] = []
    for number, sample in enumerate(samples, 1):
        clip_folder(settings.out, sample.key)  # a key that leads elsewhere ends it here
        try:
            if is_prepared(sample, settings):
                outcomes[sample] = Outcome("present")
            elif sample.path is None or sample.path.exists():
                todo.append(sample)
            else:
                outcomes[sample] = Outcome("missing", NO_FILE)
        except (DatasetError, OSError) as error:
            outcomes[sample] = Outcome("unreadable", str(error))
        if progress is not None:
            progress("looking", number, len(samples))
    return outcomes, todo


def _work(
    todo: list[Sample],
    settings: Settings,
    workers: int | None,
    progress: Progress | None,
    tell: Tell | None,
) -> Generator[tuple[Sample, Outcome], None, None]:
    """Prepare clips in an order of chance: runs at once seldom meet, the first ones are typical."""
    todo = random.Random().sample(todo, len(todo))
    forecast = _Forecast(todo, settings.out)
    job = partial(prepare_clip, settings=settings)
    with contextlib.closing(crew(job, todo, workers=workers_for(workers, len(todo)))) as results:
        for number, (sample, result) in enumerate(results, 1):
            outcome = result or Outcome("unreadable", DIED)
            if outcome.status == "full":
                raise DatasetError(forecast.disk_is_full())
            forecast.add(sample, outcome)
            yield sample, outcome
            if progress is not None:
                progress("preparing", number, len(todo))
            if forecast.ripe():
                forecast.check()
                if tell is not None:
                    tell(str(forecast))


class _Forecast:
    """Size and time of the whole, told from the first clips by the size of their files."""

    def __init__(self, todo: Sequence[Sample], out: Path) -> None:
        self._out = out
        self._clips = len(todo)
        self._sizes = {sample: _size(sample) for sample in todo}
        self._done = Counter[str]()
        self._begin = time.monotonic()
        self._told = False

    def add(self, sample: Sample, outcome: Outcome) -> None:
        self._done["source"] += self._sizes.pop(sample, 0)
        self._done["written"] += outcome.size
        self._done["clips"] += outcome.status == "prepared"

    def ripe(self) -> bool:
        """Whether the last clip that was added makes it time to foretell, once."""
        ripe = not self._told and self._done["clips"] >= _FIRST and bool(self._sizes)
        self._told = self._told or ripe
        return ripe

    def check(self) -> None:
        """Raise ``DatasetError`` where what is to come will clearly not fit on the disk."""
        need, free = self._still(self._done["written"]), self._free()
        if need > _TOO_MUCH * free:
            raise DatasetError(
                f"{self._out}: about {_bytes(need)} more are needed and {_bytes(free)} are free; "
                "make room or give another folder with --out."
            )

    def disk_is_full(self) -> str:
        need = self._still(self._done["written"])
        more = f"; about {_bytes(need)} more are needed" if need else ""
        return (
            f"{self._out}: the disk is full{more}: make room and run the same command again, it "
            "goes on from here, or give another folder with --out."
        )

    def __str__(self) -> str:
        mean = self._done["written"] / max(1, self._done["clips"])
        seconds = self._still(time.monotonic() - self._begin)
        return (
            f"{self._clips} clips to prepare: about {_bytes(mean)} each, "
            f"{_bytes(self._still(self._done['written']))} more in all ({_bytes(self._free())} "
            f"are free), {_duration(seconds)} to go."
        )

    def _still(self, so_far: float) -> float:
        """As much again for every byte of video to come."""
        return so_far * sum(self._sizes.values()) / max(1, self._done["source"])

    def _free(self) -> int:
        return shutil.disk_usage(self._out).free


def _size(sample: Sample) -> int:
    try:
        return sample.path.stat().st_size if sample.path is not None else 0
    except OSError:
        return 0


def _bytes(count: float) -> str:
    units = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
    unit, size = next(u for u in units if count >= u[1] or u[0] == "kB")
    return f"{count / size:.{0 if count >= 10 * size else 1}f} {unit}"


def _duration(seconds: float) -> str:
    for unit, length, most in (("s", 1, 120), ("min", 60, 120), ("hours", 3600, 72)):
        if seconds < most * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def _write_report(path: Path, outcomes: dict[Sample, Outcome]) -> None:
    """A row for every clip that was left out."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(("key", "path", "status", "reason"))
    for sample, outcome in sorted(outcomes.items(), key=lambda item: item[0].key):
        if outcome.status in ("missing", "unreadable"):
            rows.writerow((sample.key, sample.path or "", outcome.status, outcome.reason))
    with contextlib.suppress(OSError):  # on a full disk the message says more than the report
        _write_whole(path, table.getvalue())


def _write_whole(path: Path, text: str) -> None:
    """Write a small file so that nobody ever reads half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8", newline="")
    part.replace(path)
