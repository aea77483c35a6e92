"""TSN's crops and mirrors by a plain enumeration of its rule; one draw holds for a whole clip."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from actviz.clip.layouts import get_layout
from actviz.learn.data.augment import draw_variation, vary_pictures, vary_skeleton
from actviz.learn.data.transforms import (
    Cut,
    centre_crop,
    centre_cut,
    crop_places,
    crop_sizes,
    cut_out,
    draw_cut,
    mirror,
    picture_indices,
    resize_side,
    ten_crop,
    to_tensor,
)


def rng(seed=0):
    return np.random.default_rng(seed)


# ---- crops ---------------------------------------------------------------------------------------


def test_sizes_at_256_are_tsns():
    sizes = crop_sizes(256, 340, 224, scales=(1, 0.875, 0.75, 0.66))
    sides = [256, 224, 192, 168]
    expected = {(h, w) for i, h in enumerate(sides) for j, w in enumerate(sides) if abs(i - j) <= 1}
    assert set(sizes) == expected and len(sizes) == 10


@pytest.mark.parametrize(("short", "side"), [(222, 224), (226, 224), (221, 221), (227, 227)])
def test_a_side_within_three_pixels_becomes_the_input_size(short, side):
    high = 300 if short < 224 else short
    scale = short / high
    assert crop_sizes(high, 400, 224, scales=(scale,)) == [(side, side)]


def test_places_of_a_crop_are_the_thirteen():
    places = crop_places(256, 340, (192, 224))
    down, right = (256 - 192) // 4, (340 - 224) // 4
    corners = {(0, 0), (0, 4), (4, 0), (4, 4)}
    others = {(2, 2), (2, 0), (2, 4), (0, 2), (4, 2), (1, 1), (1, 3), (3, 1), (3, 3)}
    assert set(places) == {(y * down, x * right) for y, x in corners | others}
    assert len(places) == 13
    assert set(crop_places(256, 340, (192, 224), more=False)) == {
        (y * down, x * right) for y, x in corners | {(2, 2)}
    }


def test_every_size_place_and_mirroring_is_drawn_equally_often():
    draws = [draw_cut(256, 340, 224, rng=r) for r in [rng()] for _ in range(5000)]
    seen = {(d.height, d.width, d.top, d.left, d.mirrored) for d in draws}
    possible = {
        (*crop, *place, turned)
        for crop in crop_sizes(256, 340, 224)
        for place in crop_places(256, 340, crop)
        for turned in (False, True)
    }
    assert seen == possible
    assert abs(np.mean([d.mirrored for d in draws]) - 0.5) < 0.03
    assert not any(draw_cut(256, 340, 224, rng=rng(s), flip=False).mirrored for s in range(20))


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 400), st.integers(8, 400), st.integers(4, 300), st.integers(0, 10**6))
def test_a_drawn_crop_lies_inside_the_picture(height, width, size, seed):
    cut = draw_cut(height, width, size, rng=rng(seed))
    assert cut.top >= 0 and cut.top + cut.height <= height and cut.height >= 1
    assert cut.left >= 0 and cut.left + cut.width <= width and cut.width >= 1
    middle = centre_cut(height, width, size)
    assert middle.height == middle.width == min(size, height, width)


def test_cutting_takes_the_same_part_of_every_frame():
    frames = torch.arange(2 * 3 * 6 * 8, dtype=torch.uint8).reshape(2, 3, 6, 8)
    part = cut_out(frames, Cut(top=1, left=2, height=3, width=4))
    assert torch.equal(part, frames[:, :, 1:4, 2:6])
    turned = cut_out(frames, Cut(1, 2, 3, 4, mirrored=True))
    assert torch.equal(turned, part.flip(-1))


def test_mirrored_flow_points_the_other_way():
    field = torch.tensor([[10, 20], [30, 40]], dtype=torch.uint8)  # x y, one row, two pixels
    flow = torch.stack([field, field + 100, field, field])[
        None, :, :, :
    ]  # (1, 4, 2, 2): x, y, x, y
    turned = mirror(flow, flow=True)
    assert turned[0, 0].tolist() == [[235, 245], [215, 225]]  # 255 - v, left for right
    assert turned[0, 1].tolist() == [[120, 110], [140, 130]]
    assert turned[0, 3].tolist() == [[20, 10], [40, 30]]


def test_ten_crops_are_corners_and_centre_and_their_mirror_images():
    flow = torch.arange(2 * 6 * 8, dtype=torch.uint8).reshape(1, 2, 6, 8)
    crops = ten_crop(flow, 4, flow=True)
    assert crops.shape == (10, 1, 2, 4, 4)
    assert torch.equal(crops[0], flow[..., :4, :4]) and torch.equal(crops[3], flow[..., 2:, 4:])
    assert torch.equal(crops[4], flow[..., 1:5, 2:6])
    assert torch.equal(crops[5], mirror(flow, flow=True)[..., :4, :4])
    with pytest.raises(ValueError, match="at least that size"):
        ten_crop(flow, 7)


def test_small_pictures_are_enlarged_and_proportions_kept():
    small = torch.zeros(2, 3, 20, 30, dtype=torch.uint8)
    assert resize_side(small, 40).shape == (2, 3, 40, 60)
    assert resize_side(small, 40, how="square").shape == (2, 3, 40, 40)
    assert centre_crop(small, 32).shape == (2, 3, 32, 32)
    assert resize_side(small, 20) is small


def test_flow_fields_become_channels_x_y_x_y():
    fields = rng().integers(0, 256, (6, 4, 5, 2), dtype=np.uint8)  # T = 2 snippets of L = 3
    stacked = to_tensor(fields, 3)
    assert stacked.shape == (2, 6, 4, 5)
    assert np.array_equal(stacked[1, 2], fields[4, ..., 0])  # second snippet, second field, x
    assert np.array_equal(stacked[1, 3], fields[4, ..., 1])


# ---- which frames --------------------------------------------------------------------------------


def test_tsn_draws_one_snippet_in_each_segment():
    for seed in range(30):
        at = picture_indices(50, 3, sampling="tsn", length=5, rng=rng(seed))
        part = (50 - 5 + 1) // 3
        assert at.shape == (3, 5) and (np.diff(at, axis=1) == 1).all()
        assert all(k * part <= at[k, 0] < (k + 1) * part for k in range(3))


def test_even_draws_one_place_in_each_part_and_reaches_the_end():
    seen = [picture_indices(10, 4, sampling="even", rng=rng(s))[:, 0] for s in range(200)]
    assert all((np.diff(at) >= 0).all() for at in seen)
    assert {int(at[-1]) for at in seen} == {7, 8, 9} and {int(at[0]) for at in seen} == {0, 1, 2}


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [("tsn", [2, 7, 12, 17]), ("even", [2, 7, 12, 17]), ("strided", [6, 8, 10, 12])],
)
def test_without_randomness_the_middle_is_seen(sampling, expected):
    assert picture_indices(20, 4, sampling=sampling, stride=2)[:, 0].tolist() == expected


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60), st.integers(1, 9), st.integers(1, 6), st.integers(1, 4),
    st.sampled_from(["tsn", "even", "strided"]), st.integers(0, 999) | st.none(),
)  # fmt: skip
def test_short_clips_repeat_frames(count, frames, length, stride, sampling, seed):
    at = picture_indices(
        count, frames, sampling=sampling, length=length, stride=stride,
        rng=None if seed is None else rng(seed),
    )  # fmt: skip
    assert at.shape == (frames, length) and at.min() >= 0 and at.max() < count


# ---- mild variation ------------------------------------------------------------------------------


def test_frames_of_one_clip_vary_alike_and_clips_apart():
    still = torch.rand(1, 1, 3, 16, 16).expand(2, 4, 3, 16, 16)
    draws = torch.from_numpy(np.stack([draw_variation(rng(s)) for s in (0, 1)]))
    varied = vary_pictures(still, draws)
    assert torch.equal(varied[:, 0], varied[:, 3])
    assert not torch.equal(varied[0], varied[1])
    assert varied.min() >= 0 and varied.max() <= 1
    assert torch.equal(vary_pictures(still[:1], draws[:1])[0], varied[0])


def test_mild_variation_of_flow_turns_x_with_the_mirror():
    rest = torch.full((1, 1, 4, 8, 8), 0.75)
    draw = torch.full((1, 8), 0.5)
    draw[:, 3] = 0.1  # mirrored
    turned = vary_pictures(rest, draw, flow=True)
    assert torch.allclose(turned[0, 0, 0::2], torch.tensor(0.25), atol=1e-6)
    assert torch.allclose(turned[0, 0, 1::2], torch.tensor(0.75), atol=1e-6)


# ---- skeletons -----------------------------------------------------------------------------------


def body(frames=40):
    joints = rng(3).normal(size=(frames, 2, 25, 3)).astype(np.float32)
    present = np.ones((frames, 2), dtype=bool)
    present[10:, 1] = False
    joints[10:, 1] = 0
    return joints, present


def test_a_skeleton_is_left_alone_where_every_field_is_zero():
    joints, present = body()
    varied, there = vary_skeleton(joints, present, rng=rng())
    assert np.array_equal(varied, joints) and np.array_equal(there, present)


def test_turning_keeps_heights_and_distances():
    joints, present = body()
    turned, _ = vary_skeleton(joints, present, rng=rng(), turn=90.0)
    assert not np.allclose(turned[..., 0], joints[..., 0])
    assert np.allclose(turned[..., 1], joints[..., 1])
    assert np.allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(joints, axis=-1), atol=1e-5)


def test_scale_noise_and_pace_stay_in_their_bounds():
    joints, present = body()
    for seed in range(20):
        scaled, _ = vary_skeleton(joints, present, rng=rng(seed), scale=0.1)
        ratio = np.linalg.norm(scaled[0, 0]) / np.linalg.norm(joints[0, 0])
        noisy, _ = vary_skeleton(joints, present, rng=rng(seed), noise=0.02)
        spread = (noisy - joints)[:10].std()
        paced, there = vary_skeleton(joints, present, rng=rng(seed), speed=0.25, crop=0.08)
        assert 0.9 <= ratio <= 1.1 and 0.0018 < spread < 0.022
        assert 40 * 0.84 * 0.75 - 1 <= len(paced) == len(there) <= 40 * 1.25 + 1
        assert not noisy[10:, 1].any()  # who is absent stays zero


def test_a_mirror_exchanges_left_and_right_and_twice_is_nothing():
    joints, present = body()
    layout = get_layout("ntu-25")
    sides = (layout.left, layout.right)
    seen, _ = vary_skeleton(joints, present, rng=rng(), sides=sides, mirror=1.0)
    hand, other = layout.number("hand_left"), layout.number("hand_right")
    assert np.array_equal(seen[:, 0, hand], joints[:, 0, other] * np.float32([-1, 1, 1]))
    assert np.array_equal(seen[..., 3, 1:], joints[..., 3, 1:])  # the head has no side
    again, _ = vary_skeleton(seen, present, rng=rng(), sides=sides, mirror=1.0)
    assert np.array_equal(again, joints)


def test_a_share_of_clips_is_centred_on_the_hips():
    joints, present = body()
    roles = get_layout("ntu-25").roles
    hips = (roles["hip_left"], roles["hip_right"])
    centred, _ = vary_skeleton(joints, present, rng=rng(), hips=hips, hips_share=1.0)
    assert np.allclose(centred[:10, :, 12] + centred[:10, :, 16], 0, atol=1e-5)
