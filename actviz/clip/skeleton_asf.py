"""The rest pose of Acclaim motion capture, ``.asf``: how long each bone is and how it may turn.

T frames
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton_text import MAX_TEXT_BYTES
from actviz.errors import ClipReadError

__all__ = ["Bone", "Rig", "find_asf", "read_asf", "text_lines", "turns"]

_INCH_M = 0.0254


@dataclass(frozen=True)
class Bone:
    """One bone of the rest pose."""

    direction: NDArray[np.float64]  # (3,), unit, on the world's axes
    length: float  # metres
    axes: NDArray[np.float64]  # (3, 3), C: the bone's own axes on the world's
    dof: tuple[str, ...]  # the angles that the .amc gives of it, in order: rx ry rz
    order: str = "xyz"  # about which axis it turns first, second, third


@dataclass(frozen=True)
class Rig:
    """What an ``.asf`` says: bones, who hangs on whom, units."""

    bones: dict[str, Bone]
    parents: dict[str, str]  # bone -> bone or "root", every parent before its children
    metres: float  # per unit of length of the .asf and .amc
    radians: float  # per unit of angle
    root_dof: tuple[str, ...] = ("tx", "ty", "tz", "rx", "ry", "rz")
    root_order: str = "xyz"
    root_at: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))  # metres
    root_turn: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))


def turns(angles: Sequence[NDArray[np.float64]], axes: Sequence[str]) -> NDArray[np.float64]:
    """Matrices (…, 3, 3) of turns by ``angles`` (radians) about fixed axes, the first one first."""
    count = np.shape(angles[0]) if len(angles) else ()
    total = np.broadcast_to(np.eye(3), (*count, 3, 3))
    for angle, axis in zip(angles, axes, strict=True):
        total = _turn(np.asarray(angle, np.float64), axis) @ total
    return total


def _turn(angle: NDArray[np.float64], axis: str) -> NDArray[np.float64]:
    """Right-handed turn (…, 3, 3) about one axis of x, y, z."""
    k = "xyz".index(axis[-1].lower())
    i, j = (k + 1) % 3, (k + 2) % 3
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., k, k] = 1
    matrix[..., i, i] = matrix[..., j, j] = np.cos(angle)
    matrix[..., j, i] = np.sin(angle)
    matrix[..., i, j] = -np.sin(angle)
    return matrix


def find_asf(path: Path) -> Path:
    """The ``.asf`` of an ``.amc``: of the same name, of its actor, or the only one beside it.

    ``HDM_bd_walk_001_120.amc`` goes with ``HDM_bd.asf`` in its folder or in the one above, where
    HDM05's cut motions have it.

    Raises:
        ClipReadError: there is none, or one cannot tell which.
    """
    beside = _asf_files(path.parent)
    for folder in (beside, _asf_files(path.absolute().parent.parent)):
        named = [p for p in folder if f"{path.stem}_".lower().startswith(f"{p.stem}_".lower())]
        if named:
            return max(named, key=lambda p: len(p.stem))
    if len(beside) == 1:
        return beside[0]
    words = path.stem.split("_")
    wanted = "_".join(words[:2]) if len(words) > 2 else words[0]
    found = f"found {', '.join(p.name for p in beside[:4])}" if beside else "found no .asf"
    raise ClipReadError(
        path,
        f"an .amc holds angles alone and needs the .asf with its bones beside it, {wanted}.asf or "
        f"the only one in the folder; {found}.",
    )


def _asf_files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() == ".asf" and p.is_file())
    except OSError:
        return []


def read_asf(path: Path) -> Rig:
    """The rest pose in an ``.asf`` file.

    Raises:
        ClipReadError: it is damaged or no ``.asf``; the sentence names the line.
    """
    stat = path.stat()
    return _read_asf(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _read_asf(path: Path, _changed: int, _size: int) -> Rig:
    lines = _AsfLines(path)
    units: dict[str, str] = {}
    root: dict[str, list[str]] = {}
    blocks: list[dict[str, list[str]]] = []
    links: list[list[str]] = []
    for section, words in lines:
        if section == "units":
            units[words[0].lower()] = " ".join(words[1:])
        elif section == "root":
            root[words[0].lower()] = words[1:]
        elif section == "bonedata":
            if words[0].lower() == "begin":
                blocks.append({})
            elif blocks and words[0].lower() != "end":
                blocks[-1][words[0].lower()] = words[1:]
        elif section == "hierarchy" and words[0].lower() not in ("begin", "end"):
            links.append(words)
    try:
        return _rig(units, root, blocks, links)
    except (ValueError, KeyError, IndexError, ZeroDivisionError) as error:
        raise lines.wrong(f"it has {error}" if str(error) else "it is damaged") from None


def _rig(
    units: dict[str, str],
    root: dict[str, list[str]],
    blocks: list[dict[str, list[str]]],
    links: list[list[str]],
) -> Rig:
    """Numbers out of words.

    Raises:
        ValueError, KeyError: what is wrong.
    """
    scale = float(units.get("length", "1"))
    if not 0 < scale < math.inf:
        raise ValueError(f"a length unit of {scale}")
    metres = _INCH_M / scale
    radians = math.radians(1) if units.get("angle", "deg").lower().startswith("deg") else 1.0
    bones = dict(_bone(block, metres, radians) for block in blocks)
    missing = [b for b in LAYOUTS["hdm05-31"].joint_names[1:] if b not in bones]
    if missing:
        raise ValueError(f"no bone {', '.join(missing[:4])}")
    order = "".join(root.get("axis", ["XYZ"])).lower()
    root_dof = tuple(w.lower() for w in root.get("order", ["TX", "TY", "TZ", "RX", "RY", "RZ"]))
    if set(root_dof) - {"tx", "ty", "tz", "rx", "ry", "rz"}:
        raise ValueError(f"the root's order {' '.join(root_dof)}, expected TX TY TZ RX RY RZ")
    return Rig(
        bones,
        _parents(links, bones),
        metres,
        radians,
        root_dof,
        order,
        metres * np.array([float(w) for w in root.get("position", ["0", "0", "0"])[:3]]),
        _axes(root.get("orientation", ["0", "0", "0"]), order, radians),
    )


def _bone(block: dict[str, list[str]], metres: float, radians: float) -> tuple[str, Bone]:
    name = " ".join(block.get("name", []))
    if not name:
        raise ValueError("a bone without name")
    for key in ("direction", "length"):
        if key not in block:
            raise ValueError(f"no {key} of bone {name}")
    direction = np.array([float(word) for word in block["direction"][:3]])
    size = float(np.linalg.norm(direction))
    length = float(block["length"][0]) * metres
    if direction.shape != (3,) or not 0 < size < math.inf or not 0 <= length < math.inf:
        raise ValueError(f"no usable direction and length of bone {name}")
    axis = block.get("axis", ["0", "0", "0", "XYZ"])
    dof = tuple(word.lower() for word in block.get("dof", []))
    unknown = [d for d in dof if d not in ("rx", "ry", "rz")]
    if unknown:
        raise ValueError(f"the degree of freedom {unknown[0]!r} of bone {name}, expected rx ry rz")
    order = axis[3].lower() if len(axis) > 3 else "xyz"
    turn = _axes(axis[:3], order, radians)
    return name.lower(), Bone(direction / size, length, turn, dof, order)


def _axes(angles: Sequence[str], order: str, radians: float) -> NDArray[np.float64]:
    """C (3, 3) of an ``axis`` line: three angles, and the axes they turn about."""
    if sorted(order) != ["x", "y", "z"] or len(angles) < 3:
        raise ValueError(f"the axis {' '.join(angles)} {order}, expected three angles and XYZ")
    values = np.array([float(word) for word in angles[:3]]) * radians
    if not np.isfinite(values).all():
        raise ValueError("an angle that is no number")
    return np.asarray(turns(list(values), list(order)))


def _parents(links: list[list[str]], bones: dict[str, Bone]) -> dict[str, str]:
    """Bone -> parent in an order that has parents first, from the lines of ``:hierarchy``."""
    children: dict[str, list[str]] = {}
    for parent, *names in ([word.lower() for word in line] for line in links):
        children.setdefault(parent, []).extend(names)
    parents: dict[str, str] = {}
    waiting = ["root"]
    while waiting:
        parent = waiting.pop()
        for child in children.get(parent, []):
            if child not in bones or child in parents:
                raise ValueError(f"{child} twice or without data in :hierarchy")
            parents[child] = parent
            waiting.append(child)
    lost = [bone for bone in bones if bone not in parents]
    if lost:
        raise ValueError(f"no place for bone {lost[0]} in :hierarchy")
    return parents


def text_lines(path: Path, kind: str) -> list[str]:
    """Lines of a text file, whose comments may hold letters of any old encoding."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_TEXT_BYTES else b""
    except OSError as error:
        raise ClipReadError(path, f"cannot be opened ({error.strerror}).") from error
    if not data:
        why = "is empty" if not size else f"has {size / 2**20:.0f} MB, at most 256 are read"
        raise ClipReadError(path, f"the file {why}; expected {kind}.")
    if b"\0" in data:
        raise ClipReadError(path, f"expected {kind}, which is text; this file holds binary data.")
    return data.decode("latin-1").split("\n")


class _AsfLines:
    """(section, words) of each line that says something, and complaints."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = text_lines(path, "an .asf skeleton")

    def __iter__(self) -> Iterator[tuple[str, list[str]]]:
        section = ""
        for line in self.lines:
            words = line.split("#")[0].split()
            if words and words[0].startswith(":"):
                section = words[0][1:].lower()
            elif words:
                yield section, words

    def wrong(self, what: str) -> ClipReadError:
        return ClipReadError(
            self.path, f"not a whole .asf skeleton: {what}; copy or download it again."
        )
