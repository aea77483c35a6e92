"""Forward kinematics of .amc with .asf: by hand, on real motions, and on broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from acclaim import amc_text, asf_text, write_motion
from scipy.spatial.transform import Rotation

from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton import convert, read_skeleton, usable
from actviz.clip.skeleton_asf import find_asf, read_asf, turns
from actviz.errors import ActvizError, ClipReadError

LAYOUT = LAYOUTS["hdm05-31"]
UNIT = 0.0254 / 0.45  # metres
LEG = [LAYOUT.number(n) for n in ("root", "lhipjoint", "lfemur", "ltibia", "lfoot")]


def leg(path: Path) -> np.ndarray:
    """Left leg from the root to the foot's end (T, 5, 3), in units of one bone."""
    return read_skeleton(path).joints[:, 0, LEG] / UNIT


def test_the_rest_pose_adds_up_the_bones(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{"root": "1 2 3 0 0 0"}])
    assert np.allclose(leg(path)[0], [(1, 2, 3), (2, 2, 3), (2, 1, 3), (2, 0, 3), (3, 0, 3)])


def test_frames_are_a_120th_of_a_second_apart(tmp_path: Path) -> None:
    skeleton = read_skeleton(write_motion(tmp_path, [{}, {}, {}]))
    assert np.allclose(skeleton.times_s, [0, 1 / 120, 2 / 120])
    assert skeleton.frame_index.tolist() == [0, 1, 2]
    assert (skeleton.layout, skeleton.root, skeleton.joints.shape) == (
        "hdm05-31",
        "camera",
        (3, 1, 31, 3),
    )


def test_a_turn_of_the_root_turns_the_whole_body(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{"root": "0 0 0 0 0 90"}])  # x -> y, −y -> x
    assert np.allclose(
        leg(path)[0], [(0, 0, 0), (0, 1, 0), (1, 1, 0), (2, 1, 0), (2, 2, 0)], atol=1e-6
    )


def test_a_knee_moves_only_what_hangs_on_it(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{"ltibia": "90"}])  # about x: −y -> −z
    assert np.allclose(
        leg(path)[0], [(0, 0, 0), (1, 0, 0), (1, -1, 0), (1, -1, -1), (2, -1, -1)], atol=1e-6
    )


def test_angles_turn_about_x_first_and_about_z_last(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{"lfemur": "90 90 0"}])  # −y -> (x) −z -> (y) −x
    assert np.allclose(leg(path)[0, 2], (0, 0, 0), atol=1e-6)  # the hip's (1, 0, 0) − x


def test_a_bone_turns_about_its_own_axes(tmp_path: Path) -> None:
    own = asf_text(axis={"ltibia": "0 0 90 XYZ"})  # its x is the world's y
    path = write_motion(tmp_path, [{"ltibia": "90"}], asf=own)
    at = leg(path)[0]
    assert np.allclose(at[3] - at[2], (0, -1, 0), atol=1e-6)  # along its own axis: stays
    assert np.allclose(at[4] - at[3], (0, 0, -1), atol=1e-6)  # x -> −z about y


def test_a_bone_may_name_few_angles_in_any_order(tmp_path: Path) -> None:
    moves = {"lfemur": "rz rx"}
    (tmp_path / "a.asf").write_text(asf_text(moves=moves))
    (tmp_path / "a.amc").write_text(amc_text([{"lfemur": "90 90"}], moves=moves))
    at = leg(tmp_path / "a.amc")[0]
    assert np.allclose(at[2] - at[1], (0, 0, -1), atol=1e-6)  # x first: −y -> −z, which z leaves


@pytest.mark.parametrize(("unit", "metres"), [("0.45", 0.0564444), ("1.0", 0.0254), ("2.54", 0.01)])
def test_lengths_are_inches_over_the_unit(tmp_path: Path, unit: str, metres: float) -> None:
    joints = read_skeleton(write_motion(tmp_path, [{}], asf=asf_text(unit=unit))).joints[0, 0]
    assert np.linalg.norm(joints[1] - joints[0]) == pytest.approx(metres, rel=1e-5)


def test_radians_are_read_where_the_files_say_so(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{"ltibia": f"{np.pi / 2:.9f}"}])
    path.write_text(path.read_text("latin-1").replace(":DEGREES", ":RADIANS"), "latin-1")
    at = leg(path)[0]
    assert np.allclose(at[3] - at[2], (0, 0, -1), atol=1e-6)


def test_turns_are_rotations_and_compose_in_order() -> None:
    angles = np.random.default_rng(3).uniform(-4, 4, (3, 50))
    matrix = turns(list(angles), "xyz")
    assert np.allclose(matrix @ matrix.swapaxes(1, 2), np.eye(3))
    assert np.allclose(np.linalg.det(matrix), 1)
    one = [turns([a], axis) for a, axis in zip(angles, "xyz", strict=True)]
    assert np.allclose(matrix, one[2] @ one[1] @ one[0])


@pytest.mark.real
def test_real_motions_keep_every_bone_as_long_as_the_asf_says(real_data: Path) -> None:
    for path in sorted((real_data / "skeletons" / "hdm05").glob("*.amc")):
        joints = read_skeleton(path).joints[:, 0]
        rig = read_asf(find_asf(path))
        for name, parent in rig.parents.items():
            bone = joints[:, LAYOUT.number(name)] - joints[:, LAYOUT.number(parent)]
            assert np.allclose(np.linalg.norm(bone, axis=-1), rig.bones[name].length, atol=1e-5)


def by_scipy(path: Path, frame: int) -> dict[str, np.ndarray]:
    """Positions of one frame, bone after bone, with SciPy's rotations instead of ours."""
    rig = read_asf(find_asf(path))
    lines = path.read_text("latin-1").split("\n")
    begin = lines.index(str(frame + 1))
    rows = [line.split() for line in lines[begin + 1 : begin + 30] if line.strip()]
    values = {words[0]: [float(word) for word in words[1:]] for words in rows}
    root = values["root"]
    turned = {"root": Rotation.from_euler("xyz", root[3:], degrees=True)}
    at = {"root": np.array(root[:3]) * UNIT}
    for name, parent in rig.parents.items():
        bone = rig.bones[name]
        given = dict(zip(bone.dof, values.get(name, ()), strict=True))
        own = Rotation.from_euler("xyz", [given.get(f"r{k}", 0.0) for k in "xyz"], degrees=True)
        axes = Rotation.from_matrix(bone.axes)
        turned[name] = turned[parent] * axes * own * axes.inv()
        at[name] = at[parent] + turned[name].apply(bone.direction * bone.length)
    return at


@pytest.mark.real
def test_scipys_rotations_lead_to_the_same_places(real_data: Path) -> None:
    for path in sorted((real_data / "skeletons" / "hdm05").glob("*.amc")):
        joints = read_skeleton(path).joints[:, 0]
        for frame in (0, len(joints) // 2, len(joints) - 2):
            other = by_scipy(path, frame)
            assert np.allclose(joints[frame], [other[n] for n in LAYOUT.joint_names], atol=1e-5)


@pytest.mark.real
def test_real_people_stand_on_the_floor_with_their_head_up(real_data: Path) -> None:
    for path in sorted((real_data / "skeletons" / "hdm05").glob("*.amc")):
        joints = read_skeleton(path).joints[:, 0]
        feet = joints[:, [LAYOUT.number("ltoes"), LAYOUT.number("rtoes")], 1]
        assert 0 < feet.min() < 0.05  # metres over the floor
        assert joints[..., 1].min() > -0.01
        assert (joints[:, LAYOUT.number("head"), 1] > joints[:, 0, 1] + 0.2).all()
        assert 1.5 < joints[..., 1].max() < 2.2


@pytest.mark.real
def test_a_standing_foot_does_not_slide(real_data: Path) -> None:
    path = real_data / "skeletons" / "hdm05" / "HDM_bd_grabHighR_001_120.amc"
    joints = read_skeleton(path).joints[:, 0]
    toes = joints[:, [LAYOUT.number("ltoes"), LAYOUT.number("rtoes")]]
    speed = np.linalg.norm(np.diff(toes, axis=0), axis=-1).min(1) * 120  # the slower foot, m/s
    assert np.median(speed) < 0.05


@pytest.mark.real
def test_hands_do_what_the_motion_is_called_after(real_data: Path) -> None:
    folder = real_data / "skeletons" / "hdm05"
    high = read_skeleton(folder / "HDM_bd_grabHighR_001_120.amc").joints[:, 0]
    low = read_skeleton(folder / "HDM_bd_depositFloorR_001_120.amc").joints[:, 0]
    right, left = LAYOUT.number("rhand"), LAYOUT.number("lhand")
    assert high[:, right, 1].max() > 1.6 > high[:, left, 1].max()
    assert low[:, right, 1].min() < 0.45


@pytest.mark.real
def test_a_real_motion_becomes_an_ntu_skeleton(real_data: Path) -> None:
    path = next((real_data / "skeletons" / "hdm05").glob("*hopBoth*.amc"))
    ntu = convert(read_skeleton(path), "ntu-25")
    assert ntu.joints.shape[2] == 25
    assert usable(ntu).all()


def test_the_bones_are_found_above_or_as_the_only_ones(tmp_path: Path) -> None:
    inner = tmp_path / "walk2StepsLstart"
    inner.mkdir()
    path = write_motion(inner, [{}])
    (inner / "HDM_xy.asf").rename(tmp_path / "HDM_xy.asf")
    (tmp_path / "HDM_zz.asf").write_text("another actor")
    assert find_asf(path) == tmp_path / "HDM_xy.asf"
    (tmp_path / "HDM_xy.asf").rename(inner / "anything.ASF")
    assert find_asf(path) == inner / "anything.ASF"


def test_missing_bones_are_asked_for_by_name(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{}])
    (tmp_path / "HDM_xy.asf").unlink()
    with pytest.raises(ClipReadError, match=r"HDM_xy\.asf or the only one.*found no \.asf"):
        read_skeleton(path)
    for name in ("HDM_aa.asf", "HDM_bb.asf"):
        (tmp_path / name).write_text(asf_text())
    with pytest.raises(ClipReadError, match=r"found HDM_aa\.asf, HDM_bb\.asf"):
        read_skeleton(path)


@pytest.mark.parametrize("word", ["nan", "-1.#IND", "1.#QNAN", "inf"])
def test_angles_that_are_missing_are_interpolated_and_named(tmp_path: Path, word: str) -> None:
    path = write_motion(tmp_path, [{"ltibia": "10"}, {"ltibia": word}, {"ltibia": "10"}])
    skeleton = read_skeleton(path)
    assert np.allclose(skeleton.joints[1], skeleton.joints[0], atol=1e-6)
    assert "3 missing joint positions were interpolated" in skeleton.problems[0]


def test_a_motion_cut_in_its_last_frame_keeps_the_whole_ones(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{}] * 4)
    path.write_text(path.read_text("latin-1")[:-14], "latin-1")
    skeleton = read_skeleton(path)
    assert len(skeleton) == 3
    assert "ends inside its frame 4; the 3 whole ones" in skeleton.problems[0]


def test_a_motion_cut_anywhere_is_read_in_part_or_refused(tmp_path: Path) -> None:
    path = write_motion(tmp_path, [{}] * 6)
    text = path.read_text("latin-1")
    for at in np.random.default_rng(0).integers(0, len(text), 40):
        path.write_text(text[:at], "latin-1")
        try:
            assert len(read_skeleton(path)) <= 6
        except ClipReadError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ltibia 0\n", "ltibia\n", "0 values for ltibia instead of 1"),
        ("ltibia 0\n", "ltibia x\n", "could not convert"),
        ("ltibia 0\n", "", "no line for ltibia"),
        ("ltibia 0\n", "tail 0\n", "'tail', which its .asf does not let move"),
        ("ltibia 0\n", "ltibia 0\nltibia 0\n", "ltibia twice"),
        ("\n2\n", "\n1\n", "do not count up"),
        ("\n1\n", "\n", "no line holds a frame|do not count|no line for|its .asf does not"),
        ("#!", "\0", "binary data"),
    ],
)
def test_garbled_motions_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write_motion(tmp_path, [{}] * 2)
    path.write_text(path.read_text("latin-1").replace(old, new, 1), "latin-1")
    if old == "\n1\n":
        path.write_text(path.read_text("latin-1").replace("\n2\n", "\n"), "latin-1")
    with pytest.raises(ClipReadError, match=words):
        read_skeleton(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("length 0.45", "length 0", "length unit of 0"),
        ("name lfemur", "name thigh", "no bone lfemur"),
        ("direction 0 -2 0", "direction 0 0 0", "no usable direction"),
        ("direction 0 -2 0", "direction a b c", "could not convert"),
        ("dof rx\r", "dof tx\r", "expected rx ry rz"),
        ("axis 0 0 0 XYZ", "axis 0 0 0 XXZ", "expected three angles and XYZ"),
        ("lhipjoint lfemur", "lhipjoint", "no place for bone"),
        ("lfemur ltibia", "lfemur ltibia ltibia", "ltibia twice"),
        (":bonedata", ":nodata", "no bone lhipjoint"),
    ],
)
def test_damaged_bones_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write_motion(tmp_path, [{}], asf=asf_text().replace(old, new, 1))
    with pytest.raises(ClipReadError, match=words) as caught:
        read_skeleton(path)
    assert "HDM_xy.asf" in str(caught.value)
    assert isinstance(caught.value, ActvizError)
