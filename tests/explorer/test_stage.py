"""The skeleton's stage: people kept in its middle, feet on its floor."""

import json

import numpy as np
import pytest

from actviz.clip.layouts import get_layout
from explorer.pictures import on_the_floor
from explorer.stage import scene_data

LAYOUT = get_layout("ntu-25")


@pytest.fixture
def walk():
    """Two frames of two people, three metres apart from one frame to the next; one absent."""
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(2, 2, 25, 3)).astype(np.float32)
    joints[1] += np.float32(3.0)
    return joints, np.array([[True, True], [True, False]])


def test_feet_stand_on_the_floor_and_hips_over_its_middle(walk):
    moved = on_the_floor(*walk, LAYOUT)
    hips = [j for role in ("hip_left", "hip_right") for j in LAYOUT.roles[role]]
    for pose, there in zip(moved, walk[1], strict=True):
        assert pose[there][..., 1].min() == pytest.approx(0, abs=1e-5)
        assert pose[there][:, hips].mean(axis=(0, 1))[[0, 2]] == pytest.approx(0, abs=1e-5)


def test_what_moves_within_a_frame_stays_and_the_input_is_untouched(walk):
    joints, present = walk
    before = joints.copy()
    moved = on_the_floor(joints, present, LAYOUT)
    assert np.array_equal(joints, before)
    apart = joints[0, 0] - joints[0, 1]
    assert moved[0, 0] - moved[0, 1] == pytest.approx(apart, abs=1e-5)


def test_the_browser_gets_plain_numbers_of_those_who_are_there(walk):
    data = scene_data(
        walk[0][1], walk[1][1], LAYOUT, weight=0.4, extent=np.zeros((3, 2)), words="one person",
        flip=True, dark=False,
    )  # fmt: skip
    json.dumps(data, allow_nan=False)
    assert len(data["poses"]) == 1 and len(data["poses"][0]) == 25
    assert data["flip"] == -1 and {letter for _, letter, _ in data["marks"]} == {"L", "R"}
    assert sum(map(len, data["sides"].values())) == len(LAYOUT.bones)
