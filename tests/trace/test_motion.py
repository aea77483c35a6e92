"""What moves: by hand on shifted noise, without the camera's share, and flat where nothing does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trace_films import card, film, saved

from actviz.clip.reader import file_sha256, frame_times, read_clip
from actviz.clip.writer import VideoWriter
from actviz.datasets.puppets.gallery import gallery, truth_for
from actviz.trace.motion import FLAT, motion_around, motion_maps, pair_motion, scale_motion
from actviz.trace.run import Traced, trace_file
from actviz.trace.schema import TMNetTrace

SIDE = 128


def texture(seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Smooth noise (side, side, 3) whose values lie far enough apart for flow to find."""
    coarse = np.random.default_rng(seed).integers(30, 220, (side // 4, side // 4, 3))
    return np.kron(coarse, np.ones((4, 4, 1))).astype(np.uint8)


def with_mover(shift: int, *, pan: int = 0) -> np.ndarray:
    """A square of other noise ``shift`` pixels to the right, on a ground drifted by ``pan``."""
    picture = np.roll(texture(), pan, axis=1)
    picture[32:80, 24 + shift : 72 + shift] = texture(1)[:48, :48]
    return picture


def write(path: Path, pictures: list[np.ndarray]) -> Path:
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, width=width, height=height, fps=25) as writer:
        for k, picture in enumerate(pictures):
            writer.write(picture, k / 25)
    return path


def test_what_moves_has_its_pixels_per_frame_and_the_ground_none():
    moved = pair_motion(with_mover(0), with_mover(3))
    assert np.median(moved[40:72, 36:64]) == pytest.approx(3, abs=0.3)
    assert np.median(moved[96:]) == pytest.approx(0, abs=0.1)


def test_motion_of_the_camera_is_taken_off():
    moved = pair_motion(with_mover(0), with_mover(0, pan=2))  # the square stays in the picture
    assert np.median(moved[96:, 16:112]) == pytest.approx(0, abs=0.2)
    assert np.median(moved[44:68, 40:60]) == pytest.approx(2, abs=0.4)


def test_across_a_cut_nothing_is_compared_and_the_frame_before_serves():
    shot, other = (with_mover(0), with_mover(3)), texture(7)
    assert pair_motion(shot[1], other) is None
    at_the_end = motion_around(*shot, other)
    np.testing.assert_array_equal(at_the_end, pair_motion(*shot))
    assert not motion_around(other, shot[0], None).any()  # alone in its shot: still


@pytest.mark.parametrize("clip", gallery()[:3], ids=lambda clip: clip.name)
def test_cuts_of_bundled_clips_are_found_and_other_frames_are_not_taken_for_one(clip):
    times_s, truth = frame_times(clip.video)[0], truth_for(file_sha256(clip.video))
    for cut in np.searchsorted(times_s, np.asarray(truth.cuts_s) - 1e-3):
        about = read_clip(clip.video, frame_index=cut + np.arange(-2, 2), short_side=160).frames
        told = [pair_motion(*about[k : k + 2]) is None for k in range(3)]
        assert told == [False, True, False]


def test_scaled_motion_is_in_pixels_again_by_its_maximum():
    maps = np.array([[[0.0, 1.0]], [[4.0, 2.0]]], np.float32)
    most, scaled = scale_motion(maps)
    assert most == 4.0
    np.testing.assert_array_equal(scaled, maps / 4)
    assert scaled.dtype == np.float16


def test_noise_of_a_still_picture_is_no_motion():
    most, scaled = scale_motion(np.full((2, 3, 3), FLAT / 2, np.float32))
    assert most == 0.0
    assert not scaled.any()


def test_frames_are_compared_with_the_next_of_the_file_and_the_last_with_the_one_before(tmp_path):
    path = write(tmp_path / "a.mp4", [with_mover(k * k // 2) for k in range(6)])  # 0 0 2 4 8 12
    found = motion_maps(path, np.array([0, 2, 5]), size=(8, 8))
    assert found.shape == (3, 8, 8)
    np.testing.assert_allclose(found.max((1, 2)), [0, 2, 4], atol=0.8)


def test_motion_is_of_the_square_that_the_model_sees(tmp_path):
    wide = [np.pad(with_mover(2 * k), ((0, 0), (64, 64), (0, 0)), mode="wrap") for k in range(3)]
    maps = motion_maps(write(tmp_path / "a.mp4", wide), np.array([0]), size=(4, 4))
    assert np.unravel_index(maps[0].argmax(), (4, 4)) in [(1, 1), (1, 2), (2, 1)]


def traced(path: Path, folder: Path, **more: object) -> Traced:
    weights = saved(folder / "w.safetensors", card("tmnet"))
    return trace_file(path, model="tmnet", weights=weights, device="cpu", motion=True, **more)


def test_trace_has_motion_when_asked_four_times_as_fine_as_its_maps(tmp_path):
    trace = traced(film(tmp_path / "a.mp4"), tmp_path, frames=3).trace
    assert isinstance(trace, TMNetTrace)
    assert trace.motion.shape == (3, 4 * trace.cam_rb.shape[1], 4 * trace.cam_rb.shape[2])
    assert float(trace.motion.max()) == (1.0 if trace.motion_max else 0.0)


@pytest.mark.parametrize("count", [1, 5])
def test_still_clip_and_one_frame_clip_are_flat(count, tmp_path):
    trace = traced(write(tmp_path / "a.mp4", [texture()] * count), tmp_path).trace
    assert trace.motion_max == 0.0
    assert not trace.motion.any()
