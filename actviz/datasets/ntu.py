"""NTU RGB+D (Shahroudy et al., CVPR 2016): 60 actions, 40 people, 3 cameras, ``.skeleton`` files.

A name ``SsssCcccPpppRrrrAaaa`` says set-up, camera, performer, repetition and action. 302 files
lack usable skeletons; the makers publish their names and everyone leaves them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from actviz.datasets.base import Dataset, DatasetError, Sample, Split

__all__ = ["CLASSES", "OFFICIAL_COUNTS", "TRAIN_CAMERAS", "TRAIN_SUBJECTS", "open_ntu"]

CLASSES = (
    *("drink water", "eat meal", "brush teeth", "brush hair", "drop", "pick up", "throw"),
    *("sit down", "stand up", "clap", "read", "write", "tear up paper", "put on jacket"),
    *("take off jacket", "put on a shoe", "take off a shoe", "put on glasses", "take off glasses"),
    *("put on a hat or cap", "take off a hat or cap", "cheer up", "wave hand", "kick something"),
    *("reach into pocket", "hop", "jump up", "phone call", "play with phone or tablet"),
    *("type on a keyboard", "point to something", "take a selfie", "check time", "rub hands"),
    *("nod head or bow", "shake head", "wipe face", "salute", "put palms together"),
    *("cross hands in front", "sneeze or cough", "stagger", "fall down", "headache"),
    *("chest pain", "back pain", "neck pain", "nausea or vomiting", "fan self", "punch or slap"),
    *("kick other person", "push other person", "pat on back", "point finger at other person"),
    *("hug", "give object", "touch pocket", "shake hands", "walk towards", "walk apart"),
)
# The published split of subjects and cameras; MAN's preparation script has the same.
TRAIN_SUBJECTS = frozenset(
    (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
)
TRAIN_CAMERAS = frozenset((2, 3))
# Train and test without the 302 files, recomputed from the list of the 56,578 others that
# microsoft/SGN publishes. MAN counts 299 fewer: it also drops files whose last frame shows more
# than two bodies.
OFFICIAL_COUNTS = {"cross-subject": (40_091, 16_487), "cross-view": (37_646, 18_932)}

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})", re.ASCII)
_LISTS = "*missing_skeleton*.txt"  # samples_with_missing_skeletons.txt and its other spellings
_EMPTY_BYTES = 4096  # a single body in a single frame takes as much


def open_ntu(root: Path) -> Dataset:
    """NTU RGB+D below ``root``: every ``.skeleton`` file of actions 1 to 60 that has a skeleton.

    Files named in a ``*missing_skeletons*.txt`` below ``root`` are left out; without that list,
    those in which no frame holds a body. Protocols: ``cross-subject``, ``cross-view``.

    Raises:
        DatasetError: no such folder, or no ``.skeleton`` file with such a name in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(
            f"{root}: expected NTU RGB+D's folder of .skeleton files; no such folder."
        )
    files, notes = _named(root)
    listed, source = _listed(root)
    if source is not None:
        missing = {stem for stem in files if stem in listed}
        notes.append(f"{len(missing)} files that {source.name} names as without skeleton left out.")
    else:
        missing = {stem for stem, path in files.items() if _is_empty(path)}
        notes.append(
            f"No samples_with_missing_skeletons.txt below {root.name}: {len(missing)} files in "
            "which no frame holds a body left out; put the makers' list of 302 there to leave out "
            "the incomplete ones too."
        )
    samples = tuple(_sample(stem, files[stem]) for stem in sorted(files) if stem not in missing)
    if len(samples) != 56_578:
        notes.append(f"{len(samples)} of the published 56,578 sequences are here.")
    return Dataset(
        name="ntu",
        kind="skeleton",
        root=root,
        classes=CLASSES,
        samples=samples,
        protocols=tuple(OFFICIAL_COUNTS),
        make_split=lambda protocol: _split(protocol, samples),
        layout="ntu-25",
        notes=tuple(notes),
    )


def _named(root: Path) -> tuple[dict[str, Path], list[str]]:
    """Name -> file of actions 1 to 60, and what was left out in words."""
    files: dict[str, Path] = {}
    odd, later, twice = 0, 0, 0
    for path in sorted(root.rglob("*.skeleton")):
        match = _NAME.fullmatch(path.stem)
        if not match or int(match[5]) == 0:
            odd += 1
        elif int(match[5]) > len(CLASSES):
            later += 1
        elif path.stem in files:
            twice += 1
        else:
            files[path.stem] = path
    notes = []
    for count, what in (
        (odd, "are not named SsssCcccPpppRrrrAaaa"),
        (later, "hold actions 61 to 120 of NTU RGB+D 120"),
        (twice, "have the name of another one"),
    ):
        if count:
            notes.append(f"{count} .skeleton files {what}; left out.")
    if not files:
        raise DatasetError(
            f"{root}: expected files like S001C001P001R001A001.skeleton of NTU RGB+D; found none. "
            + " ".join(notes)
        )
    return files, notes


def _listed(root: Path) -> tuple[frozenset[str], Path | None]:
    """Names in the list of files without skeleton, and that list; None where there is none."""
    candidates = [*sorted(root.glob(_LISTS)), *sorted(root.glob(f"*/{_LISTS}"))]
    candidates += sorted(root.absolute().parent.glob(_LISTS))
    for path in candidates:
        try:
            names = {m.group() for m in _NAME.finditer(path.read_text(errors="replace"))}
        except OSError:
            continue
        if names:
            return frozenset(names), path
    return frozenset(), None


def _is_empty(path: Path) -> bool:
    """Whether the file, by its content, tracks nobody in any of its frames."""
    try:
        if path.stat().st_size > _EMPTY_BYTES:
            return False
        words = path.read_bytes().split()
    except OSError:
        return False
    return not any(word != b"0" for word in words[1:])


def _sample(stem: str, path: Path) -> Sample:
    return Sample(stem, path, label=int(stem[-3:]) - 1, group=stem[8:12])


def _split(protocol: str, samples: Iterable[Sample]) -> Split:
    train: list[Sample] = []
    test: list[Sample] = []
    for sample in samples:
        camera, subject = int(sample.key[5:8]), int(sample.key[9:12])
        chosen = (
            subject in TRAIN_SUBJECTS if protocol == "cross-subject" else camera in TRAIN_CAMERAS
        )
        (train if chosen else test).append(sample)
    return Split(protocol, tuple(train), tuple(test))
