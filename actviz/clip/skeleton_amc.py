"""Acclaim motion capture, ``.amc`` with its ``.asf``: joint angles in, positions in metres out.

T frames · B bones · J joints

The ``.asf`` says how long each bone is, where it points in the rest pose and around which axes it
turns; the ``.amc`` gives the angles of every frame. A bone's own axes are those of the world turned
by its ``axis`` angles, matrix C. With M the matrix of a frame's angles, a bone turns by
``C M C⁻¹`` on top of its parent, and its far end lies ``length · direction`` from its near end,
turned by the product of all turns from the root down to itself. Axes ``XYZ`` turn about x first,
then about the fixed y, then about the fixed z, ``Rz Ry Rx``, in C and in M alike; ``dof`` says
which of the angles the ``.amc`` gives, and in which order it writes them.

HDM05 (Müller et al., 2007) and CMU's recordings share the 31 joints of layout ``hdm05-31``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton_asf import Rig, find_asf, read_asf, text_lines, turns
from actviz.clip.skeleton_text import RawSkeleton
from actviz.errors import ClipReadError

__all__ = ["AMC_FPS", "pose", "read_amc"]

AMC_FPS = 120.0  # the file names no rate; HDM05 and CMU record at 120 Hz
_LAYOUT = LAYOUTS["hdm05-31"]


def pose(rig: Rig, motion: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Positions (T, 3) in metres of the root and of every bone's far end.

    Args:
        motion: for the root and each bone that moves, (T, its degrees of freedom) as in the file.
    """
    frames = len(motion["root"])
    shift, turn = _moves(rig, rig.root_dof, rig.root_order, motion["root"])
    at = {"root": shift + rig.root_at}
    turned = {"root": turn @ rig.root_turn}
    for name, parent in rig.parents.items():
        bone = rig.bones[name]
        values = motion.get(name, np.zeros((frames, len(bone.dof))))
        _, own = _moves(rig, bone.dof, bone.order, values)
        turned[name] = turned[parent] @ (bone.axes @ own @ bone.axes.T)
        at[name] = at[parent] + turned[name] @ (bone.length * bone.direction)
    return at


def _moves(
    rig: Rig, dof: Sequence[str], order: str, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shift (T, 3) in metres and turn (T, 3, 3) of one bone."""
    shift = np.zeros((len(values), 3))
    angles = np.zeros((len(values), 3))
    for column, name in enumerate(dof):
        kind = shift if name[0] == "t" else angles
        kind[:, "xyz".index(name[1])] = values[:, column]
    turning = [axis for axis in order if f"r{axis}" in dof]
    turn = turns([angles[:, "xyz".index(axis)] * rig.radians for axis in turning], turning)
    return shift * rig.metres, np.broadcast_to(turn, (len(values), 3, 3))


def read_amc(path: Path) -> RawSkeleton:
    """An ``.amc`` recording in layout ``hdm05-31``; clock (number − 1) / 120.

    A frame that is cut at the end of the file is left out and said so.

    Raises:
        ClipReadError: no ``.asf`` for it, or one of the two is damaged.
    """
    rig = read_asf(find_asf(path))
    numbers, motion, problems = _motion(path, rig)
    at = pose(rig, motion)
    joints = np.stack([at[name] for name in _LAYOUT.joint_names], axis=1)[:, None]  # (T, 1, J, 3)
    index = numbers - 1
    return RawSkeleton(joints, index / AMC_FPS, index, _LAYOUT, tuple(problems))


def _motion(
    path: Path, rig: Rig
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]], list[str]]:
    """Frame numbers (T,), (T, dof) of the root and each bone that moves, and problems."""
    lines = text_lines(path, "an .amc motion")
    while lines and not lines[-1].strip():
        lines.pop()
    radians = [":RADIANS" in line.upper() for line in lines[:20] if line.startswith(":")]
    starts = [at for at, line in enumerate(lines) if line.strip().isdigit()]
    if not starts:
        raise ClipReadError(path, "not an .amc motion: no line holds a frame's number alone.")
    wanted = {name: len(bone.dof) for name, bone in rig.bones.items() if bone.dof}
    frames = _frames(path, lines, starts, {"root": len(rig.root_dof)} | wanted)
    problems = []
    if frames[-1] is None:
        problems.append(
            f"The file ends inside its frame {len(frames)}; the {len(frames) - 1} whole ones "
            "before were kept."
        )
        frames.pop()
    if not frames:
        raise ClipReadError(path, "the file is cut inside its first frame; copy it again.")
    numbers = np.array([int(lines[at]) for at in starts[: len(frames)]])
    if not (np.diff(numbers) > 0).all() or numbers[0] < 0 or numbers[-1] > 10**7:
        raise ClipReadError(path, "not a whole .amc motion: its frame numbers do not count up.")
    table = np.array(frames)  # (T, all degrees of freedom)
    ends = np.cumsum([len(rig.root_dof), *wanted.values()])[:-1]
    parts = dict(zip(["root", *wanted], np.split(table, ends, axis=1), strict=True))
    return numbers, _in_unit(rig, parts) if any(radians) else parts, problems


def _in_unit(rig: Rig, parts: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Angles of a file in radians, in the unit of its ``.asf``."""
    for name, values in parts.items():
        dof = rig.root_dof if name == "root" else rig.bones[name].dof
        values[:, [d[0] == "r" for d in dof]] /= rig.radians
    return parts


def _frames(
    path: Path, lines: list[str], starts: list[int], wanted: dict[str, int]
) -> list[list[float] | None]:
    """All values of each frame in the order of ``wanted``; None for a last frame that is cut."""
    frames: list[list[float] | None] = []
    for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        values: dict[str, list[float]] = {}
        try:
            for at in range(begin + 1, end):
                _add(values, lines[at].split(), wanted)
            lacking = [name for name in wanted if name not in values]
            if lacking:
                raise ValueError(f"no line for {lacking[0]}")
        except ValueError as error:
            if end == len(lines) and (not values or at + 1 >= end):
                frames.append(None)
                break
            raise ClipReadError(
                path,
                f"not a whole .amc motion: in its frame {lines[begin].strip()} (from line "
                f"{begin + 1}) there is {error}; copy or download it again.",
            ) from None
        frames.append([value for name in wanted for value in values[name]])
    return frames


def _add(values: dict[str, list[float]], words: list[str], wanted: dict[str, int]) -> None:
    """One line of a frame: a bone's name, then its values.

    Raises:
        ValueError: another number of values, no number, or the same bone again.
    """
    if not words:
        return
    name = words[0].lower()
    if name not in wanted:
        raise ValueError(f"{words[0][:20]!r}, which its .asf does not let move")
    if name in values:
        raise ValueError(f"{name} twice")
    if len(words) - 1 != wanted[name]:
        raise ValueError(f"{len(words) - 1} values for {name} instead of {wanted[name]}")
    values[name] = [_number(word) for word in words[1:]]


def _number(word: str) -> float:
    """A value; NaN where the file has none, which Windows writes as ``-1.#IND``."""
    value = math.nan if "#" in word else float(word)
    return value if math.isfinite(value) else math.nan
