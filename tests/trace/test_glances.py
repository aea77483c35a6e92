"""TMNet's curves by hand: where its branches disagree, what one glance knows of the clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from trace_films import card, film, loaded, saved

from actviz.clip.preprocess import model_frames
from actviz.clip.types import Clip
from actviz.curves import curves_csv
from actviz.errors import ActvizError
from actviz.trace.frames import trace_mam, trace_tmnet
from actviz.trace.glances import CachedTMNet, glance_trace, glances_at
from actviz.trace.run import Traced, trace_file
from models.tmnet import TMNet


def cached(rb, cb, *, features=None) -> CachedTMNet:
    """Two glances with these logits of the branches (T, 3), and features (2, T, 2) as 1x1 maps."""
    one = loaded(card("tmnet"))
    branches = torch.tensor([rb, cb], dtype=torch.float32)
    features = torch.zeros(2, 2, 2) if features is None else torch.tensor(features)
    with torch.no_grad():
        one.model.classifier.weight = torch.nn.Parameter(torch.eye(3)[:, :2].contiguous())
    clip = Clip(np.zeros((2, 8, 8, 3), np.uint8), np.arange(2.0), np.arange(2), "none", "0")
    facts = glances_at(loaded(card("tmnet")), clip).head
    maps = features[..., None, None]
    return CachedTMNet(one, clip, branches.mean(0), branches, maps, maps[1].mean((0, 2, 3)), facts)


def test_disagreement_is_the_total_variation_of_the_branches_answers():
    even, sure = [0.0, 0.0, -99.0], [0.0, -99.0, -99.0]  # (1/2, 1/2, 0) and (1, 0, 0)
    trace = glance_trace(cached([even, sure], [sure, [-99.0, 0.0, -99.0]]))
    np.testing.assert_allclose(trace.disagreement, [0.5, 1.0], atol=1e-6)
    assert trace.agree.tolist() == [True, False]


def test_features_are_compared_by_the_papers_smooth_l1_and_by_cosine():
    rb, cb = (
        [[1.0, 0.0], [0.0, 3.0]],
        [[2.0, 0.0], [0.0, 0.0]],
    )  # so that the clip's F_cls is (1, 0)
    trace = glance_trace(cached([[0.0] * 3] * 2, [[0.0] * 3] * 2, features=[rb, cb]))
    np.testing.assert_allclose(trace.branch_distance, [0.5 / 2, 2.5 / 2])  # |x| - 0.5, over 2
    np.testing.assert_allclose(trace.memory_distance_rb, [0.0, (0.5 + 2.5) / 2])
    np.testing.assert_allclose(trace.memory_distance_cb, [0.25, 0.25])
    np.testing.assert_allclose(trace.memory_similarity_rb, [1.0, 0.0])
    np.testing.assert_allclose(trace.memory_similarity_cb, [1.0, 0.0])


@pytest.fixture
def clip() -> Clip:
    frames = np.random.default_rng(0).integers(0, 255, (20, 40, 40, 3)).astype(np.uint8)
    return Clip(frames, np.arange(20) / 10, np.arange(20), "noise", "0")


def test_the_memory_is_what_the_classification_branch_makes_of_all_frames(clip):
    one = loaded(card("tmnet"))
    seen = glances_at(one, clip)
    with torch.no_grad():
        output = one.model(model_frames(clip.frames, 32)[None], key=0)
    torch.testing.assert_close(seen.memory, output.feature_cb[0])


def test_one_frame_is_its_own_memory(clip):
    trace = trace_tmnet(loaded(card("tmnet")), clip.take([3]))
    np.testing.assert_allclose(trace.memory_distance_cb, [0.0], atol=1e-6)
    np.testing.assert_allclose(trace.memory_similarity_cb, [1.0], atol=1e-6)
    np.testing.assert_allclose(trace.memory_distance_rb, trace.branch_distance)


def test_class_that_the_weights_do_not_know_is_refused(clip):
    with pytest.raises(ActvizError, match="class must be one of a, b, c; got 'dance'"):
        trace_tmnet(loaded(card("tmnet")), clip.take([0]), cam_class="dance")


@pytest.fixture
def seen(tmp_path) -> Traced:
    weights = saved(tmp_path / "w.safetensors", card("tmnet"))
    return trace_file(film(tmp_path / "a.mp4"), model="tmnet", weights=weights, device="cpu")


def test_maps_of_another_class_or_method_need_neither_the_file_nor_the_network(seen, monkeypatch):
    expected = trace_tmnet(seen.cached_glances.loaded, seen.clip, cam_class="c")
    seen.path.unlink()
    monkeypatch.setattr(TMNet, "glance", None)
    other = seen.with_maps(cam_class="c", method="gradcam").trace
    assert (other.cam_class, other.cam_method) == ("c", "gradcam")
    np.testing.assert_allclose(other.cam_rb, expected.cam_rb, atol=2e-3)  # float16
    np.testing.assert_array_equal(other.probabilities, seen.trace.probabilities)


def test_nothing_is_computed_where_nothing_changes(seen):
    assert seen.with_maps(cam_class=seen.trace.cam_class) is seen
    moving = seen.with_motion()
    assert moving.with_motion() is moving
    assert moving.with_maps(method="layercam").trace.motion is moving.trace.motion


def test_only_tmnet_has_other_maps(seen):
    with pytest.raises(ValueError, match="only TMNet has maps"):
        replace(seen, trace=trace_mam(loaded(card("mam")), seen.clip)).with_maps(method="gradcam")


def test_curves_table_has_the_memory_and_the_motion(seen):
    table = curves_csv(seen.with_motion().trace).splitlines()
    head, first = table[0].split(","), table[1].split(",")
    assert {"disagreement", "memory_distance_rb", "memory_similarity_cb", "agree"} <= set(head)
    assert head[-1] == "motion"
    assert len(first) == len(head)
    assert "motion" not in curves_csv(seen.trace)


@pytest.mark.parametrize("variant", ["3d-a", "3d-b"])
def test_three_dimensional_variants_are_traced(variant, tmp_path):
    """Their answer is RB's; 3d-b's base sees as many frames together as in training."""
    of = card("tmnet", overrides={"variant": variant})
    path = film(tmp_path / "a.mp4")
    trace = trace_file(path, model="tmnet", weights=saved(tmp_path / "w.safetensors", of)).trace
    assert len(trace.times_s) == (of.frames if variant == "3d-b" else 14)  # the film has no more
    np.testing.assert_array_equal(trace.probabilities, trace.probabilities_rb)


def test_memory_of_a_three_dimensional_branch_is_of_the_frames_together(clip):
    one = loaded(card("tmnet", overrides={"variant": "3d-b"}, frames=5))
    seen = glances_at(one, clip.take(range(5)))
    with torch.no_grad():
        output = one.model(model_frames(clip.frames[:5], 32)[None], key=0)
    torch.testing.assert_close(seen.memory, output.feature_cb[0])
