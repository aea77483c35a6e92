"""Skeleton files written as text: NTU RGB+D ``.skeleton`` and UT-Kinect ``joints_*.txt``.

T frames · P people · J joints
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS, Layout
from actviz.errors import ClipReadError

__all__ = [
    "UT_REPAIRS",
    "RawSkeleton",
    "find_labels",
    "is_wrong_label",
    "label_spans",
    "read_labels",
    "read_ntu",
    "read_utkinect",
]

KINECT_FPS = 30.0
MAX_TEXT_BYTES = 256 * 2**20
_NTU_JOINTS = 25
_UT_NUMBERS = 61  # the frame's number, then 20 joints × (x, y, z)
_REJOIN_FRAMES = 30  # a body lost for longer is another body
_REJOIN_M = 0.5
_SHORT_TRACK = 11  # frames; of more than two bodies, shorter ones are taken for ghosts


@dataclass(frozen=True)
class RawSkeleton:
    """Positions as the file has them, NaN where it has none; gaps are not filled yet."""

    joints: NDArray[np.floating]  # (T, P, J, 3), metres
    times_s: NDArray[np.float64]  # (T,)
    frame_index: NDArray[np.int64]  # (T,)
    layout: Layout
    problems: tuple[str, ...] = ()
    root: str = "camera"
    present: NDArray[np.bool_] | None = None  # (T, P), where the file says it


def _text(path: Path, kind: str) -> str:
    size = path.stat().st_size
    if size == 0:
        raise ClipReadError(path, f"the file is empty; expected {kind}.")
    if size > MAX_TEXT_BYTES:
        raise ClipReadError(
            path, f"the file has {size / 2**20:.0f} MB; {kind} has at most 256 MB, cut it first."
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ClipReadError(path, f"expected {kind}, which is text; this file holds binary data.")
    return text


# NTU RGB+D: number of frames; per frame the number of bodies; per body a line that begins with its
# tracking id, the number of joints, and one line per joint that begins with x y z in metres.


class _Lines:
    """The lines of a ``.skeleton`` file, with complaints that name the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = _text(path, "an NTU RGB+D .skeleton file").split("\n")
        while self.lines and not self.lines[-1].strip():
            self.lines.pop()
        self.at = 0
        self.width = 3  # words in a joint's line; the first one tells how many there should be

    def next(self, what: str) -> list[str]:
        if self.at >= len(self.lines):
            raise EOFError
        self.at += 1
        words = self.lines[self.at - 1].split()
        if not words:
            raise self.wrong(what)
        return words

    def count(self, what: str, most: int) -> int:
        words = self.next(what)
        if len(words) != 1 or not words[0].isascii() or not words[0].isdigit():
            raise self.wrong(what)
        if int(words[0]) > most:
            raise self.wrong(f"{what}, at most {most}")
        return int(words[0])

    def joints(self) -> NDArray[np.float64]:
        """One body's (25, 3) positions."""
        out = np.empty((_NTU_JOINTS, 3))
        for j in range(_NTU_JOINTS):
            words = self.next("a joint")
            if len(words) < self.width:
                raise EOFError if self.at == len(self.lines) else self.wrong("a joint's x y z")
            self.width = len(words)
            try:
                out[j] = [float(word) for word in words[:3]]
            except ValueError:
                raise self.wrong("a joint's x y z") from None
        return out

    def wrong(self, what: str) -> ClipReadError:
        line = self.lines[self.at - 1].strip()
        shown = line if len(line) <= 40 else line[:40] + "…"
        return ClipReadError(
            self.path,
            f"not a whole NTU RGB+D .skeleton file: line {self.at} should be {what}, "
            f"it is {shown!r}; copy or export it again.",
        )


def _ntu_bodies(lines: _Lines) -> tuple[int, dict[str, dict[int, NDArray[np.float64]]]]:
    """Number of frames, and for each tracking id its (25, 3) positions by frame."""
    if not lines.lines:
        raise ClipReadError(lines.path, "the file holds no line; expected a .skeleton file.")
    frames = lines.count("the number of frames", 100_000)
    bodies: dict[str, dict[int, NDArray[np.float64]]] = {}
    t = 0
    try:
        for t in range(frames):
            for _ in range(lines.count("the number of bodies in a frame", 12)):
                identity = lines.next("a body's tracking id")[0]
                if lines.count("the number of joints", 1000) != _NTU_JOINTS:
                    raise lines.wrong(f"the number of joints, {_NTU_JOINTS}")
                bodies.setdefault(identity, {}).setdefault(t, lines.joints())
    except EOFError:
        raise ClipReadError(
            lines.path,
            f"the file is cut: its first line promises {frames} frames, it ends inside frame "
            f"{t + 1}; copy or download it again.",
        ) from None
    if lines.at < len(lines.lines):
        lines.at += 1
        raise lines.wrong(f"the end, after the {frames} frames that its first line promises")
    return frames, bodies


def _rejoined(
    bodies: dict[str, dict[int, NDArray[np.float64]]],
) -> list[dict[int, NDArray[np.float64]]]:
    """Tracks in order of appearance; a body found again under a new id continues its track."""
    tracks: list[dict[int, NDArray[np.float64]]] = []
    for body in sorted(bodies.values(), key=min):
        first = min(body)
        near = [
            (float(np.linalg.norm(track[max(track)][0] - body[first][0])), i)
            for i, track in enumerate(tracks)
            if 0 < first - max(track) <= _REJOIN_FRAMES
        ]
        if near and min(near)[0] <= _REJOIN_M:
            tracks[min(near)[1]].update(body)
        else:
            tracks.append(dict(body))
    return tracks


def _motion(track: dict[int, NDArray[np.float64]]) -> float:
    """How much a body moves: variance over time, summed over joints and axes (m²)."""
    return float(np.nan_to_num(np.stack(list(track.values()))).var(0).sum())


def _two_bodies(
    tracks: list[dict[int, NDArray[np.float64]]],
) -> tuple[list[dict[int, NDArray[np.float64]]], list[str]]:
    """The two bodies that move most, in order of appearance; ghosts of a few frames go first.

    Kinect also tracks passers-by and furniture. The released MAN code blanks every frame with more
    than two bodies; choosing whole bodies keeps those frames (as later public NTU code does).
    """
    if len(tracks) <= 2:
        return tracks, []
    long = [track for track in tracks if len(track) >= _SHORT_TRACK]
    pool = long if len(long) >= 2 else sorted(tracks, key=len)[-2:]
    kept = sorted(pool, key=_motion)[-2:]
    chosen = [track for track in tracks if any(track is k for k in kept)]
    return chosen, [f"{len(tracks)} bodies are tracked; the two that move most were kept."]


def read_ntu(path: Path) -> RawSkeleton:
    """An NTU RGB+D ``.skeleton`` file; clock frame / 30, people told apart by tracking id."""
    frames, bodies = _ntu_bodies(_Lines(path))
    if not bodies:
        raise ClipReadError(
            path, f"no body is tracked in any of its {frames} frames; there is nothing to show."
        )
    tracks, problems = _two_bodies(_rejoined(bodies))
    joints = np.full((frames, len(tracks), _NTU_JOINTS, 3), np.nan)
    for p, track in enumerate(tracks):
        joints[list(track), p] = np.stack(list(track.values()))
    index = np.arange(frames)
    return RawSkeleton(joints, index / KINECT_FPS, index, LAYOUTS["ntu-25"], tuple(problems))


# UT-Kinect: one line per sample, the frame's number first; numbers repeat.


def _ut_rows(path: Path) -> Iterator[list[float]]:
    kind = "a UT-Kinect joints_*.txt file"
    lines = _text(path, kind).split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    for at, line in enumerate(lines, 1):
        words = line.split()
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        if len(row) == _UT_NUMBERS and 0 <= row[0] < 1e9 and row[0].is_integer():
            yield row
            continue
        what = "cut" if at == len(lines) and at > 1 else f"not {kind}"
        raise ClipReadError(
            path,
            f"{what}: line {at} should hold {_UT_NUMBERS} numbers (frame, then 20 joints × x y z), "
            f"it has {len(words)} words; copy or download it again.",
        )


def read_utkinect(path: Path) -> RawSkeleton:
    """A UT-Kinect recording; clock number / 30, repeated and backward numbers dropped."""
    rows = np.array(list(_ut_rows(path)))
    if len(rows) == 0:
        raise ClipReadError(path, "the file holds no line; expected a UT-Kinect joints_*.txt file.")
    numbers = rows[:, 0].astype(np.int64)
    newest = np.maximum.accumulate(numbers)
    keep = np.r_[True, numbers[1:] > newest[:-1]]
    problems: tuple[str, ...] = ()
    if not keep.all():
        problems = (f"{(~keep).sum()} of {len(keep)} samples repeat a frame number; dropped.",)
    joints = rows[keep, 1:].reshape(-1, 1, 20, 3)
    kept = numbers[keep]
    return RawSkeleton(joints, kept / KINECT_FPS, kept, LAYOUTS["kinect-20"], problems)


# Lines of the published actionLabel.txt that are wrong, and what they are in the repaired file that
# circulates as actionLabel_modified.txt: first and last frame number.
_Span = tuple[float, float]
UT_REPAIRS: dict[tuple[str, str], tuple[_Span, _Span]] = {
    ("s01_e02", "walk"): ((154, 192), (154, 270)),
    ("s03_e01", "push"): ((2556, 3622), (3556, 3622)),
    ("s07_e01", "pull"): ((3350, 3522), (3432, 3522)),
    ("s07_e02", "pull"): ((2496, 2618), (2530, 2618)),
    ("s09_e01", "push"): ((3266, 3390), (3266, 3300)),
    ("s10_e01", "carry"): ((1394, 1846), (1394, 1676)),
    ("s10_e02", "pull"): ((1982, 2062), (1994, 2062)),
}


def label_spans(path: Path) -> dict[str, tuple[float, float]]:
    """Labelled actions of the UT-Kinect recording ``path``: name -> first and last frame number.

    Read from the label file beside the recording or in the folder above; wrong lines of the
    published one are repaired (``UT_REPAIRS``). NaN where the file has NaN.
    """
    labels = find_labels(path.parent) or find_labels(path.absolute().parent.parent)
    if labels is None:
        raise ClipReadError(
            path,
            "segments need UT-Kinect's actionLabel.txt beside the recording; "
            "put it there, or ask for a span in seconds.",
        )
    recording = path.stem.removeprefix("joints_")
    spans = read_labels(labels).get(recording)
    if not spans:
        raise ClipReadError(path, f"{labels.name} has no labels for {recording!r}.")
    return {
        action: UT_REPAIRS[recording, action][1]
        if is_wrong_label(recording, action, span)
        else span
        for action, span in spans.items()
    }


def find_labels(folder: Path) -> Path | None:
    """UT-Kinect's label file in ``folder``: the repaired one, else the published one, else None."""
    names = ("actionLabel_modified.txt", "actionLabel.txt")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def is_wrong_label(recording: str, action: str, span: tuple[float, float]) -> bool:
    """Whether ``span`` is the wrong one that the published label file has for this action."""
    return UT_REPAIRS.get((recording, action), ((), ()))[0] == span


def read_labels(path: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """UT-Kinect's label file as it is: recording -> action -> first and last frame number."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    recording = ""
    for line in _text(path, "UT-Kinect's label file").splitlines():
        action, colon, rest = line.partition(":")
        if not colon:
            recording = action.strip() or recording
            continue
        try:
            first, last = (float(word) for word in rest.split())
        except ValueError:
            raise ClipReadError(path, f"not a label line: {line.strip()!r}.") from None
        found.setdefault(recording, {})[action.strip()] = (first, last)
    return found
