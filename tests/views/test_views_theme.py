"""Colours are the promised ones, text can be read on them, and honest labels say it in words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from actviz.views import OUTSIDE_BANNER, Truth, theme, weights_note
from actviz.views.checks import even_choice, frame_edges, runs, spread

THEMES = (theme.LIGHT, theme.DARK)
CURVES = (
    theme.WRITTEN,
    theme.SKIPPED,
    theme.REGRESSION,
    theme.CLASSIFICATION,
    *theme.ATTENTION.values(),
)


def test_categories_have_the_colours_of_the_papers_and_the_palette():
    assert theme.WRITTEN.colour == "#009E73"
    assert theme.SKIPPED.colour == "#56B4E9"
    assert theme.REGRESSION.colour == "#D55E00"
    assert theme.CLASSIFICATION.colour == "#0072B2"
    assert theme.BOTH.colour == theme.LIGHT.both == "#000000"
    assert [c.colour for c in theme.ATTENTION.values()] == ["#CC79A7", "#E69F00", "#0072B2"]


def test_curves_of_one_figure_differ_in_dash_and_marker_too():
    for group in (
        tuple(theme.ATTENTION.values()),
        (theme.REGRESSION, theme.CLASSIFICATION, theme.BOTH),
    ):
        assert len({c.dash for c in group}) == len({c.marker for c in group}) == len(group)


@pytest.mark.parametrize("look", THEMES, ids=lambda t: t.name)
def test_text_reads_on_its_paper(look):
    for colour in (look.ink, look.muted, look.truth, *(look.text(c.colour) for c in CURVES)):
        assert theme.contrast(colour, look.paper) >= 4.5, colour
    for colour in (look.ink, look.muted):
        assert theme.contrast(colour, look.panel) >= 4.5, colour


def test_words_read_on_the_decision_bar():
    for curve in (theme.WRITTEN, theme.SKIPPED):
        assert theme.contrast(theme.ink_on(curve.colour), curve.colour) >= 4.5


def test_contrast_of_known_pairs():
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert theme.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_readable_leaves_a_good_colour_alone_and_shifts_a_pale_one():
    assert theme.readable("#16191D", "#FFFFFF") == "#16191D"
    shifted = theme.readable("#56B4E9", "#FFFFFF")
    assert shifted != "#56B4E9"
    assert theme.contrast(shifted, "#FFFFFF") >= 4.5


def test_heat_scale_grows_lighter_all_the_way():
    light = theme.heat_colours().astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > -1).all()
    assert light[-1] - light[0] > 150


def test_weights_note_names_weights_data_and_the_banner():
    weights = {"name": "puppets/mam", "trained_on": "puppets", "sha256": "0"}
    assert weights_note(weights) == "weights: puppets/mam (trained on puppets)"
    assert OUTSIDE_BANNER in weights_note(weights, outside=True)
    assert "random weights" in weights_note(None)
    assert weights_note({"name": "mine"}) == "weights: mine (training data not stated)"


def test_views_need_neither_torch_nor_models_nor_streamlit():
    code = (
        "import sys, actviz.views; "
        "bad = {'torch', 'models', 'streamlit', 'av', 'matplotlib.pyplot'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_frame_edges_lie_between_frames():
    assert frame_edges(np.array([0.0, 1.0, 3.0])).tolist() == [-0.5, 0.5, 2.0, 4.0]
    assert frame_edges(np.array([2.0])).tolist() == [1.5, 2.5]


def test_runs_of_equal_decisions():
    assert runs([True, True, False, True]) == [(0, 2, True), (2, 3, False), (3, 4, True)]
    assert runs([]) == []


def test_even_choice_keeps_both_ends():
    assert even_choice(3, 8).tolist() == [0, 1, 2]
    assert even_choice(64, 8)[[0, -1]].tolist() == [0, 63]
    assert even_choice(9, 1).tolist() == [4]


def test_labels_that_would_touch_are_moved_apart_and_others_stay():
    moved = spread({"a": 0.5, "b": 0.5, "c": 0.0}, 0.1)
    assert moved["c"] == 0.0
    assert abs(moved["a"] - moved["b"]) == pytest.approx(0.1)
    assert moved["a"] + moved["b"] == pytest.approx(1.0)


def test_spread_keeps_the_gap_whatever_the_heights():
    heights = dict(zip("abcdef", np.random.default_rng(1).random(6), strict=True))
    placed = spread(heights, 0.3)
    assert (np.diff(sorted(placed.values())) >= 0.3 - 1e-9).all()
    assert sorted(placed, key=placed.get) == sorted(heights, key=heights.get)


def test_truth_spans_and_phases_are_seconds():
    truth = Truth(
        np.array([0.0, 1.0, 2.0]), np.array([False, True, True]), phases=["idle", "act", "act"]
    )
    assert truth.spans() == [(0.5, 2.5)]
    assert truth.phase_spans() == [(-0.5, 0.5, "idle"), (0.5, 2.5, "act")]


def test_a_cut_is_marked_on_the_border_before_its_first_frame():
    times = np.array([0.0, 1.0, 2.0, 3.0])
    truth = Truth(times, times > 1, np.array([2.0, 2.4, 9.0]))
    assert truth.cut_marks() == [1.5, 2.5]


def test_truth_of_another_length_is_refused():
    with pytest.raises(ValueError, match="evidence"):
        Truth(np.array([0.0, 1.0]), np.array([True]))
