"""A what-if is the forward pass of the changed clip, without a second look; its sums are exact."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

import models
from actviz.clip.preprocess import model_frames
from actviz.clip.types import Clip
from actviz.datasets.puppets import ACTIONS, make_scene
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded, bundled, load_checkpoint
from actviz.trace.frames import trace_mam
from actviz.trace.whatif import (
    CachedMAM,
    Change,
    conditions,
    dropped,
    mam_features,
    read_change,
    reversed_order,
    shuffled,
    what_if,
)

FRAMES, SIZE = 9, 32


@pytest.fixture(scope="module")
def clip() -> Clip:
    return make_scene(8).clip(range(0, 7 * FRAMES, 7), size=112)


@pytest.fixture(scope="module")
def cached(clip: Clip) -> CachedMAM:
    """Of the bundled weights."""
    return mam_features(load_checkpoint(bundled("mam")), clip)


def loaded(**overrides) -> Loaded:
    torch.manual_seed(3)
    sizes = {"backbone": "resnet18_narrow", "width": 4, "memory_dim": 8, "hidden_dim": 8}
    overrides = {"num_classes": len(ACTIONS), "output_bias": 0.0} | sizes | overrides
    card = Card("mam", overrides, ACTIONS, trained_on="nothing", frames=FRAMES, input_size=SIZE)
    return Loaded(models.build("mam", **overrides).eval(), card, "0" * 64, "random-mam")


def rollout(cached: CachedMAM, shown=slice(None), **more) -> models.MAMOutput:
    with torch.no_grad():
        return cached.model.rollout(cached.features[:, shown], **more)


def test_question_that_changes_nothing_is_the_trace(clip, cached):
    asked, traced = what_if(cached), trace_mam(load_checkpoint(bundled("mam")), clip)
    for field in fields(traced):
        np.testing.assert_array_equal(getattr(asked, field.name), getattr(traced, field.name))
    assert asked.what_if == ""
    assert asked.shown.tolist() == list(range(FRAMES))


@pytest.mark.parametrize(
    "asked",
    [{}, {"threshold": 0.9}, {"order": np.array([8, 1, 4])}, {"force": np.zeros(FRAMES)}],
    ids=["as it is", "threshold", "order", "nothing written"],
)
def test_contributions_and_bias_sum_to_the_logits(cached, asked):
    trace = what_if(cached, **asked)
    given = {"threshold": asked.get("threshold")}
    if "force" in asked:
        given["force"] = torch.from_numpy(asked["force"])[None]
    logits = rollout(cached, torch.from_numpy(trace.shown), **given).logits[0].numpy()
    np.testing.assert_allclose(trace.logits, logits, atol=1e-5)
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(), trace.probabilities, 1e-4)
    assert not trace.contribution[~trace.written].any()


def test_contribution_of_a_frame_is_its_items_share_of_the_mean(cached):
    force = np.zeros(FRAMES)
    force[[2, 5]] = 1
    trace, output = what_if(cached, force=force), rollout(cached)
    with torch.no_grad():
        each = output.memory_items[0] @ cached.model.classifier.weight.T / 2
    np.testing.assert_allclose(trace.contribution[[2, 5]], each[[2, 5]], atol=1e-5)


def test_terms_and_bias_sum_to_the_score_and_its_sigmoid_is_the_probability(cached):
    trace = what_if(cached)
    np.testing.assert_allclose(trace.score_terms.sum(1) + trace.score_bias, trace.score, atol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(-trace.score)), trace.write_probability, atol=1e-6)


def test_similarity_is_the_cosine_with_the_mean_of_what_was_written_before(cached):
    force = np.array([0, 1, 0, 1, 0, 0, 1, 1, 0.0])
    trace, items = what_if(cached, force=force), rollout(cached).memory_items[0].numpy()
    assert np.isnan(trace.similarity[:2]).all()
    for t in range(2, FRAMES):
        mean = items[:t][trace.written[:t]].mean(0)
        cosine = mean @ items[t] / np.linalg.norm(mean) / np.linalg.norm(items[t])
        np.testing.assert_allclose(trace.similarity[t], cosine, atol=1e-5)


def test_state_starts_anew_after_every_skipped_frame_unless_it_is_never_reset(clip):
    for reset in (True, False):
        trace = trace_mam(loaded(reset=reset), clip)
        np.testing.assert_array_equal(trace.state_reset, ~trace.written & reset)


def test_soft_writes_contribute_from_every_frame_and_reset_nothing(clip):
    cached = mam_features(loaded(writes="soft"), clip)
    trace = what_if(cached)
    np.testing.assert_allclose(trace.logits, rollout(cached).logits[0], atol=1e-5)
    assert trace.contribution.any(1).all()
    assert not trace.state_reset.any()


@pytest.mark.parametrize("order", [[4, 2, 7], [0, 1, 5, 8], list(range(FRAMES))[::-1]])
def test_reordered_clip_is_the_clip_filmed_in_that_order(clip, order):
    model = loaded()
    trace = what_if(mam_features(model, clip), order=np.array(order))
    with torch.no_grad():
        output = model.model(model_frames(clip.frames[order], SIZE)[None])
    np.testing.assert_allclose(trace.write_probability, output.write_probability[0], atol=1e-5)
    np.testing.assert_array_equal(trace.shown, order)
    np.testing.assert_array_equal(trace.times_s, clip.times_s[np.sort(order)])
    np.testing.assert_array_equal(trace.shown_s, clip.times_s[order])


def test_forced_decisions_stay_with_their_frames_wherever_these_are_shown(cached):
    force = np.full(FRAMES, np.nan)
    force[[0, 3]] = 0, 1
    for order in (None, reversed_order(FRAMES), shuffled(FRAMES, 4)):
        trace = what_if(cached, force=force, order=order)
        assert trace.written[trace.shown == 3].all()
        assert not trace.written[trace.shown == 0].any()


def test_orders_hold_the_frames_they_should():
    assert dropped(6, [1, 4, 4]).tolist() == [0, 2, 3, 5]
    assert reversed_order(3).tolist() == [2, 1, 0]
    assert sorted(shuffled(20, 1)) == list(range(20))
    assert shuffled(20, 1).tolist() == shuffled(20, 1).tolist() != shuffled(20, 2).tolist()


def test_trace_says_in_words_what_was_changed(cached):
    force = np.full(FRAMES, np.nan)
    force[[0, 1, 2, 5]], force[7] = 1, 0
    words = what_if(cached, threshold=0.25, force=force, order=dropped(FRAMES, [5, 8])[::-1])
    assert words.what_if == (
        "threshold 0.25; without frames 5, 8; frames in reverse; writing frames 0-2; "
        "skipping frames 7"
    )
    assert what_if(cached, order=np.array([2, 0, 1, 3])).what_if.endswith("in another order")


@pytest.mark.parametrize("order", [[], [0, 0], [-1], [FRAMES], [0.5], [[0, 1]]])
def test_order_that_is_none_is_refused(cached, order):
    with pytest.raises(ValueError, match="order must list positions of frames, 0 to 8"):
        what_if(cached, order=np.array(order))


def test_what_does_not_fit_the_clip_is_refused(cached):
    with pytest.raises(ValueError, match=r"force must have shape \(T,\) = \(9,\)"):
        what_if(cached, force=np.zeros(3), order=np.arange(3))
    with pytest.raises(ValueError, match="positions must lie in 0 to 8; got 3, 9-10"):
        dropped(FRAMES, [3, 9, 10])
    with pytest.raises(ValueError, match="at least one of the 9 frames"):
        dropped(FRAMES, range(FRAMES))


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("reverse", Change("reverse")),
        (" Shuffle ", Change("shuffle")),
        ("shuffle 7", Change("shuffle", seed=7)),
        ("drop 3-5, 9", Change("drop", ((3, 5), (9, 9)))),
        ("write 0", Change("write", ((0, 0),))),
    ],
)
def test_change_is_read_from_words(words, change):
    assert read_change(words) == change


@pytest.mark.parametrize(
    "words", ["", "swap", "reverse 3", "shuffle x", "drop", "drop 5-3", "skip 1,,2", "write -1"]
)
def test_words_of_no_change_are_refused(words):
    with pytest.raises(ActvizError, match="--what-if must be reverse, shuffle, drop 3-5"):
        read_change(words)


def test_changes_are_made_one_after_the_other():
    asked = ["drop 0-1", "reverse", "write 3-4", "skip 4", "drop 5"]
    found = conditions(map(read_change, asked), 6)
    assert found["order"].tolist() == [4, 3, 2]
    np.testing.assert_array_equal(found["force"], [np.nan, np.nan, np.nan, 1, 0, np.nan])
    turned = conditions(map(read_change, ["shuffle 3"]), 6)["order"]
    assert turned.tolist() == shuffled(6, 3).tolist()


def test_changes_that_the_clip_has_no_frames_for_are_refused():
    with pytest.raises(ActvizError, match=r"skip 5-6: MAM looks at frames 0 to 5 of this clip"):
        conditions([read_change("skip 5-6")], 6)
    with pytest.raises(ActvizError, match="all 6 frames are dropped"):
        conditions([read_change("drop 0-5"), read_change("reverse")], 6)
    assert conditions([read_change("write 0-5")], 6)["force"].all()
