"""The one cursor as pure functions: clicks, keys and addresses to a place in the clip."""

import numpy as np
import pytest

from explorer.cursor import cursor_left, nearest, selected_time, stepped, tick_seconds


def test_a_page_shows_the_nearest_frame_its_model_looked_at():
    looked_at = np.array([2, 7, 12, 17])
    assert [nearest(looked_at, frame) for frame in (0, 4, 5, 12, 99)] == [0, 0, 1, 2, 3]


def test_no_frames_is_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        nearest([], 3)


@pytest.mark.parametrize(
    ("position", "by", "around", "expected"),
    [(0, -1, False, 0), (4, 1, False, 4), (4, 1, True, 0), (0, -1, True, 4), (2, 1, False, 3)],
)
def test_steps_stop_at_the_ends_and_playing_goes_round(position, by, around, expected):
    assert stepped(position, 5, by, around=around) == expected


def test_a_clicked_point_gives_its_seconds():
    point = {"curve_number": 1, "point_index": 4, "x": 1.75, "y": 0.3, "customdata": 4}
    assert selected_time({"selection": {"points": [point]}}) == 1.75


@pytest.mark.parametrize(
    "state",
    [None, {}, {"selection": {"points": []}}, {"selection": None}, {"selection": {"points": [{}]}}],
)
def test_a_click_on_nothing_moves_nothing(state):
    assert selected_time(state) is None


def test_playing_keeps_the_clips_pace_as_far_as_a_page_can_follow():
    assert tick_seconds([0.0, 0.4, 0.8]) == pytest.approx(0.4)
    assert tick_seconds([0.0, 0.04, 0.08]) == 0.25
    assert tick_seconds([0.0, 5.0]) == 0.6
    assert tick_seconds([1.0]) == 0.6


def test_the_line_stands_between_the_margins_of_the_lanes():
    assert cursor_left(1.0, (0.0, 4.0), (72, 150)) == "calc(72px + (100% - 222px) * 0.25000)"
    assert cursor_left(9.0, (0.0, 4.0), (0, 0)).endswith("* 1.00000)")
    assert cursor_left(1.0, (1.0, 1.0), (0, 0)).endswith("* 0.00000)")
