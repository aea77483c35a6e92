"""Pictures for video and page: heat, bones and decisions drawn on frames, numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from actviz.views.checks import check_box
from actviz.views.skeleton import SIDES, bone_sides
from actviz.views.theme import (
    BONES,
    CLASSIFICATION,
    HEAT,
    REGRESSION,
    SKIPPED,
    WRITTEN,
    heat_colours,
    rgb,
)

__all__ = [
    "blend_difference",
    "blend_heat",
    "dim_outside",
    "draw_caption",
    "draw_decision",
    "draw_skeleton",
    "font",
    "greyed",
]


def heat_opacity(value: ArrayLike) -> NDArray[np.float32]:
    """How much of the picture heat hides: nothing at 0, four fifths at 1, growing with value."""
    return np.float32(0.8) * np.asarray(value, dtype=np.float32) ** np.float32(0.7)


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, as it comes with matplotlib, ``size`` pixels high."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def _picture(frame: ArrayLike, what: str = "frame") -> NDArray[np.uint8]:
    array = np.asarray(frame)
    if array.dtype != np.uint8 or array.ndim < 3 or array.shape[-1] != 3 or 0 in array.shape:
        raise ValueError(
            f"{what} must be uint8 of shape (..., H, W, 3); got {array.dtype} {array.shape}."
        )
    return array


@cache
def _stretch(size: int, cells: int) -> NDArray[np.float32]:
    """(size, cells) weights of a bilinear enlargement; cell centres stay where they are."""
    at = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    low = np.minimum(np.floor(at).astype(int), max(cells - 2, 0))
    share = (at - low).astype(np.float32)
    weights = np.zeros((size, cells), dtype=np.float32)
    weights[np.arange(size), low] += 1 - share
    weights[np.arange(size), np.minimum(low + 1, cells - 1)] += share
    return weights


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
    picture, values = _picture(frame), _cells(frame, heat, "heat", 0.0)

    def paint(large: NDArray[np.float32]) -> NDArray[np.float32]:
        return heat_colours(colours)[np.rint(large * 255).astype(np.uint8)].astype(np.float32)

    return _laid_over(picture, values, box, paint)


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
    stretched = _stretch(high, cells.shape[-2]) @ cells @ _stretch(wide, cells.shape[-1]).T
    large = np.clip(stretched, -1, 1).astype(np.float32, copy=False)
    out = picture.copy()
    under = out[..., top : top + high, left : left + wide, :]
    opacity = heat_opacity(np.abs(large))[..., None]
    under[...] = np.rint(under + opacity * (paint(large) - under)).astype(np.uint8)
    return out


def dim_outside(
    frame: ArrayLike, box: tuple[int, int, int] | None, *, keep: float = 0.4
) -> NDArray[np.uint8]:
    """Frames darkened outside of ``box``, the square the model saw, to ``keep`` of their light."""
    picture = _picture(frame)
    top, left, high, wide = check_box(box, *picture.shape[-3:-1])
    out = np.rint(picture * np.float32(keep)).astype(np.uint8)
    inside = np.s_[..., top : top + high, left : left + wide, :]
    out[inside] = picture[inside]
    return out


def greyed(frame: ArrayLike, *, towards: int = 235, amount: float = 0.4) -> NDArray[np.uint8]:
    """Frames without colour, faded ``towards`` one grey: how a skipped frame looks."""
    picture = _picture(frame)
    grey = picture @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    faded = np.rint(grey * (1 - amount) + towards * amount).astype(np.uint8)
    return np.repeat(faded[..., None], 3, axis=-1)


def draw_skeleton(
    frame: ArrayLike,
    points: ArrayLike,
    bones: ArrayLike,
    *,
    left: Sequence[int] = (),
    right: Sequence[int] = (),
    present: ArrayLike | None = None,
    weight: float | None = None,
) -> NDArray[np.uint8]:
    """Bones over a frame: left thick blue, right thinner vermilion, dark-edged on any picture.

    Args:
        frame: uint8 (H, W, 3).
        points: (P, J, 2) pixels, x right and y down; a bone with a NaN end is left out.
        bones: (bones, 2) joint numbers.
        present: (P,) who is there; None: everyone.
        weight: attention in [0, 1]; joints grow and brighten with it.
    """
    picture = _picture(frame)
    places = np.asarray(points, dtype=np.float64)
    if picture.ndim != 3 or places.ndim != 3 or places.shape[-1] != 2:
        raise ValueError(
            "draw_skeleton wants one frame (H, W, 3) and points (P, J, 2) in pixels; "
            f"got {picture.shape} and {places.shape}."
        )
    there = np.ones(len(places), bool) if present is None else np.asarray(present, dtype=bool)
    scale = 2 if min(picture.shape[:2]) <= 720 else 1  # drawn larger, then halved: smooth lines
    layer = Image.new("RGBA", (picture.shape[1] * scale, picture.shape[0] * scale))
    draw = ImageDraw.Draw(layer)
    unit = max(1.0, min(picture.shape[:2]) / 240) * scale
    sides = bone_sides(bones, left, right)
    for person in np.flatnonzero(there):
        _limbs(draw, (places[person] + 0.5) * scale, sides, unit, weight)
    small = layer.reduce(scale) if scale > 1 else layer
    base = Image.fromarray(picture).convert("RGBA")
    return np.asarray(Image.alpha_composite(base, small).convert("RGB"))


def _limbs(
    draw: ImageDraw.ImageDraw,
    places: NDArray[np.float64],
    sides: dict[str, NDArray[np.int64]],
    unit: float,
    weight: float | None,
) -> None:
    """One person's bones with a dark edge, then the joints."""
    drawn: set[int] = set()
    for extra in (1.6, 0.0):
        for side in SIDES:
            wide = BONES[side].width / 2
            colour = (12, 14, 18, 200) if extra else (*rgb(BONES[side].colour), 255)
            for a, b in sides[side]:
                if np.isfinite(places[[a, b]]).all():
                    ends = [tuple(places[a]), tuple(places[b])]
                    draw.line(ends, fill=colour, width=max(1, round((wide + extra) * unit)))
                    drawn |= {int(a), int(b)}
    radius = (1.8 if weight is None else 1.3 + 2.2 * weight) * unit
    light = (255, 255, 255, 255) if weight is None else (255, 250, round(235 - 150 * weight), 255)
    for joint in drawn:
        x, y = places[joint]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=light)


def _letter_size(shape: tuple[int, ...]) -> int:
    return max(11, round(min(shape[:2]) * 0.052))


def _first_fitting(forms: Sequence[str], size: int, room: int) -> tuple[str, int]:
    """The first of ``forms`` that fits ``room`` in bold without being cut; else the last, cut."""
    for form in forms:
        words, fit = _fitting(form, size, room, bold=True)
        if words == form:
            break
    return words, fit


def _fitting(text: str, size: int, room: int, *, bold: bool = False) -> tuple[str, int]:
    """``text`` at a size of at most ``size`` that fits ``room`` pixels; shortened at 10 pixels."""
    while size > 10 and font(size, bold=bold).getlength(text) > room:
        size -= 1
    if font(size, bold=bold).getlength(text) <= room:
        return text, size
    while len(text) > 1 and font(size, bold=bold).getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip() + "…", size


def draw_caption(
    frame: ArrayLike, text: str, *, where: str = "top", lines: Sequence[str] = ()
) -> NDArray[np.uint8]:
    """White words on a dark band at the ``"top"`` or ``"bottom"`` of a frame (H, W, 3)."""
    if where not in ("top", "bottom"):
        raise ValueError(f'where must be "top" or "bottom"; got {where!r}.')
    out = _picture(frame).copy()
    rows = [text, *lines]
    size = _letter_size(out.shape)
    step = round(size * 1.35)
    band = min(out.shape[0], step * len(rows) + round(size * 0.5))
    start = 0 if where == "top" else out.shape[0] - band
    out[start : start + band] = np.rint(out[start : start + band] * 0.28).astype(np.uint8)
    picture = Image.fromarray(out)
    draw = ImageDraw.Draw(picture)
    margin = round(size * 0.6)
    for number, row in enumerate(rows):
        words, fit = _fitting(row, size, out.shape[1] - 2 * margin)
        y = start + round(size * 0.25) + step * number + step / 2
        draw.text((margin, y), words, fill=(255, 255, 255), font=font(fit), anchor="lm")
    return np.asarray(picture)


def draw_decision(
    frame: ArrayLike,
    *,
    written: bool,
    probability: float,
    memory_size: int,
    threshold: float | None = 0.5,
) -> NDArray[np.uint8]:
    """MAM's decision on a frame (H, W, 3): a border, a bar of the probability, and words.

    Written: green border, solid bar. Skipped: blue border of dashes. The bar is as long as the
    probability, with a notch at ``threshold``; the words give both and the memory's size.
    """
    out = _picture(frame).copy()
    look = WRITTEN if written else SKIPPED
    size = _letter_size(out.shape)
    border = max(2, round(min(out.shape[:2]) * 0.018))
    band = min(out.shape[0], round(size * 2.3) + border)
    inner = out[out.shape[0] - band :]
    inner[...] = np.rint(inner * 0.28).astype(np.uint8)
    picture = Image.fromarray(out)
    draw = ImageDraw.Draw(picture)
    height, width = out.shape[:2]
    room = max(0, width - 4 * border)
    word = "written" if written else "skipped"
    forms = [f"{word} {probability:.2f} · memory {memory_size}", f"{word} {probability:.2f}"]
    forms.insert(1, f"{forms[1]} · {memory_size}")
    words, fit = _first_fitting(forms, size, room)
    y = height - band + (band - border) * 0.36
    draw.text((2 * border, y), words, fill=(255, 255, 255), font=font(fit, bold=True), anchor="lm")
    high = max(0, height - 2 * border - 1)
    low = max(0, high - max(3, round(size * 0.4)))
    _bar(draw, (2 * border, low, 2 * border + room, high), probability, threshold, look.colour)
    framed = np.array(picture)
    _border(framed, border, rgb(look.colour), dashed=not written)
    return framed


def _bar(
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    probability: float,
    threshold: float | None,
    colour: str,
) -> None:
    """A bar over ``box`` as long as the probability, with a notch at the threshold."""
    left, top, right, bottom = box
    draw.rectangle(box, fill=(84, 90, 98))
    length = round((right - left) * float(np.clip(np.nan_to_num(probability), 0, 1)))
    if length:
        draw.rectangle((left, top, left + length, bottom), fill=rgb(colour))
    if threshold is not None:
        at = left + round((right - left) * threshold)
        draw.line((at, max(0, top - 2), at, bottom + 1), fill=(255, 255, 255), width=2)


def _border(
    picture: NDArray[np.uint8], wide: int, colour: tuple[int, int, int], *, dashed: bool
) -> None:
    """A frame around the picture, in place; ``dashed`` leaves out every other stretch."""
    height, width = picture.shape[:2]
    dash = max(4, 4 * wide)
    across = np.ones(width, bool) if not dashed else (np.arange(width) // dash) % 2 == 0
    down = np.ones(height, bool) if not dashed else (np.arange(height) // dash) % 2 == 0
    for rows in (slice(0, wide), slice(height - wide, height)):
        picture[rows, across] = colour
    for columns in (slice(0, wide), slice(width - wide, width)):
        picture[down, columns] = colour
