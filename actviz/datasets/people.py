"""Who performs a clip, told by its name, and the splits by people that skeleton sets are scored by.

The field writes people into file names: ``a01_s03_e02`` (MSR Action3D), ``a1_s3_t2_skeleton``
(UTD-MHAD), ``P1_1_1_p06`` (MSRC-12), ``…_Id1actor3…`` (Florence 3D), ``S001C001P003R001A001``
(NTU RGB+D).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from actviz.datasets.base import DatasetError, Sample, Split, natural

__all__ = ["CROSS", "LEAVE_OUT", "people_in", "protocols_by_people", "split_by_people"]

CROSS = "cross-subject"  # odd numbers are trained on, even ones tested on
LEAVE_OUT = "leave-one-out/"  # and the person's name

_NTU = re.compile(r"S\d{3}C\d{3}P(\d{3})R\d{3}A\d{3}", re.IGNORECASE)
_WORD = re.compile(r"(?:subject|subj|person|actor|user|performer)[ _-]?(\d{1,4})", re.IGNORECASE)
_LETTER = re.compile(r"(?<![a-z0-9])[sp][_-]?(\d{1,3})(?![a-z0-9])", re.IGNORECASE)


def people_in(names: Sequence[str]) -> list[str]:
    """The number of the person in each name; all empty where they do not tell.

    Every name must tell somebody, at least two people in all, each of two clips on average: a
    number that no other clip has is a clip's own.
    """
    told = [_person(name) for name in names]
    people = len(set(told))
    return told if all(told) and 2 <= people <= len(told) / 2 else [""] * len(told)


def _person(name: str) -> str:
    for pattern in (_NTU, _WORD, _LETTER):
        if found := pattern.findall(name):
            return str(int(found[-1]))
    return ""


def protocols_by_people(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The protocols that the groups of ``samples`` allow; none where somebody is unknown."""
    people = _people(samples)
    if len(people) < 2 or not all(sample.group for sample in samples):
        return ()
    return (CROSS, *(LEAVE_OUT + person for person in people))


def split_by_people(protocol: str, samples: Sequence[Sample]) -> Split:
    """All clips, parted anew by who performs them.

    Raises:
        DatasetError: a class of the test part that nobody in the training part performs.
    """
    people = _people(samples)
    if protocol == CROSS:
        numbers = _numbers(people)
        tested = {person for person in people if numbers[person] % 2 == 0}
    else:
        tested = {protocol.removeprefix(LEAVE_OUT)}
    train = tuple(s for s in samples if s.group not in tested)
    test = tuple(s for s in samples if s.group in tested)
    unseen = {s.label for s in test} - {s.label for s in train}
    if unseen or not train or not test:
        lacking = next((s.key for s in test if s.label in unseen), "one of the parts is empty")
        raise DatasetError(
            f"protocol {protocol}: expected clips of every class from people to train on; got none "
            f"of {lacking}'s class. Take another protocol."
        )
    return Split(protocol, train, test)


def _people(samples: Sequence[Sample]) -> list[str]:
    """Names of groups, in natural order."""
    return sorted({s.group for s in samples}, key=natural)


def _numbers(people: Sequence[str]) -> dict[str, int]:
    """Each person's number, by name where all have one of their own, or else by their order."""
    found = [re.findall(r"\d+", name) for name in people]
    numbers = [int(one[0]) for one in found if len(one) == 1]
    both = len({n % 2 for n in numbers}) == 2
    if both and len(set(numbers)) == len(people):
        return dict(zip(people, numbers, strict=True))
    return {name: at for at, name in enumerate(people, 1)}
