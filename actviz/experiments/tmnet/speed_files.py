"""From a video file to TMNet's answer and to its rivals': what the speed of networks leaves out.

A film is decoded from a key frame on. Of one with a single key frame, as UCF101's XviD clips often
are, one glance at the middle decodes half, and eight frames nearly all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from shutil import copyfile
from typing import Any

import torch

from actviz.experiments.base import Column, Line, Table
from actviz.experiments.claims import judge
from actviz.experiments.statistics import Measured
from actviz.experiments.timing import in_turn, per_second, ratio, rounds_words, times
from actviz.experiments.tmnet.contenders import Ready, answer_of_files
from actviz.experiments.tmnet.films import LIKE_UCF101, ONE_KEY_FRAME, FilmKind, write_film
from actviz.experiments.tmnet.speed_claims import claims_of_files

__all__ = ["ALONE", "SPEED", "files_table", "seeing", "times_faster"]

Figures = dict[tuple[str, str], Measured]
SPEED, ALONE = "videos/s", "one video, ms"
_COLUMNS = (SPEED, "times TSN's", ALONE)
_FILE_WORDS = (
    "Each time as if the file were new: its packets are walked, the groups of pictures that hold a "
    "wanted frame decoded up to the last of them, the file hashed, the frames resized, the network "
    "asked. TSN and "
    "TSM see the middles of eight equal parts, TMNet the frame in the middle, or two. Videos/s: "
    "files are decoded one after the other until they fill a pass of the network (8 files of one "
    "frame where TSN has 1 of 8); one video alone beside it."
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
    """From video files to answers: index, decoding, resizing, network."""
    most = max(one.videos for one in those)
    with tempfile.TemporaryDirectory() as folder:
        films = {
            kind.name: _copies(Path(folder, str(n)), kind, most) for n, kind in enumerate(kinds)
        }
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
        columns=tuple(Column(name, "items") for name in _COLUMNS),
        lines=tuple(lines),
        verdicts=tuple(judge(claim, found) for claim in claims_of_files(groups, list(films))),
        measured=(words, *(_film_words(kind) for kind in kinds), _FILE_WORDS, rounds_words(rounds)),
    )


def _copies(folder: Path, kind: FilmKind, count: int) -> list[Path]:
    """The film as so many files, since what is remembered of one would serve the next."""
    folder.mkdir()
    first = write_film(folder / f"film{kind.ending}", kind)
    return [first, *(copyfile(first, folder / f"{n}{kind.ending}") for n in range(1, count))]


def _file_figures(
    those: Sequence[Ready], films: Mapping[str, Sequence[Path]], rounds: int, progress: Any
) -> Figures:
    """(name of network and film, column) -> figure."""
    works = {
        _key(one, kind, videos): partial(answer_of_files, one, paths[:videos])
        for kind, paths in films.items()
        for one in those
        for videos in {1, one.videos}
    }

    def as_new() -> None:
        for path in chain.from_iterable(films.values()):
            path.touch()  # so that nothing that is remembered of the file is used

    with torch.inference_mode():
        seconds = in_turn(
            works, rounds=rounds, device=those[0].device, before=as_new, progress=progress
        )
    found: Figures = {}
    for kind in films:
        for one in those:
            name = f"{one.contender.name}, {kind}"
            found[name, SPEED] = per_second(seconds[_key(one, kind, one.videos)], one.videos)
            found[name, ALONE] = times(seconds[_key(one, kind, 1)], 1000)
        for one in those:
            found |= _beside_rivals(one, kind, found)
    return found


def _key(one: Ready, kind: str, videos: int) -> str:
    return f"{one.contender.name}, {kind} x {videos}"


def _beside_rivals(one: Ready, kind: str, found: Figures) -> Figures:
    """How many times faster than TSN and TSM on the same frame CNN, round by round."""
    name, told = f"{one.contender.name}, {kind}", Figures()
    for short in ("TSN", "TSM"):
        rival = f"{short} (8 frames), {one.contender.group}, {kind}"
        if (rival, SPEED) in found:
            told |= times_faster(name, rival, short, found)
    return told


def times_faster(name: str, rival: str, short: str, found: Figures) -> Figures:
    """How many times faster than ``rival``, many videos and one alone, round by round."""
    return {
        (name, f"times {short}'s"): ratio(found[name, SPEED], found[rival, SPEED]),
        (name, f"times {short}'s, alone"): ratio(found[rival, ALONE], found[name, ALONE]),
    }


def _of_file(one: Ready, kind: str, found: Figures) -> dict[str, Measured]:
    name = f"{one.contender.name}, {kind}"
    return {c: found[name, c] for c in _COLUMNS if (name, c) in found}


def _film_words(kind: FilmKind) -> str:
    return (
        f"{kind.name}: puppets, {kind.width}×{kind.height}, {kind.seconds} s, {kind.frames} frames."
    )
