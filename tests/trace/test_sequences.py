"""MAM's rivals traced: the forward pass in numpy, on frames, on flow and on both."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from trace_films import card, film, loaded, saved

from actviz.clip.preprocess import model_frames
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.flow import flow_snippets, snippet_fields
from actviz.trace.run import Traced, trace_video
from actviz.trace.schema import SequenceTrace, Trace
from actviz.trace.weights import MODELS, check_traceable, load_weights

SIZE = 32
MAPS = {"map_size": (2, 2)}  # of the narrow network at 32 pixels
SMALL: dict[str, dict[str, Any]] = {
    "convnet": {},
    "lstm": {"hidden_dim": 8},
    "alstm": {"hidden_dim": 8},
    "convlstm": MAPS | {"hidden_dim": 8},
    "videolstm": MAPS | {"hidden_dim": 8, "motion_length": 2},
    "l2stm": MAPS | {"hidden_dim": 8, "motion_length": 2},
    "tslstm": {"motion_length": 2},
    "tsn": {},
}


def weights(model: str, **more: Any) -> Loaded:
    return loaded(card(model, overrides=SMALL[model] | more))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film") / "a.mp4", 24)


def trace_of(of: Loaded, path) -> tuple[SequenceTrace, Traced]:
    traced = trace_video(of, path)
    assert isinstance(traced.trace, SequenceTrace)
    return traced.trace, traced


def test_every_rival_has_its_words():
    assert set(MODELS) == {"mam", "tmnet", "man", *SMALL}


@pytest.mark.parametrize("model", SMALL)
def test_trace_is_the_forward_pass(model, path):
    of = weights(model)
    trace, traced = trace_of(of, path)
    seen = [model_frames(traced.clip.frames, SIZE)[None]]
    if getattr(of.model, "two_stream", False):
        fields = snippet_fields(trace.frame_index, 2, 24, around=True)
        flow = flow_snippets(path, fields, np.arange(24), card=of.card)
        seen.append(torch.from_numpy(flow.pictures)[None].float() / 255)
    with torch.no_grad():
        output = of.model(*seen)
    np.testing.assert_allclose(trace.probabilities, output.logits[0].softmax(-1), atol=1e-5)
    frames = output.frame_logits[0].softmax(-1)
    np.testing.assert_allclose(trace.frame_probabilities, frames, atol=1e-5)
    assert trace.model == model


@pytest.mark.parametrize("model", ["alstm", "videolstm"])
def test_attention_is_on_one_scale_for_the_clip(model, path):
    trace, _ = trace_of(weights(model), path)
    assert trace.attention is not None and trace.attention.dtype == np.float16
    assert trace.attention.max() == 1 and 0 < trace.attention_max <= 1
    shares = trace.attention.astype(np.float32) * trace.attention_max
    np.testing.assert_allclose(shares.sum((1, 2)), 1, atol=1e-2)


@pytest.mark.parametrize("model", ["lstm", "tsn"])
def test_what_has_no_attention_says_so(model, path):
    trace, _ = trace_of(weights(model), path)
    assert trace.attention is None and trace.attention_max == 0


@pytest.mark.parametrize("model", ["lstm", "tsn", "alstm"])
def test_rivals_on_flow_look_at_snippets(model, path):
    trace, _ = trace_of(weights(model, flow_length=3), path)
    assert trace.clip["flow"] == {"method": "dis", "length": 3, "side": 32, "training": ""}
    assert np.isfinite(trace.frame_probabilities).all()


def test_two_streams_both_on_flow_see_the_same_snippets(path):
    of = weights("videolstm", flow_length=2)
    trace, _ = trace_of(of, path)
    fields = np.stack([trace.frame_index, trace.frame_index + 1], 1)
    flow = flow_snippets(path, fields, np.arange(24), card=of.card)
    seen = torch.from_numpy(flow.pictures)[None].float() / 255
    with torch.no_grad():
        wanted = of.model(seen, seen).logits[0].softmax(-1)
    np.testing.assert_allclose(trace.probabilities, wanted, atol=1e-5)


@pytest.mark.parametrize("model", ["alstm", "convnet"])
def test_saved_trace_loads_bit_for_bit(model, path, tmp_path):
    trace, _ = trace_of(weights(model), path)
    trace.save(tmp_path)
    again = Trace.load(tmp_path)
    assert type(again) is SequenceTrace
    for field in fields(trace):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(trace, field.name))


def test_weights_of_another_rival_are_refused(tmp_path):
    of = card("tsn", overrides=SMALL["tsn"])
    with pytest.raises(ActvizError, match="expected weights of lstm; these are of tsn"):
        load_weights("lstm", saved(tmp_path / "tsn.safetensors", of), "cpu")


def test_weights_for_ready_features_are_refused():
    of = card("lstm", overrides={"backbone": None, "feature_dim": 8})
    with pytest.raises(ActvizError, match="without the CNN that makes them"):
        check_traceable(of, "mine.safetensors")


def test_a_clip_too_short_for_a_rival_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(ActvizError, match=r"short.mp4: a clip of 2 frames cannot be cut into 3"):
        trace_video(weights("tslstm"), film(tmp_path / "short.mp4", 2))
