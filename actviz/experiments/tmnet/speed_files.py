"""From a video file to TMNet's answer and to its rivals': what the speed of networks leaves out.

A film is decoded from a key frame on. Of one with a single key frame, as UCF101's XviD clips often
are, one glance at the middle decodes half, and eight frames nearly all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from actviz.experiments.base import Column, Line, Table
from actviz.experiments.claims import judge
from actviz.experiments.statistics import Measured
from actviz.experiments.timing import in_turn, ratio, rounds_words, times
from actviz.experiments.tmnet.contenders import Ready, answer_of_file
from actviz.experiments.tmnet.films import LIKE_UCF101, ONE_KEY_FRAME, FilmKind, write_film
from actviz.experiments.tmnet.speed_claims import claims_of_files

__all__ = ["files_table", "seeing"]

Figures = dict[tuple[str, str], Measured]
_FILE_WORDS = (
    "Each time as if the file were new: its packets are walked, the groups of pictures that hold a "
    "wanted frame decoded up to the last of them, the frames resized, the network asked. TSN and "
    "TSM see the middles of eight equal parts, TMNet the frame in the middle, or two."
)


def seeing(those: Sequence[Ready]) -> list[Ready]:
    """TSN and TSM on eight frames, TMNet at one glance and at two."""
    return [
        one for one in those if one.contender.frames in (1, 2) or one.contender.model != "tmnet"
    ]


def files_table(
    those: Sequence[Ready],
    *,
    rounds: int,
    words: str,
    kinds: Sequence[FilmKind] = (LIKE_UCF101, ONE_KEY_FRAME),
    progress: Any = None,
) -> Table:
    """Milliseconds from a video file to the answer: index, decoding, resizing, network."""
    with tempfile.TemporaryDirectory() as folder:
        films = {}
        for number, kind in enumerate(kinds):
            films[kind.name] = write_film(Path(folder, f"film{number}{kind.ending}"), kind)
        found = _file_figures(those, films, rounds, progress)
    lines = [
        Line(f"{one.contender.name}, {kind}", ours=_of_file(one, kind, found), group=kind)
        for kind in films
        for one in those
    ]
    groups = sorted({one.contender.group for one in those})
    return Table(
        name="figure3_file",
        title="From a file to the answer",
        columns=(Column("ms", "items"), Column("times TSN's", "items")),
        lines=tuple(lines),
        verdicts=tuple(judge(claim, found) for claim in claims_of_files(groups, list(films))),
        measured=(words, *(_film_words(kind) for kind in kinds), _FILE_WORDS, rounds_words(rounds)),
    )


def _file_figures(
    those: Sequence[Ready], films: Mapping[str, Path], rounds: int, progress: Any
) -> Figures:
    """(name of network and film, column) -> figure."""
    works = {
        f"{one.contender.name}, {kind}": lambda one=one, path=path: answer_of_file(one, path)
        for kind, path in films.items()
        for one in those
    }

    def as_new() -> None:
        for path in films.values():
            path.touch()  # so that nothing that is remembered of the file is used

    with torch.inference_mode():
        seconds = in_turn(
            works, rounds=rounds, device=those[0].device, before=as_new, progress=progress
        )
    found: Figures = {(name, "ms"): times(figure, 1000) for name, figure in seconds.items()}
    for kind in films:
        for one in those:
            name = f"{one.contender.name}, {kind}"
            for short in ("TSN", "TSM"):
                rival = f"{short} (8 frames), {one.contender.group}, {kind}"
                if (rival, "ms") in found:
                    found[name, f"times {short}'s"] = ratio(found[rival, "ms"], found[name, "ms"])
    return found


def _of_file(one: Ready, kind: str, found: Figures) -> dict[str, Measured]:
    name = f"{one.contender.name}, {kind}"
    return {c: found[name, c] for c in ("ms", "times TSN's") if (name, c) in found}


def _film_words(kind: FilmKind) -> str:
    return (
        f"{kind.name}: puppets, {kind.width}×{kind.height}, {kind.seconds} s, {kind.frames} frames."
    )
