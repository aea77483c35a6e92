"""Crops, mirrors and the frames that are seen: TSN's rules, the same for every frame of a clip.

What is random is drawn first, as plain numbers (``Cut``); cutting and resizing follow from them, in
the process that reads the clip or on a GPU. Pictures are uint8 tensors whose last axes are height
and width; flow has the channels x, y, x, y, … and a mirrored x is 255 − x.

T frames or snippets · L flow fields of one snippet · C channels · H, W pixels · S input size
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torchvision.transforms.v2 import functional as tv

from actviz.clip.sampling import segment_indices, snippet_indices, strided_indices

__all__ = [
    "Cut",
    "centre_crop",
    "centre_cut",
    "crop_places",
    "crop_sizes",
    "cut_out",
    "draw_cut",
    "even_indices",
    "mirror",
    "picture_indices",
    "resize_side",
    "resize_to",
    "snippets_around",
    "ten_crop",
    "to_tensor",
]

Sampling = Literal["even", "tsn", "strided"]
_SNAP = 3  # pixels: a crop this close to the input size is taken at that size


@dataclass(frozen=True)
class Cut:
    """What is cut out of every picture of a clip, in pixels, and whether it is mirrored."""

    top: int
    left: int
    height: int
    width: int
    mirrored: bool = False


# ---- which frames --------------------------------------------------------------------------------


def picture_indices(
    count: int,
    frames: int,
    *,
    sampling: Sampling = "tsn",
    length: int = 1,
    stride: int = 1,
    rng: np.random.Generator | None = None,
) -> NDArray[np.int64]:
    """Numbers (T, L) of the pictures that are seen of ``count`` there are.

    Args:
        sampling: with ``rng``, "tsn" draws by TSN's training rule, "even" one place in each of T
            equal parts, "strided" one run of every ``stride``-th; without, all are in the middle.
        length: L, flow fields of one snippet; past the last field the last repeats.
    """
    if sampling == "strided":
        starts = strided_indices(max(count - length + 1, 1), frames, stride, rng=rng)
    elif sampling == "even" and rng is not None:
        starts = even_indices(max(count - length + 1, 1), frames, rng)
    else:
        starts = segment_indices(count, frames, length=length, rng=rng)
    return snippet_indices(starts, length, count)


def even_indices(count: int, frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One random place in each of ``frames`` equal parts of ``count`` frames, in order."""
    places = (np.arange(frames) + rng.random(frames)) * count / frames
    return places.astype(np.int64)


def snippets_around(frames: ArrayLike, length: int, count: int) -> NDArray[np.int64]:
    """Numbers (T, L) of flow fields around ``frames`` (T,), of ``count`` fields there are.

    Frame i is the one from which the snippet's middle field leads, so that a second stream sees
    what moves while the first one looks; at the clip's ends the snippet lies within it.
    """
    starts = np.asarray(frames, dtype=np.int64) - length // 2
    return snippet_indices(np.clip(starts, 0, max(count - length, 0)), length, count)


# ---- which crop ----------------------------------------------------------------------------------


def crop_sizes(
    height: int,
    width: int,
    size: int,
    *,
    scales: Sequence[float] = (1.0, 0.875, 0.75, 0.66),
    max_distort: int = 1,
) -> list[tuple[int, int]]:
    """TSN's crop heights and widths: shares of the short side, at most ``max_distort`` apart.

    A side closer than 3 pixels to the input ``size`` is taken at that size.
    """
    short = min(height, width)
    sides = [max(1, int(short * scale)) for scale in scales]
    sides = [size if abs(side - size) < _SNAP and size <= short else side for side in sides]
    return [
        (high, wide)
        for i, high in enumerate(sides)
        for j, wide in enumerate(sides)
        if abs(i - j) <= max_distort
    ]


def crop_places(
    height: int, width: int, crop: tuple[int, int], *, more: bool = True
) -> list[tuple[int, int]]:
    """TSN's places (top, left) of a crop: four corners and the centre; with ``more`` 13 in all.

    The other eight are the middles of the edges and of the quarters.
    """
    down, right = (height - crop[0]) // 4, (width - crop[1]) // 4  # steps
    steps = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]
    if more:
        steps += [(2, 0), (2, 4), (4, 2), (0, 2), (1, 1), (1, 3), (3, 1), (3, 3)]
    return [(y * down, x * right) for y, x in steps]


def draw_cut(
    height: int,
    width: int,
    size: int,
    *,
    rng: np.random.Generator,
    scales: Sequence[float] = (1.0, 0.875, 0.75, 0.66),
    max_distort: int = 1,
    more: bool = True,
    flip: bool = True,
) -> Cut:
    """TSN's multi-scale corner crop of one clip, mirrored half of the time."""
    sizes = crop_sizes(height, width, size, scales=scales, max_distort=max_distort)
    crop = sizes[rng.integers(len(sizes))]
    places = crop_places(height, width, crop, more=more)
    top, left = places[rng.integers(len(places))]
    return Cut(top, left, *crop, mirrored=bool(flip and rng.random() < 0.5))


def centre_cut(height: int, width: int, size: int) -> Cut:
    """The square of ``size`` pixels in the middle; the largest there is, where that is smaller."""
    side = min(size, height, width)
    return Cut((height - side) // 2, (width - side) // 2, side, side)


# ---- doing it ------------------------------------------------------------------------------------


def to_tensor(pictures: NDArray[np.uint8], length: int = 1) -> Tensor:
    """Pictures (T·L, H, W, c) as (T, L·c, H, W), uint8: flow fields become channels x, y, x, y."""
    stacked = torch.from_numpy(pictures).unflatten(0, (-1, length))  # (T, L, H, W, c)
    return stacked.permute(0, 1, 4, 2, 3).flatten(1, 2)


def cut_out(pictures: Tensor, cut: Cut, *, flow: bool = False) -> Tensor:
    """Pictures (T, C, H, W) -> (T, C, cut.height, cut.width)."""
    part = tv.crop(pictures, cut.top, cut.left, cut.height, cut.width)
    return mirror(part, flow=flow) if cut.mirrored else part


def mirror(pictures: Tensor, *, flow: bool = False) -> Tensor:
    """Left for right, (…, C, H, W); of flow every other channel, x, changes its sign (255 − v)."""
    turned = tv.horizontal_flip(pictures)
    if flow:
        turned = turned.clone()
        turned[..., 0::2, :, :] = 255 - turned[..., 0::2, :, :]
    return turned


def resize_to(pictures: Tensor, height: int, width: int) -> Tensor:
    """uint8 pictures (…, C, H, W) at another size: bilinear, antialiased where it shrinks."""
    if pictures.shape[-2:] == (height, width):
        return pictures
    return tv.resize(pictures, [height, width], antialias=True)


def resize_side(
    pictures: Tensor, side: int, *, how: Literal["short", "square"] = "short"
) -> Tensor:
    """uint8 pictures (…, C, H, W) whose short side, or both ("square"), has ``side`` pixels.

    Small pictures are enlarged.
    """
    height, width = pictures.shape[-2:]
    if how == "square":
        return resize_to(pictures, side, side)
    scale = side / min(height, width)
    return resize_to(pictures, max(side, round(height * scale)), max(side, round(width * scale)))


def centre_crop(pictures: Tensor, size: int) -> Tensor:
    """The middle (…, C, size, size); where the picture is smaller its largest square, enlarged."""
    height, width = pictures.shape[-2:]
    cut = centre_cut(height, width, size)
    return resize_to(cut_out(pictures, cut), size, size)


def ten_crop(pictures: Tensor, size: int, *, flow: bool = False) -> Tensor:
    """Corners and centre of pictures (…, C, H, W), then of their mirror image: (10, …, C, S, S).

    Raises:
        ValueError: the pictures are smaller than ``size``.
    """
    if min(pictures.shape[-2:]) < size:
        raise ValueError(f"ten crops of {size} pixels need pictures of at least that size.")
    both = (*tv.five_crop(pictures, [size]), *tv.five_crop(mirror(pictures, flow=flow), [size]))
    return torch.stack(both)
