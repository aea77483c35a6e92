"""Scores against numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actviz.learn.confidence import mean_class_interval, wilson_interval
from actviz.learn.scores import (
    answer_scores,
    auroc,
    confusion_matrix,
    curve_scores,
    map_scores,
    pair_scores,
    write_scores,
)


def test_confusion_counts_true_class_by_row():
    counts = confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_mean_class_accuracy_weighs_classes_not_clips():
    labels = np.array([0, 0, 0, 1])
    logits = np.array([[2.0, 1], [2, 1], [2, 1], [2, 1]])
    scores = answer_scores(labels, logits)
    assert scores == {"top1": 0.75, "top5": 1.0, "mean_class": 0.5}


def test_pair_scores_split_right_swapped_and_other():
    labels = np.array([0, 1, 1, 0, 2])
    answers = np.eye(3)[[0, 0, 1, 2, 2]]
    assert pair_scores(labels, answers, (0, 1)) == {"right": 0.5, "swapped": 0.25, "other": 0.25}


def test_auroc_of_hand_ranked_scores_with_a_tie():
    # positives .9 and .5, negatives .5 and .1: wins 1 + 1 + .5 + 1 of 4
    value = auroc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]))
    assert value == pytest.approx(3.5 / 4)


def test_auroc_needs_both_kinds():
    assert np.isnan(auroc(np.array([1.0, 2.0]), np.array([True, True])))


def test_write_scores_of_two_clips():
    written = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    evidence = np.array([[1, 0, 1, 0], [1, 0, 0, 0]], dtype=bool)
    scores = write_scores(written, evidence, written.astype(float))
    assert scores["precision"] == 0.5
    assert scores["chance"] == 3 / 8
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["rate"] == 0.25
    assert scores["empty_memory"] == 0.5
    assert scores["full_memory"] == 0
    assert scores["auroc"] == 0.5  # ties in both clips


def test_writing_nothing_has_precision_zero_and_no_warning():
    nothing = np.zeros((2, 3), dtype=bool)
    assert write_scores(nothing, ~nothing, nothing.astype(float))["precision"] == 0


def test_curve_scores_leave_out_clips_without_contrast():
    curves = [np.array([1.0, 0.5, 0.0, 0.0]), np.ones(3)]
    evidence = [np.array([True, False, True, False]), np.ones(3, dtype=bool)]
    scores = curve_scores(curves, evidence)
    assert scores["clips"] == 1
    assert scores["inside_minus_outside"] == pytest.approx(0.25)
    assert scores["auroc"] == pytest.approx((2 + 0 + 0.5) / 4)
    assert scores["precision_at_k"] == 0.5
    assert scores["chance"] == 0.5
    assert scores["sd"] == pytest.approx(np.std([1, 0.5, 0, 0]))


def test_map_scores_against_a_corner_mask():
    maps = np.array([[[3.0, 1.0], [-5.0, 0.0]], [[0.0, 2.0], [0.0, 2.0]], [[-1.0, -1], [-1, -1]]])
    masks = np.zeros((3, 2, 2), dtype=bool)
    masks[:, 0, 0] = True
    scores = map_scores(maps, masks)
    assert scores["energy_inside"] == pytest.approx((3 / 4 + 0) / 2)  # the third map is dark
    assert scores["area"] == 0.25
    assert scores["pointing"] == pytest.approx(1 / 3)
    assert scores["without_evidence"] == pytest.approx(1 / 3)


def test_map_scores_skip_pictures_without_moving_limbs():
    assert map_scores(np.ones((2, 2, 2)), np.zeros((2, 2, 2), dtype=bool))["pictures"] == 0


def test_pair_scores_without_a_clip_of_the_pair_are_nan():
    scores = pair_scores(np.array([2, 2]), np.eye(3)[[0, 1]], (0, 1))
    assert all(np.isnan(value) for value in scores.values())


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [  # Wilson (1927) as tables have it; the first two by its formula with pencil and paper
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (81, 263, 0.25525, 0.36621),  # Newcombe (1998), Table I
        (15, 148, 0.06242, 0.16050),
        (1, 29, 0.00611, 0.17176),
    ],
)
def test_wilson_interval_of_published_examples(right, total, low, high):
    assert wilson_interval(right, total) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_its_share_and_stays_in_0_to_1(counts):
    low, high = wilson_interval(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1


def test_intervals_of_nothing_are_refused():
    with pytest.raises(ValueError, match="got 0 of 0"):
        wilson_interval(0, 0)


def test_mean_class_interval_is_that_of_the_mean_of_independent_shares():
    right, total = np.full(50, 30), np.full(50, 40)
    low, high = mean_class_interval(right, total)
    spread = 1.96 * np.sqrt(0.75 * 0.25 / 40 / 50)  # normal for so many clips
    assert (low, high) == pytest.approx((0.75 - spread, 0.75 + spread), abs=0.003)


def test_mean_class_interval_draws_within_classes():
    one = mean_class_interval(np.array([1, 90, 0]), np.array([2, 100, 0]))
    assert one == mean_class_interval(np.array([1, 90]), np.array([2, 100]))
    assert one[0] < 0.5 and one[1] > 0.9  # the small class decides
