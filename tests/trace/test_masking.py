"""MAN asked again: what is masked is gone, all else is as it was, joints are where they stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from actviz.clip.layouts import LAYOUTS, LIMBS, Layout, limbs_of
from actviz.clip.skeleton import read_skeleton, segments_of
from actviz.datasets.puppets import ACTIONS, make_scene
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded
from actviz.trace.attribution import joint_evidence, scaled_attribution
from actviz.trace.cam import exact_cam
from actviz.trace.masking import CachedMAN, ask_man, moments_of, read_mask
from actviz.trace.run import WHOLE, Traced
from actviz.trace.skeletons import man_image

ONE, TWO = 0, 10  # puppet scenes with one and with two people


def loaded(**more) -> Loaded:
    overrides = {"num_classes": 12, "hidden": 8, "cell": "torch"} | more
    card = Card("man", overrides, ACTIONS, "nothing", frames=50, layout="ntu-25")
    return Loaded(models.build("man", **overrides).eval(), card, "0" * 64, "random-man")


@pytest.fixture(scope="module")
def cached() -> CachedMAN:
    torch.manual_seed(0)
    return man_image(loaded(), make_scene(TWO).skeleton())


def as_traced(cached: CachedMAN) -> Traced:
    return Traced(ask_man(cached), "x.npz", WHOLE, None, None, None, cached_skeleton=cached)


def test_trace_has_the_shapes_it_says(cached):
    trace = ask_man(cached)
    steps, people = trace.present.shape
    assert people == 2 and trace.present.any(0).all()
    assert trace.moved.shape == trace.attribution.shape == (steps, people, 25)
    assert trace.limbs == LIMBS and trace.without_limb.shape == (6, 12)
    assert trace.moments_s.shape == (10, 2) and trace.without_moment.shape == (10, 12)
    assert trace.cam_class == trace.top(1)[0][0] and trace.what_if == ""
    assert trace.attribution.max() == 1 and trace.attribution_max > 0


def test_masking_nothing_changes_nothing(cached):
    plain = as_traced(cached)
    none = np.zeros(len(cached), bool)
    again = plain.masked(limbs=(), frames=none, losses=True).trace
    for name in ("probabilities", "attention", "moved", "attribution", "without_limb"):
        np.testing.assert_array_equal(getattr(again, name), getattr(plain.trace, name))
    assert again.what_if == ""


def test_answer_is_the_networks_own_on_an_image_with_the_columns_set_to_zero(cached):
    joints = limbs_of(LAYOUTS["ntu-25"])["left arm"]
    assert joints == (4, 5, 6, 7, 21, 22)
    image = cached.image.clone()
    image[..., [*joints, *(25 + j for j in joints)]] = 0
    with torch.inference_mode():
        expected = cached.model.answer(image, cached.rows).logits.softmax(-1)[0]
    trace = ask_man(cached, limbs=["Left arm"])
    np.testing.assert_allclose(trace.probabilities, expected, atol=1e-6)
    without = ask_man(cached).without_limb[LIMBS.index("left arm")]
    np.testing.assert_allclose(without, expected, atol=1e-6)


def test_what_is_masked_has_no_attribution_and_is_not_moved(cached):
    frames = np.zeros(len(cached), bool)
    frames[5:9] = True
    trace = ask_man(cached, limbs=["right leg"], frames=frames)
    gone = np.broadcast_to(~trace.present[..., None], trace.attribution.shape).copy()
    gone[5:9] = gone[..., [16, 17, 18, 19]] = True
    assert not trace.attribution[gone].any() and not trace.moved[gone].any()
    assert trace.attribution.max() == 1 and (trace.moved[~gone] > 0).all()
    first, last = trace.times_s[[5, 8]]
    assert trace.what_if == f"without right leg; without {first:.2f}-{last:.2f} s"


def test_a_limb_in_a_moment_is_masked_there_and_of_one_person_alone(cached):
    arm, moment, person = limbs_of(LAYOUTS["ntu-25"])["left arm"], 4, 1
    trace = ask_man(cached)
    inside = moments_of(trace.times_s)[1][moment]
    assert trace.present[inside, person].any()
    image = cached.image.clone()
    for row in cached.places[inside]:
        image[:, :, row, [25 * person + j for j in arm]] = 0
    with torch.inference_mode():
        expected = cached.model.answer(image, cached.rows).logits.softmax(-1)[0]
    found = trace.without_limb_at[person, LIMBS.index("left arm"), moment]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found - trace.probabilities).max() > 1e-6


def test_who_is_not_there_cannot_be_missed(cached):
    trace = ask_man(cached)
    _, inside = moments_of(trace.times_s)
    away = ~np.array([trace.present[frames, 1].any() for frames in inside])
    assert away.any() and not away.all()
    same = np.broadcast_to(trace.probabilities, trace.without_limb_at[1][:, away].shape)
    np.testing.assert_array_equal(trace.without_limb_at[1][:, away], same)
    assert (trace.without_limb_at[0] != trace.probabilities).any(axis=-1).all()


def test_limbs_are_masked_moment_by_moment_on_top_of_what_is_masked_already(cached):
    trace = ask_man(cached, limbs=["left arm"])
    same = np.broadcast_to(trace.probabilities, trace.without_limb_at[:, 2].shape)
    assert LIMBS[2] == "left arm"
    np.testing.assert_allclose(trace.without_limb_at[:, 2], same, atol=1e-6)


def test_people_who_are_not_there_have_no_attribution(cached):
    trace = ask_man(cached, losses=False)
    assert 0 < trace.present[:, 1].sum() < len(trace.present)  # the second one comes and goes
    assert (trace.moved[trace.present] > 0).all() and not trace.moved[~trace.present].any()
    assert not trace.attribution[~trace.present].any() and trace.attribution[trace.present].any()


def test_moments_tile_the_clip_and_mask_what_lies_in_them(cached):
    trace = ask_man(cached)
    starts, ends = trace.moments_s.T
    np.testing.assert_allclose(starts[1:], ends[:-1])
    assert starts[0] == trace.times_s[0] and ends[-1] > trace.times_s[-1]
    for moment in (0, 9):
        inside = (trace.times_s >= starts[moment]) & (trace.times_s < ends[moment])
        asked = ask_man(cached, frames=inside, losses=False)
        np.testing.assert_allclose(trace.without_moment[moment], asked.probabilities, atol=1e-6)
        assert asked.without_limb is None


@pytest.mark.parametrize("frames", [1, 3, 10, 20, 50])
@pytest.mark.parametrize("fps", [24, 25, 30, 120])
def test_moments_of_an_even_clip_hold_equally_many_frames(fps, frames):
    spans_s, inside = moments_of(0.7 + np.arange(frames) / fps)
    assert inside.sum(1).tolist() == [max(1, frames // 10)] * min(10, frames)
    assert (inside.sum(0) == 1).all() and (np.diff(spans_s) > 0).all()


@pytest.mark.parametrize("length", [1, 4])
def test_clips_of_a_few_frames_have_as_many_moments(length):
    whole = make_scene(ONE).skeleton()
    part = {"times_s": whole.times_s, "frame_index": whole.frame_index}
    part |= {"joints": whole.joints, "present": whole.present}
    begin = int(whole.present.any(1).argmax())  # somebody is there
    short = replace(whole, **{k: values[begin : begin + length] for k, values in part.items()})
    trace = ask_man(man_image(loaded(), short))
    assert trace.without_moment.shape == (length, 12)
    assert np.isfinite(trace.without_moment).all()


def test_nothing_moves_where_the_recalibration_gives_nothing_back():
    man = loaded()
    for tarm in man.model.tarms:
        torch.nn.init.zeros_(tarm.restore.weight)  # W_o
    trace = ask_man(man_image(man, make_scene(ONE).skeleton()))
    assert not trace.moved.any()
    torch.nn.init.constant_(man.model.tarms[2].restore.bias, 0.25)  # b_o of z, in metres
    trace = ask_man(man_image(man, make_scene(ONE).skeleton()))
    np.testing.assert_allclose(trace.moved[trace.present], 0.25, rtol=1e-5)


def test_evidence_is_read_at_the_row_and_column_of_each_joint():
    model = loaded().model
    model.classifier = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(model.classifier.weight)
    maps = torch.zeros(1, 1, 50, 50)  # as fine as the image
    maps[0, 0, 7, 25 + 3] = 2.0
    evidence = joint_evidence(model, maps, 0)
    assert evidence.shape == (1, 50, 2, 25)
    assert evidence[0, 7, 1, 3] == 2 and evidence.sum() == 2


def test_evidence_is_grad_cam_of_the_last_maps(cached):
    package = pytest.importorskip("pytorch_grad_cam")

    class End(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.classifier = torch.nn.Identity(), cached.model.classifier

        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return self.classifier(self.last(maps).mean((-2, -1)))

    end = End()
    with torch.no_grad():
        maps = cached.model.answer(cached.image.clone(), cached.rows.clone()).maps
    chosen = int(end.classifier(maps.mean((-2, -1))).argmax())
    target = [package.utils.model_targets.ClassifierOutputTarget(chosen)]
    with package.GradCAM(end, [end.last]) as cam:
        theirs = cam(maps.requires_grad_(), target)[0]  # positive part, between 0 and 1
    ours = exact_cam(maps[0], end.classifier.weight[chosen]).clamp(min=0).detach().numpy()
    ours = (ours - ours.min()) / (ours.max() - ours.min())
    np.testing.assert_allclose(theirs, ours, atol=1e-4)


def test_no_evidence_is_no_attribution():
    maximum, attribution = scaled_attribution(-np.ones((2, 1, 3), np.float32), np.ones((2, 1, 3)))
    assert maximum == 0 and not attribution.any()


@pytest.mark.parametrize("stcm", ["preact18", "resnet18"])
def test_other_networks_are_traced_too(stcm):
    trace = ask_man(man_image(loaded(stcm=stcm), make_scene(TWO).skeleton()))
    assert trace.attribution.max() == 1
    assert np.isfinite(trace.without_moment).all()


def test_attribution_of_another_class_and_none_of_an_unknown_one(cached):
    assert ask_man(cached, cam_class="Throw", losses=False).cam_class == "throw"
    kept = as_traced(cached).masked(cam_class="drink").masked(limbs=["torso"])
    assert kept.trace.cam_class == "drink"
    with pytest.raises(ActvizError, match="class must be one of"):
        ask_man(cached, cam_class="swim")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_joint_of_a_known_layout_is_in_one_limb(layout):
    limbs = limbs_of(layout)
    assert tuple(limbs) == LIMBS
    assert sorted(j for joints in limbs.values() for j in joints) == list(range(len(layout)))
    assert len(limbs["left leg"]) == len(limbs["right leg"]) >= 4


def test_limbs_of_an_own_layout_are_those_its_names_sides_and_roles_tell():
    names = ("Hips", "LeftForeArm", "RightToeBase", "a", "b", "left_ear", "hand")
    roles = {"hip_left": (3,), "spine_base": (4,)}
    own = Layout("mine", names, (), (1, 3, 5), (2,), roles)
    torso, arm, leg = ("torso", (0, 4)), ("left arm", (1,)), ("right leg", (2,))
    expected = [("head and neck", (5,)), torso, arm, ("left leg", (3,)), leg]
    assert list(limbs_of(own).items()) == expected  # whose hand it is, nothing tells


def test_words_of_a_command_become_limbs_and_seconds(cached):
    mask = read_mask(["Without left arm, RIGHT arm; drop .5-1", "drop 2-2.5 s"])
    assert mask.limbs == ("left arm", "right arm") and mask.spans_s == ((0.5, 1), (2, 2.5))
    times_s = np.array([0.5, 1, 1.5, 2.2, 3])
    assert mask.frames(times_s).tolist() == [True, True, False, True, False]
    with pytest.raises(ActvizError, match=r"drop 2-2.5: MAN looks at no frame .* 0.50 to 1.00 s"):
        mask.frames(times_s[:2])
    with pytest.raises(ActvizError, match="no limb is called 'tail'; the layout ntu-25 has head"):
        ask_man(cached, limbs=read_mask(["without tail"]).limbs)


@pytest.mark.parametrize("words", ["", "without", "drop", "drop 2-1", "drop x", "reverse", "a;;b"])
def test_words_that_mean_nothing_are_refused_with_those_that_do(words):
    with pytest.raises(ActvizError, match=r'must be "without left arm, right arm" or "drop 1.2-1'):
        read_mask([words])


def test_visibility_is_that_of_the_joints_in_the_layout_of_the_weights():
    skeleton = make_scene(ONE).skeleton()
    seen = np.random.default_rng(0).random(skeleton.joints.shape[:3])
    trace = ask_man(man_image(loaded(), skeleton, visibility=seen), losses=False)
    at = np.searchsorted(skeleton.times_s, trace.times_s)
    np.testing.assert_allclose(trace.visibility, seen[at], rtol=1e-6)
    assert not trace.interpolated.any()


@pytest.mark.real
@pytest.mark.parametrize("name", ["S001C001P001R001A050", "S001C001P001R001A001"])
def test_turned_and_shifted_copies_of_a_real_recording_give_the_same_image(name, real_data):
    skeleton, man = read_skeleton(real_data / f"skeletons/ntu/{name}.skeleton"), loaded()
    plain = man_image(man, skeleton).image
    for seed in range(8):
        rng = np.random.default_rng(seed)
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))  # a rotation, not a reflection
        joints = skeleton.joints @ turn.T + rng.normal(size=3)
        joints[~skeleton.joints.any((2, 3))] = 0
        turned = man_image(man, replace(skeleton, joints=joints.astype(np.float32))).image
        torch.testing.assert_close(turned, plain, atol=2e-4, rtol=0)


@pytest.mark.real
def test_segment_of_a_real_recording_is_asked_on_its_own_seconds(real_data):
    file = real_data / "skeletons/utkinect/joints_s01_e01.txt"
    start, end = segments_of(file)["walk"]
    cached = man_image(loaded(), read_skeleton(file, segment="walk"))
    trace = ask_man(
        cached, frames=read_mask([f"drop {start}-{start + 1}"]).frames(cached.head["times_s"])
    )
    assert start <= trace.moments_s[0, 0] and trace.moments_s[-1, 1] <= end + 0.2
    assert not trace.attribution[trace.times_s <= start + 1].any()


def test_nobody_at_all_is_refused():
    skeleton = make_scene(ONE).skeleton()
    nobody = {"present": skeleton.present & False, "joints": 0 * skeleton.joints}
    with pytest.raises(ActvizError, match="nobody is present"):
        man_image(loaded(), replace(skeleton, **nobody))
