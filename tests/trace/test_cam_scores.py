"""Scores of maps by hand, and what must hold of them whatever the map."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from actviz.trace.cam_scores import (
    area_above_half,
    branch_difference,
    energy_inside,
    fastest,
    mask_covered,
    motion_correlation,
    pointing_game,
    steadiness,
)

CAM = np.array([[4.0, 2.0], [1.0, -9.0]])  # positive energy 7
MASK = np.array([[False, True], [True, True]])


def test_energy_inside_is_the_share_of_positive_evidence():
    assert energy_inside(CAM, MASK) == pytest.approx(3 / 7)


def test_pointing_game_asks_for_the_highest_point():
    assert pointing_game(CAM, MASK) == 0
    assert pointing_game(CAM, ~MASK) == 1


def test_area_above_half_counts_the_places_of_at_least_half_the_maximum():
    assert area_above_half(CAM) == 0.5  # 4 and 2


def test_mask_covered_counts_the_places_of_the_mask_alone():
    assert mask_covered(CAM, MASK) == pytest.approx(1 / 3)


def test_motion_correlation_is_spearmans_with_ties():
    rng = np.random.default_rng(0)
    cam, motion = rng.integers(-2, 4, (2, 5, 6)), rng.integers(0, 5, (2, 5, 6))
    expected = [
        spearmanr(c.clip(0).ravel(), m.ravel())[0] for c, m in zip(cam, motion, strict=True)
    ]
    np.testing.assert_allclose(motion_correlation(cam, motion), expected)


def test_maps_that_follow_the_motion_correlate_fully_and_their_negatives_not():
    motion = np.array([[0.1, 0.2], [0.3, 0.4]])
    assert motion_correlation(motion**3, motion) == pytest.approx(1)
    assert motion_correlation(1 - motion, motion) == pytest.approx(-1)


def test_without_positive_evidence_there_is_no_share_and_nothing_is_hit():
    nothing = np.full((2, 2), -1.0)
    assert np.isnan(energy_inside(nothing, MASK))
    assert np.isnan(area_above_half(nothing))
    assert np.isnan(mask_covered(nothing, MASK))
    assert np.isnan(motion_correlation(nothing, CAM))
    assert pointing_game(nothing, MASK) == 0


def test_without_anything_that_moves_there_is_no_score():
    still = np.zeros((2, 2), bool)
    for score in (energy_inside, pointing_game, mask_covered):
        assert np.isnan(score(CAM, still))
    assert np.isnan(motion_correlation(CAM, np.zeros((2, 2))))


@pytest.mark.parametrize("factor", [0.5, 3.0, 1e4])
def test_no_score_depends_on_the_scale_of_the_map(factor):
    rng = np.random.default_rng(1)
    cams, motion = rng.normal(size=(4, 6, 6)), rng.random((4, 6, 6))
    masks = motion > 0.7
    for score, other in (
        (energy_inside, masks),
        (pointing_game, masks),
        (mask_covered, masks),
        (motion_correlation, motion),
    ):
        np.testing.assert_allclose(score(factor * cams, other), score(cams, other))
    np.testing.assert_allclose(area_above_half(factor * cams), area_above_half(cams))
    assert steadiness(factor * cams) == pytest.approx(steadiness(cams))


def test_scores_of_many_maps_are_those_of_each():
    rng = np.random.default_rng(2)
    cams, masks = rng.normal(size=(2, 3, 4, 4)), rng.random((2, 3, 4, 4)) > 0.5
    for score in (energy_inside, pointing_game, mask_covered):
        assert score(cams, masks).shape == (2, 3)
        assert score(cams, masks)[1, 2] == score(cams[1, 2], masks[1, 2])


def test_identical_maps_give_no_difference_and_no_doubt():
    same = np.random.default_rng(3).random(20)
    found = branch_difference(same, same)
    assert (found.mean, found.low, found.high, found.clips) == (0, 0, 0, 20)


def test_interval_of_a_difference_is_that_of_the_normal_law_on_many_clips():
    cb = np.zeros(400)
    rb = np.random.default_rng(4).normal(1.0, 2.0, 400)
    found, error = branch_difference(rb, cb), rb.std() / 20
    assert found.mean == pytest.approx(rb.mean())
    assert found.low == pytest.approx(rb.mean() - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(rb.mean() + 1.96 * error, abs=0.2 * error)


def test_clips_without_one_of_the_scores_are_left_out_in_pairs():
    found = branch_difference(np.array([3.0, np.nan, 5.0]), np.array([1.0, 9.0, 3.0]))
    assert (found.mean, found.clips) == (2.0, 2)
    with pytest.raises(ValueError, match="at least two clips"):
        branch_difference(np.array([1.0, np.nan]), np.array([1.0, 1.0]))


def test_maps_of_another_size_than_the_mask_are_refused():
    with pytest.raises(ValueError, match="must have one shape"):
        energy_inside(CAM, np.ones((4, 4), bool))


def test_fastest_fifth_of_a_picture_and_none_of_a_still_one():
    motion = np.arange(10.0).reshape(2, 5)
    assert np.flatnonzero(fastest(motion)).tolist() == [8, 9]
    assert not fastest(np.zeros((2, 5))).any()


def test_steadiness_is_one_for_a_map_that_stays_and_less_for_one_that_jumps():
    spot, elsewhere = np.eye(3), np.eye(3)[::-1]
    assert steadiness(np.stack([spot, 2 * spot, spot])) == pytest.approx(1)
    assert steadiness(np.stack([spot, elsewhere])) < 0
    assert np.isnan(steadiness(np.zeros((3, 2, 2))))
