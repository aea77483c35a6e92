"""MAM on flow, alone and beside MAM on frames: each stream's own decisions, one answer."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy.special import softmax
from trace_films import card, film, loaded, saved

from actviz.clip.reader import frame_times
from actviz.errors import ActvizError
from actviz.trace.flow import flow_snippets, snippet_starts
from actviz.trace.run import Span, trace_file, trace_video
from actviz.trace.schema import MAMTrace, Trace, TwoStreamTrace
from actviz.trace.streams import two_streams
from actviz.trace.weights import load_second

FLOW = {"flow_length": 2}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film") / "a.mp4", 24)


@pytest.fixture
def both(path) -> TwoStreamTrace:
    trace = trace_video(loaded(card()), path, second=loaded(card(overrides=FLOW))).trace
    assert isinstance(trace, TwoStreamTrace)
    return trace


def test_mam_on_flow_alone_is_the_forward_pass_on_its_snippets(path):
    of = loaded(card(overrides=FLOW))
    trace = trace_video(of, path).trace
    inside = np.arange(len(frame_times(path)[0]))
    starts = snippet_starts(len(inside), of.card.frames, 2)
    flow = flow_snippets(path, np.stack([starts, starts + 1], 1), inside, card=of.card)
    with torch.no_grad():
        output = of.model(torch.from_numpy(flow.pictures)[None].float() / 255)
    np.testing.assert_allclose(trace.write_probability, output.write_probability[0], atol=1e-5)
    np.testing.assert_array_equal(trace.frame_index, starts)
    assert trace.clip["flow"] == {"method": "dis", "length": 2, "side": 32, "training": ""}


def test_the_stream_on_frames_is_what_it_is_alone(path):
    frames = loaded(card())
    alone = trace_video(frames, path).trace
    both = trace_video(frames, path, second=loaded(card(overrides=FLOW))).trace
    for field in fields(MAMTrace):
        np.testing.assert_array_equal(getattr(both, field.name), getattr(alone, field.name))


def test_the_answer_is_the_mean_of_the_streams_logits(both):
    wanted = softmax((both.logits + both.flow.logits) / 2)
    np.testing.assert_allclose(both.clip_probabilities, wanted, atol=1e-6)
    assert both.top(1)[0][0] == both.classes[int(wanted.argmax())]


def test_streams_that_count_their_classes_otherwise_are_matched_by_name(both):
    turned = replace(both.flow, classes=both.flow.classes[::-1])
    own = {f.name: getattr(both, f.name) for f in fields(MAMTrace)}
    fused = two_streams(MAMTrace(**own), turned).fused
    wanted = softmax((both.logits + both.flow.logits[::-1]) / 2)
    np.testing.assert_allclose(fused, wanted, atol=1e-6)


def test_what_if_is_asked_of_both_streams(path):
    traced = trace_video(loaded(card()), path, second=loaded(card(overrides=FLOW)))
    asked = traced.asked(threshold=1.0).trace
    assert isinstance(asked, TwoStreamTrace)
    assert not asked.written.any() and not asked.flow.written.any()


def test_both_streams_survive_the_disk(both, tmp_path):
    both.save(tmp_path)
    again = Trace.load(tmp_path)
    assert isinstance(again, TwoStreamTrace)
    np.testing.assert_array_equal(again.fused, both.fused)
    for field in fields(MAMTrace):
        np.testing.assert_array_equal(
            getattr(again.flow, field.name), getattr(both.flow, field.name)
        )
        np.testing.assert_array_equal(getattr(again, field.name), getattr(both, field.name))


def test_a_span_bounds_both_streams(path):
    second, stages = loaded(card(overrides=FLOW)), []
    tell = lambda *words: stages.append(words[0])  # noqa: E731
    traced = trace_video(loaded(card()), path, second=second, span=Span(0.2, 0.6), progress=tell)
    assert traced.trace.frame_index.tolist() == [6, 8, 11, 13]
    assert list(dict.fromkeys(stages)) == ["optical flow (DIS)", "MAM looks at the frames"]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, {}, "takes weights of MAM on optical flow; these are of MAM on RGB frames"),
        ({"overrides": FLOW}, {"overrides": FLOW}, "--weights is of MAM on flow"),
        ({}, {"overrides": FLOW, "classes": ("a", "b", "d")}, "must know the same classes"),
        ({"model": "tsn"}, {"overrides": FLOW}, "--weights is of TSN on rgb"),
    ],
)
def test_streams_that_do_not_belong_together_are_refused(first, second, said, tmp_path):
    weights = saved(tmp_path / "second.safetensors", card(**second))
    with pytest.raises(ActvizError, match=said):
        load_second(weights, loaded(card(**first)), "cpu")


@pytest.mark.parametrize("frames", [1, 2])
def test_a_clip_of_one_frame_is_refused_and_one_of_two_is_traced(frames, tmp_path):
    path = film(tmp_path / "short.mp4", frames)
    weights = saved(tmp_path / "flow.safetensors", card(overrides=FLOW))
    if frames == 1:
        with pytest.raises(ActvizError, match="only one; give a longer span"):
            trace_file(path, model="mam", weights=weights, device="cpu")
    else:
        trace = trace_file(path, model="mam", weights=weights, device="cpu").trace
        assert trace.frame_index.tolist() == [0]


def test_a_second_stream_is_for_mam(path, tmp_path):
    with pytest.raises(ActvizError, match="--with is for --model mam"):
        trace_file(path, model="tmnet", second="bundled", device="cpu")
