"""Pictures, exact on tiny arrays: heat is transparent at zero, borders and bars are where meant."""

from __future__ import annotations

import numpy as np
import pytest

from actviz.views import (
    blend_heat,
    dim_outside,
    draw_caption,
    draw_decision,
    draw_skeleton,
    greyed,
    memory_contents,
    strip,
)
from actviz.views.theme import BONES, LIGHT, SKIPPED, WRITTEN, heat_colours, rgb

GREY = np.full((8, 8, 3), 100, dtype=np.uint8)


def test_no_heat_leaves_the_picture_as_filmed():
    assert np.array_equal(blend_heat(GREY, np.zeros((2, 2))), GREY)


def test_full_heat_is_four_fifths_of_the_hottest_colour():
    hot = blend_heat(GREY, np.ones((2, 2)))
    wanted = np.rint(100 + 0.8 * (heat_colours()[255].astype(float) - 100))
    assert np.abs(hot.astype(int) - wanted).max() <= 1


def test_heat_is_enlarged_bilinearly_with_cell_centres_in_place():
    ramp = np.array([[0.0, 1.0]])
    values = [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]
    frame = np.full((1, 8, 3), 100, dtype=np.uint8)
    for column, value in enumerate(values):
        flat = blend_heat(frame, np.array([[value]]))
        assert np.abs(blend_heat(frame, ramp)[0, column].astype(int) - flat[0, 0]).max() <= 1


def test_heat_stays_inside_its_box():
    out = blend_heat(GREY, np.ones((3, 3)), box=(2, 1, 4))
    changed = (out != GREY).any(axis=-1)
    assert changed[2:6, 1:5].all()
    assert changed.sum() == 16


def test_heat_of_many_frames_equals_one_by_one():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    heat = rng.random((3, 2, 2))
    together = blend_heat(frames, heat)
    for frame, one, out in zip(frames, heat, together, strict=True):
        assert np.array_equal(blend_heat(frame, one), out)


def test_heat_refuses_wrong_values_shapes_and_boxes():
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        blend_heat(GREY, np.full((2, 2), 1.5))
    with pytest.raises(ValueError, match="finite"):
        blend_heat(GREY, np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="heat must have shape"):
        blend_heat(GREY, np.zeros((3, 2, 2)))
    with pytest.raises(ValueError, match="inside"):
        blend_heat(GREY, np.zeros((2, 2)), box=(0, 4, 6))
    with pytest.raises(ValueError, match="uint8"):
        blend_heat(GREY.astype(float), np.zeros((2, 2)))


def test_input_is_never_written_to():
    frame = GREY.copy()
    frame.setflags(write=False)
    blend_heat(frame, np.ones((2, 2)))
    draw_decision(frame, written=True, probability=1.0, memory_size=1)
    draw_caption(frame, "hello")
    draw_skeleton(frame, np.array([[[1.0, 1.0], [6.0, 6.0]]]), [(0, 1)])


def test_outside_of_the_box_is_darker_and_the_inside_untouched():
    out = dim_outside(GREY, (0, 2, 4), keep=0.5)
    assert (out[:4, 2:6] == 100).all()
    assert (out[:, :2] == 50).all()
    assert np.array_equal(dim_outside(GREY, None), GREY)


def test_greyed_has_no_colour():
    out = greyed(np.array([[[255, 0, 0]]], dtype=np.uint8), towards=235, amount=0.5)
    assert out[0, 0].tolist() == [round(0.299 * 255 * 0.5 + 235 * 0.5)] * 3


@pytest.mark.parametrize(("written", "look"), [(True, WRITTEN), (False, SKIPPED)])
def test_decision_border_has_the_colour_and_skipped_is_dashed(written, look):
    frame = np.full((240, 320, 3), 90, dtype=np.uint8)
    out = draw_decision(frame, written=written, probability=0.8, memory_size=3)
    top = (out[0] == rgb(look.colour)).all(axis=-1)
    assert top.all() if written else 0.4 < top.mean() < 0.6
    assert (out[60, 160] == 90).all()
    assert out.shape == frame.shape


def test_decision_bar_is_as_long_as_the_probability():
    frame = np.full((240, 400, 3), 90, dtype=np.uint8)
    lengths = []
    for probability in (0.0, 0.25, 1.0):
        out = draw_decision(
            frame, written=False, probability=probability, memory_size=0, threshold=None
        )
        inner = out[210:235, 20:380]
        lengths.append((inner == rgb(SKIPPED.colour)).all(axis=-1).sum(axis=1).max())
    assert lengths[0] == 0
    assert lengths[2] == 360
    assert lengths[1] == pytest.approx(0.25 * 384 - 12, abs=2)


def test_decision_on_a_tiny_frame_keeps_its_size():
    for side in (4, 16, 48, 112):
        frame = np.zeros((side, side, 3), dtype=np.uint8)
        out = draw_decision(frame, written=True, probability=float("nan"), memory_size=12)
        assert out.shape == frame.shape


def test_caption_darkens_a_band_and_writes_white_words():
    frame = np.full((120, 160, 3), 200, dtype=np.uint8)
    top, bottom = draw_caption(frame, "hello"), draw_caption(frame, "hello", where="bottom")
    assert (top[-20:] == 200).all() and (bottom[:20] == 200).all()
    assert top[:15].max() > 240 and top[0, -1].max() < 80
    with pytest.raises(ValueError, match='"top" or "bottom"'):
        draw_caption(frame, "hello", where="left")


def test_bones_have_the_colour_of_their_side():
    frame = np.zeros((100, 100, 3), dtype=np.uint8)
    points = np.array([[[20.0, 20.0], [20.0, 80.0], [80.0, 20.0], [80.0, 80.0]]])
    out = draw_skeleton(frame, points, [(0, 1), (2, 3)], left=(0, 1), right=(2, 3))
    assert out[50, 20].tolist() == list(rgb(BONES["left"].colour))
    assert out[50, 80].tolist() == list(rgb(BONES["right"].colour))


def test_left_is_thicker_than_right():
    frame = np.zeros((300, 300, 3), dtype=np.uint8)
    points = np.array([[[60.0, 60.0], [60.0, 240.0], [240.0, 60.0], [240.0, 240.0]]])
    out = draw_skeleton(frame, points, [(0, 1), (2, 3)], left=(0, 1), right=(2, 3))
    wide = (out[150].max(axis=-1) > 60).reshape(2, 150).sum(axis=1)
    assert wide[0] > wide[1]


def test_absent_people_and_unseen_joints_are_not_drawn():
    frame = np.zeros((60, 60, 3), dtype=np.uint8)
    points = np.array([[[10.0, 10.0], [50.0, 50.0]]])
    assert not draw_skeleton(frame, points, [(0, 1)], present=[False]).any()
    points[0, 1] = np.nan
    assert not draw_skeleton(frame, points, [(0, 1)]).any()


def test_who_is_interpolated_is_drawn_half_as_strong_and_under_who_is_seen():
    frame = np.zeros((100, 100, 3), dtype=np.uint8)
    bone = np.array([[20.0, 50.0], [80.0, 50.0]])
    seen, made = (draw_skeleton(frame, bone[None], [(0, 1)], present=[p]) for p in (1, 0.5))
    assert np.abs(made[50, 50] * 2.0 - seen[50, 50]).max() <= 2
    both = draw_skeleton(frame, np.stack([bone, bone]), [(0, 1)], present=[1, 0.5])
    assert both[50, 50].tolist() == seen[50, 50].tolist()


def clip(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Frame i is one flat grey, 10·i."""
    frames = np.stack([np.full((6, 8, 3), 10 * i, np.uint8) for i in range(count)])
    return frames, 0.5 + np.arange(count)


def test_strip_is_linear_in_seconds():
    frames, times = clip(4)
    out = strip(frames, times, width=80, height=15)
    assert out.shape == (15, 80, 3)
    assert [out[5, x, 0] for x in (10, 30, 50, 70)] == [0, 10, 20, 30]


def test_strip_cursor_and_states_are_where_they_belong():
    frames, times = clip(4)
    written = [True, False, True, True]
    out = strip(frames, times, width=80, height=18, cursor_s=3.0, written=written)
    assert out[0, 60].tolist() == list(rgb(LIGHT.ink))
    assert out[-1, 10].tolist() == list(rgb(WRITTEN.colour))
    assert out[-1, 30].tolist() == list(rgb(SKIPPED.colour))
    assert out[5, 30, 0] > 80  # the skipped frame is faded towards the paper


def test_strip_of_one_frame_and_of_a_given_span():
    frames, times = clip(1)
    assert strip(frames, times, width=40, height=10, cursor_s=0.5).shape == (10, 40, 3)
    with pytest.raises(ValueError, match="end > start"):
        strip(frames, times, span_s=(2.0, 1.0))


def test_memory_contents_keep_their_size_and_grow():
    frames, times = clip(6)
    frames = frames + np.uint8(60)
    written = np.array([False, True, False, True, True, False])
    pictures = [memory_contents(frames, written, i, width=200, columns=4) for i in range(6)]
    assert len({p.shape for p in pictures}) == 1
    held = [
        sum(bool((p[10, 3 + 25 + 50 * k] == 60 + 10 * f).all()) for k, f in enumerate((1, 3, 4)))
        for p in pictures[1:]
    ]
    assert held == [1, 1, 2, 3, 3]
    memory_contents(frames, written, 5, times_s=times, dark=True)


def test_memory_contents_without_a_write_and_past_the_end():
    frames, _ = clip(3)
    assert memory_contents(frames, np.zeros(3, bool), 2).std() > 0  # words, not a blank
    memory_contents(frames, np.ones(3, bool), -1)  # before the first frame
    with pytest.raises(ValueError, match="upto"):
        memory_contents(frames, np.zeros(3, bool), 3)
