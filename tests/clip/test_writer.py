"""Writing video: what a browser plays, at the times given, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from actviz.clip.reader import probe, read_clip
from actviz.clip.writer import VideoWriter
from actviz.errors import ActvizError


def _write(path: Path, times: list[float], *, width: int = 64, height: int = 48) -> None:
    with VideoWriter(path, width=width, height=height, fps=25) as writer:
        for number, time in enumerate(times):
            writer.write(np.full((height, width, 3), (200, 40, number * 20), np.uint8), time)


def test_browsers_can_play_it(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    _write(path, [i / 25 for i in range(30)])
    with av.open(str(path)) as file:
        context = file.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    data = path.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")  # plays before it is loaded whole


@pytest.mark.parametrize("start", [0.0, 12.5])
def test_uneven_times_are_kept_from_the_first_frame_on(start: float, tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.2, 0.21, 1.0, 1.0334]
    _write(tmp_path / "vfr.mp4", [start + time for time in times])
    clip = read_clip(tmp_path / "vfr.mp4")
    np.testing.assert_allclose(clip.times_s, times, atol=1e-4)
    assert probe(tmp_path / "vfr.mp4").duration_s == pytest.approx(1.0334 + 0.04, abs=1e-3)


def test_colours_come_back_as_written(tmp_path: Path) -> None:
    _write(tmp_path / "colour.mp4", [0.0, 0.04, 0.08])
    frames = read_clip(tmp_path / "colour.mp4").frames.astype(int)
    expected = [[200, 40, 0], [200, 40, 20], [200, 40, 40]]
    assert np.abs(frames[:, 20, 30] - expected).max() <= 4


def test_odd_sizes_are_made_even_by_repeating_the_edge(tmp_path: Path) -> None:
    _write(tmp_path / "odd.mp4", [0.0], width=65, height=47)
    frame = read_clip(tmp_path / "odd.mp4").frames[0].astype(int)
    assert frame.shape == (48, 66, 3)
    assert np.abs(frame[-1, -1] - frame[20, 20]).max() <= 4


def test_a_single_frame_is_a_video(tmp_path: Path) -> None:
    _write(tmp_path / "one.mp4", [0.0])
    assert probe(tmp_path / "one.mp4").frame_count == 1


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        VideoWriter(tmp_path / "out.mp4", width=64, height=48, fps=25) as writer,
    ):
        writer.write(np.zeros((48, 64, 3), np.uint8), 0.0)
        raise KeyError("the caller failed")
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_survives_a_failed_write(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    _write(path, [0.0, 0.1])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="increase"):
        _write(path, [0.0, 0.1, 0.1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_has_its_name_only_when_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with VideoWriter(path, width=64, height=48, fps=25) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8), 0.0)
        assert not path.exists()
    assert list(tmp_path.iterdir()) == [path]


def test_no_frames_no_video(tmp_path: Path) -> None:
    with pytest.raises(ActvizError, match="no frame was written"):
        _write(tmp_path / "none.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_said_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(ActvizError, match="choose an existing folder"),
        VideoWriter(tmp_path / "nowhere" / "out.mp4", width=64, height=48, fps=25),
    ):
        pytest.fail("must not open")


@pytest.mark.parametrize(
    ("frame", "time", "words"),
    [
        (np.zeros((48, 32, 3), np.uint8), 0.0, r"\(48, 64, 3\)"),
        (np.zeros((48, 64, 3), np.float32), 0.0, "uint8"),
        (np.zeros((48, 64, 3), np.uint8), float("nan"), "seconds"),
    ],
)
def test_unfit_frames_are_refused(
    frame: np.ndarray, time: float, words: str, tmp_path: Path
) -> None:
    with (
        pytest.raises(ValueError, match=words),
        VideoWriter(tmp_path / "out.mp4", width=64, height=48, fps=25) as writer,
    ):
        writer.write(frame, time)
    assert list(tmp_path.iterdir()) == []


def test_unfit_sizes_and_use_outside_with_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1 pixel"):
        VideoWriter(tmp_path / "out.mp4", width=0, height=48, fps=25)
    writer = VideoWriter(tmp_path / "out.mp4", width=64, height=48, fps=25)
    with pytest.raises(ValueError, match="not open"):
        writer.write(np.zeros((48, 64, 3), np.uint8), 0.0)
