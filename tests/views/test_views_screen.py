"""Lanes on the screen: seconds below, units on each lane, one cursor, truth hatched, clicks."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from actviz.views import (
    answer_bars,
    answer_change,
    attention_lanes,
    decision_part,
    describe_answer,
    describe_attention,
    describe_change,
    describe_glance,
    describe_memory,
    glance_lanes,
    memory_lanes,
    stacked,
)
from actviz.views.theme import ATTENTION, CLASSIFICATION, DARK, REGRESSION, SKIPPED, WRITTEN


def memory(clip, **more) -> go.Figure:
    arrays = clip.times_s, clip.probability, clip.written, clip.memory_size
    return memory_lanes(*arrays, **{"threshold": 0.5} | more)


def glance(clip, **more) -> go.Figure:
    rb = clip.probability
    arrays = clip.times_s, rb, 0.7 * rb, 0.85 * rb
    return glance_lanes(*arrays, **{"class_name": "throw"} | more)


def attention(clip, **more) -> go.Figure:
    return attention_lanes(clip.times_s, clip.attention, **more)


ALL = pytest.mark.parametrize("draw", [memory, glance, attention])


def traces(figure: go.Figure, name: str) -> list:
    return [trace for trace in figure.data if trace.name == name]


def texts(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


@ALL
def test_only_the_lowest_axis_speaks_and_in_seconds(draw, fake):
    figure = draw(fake, truth=fake.truth)
    titles = [axis.title.text for axis in figure.select_xaxes()]
    assert titles[-1] == "time, s"
    assert not any(titles[:-1])
    assert len({tuple(axis.range) for axis in figure.select_xaxes()}) == 1


@ALL
def test_the_cursor_is_one_line_through_all_lanes(draw, clip16):
    figure = draw(clip16, cursor_s=1.25, truth=clip16.truth)
    (cursor,) = [shape for shape in figure.layout.shapes if shape.name == "cursor"]
    assert cursor.x0 == cursor.x1 == 1.25
    assert (cursor.yref, cursor.y0, cursor.y1) == ("paper", 0, 1)
    assert "<b>1.25 s</b>" in texts(figure)


@ALL
def test_no_cursor_where_none_is_asked_for(draw, clip16):
    assert not [shape for shape in draw(clip16).layout.shapes if shape.name == "cursor"]


@ALL
def test_truth_is_hatched_grey_and_cuts_are_thin(draw, clip16):
    figure = draw(clip16, truth=clip16.truth)
    (lane,) = traces(figure, "truth")
    assert lane.marker.pattern.shape == "/"
    (start, end), *_ = clip16.truth.spans()
    assert lane.x[0] == pytest.approx((start + end) / 2)
    assert lane.width[0] == pytest.approx(end - start)
    (cut,) = [shape for shape in figure.layout.shapes if shape.name == "cut"]
    assert cut.x0 == pytest.approx(clip16.truth.cut_marks()[0])
    assert cut.line.width == 1


@ALL
def test_every_clickable_point_knows_its_frame_and_a_click_fades_nothing(draw, fake):
    for trace in draw(fake, truth=fake.truth, thumbnails=fake.frames).data:
        assert trace.unselected.marker.opacity is not None
        if trace.hoverinfo == "skip":
            continue
        assert list(trace.customdata) == list(range(len(fake.times_s)))
        if trace.type == "scatter":
            assert trace.mode == "lines+markers"


@ALL
def test_text_is_at_least_14_pixels_and_dark_is_dark(draw, clip16):
    figure = draw(clip16, truth=clip16.truth, cursor_s=1.0, dark=True, note="n", title="t")
    assert figure.layout.paper_bgcolor == DARK.paper
    assert figure.layout.font.size >= 14
    assert min(note.font.size for note in figure.layout.annotations) >= 14


@ALL
def test_title_and_note_stand_on_the_figure(draw, clip16):
    figure = draw(clip16, title="throw", note="random weights, not trained")
    assert figure.layout.title.text == "throw"
    assert any("random weights" in text for text in texts(figure))


@ALL
def test_thumbnails_come_as_small_jpegs_on_the_same_axis(draw, clip16):
    figure = draw(clip16, thumbnails=clip16.frames)
    pictures = figure.layout.images
    assert 1 <= len(pictures) <= 16
    assert all(picture.source.startswith("data:image/jpeg") for picture in pictures)
    assert pictures[0].x == pytest.approx(figure.layout.xaxis.range[0])


def test_written_is_green_and_full_skipped_is_blue_and_half(clip16):
    (bars,) = traces(memory(clip16), "decision")
    for on, colour, top in zip(clip16.written, bars.marker.color, bars.y, strict=True):
        assert colour == (WRITTEN if on else SKIPPED).colour
        assert top == (1.0 if on else 0.5)


def test_the_line_breaks_after_each_skipped_frame(clip16):
    (breaks,) = traces(memory(clip16), "state reset")
    skipped = np.flatnonzero(~clip16.written[:-1])
    middle = (clip16.times_s[skipped] + clip16.times_s[skipped + 1]) / 2
    assert breaks.x == pytest.approx(middle)


def test_threshold_is_drawn_where_it_is(clip16):
    figure = memory(clip16, threshold=0.3)
    (level,) = [shape for shape in figure.layout.shapes if shape.name == "threshold 0.3"]
    assert level.y0 == level.y1 == 0.3


def test_zero_is_in_sight_of_every_lane(clip16):
    for figure in (memory(clip16), glance(clip16), attention(clip16)):
        for axis in figure.select_yaxes():
            assert axis.range[0] <= 0 <= axis.range[1]


def test_branches_keep_their_colours_and_give_values_at_the_cursor(clip16):
    figure = glance(clip16, cursor_s=clip16.times_s[8])
    assert traces(figure, "regression")[0].line.color == REGRESSION.colour
    assert traces(figure, "classification")[0].line.dash == CLASSIFICATION.dash
    assert f"regression {clip16.probability[8]:.2f}" in texts(figure)


def test_attention_curves_differ_in_colour_dash_and_marker(clip16):
    figure = attention(clip16)
    for name, look in ATTENTION.items():
        (curve,) = traces(figure, name)
        assert (curve.line.color, curve.line.dash) == (look.colour, look.dash)
        assert curve.marker.symbol == look.marker


def test_even_attention_is_called_even(clip16):
    flat = np.full((3, 16), 0.5)
    said = texts(attention_lanes(clip16.times_s, flat))
    assert any("nearly even over time" in text for text in said)
    assert "nearly even" in describe_attention(clip16.times_s, flat)
    assert "nearly even" not in describe_attention(clip16.times_s, clip16.attention)


def test_joints_moved_get_a_lane_of_their_own(clip16):
    figure = attention(clip16, moved=np.linspace(0, 0.1, 16), moved_unit="m")
    assert "how far the joints were moved, m" in texts(figure)


def test_lanes_with_gaps_are_drawn_and_all_nan_is_refused(clip16):
    holes = clip16.probability.copy()
    holes[3] = np.nan
    memory_lanes(clip16.times_s, holes, clip16.written, clip16.memory_size, threshold=0.5)
    with pytest.raises(ValueError, match="no finite number"):
        attention_lanes(clip16.times_s, np.full((3, 16), np.nan))
    with pytest.raises(ValueError, match="no finite number"):
        glance_lanes(clip16.times_s, *[np.full(16, np.nan)] * 3, class_name="throw")


def test_shapes_and_clocks_that_disagree_are_refused(clip16):
    with pytest.raises(ValueError, match="written must have shape"):
        arrays = clip16.times_s, clip16.probability, clip16.written[:3], clip16.memory_size
        memory_lanes(*arrays, threshold=0.5)
    with pytest.raises(ValueError, match="strictly increasing"):
        attention_lanes(clip16.times_s[::-1], clip16.attention)
    with pytest.raises(ValueError, match=r"shape \(3, 16\)"):
        attention_lanes(clip16.times_s, clip16.attention.T)


def test_answers_are_named_with_numbers_from_zero_to_one():
    figure = answer_bars([("throw", 0.91), ("push", 0.05)], truth="throw")
    assert tuple(figure.layout.xaxis.range) == (0, 1)
    assert figure.layout.xaxis.title.text == "probability, 0–1"
    assert list(figure.data[0].text) == ["0.91", "0.05"]
    assert "throw ★" in figure.layout.yaxis.ticktext[0]
    assert describe_answer([("throw", 0.91), ("push", 0.05)]).startswith("throw with probability")


@pytest.mark.parametrize("top", [[], [("throw", 1.7)], [("throw", float("nan"))]])
def test_answers_that_are_no_probabilities_are_refused(top):
    with pytest.raises(ValueError, match=r"top|probabilities"):
        answer_bars(top)


def test_two_answers_stand_bar_beside_bar_for_the_classes_highest_in_either():
    classes, before, after = ["a", "b", "c", "d"], [0.7, 0.2, 0.1, 0.0], [0.1, 0.1, 0.2, 0.6]
    figure = answer_change(classes, before, after, truth="a", count=3)
    first, second = figure.data
    assert set(figure.layout.yaxis.ticktext) >= {"<b>d</b>", "a ★"}
    assert list(second.x) == sorted(second.x, reverse=True)
    assert first.marker.pattern.shape == "/" and not second.marker.pattern.shape
    assert describe_change(classes, before, after) == "the answer turns from a (0.70) to d (0.60)"
    assert "stays a, 0.70 → 0.70" in describe_change(classes, before, before)


@pytest.mark.parametrize("after", [[0.5], [0.5, 1.5], [0.5, float("nan")]])
def test_two_answers_that_cannot_be_compared_are_refused(after):
    with pytest.raises(ValueError, match=r"probability per class|lie in"):
        answer_change(["a", "b"], [0.5, 0.5], after)


def test_forced_and_dropped_frames_are_marked_at_their_seconds():
    part = decision_part([True, False], forced_s=[1.0], dropped_s=[0.5])
    assert part.lane.title == "decision · ◆ forced · ✕ left out"
    figure = stacked([part], [0.0, 1.0])
    assert list(traces(figure, "forced")[0].x) == [1.0]
    assert list(traces(figure, "dropped")[0].x) == [0.5]


def test_the_truth_of_a_film_in_another_order_follows_its_frames(clip16):
    times = clip16.times_s
    turned = clip16.truth.shown_as(times, times[::-1])
    assert turned.evidence.tolist() == clip16.truth.evidence[::-1].tolist()
    assert turned.cut_marks() == []


def test_memory_in_words_counts_and_compares(clip16):
    arrays = clip16.times_s, clip16.probability, clip16.written, clip16.memory_size
    words = describe_memory(*arrays, threshold=0.5, truth=clip16.truth)
    assert f"{int(clip16.written.sum())} were written" in words
    assert "of the" in words
    nothing = np.zeros(16, dtype=bool)
    empty = describe_memory(clip16.times_s, clip16.probability, nothing, nothing, threshold=0.99)
    assert "stayed empty" in empty


def test_glance_in_words_says_where_or_that_there_is_nothing(clip16):
    maps = np.zeros((16, 3, 3))
    maps[4, 0, 2] = 1.0
    rb = clip16.probability
    words = describe_glance(
        clip16.times_s, rb, rb, rb, class_name="throw", cam_rb=maps, cam_cb=0 * maps
    )
    assert f"strongest at {clip16.times_s[4]:.2f} s in the upper right" in words
    assert "no positive evidence for throw" in words
