"""What a model sees of a frame: the centred square, antialiased, in [0, 1]."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import actviz.clip.preprocess as preprocess
from actviz.clip.preprocess import crop_box, model_frames


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [(240, 320, (0, 40, 240)), (320, 240, (40, 0, 240)), (7, 4, (1, 0, 4)), (5, 5, (0, 0, 5))],
)
def test_crop_is_the_largest_centred_square(
    height: int, width: int, box: tuple[int, int, int]
) -> None:
    assert crop_box(height, width) == box


def test_frames_keep_range_dtype_and_shape() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 40, 60, 3), dtype=np.uint8)
    out = model_frames(frames, 16)
    assert out.shape == (3, 3, 16, 16)
    assert out.dtype == torch.float32
    assert 0 <= out.min() <= out.max() <= 1


def test_white_stays_white_and_black_black() -> None:
    frames = np.zeros((2, 50, 70, 3), np.uint8)
    frames[1] = 255
    out = model_frames(frames, 23)
    assert torch.all(out[0] == 0)
    assert torch.all((out[1] - 1).abs() < 1e-6)


def test_equal_size_is_only_cropped() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (1, 8, 12, 3), dtype=np.uint8)
    expected = torch.from_numpy(frames[:, :, 2:10]).permute(0, 3, 1, 2) / 255
    assert torch.equal(model_frames(frames, 8), expected)


def test_shrinking_averages_a_fine_chequerboard_instead_of_aliasing() -> None:
    board = (np.indices((128, 128)).sum(0) % 2 * 255).astype(np.uint8)
    out = model_frames(np.repeat(board[None, :, :, None], 3, axis=3), 16)
    assert torch.all((out - 0.5).abs() < 0.02)


def test_long_clips_are_resized_in_parts_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames = np.random.default_rng(2).integers(0, 256, (7, 30, 30, 3), dtype=np.uint8)
    whole = model_frames(frames, 12)
    monkeypatch.setattr(preprocess, "_CHUNK_BYTES", 2 * 30 * 30 * 12)
    assert torch.equal(model_frames(frames, 12), whole)


def test_wrong_layout_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"\(T, H, W, 3\)"):
        model_frames(np.zeros((2, 3, 8, 8), np.uint8), 8)
    with pytest.raises(ValueError, match="uint8"):
        model_frames(np.zeros((2, 8, 8, 3), np.float32), 8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="size"):
        model_frames(np.zeros((2, 8, 8, 3), np.uint8), 0)
    with pytest.raises(ValueError, match="at least"):
        crop_box(0, 4)
