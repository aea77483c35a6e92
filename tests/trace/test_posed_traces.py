"""MAN on videos through pose: what is kept of it, when people cross, leave or hang upside down."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from actviz.trace.run import trace_file
from actviz.trace.schema import MANTrace
from actviz.trace.traced import Span, Traced

pytestmark = [pytest.mark.pose, pytest.mark.real]
pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
FRAMES, WIDE = 64, 300


@pytest.fixture(scope="module")
def clapping(real_data: Path) -> np.ndarray:
    """A man on grass (T, 120, 160, 3), his middle at column 94."""
    path = real_data / "videos" / "person01_handclapping_d1_uncomp.avi"
    with av.open(str(path)) as film:
        pictures = (f.to_ndarray(format="rgb24") for f in film.decode(video=0))
        return np.stack([p for _, p in zip(range(FRAMES), pictures, strict=False)])


def _film(path: Path, frames: np.ndarray) -> Path:
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    return path


def _trace(path: Path, pose_model: Path, **span: float) -> tuple[Traced, MANTrace]:
    traced = trace_file(path, model="man", device="cpu", pose_model=pose_model, span=Span(**span))
    assert isinstance(traced.trace, MANTrace)
    assert np.isfinite(traced.trace.joints).all()
    assert np.isfinite(traced.trace.attention).all()
    return traced, traced.trace


def test_somebody_upside_down_is_traced_and_said_to_be(clapping, tmp_path, pose_model) -> None:
    path = _film(tmp_path / "a.mp4", clapping[:30, ::-1, ::-1].copy())
    traced, trace = _trace(path, pose_model)
    assert any("head is below the hips" in problem for problem in trace.clip["problems"])
    points, there = traced.points_at(0.4)
    assert there.tolist() == [1.0]
    assert points[0, 3, 1] > points[0, 0, 1] > points[0, 15, 1]  # head below hips below foot
    assert trace.visibility is not None
    assert trace.visibility.shape == trace.joints.shape[:3]


def test_who_leaves_the_picture_and_comes_back_is_missing_in_between(
    clapping, tmp_path, pose_model
) -> None:
    way = np.concatenate([np.zeros(16), np.linspace(0, 140, 16), np.linspace(140, 0, 32)])
    frames = np.stack([np.roll(f, int(x), 1) for f, x in zip(clapping, way, strict=True)])
    for frame, x in zip(frames, way.astype(int), strict=True):
        frame[:, :x] = frame[:, x : x + 1]  # grass where the picture has wrapped around
    traced, trace = _trace(_film(tmp_path / "a.mp4", frames), pose_model)
    assert trace.interpolated is not None
    there = trace.present.any(1)
    assert there[0] and there[-1] and not there[28:36].any()
    assert not traced.points_at(1.28)[1].any()
    assert any("Nobody is there at" in problem for problem in trace.clip["problems"])


def _crossing(clapping: np.ndarray) -> np.ndarray:
    """The man walks to the right, and behind him his mirror image to the left (T, 120, 300, 3)."""
    grass = np.concatenate([clapping[0][:, :50], clapping[0][:, 49::-1]] * 3, axis=1)
    frames = np.repeat(grass[None], FRAMES, axis=0)
    columns = np.arange(-40, 40)  # of a man, from his middle
    for t, frame in enumerate(frames):
        ahead = 40 + round(t * (WIDE - 80) / FRAMES)
        frame[:, WIDE - ahead + columns] = clapping[-1 - t][:, 94 - columns]  # mirrored
        frame[:, ahead + columns] = clapping[t][:, 94 + columns]
    return frames


def test_two_who_walk_past_each_other_stay_who_they_are(clapping, tmp_path, pose_model) -> None:
    traced, trace = _trace(_film(tmp_path / "a.mp4", _crossing(clapping)), pose_model)
    assert trace.joints.shape[1] == 2
    assert traced.skeleton is not None
    x = np.where(traced.skeleton.present, traced.points[:, :, 0, 0], np.nan)  # (T, P), hips
    start, end = np.nanmean(x[:20], 0), np.nanmean(x[-12:], 0)
    assert sorted(np.sign(end - start)) == [-1, 1]
    assert np.abs(end - start).min() > 60
