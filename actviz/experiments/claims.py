"""What a paper says, as a function of measured figures: does it hold in our hands?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actviz.experiments.statistics import ERRORS, Contrast, Measured, contrast

__all__ = ["Claim", "Verdict", "above", "alike", "best", "judge", "more", "over"]

Key = Hashable
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Claim:
    """One sentence of a paper, or one of ours, about figures.

    ``terms`` sum to what must be above 0; of an ``alike`` claim, to what must be near 0. Where
    there are ``rivals``, the best of them by its mean is taken off, too.
    """

    words: str
    source: str  # where the paper says so; "ours" where it does not
    terms: Mapping[Key, float]
    constant: float = 0.0
    rivals: tuple[Key, ...] = ()
    near: float | None = None  # "alike": differences up to this are no difference
    same_trainings: bool = False
    unit: str = "%"  # of the difference as it is told


@dataclass(frozen=True)
class Verdict:
    """A claim and what became of it."""

    claim: Claim
    verdict: str  # holds | does not hold | within the spread | not measured
    contrast: Contrast | None = None
    against: Key = None  # the best of the rivals

    def to_json(self) -> dict[str, Any]:
        """Words, verdict, and the difference with its standard error in the claim's unit."""
        scale = 100.0 if self.claim.unit == "%" else 1.0
        told: dict[str, Any] = {"claim": self.claim.words, "source": self.claim.source}
        told["verdict"] = self.verdict
        if self.contrast is not None:
            told["difference"] = round(self.contrast.difference * scale, 6)
            error = self.contrast.error
            told["standard_error"] = None if error is None else round(error * scale, 6)
            told["unit"] = "points" if self.claim.unit == "%" else self.claim.unit
        if self.against is not None:
            told["against"] = _name(self.against)
        return told


def above(words: str, better: Key, worse: Key, *, source: str, **more: Any) -> Claim:
    """``better`` is above ``worse``."""
    return Claim(words, source, {better: 1.0, worse: -1.0}, **more)


def over(words: str, figure: Key, level: float, *, source: str, **more: Any) -> Claim:
    """``figure`` is above a level that is known, such as chance."""
    return Claim(words, source, {figure: 1.0}, constant=-level, **more)


def best(words: str, figure: Key, rivals: Sequence[Key], *, source: str, **more: Any) -> Claim:
    """``figure`` is above every one of ``rivals``."""
    return Claim(words, source, {figure: 1.0}, rivals=tuple(rivals), **more)


def more(words: str, gain: tuple[Key, Key], than: tuple[Key, Key], *, source: str) -> Claim:
    """The lead ``gain[0] - gain[1]`` is above the lead ``than[0] - than[1]``."""
    pairs = ((gain[0], 1.0), (gain[1], -1.0), (than[0], -1.0), (than[1], 1.0))
    terms: dict[Key, float] = {}
    for key, weight in pairs:  # a figure may stand on both sides
        terms[key] = terms.get(key, 0.0) + weight
    return Claim(words, source, terms)


def alike(words: str, one: Key, other: Key, *, near: float, source: str, **more: Any) -> Claim:
    """``one`` and ``other`` differ by less than ``near``, either way."""
    return Claim(words, source, {one: 1.0, other: -1.0}, near=near, **more)


def judge(claim: Claim, figures: Mapping[Any, Measured]) -> Verdict:
    """The verdict on ``claim`` by the rule in ``statistics``."""
    rivals = [key for key in claim.rivals if key in figures]
    if any(key not in figures for key in claim.terms) or (claim.rivals and not rivals):
        return Verdict(claim, NOT_MEASURED)
    terms, against = dict(claim.terms), None
    if rivals:
        against = max(rivals, key=lambda key: figures[key].mean)
        terms[against] = -1.0
    found = contrast(terms, figures, constant=claim.constant, same_trainings=claim.same_trainings)
    if claim.near is None:
        return Verdict(claim, found.verdict(), found, against)
    return Verdict(claim, _near(found, claim.near), found, against)


def _near(found: Contrast, near: float) -> str:
    """Surely within ``near`` of 0, surely beyond, or neither."""
    size, slack = abs(found.difference), ERRORS * (found.error or 0.0)
    if found.error is None:
        return "within the spread"
    if size + slack <= near:
        return "holds"
    return "does not hold" if size - slack > near else "within the spread"


def _name(key: Key) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)
