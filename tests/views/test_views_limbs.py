"""A body over time: joints by limb, moments and limbs left out, how well people are seen."""

from __future__ import annotations

import numpy as np
import pytest
from views_fakes import BONES, LEFT, RIGHT, STANDING

from actviz.views import attention_figure, draw_skeleton
from actviz.views.limbs import (
    describe_joints,
    describe_limbs,
    describe_moments,
    joint_part,
    limb_bars,
    limbs_by,
    moment_part,
)
from actviz.views.parts import stacked
from actviz.views.print_limbs import Moments
from actviz.views.quality import quality_part, unseen_over
from actviz.views.shading import by_attention, by_attribution, by_masking, by_recalibration

LIMBS = {"torso": (0, 1), "left arm": (3, 4), "right arm": (5, 6)}
NAMES = [f"joint_{number}" for number in range(11)]
TIMES = np.array([0.0, 0.5, 1.0, 1.5])
SPANS, WITHOUT = [(0.0, 1.0), (1.0, 2.0)], np.array([0.2, 0.9])


@pytest.fixture
def evidence() -> np.ndarray:
    """(4, 2, 11): most in joint 5 of the second person at the third frame."""
    values = np.zeros((4, 2, 11), np.float32)
    values[2, 1, 5], values[1, 1, 3] = 1.0, 0.25
    return values


def texts(figure) -> str:
    return " | ".join(note.text for note in figure.layout.annotations)


def test_rows_are_joints_by_limb_for_everyone_who_is_ever_there():
    limbs = limbs_by(LIMBS, NAMES, np.array([[True, False], [True, True]]))
    assert limbs.names[:4] == ("1 torso", "1 left arm", "1 right arm", "1 other")
    assert limbs.rows[:4] == [(0, 0), (0, 1), (0, 3), (0, 4)] and len(limbs.rows) == 22
    assert limbs.edges[:4] == pytest.approx([0, 0.5, 1, 1.5])
    alone = limbs_by(LIMBS, NAMES, np.array([[True, False]]))
    assert alone.names[1] == "left arm" and alone.sides[1] == "left"


def test_the_map_shows_each_joint_in_its_row_at_its_second(evidence):
    limbs = limbs_by(LIMBS, NAMES, np.ones((4, 2), bool))
    figure = stacked([joint_part(by_attribution(evidence, "push"), limbs)], TIMES)
    (heat,) = (trace for trace in figure.data if trace.type == "heatmap")
    row = limbs.rows.index((1, 5))
    assert heat.z[row][2] == 1 and heat.z.sum() == pytest.approx(1.25)
    assert heat.y[row] == len(limbs.groups) - limbs.edges[row]  # the first row is on top
    assert "evidence for push" in texts(figure) and "2 right arm" in texts(figure)
    clickable = [trace for trace in figure.data if trace.customdata is not None]
    assert any(len(trace.customdata) == 4 and trace.type == "scatter" for trace in clickable)


def test_the_map_in_words_names_limb_joint_person_and_second(evidence):
    limbs = limbs_by(LIMBS, NAMES, np.ones((4, 2), bool))
    said = describe_joints(TIMES, by_attribution(evidence, "push"), limbs)
    assert "most in 2 right arm with 80%" in said and "2 left arm 20%" in said
    assert "strongest at 1.00 s in joint 5 of person 2" in said
    nothing = by_attribution(np.zeros_like(evidence), "push")
    assert describe_joints(TIMES, nothing, limbs) == "Evidence: zero everywhere."


def test_bars_reach_from_the_whole_clip_to_what_is_left_without_a_moment():
    figure = stacked([moment_part(SPANS, WITHOUT, 0.8, class_name="push")], TIMES)
    (bars,) = (trace for trace in figure.data if trace.type == "bar")
    assert bars.base == 0.8 and bars.y == pytest.approx([-0.6, 0.1])
    assert bars.x == pytest.approx([0.5, 1.5]) and bars.width == pytest.approx([1, 1])
    assert len(set(bars.marker.color)) == 2
    said = describe_moments(SPANS, WITHOUT, 0.8, class_name="push")
    assert said.startswith("Without 0.00 to 1.00 s") and "from 0.80 to 0.20" in said
    assert "No single moment" in describe_moments(SPANS, [0.8, 0.9], 0.8, class_name="push")
    with pytest.raises(ValueError, match="start < end"):
        moment_part([(1.0, 1.0)], [0.5], 0.5, class_name="push")


def test_limbs_whose_loss_matters_stand_out():
    figure = limb_bars(("torso", "left arm"), [0.1, 0.79], 0.8, class_name="push")
    first, second = figure.data[0].marker.color
    assert first != second
    said = describe_limbs(("torso", "left arm"), [0.1, 0.79], 0.8, class_name="push")
    assert "Without the torso" in said and "to 0.10" in said


def test_quality_is_a_bar_a_frame_bridged_ones_hatched_missing_ones_absent():
    present = np.array([[True], [True], [False], [True]])
    bridged = np.array([[False], [True], [False], [False]])
    figure = stacked([quality_part(present, np.full((4, 1, 3), 0.5), bridged)], TIMES)
    (bars,) = (trace for trace in figure.data if trace.type == "bar")
    assert bars.y == pytest.approx(0.88 * np.array([0.5, 0.5, 0, 0.5]))
    assert list(bars.marker.pattern.shape) == ["", "/", "", ""]
    assert "bridged" in texts(figure) and "there: 75%" in texts(figure)


def test_unseen_seconds_are_a_named_band_through_all_lanes():
    part = unseen_over(quality_part(np.ones((4, 1), bool)), (0.5, 9.0))
    figure = stacked([part], TIMES)
    (band,) = (shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (band.x0, band.x1) == (0.5, 1.75) and "not seen" in texts(figure)


def test_scales_say_what_they_mean():
    assert by_attention([[0.2], [0.4], [np.nan]], 1, 2).values == pytest.approx(0.3)
    moved = by_recalibration([[[0.0, 0.5]]])
    assert moved.values.tolist() == [[[0.0, 1.0]]] and moved.high == "0.50 m"
    assert by_recalibration(np.zeros((1, 1, 2))).values.max() == 0
    with pytest.raises(ValueError, match="not negative"):
        by_attribution([[[-1.0]]], "push")


def test_joints_are_marked_by_what_their_limb_is_worth_in_the_moment_of_each_frame():
    losses = [[[0.5, 2.0], [-1.0, 1.0]]]  # one person, limbs a and b, two moments
    limbs = {"a": [0, 2], "b": [1]}
    shading = by_masking(losses, [0, 0, 1], limbs, 4, class_name="push")
    rows = [[0.25, 0, 0.25, 0], [0.25, 0, 0.25, 0], [1, 0.5, 1, 0]]  # joint 3 is in no limb
    np.testing.assert_allclose(shading.values[:, 0], rows)
    assert (shading.most, shading.high, shading.unit) == (2.0, "2.00 nats", " nats")
    with pytest.raises(ValueError, match=r"finite \(P, L, M\) with L = 2 limbs and M = 2 moments"):
        by_masking([[[0.5]]], [0, 1], limbs, 4, class_name="push")


def test_where_no_limb_is_worth_anything_joints_stay_pale():
    shading = by_masking([[[0.001]]], [0], {"a": [0]}, 1, class_name="push")
    assert shading.values.max() == pytest.approx(0.01)


def test_a_joint_with_more_evidence_is_drawn_larger_on_the_video():
    points = STANDING[None, :, :2] * (60, -60) + (80, 80)
    sides = {"left": LEFT, "right": RIGHT}

    def drawn(value: float) -> np.ndarray:
        weight = np.zeros((1, 11))
        weight[0, 2] = value
        frame = np.zeros((160, 160, 3), np.uint8)
        return draw_skeleton(frame, points, BONES, weight=weight, colours="viridis", **sides)

    yellow = [
        ((p[..., 0] > 200) & (p[..., 1] > 200) & (p[..., 2] < 90)).sum()
        for p in (drawn(0.0), drawn(1.0))
    ]
    assert yellow[0] == 0 and yellow[1] > 20


def test_the_print_figure_holds_the_map_and_the_moments(clip16):
    shading = by_attribution(np.linspace(0, 1, 16 * 11).reshape(16, 1, 11), "push")
    limbs = limbs_by(LIMBS, NAMES, clip16.present)
    moments = Moments([(0.0, 2.0), (2.0, 4.0)], [0.3, 0.7], 0.7, "push")
    arrays = (clip16.times_s, clip16.attention, clip16.joints, clip16.present, BONES)
    sides = {"left": LEFT, "right": RIGHT, "title": "t"}
    figure = attention_figure(*arrays, shading=shading, limbs=limbs, moments=moments, **sides)
    said = " | ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert "left arm" in said and "strongest" in said and "least 0.30" in said
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "evidence for push" in titles and any("without this moment" in t for t in titles)
