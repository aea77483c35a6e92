"""Scores against numbers worked out by hand."""

import numpy as np
import pytest

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
