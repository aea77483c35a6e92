"""Puppet clips cut anew from stored features, with any share of irrelevant frames.

Features are per frame and the frame CNN is frozen, so that the features of a clip that shows other
frames are those frames' stored features: exact, and nothing is drawn again. A clip keeps its label
and frames that show its action, in their order, as one run; before and after it stand shots of
other clips of the same part of the data, so that training, validation and test never mix.

Shots show either nothing (close-ups, the empty stage, idle figures, pans) or *other actions*. Then
each is shorter than the clip's own run and of a class of its own, so that the label stays what the
clip shows longest; nothing else tells it from the rest.

C stored frames · V views · T frames of a new clip · d feature
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from actviz.clip.sampling import segment_indices
from actviz.datasets import puppets
from actviz.errors import ActvizError
from actviz.learn.data.transforms import even_indices

__all__ = ["Cut", "CutClips", "evidence_of", "shots_of"]

_VIEWS = 4  # cuts of each training clip; one of it is drawn in each epoch
_WORD = 4711  # begins every seed, so that no other draw repeats these


@dataclass(frozen=True)
class Cut:
    """How clips are cut."""

    share: float  # of irrelevant frames, 0 to below 1
    shows: Literal["nothing", "other actions"] = "nothing"
    frames: int = 10  # T

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1 or self.frames < 1 or self.own < 1:
            raise ActvizError(
                f"a cut needs a share from 0 to below 1 that leaves a frame of the action; got "
                f"{self.share} of {self.frames} frames."
            )

    @property
    def own(self) -> int:
        """Frames that show the clip's action."""
        return self.frames - round(self.frames * self.share)


class Stored(Protocol):
    """Features of one part of the data."""

    keys: tuple[str, ...]
    labels: NDArray[np.int64]
    skipped: dict[str, str]

    def read(self, clip: int) -> NDArray[np.float32]:
        """(V, C, d)"""


@lru_cache(maxsize=8)
def evidence_of(part: str, clips: int, count: int) -> NDArray[np.bool_]:
    """Whether the action is visible, (N, count), in the frames that ``puppet_frames`` stores."""
    scenes = (puppets.make_scene(seed) for seed in puppets.scene_seeds(part, clips))
    return np.stack([s.truth.evidence[segment_indices(len(s), count)] for s in scenes])


@lru_cache(maxsize=8)
def shots_of(part: str, clips: int, count: int) -> tuple[tuple[int, int, int], ...]:
    """(clip, start, stop) of every run of stored frames in one shot that is not of an action."""
    found = []
    for clip, seed in enumerate(puppets.scene_seeds(part, clips)):
        scene = puppets.make_scene(seed)
        at = segment_indices(len(scene), count)
        for shot in scene.truth.shots:
            start, stop = np.searchsorted(at, (shot.start, shot.stop))
            if shot.kind != "action" and stop > start:
                found.append((clip, int(start), int(stop)))
    return tuple(found)


@dataclass(frozen=True)
class _Place:
    """Frames of the new clip from ``start`` to ``stop``."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class CutClips:
    """The clips of one part cut anew; read as stored features are.

    Args:
        stored: features of the part, C frames of each clip.
        part: "train", "val" or "test".
        views: new clips of each; the first is the only one of parts that are not trained on.
    """

    def __init__(self, stored: Stored, part: str, cut: Cut, *, views: int = 0) -> None:
        self.keys, self.labels, self.skipped = stored.keys, stored.labels, stored.skipped
        self.cut, self.part = cut, part
        views = views or (_VIEWS if part == "train" else 1)
        clips, count = len(stored.keys), stored.read(0).shape[1]
        self._evidence = [np.flatnonzero(e) for e in evidence_of(part, clips, count)]
        shots = shots_of(part, clips, count)
        most = max((stop - start for _, start, stop in shots), default=0)
        self._long = [[s for s in shots if s[2] - s[1] >= n] for n in range(most + 1)]
        made = [[self._make(stored, clip, view) for view in range(views)] for clip in range(clips)]
        self.features = np.stack([np.stack([f for f, _, _ in row]) for row in made])
        self.evidence = np.stack([np.stack([e for _, e, _ in row]) for row in made])  # (N, V, T)
        self.clips = np.stack([np.stack([c for _, _, c in row]) for row in made])  # (N, V, T)

    def read(self, clip: int) -> NDArray[np.float32]:
        """(V, T, d)"""
        return self.features[clip]

    def _make(self, stored: Stored, clip: int, view: int) -> tuple[Any, Any, Any]:
        """Features (T, d), evidence (T,) and source clip (T,) of one new clip."""
        part = puppets.SPLITS[self.part].start
        rng = np.random.default_rng((_WORD, part, clip, view))
        own, others = self._places(rng)
        frames: list[tuple[int, int]] = [(clip, 0)] * self.cut.frames  # source clip and frame
        frames[own.start : own.stop] = self._action(clip, len(own), rng)
        used = {int(self.labels[clip])}
        for place in others:
            frames[place.start : place.stop] = self._shot(len(place), used, rng)
        evidence = np.zeros(self.cut.frames, dtype=bool)
        evidence[own.start : own.stop] = True
        view_of = {c: int(rng.integers(len(stored.read(c)))) if view else 0 for c, _ in frames}
        features = np.stack([stored.read(c)[view_of[c], f] for c, f in frames])
        return features, evidence, np.array([c for c, _ in frames])

    def _places(self, rng: np.random.Generator) -> tuple[_Place, list[_Place]]:
        """Where the clip's own run stands, and each shot before and after it."""
        total, own = self.cut.frames, self.cut.own
        start = int(rng.integers(total - own + 1))
        apart = self.cut.shows == "other actions"
        longest = max(1, own - 1) if apart else max(3, (total - own + 1) // 2)
        shots = []
        for first, last in ((0, start), (start + own, total)):
            pieces = -(-(last - first) // longest)
            edges = np.linspace(first, last, pieces + 1).round().astype(int)
            shots += [_Place(int(a), int(b)) for a, b in pairwise(edges)]
        return _Place(start, start + own), shots

    def _action(self, clip: int, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
        """``count`` of the clip's frames that show its action, in order, spread over it."""
        seen = self._evidence[clip]
        return [(clip, int(seen[i])) for i in even_indices(len(seen), count, rng)]

    def _shot(self, count: int, used: set[int], rng: np.random.Generator) -> list[tuple[int, int]]:
        """``count`` frames of one shot; of an action, its class joins ``used``."""
        if self.cut.shows == "other actions":
            free = np.flatnonzero(~np.isin(self.labels, list(used)))
            clip = int(rng.choice(free))
            used.add(int(self.labels[clip]))
            return self._action(clip, count, rng)
        long = self._long[min(count, len(self._long) - 1)]
        clip, start, stop = long[int(rng.integers(len(long)))]
        first = start + int(rng.integers(max(stop - start - count, 0) + 1))
        return [(clip, min(first + i, stop - 1)) for i in range(count)]
