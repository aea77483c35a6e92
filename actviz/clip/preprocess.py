"""From pictures to what a model takes: the largest centred square, resized without aliasing.

T frames · H, W pixels
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

__all__ = ["crop_box", "model_frames"]

_CHUNK_BYTES = 2**26  # of float pixels at a time, before shrinking


def crop_box(height: int, width: int) -> tuple[int, int, int]:
    """The largest centred square as (top, left, side), pixels: what the model sees of a frame."""
    if height < 1 or width < 1:
        raise ValueError(f"expected a picture of at least 1×1 pixels; got {width}×{height}.")
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side


def model_frames(frames: NDArray[np.uint8], size: int) -> Tensor:
    """Frames uint8 (T, H, W, 3) as float32 (T, 3, size, size) in [0, 1].

    The largest centred square is cut out (`crop_box`), then resized bilinearly, antialiased
    where it shrinks.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(
            "frames must be uint8 of shape (T, H, W, 3), upright RGB; got "
            f"{frames.dtype} {frames.shape}."
        )
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel; got {size}.")
    top, left, side = crop_box(*frames.shape[1:3])
    square = frames[:, top : top + side, left : left + side]
    shape = (len(frames), 3, size, size)
    out = torch.empty(shape, memory_format=torch.channels_last)  # convolutions take a fifth less
    step = max(1, _CHUNK_BYTES // (side * side * 12))
    for begin in range(0, len(frames), step):
        out[begin : begin + step] = _resize(square[begin : begin + step], size)
    return out


def _resize(square: NDArray[np.uint8], size: int) -> Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(square.transpose(0, 3, 1, 2)))
    picture = pixels.float() / 255  # (t, 3, side, side)
    if picture.shape[-1] != size:
        picture = F.interpolate(
            picture, size=(size, size), mode="bilinear", align_corners=False, antialias=True
        )
    return picture.clamp(0, 1)  # rounding can leave [0, 1] by 1e-7
