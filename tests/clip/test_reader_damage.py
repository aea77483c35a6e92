"""Files that are cut, damaged, broken in their clocks, or no video at all."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actviz.clip import container
from actviz.clip.packets import index_of
from actviz.clip.reader import frame_times, iter_frames, probe, read_clip
from actviz.errors import ClipReadError


def _cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    short = path.with_name(f"cut_{path.name}")
    short.write_bytes(data[: int(len(data) * share)])
    return short


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("front.mp4", {"container": {"movflags": "+faststart"}}),
        ("open.mkv", {"open_gop": True}),
        ("bframes.avi", {"codec": "mpeg4", "b_frames": 2}),
        ("plain.avi", {"codec": "mpeg4", "b_frames": 0}),
    ],
)
def test_truncated_file_is_read_as_far_as_it_goes(
    name: str, kind: dict[str, Any], make_video: Any
) -> None:
    whole = read_clip(make_video(name, width=192, height=144, **kind))
    path = _cut(Path(whole.source), 0.6)
    info, clip = probe(path), read_clip(path)
    assert 5 <= info.frame_count == len(clip) < 40
    assert any("the file is cut off" in problem for problem in info.problems)
    assert np.array_equal(clip.frames[:-4], whole.frames[: len(clip) - 4])


def test_truncated_mp4_with_its_index_at_the_end_is_refused(make_video: Any) -> None:
    with pytest.raises(ClipReadError, match=r"index.*missing"):
        probe(_cut(make_video("end.mp4"), 0.6))


def test_damage_in_the_middle_is_named_and_frames_keep_their_numbers(make_video: Any) -> None:
    path = make_video("front.mp4", container={"movflags": "+faststart"}, b_frames=0)
    whole = read_clip(path)
    data = bytearray(path.read_bytes())
    begin, end = len(data) // 2, len(data) * 6 // 10
    data[begin:end] = bytes(end - begin)
    path.write_bytes(data)
    info = probe(path)
    assert any("damaged" in problem for problem in info.problems)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = read_clip(path)
    assert len(clip) == info.frame_count
    assert np.array_equal(clip.frames[:10], whole.frames[:10])
    assert np.array_equal(clip.frames[-1], whole.frames[-1])


def test_frames_that_vanish_in_decoding_are_left_out_with_a_warning(
    make_video: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video("lossy.mp4")
    original = container._decode_packet

    def lossy(stream: Any, packet: Any) -> list[Any]:
        return [picture for picture in original(stream, packet) if picture.pts != 5 * 512]

    index_of(path)
    monkeypatch.setattr(container, "_decode_packet", lossy)
    with pytest.warns(UserWarning, match=r"frame 5 \(0.20 s\).*left out"):
        clip = read_clip(path, frame_index=[4, 5, 6])
    assert clip.frame_index.tolist() == [4, 6]
    with pytest.raises(ClipReadError, match=r"frame 5 .*cannot be decoded"):
        read_clip(path, frame_index=[5])


def test_a_stream_that_starts_between_key_frames_counts_what_decodes(
    make_video: Any, decode_all: Any
) -> None:
    path = make_video("head.ts", count=60, open_gop=True)
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 3 // 188 * 188 :])
    info, clip = probe(path), read_clip(path)
    assert info.frame_count == len(clip) == len(decode_all(path)[1])
    assert clip.times_s[0] == 0  # a broadcast clock starts anywhere: ours at its first frame
    assert any("key frame" in problem for problem in info.problems)


def test_bframes_in_avi_are_reported_as_repaired(make_video: Any) -> None:
    times, problems = frame_times(make_video("b.avi", codec="mpeg4", b_frames=2))
    np.testing.assert_allclose(times, np.arange(40) / 25)
    assert any("timestamps were repaired" in problem for problem in problems)


def _sound_only(path: Path) -> None:
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 44100), np.float32), format="flt", layout="mono"
        )
        frame.rate = 44100
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _no_frames(path: Path) -> None:
    import av

    with av.open(str(path), "w", options={"movflags": "+empty_moov"}) as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        file.start_encoding()


def _playlist(path: Path) -> None:
    (path.parent / "other.mp4").write_bytes(b"secret")
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (lambda path: path.write_bytes(b""), r"empty \(0 bytes\)"),
        (lambda path: path.write_text("not a film\n" * 200), "not a video"),
        (lambda path: path.write_bytes(np.random.default_rng(0).bytes(50_000)), "not a video"),
        (_playlist, "not a video"),
        (lambda path: path.mkdir(), "folder"),
        (_sound_only, "sound but no pictures"),
        (_no_frames, "no picture"),
        (lambda path: None, "no such file"),
    ],
)
def test_what_is_no_video_is_refused_in_one_sentence(fill: Any, words: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    fill(path)
    for read in (probe, read_clip, frame_times, iter_frames):
        with pytest.raises(ClipReadError, match=words) as caught:
            read(path)  # type: ignore[operator]
        assert caught.value.path == str(path)


@pytest.mark.real
@pytest.mark.parametrize("share", [0.3, 0.75])
def test_real_avi_files_cut_short_are_read_and_reported(
    share: float, real_data: Path, tmp_path: Path
) -> None:
    for path in sorted(real_data.rglob("*.avi")):
        short = tmp_path / path.name
        short.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        info, whole = probe(short), read_clip(path)
        assert 0.1 < info.frame_count / len(whole) < 0.9, path
        assert any("the file is cut off" in problem for problem in info.problems), path
        clip = read_clip(short)
        assert len(clip) == info.frame_count, path
        assert np.array_equal(clip.frames[:-4], whole.frames[: len(clip) - 4]), path


@pytest.mark.real
def test_real_broken_clocks_are_repaired_and_reported(real_data: Path) -> None:
    clips = sorted((real_data / "hmdb51").rglob("*.avi"))
    assert clips
    for path in clips:
        info = probe(path)
        times = read_clip(path).times_s
        assert np.all(np.diff(times) > 0), path
        np.testing.assert_allclose(np.diff(times), 1 / 30, atol=1e-6)
        assert any("timestamps were repaired" in problem for problem in info.problems), path


def test_an_avi_that_lacks_its_last_frames_says_so(make_video: Any) -> None:
    path = make_video("short.avi", count=20, codec="mpeg4", b_frames=0)
    whole = path.read_bytes()
    assert not probe(path).problems
    at = whole.index((20).to_bytes(4, "little"), whole.index(b"strh"))
    path.write_bytes(whole[:at] + (22).to_bytes(4, "little") + whole[at + 4 :])
    assert any("announces 22 frames" in problem for problem in probe(path).problems)


def test_a_gif_without_its_end_says_so(tmp_path: Path) -> None:
    from PIL import Image

    pictures = [Image.new("P", (16, 16), color) for color in (0, 50, 100)]
    path = tmp_path / "moving.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    assert not probe(path).problems
    path.write_bytes(path.read_bytes()[:-1])
    assert any("ends a GIF" in problem for problem in probe(path).problems)
