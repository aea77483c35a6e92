"""A data set's skeleton sequences for training and scoring, all in one layout.

N sequences · F frames · P people · J joints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS, Layout
from actviz.clip.skeleton import layout_of, read_skeleton
from actviz.datasets.base import Sample
from actviz.errors import ActvizError, ClipReadError
from actviz.learn.data.joint_store import (
    OTHER_LAYOUT,
    Place,
    Progress,
    digest_of_sample,
    store_folder,
    stored,
)

__all__ = ["StoredJoints", "open_joints"]


def open_joints(
    samples: Sequence[Sample],
    *,
    layout: str | Layout | None = None,
    progress: Progress | None = None,
) -> StoredJoints:
    """The sequences of ``samples``, each read once and kept in the cache.

    What cannot be read is skipped and named in ``skipped``, never fatal.

    Args:
        layout: a known layout, one that a file brings and its name, or None for that of the first
            sequence that can be read. Others are converted where their joints correspond.
        progress: told ("skeletons", done, total) while files are read.

    Raises:
        ActvizError: none of the sequences can be read, more of them have a layout that cannot be
            converted than not, or the cache cannot be written.
    """
    target = layout if isinstance(layout, Layout) else _layout_for(samples, layout)
    digests: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for sample in samples:
        try:
            digests[sample.key] = digest_of_sample(sample)
        except OSError as error:
            skipped[sample.key] = f"no such file ({error.strerror})."
        except ClipReadError as error:
            skipped[sample.key] = error.reason
    wanted = [(digests[s.key], s) for s in samples if s.key in digests]
    places = stored(wanted, target, progress)
    for digest, sample in wanted:
        if places[digest].reason:
            skipped[sample.key] = places[digest].reason
    kept = [(s, places[digest]) for digest, s in wanted if not places[digest].reason]
    _check(len(samples), len(kept), skipped, target)
    return StoredJoints(kept, target, skipped)


def _layout_for(samples: Sequence[Sample], name: str | None) -> Layout:
    """The layout called ``name``: a known one, or that of the first file that brings it."""
    known = "ntu-25" if name is None and not samples else str(name).strip().lower()
    if known in LAYOUTS:
        return LAYOUTS[known]
    reason, others = "there is none", set[str]()
    for sample in samples:
        try:
            found = layout_of(read_skeleton(sample.path or Path(), segment=sample.segment))
        except ActvizError as error:
            reason = str(error)
            continue
        if name is None or found.name.lower() == known:
            return found
        others.add(found.name)
    if others:
        raise ActvizError(
            f"no file brings the skeleton layout {name!r}; they have {', '.join(sorted(others))}, "
            f"and known are {', '.join(LAYOUTS)}."
        )
    raise ActvizError(f"none of the {len(samples)} skeleton files can be read: {reason}")


def _check(total: int, kept: int, skipped: Mapping[str, str], layout: Layout) -> None:
    other = [reason for reason in skipped.values() if reason.startswith(OTHER_LAYOUT)]
    if len(other) > kept:
        raise ActvizError(
            f"{len(other)} of {total} skeletons have {other[0]}; name the layout that all can "
            "become, or keep files of other layouts apart."
        )
    if total and not kept:
        reason = next(iter(skipped.values()))
        raise ActvizError(f"none of the {total} skeletons can be read into {layout.name}: {reason}")


class StoredJoints:
    """Sequences on disk, mapped into memory as they are asked for. A ``JointSource``."""

    def __init__(
        self, kept: Sequence[tuple[Sample, Place]], layout: Layout, skipped: Mapping[str, str]
    ) -> None:
        self.samples = tuple(sample for sample, _ in kept)
        self.keys = tuple(sample.key for sample in self.samples)  # (N,)
        self.labels = np.array([s.label for s in self.samples], dtype=np.int64)  # (N,)
        self.skipped = dict(skipped)  # key -> reason, not among the N
        self.joint_layout = layout  # names, bones and roles, a layout of the files' own included
        self.layout = layout.name
        self.roles = dict(layout.roles)  # role -> joint numbers, as models.MAN(roles=…) takes it
        self.joint_count = len(layout)  # J
        self.lengths = np.array([p.shape[0] for _, p in kept], dtype=np.int64)  # (N,) F of each
        self.people = max((place.shape[1] for _, place in kept), default=0)  # most P
        self._places = tuple(place for _, place in kept)
        self._folder = store_folder(layout)
        self._open: dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}  # another process maps the files itself

    def read(self, clip: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Joints (F, P, J, 3) in metres and whose may be used (F, P), with the clip's own F and P.

        Raises:
            ActvizError: the cache was cleared meanwhile.
        """
        place = self._places[clip]
        joints, present = self._shard(place.shard)
        frames, people, count = place.shape
        size = frames * people
        positions = joints[place.start : place.start + size * count * 3]
        there = present[place.present_start : place.present_start + size]
        return (
            np.array(positions).reshape(frames, people, count, 3),
            np.array(there).reshape(frames, people),
        )

    def part(self, samples: Sequence[Sample]) -> StoredJoints:
        """Those of ``samples`` that are here, in their order, without reading anything again."""
        here = dict(zip(self.keys, zip(self.samples, self._places, strict=True), strict=True))
        kept = [(sample, here[sample.key][1]) for sample in samples if sample.key in here]
        skipped = {s.key: self.skipped[s.key] for s in samples if s.key in self.skipped}
        return StoredJoints(kept, self.joint_layout, skipped)

    def _shard(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        if name not in self._open:
            try:
                joints = np.load(self._folder / f"{name}.npy", mmap_mode="r")
                with np.load(self._folder / f"{name}.npz") as index:
                    self._open[name] = (joints, index["present"])
            except (OSError, ValueError, KeyError) as error:
                raise ActvizError(
                    f"stored skeletons are gone from {self._folder} ({error}); start again, they "
                    "are read anew."
                ) from error
        return self._open[name]
