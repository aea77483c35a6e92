"""The figure of a rival's answer over time, and the second stream's bar in MAM's."""

from __future__ import annotations

import numpy as np
import pytest

from actviz.views.print_memory import memory_figure
from actviz.views.print_sequence import sequence_figure

FRAMES = np.full((4, 24, 32, 3), 128, np.uint8)
TIMES = np.arange(4) / 2
RISING = np.array([0.1, 0.4, 0.6, 0.9])


def words_of(figure) -> str:
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def pictures(figure) -> list[np.ndarray]:
    frames = next(axes for axes in figure.axes if len(axes.images) == 4)
    return [np.asarray(image.get_array()) for image in frames.images]


def test_the_answers_probability_runs_to_its_last_value():
    figure = sequence_figure(FRAMES, TIMES, RISING, class_name="wave", title="ALSTM: wave")
    lines = [line for axes in figure.axes for line in axes.lines]
    line = next(line for line in lines if len(line.get_xdata()) == 4)
    np.testing.assert_array_equal(line.get_ydata(), RISING)
    assert "0.90 at the end" in words_of(figure)


def test_attention_colours_the_frames_where_it_lies():
    attention = np.zeros((4, 2, 2))
    attention[2, 0, 0] = 1
    figure = sequence_figure(
        FRAMES, TIMES, RISING, class_name="wave", title="x", attention=attention, attention_max=0.5
    )
    shown = pictures(figure)
    assert (shown[0] == 128).all()
    assert np.ptp(shown[2][2, 2]) > 40 and np.ptp(shown[2][-2, -2]) == 0


def test_a_second_streams_decisions_must_fit_the_frames():
    curves = (TIMES, RISING, RISING > 0.5, np.array([0, 0, 1, 2]))
    with pytest.raises(ValueError, match=r"flow_written must have shape \(4,\); got \(3,\)"):
        memory_figure(FRAMES, *curves, threshold=0.5, title="x", flow_written=np.ones(3, bool))
