"""From skeletons to images: axes, signs, rows and columns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from models.man import NTU_ROLES, image_rows, normalise_skeleton, skeleton_to_image, skipped_rules


def person(width: float = 0.3) -> Tensor:
    """A standing person (25, 3), metres, in +x to the right hip, +y forward, +z up; hips at 0."""
    joints = torch.zeros(25, 3)
    joints[0], joints[1], joints[20] = (torch.tensor([0, 0, z]) for z in (0.05, 0.3, 0.5))
    joints[2], joints[3] = torch.tensor([0, 0, 0.6]), torch.tensor([0, 0, 0.75])
    for side, shoulder, hip in ((-1, 4, 12), (1, 8, 16)):  # left has the smaller x
        x = side * width
        for k in range(4):
            joints[shoulder + k] = torch.tensor([x, 0.02 * k, 0.45 - 0.2 * k])
        for k, z in enumerate((0.0, -0.4, -0.8, -0.85)):
            joints[hip + k] = torch.tensor([side * 0.1, 0.15 if k == 3 else 0.0, z])
    joints[21:] = joints[[7, 7, 11, 11]]
    return joints


def rotation(seed: int) -> Tensor:
    q, _ = torch.linalg.qr(
        torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    )
    return (q * torch.sign(torch.det(q))).float()


def sequence(frames: int = 5, people: int = 1) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(4)
    base = torch.stack([person(), person(0.25)][:people])  # (P, 25, 3)
    sway = 0.02 * torch.randn(1, frames, people, 25, 3, generator=draw)
    sway[:, 0] = 0
    sway[..., [0, 20, *NTU_ROLES["torso"], 12, 16], :] = 0
    return base + sway, torch.ones(1, frames, people, dtype=torch.bool)


def test_hand_computed_pose_is_its_own_normal_form() -> None:
    joints, present = sequence(1)
    torch.testing.assert_close(normalise_skeleton(joints, present), joints, rtol=0, atol=1e-5)


def test_turned_and_moved_person_comes_back_to_the_same_frame() -> None:
    """Kinect's camera: x left of the person, y up, z towards the sensor's depth, by hand."""
    joints, present = sequence(1)
    turn = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])  # a cyclic exchange of axes
    moved = joints @ turn.T + torch.tensor([1.0, -2.0, 3.0])
    torch.testing.assert_close(normalise_skeleton(moved, present), joints, rtol=0, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_rotation_changes_nothing_for_either_body(seed: int) -> None:
    joints, present = sequence(5, 2)
    first = normalise_skeleton(joints, present)
    turned = joints @ rotation(seed).T + torch.randn(3)
    again = normalise_skeleton(turned, present)
    torch.testing.assert_close(again, first, rtol=0, atol=2e-5)
    up = again[0, 0, :, 20, 2] - again[0, 0, :, 0, 2]  # the second body stands upright too
    assert (up > 0).all()


def test_second_body_has_an_origin_and_axes_of_its_own() -> None:
    joints, present = sequence(5, 2)
    other = joints.clone()
    other[:, :, 1] = other[:, :, 1] @ rotation(3).T + 4.0
    torch.testing.assert_close(
        normalise_skeleton(other, present), normalise_skeleton(joints, present), rtol=0, atol=2e-5
    )


def test_body_that_appears_later_is_normalised_where_it_first_appears() -> None:
    joints, present = sequence(5, 2)
    present[:, :3, 1] = False
    joints += 3.0  # hips away from 0: a zero put in place of an absent body is moved as well
    joints[:, :3, 1] = torch.nan  # what an absent body holds is not looked at
    body = normalise_skeleton(joints, present)
    assert body.isfinite().all() and not body[:, :3, 1].any()
    hips = (body[:, 3, 1, 12] + body[:, 3, 1, 16]) / 2
    torch.testing.assert_close(hips, torch.zeros(1, 3), rtol=0, atol=1e-5)


def test_feet_that_point_backwards_turn_forward_round_for_all_bodies() -> None:
    joints, present = sequence(3, 2)
    plain = normalise_skeleton(joints, present)
    joints[:, :, 0, [15, 19], 1] = -0.15  # toes of the first body behind its ankles
    flipped = normalise_skeleton(joints, present)
    torch.testing.assert_close(flipped[:, :, 1, :, 1], -plain[:, :, 1, :, 1])
    torch.testing.assert_close(flipped[:, :, 1, :, [0, 2]], plain[:, :, 1, :, [0, 2]])


def test_shoulder_below_the_hips_turns_up_round() -> None:
    roles = {k: v for k, v in NTU_ROLES.items() if k not in ("spine_base", "spine_shoulder")}
    joints, present = sequence(3)
    for seed in range(8):
        body = normalise_skeleton(joints @ rotation(seed).T, present, roles=roles)
        assert body[0, 0, 0, 4, 2] > 0


def test_right_hip_is_on_the_right_for_most_of_the_sequence() -> None:
    """Somebody who turns round after the first frame: the axes are that frame's, x's sign not."""
    joints, present = sequence(5)
    joints[:, 1:] *= torch.tensor([-1.0, -1.0, 1.0])  # half a turn about the vertical
    gap = normalise_skeleton(joints, present)[0, :, 0, :, 0]
    gap = gap[:, 16] - gap[:, 12]  # (T,)
    assert gap.mean() > 0 and gap[0] < 0


def test_up_is_decided_where_the_body_first_appears() -> None:
    joints, present = sequence(5)
    present[:, :2] = False
    joints[:, 2, :, 4, 2] = -0.3  # in every other frame the shoulder is above
    body = normalise_skeleton(joints, present, roles={"shoulder_left": (4,)})
    torch.testing.assert_close(body[:, 2:, ..., 2], -joints[:, 2:, ..., 2])


def test_signs_are_decided_by_the_first_slot_that_ever_holds_a_body() -> None:
    joints, present = sequence(5, 2)
    joints[:, :, 1, 4, 2] = -0.3
    roles = {"shoulder_left": (4,)}
    present[:, :3, 0] = False  # appears after the other, and decides all the same
    body = normalise_skeleton(joints, present, roles=roles)
    torch.testing.assert_close(body[:, :, 1], joints[:, :, 1])
    present[:, :, 0] = False
    body = normalise_skeleton(joints, present, roles=roles)
    torch.testing.assert_close(body[:, :, 1, :, 2], -joints[:, :, 1, :, 2])


def test_joints_that_find_no_column_are_refused() -> None:
    joints, present = sequence(3, 2)
    assert skeleton_to_image(joints, present, columns=50)[0].shape[-1] == 50
    with pytest.raises(ValueError, match="2 people, 50 in all; got 49"):
        skeleton_to_image(joints, present, columns=49)


def test_default_device_does_not_matter_to_tensors_on_another() -> None:
    joints, present = sequence(5, 2)
    expected, rows = skeleton_to_image(joints, present, frames=7)
    with torch.device("meta"):
        image, again = skeleton_to_image(joints, present, frames=7)
    assert torch.equal(image, expected) and torch.equal(again, rows)


def test_present_nan_is_refused() -> None:
    joints, present = sequence()
    joints[0, 2, 0, 7] = torch.nan
    with pytest.raises(ValueError, match="finite"):
        normalise_skeleton(joints, present)


def test_rules_without_their_joints_are_skipped_and_named() -> None:
    joints, present = sequence()
    assert skipped_rules(NTU_ROLES) == ()
    torch.testing.assert_close(normalise_skeleton(joints + 3, present, roles={}), joints + 3)
    assert len(skipped_rules({})) == 7
    hips_only = {"hip_left": (12,), "hip_right": (16,)}
    body = normalise_skeleton(joints + 3, present, roles=hips_only)
    torch.testing.assert_close(body, joints, rtol=0, atol=1e-5)
    assert "rotation to the torso" in skipped_rules(hips_only)


def test_role_of_several_joints_is_their_middle() -> None:
    joints, present = sequence()
    roles = {"hip_left": (12, 13), "hip_right": (16, 17)}
    body = normalise_skeleton(joints + 3, present, roles=roles)
    middle = body[0, 0, 0, [12, 13, 16, 17]].mean(0)
    torch.testing.assert_close(middle, torch.zeros(3), rtol=0, atol=1e-5)


def test_degenerate_bodies_stay_finite() -> None:
    joints = torch.zeros(2, 3, 2, 25, 3)
    present = torch.ones(2, 3, 2, dtype=torch.bool)
    present[1] = False  # nobody at all
    assert normalise_skeleton(joints, present).isfinite().all()


@pytest.mark.parametrize("length", [1, 2, 7, 49, 50, 51, 77, 100, 299])
def test_rows_are_those_of_the_published_script(length: int) -> None:
    present = torch.zeros(1, 300, 2, dtype=torch.bool)
    present[:, :length, 0] = True
    rows = image_rows(present, frames=50)[0].numpy()
    if length > 50:
        expected = np.linspace(0, length - 1, 50).astype(int)
    else:
        expected = np.full(50, -1)
        start = (50 - length) // 2
        expected[start : start + length] = np.arange(length)
    np.testing.assert_array_equal(rows, expected)


def test_rows_agree_with_numpy_at_every_length() -> None:
    lengths = torch.arange(51, 400)
    present = (torch.arange(400) < lengths[:, None])[..., None]
    rows = image_rows(present, frames=50).numpy()
    for row, length in zip(rows, lengths.tolist(), strict=True):
        np.testing.assert_array_equal(row, np.linspace(0, length - 1, 50).astype(int))


def test_frames_with_nobody_inside_a_sequence_are_rows_of_zeros() -> None:
    joints, present = sequence(5)
    joints += 3.0
    present[:, [0, 2]] = False
    image, rows = skeleton_to_image(joints, present, frames=7)
    assert rows.tolist() == [[-1, 0, 1, 2, 3, 4, -1]]
    filled = image.abs().sum((1, 3))[0] > 0
    assert filled.tolist() == [False, False, True, False, True, True, False]


def test_nobody_at_all_is_padding_only() -> None:
    joints, present = sequence(5)
    image, rows = skeleton_to_image(joints + 3, torch.zeros_like(present), frames=7)
    assert (rows == -1).all() and not image.any()


def test_image_holds_coordinates_as_channels_frames_as_rows_and_joints_as_columns() -> None:
    joints, present = sequence(3, 2)
    image, rows = skeleton_to_image(joints, present, frames=50)
    body = normalise_skeleton(joints, present)
    assert image.shape == (1, 3, 50, 50)
    row = rows[0].tolist().index(2)
    torch.testing.assert_close(image[0, :, row, :25], body[0, 2, 0].T)
    torch.testing.assert_close(image[0, :, row, 25:], body[0, 2, 1].T)


def test_single_person_columns_stand_in_the_middle() -> None:
    joints, present = sequence(3)
    image, _ = skeleton_to_image(joints[:, :, :, :20], present, frames=50, roles={})
    used = (image.abs().sum((0, 1, 2)) > 0).nonzero().squeeze()
    assert image.shape[-1] == 50 and used.min() >= 15 and used.max() < 35


def test_samples_of_different_lengths_share_a_batch() -> None:
    long, _ = sequence(60)
    present = torch.ones(2, 60, 1, dtype=torch.bool)
    present[1, 4:] = False
    image, rows = skeleton_to_image(long.expand(2, -1, -1, -1, -1), present, frames=50)
    alone, alone_rows = skeleton_to_image(long[:, :4], present[1:, :4], frames=50)
    assert torch.equal(rows[1], alone_rows[0]) and (rows[0] >= 0).all()
    torch.testing.assert_close(image[1], alone[0])
