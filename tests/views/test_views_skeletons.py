"""Skeletons in three dimensions: upright, on a floor, at a fixed extent, sides told apart."""

from __future__ import annotations

import time

import numpy as np
import pytest
from views_fakes import BONES, LEFT, RIGHT, STANDING

from actviz.views import describe_pose, skeleton_extent, skeleton_frame, skeleton_scene
from actviz.views.skeleton import bone_sides, side_marks

SIDES = {"left": LEFT, "right": RIGHT}


def named(figure, start: str) -> list:
    return [trace for trace in figure.data if (trace.name or "").startswith(start)]


def test_kinect_axes_become_an_upright_scene(clip16):
    figure = skeleton_scene(clip16.joints[0], clip16.present[0], BONES, **SIDES)
    (joints,) = named(figure, "joints")
    used = np.unique(BONES)
    assert joints.x == pytest.approx(STANDING[used, 0])
    assert joints.y == pytest.approx(STANDING[used, 2])  # away from the camera
    assert joints.z == pytest.approx(STANDING[used, 1])  # up
    camera = figure.layout.scene.camera
    assert camera.up.z == 1
    assert camera.eye.y < 0  # one looks as the camera looked


def test_bones_are_told_apart_by_colour_and_width(clip16):
    figure = skeleton_scene(clip16.joints[0], clip16.present[0], BONES, **SIDES)
    looks = {side: named(figure, f"{side}, person")[0].line for side in ("left", "right", "centre")}
    assert len({line.color for line in looks.values()}) == 3
    assert len({line.width for line in looks.values()}) == 3
    (letters,) = named(figure, "left and right")
    assert list(letters.text) == ["<b>L</b>", "<b>R</b>"]


def test_extent_is_that_of_the_whole_clip_whatever_the_frame(pair16):
    moving = pair16.joints + np.linspace(0, 2, 16)[:, None, None, None] * np.array([1.0, 0, 0])
    extent = skeleton_extent(moving, pair16.present)
    ranges = set()
    for at in (0, 7, 15):
        scene = skeleton_scene(
            moving[at], pair16.present[at], BONES, extent=extent, **SIDES
        ).layout.scene
        ranges.add((*scene.xaxis.range, *scene.yaxis.range, *scene.zaxis.range))
    assert len(ranges) == 1


def test_extent_holds_everyone_and_the_floor_is_below_the_feet(pair16):
    low, high = skeleton_extent(pair16.joints, pair16.present).T
    assert (low <= pair16.joints.reshape(-1, 3).min(axis=0)).all()
    assert (high >= pair16.joints.reshape(-1, 3).max(axis=0)).all()
    assert low[1] == pytest.approx(-0.85 - 0.02)


def test_absent_people_do_not_widen_the_extent(pair16):
    present = pair16.present.copy()
    present[:, 1] = False
    alone = skeleton_extent(pair16.joints[:, :1], pair16.present[:, :1])
    assert np.allclose(skeleton_extent(pair16.joints, present), alone)


def test_joints_grow_and_glow_with_attention(clip16):
    sizes = []
    for weight in (0.1, 0.9):
        figure = skeleton_scene(clip16.joints[0], clip16.present[0], BONES, weight=weight, **SIDES)
        sizes.append(
            (named(figure, "joints")[0].marker.size, named(figure, "attention")[0].opacity)
        )
        said = [note.text for note in figure.layout.annotations]
        assert any(f"attention at this frame {weight:.2f}" in text for text in said)
    assert sizes[1] > sizes[0]
    plain = skeleton_scene(clip16.joints[0], clip16.present[0], BONES, **SIDES)
    assert not named(plain, "attention")


def test_two_people_differ_in_their_joints_and_absent_ones_are_left_out(pair16):
    both = skeleton_scene(pair16.joints[0], pair16.present[0], BONES, **SIDES)
    assert len({trace.marker.symbol for trace in named(both, "joints")}) == 2
    one = skeleton_scene(pair16.joints[0], [True, False], BONES, **SIDES)
    assert len(named(one, "joints")) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_nobody_is_said_in_words(pair16, dark):
    figure = skeleton_scene(pair16.joints[0], [False, False], BONES, dark=dark, **SIDES)
    assert any("nobody is in this frame" in note.text for note in figure.layout.annotations)
    assert describe_pose(pair16.joints[0], [False, False]) == "Nobody is in this frame."
    assert "2 people of 11 joints" in describe_pose(pair16.joints[0], [True, True], weight=0.5)


def test_every_bone_belongs_to_one_side():
    sides = bone_sides(BONES, LEFT, RIGHT)
    assert sum(len(pairs) for pairs in sides.values()) == len(BONES)
    assert sides["centre"].tolist() == [[0, 1], [1, 2]]
    assert side_marks(BONES, LEFT, RIGHT) == [(4, "L"), (6, "R")]
    assert side_marks(BONES, (), ()) == []


def test_joints_all_nan_and_a_wrong_extent_are_refused(clip16):
    with pytest.raises(ValueError, match="no pose to draw"):
        skeleton_scene(np.full((1, 11, 3), np.nan), [True], BONES, **SIDES)
    with pytest.raises(ValueError, match="extent must have shape"):
        skeleton_scene(clip16.joints[0], clip16.present[0], BONES, extent=np.zeros((2, 3)), **SIDES)


def test_stage_picture_is_upright_and_keeps_left_and_right(clip16):
    out = skeleton_frame(clip16.joints[0], clip16.present[0], BONES, size=(240, 320), **SIDES)
    assert out.shape == (240, 320, 3) and out.dtype == np.uint8
    blue = np.argwhere((out[..., 2] > 200) & (out[..., 0] < 120))
    red = np.argwhere((out[..., 0] > 180) & (out[..., 2] < 40))
    assert blue[:, 1].mean() < 160 < red[:, 1].mean()
    assert red[:, 0].min() < 100  # the raised right hand is above the middle


def test_stage_shows_attention_and_absence(pair16):
    extent = skeleton_extent(pair16.joints, pair16.present)
    one, two, none = (
        skeleton_frame(pair16.joints[0], who, BONES, extent=extent, weight=w, **SIDES)
        for who, w in (([True, True], 0.2), ([True, True], 0.9), ([False, False], 0.2))
    )
    yellow = [((p[..., 0] > 200) & (p[..., 1] > 190) & (p[..., 2] < 90)).sum() for p in (one, two)]
    assert yellow[1] > 2 * yellow[0]
    assert not np.array_equal(one, none)


def test_stage_does_not_jump_between_frames(clip16):
    extent = skeleton_extent(clip16.joints, clip16.present)
    moved = clip16.joints[0] + np.array([0.05, 0.0, 0.0])
    one = skeleton_frame(clip16.joints[0], [True], BONES, extent=extent, **SIDES)
    two = skeleton_frame(moved, [True], BONES, extent=extent, **SIDES)
    assert np.array_equal(one[-40:, :60], two[-40:, :60])
    assert not np.array_equal(one, two)


def test_stage_is_quick_enough_for_video(pair16):
    extent = skeleton_extent(pair16.joints, pair16.present)

    def draw() -> None:
        skeleton_frame(pair16.joints[0], [True, True], BONES, extent=extent, weight=0.5, **SIDES)

    draw()
    durations = []
    for _ in range(20):
        start = time.process_time()  # not the wall's: other tests may have the cores
        draw()
        durations.append(time.process_time() - start)
    assert min(durations) < 1 / 60
