"""The puppet theatre: determinism, truth, bodies, fairness between classes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actviz.clip.types import Clip, Skeleton
from actviz.datasets.puppets import (
    ACTIONS,
    FPS,
    SPLITS,
    PuppetTruth,
    make_scene,
    render_many,
    scene_seeds,
)
from actviz.datasets.puppets.body import BONES
from actviz.errors import ActvizError

GOLDEN = Path(__file__).parent / "golden" / "puppets.npz"
PAIRS = [("sit down", "stand up"), ("pick up", "put down")]
ANY_SEED = st.integers(0, 2**63 - 1)


def irrelevant(scene) -> np.ndarray:
    shots = [s for s in scene.truth.shots if s.kind != "action"]
    return np.concatenate([np.arange(s.start, s.stop) for s in shots])


# ---------------------------------------------------------------- the same everywhere


def test_joints_equal_the_stored_ones_to_a_micrometre():
    golden = np.load(GOLDEN)
    for seed, joints in zip(golden["seeds"], golden["joints"], strict=True):
        scene = make_scene(int(seed), root="camera")
        np.testing.assert_allclose(scene.skeleton().joints[golden["frames"]], joints, atol=1e-6)


@pytest.mark.parametrize("size", [64, 112])
def test_pictures_equal_the_golden_ones_to_one_grey_level(size):
    golden = np.load(GOLDEN)
    for seed, stored in zip(golden[f"seeds_{size}"], golden[f"pictures_{size}"], strict=True):
        frame = make_scene(int(seed)).render([int(golden["frames"][0])], size)[0]
        near = np.abs(frame.astype(int) - stored.astype(int)) <= 1
        assert near.mean() >= 0.995


def test_a_frame_does_not_depend_on_what_else_is_asked_for():
    scene = make_scene(10)
    alone = make_scene(10).render([20], 48)
    np.testing.assert_array_equal(scene.render(size=48)[20], alone[0])
    np.testing.assert_array_equal(scene.render([33, 20], 48)[1], alone[0])


def test_two_scenes_of_one_seed_are_equal():
    one, two = make_scene(8).skeleton(), make_scene(8).skeleton()
    np.testing.assert_array_equal(one.joints, two.joints)
    assert one.sha256 == two.sha256


def test_puppets_need_neither_torch_nor_pyav():
    code = "import sys, actviz.datasets.puppets; print('torch' in sys.modules, 'av' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


# ---------------------------------------------------------------- what a clip is


def test_there_are_twelve_actions_in_the_order_of_the_design():
    assert (
        *("wave", "clap", "jumping jack", "squat", "sit down", "stand up"),
        *("pick up", "put down", "throw", "drink", "shake hands", "push"),
    ) == ACTIONS


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_gives_clip_skeleton_and_truth_that_fit(action):
    scene = make_scene(77, action=action)
    skeleton, clip = scene.skeleton(), scene.clip([0, 5, 9], 32)
    assert isinstance(clip, Clip) and isinstance(skeleton, Skeleton)
    assert clip.frames.shape == (3, 32, 32, 3) and skeleton.joints.shape == (len(scene), 2, 25, 3)
    assert skeleton.layout == "ntu-25" and scene.label == ACTIONS.index(action)
    assert 3 * FPS <= len(scene) <= 6 * FPS
    np.testing.assert_array_equal(clip.times_s, scene.times_s[[0, 5, 9]])


def test_pictures_come_in_any_height_and_width():
    assert make_scene(3).render([0], (40, 64)).shape == (1, 40, 64, 3)
    assert make_scene(3).limb_mask([0], (40, 64)).shape == (1, 40, 64)


def test_skeleton_without_global_position_is_centred_on_the_hips():
    skeleton = make_scene(10, root="hips").skeleton()
    hips = 0.5 * (skeleton.joints[:, :, 12] + skeleton.joints[:, :, 16])
    assert skeleton.root == "hips" and np.abs(hips).max() < 1e-6
    roots = [make_scene(seed).root for seed in range(60)]
    assert 0.2 < roots.count("hips") / 60 < 0.6


def test_joints_land_where_the_picture_shows_them():
    scene = make_scene(0, root="camera")
    index = int(np.flatnonzero(scene.truth.evidence)[4])
    staged = next(s for s in scene.staged if s.shot.start <= index < s.shot.stop)
    x, y, z = scene.skeleton().joints[index, 0, 3]
    k = staged.camera.focal[index - staged.shot.start] * 120 / 2
    u, v = round(float(60 + k * x / z)), round(float(60 - k * y / z))
    head = scene.render([index], 120)[0, v, u].astype(int)
    empty = scene.render([int(irrelevant(scene)[0])], 120)[0, v, u].astype(int)
    assert np.abs(head - empty).sum() > 40


def test_a_face_towards_the_camera_has_its_left_hand_at_smaller_x_as_kinect():
    scene = make_scene(0, root="camera")
    index = int(np.flatnonzero(scene.truth.evidence)[0])
    joints = scene.skeleton().joints[index, 0]
    assert joints[15, 2] < joints[14, 2]  # toes nearer than the ankle: faces the camera
    assert joints[4, 0] < joints[8, 0]


def test_render_many_gives_frames_labels_and_evidence():
    seeds = scene_seeds("train", 3)
    frames, labels, evidence, numbers = render_many(seeds, 4, 24, seed=1)
    assert frames.shape == (3, 4, 24, 24, 3) and labels.tolist() == [0, 1, 2]
    assert evidence.shape == numbers.shape == (3, 4) and (np.diff(numbers) > 0).all()
    np.testing.assert_array_equal(frames[1], make_scene(seeds[1]).render(numbers[1].tolist(), 24))


# ---------------------------------------------------------------- truth


def test_evidence_covers_a_third_to_two_thirds_and_lies_within_takes():
    for seed in range(80):
        truth = make_scene(seed).truth
        assert 0.35 <= truth.evidence.mean() <= 0.65
        takes = [s for s in truth.shots if s.kind == "action"]
        inside = np.concatenate([np.arange(s.start, s.stop) for s in takes])
        assert set(np.flatnonzero(truth.evidence)) <= set(inside.tolist())


def test_shots_follow_one_another_and_cuts_stand_between_them():
    for seed in range(40):
        truth = make_scene(seed).truth
        assert truth.shots[0].start == 0 and truth.shots[-1].stop == len(truth.times_s)
        joined = [a.stop == b.start for a, b in zip(truth.shots, truth.shots[1:], strict=False)]
        assert all(joined) and any(s.kind != "action" for s in truth.shots)
        np.testing.assert_allclose(truth.cuts_s, [truth.times_s[s.start] for s in truth.shots[1:]])


def test_phase_rises_through_each_take():
    scene = make_scene(21)
    for shot in scene.truth.shots:
        phase = scene.truth.phase[shot.start : shot.stop]
        if shot.kind == "action":
            assert (np.diff(phase) >= 0).all() and phase.max() > 0.9
        else:
            assert not phase.any()


def test_limbs_move_in_most_evidence_frames_and_in_no_other():
    shown = []
    for seed in range(24):
        scene = make_scene(seed)
        at = np.arange(0, len(scene), 6)
        mask = scene.limb_mask(at.tolist(), 56)
        evidence = scene.truth.evidence[at]
        assert not mask[~evidence].any()
        shown.append(mask[evidence].any(axis=(1, 2)).mean())
    assert np.mean(shown) > 0.75


def test_the_mask_of_a_waving_figure_is_a_small_part_of_it():
    scene = make_scene(12)  # wave
    truth = scene.truth
    middle = np.flatnonzero(truth.evidence & (np.abs(truth.phase - 0.5) < 0.2))
    mask = scene.limb_mask(middle.tolist(), 96)
    assert 0.0005 < mask.mean() < 0.03


def test_nobody_is_present_in_pans_and_empty_stages():
    for seed in range(40):
        scene = make_scene(seed)
        present = scene.skeleton().present
        for shot in scene.truth.shots:
            people = 0 if shot.kind in ("pan", "empty stage") else 1
            if shot.kind == "action" and scene.action in ("shake hands", "push"):
                people = 2
            assert (present[shot.start : shot.stop].sum(axis=1) == people).all()


def test_truth_survives_json(tmp_path):
    truth = make_scene(5).truth
    truth.save(tmp_path / "truth.json")
    back = PuppetTruth.load(tmp_path / "truth.json")
    np.testing.assert_allclose(back.times_s, truth.times_s, atol=1e-8)
    np.testing.assert_array_equal(back.evidence, truth.evidence)
    np.testing.assert_allclose(back.phase, truth.phase, atol=1e-8)
    assert back.shots == truth.shots and back.action == truth.action and back.seed == 5


def test_foreign_truth_is_refused_in_words(tmp_path):
    (tmp_path / "x.json").write_text('{"seed": 1}')
    with pytest.raises(ActvizError, match="expected the truth of a puppet clip"):
        PuppetTruth.load(tmp_path / "x.json")


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize("action", ACTIONS)
def test_bones_keep_their_length_and_nothing_sinks_into_the_floor(action):
    for seed in range(500, 508):
        for staged in make_scene(seed, action=action).staged:
            for figure in staged.performance.figures:
                bones = np.stack([figure.joints[:, a] - figure.joints[:, b] for a, b in BONES], 1)
                length = np.sqrt((bones**2).sum(-1))
                assert np.ptp(length, axis=0).max() < 1e-6
                assert figure.joints[..., 1].min() > 0
                assert 1.4 < figure.body.stature < 2.0


@pytest.mark.parametrize("action", ["wave", "drink", "sit down", "squat", "pick up"])
def test_feet_stand_still_where_nothing_jumps(action):
    staged = next(s for s in make_scene(91, action=action).staged if s.shot.kind == "action")
    feet = staged.performance.figures[0].joints[:, [14, 15, 18, 19]]
    assert np.ptp(feet, axis=0).max() < 0.03


def test_the_action_stays_in_the_picture():
    for seed in range(48):
        for staged in make_scene(seed).staged:
            if staged.shot.kind != "action":
                continue
            for figure in staged.performance.figures:
                x, y, z = np.moveaxis(staged.camera.to_camera(figure.joints), -1, 0)
                side = np.maximum(np.abs(x), np.abs(y)) / z * staged.camera.focal[:, None]
                assert z.min() > 0.5 and side.max() < 1.0


def test_hands_meet_when_two_shake_hands():
    for seed in range(10, 130, 12):
        scene = make_scene(seed)
        staged = next(s for s in scene.staged if s.shot.kind == "action")
        one, two = (figure.joints for figure in staged.performance.figures)
        gaps = [np.sqrt(((one[:, j] - two[:, j]) ** 2).sum(-1)).min() for j in (7, 11)]
        assert min(gaps) < 0.12


# ---------------------------------------------------------------- fairness


def test_irrelevant_shots_do_not_know_the_action():
    scenes = [make_scene(31, action=action) for action in ACTIONS]
    at = irrelevant(scenes[0])[::7].tolist()
    first = scenes[0]
    for scene in scenes[1:]:
        assert scene.truth.shots == first.truth.shots
        np.testing.assert_array_equal(scene.truth.evidence, first.truth.evidence)
        np.testing.assert_array_equal(scene.render(at, 32), first.render(at, 32))
        np.testing.assert_array_equal(scene.skeleton().joints[at], first.skeleton().joints[at])


@pytest.mark.parametrize(("forth", "back"), PAIRS)
def test_a_reversed_pair_is_one_motion_in_two_orders_of_time(forth, back):
    for seed in range(600, 610):
        takes = []
        for action in (forth, back):
            staged = next(
                s for s in make_scene(seed, action=action).staged if s.shot.kind == "action"
            )
            takes.append((staged, staged.performance))
        (staged, one), (_, two) = takes
        scene = make_scene(seed)
        evidence = scene.truth.evidence[staged.shot.start : staged.shot.stop]
        a = one.figures[0].joints[evidence]
        b = two.figures[0].joints[evidence][::-1]
        assert np.abs(a - b).max() < 0.12  # the unrest of standing is all that differs
        assert [p.kind for p in one.props] == [p.kind for p in two.props]


@pytest.mark.parametrize(("forth", "back"), PAIRS)
def test_a_single_frame_statistic_cannot_tell_a_reversed_pair(forth, back):
    heights = []
    for action in (forth, back):
        values = []
        for seed in range(120):
            scene = make_scene(7000 + seed, action=action, root="camera")
            joints = scene.skeleton().joints[scene.truth.evidence, 0]
            values.append((joints[:, 3, 1] - joints[:, 14, 1]).mean())
        heights.append(np.array(values))
    assert abs(heights[0].mean() - heights[1].mean()) < 0.01
    assert abs(heights[0].std() - heights[1].std()) < 0.02


def test_still_frames_before_and_after_are_equally_many():
    holds = np.array([hold for seed in range(800) for hold in make_scene(seed).plan.holds])
    before, after = holds.mean(axis=0)
    assert abs(before - after) < 0.12


def test_where_irrelevant_shots_stand_is_the_same_in_both_directions_of_time():
    ends = [make_scene(seed).truth.shots for seed in range(800)]
    first = np.mean([shots[0].kind == "action" for shots in ends])
    last = np.mean([shots[-1].kind == "action" for shots in ends])
    assert abs(first - last) < 0.06


# ---------------------------------------------------------------- splits


def test_splits_are_disjoint_and_balanced():
    train, val, test = (set(SPLITS[name]) for name in ("train", "val", "test"))
    assert not train & val and not train & test and not val & test
    for split in SPLITS:
        labels = [make_scene(seed).label for seed in scene_seeds(split, 120)]
        assert np.bincount(labels, minlength=12).tolist() == [10] * 12


def test_actors_rooms_and_cameras_belong_to_one_seed():
    bodies = set()
    for split in SPLITS:
        for seed in scene_seeds(split, 60):
            company = make_scene(seed)._company
            bodies.add((company.bodies[0], company.bodies[1], company.rooms))
    assert len(bodies) == 180


# ---------------------------------------------------------------- errors and properties


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_scene(-1), "seed must be"),
        (lambda: make_scene(0, action="juggle"), "action must be one of wave"),
        (lambda: make_scene(0, root="moon"), "root must be"),
        (lambda: make_scene(0).render([999]), "indices must lie in 0"),
        (lambda: make_scene(0).render([0], 2), "at least 8 pixels"),
        (lambda: scene_seeds("dev", 3), "split must be one of train, val, test"),
        (lambda: scene_seeds("val", 10**9), "the val split has"),
        (lambda: render_many([0], 0), "frames_per_clip must be at least 1"),
    ],
)
def test_wrong_calls_are_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@settings(max_examples=25, deadline=None)
@given(seed=ANY_SEED, share=st.floats(0, 1, exclude_max=True))
def test_any_seed_gives_a_finite_scene(seed, share):
    scene = make_scene(seed)
    skeleton = scene.skeleton()
    assert np.isfinite(skeleton.joints).all() and scene.truth.evidence.any()
    assert not skeleton.joints[~skeleton.present].any()
    at = [int(share * len(scene))]
    frame, mask = scene.render(at, 32), scene.limb_mask(at, 32)
    assert frame.std() > 1 and mask.mean() < 0.7
    assert scene.truth.evidence[at[0]] or not mask.any()


@settings(max_examples=50, deadline=None)
@given(seed=ANY_SEED)
def test_any_seed_gives_bounded_repeatable_numbers(seed):
    from actviz.datasets.puppets.dice import Dice

    one, two = Dice(seed, "a"), Dice(seed, "a")
    numbers = one.uniforms(-2, 3, 50)
    np.testing.assert_array_equal(numbers, two.uniforms(-2, 3, 50))
    assert (numbers >= -2).all() and (numbers < 3).all()
    assert 0 <= one.below(7) < 7 and one.shares([0.0, 1.0, 0.0]) == 1
    assert Dice(seed, "b").unit() != Dice(seed, "a").unit()
