"""Skeletons as .npz, holes in them, spans, and other layouts."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from actviz.clip.gaps import fill_gaps
from actviz.clip.skeleton import convert, layout_of, read_skeleton, save_skeleton, usable
from actviz.errors import ActvizError, ClipReadError


def _joints(frames: int = 12, people: int = 1, joints: int = 25) -> np.ndarray:
    """Positions that move linearly in time, so that interpolation has one right answer."""
    rng = np.random.default_rng(0)
    pose = rng.normal(0, 0.3, (1, people, joints, 3)) + np.array([0, 0, 3])
    step = rng.normal(0, 0.01, (1, people, joints, 3))
    return (pose + step * np.arange(frames)[:, None, None, None]).astype(np.float32)


def _npz(folder: Path, **arrays: object) -> Path:
    path = folder / "skeleton.npz"
    np.savez(path, **{k: np.asarray(v) for k, v in arrays.items()})
    return path


def test_plain_npz_is_read_with_its_own_clock(tmp_path: Path) -> None:
    joints = _joints()
    path = _npz(tmp_path, joints=joints, times_s=np.arange(12) / 12, layout="NTU-25")
    skeleton = read_skeleton(path)
    assert np.array_equal(skeleton.joints, joints)
    assert skeleton.present.all()
    assert (skeleton.layout, skeleton.root, skeleton.problems) == ("ntu-25", "camera", ())
    assert skeleton.times_s[-1] == pytest.approx(11 / 12)


def test_what_the_file_does_not_say_is_assumed_aloud(tmp_path: Path) -> None:
    skeleton = read_skeleton(_npz(tmp_path, joints=_joints(joints=20)[:, 0]))
    assert skeleton.joints.shape == (12, 1, 20, 3)
    assert skeleton.layout == "kinect-20"
    assert any("30 frames per second assumed" in p for p in skeleton.problems)
    assert any("kinect-20 assumed" in p for p in skeleton.problems)


def test_saved_skeleton_comes_back_the_same(tmp_path: Path) -> None:
    path = _npz(tmp_path, joints=_joints(people=2), fps=12, layout="ntu-25", root="hips")
    first = read_skeleton(path)
    save_skeleton(tmp_path / "again.npz", first)
    again = read_skeleton(tmp_path / "again.npz")
    for name in ("joints", "present", "times_s", "frame_index"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert (again.layout, again.root, again.problems) == ("ntu-25", "hips", first.problems)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.npz", "skeleton.npz"]


def test_a_span_keeps_the_clock_and_the_frame_numbers(tmp_path: Path) -> None:
    path = _npz(tmp_path, joints=_joints(), fps=10, layout="ntu-25")
    part = read_skeleton(path, start_s=0.3, end_s=0.6)
    assert part.frame_index.tolist() == [3, 4, 5]
    assert np.allclose(part.times_s, (0.3, 0.4, 0.5))


@pytest.mark.parametrize("span", [(5.0, 6.0), (0.5, 0.2)])
def test_an_impossible_span_is_refused(tmp_path: Path, span: tuple[float, float]) -> None:
    path = _npz(tmp_path, joints=_joints(), fps=10, layout="ntu-25")
    with pytest.raises(ClipReadError, match=r"span|start"):
        read_skeleton(path, start_s=span[0], end_s=span[1])


def test_a_missing_joint_is_interpolated_in_time_and_named(tmp_path: Path) -> None:
    whole = _joints()
    holed = whole.copy()
    holed[4:6, 0, 7] = np.nan
    skeleton = read_skeleton(_npz(tmp_path, joints=holed, fps=12, layout="ntu-25"))
    assert np.allclose(skeleton.joints, whole, atol=1e-5)
    assert skeleton.present.all()
    assert skeleton.problems == ("2 missing joint positions were interpolated in time.",)


def test_a_short_absence_is_bridged_but_marked(tmp_path: Path) -> None:
    whole = _joints()
    holed = whole.copy()
    holed[4:6] = np.nan
    skeleton = read_skeleton(_npz(tmp_path, joints=holed, fps=12, layout="ntu-25"))
    assert np.allclose(skeleton.joints, whole, atol=1e-5)
    assert np.flatnonzero(~skeleton.present[:, 0]).tolist() == [4, 5]
    assert usable(skeleton).all()
    assert any("interpolated" in p for p in skeleton.problems)


def test_a_long_absence_stays_absent_and_zero(tmp_path: Path) -> None:
    joints = _joints(frames=40)
    joints[5:30] = 0
    skeleton = read_skeleton(_npz(tmp_path, joints=joints, fps=12, layout="ntu-25"))
    assert not skeleton.present[5:30].any()
    assert not skeleton.joints[5:30].any()
    assert not usable(skeleton)[5:30].any()
    assert any("25 of 40 frames show nobody" in p for p in skeleton.problems)


def test_a_joint_never_seen_is_put_at_its_neighbour(tmp_path: Path) -> None:
    joints = _joints()
    joints[:, :, 22] = np.nan  # left thumb, whose bone ends at the left wrist
    skeleton = read_skeleton(_npz(tmp_path, joints=joints, fps=12, layout="ntu-25"))
    assert np.allclose(skeleton.joints[:, :, 22], joints[:, :, 6])
    assert any("thumb_left" in p for p in skeleton.problems)


def test_three_frames_by_hand() -> None:
    joints = np.array([0.0, np.nan, 4.0]).reshape(3, 1, 1, 1).repeat(3, -1)
    filled = fill_gaps(joints, np.array([0.0, 0.1, 0.4]))
    assert np.allclose(filled.joints[:, 0, 0, 0], (0, 1, 4))
    assert filled.interpolated[:, 0].tolist() == [False, True, False]


@pytest.mark.parametrize("value", [np.nan, 0.0, np.inf])
def test_all_missing_is_refused(tmp_path: Path, value: float) -> None:
    path = _npz(tmp_path, joints=np.full((9, 1, 25, 3), value), fps=30, layout="ntu-25")
    with pytest.raises(ClipReadError, match="no usable frame"):
        read_skeleton(path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"times_s": np.arange(12) * 1e300}, "save them in seconds"),
        ({"times_s": np.arange(12) * 1e7}, "save them in seconds"),
        ({"joints": np.full((12, 25, 3), 1500.0)}, r"within 1000 m .* frame 0 has one"),
    ],
)
def test_impossible_times_and_places_are_refused(
    tmp_path: Path, changed: dict[str, object], words: str
) -> None:
    values = {"joints": _joints(), "layout": "ntu-25"} | changed
    with pytest.raises(ClipReadError, match=rf"skeleton\.npz.*{words}"):
        read_skeleton(_npz(tmp_path, **values))


@pytest.mark.parametrize("depth", [3, 100_000])
def test_nested_roles_are_refused(tmp_path: Path, depth: int) -> None:
    path = _npz(
        tmp_path,
        joints=_joints(joints=3),
        fps=12,
        joint_names=["pelvis", "hip_left", "hip_right"],
        roles='{"root": ' + "[" * depth + "]" * depth + "}",
    )
    with pytest.raises(ClipReadError, match=r"nested too deep|flat list"):
        read_skeleton(path)


def test_what_may_not_be_read_or_is_no_file_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(ClipReadError, match="not a regular file"):
        read_skeleton(tmp_path / "pipe.npz")
    path = _npz(tmp_path, joints=_joints(), fps=12, layout="ntu-25")

    def denied(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ClipReadError, match=r"cannot be opened \(Permission denied"):
        read_skeleton(path)


def test_a_layout_of_the_files_own(tmp_path: Path) -> None:
    path = _npz(
        tmp_path,
        joints=_joints(joints=3),
        fps=12,
        layout="stick",
        joint_names=["pelvis", "hip_left", "hip_right"],
        bones=[["pelvis", "hip_left"], ["pelvis", "hip_right"]],
        roles=json.dumps({"hip_left": ["hip_left"], "hip_right": [2]}),
    )
    save_skeleton(tmp_path / "again.npz", read_skeleton(path))
    layout = layout_of(read_skeleton(tmp_path / "again.npz"))
    assert layout.name == "stick"
    assert layout.bones == ((0, 1), (0, 2))
    assert layout.roles == {"hip_left": (1,), "hip_right": (2,)}
    assert (layout.left, layout.right) == ((1,), (2,))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"positions": np.zeros(3)}, "an array called joints"),
        ({"joints": np.zeros((4, 25, 2))}, "must be numbers"),
        ({"joints": np.zeros((4, 3, 25, 3))}, "one or two people"),
        ({"joints": np.zeros((0, 1, 25, 3))}, "must hold frames"),
        ({"joints": _joints(joints=17)}, "names no layout and has 17 joints"),
        ({"joints": _joints(), "layout": "coco-17"}, "unknown skeleton layout 'coco-17'"),
        ({"joints": _joints(), "layout": "kinect-20"}, "kinect-20 has 20 joints"),
        ({"joints": _joints(), "times_s": np.zeros(12)}, "strictly increasing"),
        ({"joints": _joints(), "fps": 0}, "positive number"),
        ({"joints": _joints(), "root": "moon"}, "root must be"),
        ({"joints": _joints(), "present": np.ones(12, bool)}, "present must be bool"),
        ({"joints": _joints(), "frame_index": np.zeros(2, int)}, "frame_index must be"),
        ({"joints": _joints(joints=2), "joint_names": ["a", "a"]}, "names a joint twice"),
        ({"joints": _joints(joints=2), "joint_names": ["a", "b"], "roles": "{"}, "hold together"),
        ({"joints": _joints(joints=2), "joint_names": ["a", "b"], "roles": "[1]"}, "hold together"),
        (
            {"joints": _joints(joints=2), "joint_names": ["a", "b"], "roles": '{"hips": [0, 2]}'},
            "none has number 2",
        ),
    ],
)
def test_wrong_content_is_refused_in_a_sentence(tmp_path: Path, arrays: dict, words: str) -> None:
    with pytest.raises(ClipReadError, match=words):
        read_skeleton(_npz(tmp_path, **arrays))


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "exploded",))

    np.savez(tmp_path / "bad.npz", joints=np.array([Bomb()], dtype=object))
    with pytest.raises(ClipReadError, match="never loaded"):
        read_skeleton(tmp_path / "bad.npz")
    assert not (tmp_path / "exploded").exists()


def test_a_size_that_is_only_claimed_is_not_believed(tmp_path: Path) -> None:
    head = io.BytesIO()
    facts = {"descr": "<f4", "fortran_order": False, "shape": (10**9, 1, 25, 3)}
    np.lib.format.write_array_header_1_0(head, facts)
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("joints.npy", head.getvalue() + bytes(300))
    with pytest.raises(ClipReadError, match="claims shape"):
        read_skeleton(tmp_path / "huge.npz")


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_cut_npz_is_refused(tmp_path: Path, kept: float) -> None:
    whole = _npz(tmp_path, joints=_joints(), layout="ntu-25").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ClipReadError, match="damaged or something else"):
        read_skeleton(tmp_path / "cut.npz")


def test_kinect_skeleton_becomes_ntu_with_what_is_derived_named(tmp_path: Path) -> None:
    kinect = read_skeleton(_npz(tmp_path, joints=_joints(joints=20), fps=30, layout="kinect-20"))
    ntu = convert(kinect, "ntu-25")
    assert np.array_equal(ntu.joints[:, :, 20], kinect.joints[:, :, 2])  # shoulder centre
    assert np.array_equal(ntu.joints[:, :, 19], kinect.joints[:, :, 19])  # right foot
    neck = 0.67 * kinect.joints[:, :, 2] + 0.33 * kinect.joints[:, :, 3]
    assert np.allclose(ntu.joints[:, :, 2], neck, atol=1e-6)
    assert any("Derived" in p and "thumb_left" in p for p in ntu.problems)


def test_hdm05_skeleton_becomes_ntu_joint_by_joint(tmp_path: Path) -> None:
    hdm = read_skeleton(_npz(tmp_path, joints=_joints(joints=31), fps=120, layout="hdm05-31"))
    ntu = convert(hdm, "NTU-25")
    at = layout_of(hdm).number
    assert np.array_equal(ntu.joints[:, :, 13], hdm.joints[:, :, at("lfemur")])
    assert ntu.problems == hdm.problems


def test_a_layout_without_counterparts_is_refused_with_the_reason(tmp_path: Path) -> None:
    ntu = read_skeleton(_npz(tmp_path, joints=_joints(), fps=30, layout="ntu-25"))
    with pytest.raises(ActvizError, match=r"cannot become hdm05-31: it has no lfoot, rfoot"):
        convert(ntu, "hdm05-31")


def test_converting_to_the_same_layout_changes_nothing(tmp_path: Path) -> None:
    ntu = read_skeleton(_npz(tmp_path, joints=_joints(), fps=30, layout="ntu-25"))
    assert convert(ntu, "ntu-25") is ntu
