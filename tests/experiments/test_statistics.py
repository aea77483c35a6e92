"""Spread, standard errors and verdicts, against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from actviz.experiments.statistics import Contrast, Measured, contrast


def test_mean_and_spread_of_three_seeds_by_hand():
    figure = Measured((0.7, 0.8, 0.9))
    assert figure.mean == pytest.approx(0.8)
    assert figure.sd == pytest.approx(0.1)  # squares .01 + 0 + .01 over 2
    assert figure.to_json(100) == {"mean": 80.0, "sd": 10.0, "values": [70.0, 80.0, 90.0]}


def test_one_seed_has_no_spread_and_decides_nothing():
    figures = {"a": Measured((0.9,)), "b": Measured((0.1,))}
    found = contrast({"a": 1, "b": -1}, figures)
    assert figures["a"].sd is None and found.error is None
    assert found.difference == pytest.approx(0.8)
    assert found.verdict() == "within the spread"


def test_error_of_separate_trainings_adds_both_sides():
    figures = {"a": Measured((0.7, 0.8, 0.9)), "b": Measured((0.4, 0.5, 0.6))}
    found = contrast({"a": 1, "b": -1}, figures)
    assert found.error == pytest.approx(math.sqrt(0.01 / 3 + 0.01 / 3))


def test_same_trainings_are_compared_seed_by_seed():
    figures = {"a": Measured((0.7, 0.8, 0.9)), "b": Measured((0.6, 0.7, 0.8))}
    found = contrast({"a": 1, "b": -1}, figures, same_trainings=True)
    assert found.difference == pytest.approx(0.1)
    assert found.error == pytest.approx(0.0, abs=1e-12)
    assert found.verdict() == "holds"


def test_clips_on_which_both_agree_add_no_error():
    right = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], dtype=bool)
    figures = {n: Measured.of_right(right) for n in "ab"}
    assert contrast({"a": 1, "b": -1}, figures).error == 0


def test_error_of_the_clips_by_hand():
    a = np.array([[1, 1, 1, 0]] * 2, dtype=bool)
    b = np.array([[0, 1, 0, 1]] * 2, dtype=bool)
    figures = {"a": Measured.of_right(a), "b": Measured.of_right(b)}
    found = contrast({"a": 1, "b": -1}, figures)
    # differences 1, 0, 1, -1: mean 1/4, squares (9 + 1 + 9 + 25) / 16 = 11/4, over 3 and over 4
    assert found.difference == pytest.approx(0.25)
    assert found.error == pytest.approx(math.sqrt(11 / 4 / 3 / 4))


def test_clips_of_two_groups_are_independent():
    right = np.array([[1, 0], [1, 0]], dtype=bool)
    figures = {"a": Measured.of_right(right, "one"), "b": Measured.of_right(right, "two")}
    found = contrast({"a": 1, "b": -1}, figures)
    assert found.error == pytest.approx(math.sqrt(0.5 / 2 + 0.5 / 2))  # not 0, as on the same


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(0.041, "holds"), (0.04, "within the spread"), (-0.04, "within the spread"),
     (-0.041, "does not hold")],
)  # fmt: skip
def test_two_standard_errors_decide(difference, verdict):
    assert Contrast(difference, 0.02).verdict() == verdict


def test_constant_is_taken_off():
    found = contrast({"a": 1}, {"a": Measured((0.6, 0.8))}, constant=-0.5)
    assert found.difference == pytest.approx(0.2)
    assert found.error == pytest.approx(0.1)  # sd .1414 over root 2
