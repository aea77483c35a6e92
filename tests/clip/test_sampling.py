"""Frame choice: TSN's rules by hand-computed answers, then properties for any video length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actviz.clip.sampling import (
    glance_index,
    grid_indices,
    segment_indices,
    snippet_indices,
    span_frames,
    strided_indices,
)

COUNT = st.integers(1, 500)
SEGMENTS = st.integers(1, 40)
LENGTH = st.integers(1, 12)
SEED = st.integers(0, 2**32 - 1)


def test_centred_segments_by_hand() -> None:
    # tick = 10/3: 1.67, 5.0, 8.33
    assert segment_indices(10, 3).tolist() == [1, 5, 8]
    # snippets of 5: tick = 6/3 = 2: 1, 3, 5
    assert segment_indices(10, 3, length=5).tolist() == [1, 3, 5]


def test_twenty_five_segments_of_a_hundred_frames_lie_in_their_middles() -> None:
    assert segment_indices(100, 25).tolist() == list(range(2, 100, 4))


def test_centred_segments_of_a_short_video_repeat_frames() -> None:
    assert segment_indices(2, 3).tolist() == [0, 1, 1]  # tick = 2/3: 0.33, 1.0, 1.67
    assert segment_indices(4, 3, length=9).tolist() == [0, 0, 0]


def test_random_segments_follow_average_and_offset() -> None:
    rng = np.random.default_rng(7)
    expected = np.arange(3) * 33 + np.random.default_rng(7).integers(33, size=3)
    assert segment_indices(100, 3, rng=rng).tolist() == expected.tolist()


def test_random_segments_when_snippets_barely_fit_are_sorted_draws() -> None:
    # N = 10 > K = 8 but (N − L + 1)//K = 6//8 = 0: sorted randint(6)
    expected = np.sort(np.random.default_rng(3).integers(6, size=8))
    starts = segment_indices(10, 8, length=5, rng=np.random.default_rng(3))
    assert starts.tolist() == expected.tolist()


def test_random_segments_of_a_video_shorter_than_k_are_zeros() -> None:
    assert segment_indices(3, 8, rng=np.random.default_rng(0)).tolist() == [0] * 8


def test_grid_of_the_original_test_script() -> None:
    # step = (101 − 5)//24 = 4
    assert grid_indices(101, 25, length=5).tolist() == list(range(0, 97, 4))
    assert grid_indices(20, 25).tolist() == [0] * 25
    assert grid_indices(20, 1).tolist() == [0]


@given(count=COUNT, segments=SEGMENTS, length=LENGTH, seed=st.none() | SEED)
def test_segments_are_ordered_and_their_snippets_lie_in_the_video(
    count: int, segments: int, length: int, seed: int | None
) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    starts = segment_indices(count, segments, length=length, rng=rng)
    assert starts.shape == (segments,)
    assert starts.dtype == np.int64
    assert np.all(np.diff(starts) >= 0)
    assert starts.min() >= 0
    assert starts.max() <= max(count - length, 0)


@given(count=COUNT, segments=SEGMENTS, length=LENGTH, seed=SEED)
def test_each_random_start_stays_in_its_own_segment(
    count: int, segments: int, length: int, seed: int
) -> None:
    average = max(count - length + 1, 0) // segments
    starts = segment_indices(count, segments, length=length, rng=np.random.default_rng(seed))
    if average > 0:
        assert np.array_equal(starts // average, np.arange(segments))


@given(count=COUNT, segments=SEGMENTS, length=LENGTH)
def test_snippets_repeat_the_last_frame_past_the_end(
    count: int, segments: int, length: int
) -> None:
    frames = snippet_indices(segment_indices(count, segments, length=length), length, count)
    assert frames.shape == (segments, length)
    assert frames.max() < count
    assert set(np.diff(frames, axis=1).ravel().tolist()) <= {0, 1}


@given(count=COUNT, length=LENGTH, stride=st.integers(1, 9), seed=st.none() | SEED)
def test_strided_clip_keeps_its_stride_until_the_video_ends(
    count: int, length: int, stride: int, seed: int | None
) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    frames = strided_indices(count, length, stride, rng=rng)
    assert frames.shape == (length,)
    assert 0 <= frames.min() <= frames.max() < count
    if count > (length - 1) * stride:
        assert np.all(np.diff(frames) == stride)


def test_strided_clip_is_centred() -> None:
    assert strided_indices(11, 3, 2).tolist() == [3, 5, 7]
    assert strided_indices(3, 4, 2).tolist() == [0, 2, 2, 2]


@given(count=COUNT, position=st.floats(0, 1))
def test_glance_is_a_frame_of_the_video(count: int, position: float) -> None:
    assert 0 <= glance_index(count, position=position) < count


def test_glance_takes_the_middle_unless_told() -> None:
    assert glance_index(9) == 4
    assert glance_index(9, position=1.0) == 8


def test_span_is_half_open_and_tolerates_rounding() -> None:
    times = np.arange(10) / 3
    assert span_frames(times, 0.333333, 1.0).tolist() == [1, 2]
    assert span_frames(times, None, None).tolist() == list(range(10))
    assert span_frames(times, 2.0).tolist() == [6, 7, 8, 9]
    assert span_frames(times, 2.0, 99).tolist() == [6, 7, 8, 9]


def test_span_between_two_frames_gives_the_one_on_screen() -> None:
    times = np.asarray([0.0, 1.0, 5.0])
    assert span_frames(times, 2.0, 3.0).tolist() == [1]
    assert span_frames(times, 5.5, 6.0).tolist() == [2]  # the last frame is still shown


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (3.0, 3.0, "start must come before the end"),
        (4.0, 1.0, "start must come before the end"),
        (float("nan"), 1.0, "start must be a finite number of seconds; got nan"),
        (1.0, float("inf"), "end must be a finite number of seconds; got inf"),
        (99.0, None, r"within 0.00–3.00 s.*99 s to the end"),
        (None, -1.0, r"within 0.00–3.00 s.*an end at -1 s"),
        (-2.0, -1.0, r"within 0.00–3.00 s"),
    ],
)
def test_impossible_span_says_what_is_possible(
    start: float | None, end: float | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        span_frames(np.arange(10) / 3, start, end)


@given(
    steps=st.lists(st.floats(0.001, 2.0), min_size=1, max_size=60),
    start=st.floats(0, 30),
    width=st.floats(0.001, 30),
)
def test_span_holds_every_frame_shown_from_in_it(
    steps: list[float], start: float, width: float
) -> None:
    times = np.cumsum(steps)
    try:
        frames = span_frames(times, start, start + width)
    except ValueError:
        assert start > times[-1] or start + width <= times[0]
        return
    inside = np.flatnonzero((times >= start) & (times < start + width - 1e-5))
    assert set(inside.tolist()) <= set(frames.tolist())
    assert np.all(np.diff(frames) == 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: segment_indices(0, 3),
        lambda: segment_indices(3, 0),
        lambda: strided_indices(5, 2, 0),
        lambda: glance_index(0),
        lambda: grid_indices(5, 0),
        lambda: span_frames(np.empty(0)),
    ],
)
def test_counts_below_one_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match="at least"):
        call()  # type: ignore[operator]


def test_glance_position_outside_the_video_is_refused() -> None:
    with pytest.raises(ValueError, match="position"):
        glance_index(5, position=1.5)
