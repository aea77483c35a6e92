"""Landmarks to joints, gaps, and the model file: what needs no MediaPipe to check."""

from __future__ import annotations

import builtins
import zipfile
from pathlib import Path

import numpy as np
import pytest
from bodies import body

from actviz.clip import pose, pose_model
from actviz.clip.layouts import LAYOUTS
from actviz.clip.pose_landmarks import joints_from_landmarks, to_kinect_axes
from actviz.clip.pose_people import People

J = LAYOUTS["ntu-25"].number


def test_joints_that_mediapipe_lacks_are_means_of_landmarks() -> None:
    marks = np.arange(33.0)[:, None].repeat(3, 1)
    joints = joints_from_landmarks(marks)[:, 0]
    assert joints[J("spine_base")] == 23.5  # hips 23, 24
    assert joints[J("spine_shoulder")] == 11.5  # shoulders 11, 12
    assert joints[J("head")] == 7.5  # ears 7, 8
    assert joints[J("hand_left")] == 15 / 2 + 19 / 4 + 17 / 4
    assert joints[J("hand_tip_right")] == 19  # knuckles 18, 20
    assert joints[J("foot_right")] == 32
    assert joints[J("neck")] == pytest.approx(0.67 * 11.5 + 0.33 * 7.5)


def test_axes_become_the_kinects() -> None:
    # 1 m to the right of the picture, 2 m down, 3 m further away
    assert to_kinect_axes(np.array([1.0, 2.0, 3.0])).tolist() == [-1, -2, 3]


def test_frames_are_spread_evenly_and_keep_their_numbers() -> None:
    assert pose._spread(np.arange(10, 21), 3).tolist() == [10, 15, 20]
    assert pose._spread(np.arange(5), 9).tolist() == [0, 1, 2, 3, 4]


def _seen(*frames: dict[int, float]) -> list[People]:
    return [{p: body(x) for p, x in frame.items()} for frame in frames]


def test_short_gap_is_interpolated_and_marked() -> None:
    arrays = pose._arrays(_seen({0: 100}, {}, {0: 120}), np.array([0.0, 0.1, 0.2]))
    assert arrays.found[:, 0].tolist() == [True, False, True]
    assert arrays.interpolated[:, 0].tolist() == [False, True, False]
    assert np.allclose(arrays.points[:, 0, J("spine_base"), 0], (100, 110, 120))


def test_the_person_seen_most_often_comes_first() -> None:
    frames = [{0: 100.0, 1: 300.0}] * 3 + [{1: 300.0}] * 3
    arrays = pose._arrays(_seen(*frames), np.arange(6) / 25)
    assert arrays.points[0, :, J("spine_base"), 0].tolist() == [300, 100]
    assert arrays.found.sum(0).tolist() == [6, 3]


def test_two_people_never_seen_at_once_are_taken_for_one() -> None:
    frames = [{0: 100.0}] * 4 + [{1: 300.0}] * 3
    arrays = pose._arrays(_seen(*frames), np.arange(7) / 25)
    assert arrays.points.shape[1] == 1
    assert arrays.points[:, 0, J("spine_base"), 0].tolist() == [100] * 4 + [300] * 3


@pytest.fixture
def no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ACTVIZ_POSE_MODEL", raising=False)
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    return tmp_path


def _bundle(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("pose_landmarks_detector.tflite", b"x")
    return path


def test_without_a_model_the_ways_to_get_one_are_named(no_model: Path) -> None:
    with pytest.raises(pose.PoseError, match=r"--pose-model or ACTVIZ_POSE_MODEL.*9\.4 MB"):
        pose.find_pose_model()
    assert not (no_model / "cache").exists()  # looking fetches nothing


def test_the_argument_comes_before_the_environment(no_model: Path, monkeypatch) -> None:
    first, second = _bundle(no_model / "a.task"), _bundle(no_model / "b.task")
    monkeypatch.setenv("ACTVIZ_POSE_MODEL", str(second))
    assert pose.find_pose_model(first) == first
    assert pose.find_pose_model() == second


def test_a_file_that_is_no_pose_model_is_refused(no_model: Path) -> None:
    (no_model / "a.task").write_text("hello")
    with pytest.raises(pose.PoseError, match="something else"):
        pose.find_pose_model(no_model / "a.task")
    with pytest.raises(pose.PoseError, match="no such file"):
        pose.find_pose_model(no_model / "b.task")


def test_a_damaged_file_in_the_cache_is_not_used(no_model: Path) -> None:
    (no_model / "cache").mkdir()
    _bundle(no_model / "cache" / pose_model.POSE_MODEL.name)
    with pytest.raises(ValueError, match=r"not the expected .*delete it"):
        pose.find_pose_model()


def test_missing_mediapipe_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("mediapipe"):
            raise ImportError("No module named 'mediapipe'")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(pose.PoseError, match=r'pip install "actviz\[pose\]"'):
        pose_model.Landmarker(Path("any.task"), (10, 10))
