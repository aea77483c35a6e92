"""Traces say what the models did: the same numbers as a plain forward pass, in the clip's time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import models
from actviz.clip.preprocess import model_frames
from actviz.clip.types import Clip, Skeleton
from actviz.datasets.puppets import ACTIONS, make_scene
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded
from actviz.trace.frames import trace_mam, trace_tmnet
from actviz.trace.provenance import clip_facts, pick_device
from actviz.trace.skeletons import trace_man

FRAMES, SIZE = 20, 32  # more than one batch of the tracer


def loaded(name: str, **overrides) -> Loaded:
    overrides = {"num_classes": len(ACTIONS)} | overrides
    pictures = name != "man"
    card = Card(
        model=name,
        overrides=overrides,
        classes=ACTIONS,
        trained_on="nothing",
        frames=FRAMES,
        input_size=SIZE if pictures else None,
        layout=None if pictures else "ntu-25",
    )
    return Loaded(models.build(name, **overrides).eval(), card, "0" * 64, f"random-{name}")


@pytest.fixture(scope="module")
def clip() -> Clip:
    scene = make_scene(8)
    return scene.clip(range(FRAMES), size=48)


@pytest.fixture
def mam() -> Loaded:
    return loaded("mam", backbone="resnet18_narrow", width=4, memory_dim=8, hidden_dim=8)


@pytest.fixture
def tmnet() -> Loaded:
    return loaded("tmnet", backbone="resnet18_narrow", width=4)


def test_mam_trace_is_the_forward_pass(mam, clip):
    trace = trace_mam(mam, clip)
    with torch.no_grad():
        output = mam.model(model_frames(clip.frames, SIZE)[None])
    np.testing.assert_allclose(trace.write_probability, output.write_probability[0], atol=1e-5)
    np.testing.assert_array_equal(trace.written, output.written[0] > 0.5)
    np.testing.assert_array_equal(trace.times_s, clip.times_s)


def test_forced_and_thresholded_decisions_reach_the_trace(mam, clip):
    never = trace_mam(mam, clip, threshold=1.0)
    assert not never.written.any()
    assert never.threshold == 1.0
    force = np.full(FRAMES, 0.0)
    force[[2, 5]] = 1.0
    assert np.flatnonzero(trace_mam(mam, clip, force=force).written).tolist() == [2, 5]


def test_tmnet_trace_is_one_glance_at_every_frame(tmnet, clip):
    trace = trace_tmnet(tmnet, clip, cam_class="drink")
    with torch.no_grad():
        glance = tmnet.model.glance(model_frames(clip.frames, SIZE)[None])
    np.testing.assert_allclose(trace.probabilities, glance.logits[0].softmax(-1), atol=1e-5)
    np.testing.assert_allclose(trace.clip_answer, glance.logits[0].mean(0).softmax(-1), atol=1e-5)
    assert trace.cam_class == "drink"
    assert trace.cam_rb.dtype == np.float16
    assert max(trace.cam_rb.max(), trace.cam_cb.max()) == 1.0  # one maximum for both


def test_man_trace_has_a_value_for_every_source_frame_it_looked_at():
    man, skeleton = loaded("man"), make_scene(3).skeleton()
    trace = trace_man(man, skeleton)
    seen = len(trace.times_s)
    assert trace.attention.shape == (3, seen)
    assert trace.joints.shape == (seen, 2, 25, 3)
    assert set(trace.times_s) <= set(skeleton.times_s)


def test_man_looks_at_a_long_recording_through_fifty_frames():
    steps = 400
    joints = np.random.default_rng(0).normal(size=(steps, 1, 25, 3)).astype(np.float32)
    recording = Skeleton(
        joints=joints,
        present=np.ones((steps, 1), dtype=bool),
        times_s=np.arange(steps) / 30,
        frame_index=np.arange(steps),
        layout="ntu-25",
        root="camera",
        source="walk.npz",
        sha256="0",
    )
    trace = trace_man(loaded("man"), recording)
    assert len(trace.times_s) == 50
    assert trace.frame_index[[0, -1]].tolist() == [0, steps - 1]


def test_progress_counts_to_the_end(mam, clip):
    told: list[tuple[int, int]] = []
    trace_mam(mam, clip, progress=lambda done, total: told.append((done, total)))
    assert told == [(16, FRAMES), (FRAMES, FRAMES)]


def test_weights_of_another_model_are_refused(mam, tmnet, clip):
    with pytest.raises(ActvizError, match="expected weights of mam"):
        trace_mam(tmnet, clip)
    with pytest.raises(ActvizError, match="expected weights of tmnet"):
        trace_tmnet(mam, clip)


def test_one_frame_clip_has_a_length_and_no_rate(clip):
    facts = clip_facts(clip.take([3]))
    assert facts["frame_count"] == 1
    assert facts["fps"] == 0.0


def test_device_that_is_not_here_is_refused():
    absent = "cuda" if not torch.cuda.is_available() else "mps"
    with pytest.raises(ActvizError, match=f"no {absent} device"):
        pick_device(absent)
    assert pick_device("cpu").type == "cpu"
