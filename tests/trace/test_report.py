"""What is drawn of a trace: feet on one floor, and folders left as they were found."""

from __future__ import annotations

import numpy as np
import pytest

from actviz.errors import ActvizError
from actviz.report import FILES, results_folder
from actviz.views.standing import feet_on_floor


def test_a_cut_to_another_camera_moves_nobody_off_the_floor():
    times = np.arange(40) / 10
    joints = np.zeros((40, 1, 2, 3), dtype=np.float32)
    joints[:, :, 1, 1] = 1.0  # a head one metre above the feet
    joints[20:, ..., 1] -= 2.0  # the second shot's camera stands higher
    moved = feet_on_floor(joints, np.ones((40, 1), dtype=bool), times)
    assert np.unique(moved[:14, 0, 0, 1]).tolist() == [-2.0]
    assert np.unique(moved[20:, 0, 0, 1]).tolist() == [-2.0]


def test_a_jump_leaves_the_floor():
    joints = np.zeros((30, 1, 2, 3), dtype=np.float32)
    joints[14:17, ..., 1] = 0.4
    moved = feet_on_floor(joints, np.ones((30, 1), dtype=bool), np.arange(30) / 10)
    assert moved[15, 0, 0, 1] == pytest.approx(0.4)


def test_failed_work_leaves_no_folder_and_no_file(tmp_path):
    with pytest.raises(RuntimeError), results_folder(tmp_path / "a" / "b") as fresh:
        (fresh / FILES[0]).write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_failed_work_leaves_older_results_as_they_were(tmp_path):
    (tmp_path / FILES[0]).write_text("older")
    with pytest.raises(RuntimeError), results_folder(tmp_path) as fresh:
        (fresh / FILES[0]).write_text("half")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == [FILES[0]]
    assert (tmp_path / FILES[0]).read_text() == "older"


def test_folder_under_a_file_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(ActvizError, match="cannot be written"),
        results_folder(tmp_path / "file" / "sub"),
    ):
        pass
