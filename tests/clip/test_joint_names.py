"""Sides and roles of joints, told by their names as people write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from actviz.clip.joint_bones import bones_between, bones_of
from actviz.clip.joint_names import centred_roles, roles_of, sides_of
from actviz.clip.layouts import LAYOUTS, Layout
from actviz.clip.skeleton import layout_of, read_skeleton, save_skeleton
from actviz.errors import ClipReadError

SBU = (
    *("HEAD", "NECK", "TORSO", "LEFT_SHOULDER", "LEFT_ELBOW", "LEFT_HAND", "RIGHT_SHOULDER"),
    *("RIGHT_ELBOW", "RIGHT_HAND", "LEFT_HIP", "LEFT_KNEE", "LEFT_FOOT", "RIGHT_HIP"),
    *("RIGHT_KNEE", "RIGHT_FOOT"),
)
BVH = ("Hips", "Spine1", "Neck", *(f"{s}{b}" for s in ("Left", "Right") for b in (
    "UpLeg", "Leg", "Foot", "ToeBase", "Shoulder", "Arm", "ForeArm", "Hand")))  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_names_of_known_layouts_tell_their_own_roles_and_sides(layout: Layout) -> None:
    assert roles_of(layout.joint_names) == dict(layout.roles)
    assert sides_of(layout.joint_names) == (layout.left, layout.right)


def test_fifteen_joints_without_centre_take_the_middle_of_hips() -> None:
    roles = roles_of(SBU)
    assert (roles["hip_left"], roles["hip_right"], roles["spine_base"]) == ((9,), (12,), (9, 12))
    assert roles["torso"] == (1, 2, 3, 6, 9, 12)
    assert "ankle_left" not in roles  # a foot alone says nothing of where it points
    assert sides_of(SBU) == ((3, 4, 5, 9, 10, 11), (6, 7, 8, 12, 13, 14))


@pytest.mark.parametrize("prefix", ["", "mixamorig:"])
def test_bones_named_by_their_start_are_joints_there(prefix: str) -> None:
    names = [prefix + name for name in BVH]
    told = {role: [BVH[j] for j in at] for role, at in roles_of(names).items()}
    assert (told["hip_left"], told["ankle_left"]) == (["LeftUpLeg"], ["LeftFoot"])
    assert (told["foot_right"], told["shoulder_right"]) == (["RightToeBase"], ["RightArm"])
    assert told["spine_base"] == ["Hips"]


@pytest.mark.parametrize(
    ("left", "right"),
    [("LHip", "RHip"), ("HipLeft", "HipRight"), ("l_hip", "r_hip"), ("hip.L", "hip.R"),
     ("left hip", "right hip"), ("lhip", "rhip"), ("Bip01 L Thigh", "Bip01 R Thigh"),
     ("Bip001 L Thigh", "Bip001 R Thigh"),
     ("LEFT-HIP", "RIGHT-HIP"), ("lefthip", "righthip")],
)  # fmt: skip
def test_a_hip_is_known_however_it_is_written(left: str, right: str) -> None:
    names = ["head", right, left]
    assert roles_of(names) == {"hip_left": (2,), "hip_right": (1,)}
    assert sides_of(names) == ((2,), (1,))


@pytest.mark.parametrize("name", ["ntu-25", "hdm05-31"])
def test_names_of_known_layouts_tell_one_tree_over_all_joints(name: str) -> None:
    names = LAYOUTS[name].joint_names
    bones, own = bones_of(names), LAYOUTS[name].bones
    assert len(bones) == len(names) - 1
    assert {j for bone in bones for j in bone} == set(range(len(names)))
    same = {frozenset(bone) for bone in bones} & {frozenset(bone) for bone in own}
    assert len(same) >= len(own) - 4


def test_kinect_names_tell_the_kinects_bones() -> None:
    kinect = LAYOUTS["kinect-20"]
    told = {frozenset(bone) for bone in bones_of(kinect.joint_names)}
    assert told == {frozenset(bone) for bone in kinect.bones}


def test_fifteen_joints_have_fourteen_bones_and_nameless_ones_none() -> None:
    bones = {frozenset((SBU[a], SBU[b])) for a, b in bones_of(SBU)}
    assert len(bones) == 14
    assert {"NECK", "LEFT_SHOULDER"} in bones
    assert {"TORSO", "RIGHT_HIP"} in bones
    assert bones_of(["a", "b", "c"]) == ()
    assert bones_of(["lhip", "rhip", "lknee"]) == ((0, 2), (0, 1))


def test_nameless_joints_are_joined_by_what_keeps_its_length(tmp_path: Path) -> None:
    turn = np.linspace(0, 3, 40)
    swing = np.stack([np.cos(turn), np.sin(turn), 0 * turn], -1)  # (T, 3)
    shoulder = np.zeros_like(swing) + np.array([0, 0, 3])
    elbow = shoulder + np.array([0, 1, 0])
    joints = np.stack([shoulder, elbow + swing, elbow], 1)
    skeleton = read_skeleton(own(tmp_path, ["a", "b", "c"], joints=joints))
    assert layout_of(skeleton).bones == ((0, 2), (2, 1))
    assert bones_between(joints[:, None] * np.nan) == ()


def test_words_that_only_hold_a_side_are_no_side() -> None:
    assert sides_of(["lower back", "bright", "rib", "left ear"]) == ((), ())


def test_names_that_tell_nothing_centre_the_body_and_leave_it_unturned() -> None:
    roles = centred_roles(["a", "b", "c"], {})
    assert roles == {"hip_left": (0, 1, 2), "hip_right": (0, 1, 2)}
    given = {"hip_left": (1,), "hip_right": (2,)}
    assert centred_roles(["a", "b", "c"], given) == given


def own(folder: Path, names: list[str], **arrays: object) -> Path:
    rng = np.random.default_rng(0)
    joints = rng.normal(0, 0.3, (9, len(names), 3))
    given = {"joints": joints, "joint_names": np.array(names), "fps": 30, "up": "y", **arrays}
    np.savez(folder / "own.npz", **given)
    return folder / "own.npz"


def test_roles_of_a_file_go_before_those_of_its_names(tmp_path: Path) -> None:
    roles = json.dumps({"left_hip": "left KNEE", "torso": []})
    skeleton = read_skeleton(own(tmp_path, [*SBU[:10], "Left Knee", *SBU[11:]], roles=roles))
    read = layout_of(skeleton).roles
    assert (read["hip_left"], read["hip_right"], read["torso"]) == ((10,), (12,), ())
    save_skeleton(tmp_path / "again.npz", skeleton)
    assert layout_of(read_skeleton(tmp_path / "again.npz")) == layout_of(skeleton)


def test_roles_of_both_sides_are_parted_by_names_or_else_left_comes_first(tmp_path: Path) -> None:
    roles = json.dumps({"hips": ["rhip", "lhip"], "shoulders": [2, 3], "spine": [4, 5]})
    names = ["rhip", "lhip", "a", "b", "c", "d"]
    read = layout_of(read_skeleton(own(tmp_path, names, roles=roles))).roles
    assert (read["hip_left"], read["hip_right"]) == ((1,), (0,))
    assert (read["shoulder_left"], read["shoulder_right"]) == ((2,), (3,))
    assert (read["spine_base"], read["spine_shoulder"]) == ((4,), (5,))


def test_names_that_tell_no_hips_are_said_so(tmp_path: Path) -> None:
    skeleton = read_skeleton(own(tmp_path, ["a", "b", "c"]))
    assert "tell a left and a right hip" in skeleton.problems[0]


def test_names_of_another_number_than_joints_are_refused(tmp_path: Path) -> None:
    path = own(tmp_path, list(SBU), joint_names=np.array(SBU[:14]))
    with pytest.raises(ClipReadError, match="14 names; the file's joints have 15"):
        read_skeleton(path)
