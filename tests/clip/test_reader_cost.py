"""What a read costs: how many pictures come out of the decoder for the few that are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actviz.clip import container
from actviz.clip.reader import probe, read_clip

X264 = "scenecut=0:rc-lookahead=0:b-adapt=0:log-level=none"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Presentation stamps of every picture that a decoder gave since the test began."""
    seen: list[int] = []
    original = container._decode_packet

    def spy(stream: Any, packet: Any) -> list[Any]:
        pictures = original(stream, packet)
        seen.extend(picture.pts for picture in pictures)
        return pictures

    monkeypatch.setattr(container, "_decode_packet", spy)
    return seen


@pytest.fixture
def single_key_frame(make_video: Any) -> Path:
    options = {"sc_threshold": "1000000000"}
    path: Path = make_video(
        "xvid.avi", codec="mpeg4", count=120, gop=600, b_frames=0, options=options
    )
    return path


def test_one_glance_at_a_single_key_frame_file_decodes_half_of_it(
    single_key_frame: Path, decoded: list[int]
) -> None:
    probe(single_key_frame)
    decoded.clear()
    read_clip(single_key_frame, frame_index=[60])
    assert decoded == list(range(61))


def test_few_frames_of_a_single_key_frame_file_decode_it_once(
    single_key_frame: Path, decoded: list[int]
) -> None:
    probe(single_key_frame)
    decoded.clear()
    read_clip(single_key_frame, frame_index=[7, 52, 97])
    assert decoded == list(range(98))


def test_one_glance_decodes_its_own_group_up_to_itself(make_video: Any, decoded: list[int]) -> None:
    options = {"x264-params": f"bframes=0:{X264}"}
    path = make_video("groups.mp4", count=100, gop=20, options=options)
    probe(path)
    decoded.clear()
    read_clip(path, frame_index=[47])
    assert [stamp // 512 for stamp in decoded] == list(range(40, 48))


def test_pictures_that_none_is_predicted_from_are_not_decoded(
    make_video: Any, decoded: list[int], decode_all: Any
) -> None:
    options = {"x264-params": f"bframes=3:b-pyramid=none:{X264}"}
    path = make_video("b_frames.mp4", count=60, gop=60, options=options)
    pixels = decode_all(path)[1]
    probe(path)
    decoded.clear()
    clip = read_clip(path, frame_index=[30, 41])
    assert np.array_equal(clip.frames, np.stack([pixels[30], pixels[41]]))
    assert len(decoded) <= 42 // 4 + 4  # every fourth is a reference; both wanted ones; a held one
