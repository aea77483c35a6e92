"""What is told of MAM's memory: the table of its curves, words, figure and film of a what-if."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actviz.curves import curves_csv
from actviz.datasets.puppets.gallery import gallery
from actviz.report import draw_figure, in_words, overlay_frames, truth_of, weights_note
from actviz.trace.run import Traced, load_weights, trace_video
from actviz.trace.schema import MAMTrace
from actviz.trace.whatif import reversed_order, what_if


@pytest.fixture(scope="module")
def traced() -> Traced:
    return trace_video(load_weights("mam", device="cpu"), gallery()[0].video, frames=8)


def asked(traced: Traced, **more) -> Traced:
    assert traced.cached is not None
    return replace(traced, trace=what_if(traced.cached, **more))


def memory(traced: Traced) -> MAMTrace:
    assert isinstance(traced.trace, MAMTrace)
    return traced.trace


def table(trace: MAMTrace) -> dict[str, list[str]]:
    rows = list(csv.DictReader(io.StringIO(curves_csv(trace))))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_table_holds_the_score_its_terms_and_what_speaks_for_the_answer(traced):
    trace = memory(traced)
    columns = table(trace)
    terms = [columns[f"score: {name}"] for name in ("feature", "context", "history")]
    whole = np.array(terms, dtype=float).sum(0) + trace.score_bias
    np.testing.assert_allclose(np.array(columns["score"], dtype=float), whole, atol=1e-4)
    best = trace.top(1)[0][0]
    told = np.array(columns[f"contribution: {best}"], dtype=float)
    np.testing.assert_allclose(told, trace.contribution[:, trace.classes.index(best)], atol=1e-4)


def test_similarity_to_an_empty_memory_is_an_empty_cell(traced):
    force = np.array([0, 1, 0, 0, 0, 0, 0, 0.0])
    told = table(memory(asked(traced, force=force)))["similarity"]
    assert told[:2] == ["", ""]
    assert all(told[2:])


def test_words_name_the_second_that_speaks_most(traced):
    force = np.zeros(8)
    force[3] = 1
    for order in (None, reversed_order(8)):
        changed = asked(traced, force=force, order=order)
        (line,) = [x for x in in_words(changed, "out") if "speaks" in x]
        assert line.startswith(f"second {memory(traced).times_s[3]:.2f} of the clip speaks most")


def test_words_of_an_empty_memory_leave_the_answer_to_the_bias(traced):
    lines = in_words(asked(traced, force=np.zeros(8)), "out")
    assert any("nothing is in memory" in line for line in lines)


def test_what_if_stands_on_every_face_of_it(traced):
    changed = asked(traced, order=reversed_order(8))
    assert weights_note(changed.trace).startswith("what if: frames in reverse · weights")
    assert "what if" not in weights_note(traced.trace)
    words = " ".join(text.get_text() for text in draw_figure(changed).findobj() if is_text(text))
    assert "frames in reverse" in words


def is_text(artist) -> bool:
    return hasattr(artist, "get_text")


def test_truth_of_a_reversed_clip_is_reversed(traced):
    trace, truth = memory(traced), truth_of(traced.trace)
    changed = truth_of(asked(traced, order=reversed_order(8)).trace)
    assert truth is not None
    assert changed is not None
    at = np.abs(truth.times_s[None] - trace.times_s[:, None]).argmin(1)
    assert changed.evidence.tolist() == truth.evidence[at][::-1].tolist()
    assert not len(changed.cuts_s)


def test_film_keeps_its_order_and_shows_each_frame_with_its_own_decision(traced, monkeypatch):
    told: list[tuple[bool, float]] = []

    def note(picture, *, written, probability, memory_size, threshold):
        told.append((written, probability))
        return picture

    monkeypatch.setattr("actviz.views.draw_decision", note)
    changed = asked(traced, order=reversed_order(8))
    film = [(time, told[-1]) for time, _ in overlay_frames(changed)]  # drawn once for many frames
    times, trace = np.array([time for time, _ in film]), memory(changed)
    for place, source_s in enumerate(trace.shown_s):
        found = film[int(np.abs(times - source_s).argmin())][1]
        assert found == (trace.written[place], pytest.approx(trace.write_probability[place]))


def test_question_of_a_trace_is_answered_without_the_film(traced):
    nowhere = replace(traced, clip=None, path=Path("gone.mp4"))
    assert not memory(asked(nowhere, threshold=1.0)).written.any()
