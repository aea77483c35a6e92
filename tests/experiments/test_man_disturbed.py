"""Disturbed clips by hand, what is asked of them, and what is made of the answers."""

from __future__ import annotations

import numpy as np
import pytest

from actviz.clip.layouts import get_layout
from actviz.experiments.man.asked import Asked, ask_anew
from actviz.experiments.man.disturb import DISTURBANCES
from actviz.experiments.man.puppet_runs import ROWS
from actviz.experiments.man.puppets import on_all_roots
from actviz.experiments.trainings import Wanted, answers_of

KINDS = {kind.name: kind for kind in DISTURBANCES}
LAYOUT = get_layout("kinect-20")


def clip(count: int = 20):
    """One person of 20 joints; every joint moves by a metre each frame in x."""
    joints = np.zeros((count, 2, 20, 3), np.float32)
    joints[:, 0] = np.random.default_rng(0).normal(0, 0.3, (20, 3))
    joints[:, 0, :, 0] += np.arange(count)[:, None]
    present = np.zeros((count, 2), bool)
    present[:, 0] = True
    return joints, present


def disturbed(name: str, level: float, count: int = 20, seed: int = 0):
    return KINDS[name].at(level)(clip(count), np.random.default_rng(seed), LAYOUT)


def x_of(joints) -> np.ndarray:
    """Time (T,) that each frame shows, by how far the person has come."""
    return joints[:, 0, 5, 0] - clip()[0][0, 0, 5, 0]


@pytest.mark.parametrize("kind", DISTURBANCES, ids=lambda kind: kind.name)
def test_the_neutral_level_changes_nothing_and_others_leave_whole_clips(kind) -> None:
    joints, present = clip()
    calm = kind.at(kind.neutral)((joints, present), np.random.default_rng(1), LAYOUT)
    np.testing.assert_allclose(calm[0], joints, atol=1e-5)
    np.testing.assert_array_equal(calm[1], present)
    assert kind.neutral in kind.levels and list(kind.levels) == sorted(kind.levels)
    for level in kind.levels:
        found, there = disturbed(kind.name, level)
        assert found.shape[1:] == (2, 20, 3) and len(found) == len(there) and there.any()
        assert found.dtype == np.float32 and np.isfinite(found).all() and not found[:, 1].any()


def test_another_pace_shows_the_same_path_in_more_or_fewer_frames() -> None:
    for level, count in ((0.5, 10), (2.0, 40)):
        joints, _ = disturbed("other pace", level)
        np.testing.assert_allclose(x_of(joints), np.linspace(0, 19, count), atol=1e-4)


def test_a_warp_keeps_both_ends_and_the_order_and_changes_the_pace_as_much_as_it_says() -> None:
    for seed in range(5):
        time = x_of(disturbed("time warped", 0.6, count=400, seed=seed)[0])
        assert time[0] == pytest.approx(0, abs=1e-4) and time[-1] == pytest.approx(399, abs=1e-2)
        pace = np.diff(time)
        assert pace.min() == pytest.approx(0.4, abs=0.02)
        assert pace.max() == pytest.approx(1.6, abs=0.02)


def test_dropped_frames_are_gone_and_shorter_clips_are_one_stretch() -> None:
    lost = x_of(disturbed("frames dropped", 0.75)[0])
    assert len(lost) == 5 and (np.diff(lost) > 0.5).all() and np.diff(lost).max() > 1.5
    short = x_of(disturbed("shorter clip", 0.75)[0])
    np.testing.assert_allclose(np.diff(short), np.ones(4), atol=1e-4)


def test_nobody_is_seen_for_one_stretch_that_never_takes_the_first_frame() -> None:
    for seed in range(20):
        present = disturbed("nobody seen", 0.4, seed=seed)[1][:, 0]
        gone = np.flatnonzero(~present)
        assert len(gone) == 8 and gone[-1] - gone[0] == 7 and present[0]
    assert disturbed("nobody seen", 0.6, count=2)[1][:, 0].tolist() == [True, True]


def test_occluded_joints_stand_where_a_neighbour_is() -> None:
    joints, present = clip()
    found, there = disturbed("joints occluded", 0.2)
    moved = np.flatnonzero(np.abs(found - joints).max((0, 1, 3)) > 1e-6)
    assert len(moved) == 4 and (there == present).all()
    others = np.setdiff1d(np.arange(20), moved)
    for joint in moved:  # at one joint that is seen, or between several
        assert np.abs(found[:, 0, others] - found[:, 0, [joint]]).max((0, 2)).min() < 0.6


def test_noise_has_the_deviation_that_it_says() -> None:
    off = disturbed("noise", 4.0, count=500)[0][:, 0] - clip(500)[0][:, 0]
    assert off.std() == pytest.approx(0.04, rel=0.02)


@pytest.fixture
def wanted(monkeypatch, tmp_path) -> Wanted:
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path))
    own = {"train_clips": 12, "val_clips": 1, "test_clips": 13, "epochs": 1, "choose": "last"}
    own |= {"frames": 16, "hidden": 3, "device": "cpu", "threads": 1}
    return Wanted(ROWS["TARM alone"], own)


def test_kept_weights_answer_undisturbed_clips_as_they_did_and_others_alike(wanted) -> None:
    kept = answers_of(wanted)
    pace = KINDS["other pace"]
    changes = {"calm": pace.at(1.0), "slow": pace.at(2.0), "noise": KINDS["noise"].at(8.0)}
    found = ask_anew(wanted, changes)
    np.testing.assert_array_equal(found["calm"].answers, kept.logits.argmax(1))
    np.testing.assert_array_equal(found["calm"].labels, kept.labels)
    assert len(kept.labels) == 13
    again = ask_anew(wanted, {"noise": KINDS["noise"].at(8.0)})  # alone, the same clips
    np.testing.assert_array_equal(again["noise"].answers, found["noise"].answers)


def test_of_clips_played_backwards_the_partner_is_right() -> None:
    classes = ("wave", "sit down", "stand up", "pick up", "put down")
    labels = np.array([0, 1, 2, 3, 4])

    def asked(*answers: int) -> Asked:
        return Asked(labels, np.array(answers), classes)

    back = asked(1, 2, 2, 4, 4)  # two partners, and two that are taken for themselves
    found = {"as they come": asked(0, 1, 1, 3, 3), "hips": asked(0, 1, 2, 3, 4)}
    figures = on_all_roots([found | {"played backwards, partner": back}])
    assert {name: figure.values for name, figure in figures.items()} == {
        **{"as they come": (0.6,), "hips": (1.0,)},
        **{"reversed pairs": (0.5,), "played backwards, partner": (0.5,)},
    }
