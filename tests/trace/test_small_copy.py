"""A large film's small copy: nothing that is told or drawn differs by it."""

from __future__ import annotations

import numpy as np
from trace_films import card, film, loaded

from actviz.report import overlay_frames
from actviz.trace.run import Span, trace_video


def test_trace_and_overlay_are_those_without_the_copy(tmp_path):
    path, of = film(tmp_path / "large.mp4", 12, width=480, height=400), loaded(card("tmnet"))
    span = Span(0.1, 0.4)
    copied = trace_video(of, path, span=span, scratch=tmp_path)
    plain = trace_video(of, path, span=span)
    assert copied.small is not None
    assert plain.small is None
    assert np.array_equal(copied.trace.probabilities, plain.trace.probabilities)
    assert np.array_equal(copied.trace.frame_index, plain.trace.frame_index)
    pairs = zip(overlay_frames(copied), overlay_frames(plain), strict=True)
    assert all(a[0] == b[0] and np.array_equal(a[1], b[1]) for a, b in pairs)


def test_a_film_that_is_small_is_not_copied(tmp_path):
    path = film(tmp_path / "small.mp4", 6)
    assert trace_video(loaded(card("tmnet")), path, scratch=tmp_path).small is None
    assert list(tmp_path.iterdir()) == [path]
