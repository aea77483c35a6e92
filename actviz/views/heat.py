"""Maps laid over frames: evidence, motion and differences of maps, each on one scale per clip."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_box, check_picture
from actviz.views.pictures import greyed
from actviz.views.theme import CLASSIFICATION, HEAT, MOTION, REGRESSION, heat_colours, rgb

__all__ = ["blend_difference", "blend_heat", "blend_motion", "dim_outside", "heat_opacity"]


def heat_opacity(value: ArrayLike) -> NDArray[np.float32]:
    """How much of the picture heat hides: nothing at 0, four fifths at 1, growing with value."""
    return np.float32(0.8) * np.asarray(value, dtype=np.float32) ** np.float32(0.7)


_OPACITY = heat_opacity(np.linspace(0, 1, 4097))  # a power for every pixel would take too long


@cache
def _table(colours: str) -> NDArray[np.float32]:
    """(256, 3) levels of red, green and blue, as numbers to reckon with."""
    return heat_colours(colours).astype(np.float32)


@cache
def _between(size: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Of each of ``size`` pixels the cell before its centre, and its way to the next, 0-1."""
    at = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.minimum(np.floor(at).astype(np.int64), max(cells - 2, 0))
    return low, (at - low).astype(np.float32)


def _enlarged(cells: NDArray[np.float32], high: int, wide: int) -> NDArray[np.float32]:
    """(..., h, w) -> (..., high, wide), bilinearly; cell centres stay where they are.

    No matrix product: the threads of a BLAS cost more than so small a one, and hold up an encoder.
    """
    low, share = _between(wide, cells.shape[-1])
    after = np.minimum(low + 1, cells.shape[-1] - 1)
    rows = cells[..., low] * (np.float32(1) - share) + cells[..., after] * share  # (..., h, wide)
    low, share = _between(high, cells.shape[-2])
    after = np.minimum(low + 1, cells.shape[-2] - 1)
    share = share[:, None]
    return rows[..., low, :] * (np.float32(1) - share) + rows[..., after, :] * share


def blend_heat(
    frame: ArrayLike,
    heat: ArrayLike,
    *,
    box: tuple[int, int, int] | None = None,
    colours: str = HEAT,
) -> NDArray[np.uint8]:
    """Heat laid over frames: viridis, opaque in proportion to the value, nothing where it is 0.

    Args:
        frame: uint8 (..., H, W, 3).
        heat: (..., h, w) in [0, 1] on one scale per clip, same leading shape; enlarged bilinearly.
        box: (top, left, side) in pixels, the square the model saw; None: the whole picture.
        colours: ``theme.HEAT`` for evidence, ``theme.MOTION`` for motion.
    """
    picture, values = check_picture(frame), _cells(frame, heat, "heat", 0.0)

    def paint(large: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.take(_table(colours), np.rint(large * 255).astype(np.intp), axis=0)

    return _laid_over(picture, values, box, paint)


def blend_motion(
    frame: ArrayLike, motion: ArrayLike, *, box: tuple[int, int, int] | None = None
) -> NDArray[np.uint8]:
    """What moves laid over frames, by the root of its speed: slow limbs show beside a fast ball.

    Args:
        frame: uint8 (..., H, W, 3).
        motion: (..., h, w) in [0, 1] of the clip's fastest place, same leading shape.
        box: as in ``blend_heat``.
    """
    speed = _cells(frame, motion, "motion", 0.0)
    return blend_heat(frame, np.sqrt(speed), box=box, colours=MOTION)


def blend_difference(
    frame: ArrayLike, difference: ArrayLike, *, box: tuple[int, int, int] | None = None
) -> NDArray[np.uint8]:
    """Signed maps laid over grey frames: vermilion above zero (more evidence by the regression
    branch), dotted blue below (by the classification branch), nothing at zero.

    Args:
        frame: uint8 (..., H, W, 3); its colours are taken out, so that the two show.
        difference: (..., h, w) in [-1, 1] on one scale per clip, same leading shape.
        box: as in ``blend_heat``.
    """
    values = _cells(frame, difference, "difference", -1.0)
    above, below = (np.array(rgb(c.colour), np.float32) for c in (REGRESSION, CLASSIFICATION))

    def paint(large: NDArray[np.float32]) -> NDArray[np.float32]:
        high, wide = large.shape[-2:]
        pitch = max(4, round(min(high, wide) / 36))
        rows, columns = np.mgrid[:high, :wide] % pitch
        dots = ((rows < pitch / 3) & (columns < pitch / 3))[..., None]
        blue = np.where(dots, below + 0.6 * (255 - below), below)
        return np.where(large[..., None] > 0, above, blue).astype(np.float32)

    return _laid_over(greyed(frame, amount=0.15), values, box, paint)


def dim_outside(
    frame: ArrayLike, box: tuple[int, int, int] | None, *, keep: float = 0.4
) -> NDArray[np.uint8]:
    """Frames darkened outside of ``box``, the square the model saw, to ``keep`` of their light."""
    picture = check_picture(frame)
    top, left, high, wide = check_box(box, *picture.shape[-3:-1])
    out = np.rint(picture * np.float32(keep)).astype(np.uint8)
    inside = np.s_[..., top : top + high, left : left + wide, :]
    out[inside] = picture[inside]
    return out


def _cells(frame: ArrayLike, cells: ArrayLike, what: str, low: float) -> NDArray[np.float32]:
    """Cells (..., h, w) of maps in [low, 1], one map for each of the frames (..., H, W, 3)."""
    shape, values = np.shape(frame), np.asarray(cells, dtype=np.float32)
    if values.ndim < 2 or values.shape[:-2] != shape[:-3] or 0 in values.shape:
        raise ValueError(
            f"{what} must have shape (..., h, w) like frame's (..., H, W, 3); got {values.shape} "
            f"for {shape}."
        )
    if not np.isfinite(values).all() or values.min() < low - 1e-3 or values.max() > 1 + 1e-3:
        raise ValueError(
            f"{what} must be finite and lie in [{low:g}, 1], on one scale for the whole clip."
        )
    return values


def _laid_over(
    picture: NDArray[np.uint8],
    cells: NDArray[np.float32],
    box: tuple[int, int, int] | None,
    paint: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.uint8]:
    """``cells`` enlarged over the square of ``box``, as opaque as they are far from zero."""
    top, left, high, wide = check_box(box, *picture.shape[-3:-1])
    large = np.clip(_enlarged(cells, high, wide), -1, 1)
    out = picture.copy()
    under = out[..., top : top + high, left : left + wide, :]
    level = np.rint(np.abs(large) * (len(_OPACITY) - 1)).astype(np.intp)
    opacity = np.take(_OPACITY, level)[..., None]
    mixed = paint(large)  # under + opacity · (paint - under), in place
    mixed -= under
    mixed *= opacity
    mixed += under
    under[...] = np.rint(mixed, out=mixed)
    return out
