"""Pose on real videos, through MediaPipe."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from actviz.clip.layouts import LAYOUTS
from actviz.clip.pose import PoseError, pose_from_video

pytestmark = [pytest.mark.pose, pytest.mark.real]
pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
J = LAYOUTS["ntu-25"].number


@pytest.fixture(scope="module")
def clapping(real_data: Path, pose_model: Path):
    path = real_data / "videos" / "person01_handclapping_d1_uncomp.avi"
    return pose_from_video(path, model_path=pose_model, end_s=1.5)


def test_a_person_stands_upright_and_human_size(clapping) -> None:
    joints = clapping.skeleton.joints[clapping.skeleton.present]  # (N, 25, 3)
    assert clapping.skeleton.joints.shape[1] == 1
    assert np.abs(joints[:, J("spine_base")]).max() < 0.02  # hips are the origin
    assert 0.4 < np.median(joints[:, J("head"), 1]) < 0.8
    assert -1.1 < np.median(joints[:, J("ankle_left"), 1]) < -0.5
    facing = joints[:, J("shoulder_right"), 0] - joints[:, J("shoulder_left"), 0]
    assert 0.2 < np.median(facing) < 0.5  # as in a Kinect recording: the right one at larger x


def test_points_lie_on_the_person_in_the_whole_frame(clapping) -> None:
    height, width = clapping.frame_size
    points = clapping.points[clapping.skeleton.present]
    assert (height, width) == (120, 160)
    assert points[:, J("head"), 1].mean() < points[:, J("foot_left"), 1].mean()
    inside = (points >= 0) & (points <= (width, height))
    assert inside.mean() > 0.95


def test_the_clock_is_the_videos_own(clapping) -> None:
    skeleton = clapping.skeleton
    assert skeleton.root == "hips"
    assert skeleton.times_s[-1] < 1.5
    assert np.allclose(np.diff(skeleton.times_s), 0.04, atol=1e-3)
    assert skeleton.present.mean() > 0.9


def test_two_people_are_told_apart(real_data: Path, pose_model: Path) -> None:
    path = next((real_data / "ucf101").rglob("v_BenchPress_g01_c02.avi"))
    posed = pose_from_video(path, model_path=pose_model, start_s=2.7, end_s=5.0)
    centre = posed.points[:, :, J("spine_base"), 0]  # (T, P) pixels
    assert posed.skeleton.joints.shape[1] == 2
    apart = [centre[posed.skeleton.present[:, p], p] for p in range(2)]
    left, right = sorted(apart, key=np.mean)
    assert left.max() < right.min()  # the one lying down, the one standing behind


def test_few_frames_are_spread_and_progress_told(real_data: Path, pose_model: Path) -> None:
    path = next((real_data / "ucf101").rglob("v_SoccerJuggling_g23_c01.avi"))
    steps: list[tuple[int, int]] = []
    posed = pose_from_video(
        path, model_path=pose_model, max_frames=12, progress=lambda *step: steps.append(step)
    )
    assert len(posed.skeleton) == 12
    assert posed.skeleton.frame_index[[0, -1]].tolist() == [0, 239]
    assert steps == [(k, 12) for k in range(1, 13)]
    assert "Pose looked at 12 of 240 frames." in posed.skeleton.problems


def test_a_video_without_a_person_is_refused_with_the_count(real_data: Path, pose_model) -> None:
    path = next((real_data / "ucf101").rglob("v_BenchPress_g01_c03.avi"))
    with pytest.raises(PoseError, match="a person was found in 0 of 104 frames looked at"):
        pose_from_video(path, model_path=pose_model)


def test_mediapipe_is_quiet(real_data: Path, pose_model: Path, capfd) -> None:
    path = real_data / "videos" / "person01_handclapping_d1_uncomp.avi"
    pose_from_video(path, model_path=pose_model, end_s=0.5)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


_TIMERS_WHILE_POSING = """
import sys
from pathlib import Path
import numpy as np
from actviz.clip.pose_model import Landmarker
with Landmarker(Path(sys.argv[1]), (64, 64)) as landmarker:
    landmarker.detect(np.zeros((64, 64, 3), np.uint8), 0.0)
    print(Path("/proc/self/timers").read_text().count("ID:"))
"""


@pytest.mark.skipif(not Path("/proc/self/timers").exists(), reason="only Linux counts timers there")
def test_mediapipes_profiler_arms_no_timer_whose_signal_could_kill_us(pose_model: Path) -> None:
    fresh = {k: v for k, v in os.environ.items() if k != "CPUPROFILE_FREQUENCY"}
    asked = [sys.executable, "-c", _TIMERS_WHILE_POSING, str(pose_model)]
    ran = subprocess.run(asked, env=fresh, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (0, "0\n"), ran.stderr


@pytest.mark.parametrize("others", [(), ("pose_detector.tflite",)])
def test_a_bundle_mediapipe_cannot_load_is_a_sentence(real_data: Path, tmp_path, others) -> None:
    with zipfile.ZipFile(tmp_path / "a.task", "w") as bundle:
        for name in ("pose_landmarks_detector.tflite", *others):
            bundle.writestr(name, b"nothing")
    path = real_data / "videos" / "person01_handclapping_d1_uncomp.avi"
    with pytest.raises(PoseError, match="cannot load this model"):
        pose_from_video(path, model_path=tmp_path / "a.task", end_s=0.5)
