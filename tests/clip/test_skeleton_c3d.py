"""Marker recordings, written with ezc3d, whole and broken ones."""

from __future__ import annotations

from pathlib import Path

import ezc3d
import numpy as np
import pytest

from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton import read_skeleton
from actviz.errors import ClipReadError

LAYOUT = LAYOUTS["hdm05-31"]
BODY = {  # metres, x to the left of the body, y up
    **{"LFHD": (0.1, 1.7, 0.1), "RFHD": (-0.1, 1.7, 0.1), "LBHD": (0.1, 1.7, -0.1)},
    **{"RBHD": (-0.1, 1.7, -0.1), "C7": (0, 1.5, -0.1), "CLAV": (0, 1.4, 0.1)},
    **{"STRN": (0, 1.2, 0.1), "T10": (0, 1.2, -0.1), "LFWT": (0.1, 1, 0.1)},
    **{"RFWT": (-0.1, 1, 0.1), "LBWT": (0.1, 1, -0.1), "RBWT": (-0.1, 1, -0.1)},
    **{
        f"{s}{m}": (x * f, y, z)
        for s, f in (("L", 1), ("R", -1))
        for m, (x, y, z) in {
            "KNE": (0.1, 0.5, 0),
            "ANK": (0.1, 0.1, 0),
            "MT5": (0.15, 0.02, 0.1),
            "TOE": (0.1, 0.02, 0.15),
            "SHO": (0.2, 1.4, 0),
            "ELB": (0.3, 1.2, 0),
            "WRA": (0.3, 1.0, 0.05),
            "WRB": (0.3, 1.0, -0.05),
            "FIN": (0.3, 0.9, 0),
        }.items()
    },
}


def write(path: Path, *, frames: int = 6, unit: str = "mm", names: str = "{}", up: int = 1) -> Path:
    """The body standing still, moving 1 cm along x each frame."""
    file = ezc3d.c3d()
    points = np.ones((4, len(BODY), frames))
    points[:3] = np.array(list(BODY.values())).T[:, :, None]
    points[0] += 0.01 * np.arange(frames)
    if up == 2:  # y up becomes z up
        points[[1, 2]] = -points[2], points[1]
    points[:3] *= {"mm": 1000, "cm": 100}[unit]
    file["parameters"]["POINT"]["RATE"]["value"] = [60]
    file["parameters"]["POINT"]["UNITS"]["value"] = [unit]
    file["parameters"]["POINT"]["LABELS"]["value"] = [names.format(name) for name in BODY]
    file["data"]["points"] = points
    file.write(str(path))
    return path


def test_joints_are_means_of_markers(tmp_path: Path) -> None:
    skeleton = read_skeleton(write(tmp_path / "a.c3d"))
    joints = skeleton.joints[3, 0]
    for name, wanted in (
        ("root", (0, 1, 0)),
        ("head", (0, 1.7, 0)),
        ("lradius", (0.3, 1, 0)),
        ("rfemur", (-0.1, 0.5, 0)),
        ("rtoes", (-0.1, 0.02, 0.15)),
        ("thorax", (0, 1.45, 0)),
    ):
        assert np.allclose(joints[LAYOUT.number(name)], np.add(wanted, (0.03, 0, 0)), atol=1e-4)
    assert "means of skin markers" in skeleton.problems[0]


def test_the_clock_is_the_files_own(tmp_path: Path) -> None:
    skeleton = read_skeleton(write(tmp_path / "a.c3d"))
    assert np.allclose(skeleton.times_s, np.arange(6) / 60)


def test_units_subject_names_and_the_upward_axis_do_not_matter(tmp_path: Path) -> None:
    plain = read_skeleton(write(tmp_path / "a.c3d"))
    other = read_skeleton(write(tmp_path / "b.c3d", unit="cm", names="Bastian:{}", up=2))
    assert np.allclose(plain.joints, other.joints, atol=1e-4)
    assert any("y points upwards" in p for p in other.problems)


def test_a_file_cut_in_its_data_keeps_the_whole_frames(tmp_path: Path) -> None:
    path = write(tmp_path / "a.c3d", frames=40)
    path.write_bytes(path.read_bytes()[: -16 * len(BODY) * 10 - 8])
    skeleton = read_skeleton(path)
    assert 10 <= len(skeleton) <= 30
    assert any("The file ends early" in p for p in skeleton.problems)


def test_markers_of_no_body_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipReadError, match="expected those of a body"):
        read_skeleton(write(tmp_path / "a.c3d", names="x{}"))


def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path / "a.c3d")
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for turn in range(30):
        broken = bytearray(whole)
        for at in rng.integers(0, 1200, 4):
            broken[at] = rng.integers(256)
        path.write_bytes(broken[: rng.integers(1, len(whole))] if turn % 3 == 0 else broken)
        try:
            read_skeleton(path)
        except ClipReadError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    "content", [b"notes\n" * 200, b"\x02P" + b"\0" * 700, b"\x02P", b"\xff" * 900]
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.c3d").write_bytes(content)
    with pytest.raises(ClipReadError):
        read_skeleton(tmp_path / "a.c3d")
