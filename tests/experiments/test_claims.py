"""Claims on made-up figures: what is said of them follows from the numbers alone."""

from __future__ import annotations

import pytest

from actviz.experiments.claims import above, alike, best, judge, more, over
from actviz.experiments.mam.published import TABLE3, arithmetic
from actviz.experiments.statistics import Measured

LOW, MIDDLE, HIGH = Measured((0.50, 0.52)), Measured((0.70, 0.72)), Measured((0.90, 0.92))
FIGURES = {"low": LOW, "middle": MIDDLE, "high": HIGH, "also": Measured((0.91, 0.92))}


@pytest.mark.parametrize(
    ("better", "worse", "verdict"),
    [("high", "low", "holds"), ("low", "high", "does not hold"),
     ("also", "high", "within the spread"), ("high", "nowhere", "not measured")],
)  # fmt: skip
def test_above(better, worse, verdict):
    assert judge(above("", better, worse, source=""), FIGURES).verdict == verdict


def test_best_is_judged_against_the_best_rival_there_is():
    found = judge(best("", "high", ["low", "middle", "nowhere"], source=""), FIGURES)
    assert found.verdict == "holds"
    assert found.against == "middle"
    assert found.contrast.difference == pytest.approx(0.2)


def test_best_without_any_rival_is_not_measured():
    assert judge(best("", "high", ["nowhere"], source=""), FIGURES).verdict == "not measured"


def test_a_gain_is_larger_than_another():
    claim = more("", ("high", "low"), ("high", "middle"), source="")
    found = judge(claim, FIGURES)
    assert found.contrast.difference == pytest.approx(0.2)  # the figure on both sides drops out
    assert found.verdict == "holds"


@pytest.mark.parametrize(
    ("other", "near", "verdict"),
    [("also", 0.05, "holds"), ("low", 0.05, "does not hold"), ("also", 0.01, "within the spread")],
)
def test_alike(other, near, verdict):
    assert judge(alike("", "high", other, near=near, source=""), FIGURES).verdict == verdict


def test_over_a_level_and_its_words():
    told = judge(over("above chance", "high", 0.5, source="text"), FIGURES).to_json()
    assert told["verdict"] == "holds"
    assert told["difference"] == pytest.approx(41.0)
    assert told["unit"] == "points"


def test_slips_of_the_paper_are_not_repeated_as_figures():
    assert TABLE3["ConvNet"] == (None, None)
    assert TABLE3["ALSTM"] == (None, 41.3)
    assert "11 follow from the tables; not HMDB51, over TS-LSTM: 2.5 said, 2.8" in arithmetic()
