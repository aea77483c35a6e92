"""Flow computed on the way is the flow that networks are trained on, of any clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trace_films import card, film

from actviz.clip import flow as clip_flow
from actviz.clip.flow import FlowError, flow_fields, quantise
from actviz.clip.reader import frame_times, read_clip
from actviz.datasets.base import Sample
from actviz.datasets.prepare_clip import Settings, prepare_clip
from actviz.errors import ClipReadError
from actviz.learn.data.pictures import open_frames
from actviz.learn.protocols import clip_pictures
from actviz.trace import flow
from actviz.trace.flow import (
    FlowSnippets,
    flow_snippets,
    flow_words,
    snippet_fields,
    snippet_starts,
)

PUPPETS = card(overrides={"flow_length": 2}, input_size=48)


def snippets(path: Path, starts=(0, 5), *, of=PUPPETS, length=2, **more) -> FlowSnippets:
    inside = np.arange(len(frame_times(path)[0]))
    fields = snippet_fields(np.array(starts), length, len(inside), around=False)
    return flow_snippets(path, fields, inside, card=of, **more)


def check_as_trained(path: Path, tmp_path: Path, *, resize: str) -> None:
    """Prepared on disk and read as the network is tested, bit for bit."""
    of = card(overrides={"flow_length": 3}, input_size=64, resize=resize, dataset="")
    sample = Sample("a/b", path, 0)
    assert prepare_clip(sample, Settings(tmp_path / "out", flow="dis")).status == "prepared"
    source = open_frames([sample], modality="flow", prepared=tmp_path / "out", side=73,
                         resize=resize, workers=0)  # fmt: skip
    wanted = clip_pictures(source, 0, of, "centre")[0].numpy()
    starts = snippet_starts(len(frame_times(path)[0]), of.frames, 3)
    assert np.array_equal(snippets(path, starts, of=of, length=3).pictures, wanted)


@pytest.mark.parametrize("resize", ["short", "square"])
def test_snippets_are_those_that_training_reads_of_prepared_flow(resize, tmp_path):
    check_as_trained(film(tmp_path / "a.mp4"), tmp_path, resize=resize)


@pytest.mark.real
@pytest.mark.parametrize("name", ["ucf101", "hmdb51"])
def test_snippets_of_real_clips_are_those_that_training_reads(name, real_data, tmp_path):
    clips = sorted((real_data / name).rglob("*.avi"), key=lambda path: path.stat().st_size)
    check_as_trained(clips[0], tmp_path, resize="short")


def test_puppet_weights_see_flow_of_frames_at_their_own_size(tmp_path):
    path = film(tmp_path / "a.mp4")
    frames = read_clip(path, short_side=48).frames  # (14, 48, 64, 3)
    levels = quantise(flow_fields(frames, method="dis"))[..., 8:56, :]
    told = snippets(path)
    assert told.facts == {"method": "dis", "length": 2, "side": 48, "training": ""}
    assert np.array_equal(told.pictures[1, 0:2], np.moveaxis(levels[5], -1, 0))
    assert np.array_equal(told.pictures[1, 2:4], np.moveaxis(levels[6], -1, 0))


def test_past_the_last_field_that_one_repeats(tmp_path):
    told = snippets(film(tmp_path / "a.mp4"), (11, 13), length=4).pictures
    assert np.array_equal(told[0, 2:4], told[0, 6:8])  # fields 11, 12, 12, 12 of 13
    assert np.array_equal(told[1], np.tile(told[0, 2:4], (4, 1, 1)))


def test_only_a_few_frames_are_held_and_only_needed_pairs_compared(tmp_path, monkeypatch):
    seen = []

    def compare(pair, *, method):
        seen.append(pair.shape)
        return flow_fields(pair, method=method)

    monkeypatch.setattr(flow, "flow_fields", compare)
    snippets(film(tmp_path / "a.mp4", 60), (3, 40))
    assert seen == [(2, 48, 64, 3)] * 4


def test_a_span_counts_its_own_frames(tmp_path):
    path = film(tmp_path / "a.mp4")
    part = flow_snippets(path, np.array([[1, 2]]), np.arange(4, 9), card=PUPPETS)
    assert np.array_equal(part.pictures[0], snippets(path).pictures[1])


def test_progress_counts_fields(tmp_path):
    told = []
    snippets(film(tmp_path / "a.mp4"), progress=lambda *words: told.append(words))
    assert told == [("optical flow (DIS)", done, 4) for done in (1, 2, 3, 4)]


def test_a_field_that_a_damaged_file_lacks_is_replaced_by_its_neighbour(tmp_path, monkeypatch):
    path, whole = film(tmp_path / "a.mp4"), flow.iter_frames
    lossy = lambda *a, **k: (f for f in whole(*a, **k) if f[0] != 6)  # noqa: E731
    before = snippets(path, (3, 7)).pictures
    monkeypatch.setattr(flow, "iter_frames", lossy)
    assert np.array_equal(snippets(path, (5, 7)).pictures[0, :2], before[1, :2])


def test_one_frame_has_no_flow(tmp_path):
    with pytest.raises(ClipReadError, match="only one; give a longer span"):
        snippets(film(tmp_path / "a.mp4", 1), (0,))


def test_without_opencv_it_is_said_what_to_install(tmp_path, monkeypatch):
    def missing(_name):
        raise ImportError("no module named cv2")

    path = film(tmp_path / "a.mp4")
    monkeypatch.setattr(clip_flow, "import_module", missing)
    with pytest.raises(FlowError, match="optical flow needs OpenCV"):
        snippets(path)


@pytest.mark.parametrize(
    ("frames", "starts"),
    [(14, [1, 4, 6, 9]), (3, [0]), (2, [0]), (1, [0])],
)
def test_snippets_begin_where_training_looks_none_twice(frames, starts):
    assert snippet_starts(frames, 4, 3).tolist() == starts


def test_a_second_streams_snippets_lie_around_the_frames_and_within_the_span():
    around = snippet_fields(np.array([0, 5, 13]), 3, 14, around=True)  # 13 fields
    assert around.tolist() == [[0, 1, 2], [4, 5, 6], [10, 11, 12]]


def test_flow_is_computed_as_in_training_where_the_card_says_how(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(flow, "flow_method", lambda method: asked.append(method) or "dis")
    path, trained = film(tmp_path / "a.mp4", 4), replace(PUPPETS, flow_method="tvl1")
    snippets(path, (0,))
    other = [snippets(path, (0,), of=trained, method=method) for method in ("", "dis")]
    assert asked == ["dis", "tvl1", "dis"]
    assert flow_words(other[1].facts).endswith("at short side 48; training had TV-L1")
