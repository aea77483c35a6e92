"""People on a stage: in its middle, on its floor, whoever comes, leaves or turns upside down."""

from __future__ import annotations

import numpy as np
import pytest
from views_fakes import STANDING

from actviz.views.standing import stand_up

HIPS = (0,)


def clip(*places: float, people: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A standing figure at these x (metres), each next person 0.8 m beside; 0.1 s apart."""
    joints = np.repeat(STANDING[None, None], len(places), axis=0).repeat(people, axis=1)
    joints = joints + np.array(places)[:, None, None, None] * np.array([1.0, 0, 0])
    joints[..., 0] += 0.8 * np.arange(people)[:, None]
    return joints, np.ones((len(places), people), bool), 0.1 * np.arange(len(places))


def test_a_moving_camera_moves_nobody_and_what_moves_within_a_body_stays():
    joints, present, times = clip(0.0, 0.3, 5.0)
    joints[1, 0, 6] += 0.2
    stood = stand_up(joints, present, times, hips=HIPS)
    assert stood.joints[:, 0, 0][:, [0, 2]] == pytest.approx(0, abs=1e-6)
    assert stood.joints[1, 0, 6] - stood.joints[0, 0, 6] == pytest.approx(0.2, abs=1e-5)
    assert stood.fresh[:, 0].tolist() == [True, False, True]  # five metres in a tenth: a cut


def test_who_stays_does_not_jump_when_the_other_leaves():
    joints, present, times = clip(0, 0, 0, 0, people=2)
    present[2:, 1] = False
    stood = stand_up(joints, present, times, hips=HIPS)
    assert np.ptp(stood.joints[:, 0], axis=0) == pytest.approx(0, abs=1e-6)
    assert stood.joints[0, :, 0, 0] == pytest.approx([-0.4, 0.4])


def test_two_who_share_one_origin_stand_side_by_side():
    joints, present, times = clip(0, 0, people=2)
    joints[:, 1] = joints[:, 0]
    assert not stand_up(joints, present, times, hips=HIPS).apart
    stood = stand_up(joints, present, times, hips=HIPS, root="hips")
    assert stood.apart
    assert stood.joints[:, 1, 0, 0] - stood.joints[:, 0, 0, 0] == pytest.approx(1.0)


def test_upside_down_stands_on_the_head():
    joints, present, times = clip(0, 0)
    joints[..., 1] *= -1
    stood = stand_up(joints, present, times, hips=HIPS)
    lowest = stood.joints[0, 0, :, 1]
    assert lowest.argmin() == 2 and np.isfinite(stood.joints).all()


def test_a_joint_that_is_not_finite_makes_its_person_absent_in_that_frame_alone():
    joints, present, times = clip(0, 0, 0)
    joints[1, 0, 4] = np.nan
    stood = stand_up(joints, present, times, hips=HIPS)
    assert stood.present[:, 0].tolist() == [True, False, True]
    assert stood.fresh[:, 0].tolist() == [True, True, True]


def test_the_floor_beyond_a_cut_is_another_one():
    joints, present, times = clip(0, 0, 5, 5)
    joints[2:, ..., 1] += 1.0  # another camera, tilted
    stood = stand_up(joints, present, times, hips=HIPS)
    assert stood.joints[..., 1].min(axis=(1, 2)) == pytest.approx(stood.joints[0, 0, :, 1].min())
