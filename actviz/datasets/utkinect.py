"""UT-Kinect-Action3D (Xia et al., CVPR workshops 2012): ten actions in each of 20 recordings.

Ten people, two recordings each; 199 labelled sequences, since one label is missing (``s10_e02``,
carry). Labels are those of the repaired list; see ``clip.skeleton_text.UT_REPAIRS``.
"""

from __future__ import annotations

import math
from pathlib import Path

from actviz.clip.skeleton_text import UT_REPAIRS, find_labels, is_wrong_label, read_labels
from actviz.datasets.base import Dataset, DatasetError, Sample, Split
from actviz.errors import ClipReadError

__all__ = ["CLASSES", "OFFICIAL_COUNT", "open_utkinect", "people_in_groups", "person_of"]

CLASSES = (
    *("walk", "sit down", "stand up", "pick up", "carry"),
    *("throw", "push", "pull", "wave hands", "clap hands"),
)
OFFICIAL_COUNT = 199  # sequences with a usable label
_IN_GROUP = 2  # people of a group of ours
_LABEL_OF = {name.replace(" ", ""): number for number, name in enumerate(CLASSES)}


def open_utkinect(root: Path) -> Dataset:
    """UT-Kinect at ``root``, or in its folder ``joints``: one sample per labelled action.

    Protocols: ``leave-one-sequence-out/01`` to ``/20``, the number of the recording that is tested
    on, sorted by name; and ours, to choose a recipe by: people stand in groups of two, and
    ``inner/1`` leaves out all recordings of the first, tests on the second group's and trains on
    the others'. What is chosen there has seen nothing that the folds of the first group test on.

    Raises:
        DatasetError: no label file, or one that cannot be read.
    """
    root = Path(root)
    folder, labels = _places(root)
    try:
        spans = read_labels(labels)
    except ClipReadError as error:
        raise DatasetError(str(error)) from error
    notes: list[str] = []
    samples = []
    for recording in sorted(spans):
        for action, span in spans[recording].items():
            if (problem := _unusable(recording, action, span)) is not None:
                notes.append(problem)
                continue
            if is_wrong_label(recording, action, span):
                first, last = UT_REPAIRS[recording, action][1]
                notes.append(
                    f"{recording} {action}: the label {span[0]:g} to {span[1]:g} is known to be "
                    f"wrong; {first:g} to {last:g} is used."
                )
            samples.append(_sample(folder, recording, action))
    if not samples:
        raise DatasetError(f"{labels}: expected labels such as 'walk: 252 390'; found none.")
    found = {p.stem.removeprefix("joints_") for p in folder.glob("joints_*.txt")}
    if unlabelled := sorted(found - set(spans)):
        notes.append(f"No labels for {', '.join(unlabelled)}; left out.")
    recordings = sorted({s.group for s in samples})
    every = tuple(samples)
    protocols = tuple(f"leave-one-sequence-out/{n:02}" for n in range(1, len(recordings) + 1))
    groups = people_in_groups(recordings)
    if len(groups) > 2:
        protocols += tuple(f"inner/{n}" for n in range(1, len(groups) + 1))
    return Dataset(
        name="utkinect",
        kind="skeleton",
        root=root,
        classes=CLASSES,
        samples=every,
        protocols=protocols,
        make_split=lambda protocol: _split(protocol, every, recordings),
        layout="kinect-20",
        notes=tuple(notes),
    )


def _places(root: Path) -> tuple[Path, Path]:
    """The folder of the recordings, and the label file."""
    for folder in (root / "joints", root):
        if next(folder.glob("joints_*.txt"), None) is not None:
            labels = find_labels(folder) or find_labels(folder.absolute().parent)
            if labels is None:
                raise DatasetError(
                    f"{folder}: expected UT-Kinect's actionLabel.txt beside its joints_*.txt or "
                    "one folder above; put it there."
                )
            return folder, labels
    labels = find_labels(root)
    if labels is None:
        raise DatasetError(
            f"{root}: expected UT-Kinect's joints_s01_e01.txt … and actionLabel.txt, here or in "
            "joints/; found none."
        )
    return root, labels


def _unusable(recording: str, action: str, span: tuple[float, float]) -> str | None:
    if action.replace(" ", "").lower() not in _LABEL_OF:
        return f"{recording}: the action {action!r} is none of the ten; left out."
    if not all(map(math.isfinite, span)):
        return f"{recording} {action}: the label file gives no frames (NaN); left out."
    if span[1] < span[0]:
        return f"{recording} {action}: its label ends before it starts; left out."
    return None


def _sample(folder: Path, recording: str, action: str) -> Sample:
    label = _LABEL_OF[action.replace(" ", "").lower()]
    return Sample(
        key=f"{recording}/{action}",
        path=folder / f"joints_{recording}.txt",
        label=label,
        group=recording,
        segment=action,
    )


def person_of(recording: str) -> str:
    """``s01`` of ``s01_e02``."""
    return recording.partition("_")[0]


def people_in_groups(recordings: list[str]) -> list[list[str]]:
    """The people of ``recordings``, two to a group, sorted by name."""
    people = sorted({person_of(recording) for recording in recordings})
    return [people[at : at + _IN_GROUP] for at in range(0, len(people), _IN_GROUP)]


def _split(protocol: str, samples: tuple[Sample, ...], recordings: list[str]) -> Split:
    kind, _, number = protocol.rpartition("/")
    if kind == "inner":
        groups = people_in_groups(recordings)
        unseen, tested = groups[int(number) - 1], groups[int(number) % len(groups)]
        held = tuple(s for s in samples if person_of(s.group) in tested)
        kept = tuple(s for s in samples if person_of(s.group) not in unseen + tested)
        return Split(protocol, kept, held)
    out = recordings[int(number) - 1]
    train = tuple(s for s in samples if s.group != out)
    return Split(protocol, train, tuple(s for s in samples if s.group == out))
