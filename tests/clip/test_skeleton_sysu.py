"""SYSU-3D's sklWorld.mat, whole and broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from actviz.clip.skeleton import read_skeleton
from actviz.errors import ClipReadError


def positions(frames: int) -> np.ndarray:
    """(20, 3, T) metres, joint j of frame t at (j, t, 2)."""
    out = np.full((20, 3, frames), 2.0)
    out[:, 0] = np.arange(20)[:, None] / 10
    out[:, 1] = np.arange(frames) / 10
    return out


@pytest.mark.parametrize("compressed", [False, True])
def test_a_sequence_is_read_frame_by_frame(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "sklWorld.mat"
    savemat(path, {"SW": positions(7), "other": 3}, do_compression=compressed)
    skeleton = read_skeleton(path)
    assert skeleton.joints.shape == (7, 1, 20, 3)
    assert np.allclose(skeleton.joints[4, 0, 5], (0.5, 0.4, 2.0))
    assert np.allclose(skeleton.times_s, np.arange(7) / 30)
    assert skeleton.layout == "kinect-20"


def test_one_frame_alone_is_a_sequence(tmp_path: Path) -> None:
    savemat(tmp_path / "one.mat", {"SW": positions(1)})
    assert len(read_skeleton(tmp_path / "one.mat")) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"SW": np.zeros((20, 3, 5))}, "no usable frame"),
        ({"SW": np.full((20, 3, 5), np.nan)}, "no usable frame"),
        ({"SW": np.ones((25, 3, 5))}, "20 joints × 3 × frames"),
        ({"SW": np.ones((20, 3, 0))}, "20 joints × 3 × frames"),
        ({"SW": "walk"}, "20 joints × 3 × frames"),
        ({"S": np.ones((20, 3, 5))}, "with an array SW; it holds S"),
        ({}, "it holds nothing"),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, content: dict, words: str) -> None:
    savemat(tmp_path / "a.mat", content)
    with pytest.raises(ClipReadError, match=words):
        read_skeleton(tmp_path / "a.mat")


def test_matlab_7_3_is_refused_with_the_way_out(tmp_path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    (tmp_path / "a.mat").write_bytes(header + b"\0" * 400)
    with pytest.raises(ClipReadError, match=r"7\.3 file.*'-v7'"):
        read_skeleton(tmp_path / "a.mat")


def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"SW": positions(9)}, do_compression=True)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(1, len(whole) - 1, 40):
        path.write_bytes(whole[:at] if at % 2 else whole[:at] + bytes([at % 256]) + whole[at + 1 :])
        try:
            read_skeleton(path)
        except ClipReadError as error:
            assert "\n" not in str(error)


def test_text_is_no_matlab_file(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_text("these are notes\n" * 20)
    with pytest.raises(ClipReadError, match=r"expected a MATLAB \.mat file"):
        read_skeleton(tmp_path / "a.mat")
