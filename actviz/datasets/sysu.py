"""SYSU 3D Human-Object Interaction (Hu et al., CVPR 2015): 12 actions by 40 people, once each.

The makers' tree is ``3DvideoNorm/<person>/video<action>/sklWorld.mat``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from actviz.datasets.base import Dataset, DatasetError, Sample, Split

__all__ = ["CLASSES", "OFFICIAL_COUNT", "SPLITS", "open_sysu"]

# In the order of the numbers of the video folders, as the paper lists the actions.
CLASSES = (
    *("drinking", "pouring", "calling phone", "playing phone", "wearing backpacks"),
    *("packing backpacks", "sitting chair", "moving chair", "taking out wallet"),
    *("taking from wallet", "mopping", "sweeping"),
)
OFFICIAL_COUNT = 480
SPLITS = 30  # random halves whose mean the paper reports
_FOLDER = re.compile(r"video\D*0*(\d+)", re.IGNORECASE | re.ASCII)


def open_sysu(root: Path) -> Dataset:
    """SYSU-3D anywhere below ``root``.

    Protocols: ``setting-1/01`` to ``/30`` train on half of each class's sequences, ``setting-2/01``
    to ``/30`` on half of the people. The halves are drawn by us from the number of the split: the
    makers' own draws are not used.

    Raises:
        DatasetError: no such folder, or no such file in it.
    """
    root = Path(root)
    samples: dict[str, Sample] = {}
    notes = ["The 30 halves of either setting are drawn by us, not those of the paper."]
    for path in sorted(root.rglob("sklWorld.mat")):
        sample = _sample(path)
        if sample is None:
            notes.append(f"{path.parent.name}/{path.name}: no folder video1 to video12; left out.")
        elif sample.key in samples:
            notes.append(f"{sample.key} is there twice; the first was kept.")
        else:
            samples[sample.key] = sample
    if not samples:
        raise DatasetError(
            f"{root}: expected SYSU-3D's 3DvideoNorm/<person>/video1/sklWorld.mat …; found none."
        )
    if len(samples) != OFFICIAL_COUNT:
        notes.append(f"{len(samples)} of the published {OFFICIAL_COUNT} sequences are here.")
    every = tuple(samples[key] for key in sorted(samples))
    return Dataset(
        name="sysu",
        kind="skeleton",
        root=root,
        classes=CLASSES,
        samples=every,
        protocols=tuple(f"setting-{s}/{n:02}" for s in (2, 1) for n in range(1, SPLITS + 1)),
        make_split=lambda protocol: _split(protocol, every),
        layout="kinect-20",
        notes=tuple(notes),
    )


def _sample(path: Path) -> Sample | None:
    match = _FOLDER.fullmatch(path.parent.name)
    if not match or not 1 <= int(match[1]) <= len(CLASSES):
        return None
    person, number = path.parent.parent.name, int(match[1])
    return Sample(f"{person}/video{number:02}", path, label=number - 1, group=person)


def _split(protocol: str, samples: tuple[Sample, ...]) -> Split:
    setting, _, number = protocol.partition("/")
    rng = np.random.default_rng([int(setting[-1]), int(number)])
    if setting == "setting-2":
        people = sorted({s.group for s in samples})
        chosen = set(rng.permutation(people)[: (len(people) + 1) // 2].tolist())
        train = {s.key for s in samples if s.group in chosen}
    else:
        train = set()
        for label in range(len(CLASSES)):
            keys = [s.key for s in samples if s.label == label]
            train |= set(rng.permutation(keys)[: (len(keys) + 1) // 2].tolist())
    return Split(
        protocol,
        tuple(s for s in samples if s.key in train),
        tuple(s for s in samples if s.key not in train),
    )
