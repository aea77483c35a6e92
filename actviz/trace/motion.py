"""Where something moves at the frames that a model looks at: flow magnitude without the camera's.

The file is read once, a picture at a time, around the frames looked at alone; three pictures and
one field are held, and of every frame a map of a few hundred numbers is kept.

T frames · H, W pixels of a picture
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.flow import flow_fields
from actviz.clip.preprocess import crop_box
from actviz.clip.reader import frame_times, iter_frames
from actviz.trace.common import Progress

__all__ = ["FLAT", "motion_around", "motion_maps", "pair_motion", "scale_motion"]

FLAT = 0.25  # pixels per frame: below, DIS finds as much in the noise of a still picture
# A cut: the colours have changed by this share (bins of 32 levels), and the second picture, carried
# back by the flow, differs from the first by this share of its contrast. Both together find all of
# 95 cuts in puppet clips, and take one of 66 other pairs of frames there, and one of 346 in real
# clips, for a cut.
_COLOURS, _RESIDUE = 0.07, 0.12

Picture = NDArray[np.uint8]  # (H, W, 3)
Map = NDArray[np.float32]


def motion_maps(
    path: str | Path,
    frames: NDArray[np.integer],
    *,
    size: tuple[int, int],
    short_side: int | None = None,
    progress: Progress | None = None,
) -> Map:
    """How far what is seen moves at some frames of a file, in pixels per frame.

    Args:
        frames: (T,) numbers in the file, increasing.
        size: (height, width) of a map, which is of the largest centred square: what models see.
        short_side: of the pictures that are compared, pixels at most.

    Returns:
        (T, height, width).

    Raises:
        ClipReadError, FlowError: the file cannot be read, or is too small for optical flow.
    """
    place = {int(number): at for at, number in enumerate(frames)}
    found = np.zeros((len(frames), *size), np.float32)
    for done, (number, before, seen, after) in enumerate(_in_context(path, frames, short_side), 1):
        found[place[number]] = _pooled(motion_around(before, seen, after), size)
        if progress:
            progress(done, len(frames))
    return found


def scale_motion(maps: Map) -> tuple[float, NDArray[np.float16]]:
    """The maximum of a clip and its maps over it in [0, 1]; 0 and zeros where nothing moves."""
    most = float(maps.max(initial=0.0))
    if most < FLAT:
        return 0.0, np.zeros(maps.shape, np.float16)
    return most, (maps / most).astype(np.float16)


def motion_around(before: Picture | None, seen: Picture, after: Picture | None) -> Map:
    """Pixels per frame (H, W) that what is ``seen`` moves on to the picture after it.

    From the one before where there is no next one or a cut lies between; where both are so, the
    picture stands alone and is still.
    """
    for first, second in ((seen, after), (before, seen)):
        if first is not None and second is not None:
            moved = pair_motion(first, second)
            if moved is not None:
                return moved
    return np.zeros(seen.shape[:2], np.float32)


def pair_motion(first: Picture, second: Picture) -> Map | None:
    """Length of the optical flow (DIS) between two pictures, camera motion taken off: (H, W).

    Camera motion is the median of the flow, so that a zoom or a turn about the view is not taken
    off. None where a cut lies between the two.
    """
    flow = flow_fields(np.stack([first, second]), method="dis")[0]  # (H, W, 2)
    if _is_cut(first, second, flow):
        return None
    off = flow - np.median(flow.reshape(-1, 2), axis=0)
    return np.hypot(off[..., 0], off[..., 1])


def _is_cut(first: Picture, second: Picture, flow: NDArray[np.float32]) -> bool:
    """Whether the second picture, carried back by the flow, does not look like the first."""
    import cv2  # there, since the flow was computed

    height, width = flow.shape[:2]
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    there = flow + np.stack([across, down], axis=-1).astype(np.float32)
    back = cv2.remap(second, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grey = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY).astype(np.float32) for p in (first, back)]
    residue = float(np.abs(grey[0] - grey[1]).mean())
    return residue > _RESIDUE * float(grey[0].std()) and _recoloured(first, second) > _COLOURS


def _recoloured(first: Picture, second: Picture) -> float:
    """Share of the picture whose colour the other one does not have: 0 alike, 1 nothing alike."""
    bins = [(p >> 5).astype(np.int64) @ np.array([64, 8, 1]) for p in (first, second)]
    counts = [np.bincount(b.ravel(), minlength=512) / b.size for b in bins]
    return float(np.abs(counts[0] - counts[1]).sum()) / 2


def _in_context(
    path: str | Path, frames: NDArray[np.integer], short_side: int | None
) -> Iterator[tuple[int, Picture | None, Picture, Picture | None]]:
    """Each of the frames with its neighbours in the file, where they can be decoded."""
    count = len(frame_times(path)[0])
    wanted = {int(number) for number in frames}
    needed = np.unique(np.concatenate([frames - 1, frames, frames + 1]))
    needed = needed[(needed >= 0) & (needed < count)]
    held: dict[int, Picture] = {}
    for number, _, picture in iter_frames(path, frame_index=needed, short_side=short_side):
        held[number] = picture
        for middle in [n for n in held if n in wanted and n < number]:
            yield middle, held.get(middle - 1), held[middle], held.get(middle + 1)
            wanted.discard(middle)
        held = {n: p for n, p in held.items() if n >= number - 1}
    for middle in sorted(wanted & set(held)):
        yield middle, held.get(middle - 1), held[middle], None


def _pooled(moved: Map, size: tuple[int, int]) -> Map:
    """The largest centred square of (H, W), by its areas' means as (height, width)."""
    import cv2

    top, left, side = crop_box(*moved.shape)
    square = moved[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
