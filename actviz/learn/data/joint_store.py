"""Skeleton sequences read once and kept: shards of a cache that every part and fold shares.

N sequences · F frames · P people · J joints

A shard is ``<name>.npy``, all positions one after the other, and ``<name>.npz``, which says what
lies where; the second appears only once the first is whole. What is stored of a file goes by its
path, size and time of change, so that twenty folds read each file once, and an interrupted reading
goes on after the last whole shard.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.downloads import cache_folder
from actviz.clip.layouts import Layout
from actviz.clip.skeleton import convert, layout_of, read_skeleton, usable
from actviz.clip.skeleton_asf import find_asf
from actviz.clip.skeleton_text import find_labels
from actviz.datasets.base import Sample
from actviz.errors import ActvizError, ClipReadError

__all__ = ["OTHER_LAYOUT", "Place", "digest_of_sample", "read_shards", "store_folder", "stored"]

VERSION = 2  # of what a reader makes of a file: raise it when that changes
OTHER_LAYOUT = "another layout: "  # begins the reason of a sequence that cannot be converted
_SHARD = 256  # sequences
_FEW = 12  # sequences, up to which a process of its own costs more than it saves
_STALE_S = 86_400.0

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Place:
    """Where one sequence lies in its shard, or why it could not be read."""

    shard: str
    start: int  # in numbers of the shard's positions
    shape: tuple[int, int, int]  # F, P, J
    present_start: int
    reason: str = ""  # not empty: it could not be read


def store_folder(layout: Layout) -> Path:
    """The folder of all stored sequences in this layout."""
    text = json.dumps([VERSION, asdict(layout)], sort_keys=True, default=str)
    name = f"{layout.name[:40]}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    return cache_folder() / "learn" / "joints" / safe


def digest_of_sample(sample: Sample) -> str:
    """What a stored sequence goes by: changes with the file, its bones and its labels.

    Raises:
        OSError: the file is not there.
        ClipReadError: an ``.amc`` without ``.asf``.
    """
    path = Path(sample.path or "").absolute()
    files = [path]
    if path.suffix.lower() == ".amc":
        files.append(find_asf(path))
    if sample.segment is not None:
        labels = find_labels(path.parent) or find_labels(path.parent.parent)
        files += [labels] if labels else []
    facts: list[Any] = [sample.segment]
    for file in files:
        stat = file.stat()
        facts.append([str(file), stat.st_size, stat.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]


def stored(
    wanted: Sequence[tuple[str, Sample]], layout: Layout, progress: Progress | None
) -> dict[str, Place]:
    """Digest -> where the sequence is stored, once all of ``wanted`` are.

    Raises:
        ActvizError: the cache cannot be written.
    """
    folder = store_folder(layout)
    places = _places(folder)
    missing = {digest: s for digest, s in wanted if digest not in places}
    if missing:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _fill(folder, missing, layout, progress or (lambda *_: None))
        except OSError as error:
            raise ActvizError(
                f"skeletons cannot be stored in {folder} ({error.strerror or error}); free some "
                "room, or set ACTVIZ_CACHE to another folder."
            ) from error
        places = _places(folder)
    return places


def _places(folder: Path) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for index in sorted(folder.glob("*.npz")):
        try:
            with np.load(index) as file:
                rows = {name: file[name].tolist() for name in ("digest", "start", "shape")}
                rows |= {name: file[name].tolist() for name in ("present_start", "reason")}
        except (OSError, ValueError, KeyError):
            continue  # damaged: what it held is read again
        if index.with_suffix(".npy").is_file():
            for digest, start, shape, present, reason in zip(*rows.values(), strict=True):
                places[digest] = Place(index.stem, start, tuple(shape), present, reason)
    return places


def _fill(folder: Path, missing: dict[str, Sample], layout: Layout, progress: Progress) -> None:
    """Read ``missing`` into shards, in as many processes as there are cores."""
    workers = min(os.cpu_count() or 1, -(-len(missing) // _FEW))
    each = min(_SHARD, -(-len(missing) // workers))
    items = [[digest, str(s.path), s.segment] for digest, s in missing.items()]
    for old in folder.glob(".job-*"):
        if time.time() - old.stat().st_mtime > _STALE_S:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".job-", dir=folder) as job:
        shards = [items[at : at + each] for at in range(0, len(items), each)]
        text = json.dumps({"layout": asdict(layout), "shards": shards})
        (Path(job) / "job.json").write_text(text)
        if workers == 1:
            read_shards(job, 0, 1)
        else:
            _in_processes(Path(job), workers, lambda n: progress("skeletons", n, len(items)))
    progress("skeletons", len(items), len(items))


def _in_processes(job: Path, workers: int, progress: Callable[[int], None]) -> None:
    # Not multiprocessing: it would run the caller's script again in each process.
    code = "import sys; from actviz.learn.data.joint_store import read_shards as f; "
    code += "f(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
    running = []
    try:
        for number in range(workers):
            command = [sys.executable, "-c", code, str(job), str(number), str(workers)]
            with (job / f"{number}.err").open("wb") as errors:
                running.append(subprocess.Popen(command, stderr=errors))
        while any(process.poll() is None for process in running):
            progress(sum(p.stat().st_size for p in job.glob("*.done")))
            time.sleep(0.1)
    finally:
        for process in running:
            process.kill()
            process.wait()
    for number, process in enumerate(running):
        if process.returncode:
            said = (job / f"{number}.err").read_text(errors="replace").strip()
            last = said.splitlines()[-1] if said else f"ended with {process.returncode}"
            raise OSError(last)


def read_shards(job: str | Path, number: int, workers: int) -> None:
    """Read every ``workers``-th shard of a job from ``number`` on into the folder above it."""
    job = Path(job)
    told = json.loads((job / "job.json").read_text())
    layout = _layout(told["layout"])
    with (job / f"{number}.done").open("wb", buffering=0) as done:
        for shard in told["shards"][number::workers]:
            _write_shard(job, shard, layout, lambda: done.write(b"."))


def _layout(told: dict[str, Any]) -> Layout:
    return Layout(
        told["name"],
        tuple(told["joint_names"]),
        tuple((a, b) for a, b in told["bones"]),
        tuple(told["left"]),
        tuple(told["right"]),
        {role: tuple(joints) for role, joints in told["roles"].items()},
    )


def _write_shard(
    job: Path, shard: list[list[Any]], layout: Layout, tick: Callable[[], object]
) -> None:
    name = hashlib.sha256("".join(digest for digest, *_ in shard).encode()).hexdigest()[:20]
    joints: list[NDArray[np.float32]] = []
    present: list[NDArray[np.bool_]] = []
    rows: list[tuple[int, tuple[int, int, int], int, str]] = []
    at = present_at = 0
    for _, path, segment in shard:
        try:
            positions, there = _read(path, segment, layout)
        except ActvizError as error:
            rows.append((at, (0, 0, 0), present_at, _reason(error)))
        else:
            frames, people, count, _ = positions.shape
            rows.append((at, (frames, people, count), present_at, ""))
            joints.append(positions.ravel())
            present.append(there.ravel())
            at, present_at = at + positions.size, present_at + there.size
        tick()
    start, shape, present_start, reason = zip(*rows, strict=True)
    np.save(job / f"{name}.npy", np.concatenate(joints) if joints else np.zeros(1, np.float32))
    np.savez(
        job / f"{name}.npz",
        digest=np.array([digest for digest, *_ in shard]),
        start=np.array(start),
        shape=np.array(shape),
        present_start=np.array(present_start),
        reason=np.array(reason),
        present=np.concatenate(present) if present else np.zeros(1, bool),
    )
    for suffix in (".npy", ".npz"):  # the index last: it makes the shard count
        (job / f"{name}{suffix}").replace(job.parent / f"{name}{suffix}")


def _reason(error: ActvizError) -> str:
    return error.reason if isinstance(error, ClipReadError) else str(error)


def _read(
    path: str, segment: str | None, layout: Layout
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Positions (F, P, J, 3) and where they may be used (F, P)."""
    skeleton = read_skeleton(path, segment=segment)
    try:
        fitted = convert(skeleton, layout)
    except ActvizError as error:
        has = layout_of(skeleton).name
        raise ActvizError(f"{OTHER_LAYOUT}{has} instead of {layout.name} ({error})") from None
    return np.ascontiguousarray(fitted.joints, np.float32), usable(fitted)
