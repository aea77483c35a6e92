"""The real recordings read as their publishers describe them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actviz.clip.skeleton import convert, read_skeleton, segments_of
from actviz.errors import ClipReadError

pytestmark = pytest.mark.real


def test_ntu_recordings_hold_people_of_human_size(real_data: Path) -> None:
    files = sorted((real_data / "skeletons" / "ntu").glob("*.skeleton"))
    assert files
    for path in files:
        skeleton = read_skeleton(path)
        shoulders = skeleton.joints[:, 0, 8, 0] - skeleton.joints[:, 0, 4, 0]
        head_over_hips = skeleton.joints[:, 0, 3, 1] - skeleton.joints[:, 0, 0, 1]
        assert skeleton.present[:, 0].mean() > 0.9
        assert 0.4 < np.median(head_over_hips) < 0.9
        assert np.median(shoulders) > 0  # the right one at larger x: facing the camera


def test_the_handshake_has_two_people(real_data: Path) -> None:
    path = next((real_data / "skeletons" / "ntu").glob("*A050.skeleton"))
    assert read_skeleton(path).joints.shape[1] == 2


def test_a_real_recording_cut_in_half_is_refused(real_data: Path, tmp_path: Path) -> None:
    whole = next((real_data / "skeletons" / "ntu").glob("*.skeleton")).read_bytes()
    (tmp_path / "cut.skeleton").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ClipReadError, match="the file is cut"):
        read_skeleton(tmp_path / "cut.skeleton")


def test_all_labelled_utkinect_actions_but_one_can_be_read(real_data: Path) -> None:
    lengths, refused = [], []
    for path in sorted((real_data / "skeletons" / "utkinect").glob("joints_*.txt")):
        for name in segments_of(path):
            try:
                lengths.append(len(read_skeleton(path, segment=name)))
            except ClipReadError:
                refused.append((path.stem, name))
    assert refused == [("joints_s10_e02", "carry")]
    assert (len(lengths), min(lengths)) == (199, 5)
    assert max(lengths) <= 114  # samples in the longest, repeated numbers included


def test_derived_joints_lie_where_ntu_measures_them(real_data: Path) -> None:
    for path in (real_data / "skeletons" / "ntu").glob("*.skeleton"):
        ntu = read_skeleton(path)
        back = convert(convert(ntu, "kinect-20"), "ntu-25")
        off = np.linalg.norm(back.joints - ntu.joints, axis=-1)[ntu.present]  # (N, 25), metres
        assert off[:, 2].mean() < 0.03  # neck
        assert off.mean(0).max() < 0.08  # hand tips and thumbs, put at the hand
