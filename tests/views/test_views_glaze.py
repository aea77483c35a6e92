"""A glaze is the drawing itself, laid over frames that it was not made for."""

from __future__ import annotations

import numpy as np

from actviz import views

FRAME = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
HEAT = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)


def two_halves(frame):
    """As the overlay of one glance has them: dimmed, heated, captioned, side by side."""
    box = (0, 10, 60)
    heated = views.blend_heat(views.dim_outside(frame, box), HEAT, box=box)
    both = np.concatenate([views.draw_caption(heated, "wave 0.8"), heated], axis=1)
    both[:, 79:81] = 255
    return both


def largest_difference(draw):
    glazed = views.Glaze(draw, 60, 80).over(FRAME)
    drawn = draw(FRAME)
    assert glazed.shape == drawn.shape
    assert glazed.dtype == np.uint8
    return np.abs(glazed.astype(int) - drawn).max()


def test_heat_dimming_and_words_are_those_of_the_drawing():
    assert largest_difference(two_halves) <= 2


def test_a_decision_with_its_border_and_bar_is_that_of_the_drawing():
    told = {"written": False, "probability": 0.4, "memory_size": 3}
    assert largest_difference(lambda frame: views.draw_decision(frame, **told)) <= 2


def test_nothing_drawn_leaves_the_frame_as_it_is():
    assert largest_difference(np.copy) == 0


def test_solid_colours_hide_the_frame():
    glaze = views.Glaze(lambda frame: np.full_like(frame, 255), 60, 80)
    assert (glaze.over(FRAME) == 255).all()


def test_pictures_given_out_stay_when_the_next_is_drawn():
    glaze = views.Glaze(np.copy, 60, 80)
    first = glaze.over(FRAME)
    glaze.over(np.zeros_like(FRAME))
    assert np.array_equal(first, FRAME)
