"""What is behind MAM's answer: each item's share, the controller's terms, similarity, in words."""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from actviz.views import (
    contribution_figure,
    contribution_lanes,
    contribution_part,
    controller_lanes,
    describe_contribution,
    describe_controller,
    describe_similarity,
    memory_lanes,
    similarity_part,
    terms_part,
)
from actviz.views.controller import logit_of
from actviz.views.theme import AGAINST, FOR, TERMS

CHOICE = {"class_name": "throw", "bias": -0.25}
RULE = {"bias": 0.5, "threshold": 0.5}


def shares(clip, **more):
    arrays = clip.times_s, clip.contribution, clip.written
    return contribution_lanes(*arrays, **CHOICE | more)


def controller(clip, **more):
    return controller_lanes(clip.times_s, clip.score_terms, **RULE | more)


def traces(figure, name: str) -> list:
    return [trace for trace in figure.data if trace.name == name]


def texts(figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def printed(clip, **more) -> Figure:
    arrays = clip.frames, clip.times_s, clip.contribution, clip.written
    rule = {"score_terms": clip.score_terms, "score_bias": 0.5, "threshold": 0.5, "title": "throw"}
    return contribution_figure(*arrays, **CHOICE | rule | more)


@pytest.mark.parametrize("draw", [shares, controller])
def test_any_length_draws_over_one_axis_of_seconds(draw, fake):
    figure = draw(fake, truth=fake.truth, thumbnails=fake.frames, cursor_s=fake.times_s[0])
    axes = list(figure.select_xaxes())
    assert axes[-1].title.text == "time, s"
    assert len({tuple(axis.range) for axis in axes}) == 1
    assert all(axis.range[0] <= 0 <= axis.range[1] for axis in figure.select_yaxes())


def test_a_bar_goes_up_for_the_class_and_down_and_dotted_against_it(clip16):
    (bars,) = traces(shares(clip16), "contribution")
    assert list(bars.y) == list(clip16.contribution)
    for value, colour, dots in zip(
        bars.y, bars.marker.color, bars.marker.pattern.shape, strict=True
    ):
        assert (colour, dots) == ((AGAINST.colour, ".") if value < 0 else (FOR.colour, ""))


def test_a_skipped_frame_adds_nothing_and_says_so(clip16):
    (bars,) = traces(shares(clip16), "contribution")
    skipped = np.flatnonzero(~clip16.written)
    assert all(bars.y[i] == 0 and bars.text[i] == "skipped: adds nothing" for i in skipped)


def test_items_and_bias_stand_in_words_and_add_up_to_the_logit():
    part = contribution_part([1.5, 0.0, -0.25], [True, False, True], class_name="throw", bias=-0.5)
    assert "items +1.25, bias −0.50, logit +0.75" in part.lane.title
    words = describe_contribution(
        [0, 1, 2], [1.5, 0, -0.25], [1, 0, 1], class_name="throw", bias=-0.5
    )
    assert "adds +1.25 to the logit of throw, most at 0.00 s (+1.50)" in words
    assert "against it speaks most 2.00 s (−0.25)" in words and "logit is +0.75" in words


def test_an_empty_memory_leaves_the_bias_alone():
    words = describe_contribution([0, 1], [0, 0], [0, 0], class_name="throw", bias=0.3)
    assert "Nothing is in memory" in words and "+0.30" in words
    contribution_lanes([0, 1], [0, 0], [0, 0], class_name="throw", bias=0.3)


def test_the_three_terms_differ_in_colour_and_in_dash_and_marker(clip16):
    figure = controller(clip16)
    for name, look in TERMS.items():
        (curve,) = traces(figure, name)
        assert (curve.line.color, curve.line.dash) == (look.colour, look.dash)
        assert curve.marker.symbol == look.marker
    for one, other in itertools.combinations(TERMS.values(), 2):
        assert one.colour != other.colour and one.dash != other.dash
        assert one.marker != other.marker


def test_the_score_is_the_sum_of_the_terms_and_the_bias(clip16):
    (score,) = traces(controller(clip16), "score")
    assert score.y == pytest.approx(clip16.score_terms.sum(1) + 0.5)


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 1.0])
def test_the_threshold_is_a_level_at_its_logit_where_that_is_finite(clip16, threshold):
    figure = controller(clip16, threshold=threshold)
    levels = [s for s in figure.layout.shapes if s.name == f"threshold {threshold:g}"]
    assert len(levels) == (0 < threshold < 1)
    assert all(level.y0 == pytest.approx(logit_of(threshold)) for level in levels)


def test_state_resets_are_marked_between_the_frames(clip16):
    (marks,) = traces(controller(clip16, state_reset=~clip16.written), "state reset")
    at = np.flatnonzero(~clip16.written[:-1])
    assert marks.x == pytest.approx((clip16.times_s[at] + clip16.times_s[at + 1]) / 2)
    assert not traces(controller(clip16, state_reset=np.zeros(16, bool)), "state reset")
    words = describe_controller(
        clip16.times_s, clip16.score_terms, state_reset=~clip16.written, **RULE
    )
    assert f"starts anew {len(at)} times" in words


def test_a_memory_that_never_resets_shows_no_break(clip16):
    arrays = clip16.times_s, clip16.probability, clip16.written, clip16.memory_size
    figure = memory_lanes(*arrays, threshold=0.5, state_reset=np.zeros(16, bool))
    assert len(traces(figure, "state reset")[0].x) == 0


def test_similarity_has_no_point_while_the_memory_is_empty(clip16):
    figure = controller(clip16, similarity=clip16.similarity)
    (curve,) = traces(figure, "similarity")
    first = int(np.flatnonzero(clip16.written)[0])
    assert np.isnan(curve.y[: first + 1]).all() and np.isfinite(curve.y[first + 1 :]).all()
    assert "newest at" in describe_similarity(clip16.times_s, clip16.similarity)


def test_similarity_to_a_memory_that_stays_empty_is_said_in_words(clip16):
    nothing = np.full(16, np.nan)
    figure = controller(clip16, similarity=nothing)
    assert any("empty throughout" in text for text in texts(figure))
    assert "empty before every frame" in describe_similarity(clip16.times_s, nothing)


def test_all_lanes_of_the_memory_stand_in_one_figure_in_their_order(clip16):
    more = [
        contribution_part(clip16.contribution, clip16.written, **CHOICE),
        terms_part(clip16.score_terms, **RULE),
        similarity_part(clip16.similarity),
    ]
    arrays = clip16.times_s, clip16.probability, clip16.written, clip16.memory_size
    figure = memory_lanes(*arrays, threshold=0.5, more=more, truth=clip16.truth)
    assert len(list(figure.select_yaxes())) == 7
    names = [t.name for t in figure.data if t.hoverinfo != "skip" and "truth" not in t.name]
    first, last = names.index("contribution"), names.index("similarity")
    assert names[:2] == ["write probability", "decision"] and first < last < len(names) - 1
    assert names[-1] == "memory size"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: terms_part(c.score_terms.T, **RULE), r"shape \(T, 3\)"),
        (lambda c: terms_part(c.score_terms * np.nan, **RULE), "finite"),
        (lambda c: terms_part(c.score_terms, bias=0, threshold=1.5), r"lie in \[0, 1\]"),
        (lambda c: similarity_part(c.similarity + 2), "cosine"),
        (lambda c: contribution_part(c.contribution[:3], c.written, **CHOICE), "must have shape"),
        (lambda c: shares(c, bias=np.inf), "finite"),
        (lambda c: controller_lanes(c.times_s[:5], c.score_terms, **RULE), "must have shape"),
        (lambda c: controller(c, state_reset=[True]), "state_reset must have shape"),
    ],
)
def test_arrays_that_cannot_be_are_refused(clip16, call, words):
    with pytest.raises(ValueError, match=words):
        call(clip16)


def test_for_print_any_length_draws_and_nothing_leaves_the_page(fake):
    figure = printed(fake, similarity=fake.similarity, truth=fake.truth, note="weights: mine")
    figure.draw_without_rendering()
    for axes in figure.axes:
        for text in [t for t in (*axes.texts, axes.yaxis.label) if t.get_text()]:
            extent = text.get_window_extent()
            assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1, text.get_text()
    shown = [t for t in figure.findobj(matplotlib.text.Text) if t.get_text().strip()]
    assert min(t.get_fontsize() for t in shown) >= 12


def test_for_print_bars_have_the_height_of_the_shares(clip16):
    figure = printed(clip16)
    heights = [bar.get_height() for axes in figure.axes for bar in axes.containers for bar in bar]
    assert sorted(heights) == pytest.approx(sorted(clip16.contribution[clip16.written]))
