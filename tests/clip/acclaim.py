"""A small Acclaim skeleton with HDM05's 30 bones, whose positions one can work out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from actviz.clip.layouts import LAYOUTS

NAMES = LAYOUTS["hdm05-31"].joint_names
PARENT = {NAMES[b]: NAMES[a] for a, b in LAYOUTS["hdm05-31"].bones}
MOVES = {"lfemur": "rx ry rz", "ltibia": "rx", "rfoot": "rx rz"}


def asf_text(
    *, unit: str = "0.45", axis: Mapping[str, str] | None = None, moves: Mapping[str, str] = MOVES
) -> str:
    """Every bone one unit long, the left leg along −y, all others along +x."""
    lines = [":version 1.10", ":units", f"  length {unit}", "  angle deg", ":root"]
    lines += ["  order TX TY TZ RX RY RZ", "  axis XYZ", "  position 0 0 0", "  orientation 0 0 0"]
    lines.append(":bonedata")
    for number, name in enumerate(NAMES[1:], 1):
        way = "0 -2 0" if name in ("lfemur", "ltibia") else "1 0 0"  # directions need not be unit
        lines += ["begin", f"id {number}", f"name {name}", f"direction {way}", "length 1"]
        lines.append(f"axis {(axis or {}).get(name, '0 0 0 XYZ')}")
        lines += [f"dof {moves[name]}"] if name in moves else []
        lines.append("end")
    lines += [":hierarchy", "begin", *(f"{PARENT[n]} {n}" for n in NAMES[1:]), "end"]
    return "\r\n".join(lines) + "\r\n"


def amc_text(
    frames: Sequence[Mapping[str, str]], *, first: int = 1, moves: Mapping[str, str] = MOVES
) -> str:
    """Frames of angles; what a frame does not name stays at zero."""
    lines = ["#!OML:ASF f\xfcr", ":FULLY-SPECIFIED", ":DEGREES"]
    for number, frame in enumerate(frames, first):
        lines += [str(number), f"root {frame.get('root', '0 0 0 0 0 0')}"]
        for name, dof in moves.items():
            lines.append(f"{name} {frame.get(name, ' '.join('0' for _ in dof.split()))}")
    return "\n".join(lines) + "\n"


def write_motion(folder: Path, frames: Sequence[Mapping[str, str]], *, asf: str = "") -> Path:
    """An ``.amc`` with its ``.asf`` beside it."""
    (folder / "HDM_xy.asf").write_text(asf or asf_text(), encoding="latin-1")
    path = folder / "HDM_xy_walk2StepsLstart_001_120.amc"
    path.write_text(amc_text(frames), encoding="latin-1")
    return path
