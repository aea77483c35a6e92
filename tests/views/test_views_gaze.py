"""Spatial attention over frames, on one scale per clip, beside what MAM decided to keep."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from actviz.views import describe_gaze, gaze_figure, gaze_lanes
from actviz.views.theme import SKIPPED, WRITTEN

SHARE = 0.4  # of a frame's attention, the clip's largest


def lanes(clip, **more):
    arrays = clip.times_s, clip.maps
    return gaze_lanes(*arrays, **{"attention_max": SHARE} | more)


def traces(figure, name: str) -> list:
    return [trace for trace in figure.data if trace.name == name]


def texts(figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def test_any_length_draws_with_mams_decisions_under_the_same_axis(fake):
    more = {"answer": fake.probability, "class_name": "throw", "written": fake.written}
    figure = lanes(fake, thumbnails=fake.frames, truth=fake.truth, **more)
    assert len({tuple(axis.range) for axis in figure.select_xaxes()}) == 1
    (bars,) = traces(figure, "decision")
    colours = [(WRITTEN if on else SKIPPED).colour for on in fake.written]
    assert list(bars.marker.color) == colours
    assert any("what MAM decided" in text for text in texts(figure))


def test_the_curve_is_the_strongest_cells_share_beside_the_even_one(clip16):
    figure = lanes(clip16)
    (curve,) = traces(figure, "strongest cell")
    assert curve.y == pytest.approx(SHARE * clip16.maps.max((1, 2)))
    (even,) = [shape for shape in figure.layout.shapes if shape.name.startswith("even")]
    assert even.y0 == pytest.approx(1 / 12)


def test_attention_that_points_nowhere_is_called_nearly_even(clip16):
    flat = np.ones((16, 3, 4))
    assert any("nearly even" in text for text in texts(gaze_lanes(
        clip16.times_s, flat, attention_max=1 / 12)))  # fmt: skip
    assert "nearly even" in describe_gaze(clip16.times_s, flat, attention_max=1 / 12)
    assert "nearly even" not in describe_gaze(clip16.times_s, clip16.maps, attention_max=SHARE)


def test_in_words_it_says_when_and_where_it_looks_hardest(clip16):
    maps = np.zeros((16, 3, 3))
    maps[5, 2, 0] = 1.0
    words = describe_gaze(clip16.times_s, maps, attention_max=0.9)
    assert f"most pointed at {clip16.times_s[5]:.2f} s in the lower left" in words


def test_decisions_at_other_frames_keep_their_own_seconds(clip16):
    own = np.array([0.5, 1.5, 2.5])
    figure = lanes(clip16, written=[True, False, True], written_times_s=own)
    (bars,) = traces(figure, "decision")
    assert list(bars.x) == pytest.approx(list(own))


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, np.nan])
def test_a_largest_share_that_is_none_is_refused(clip16, share):
    with pytest.raises(ValueError, match="largest share"):
        lanes(clip16, attention_max=share)


def test_maps_on_no_common_scale_and_decisions_of_another_length_are_refused(clip16):
    with pytest.raises(ValueError, match="one maximum per clip"):
        gaze_lanes(clip16.times_s, 3 * clip16.maps, attention_max=SHARE)
    with pytest.raises(ValueError, match="must have shape"):
        lanes(clip16, written=[True, False])


def test_for_print_it_draws_at_any_length_with_a_scale_and_the_decision_bar(fake):
    figure = gaze_figure(
        fake.frames, fake.times_s, fake.maps, attention_max=SHARE, written=fake.written,
        truth=fake.truth, title="ALSTM", note="weights: mine",
    )  # fmt: skip
    figure.draw_without_rendering()
    names = [axes.get_label() for axes in figure.axes]
    assert names.count("colour bar") == 1
    words = [t.get_text() for t in figure.findobj(matplotlib.text.Text)]
    assert any("MAM on" in word for word in words) and "time, s" in words
