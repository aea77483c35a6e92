"""Joint numberings: names, bones and roles fit together."""

from __future__ import annotations

import pytest

from actviz.clip.layouts import LAYOUTS, Layout, common_name, get_layout


def test_three_layouts_have_the_published_number_of_joints() -> None:
    assert {n: len(layout) for n, layout in LAYOUTS.items()} == {
        "ntu-25": 25,
        "kinect-20": 20,
        "hdm05-31": 31,
    }


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_bones_form_one_tree_over_all_joints(layout: Layout) -> None:
    reached = {0}
    for _ in layout.joint_names:
        reached |= {b for bone in layout.bones for b in bone if reached & set(bone)}
    assert len(layout.bones) == len(layout) - 1
    assert reached == set(range(len(layout)))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_left_and_right_are_mirror_images(layout: Layout) -> None:
    names = [common_name(n).replace("lwrist", "wrist").lstrip("lr") for n in layout.joint_names]
    assert len(layout.left) == len(layout.right)
    assert not set(layout.left) & set(layout.right)
    for left, right in zip(layout.left, layout.right, strict=True):
        assert names[left].replace("left", "right").endswith(names[right].lstrip("lr"))


def test_ntu_roles_are_those_the_model_normalises_with() -> None:
    from models.man import NTU_ROLES

    assert dict(LAYOUTS["ntu-25"].roles) == {k: tuple(v) for k, v in NTU_ROLES.items()}


def test_ntu_numbers_are_those_of_the_kinect() -> None:
    layout = LAYOUTS["ntu-25"]
    wanted = {"spine_base": 0, "head": 3, "hand_left": 7, "foot_right": 19, "spine_shoulder": 20}
    assert {name: layout.number(name) for name in wanted} == wanted
    assert layout.number("Thumb_Right") == 24


def test_case_of_a_layout_name_does_not_matter() -> None:
    assert get_layout("NTU-25") is LAYOUTS["ntu-25"]


def test_unknown_layout_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"unknown skeleton layout 'coco-17'.*hdm05-31"):
        get_layout("coco-17")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bones": ((0, 2),)}, "speak of joint 2"),
        ({"roles": {"hip_left": (5,)}}, "speak of joint 5"),
        ({"roles": {"tail": (0,)}}, "unknown role 'tail'"),
        ({"joint_names": ("a", "a")}, "names a joint twice"),
    ],
)
def test_a_layout_that_does_not_hold_together_is_refused(change: dict, words: str) -> None:
    fine = {"joint_names": ("a", "b"), "bones": ((0, 1),), "left": (), "right": (), "roles": {}}
    with pytest.raises(ValueError, match=words):
        Layout("own", **(fine | change))


@pytest.mark.parametrize(
    ("name", "common"),
    [("lfemur", "knee_left"), ("Left Hand", "hand_left"), ("hip-center", "spine_base")],
)
def test_the_same_place_has_one_common_name(name: str, common: str) -> None:
    assert common_name(name) == common
