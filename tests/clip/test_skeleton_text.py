"""NTU RGB+D and UT-Kinect files, whole and broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actviz.clip.skeleton import read_skeleton, segments_of
from actviz.errors import ClipReadError

Body = tuple[str, float]  # tracking id, and how far to the side the body stands (metres)


def _ntu_text(frames: list[list[Body]], joints: int = 25) -> str:
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for identity, x in bodies:
            lines += [f"{identity} 0 1 1 1 1 0 -0.1 -0.4 2", str(joints)]
            places = [f"{x + 0.01 * j:.4f} {0.1 * j:.4f} 3.0" for j in range(joints)]
            lines += [f"{place} 160 190 700 500 0 0 0 0 2" for place in places]
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def to_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


def test_ntu_file_is_read_at_thirty_frames_a_second(write) -> None:
    skeleton = read_skeleton(write("a.skeleton", _ntu_text([[("7", 0.5)]] * 4)))
    assert skeleton.joints.shape == (4, 1, 25, 3)
    assert np.allclose(skeleton.joints[2, 0, 10], (0.6, 1.0, 3.0))
    assert np.allclose(skeleton.times_s, np.arange(4) / 30)
    assert skeleton.layout == "ntu-25"


def test_people_keep_their_place_when_the_file_swaps_them(write) -> None:
    frames = [[("7", 0.0), ("8", 2.0)], [("8", 2.0), ("7", 0.0)], [("8", 2.0)]]
    skeleton = read_skeleton(write("a.skeleton", _ntu_text(frames)))
    assert np.allclose(skeleton.joints[:, 1, 0, 0], 2.0)
    assert np.allclose(skeleton.joints[:2, 0, 0, 0], 0.0)
    assert skeleton.present.tolist() == [[True, True], [True, True], [False, True]]


def test_a_body_found_again_under_a_new_id_is_the_same_person(write) -> None:
    frames = [[("7", 0.0)]] * 5 + [[]] + [[("9", 0.1)]] * 5
    skeleton = read_skeleton(write("a.skeleton", _ntu_text(frames)))
    assert skeleton.joints.shape[1] == 1
    assert skeleton.present[:, 0].tolist() == [True] * 5 + [False] + [True] * 5


def test_of_three_bodies_the_two_that_move_most_are_kept(write) -> None:
    frames = [[("chair", 5.0), ("a", 0.05 * t), ("b", 2 - 0.05 * t)] for t in range(20)]
    skeleton = read_skeleton(write("a.skeleton", _ntu_text(frames)))
    assert np.allclose(skeleton.joints[0, :, 0, 0], (0.0, 2.0))
    assert any("3 bodies" in p for p in skeleton.problems)


def test_a_ghost_of_a_few_frames_is_not_kept(write) -> None:
    frames = [[("a", 0.01 * t), ("b", 2.0)] for t in range(20)]
    frames[3:6] = [[*bodies, ("ghost", 9.0 * t)] for t, bodies in enumerate(frames[3:6])]
    skeleton = read_skeleton(write("a.skeleton", _ntu_text(frames)))
    assert np.allclose(skeleton.joints[0, :, 0, 0], (0.0, 2.0))


def test_a_whole_file_cut_anywhere_is_refused(write) -> None:
    text = _ntu_text([[("7", 0.5)]] * 6)
    rng = np.random.default_rng(1)
    for at in rng.integers(3, len(text) - 20, 25):
        with pytest.raises(ClipReadError, match=r"cut|not a whole"):
            read_skeleton(write("a.skeleton", text[:at]))


def test_a_cut_file_says_in_which_frame_it_ends(write) -> None:
    lines = _ntu_text([[("7", 0.5)]] * 6).splitlines()
    with pytest.raises(ClipReadError, match="promises 6 frames, it ends inside frame 3;"):
        read_skeleton(write("a.skeleton", "\n".join(lines[: 1 + 2 * 28 + 9])))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "no line"),
        (b"hello world\nthis is prose\n", "line 1 should be the number of frames"),
        (bytes(range(256)) * 4, "binary data"),
        (b"PK\x03\x04\x00\x00\x00\x00", "binary data"),
        (b"0\n", "no body is tracked"),
        (b"2\n0\n0\n", "no body is tracked"),
        (b"1\n99\n", "at most 12"),
        (_ntu_text([[("7", 0.0)]], joints=20).encode(), "the number of joints, 25"),
        (_ntu_text([[("7", float("nan"))]] * 3).encode(), "no usable frame"),
        ((_ntu_text([[("7", 0.0)]] * 2) + "1\n").encode(), "should be the end"),
        (_ntu_text([[("7", 0.0)]]).replace("3.0 160", "three 160", 1).encode(), "x y z"),
    ],
)
def test_broken_ntu_files_are_refused_in_a_sentence(write, content: bytes, words: str) -> None:
    with pytest.raises(ClipReadError, match=words) as caught:
        read_skeleton(write("a.skeleton", content))
    assert "\n" not in str(caught.value)


def _ut_text(numbers: list[int], start: float = 0.0) -> str:
    rows = [f"{n}  " + "  ".join(f"{start + n + k:.6f}" for k in range(60)) for n in numbers]
    return "\n".join(rows) + "\n"


LABELS = "s01_e01\nwalk: 4 8\ncarry: NaN NaN\nwaveHands: 9 12\ns01_e02\nwalk: 100 200\n"


def test_utkinect_drops_repeated_numbers_and_keeps_true_seconds(write) -> None:
    skeleton = read_skeleton(write("joints_s01_e01.txt", _ut_text([4, 4, 6, 5, 9])))
    assert skeleton.frame_index.tolist() == [4, 6, 9]
    assert np.allclose(skeleton.times_s, np.array([4, 6, 9]) / 30)
    assert skeleton.layout == "kinect-20"
    assert any("2 of 5 samples repeat" in p for p in skeleton.problems)


def test_a_segment_holds_first_and_last_labelled_frame(write) -> None:
    path = write("joints_s01_e01.txt", _ut_text(list(range(1, 16))))
    write("actionLabel.txt", LABELS)
    assert read_skeleton(path, segment="walk").frame_index.tolist() == [4, 5, 6, 7, 8]
    assert read_skeleton(path, segment="Wave hands").frame_index.tolist() == [9, 10, 11, 12]
    assert list(segments_of(path)) == ["walk", "carry", "waveHands"]


def test_labels_that_end_before_they_start_are_told_so(write) -> None:
    path = write("joints_s01_e01.txt", _ut_text(list(range(1, 16))))
    write("actionLabel.txt", LABELS.replace("4 8", "8 4"))
    with pytest.raises(ClipReadError, match="end 'walk' before it starts"):
        read_skeleton(path, segment="walk")


def test_repaired_labels_come_first(write) -> None:
    path = write("joints_s01_e01.txt", _ut_text(list(range(1, 16))))
    write("actionLabel.txt", LABELS)
    write("actionLabel_modified.txt", LABELS.replace("4 8", "4 6"))
    assert read_skeleton(path, segment="walk").frame_index.tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("segment", "words"),
    [("carry", r"\(NaN\); it has walk, waveHands"), ("dance", "no segment 'dance'; it has walk")],
)
def test_a_segment_that_is_not_there_names_those_that_are(write, segment: str, words: str) -> None:
    path = write("joints_s01_e01.txt", _ut_text(list(range(1, 16))))
    write("actionLabel.txt", LABELS)
    with pytest.raises(ClipReadError, match=words):
        read_skeleton(path, segment=segment)


def test_segments_need_labels_and_a_recording_that_has_them(write) -> None:
    path = write("joints_s01_e01.txt", _ut_text([1, 2, 3]))
    with pytest.raises(ClipReadError, match=r"actionLabel\.txt beside"):
        read_skeleton(path, segment="walk")
    with pytest.raises(ClipReadError, match="not both"):
        read_skeleton(path, segment="walk", start_s=0.0)
    with pytest.raises(ClipReadError, match="only UT-Kinect"):
        read_skeleton(write("a.skeleton", _ntu_text([[("7", 0.5)]])), segment="walk")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"some notes about a video\n", "not a UT-Kinect"),
        (_ut_text([1, 2, 3])[:-40].encode(), "cut: line 3 should hold 61 numbers"),
        (_ut_text([1, 2]).replace("1.000000", "x", 1).encode(), "line 1 should hold"),
        (("inf " + "0 " * 60 + "\n").encode(), "line 1 should hold"),
        (b"\x00\x01\x02", "binary data"),
    ],
)
def test_broken_utkinect_files_are_refused(write, content: bytes, words: str) -> None:
    with pytest.raises(ClipReadError, match=words):
        read_skeleton(write("joints_s01_e01.txt", content))


def test_what_is_no_skeleton_file_is_refused_by_name(tmp_path: Path, write) -> None:
    with pytest.raises(ClipReadError, match="no such file"):
        read_skeleton(tmp_path / "missing.skeleton")
    with pytest.raises(ClipReadError, match=r"got \.bvh ending"):
        read_skeleton(write("a.bvh", "x"))
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ClipReadError, match="not a regular file"):
        read_skeleton(tmp_path / "folder.npz")
