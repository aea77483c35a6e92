"""A small copy of a film: the pictures that a second decoding would give, without one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actviz.clip import container, small_film
from actviz.clip.reader import iter_frames, probe, read_clip
from actviz.clip.small_film import read_and_copy, worth_copying

SPAN, WANTED = np.arange(5, 45), np.array([7, 20, 44])


@pytest.fixture
def film(make_video: Any) -> Path:
    path: Path = make_video("film.mp4", count=50, gop=20)
    return path


def test_copy_and_clip_are_those_of_two_readings(film: Path, tmp_path: Path) -> None:
    clip, small = read_and_copy(film, WANTED, span=SPAN, short_side=24, to=tmp_path / "copy")
    alone = read_clip(film, frame_index=WANTED, short_side=24)
    assert np.array_equal(clip.frames, alone.frames)
    assert np.array_equal(clip.times_s, alone.times_s)
    assert clip.sha256 == alone.sha256
    again = [(t, f) for _, t, f in iter_frames(film, frame_index=SPAN, short_side=24)]
    for (time_s, frame), (at_s, picture) in zip(small.frames(), again, strict=True):
        assert time_s == at_s
        assert np.array_equal(frame, picture)


def test_every_picture_is_decoded_once(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe(film)
    seen: list[int] = []
    original = container._decode_packet
    spied = lambda *packet: [seen.append(p.pts) or p for p in original(*packet)]  # noqa: E731
    monkeypatch.setattr(container, "_decode_packet", spied)
    _, small = read_and_copy(film, WANTED, span=SPAN, short_side=24, to=tmp_path / "copy")
    assert len(list(small.frames())) == len(SPAN)
    assert len(seen) == len(set(seen)) <= 50


def test_a_copy_is_worth_it_where_a_sound_film_shrinks_and_there_is_room(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = probe(film)
    large = replace(info, width=1920, height=1080)
    assert worth_copying(large, 1500, short_side=360, to=tmp_path)
    assert not worth_copying(info, 1500, short_side=360, to=tmp_path)
    assert not worth_copying(replace(large, problems=("cut off",)), 9, short_side=360, to=tmp_path)
    monkeypatch.setattr(small_film, "MOST_BYTES", 10 * 640 * 360 * 3)
    assert worth_copying(large, 10, short_side=360, to=tmp_path)
    assert not worth_copying(large, 11, short_side=360, to=tmp_path)
