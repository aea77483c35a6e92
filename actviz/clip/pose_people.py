"""Who is who from frame to frame: people kept apart when they cross, vanish or change order.

The pose model finds bodies, not people: it may list them in another order in every frame, see one
of two who cross, and take up somebody again where they come out. Decided frame by frame, a person
is lost at the first moment in which both are at one place; so the whole clip is decided at once.
A *story* says for every frame which detection is which person; its cost adds up, for every sight,
how badly that fits a body that walks on as it did (a Kalman filter of the torso's place, lengths
in torsos, whose pace forgets itself within a second) and that wears what it wore. The stories that
cost least are carried on, both ways of a crossing among them, until what comes after tells.

P people · costs are negative logarithms of likelihoods
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from actviz.clip.pose_landmarks import Detection

__all__ = ["follow"]

Sight = tuple[float, list[Detection]]  # seconds, bodies found
People = dict[int, Detection]  # person number -> detection

_STORIES = 16  # carried on
_JITTER = 0.08  # torsos: how far a place found is from the true one
_PACE = 2.0  # torsos a second (about 1 m/s): how fast people walk, usually
_FORGOTTEN_S = 1.0  # by when a pace has changed
_LOST = 0.75  # torsos: a place that is guessed is not taken to be surer or less sure than this
_NEW = 10.0  # cost of somebody new, while there is room; what costs more is no walk
_JUMP = 14.0  # at most, of one person's move: a cut in the film, or a third person
_COLOUR = 0.1  # of full scale: by how much the colours of one person's clothes differ
_OTHER_COLOUR = 4.0  # cost at most: light changes, and arms cover a torso
_SLOWLY = 0.1  # share by which clothes follow what is seen
_DOUBLE = 0.5  # torso lengths: bodies that are nearer than this all over are one body found twice


def follow(sights: Sequence[Sight], *, most: int = 2) -> list[People]:
    """For each of the sights, in order of time, which body is which of at most ``most`` people.

    Numbers begin at 0 in order of appearance; a body found twice counts once.
    """
    stories = [_Story(0.0, (None,) * most, ((-1, -1),) * most)]
    for time_s, found in sights:
        bodies = _without_doubles(found)[:most]
        told = (next_ for story in stories for next_ in story.go_on(bodies, time_s))
        best: dict[object, _Story] = {}
        for story in sorted(told, key=lambda s: s.cost):
            best.setdefault(story.seen, story)  # alike from here on: the better one goes on
        stories = list(best.values())[:_STORIES]
    return list(stories[0].chapters())[::-1]


@dataclass(frozen=True)
class _Track:
    """What is known of one person's torso; lengths in torsos but ``place``, ``pace`` in pixels."""

    place: NDArray[np.float64]  # (2,)
    pace: NDArray[np.float64]  # (2,) per second
    torso: float  # pixels
    colours: NDArray[np.float64] | None
    time_s: float
    spread: tuple[float, float, float] = (_JITTER**2, 0.0, _PACE**2)  # of place, both, pace

    @staticmethod
    def begin(body: Detection, time_s: float) -> _Track:
        return _Track(body.centre, np.zeros(2), body.torso, body.colours, time_s)

    def at(self, time_s: float) -> _Track:
        """Where the person should be by then, and how sure that is."""
        step = time_s - self.time_s
        kept = math.exp(-step / _FORGOTTEN_S)
        reach = _FORGOTTEN_S * (1 - kept)  # seconds' worth of the pace
        place, both, pace = self.spread
        shaken = 2 * _PACE**2 / _FORGOTTEN_S  # so that the spread of a forgotten pace is _PACE
        place += 2 * reach * both + reach**2 * pace + shaken * reach**3 / 3
        both = kept * (both + reach * pace) + shaken * reach**2 / 2
        pace = kept**2 * pace + _PACE**2 * (1 - kept**2)
        place = min(place, _LOST**2)
        most = math.sqrt(place * pace)
        spread = (place, min(both, most), pace)
        moved = self.place + reach * self.pace
        return replace(self, place=moved, pace=kept * self.pace, spread=spread, time_s=time_s)

    def cost(self, body: Detection) -> float:
        """Of seeing this person, expected here, as ``body``."""
        off = float(np.linalg.norm(body.centre - self.place)) / self.torso
        doubt = self.spread[0] + _JITTER**2
        move = off**2 / (2 * doubt) + math.log(doubt / _JITTER**2)
        # a little more for a farther jump, so that the nearest of two who must jump does
        return min(move, _JUMP + 0.01 * off) + self._colour_cost(body)

    def _colour_cost(self, body: Detection) -> float:
        if self.colours is None or body.colours is None:
            return 0.0
        off = float(((self.colours - body.colours) ** 2).sum(1).mean())
        return min(off / (2 * _COLOUR**2), _OTHER_COLOUR)

    def seen_as(self, body: Detection) -> _Track:
        """Expected here, and then seen: the Kalman filter's correction; anew after a jump."""
        off = body.centre - self.place
        place, both, pace = self.spread
        doubt = place + _JITTER**2
        if float(off @ off) / self.torso**2 / (2 * doubt) > _JUMP:
            return replace(_Track.begin(body, self.time_s), colours=self._colours_with(body))
        gain, gain_pace = place / doubt, both / doubt
        spread = ((1 - gain) * place, (1 - gain) * both, pace - gain_pace * both)
        return replace(
            self,
            place=self.place + gain * off,
            pace=self.pace + gain_pace * off,
            torso=self.torso + _SLOWLY * (body.torso - self.torso),
            colours=self._colours_with(body),
            spread=spread,
        )

    def _colours_with(self, body: Detection) -> NDArray[np.float64] | None:
        if self.colours is None or body.colours is None:
            return body.colours if self.colours is None else self.colours
        return self.colours + _SLOWLY * (body.colours - self.colours)


@dataclass(frozen=True)
class _Story:
    """One way in which it may have been, up to now."""

    cost: float
    tracks: tuple[_Track | None, ...]  # (P,), None: not seen yet
    seen: tuple[tuple[int, int], ...]  # (P,), frame and place in its list of each last sight
    frame: int = 0  # sights told
    people: People | None = None  # of the last of them
    before: _Story | None = None

    def go_on(self, bodies: list[Detection], time_s: float) -> Iterator[_Story]:
        """Every way in which ``bodies`` can be these people, or new ones."""
        expected = tuple(track and track.at(time_s) for track in self.tracks)
        known = sum(track is not None for track in self.tracks)
        for numbers in permutations(range(len(self.tracks)), len(bodies)):
            new = [p for p in numbers if p >= known]
            if new == list(range(known, known + len(new))):  # new people come in one order only
                yield self._with(dict(zip(numbers, bodies, strict=True)), expected, time_s)

    def _with(self, people: People, expected: tuple[_Track | None, ...], time_s: float) -> _Story:
        cost, tracks, seen = self.cost, list(self.tracks), list(self.seen)
        for rank, (p, body) in enumerate(people.items()):
            track = expected[p]
            cost += _NEW if track is None else track.cost(body)
            tracks[p] = _Track.begin(body, time_s) if track is None else track.seen_as(body)
            seen[p] = (self.frame, rank)
        return _Story(cost, tuple(tracks), tuple(seen), self.frame + 1, people, self)

    def chapters(self) -> Iterator[People]:
        """Who was who, the last frame first."""
        story: _Story | None = self
        while story is not None and story.people is not None:
            yield story.people
            story = story.before


def _without_doubles(found: list[Detection]) -> list[Detection]:
    """Detections without second sights of the same body, the most visible first."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda d: -float(d.visibility.mean())):
        apart = [
            float(np.linalg.norm(detection.image - other.image, axis=1).mean())
            / max(detection.torso, other.torso)
            for other in kept
        ]
        if all(distance > _DOUBLE for distance in apart):
            kept.append(detection)
    return kept
