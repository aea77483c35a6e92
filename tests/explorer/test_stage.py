"""The skeletons' stage: plain numbers for the browser, whatever is missing of a clip."""

import json

import numpy as np
import pytest

from actviz.clip.layouts import Layout, get_layout
from actviz.views.shading import by_attribution
from actviz.views.standing import stand_up
from explorer.stage import Unseen, scene_data, tips

LAYOUT = get_layout("ntu-25")
TIMES = np.array([0.0, 0.1, 0.2])


@pytest.fixture
def walk():
    """Three frames of two people; the second leaves after the first frame, a joint goes missing."""
    joints = np.random.default_rng(0).normal(size=(3, 2, 25, 3)).astype(np.float32)
    joints[2, 0, 3] = np.nan
    return joints, np.array([[True, True], [True, False], [True, False]])


def scene(joints, present, **more):
    shading = by_attribution(np.full(joints.shape[:3], 0.25), "wave")
    standing = stand_up(joints, present, TIMES, hips=(12, 16))
    look = {"flip": True, "dark": False} | more
    return scene_data(standing, TIMES, LAYOUT, shading, **look)


def test_the_browser_gets_plain_numbers_of_those_who_are_there(walk):
    data = scene(*walk)
    json.dumps(data, allow_nan=False)
    there = [[pose is not None for pose in people] for people in data["poses"]]
    assert there == [[True, True], [True, False], [False, False]]
    assert data["flip"] == -1 and data["people"] == 2
    assert len(data["bones"]) == len(LAYOUT.bones)
    assert [[letter, side] for _, letter, side in data["marks"]] == [["L", "left"], ["R", "right"]]


def test_two_people_are_told_apart_and_left_stays_left(walk):
    one, other = scene(*walk)["looks"]
    assert len({*one.values(), *other.values()}) == 6


def test_what_is_kept_from_the_model_is_told_to_the_browser(walk):
    frames, bridged = np.array([False, True, True]), np.array([[False, True]] * 3)
    data = scene(*walk, unseen=Unseen((4, 5), frames, bridged))
    assert (data["hidden"], data["masked"]) == ([4, 5], [0, 1, 1])
    assert data["bridged"] == [[0, 1]] * 3


def test_a_clip_in_which_nobody_is_there_can_still_be_staged(walk):
    data = scene(np.full_like(walk[0], np.nan), walk[1])
    json.dumps(data, allow_nan=False)
    assert not any(pose for people in data["poses"] for pose in people)


def test_trails_are_of_hands_feet_and_head_or_of_where_bones_end():
    named = [LAYOUT.joint_names[joint] for joint in tips(LAYOUT)]
    assert named == ["head", "hand_left", "hand_right", "foot_left", "foot_right"]
    own = Layout("own", ("a", "b", "c", "d"), ((0, 1), (1, 2), (1, 3)), (), (), {})
    assert tips(own) == [0, 2, 3]
