"""TMNet's overlay video: two halves, and room for the words that say whose answer this is."""

from __future__ import annotations

from dataclasses import replace

from trace_films import card, film, loaded

from actviz import report
from actviz.report import overlay_frames
from actviz.trace.run import trace_video


def test_the_note_is_shared_by_both_halves_so_that_it_is_not_cut(tmp_path, monkeypatch):
    """Twice in full it is too long for half a film of 320 × 240 pixels."""
    said: list[str] = []

    def hears(frame, text, *, lines=(), **more):
        said.extend(lines)
        return frame

    weights = loaded(replace(card("tmnet"), trained_on="puppets"))
    traced = trace_video(weights, film(tmp_path / "film.mp4"), frames=2)
    monkeypatch.setattr(report.views, "draw_caption", hears)
    next(overlay_frames(traced))
    assert said[:2] == ["random-tmnet, trained on puppets", "this clip lies outside of that"]
