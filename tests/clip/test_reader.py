"""Reading video: the right frame at the right time, whatever the file, and no more decoding."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actviz.clip import container, packets, reader
from actviz.clip.packets import index_of
from actviz.clip.reader import file_sha256, frame_times, iter_frames, probe, read_clip
from actviz.errors import ClipReadError

KINDS: dict[str, dict[str, Any]] = {
    "closed.mp4": {},
    "open.mp4": {"open_gop": True},
    "open.mkv": {"open_gop": True},
    "open.ts": {"open_gop": True},
    "refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=12:log-level=none"}},
    "hevc.mp4": {
        "codec": "libx265",
        "options": {"x265-params": "keyint=8:min-keyint=8:open-gop=1:log-level=none"},
    },
    "hidden.webm": {
        "codec": "libvpx",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "12", "deadline": "realtime"},
    },
    "bframes.avi": {"codec": "mpeg4", "b_frames": 2},
    "plain.avi": {"codec": "mpeg4", "b_frames": 0},
    "mpeg2.mpg": {"codec": "mpeg2video", "b_frames": 2},
    "one_group.mp4": {"gop": 1000},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_the_one_a_straight_read_gives(
    name: str, make_video: Any, decode_all: Any
) -> None:
    path = make_video(name, **KINDS[name])
    times, pixels = decode_all(path)
    clip = read_clip(path)
    assert probe(path).frame_count == len(pixels) == 40
    assert np.array_equal(clip.frames, np.stack(pixels))
    np.testing.assert_allclose(clip.times_s - clip.times_s[0], np.asarray(times) - times[0])
    assert np.array_equal(frame_times(path)[0], clip.times_s)


@pytest.mark.parametrize("name", KINDS)
def test_chosen_frames_are_those_frames(name: str, make_video: Any, decode_all: Any) -> None:
    path = make_video(name, **KINDS[name])
    pixels = np.stack(decode_all(path)[1])
    rng = np.random.default_rng(5)
    for _ in range(6):
        wanted = np.sort(rng.choice(40, size=int(rng.integers(1, 6)), replace=False))
        clip = read_clip(path, frame_index=wanted)
        assert np.array_equal(clip.frame_index, wanted)
        assert np.array_equal(clip.frames, pixels[wanted])


def test_only_groups_with_wanted_frames_are_decoded_once(
    make_video: Any, decoded_packets: list[int]
) -> None:
    options = {"x264-params": "scenecut=0:bframes=0:rc-lookahead=0:log-level=none"}
    path = make_video("long.mp4", count=200, gop=20, options=options)
    probe(path)
    assert len(decoded_packets) <= 4  # the first picture
    decoded_packets.clear()
    read_clip(path, frame_index=[25, 27, 163])
    step = 512  # stamps from frame to frame
    assert len(decoded_packets) == len(set(decoded_packets))
    assert {stamp // step for stamp in decoded_packets} <= {*range(20, 32), *range(160, 168)}


def test_neighbouring_groups_are_read_on_without_a_seek(make_video: Any) -> None:
    index = index_of(make_video("short_groups.mp4", count=40, gop=4, b_frames=0))
    assert len(reader._runs(index, np.arange(40))) == 1
    assert len(reader._runs(index, np.asarray([1, 39]))) == 2


@pytest.mark.parametrize("shift", [-6000, 6000, 10**9])
def test_imprecise_seeking_still_gives_the_right_frames(
    shift: int, make_video: Any, decode_all: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video("groups.mp4")
    pixels = decode_all(path)[1]
    original = container.open_video

    class Astray:
        """A container whose seeks land elsewhere."""

        def __init__(self, real: Any) -> None:
            self.real, self.demux, self.format = real, real.demux, real.format

        def seek(self, offset: int, *, stream: Any) -> None:
            self.real.seek(offset + shift, stream=stream)

    @contextmanager
    def astray(path: Path, **kwargs: Any) -> Any:
        with original(path, **kwargs) as (real, stream):
            yield Astray(real), stream

    index_of(path)
    monkeypatch.setattr(container, "open_video", astray)
    clip = read_clip(path, frame_index=[3, 22, 37])
    assert all(np.array_equal(a, pixels[i]) for a, i in zip(clip.frames, [3, 22, 37], strict=True))


def test_variable_rate_keeps_the_files_clock(make_video: Any) -> None:
    steps = np.random.default_rng(1).integers(10, 90, 39)
    stamps = [0, *np.cumsum(steps).tolist()]
    path = make_video("vfr.mp4", rate=1000, stamps=stamps)
    times, problems = frame_times(path)
    np.testing.assert_allclose(times, np.asarray(stamps) / 1000, atol=1e-4)
    info = probe(path)
    assert info.variable_rate
    assert info.fps == pytest.approx(40 / info.duration_s, abs=1e-5)
    assert not problems


def test_constant_rate_is_not_called_variable(make_video: Any) -> None:
    info = probe(make_video("constant.mkv", rate=30))  # MKV rounds to whole milliseconds
    assert not info.variable_rate
    assert info.fps == pytest.approx(30, rel=0.01)
    assert info.duration_s == pytest.approx(40 / 30, abs=0.002)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_is_applied(degrees: int, make_video: Any, decode_all: Any) -> None:
    path = make_video("turned.mp4", count=3, rotation=-degrees)
    info, clip = probe(path), read_clip(path)
    assert info.rotation == degrees
    upright = [np.rot90(frame, -degrees // 90) for frame in decode_all(path)[1]]
    assert np.array_equal(clip.frames, np.stack(upright))
    assert (info.height, info.width) == clip.frames.shape[1:3]


def test_a_pipe_is_no_video(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(ClipReadError, match="not a regular file"):
        probe(tmp_path / "pipe.mp4")


def test_a_mirror_is_no_turn_and_is_named(make_video: Any, decode_all: Any) -> None:
    path = make_video("mirrored.mp4", count=3)
    stored = decode_all(path)[1]
    data = bytearray(path.read_bytes())
    matrix = data.index((65536).to_bytes(4, "big") + bytes(12), data.index(b"tkhd"))
    data[matrix : matrix + 4] = (-65536).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    info = probe(path)
    assert info.rotation == 0
    assert any("mirrored" in problem for problem in info.problems)
    assert np.array_equal(read_clip(path).frames, np.stack(stored)[:, :, ::-1])


def test_rotation_and_shrinking_go_together(make_video: Any) -> None:
    path = make_video("turned.mp4", count=2, width=96, height=48, rotation=90)
    assert read_clip(path, short_side=24).frames.shape == (2, 48, 24, 3)


def test_short_side_shrinks_but_never_enlarges(make_video: Any) -> None:
    path = make_video("wide.mp4", count=2, width=128, height=64)
    assert read_clip(path, short_side=32).frames.shape == (2, 32, 64, 3)
    assert read_clip(path, short_side=500).frames.shape == (2, 64, 128, 3)
    with pytest.raises(ValueError, match="short_side"):
        read_clip(path, short_side=0)


def test_odd_sizes_are_read_whole(make_video: Any) -> None:
    path = make_video("odd.avi", count=3, width=63, height=47, codec="mpeg4")
    assert read_clip(path).frames.shape == (3, 47, 63, 3)


def test_one_frame_has_a_duration(make_video: Any) -> None:
    info = probe(make_video("one.mp4", count=1))
    assert (info.frame_count, info.duration_s, info.fps) == (1, 0.04, 25)
    assert len(read_clip(info.source)) == 1


def test_repeated_and_unordered_numbers_are_read_once_in_order(make_video: Any) -> None:
    clip = read_clip(make_video("few.mp4", count=8), frame_index=[5, 0, 5, 0, 2])
    assert clip.frame_index.tolist() == [0, 2, 5]


def test_span_in_seconds(make_video: Any) -> None:
    path = make_video("span.mp4")
    clip = read_clip(path, start_s=0.4, end_s=0.6)
    assert clip.frame_index.tolist() == [10, 11, 12, 13, 14]
    streamed = list(iter_frames(path, start_s=0.4, end_s=0.6))
    assert [number for number, _, _ in streamed] == clip.frame_index.tolist()
    assert [time for _, time, _ in streamed] == clip.times_s.tolist()
    assert np.array_equal(np.stack([frame for _, _, frame in streamed]), clip.frames)


def test_impossible_requests_say_what_is_possible(make_video: Any) -> None:
    path = make_video("short.mp4", count=10)
    with pytest.raises(ClipReadError, match=r"within 0.00–0.36 s.*99 s"):
        read_clip(path, start_s=99)
    with pytest.raises(ClipReadError, match="start must come before"):
        iter_frames(path, start_s=0.2, end_s=0.1)  # at the call, not at the first frame
    with pytest.raises(ClipReadError, match=r"0..9 \(the video has 10 frames\)"):
        read_clip(path, frame_index=[3, 10])
    with pytest.raises(ValueError, match="whole numbers"):
        read_clip(path, frame_index=[])
    with pytest.raises(ValueError, match="not both"):
        read_clip(path, frame_index=[1], start_s=0.1)


def test_a_clip_too_large_for_memory_is_refused(
    make_video: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video("large.mp4")
    monkeypatch.setattr(reader, "MOST_BYTES", 20 * 64 * 48 * 3)
    with pytest.raises(ClipReadError, match=r"40 frames of 64×48.*iter_frames"):
        read_clip(path)
    assert len(read_clip(path, frame_index=range(20))) == 20
    assert sum(1 for _ in iter_frames(path)) == 40


def test_source_and_hash_name_the_file(make_video: Any) -> None:
    path = make_video("named.mp4", count=2)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert file_sha256(path) == probe(path).sha256 == read_clip(path).sha256 == expected
    assert read_clip(path).source == str(path)


def test_a_rewritten_file_is_read_anew(make_video: Any) -> None:
    assert probe(make_video("again.mp4", count=5)).frame_count == 5
    assert probe(make_video("again.mp4", count=9)).frame_count == 9


def test_types_and_names_import_without_pyav() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['av'] = None; import actviz.clip, actviz.clip.types, "
        "actviz.clip.reader, actviz.clip.writer; actviz.clip.probe"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def _videos(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.suffix in (".avi", ".mp4"))


@pytest.mark.real
def test_real_videos_give_the_frames_of_a_straight_read(real_data: Path, decode_all: Any) -> None:
    rng = np.random.default_rng(0)
    for path in _videos(real_data):
        times, pixels = decode_all(path)
        info = probe(path)
        assert info.frame_count == len(pixels), path
        assert np.array_equal(read_clip(path).frames, np.stack(pixels)), path
        for size in (1, 4, 9):
            wanted = np.sort(rng.choice(len(pixels), size=size, replace=False))
            clip = read_clip(path, frame_index=wanted)
            assert np.array_equal(clip.frame_index, wanted), path
            assert all(
                np.array_equal(frame, pixels[number])
                for frame, number in zip(clip.frames, wanted, strict=True)
            ), path
        if np.all(np.diff(times) > 0):
            assert np.array_equal(frame_times(path)[0], times), path


@pytest.mark.real
def test_real_videos_are_probed_without_decoding_them(
    real_data: Path, decoded_packets: list[int]
) -> None:
    for path in _videos(real_data):
        packets._build(path)  # past the memory of earlier tests
        assert len(decoded_packets) <= 12, path  # the first picture, and what its decoder holds
        decoded_packets.clear()
