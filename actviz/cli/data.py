"""``actviz data …``: which data sets are known, what is in one, and what makes training fast."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from actviz.cli.common import Bar, Commands, add_command, folder
from actviz.errors import ActvizError

if TYPE_CHECKING:
    from actviz.datasets.base import Dataset
    from actviz.datasets.check import Check, Row

__all__ = ["ABOUT", "add_data"]

ABOUT = {
    "ucf101": "13,320 videos of 101 actions from YouTube; three official splits",
    "hmdb51": "6,766 videos of 51 actions from films and YouTube; three official splits",
    "ntu": "NTU RGB+D, 56,880 skeleton files of 60 actions; cross-subject and cross-view",
    "utkinect": "UT-Kinect-Action3D, 199 skeleton sequences of 10 actions; leave one out",
    "sysu": "SYSU 3D HOI, 480 skeleton sequences of 12 actions; two settings of 30 splits",
    "hdm05": "HDM05, motion capture of 65 actions (130 before merging); ten folds",
    "folder": "your own videos or skeletons: train|val|test/<class>/<file>, <class>/<file>, or a "
    "CSV of path, label, split",
    "puppets": "figures made here from seeds, twelve actions; no file is needed",
}
_LISTED = ("ucf101", "hmdb51")  # split by official lists
_SHOWN = 20  # lines of a list

_CHECK = """\
Looks at every sample of a data set: which files are missing, which cannot be read and why, which
are suspicious (repaired timestamps, a truncated end, interpolated joints, …), for each part of the
usual split, or of --protocol. Of a video the packets and the first and last picture are read;
--thorough decodes all.

Suspicious samples can be used, missing and unreadable ones are skipped in training.
The exit status is 0 whatever is found; the last line says how many samples cannot be used."""

_PREPARE = """\
Writes the frames of every video as JPEG pictures whose shorter side is 256 pixels and, with --flow,
the optical flow between them, in the layout of TSN's tools: training then reads only the pictures
it needs.

    OUT/<clip>/img_00001.jpg …      flow_x_00001.jpg, flow_y_00001.jpg …      clip.json
    OUT/report.csv                  clips that were left out, and why

Flow k leads from frame k to frame k + 1; grey level g stands for 40 g / 255 - 20 pixels. TV-L1 is
what the papers used and takes more than a second a frame; DIS is sixty times faster, and coarser.

Run it again after an interruption, or after adding videos: what is done is kept, what changed is
made anew. Two runs at once share the work. After the first clips it says how much room and time
the rest will take. Skeletons need no preparation."""

_DOWNLOAD = """\
Fetches a data set from a stable public address, checks it and unpacks it into a folder that the
other commands take as ROOT. An interrupted fetch is resumed by the next one. Proxies are taken from
HTTPS_PROXY. By downloading you accept the terms of the data set's makers; `actviz data list` says
where to get those that cannot be fetched by a program."""


def add_data(commands: Commands) -> None:
    """The group ``data``."""
    text = "data sets: list, download, check, prepare"
    group = commands.add_parser("data", help=text, description=f"{text.capitalize()}.")
    inside = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_list(inside)
    _add_download(inside)
    _add_check(inside)
    _add_prepare(inside)


def _add_list(commands: Commands) -> None:
    add_command(commands, "list", _list, "the data sets that are known, and where to get them")


def _add_download(commands: Commands) -> None:
    text = "fetch a data set that has a stable public address"
    parser = _explained(commands, "download", _download, text, _DOWNLOAD)
    parser.add_argument("name", metavar="NAME", help="data set; `actviz data list` shows them")
    parser.add_argument("--out", required=True, type=folder, metavar="DIR", help="becomes its root")


def _add_check(commands: Commands) -> None:
    text = "what of a data set is there, and which files cannot be read and why"
    parser = _explained(commands, "check", _check, text, _CHECK)
    _add_root(parser)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a row for every sample")
    parser.add_argument(
        "--protocol", default="", metavar="NAME", help="split of the table (default: the usual one)"
    )
    parser.add_argument("--thorough", action="store_true", help="decode every picture of a video")


def _add_prepare(commands: Commands) -> None:
    text = "make training fast: frames and optical flow of every video as pictures"
    parser = _explained(commands, "prepare", _prepare, text, _PREPARE)
    _add_root(parser)
    parser.add_argument(
        "--out", type=folder, metavar="DIR", help="folder for the pictures (default: ROOT/prepared)"
    )
    parser.add_argument("--flow", action="store_true", help="optical flow as well")
    parser.add_argument(
        "--method",
        choices=("auto", "tvl1", "dis"),
        default="auto",
        help="of flow (default: auto: as earlier runs into DIR, else TV-L1 where OpenCV has it)",
    )


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "root", type=folder, metavar="ROOT", help="folder of the data set, or the CSV of your own"
    )
    parser.add_argument(
        "--dataset", metavar="NAME", help="which data set it is (default: told by its files)"
    )
    parser.add_argument(
        "--lists",
        type=folder,
        metavar="DIR",
        help="official lists of UCF101 or HMDB51 (default: looked for in and beside ROOT)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one for each core; 0: none)"
    )


def _explained(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    text: str,
    page: str,
) -> argparse.ArgumentParser:
    """A command whose help is a page of documentation."""
    parser = add_command(commands, name, run, text)
    parser.description = page
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser


def _open(options: argparse.Namespace) -> Dataset:
    from actviz.datasets import open_dataset, recognise

    name = options.dataset or recognise(options.root)
    if options.lists is None:
        return open_dataset(name, options.root)
    if name not in _LISTED:
        raise ActvizError(f"--lists is for {' and '.join(_LISTED)}; {options.root} is {name}.")
    return open_dataset(name, options.root, lists=options.lists)


def _list(options: argparse.Namespace) -> None:
    from actviz.datasets.remote import ARCHIVES, BY_HAND

    for name, text in ABOUT.items():
        fetched = f"`actviz data download {name} --out DIR` fetches it"
        how = fetched if name in ARCHIVES else BY_HAND[name]
        for begin, words in ((f"{name:<10}", text), (" " * 10, f"{how[0].upper()}{how[1:]}.")):
            print(textwrap.fill(words, 100, initial_indent=begin, subsequent_indent=" " * 10))


def _download(options: argparse.Namespace) -> None:
    from actviz.datasets.remote import download

    with Bar() as bar:
        root = download(options.name, options.out, progress=bar)
    print(f"{options.name} is in {root}; `actviz data check {root}` looks whether all is there.")


def _prepare(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from actviz.datasets.prepare import prepare

    dataset = _open(options)
    with Bar() as bar:
        done = prepare(
            dataset,
            options.out,
            flow=options.flow,
            method=options.method,
            workers=options.workers,
            progress=bar,
            tell=tqdm.write,  # above the bar
        )
    print(done if done.folder is None else f"{dataset.name}, in {done.folder}: {done}")


def _check(options: argparse.Namespace) -> None:
    from actviz.datasets.check import check

    dataset = _open(options)
    with Bar() as bar:
        found = check(
            dataset,
            protocol=options.protocol,
            thorough=options.thorough,
            workers=options.workers,
            progress=bar,
        )
    if options.csv is not None:
        found.save(options.csv)
    print("\n".join(_in_words(dataset, found, options.csv)))


def _in_words(dataset: Dataset, found: Check, table: Path | None) -> Iterator[str]:
    count = len(found.rows)
    yield f"{dataset.name} at {dataset.root}: {count} samples of {len(dataset.classes)} classes"
    yield from (f"note: {note}" for note in dataset.notes)
    if dataset.kind == "skeleton" and found.unusable < count:
        yield f"skeletons: {_skeletons(found)}"
    yield ""
    yield from _parts_table(found)
    spoilt = [f"{name} {has} of {all_}" for name, (has, all_) in found.spoilt_classes().items()]
    if spoilt:
        yield ""
        yield f"Classes that lack samples (usable of all): {_cut(spoilt, ', ')}"
    bad = _merged(found)
    if bad:
        yield ""
        yield from bad[:_SHOWN]
        where = f"all are in {table}" if table else "--csv FILE lists all"
        if len(bad) > _SHOWN:
            yield f"… and {len(bad) - _SHOWN} more lines; {where}."
    yield ""
    yield f"{found.unusable} of {count} samples cannot be used."


def _skeletons(found: Check) -> str:
    """Layouts, people and lengths of what can be used, in one line."""
    rows = [row for row in found.rows if row.layout]
    layouts = Counter(row.layout for row in rows).most_common()
    most = max(row.people for row in rows)
    frames = sorted(row.frames for row in rows)
    shown = ", ".join(f"{name} ({n})" if layouts[1:] else name for name, n in layouts)
    people = "one person" if most < 2 else f"up to {most} people"
    return (
        f"{shown}; {people}; {frames[0]} to {frames[-1]} frames, half of them up to "
        f"{frames[(len(frames) - 1) // 2]}"
    )


def _parts_table(found: Check) -> Iterator[str]:
    from actviz.datasets.check import STATUSES

    parts = dict.fromkeys(row.split for row in found.rows)
    named = [(part or "in no part", part) for part in ("train", "val", "test", "") if part in parts]
    wide = max(12, len(found.protocol) + 1)
    yield f"{found.protocol:<{wide}}{'all':>8}" + "".join(f"{status:>12}" for status in STATUSES)
    for words, part in (*named, ("total", None)):
        counts = [found.count(status, part) for status in STATUSES]
        yield f"{words:<{wide}}{sum(counts):>8}" + "".join(f"{number:>12}" for number in counts)


def _merged(found: Check) -> list[str]:
    """A line for each kind of problem, however many samples have it, whatever its numbers."""
    alike: dict[tuple[str, str], list[Row]] = {}
    for row in found.bad():
        alike.setdefault((row.status, re.sub(r"\d+", "0", row.problems)), []).append(row)
    return [
        f"{rows[0].status:<11} {rows[0].key}"
        + (f" and {len(rows) - 1} like it" if rows[1:] else "")
        + f": {rows[0].problems}"
        for rows in alike.values()
    ]


def _cut(words: list[str], between: str) -> str:
    more = f" … and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return between.join(words[:_SHOWN]) + more
