"""TMNet's branches against each other: disagreement, distance, temporal memory, signed maps."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from actviz.views import (
    Branches,
    blend_difference,
    blend_heat,
    blend_motion,
    describe_branches,
    describe_recall,
    disagreement_part,
    distance_part,
    glance_figure,
    glance_part,
    lead_part,
    recall_part,
    stacked,
)
from actviz.views.theme import CLASSIFICATION, LIGHT, MOTION, REGRESSION, rgb

TIMES = [0.0, 1.0, 2.0]
TV, SAME = np.array([0.1, 0.6, 0.2]), np.array([True, False, True])
RB, CB = np.array([0.3, 0.1, 0.2]), np.array([0.2, 0.4, 0.4])
GREY = np.full((12, 12, 3), 100, dtype=np.uint8)


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def texts(figure):
    return [note.text for note in figure.layout.annotations]


def test_a_glance_with_different_answers_has_a_full_bar_and_a_cross():
    figure = stacked([disagreement_part(TV, SAME)], TIMES)
    (bars,), (crosses,) = traces(figure, "disagreement"), traces(figure, "different answers")
    assert list(bars.y) == TV.tolist()
    assert list(bars.marker.color) == [LIGHT.grid, LIGHT.ink, LIGHT.grid]
    assert list(crosses.x) == [1.0]
    assert "✕ 1 of 3" in texts(figure)


def test_branches_of_one_mind_are_said_to_be():
    figure = stacked([disagreement_part(0 * TV, [True] * 3)], TIMES)
    assert "same answers" in texts(figure) and not len(traces(figure, "different answers")[0].x)
    assert "different answers at no glance" in describe_branches(TIMES, 0 * TV, [True] * 3)


def test_disagreement_is_a_share_and_has_one_verdict_for_each():
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        disagreement_part([1.5], [True])
    with pytest.raises(ValueError, match="agree must have shape"):
        disagreement_part(TV, [True])


def test_the_temporal_memory_has_both_branches_in_their_looks_from_zero():
    figure = stacked([recall_part(RB, CB), distance_part(CB)], TIMES)
    looks = {"regression to the clip": REGRESSION, "classification to the clip": CLASSIFICATION}
    for name, look in looks.items():
        (line,) = traces(figure, name)
        assert (line.line.color, line.line.dash) == (look.colour, look.dash)
    assert all(axis.range[0] <= 0 < axis.range[1] for axis in figure.select_yaxes())


def test_words_say_where_branches_part_and_who_knows_the_clip_best():
    said = describe_branches(TIMES, TV, SAME)
    assert "at 1 of 3 glances" in said and "at 1.00 s, where 0.60" in said
    said = describe_recall(TIMES, RB, CB)
    assert "the regression branch at 1.00 s (SmoothL1 0.100)" in said
    assert "the nearer one at 2 of 3 glances" in said


def test_the_labels_give_the_values_at_a_position():
    figure = stacked([glance_part(RB, CB, CB, class_name="throw", at=1), lead_part(RB, CB)], TIMES)
    assert {"regression 0.10", "classification 0.40"} <= set(texts(figure))
    assert np.allclose(traces(figure, "decision")[0].y, RB - CB)


def test_a_signed_map_is_vermilion_above_zero_blue_below_and_nothing_at_zero():
    assert len(np.unique(blend_difference(GREY, np.zeros((2, 2))))) == 1
    for value, look in ((1.0, REGRESSION), (-1.0, CLASSIFICATION)):
        out = blend_difference(GREY, np.full((2, 2), value)).reshape(-1, 3)
        names, counts = np.unique(out, axis=0, return_counts=True)
        most = names[counts.argmax()].astype(int)
        towards = np.array(rgb(look.colour)) - 120
        assert (np.sign(most - 120) == np.sign(towards))[np.abs(towards) > 30].all()
        assert (len(names) > 1) == (value < 0)  # the second cue: dots below zero


def test_a_signed_map_refuses_what_lies_outside_of_its_scale():
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        blend_difference(GREY, np.full((2, 2), -1.2))
    with pytest.raises(ValueError, match="difference must have shape"):
        blend_difference(GREY, np.zeros((3, 2, 2)))


def test_print_shows_disagreement_memory_and_motion_where_they_are_given(clip16):
    rb = clip16.probability
    arrays = clip16.frames, clip16.times_s, clip16.maps, clip16.maps, rb, rb, rb
    branches = Branches(0.5 * rb, rb > 0.5, rb, 2 * rb)
    more = {"branches": branches, "motion": clip16.maps, "motion_max": 3.25}
    figure = glance_figure(*arrays, class_name="throw", title="t", truth=clip16.truth, **more)
    said = "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))
    for words in ("temporal memory", "place differently", "motion, 0 to 3.2", "answers ("):
        assert words in said
    assert len(figure.axes) == 9  # with the scale of the heat


def test_motion_is_coloured_by_the_root_of_its_speed():
    slow = np.full((2, 2), 0.25)
    assert np.array_equal(
        blend_motion(GREY, slow), blend_heat(GREY, np.full((2, 2), 0.5), colours=MOTION)
    )
    assert np.array_equal(blend_motion(GREY, 0 * slow), GREY)
