"""Two streams and rivals on disk: figure, overlay, table and words, by the command line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from trace_films import card, film, loaded, saved

from actviz.cli import main
from actviz.cli.look import PAPERS, RIVALS
from actviz.clip.reader import probe
from actviz.curves import curves_csv
from actviz.errors import ActvizError
from actviz.report import draw_figure, in_words, overlay_frames
from actviz.trace import flow as trace_flow
from actviz.trace.run import Traced, trace_file, trace_video
from actviz.trace.schema import SequenceTrace, Trace, TwoStreamTrace
from actviz.trace.weights import MODELS

FLOW = {"flow_length": 2}


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "a.mp4", 24)


@pytest.fixture(scope="module")
def both(path) -> Traced:
    return trace_video(loaded(card()), path, second=loaded(card(overrides=FLOW)))


@pytest.fixture(scope="module")
def attending(path) -> Traced:
    return trace_video(loaded(card("alstm", overrides={"hidden_dim": 8})), path)


def table_of(traced: Traced) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(curves_csv(traced.trace))))


def test_the_command_knows_the_models_that_are_traced():
    assert {*PAPERS, *RIVALS} == set(MODELS)


def test_figure_has_both_streams_decisions_under_each_other(both):
    figure = draw_figure(both)
    named = {a.get_ylabel(): a for a in figure.axes}
    assert named["frames"].get_position().y0 > named["flow"].get_position().y1
    for name, trace in (("frames", both.trace), ("flow", both.trace.flow)):
        drawn = [patch.get_gid() == "written" for patch in named[name].patches]
        assert drawn == trace.written.tolist()


def test_words_of_two_streams_name_both_and_their_flow(both):
    said = "\n".join(in_words(both, "out"))
    for words in (
        "MAM, frames and flow, on a.mp4",
        "the stream on flow wrote",
        "flow alone",
        "stream on flow: random-mam",
        "optical flow by DIS, snippets of 2 fields",
    ):
        assert words in said


def test_table_of_two_streams_has_both(both):
    rows = table_of(both)
    flow = both.trace.flow
    assert [int(row["flow_written"]) for row in rows] == flow.written.astype(int).tolist()
    assert [int(row["written"]) for row in rows] == both.trace.written.astype(int).tolist()


def test_overlay_of_two_streams_says_more_than_that_of_one(both, path):
    one = trace_video(loaded(card()), path)
    (_, with_both), (_, with_one) = next(overlay_frames(both)), next(overlay_frames(one))
    assert with_both.shape == with_one.shape and not np.array_equal(with_both, with_one)


def test_a_rivals_figure_table_and_words_show_its_answer_over_time(attending):
    trace = attending.trace
    name, _ = trace.top(1)[0]
    titles = [axes.get_title(loc="left") for axes in draw_figure(attending).axes]
    assert f"probability of {name}, frame by frame" in titles
    rows = table_of(attending)
    told = [float(row[name]) for row in rows]
    np.testing.assert_allclose(told, trace.frame_probabilities[:, trace.classes.index(name)], 1e-4)
    assert f"{name} is the answer at" in "\n".join(in_words(attending, "out"))


def test_attention_is_laid_over_a_rivals_film(attending, path):
    bare = trace_video(loaded(card("lstm", overrides={"hidden_dim": 8})), path)
    (_, heated), (_, plain) = next(overlay_frames(attending)), next(overlay_frames(bare))
    assert np.abs(heated[30:].astype(int) - plain[30:]).max() > 40


@pytest.mark.parametrize("model", ["videolstm", "tsn"])
def test_a_rival_gives_the_four_files(model, path, tmp_path, capsys):
    small = {"map_size": (2, 2), "hidden_dim": 8} if model == "videolstm" else {}
    weights = saved(tmp_path / "rival.safetensors", card(model, overrides=small))
    words = ["trace", path, "--model", model, "--weights", weights, "--out", tmp_path / "out"]
    assert main([str(word) for word in (*words, "--device", "cpu")]) == 0
    assert isinstance(Trace.load(tmp_path / "out"), SequenceTrace)
    assert probe(tmp_path / "out" / "overlay.mp4").frame_count == 24
    assert f"{MODELS[model]} on a.mp4" in capsys.readouterr().out


def test_two_streams_give_the_four_files_and_can_be_asked_what_if(path, tmp_path):
    first = saved(tmp_path / "frames.safetensors", card())
    second = saved(tmp_path / "flow.safetensors", card(overrides=FLOW))
    words = ["trace", path, "--model", "mam", "--weights", first, "--with", second, "--flow", "dis"]
    words += ["--what-if", "skip 0-3", "--device", "cpu", "--out", tmp_path / "out"]
    assert main([str(word) for word in words]) == 0
    trace = Trace.load(tmp_path / "out")
    assert isinstance(trace, TwoStreamTrace)
    assert not trace.written.any() and not trace.flow.written.any()


def test_a_second_stream_that_will_not_do_ends_in_a_sentence(path, tmp_path, capsys):
    frames = saved(tmp_path / "frames.safetensors", card())
    words = ["trace", path, "--model", "mam", "--weights", frames, "--with", frames]
    assert main([str(word) for word in (*words, "--out", tmp_path / "out")]) == 2
    assert (
        "takes weights of MAM on optical flow; these are of MAM on RGB" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_flow_that_cannot_be_had_is_said_before_the_network_looks(path, tmp_path, monkeypatch):
    def lacking(_method):
        raise ActvizError("optical flow needs OpenCV")

    monkeypatch.setattr(trace_flow, "flow_method", lacking)
    weights, told = saved(tmp_path / "flow.safetensors", card(overrides=FLOW)), []
    with pytest.raises(ActvizError, match="needs OpenCV"):
        trace_file(path, model="mam", weights=weights, progress=lambda *w: told.append(w))
    assert told == []


@pytest.mark.real
def test_two_streams_of_real_clips(real_data, tmp_path):
    first = loaded(card(dataset="", input_size=64))
    second = loaded(card(overrides=FLOW, dataset="", input_size=64))
    for file in ("videos/arm_wrestling.mp4", "ucf101/UCF-101/BenchPress/v_BenchPress_g01_c03.avi"):
        trace = trace_video(first, real_data / file, second=second).trace
        assert isinstance(trace, TwoStreamTrace)
        assert trace.flow.clip["flow"] == {
            "method": "dis",
            "length": 2,
            "side": 256,
            "training": "",
        }
        assert np.isfinite(trace.fused).all()
