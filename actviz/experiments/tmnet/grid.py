"""The trainings behind TMNet's Tables 1 to 5 and Figure 5, which share them, and figures of them.

Every training is tested once, at nine glances evenly spread over each test clip (``glances``): they
tell of one glance at the centre, of a glance in each third (three of the nine) and of all nine
together. At puppets scale the grid is smaller than the paper's, and declared as such: two cores
without a GPU have some two hours for sixty trainings. An epoch of ``puppets/tmnet``, 2,400 clips of
8 frames, takes 40 s on one core, so that

- 8 frames stand for the paper's 16 wherever their number is not the question, and Table 1 ends at
  32, since as many of a clip are stored;
- 1,200 clips are trained on, four times each: 300 steps, from the frame CNN of ``puppets-tsn``;
- bfloat16 is used in training and in test, which halves both;
- the last epoch is kept, since choosing one by validation after each would cost a fifth more.

S seeds · N test clips · G glances · K classes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.experiments.base import Ask
from actviz.experiments.cutting import evidence_of
from actviz.experiments.mam.grid import clip_limits
from actviz.experiments.statistics import Measured
from actviz.experiments.trainings import Answers, Wanted, train_all

__all__ = [
    "BRANCHES",
    "FRAMES",
    "GLANCES",
    "MEASURES",
    "PLACES",
    "SMALL",
    "TOGETHER",
    "TSM",
    "TSN",
    "Row",
    "Runs",
    "score",
    "train",
]

GLANCES = 9  # of a test clip: a third holds three, and the fifth is the centre
PLACES: dict[str, tuple[int, ...]] = {  # where a clip is glanced at -> which of the nine
    "begin": (0, 1, 2),
    "middle": (3, 4, 5),
    "end": (6, 7, 8),
    "centre": (4,),
    "anywhere": tuple(range(GLANCES)),
}
BRANCHES = {"RB": "rb", "CB": "cb", "RB+CB": "both"}  # as the paper has it -> name of the answers
MEASURES = ("mAP", "acc@1", "acc@5")  # "mAP" is mean class accuracy
TOGETHER = "together"  # the mean of all nine glances' logits
FRAMES = 8  # T on puppets, where the paper has 16
SMALL: dict[str, Any] = {
    "train_clips": 1200,
    "val_clips": 24,
    "test_clips": 600,
    "frames": FRAMES,
    "epochs": 4,
    "batch_size": 16,
    "warmup": 20,
    "precision": "bf16-mixed",
    "choose": "last",
}


@dataclass(frozen=True)
class Row:
    """What a row of a table is trained as."""

    stem: str = "tmnet-2d"  # of its recipe at paper scale
    small: str = "tmnet"  # and on puppets
    settings: Mapping[str, Any] = field(default_factory=dict)

    def wanted(self, ask: Ask, data: str, seed: int, **place: Any) -> Wanted:
        """The training with ``seed`` on ``data``."""
        puppets = data == "puppets"
        recipe = f"{data}/{self.small if puppets else self.stem}"
        own = {**(SMALL if puppets else {}), **self.settings, "seed": seed}
        root, protocol = place.get("root"), place.get("protocol", "")
        own |= {"protocol": protocol} if protocol else {}
        return Wanted(recipe, clip_limits(recipe, ask, own), root=root, glances=GLANCES)


TSN = Row("tmnet-tsn", "tmnet-tsn", {"frames": 3})  # Table 1's
TSM = Row("tsm", "tsm")


@dataclass(frozen=True)
class Runs:
    """What was trained, and accuracies of it."""

    data: str
    seeds: tuple[int, ...]
    answers: Mapping[tuple[str, int, str], Answers]  # row, seed, protocol

    @property
    def evidence(self) -> NDArray[np.bool_] | None:
        """Which glances (N, G) show the clip's action, where that is known: of puppets."""
        clips = len(next(iter(self.answers.values())).keys)
        return _puppets_evidence(clips) if self.data == "puppets" else None

    def figure(
        self,
        row: str,
        branch: str = "RB+CB",
        measure: str = "acc@1",
        place: str = "centre",
        *,
        visible: bool = False,
    ) -> Measured | None:
        """One accuracy of a row, seed by seed; None where it has no such branch.

        Args:
            branch: of ``BRANCHES``.
            measure: of ``MEASURES``.
            place: of ``PLACES``, a glance that is drawn from there; or ``TOGETHER``.
            visible: only of glances that show the action.
        """
        shown = self.evidence if visible else None
        shares, rights = [], []
        for seed in self.seeds:
            every = [a for (name, s, _), a in self.answers.items() if (name, s) == (row, seed)]
            if any(BRANCHES[branch] not in a.glances for a in every):
                return None
            right = [score(a, BRANCHES[branch], measure, place, shown=shown) for a in every]
            shares.append(float(np.mean([r.mean() for r in right])))
            rights.append(np.concatenate(right))
        clips = (self.data, place) if visible else self.data  # which clips they are
        return Measured(tuple(shares), np.stack(rights), clips)

    def facts(self) -> list[dict[str, Any]]:
        """Each training's facts with its accuracies at the centre."""
        return [
            {"row": row, "data": self.data, "protocol": protocol, **a.facts}
            | {f"test_top1_{b}": _share(a, b) for b in BRANCHES.values() if b in a.glances}
            for (row, _, protocol), a in self.answers.items()
        ]


def train(
    rows: Mapping[str, Row],
    ask: Ask,
    *,
    seeds: int,
    data: str = "puppets",
    root: Path | None = None,
    protocols: Sequence[str] = ("",),
) -> Runs:
    """Train what the cache lacks.

    Args:
        rows: name -> what is trained.
        seeds: trainings of each row, where ``ask`` names no number.
    """
    numbers = tuple(range(ask.seeds or seeds))
    wanted = {  # seed by seed, so that a killed table has every row
        (name, seed, protocol): row.wanted(ask, data, seed, root=root, protocol=protocol)
        for seed in numbers
        for protocol in protocols
        for name, row in rows.items()
    }
    order = list(wanted.values())
    done = train_all(order, jobs=ask.jobs, fresh=ask.fresh, progress=ask.progress)
    return Runs(data, numbers, dict(zip(wanted, done, strict=True)))


def score(
    answers: Answers,
    branch: str,
    measure: str,
    place: str,
    *,
    shown: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Marks (N,) whose mean is the accuracy; of several glances each clip's mean over them.

    With ``shown`` (N, G) only those glances count, and clips without one at ``place`` are left out.
    """
    logits = answers.glances[branch]  # (N, G, K)
    together = place == TOGETHER or logits.shape[1] == 1
    at = [] if together else list(PLACES[place])
    looked = logits.mean(1, keepdims=True) if together else logits[:, at]
    right = _among(looked, answers.labels, 5 if measure == "acc@5" else 1)
    if shown is not None and not together:
        counted = shown[:, at]
        kept = counted.any(1)
        return (right & counted).sum(1)[kept] / counted.sum(1)[kept]
    marks = right.mean(1)
    if measure != "mAP":
        return marks
    counts = np.bincount(answers.labels, minlength=logits.shape[-1])
    weight = len(marks) / (np.count_nonzero(counts) * counts[answers.labels])
    return marks * weight  # so that every class counts as much


@lru_cache(maxsize=4)
def _puppets_evidence(clips: int) -> NDArray[np.bool_]:
    return evidence_of("test", clips, GLANCES)


def _among(logits: NDArray[np.float32], labels: NDArray[np.int64], most: int) -> NDArray[np.bool_]:
    """Whether the label is among the ``most`` likely classes, (N, G)."""
    order = np.argsort(-logits, axis=-1, kind="stable")[..., :most]
    return (order == labels[:, None, None]).any(-1)


def _share(answers: Answers, branch: str) -> float:
    return round(float(score(answers, branch, "acc@1", "centre").mean()), 6)
