"""Skeletons saved in other units and on other axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actviz.clip.axes import UPS, standing, with_y_up
from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton import read_skeleton, save_skeleton
from actviz.errors import ClipReadError

ROLES = LAYOUTS["kinect-20"].roles


def person(frames: int = 8) -> np.ndarray:
    """A man of 1.7 m, three metres away, on the Kinect's axes: (T, 20, 3)."""
    joints = np.random.default_rng(0).normal(0, 0.05, (frames, 20, 3))
    joints[..., 2] += 3
    joints[:, 3, 1], joints[:, 2, 1], joints[:, 19, 1] = 0.8, 0.5, -0.9
    return joints


def read(folder: Path, joints: np.ndarray, **arrays: object):
    np.savez(folder / "one.npz", joints=joints, layout="kinect-20", fps=30, **arrays)
    return read_skeleton(folder / "one.npz")


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1000), ("cm", 100)])
def test_other_units_become_metres_said_or_guessed(tmp_path: Path, unit: str, factor: int) -> None:
    said = read(tmp_path, person() * factor, units=unit.upper())
    guessed = read(tmp_path, person() * factor)
    assert np.allclose(said.joints[:, 0], person(), atol=1e-6)
    assert np.array_equal(said.joints, guessed.joints)
    assert said.problems == ()
    assert f"{unit} assumed" in guessed.problems[0]


def test_what_no_unit_makes_people_stays_and_is_asked(tmp_path: Path) -> None:
    skeleton = read(tmp_path, person() * 1000, units="cm")
    assert "more than 5 m large" in " ".join(skeleton.problems)
    with pytest.raises(ClipReadError, match="within 1000 m"):
        read(tmp_path, person() * 1e5)
    with pytest.raises(ClipReadError, match="units must be one of m, cm, mm; got 'inch'"):
        read(tmp_path, person(), units="inch")


@pytest.mark.parametrize("up", list(UPS))
def test_an_axis_that_is_up_becomes_y_without_a_mirror(tmp_path: Path, up: str) -> None:
    axes, signs = UPS[up]
    turn = np.zeros((3, 3))
    turn[range(3), axes] = signs
    assert np.linalg.det(turn) == pytest.approx(1)
    other = person() @ turn  # undone by the turn
    assert standing(other[:, None], ROLES) == up
    assert np.allclose(with_y_up(other, up), person())
    assert np.allclose(read(tmp_path, other, up=up).joints[:, 0], person(), atol=1e-6)


def test_bodies_that_stand_along_another_axis_are_doubted(tmp_path: Path) -> None:
    assert read(tmp_path, person()).problems == ()
    (problem,) = read(tmp_path, person()[..., [0, 2, 1]]).problems
    assert "save up='z'" in problem
    with pytest.raises(ClipReadError, match="up must be one of y, -y, z, -z; got 'Y up'"):
        read(tmp_path, person(), up="Y up")


def test_a_saved_giant_stays_one(tmp_path: Path) -> None:
    giant = read(tmp_path, person() * 100, units="m")
    save_skeleton(tmp_path / "again.npz", giant)
    assert np.array_equal(read_skeleton(tmp_path / "again.npz").joints, giant.joints)


@pytest.mark.parametrize(
    ("shape", "advice"), [((8, 60), r"Reshape them to \(8, 20, 3\)"), ((8, 3, 20), "Exchange")]
)
def test_numbers_of_another_shape_come_with_the_way_out(tmp_path: Path, shape, advice) -> None:
    with pytest.raises(ClipReadError, match=advice):
        read(tmp_path, person().reshape(shape))
