"""A sweep shows every training, says where its axis begins and keeps its words apart."""

import matplotlib
import pytest

from actviz.views import sweep_figure

ALPHAS = (0.05, 0.4, 0.8)
CURVES = {
    "RB": [(0.70, 0.74), (0.72, 0.76), (0.75, 0.75)],
    "CB": [(0.80, 0.80), (0.78, 0.80), (0.77, 0.77)],
    "RB+CB": [(0.79, 0.81), (0.80, 0.80), (0.78, 0.78)],
}


def draw(panels=None, **more):
    more = {"x_name": "α", "title": "t", "note": "puppets"} | more
    return sweep_figure(ALPHAS, panels or {"accuracy": CURVES}, **more)


def test_a_line_joins_the_means_in_percent():
    axes = draw().axes[0]
    lines = [line.get_ydata().tolist() for line in axes.lines]
    assert pytest.approx([72, 74, 75]) in lines
    assert len(axes.lines) == 3 * (2 + 1)  # every seed's marks, and the mean


def test_an_axis_that_does_not_begin_at_zero_says_so():
    figure = draw()
    low, high = figure.axes[0].get_ylim()
    assert low == 65 and high == 85
    assert any("The axis begins at 65 %" in t.get_text() for t in figure.texts)
    low = draw({"accuracy": {"RB": [(0.01,)] * 3}})
    assert low.axes[0].get_ylim()[0] == 0
    assert not any("begins" in t.get_text() for t in low.texts)


def test_both_panels_have_the_same_reach_and_words_of_12_points_at_least():
    figure = draw({"accuracy": CURVES, "mean class": {"RB": [(0.4, 0.9)] * 3}}, mark=(0.8, "best"))
    figure.draw_without_rendering()
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    texts = [t for t in figure.findobj(matplotlib.text.Text) if t.get_text()]
    assert min(t.get_fontsize() for t in texts) >= 12


def test_direct_labels_do_not_touch():
    figure = draw({"accuracy": {name: [(0.8,)] * 3 for name in CURVES}})
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text() in CURVES]
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for a in boxes for b in boxes if a is not b)


def test_curves_of_another_length_are_refused():
    with pytest.raises(ValueError, match="3 settings each"):
        draw({"accuracy": {"RB": [(0.5,)]}})
