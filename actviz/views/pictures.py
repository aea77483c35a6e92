"""Pictures for video and page: bones, decisions and words on frames, numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from actviz.views.checks import check_picture
from actviz.views.skeleton import SIDES, bone_sides
from actviz.views.theme import (
    BONES,
    PEOPLE,
    SKIPPED,
    WRITTEN,
    Curve,
    heat_colours,
    rgb,
)

__all__ = [
    "JointMarks",
    "draw_caption",
    "draw_decision",
    "draw_skeleton",
    "font",
    "greyed",
    "joint_marks",
    "of_person",
]


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, as it comes with matplotlib, ``size`` pixels high."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def greyed(frame: ArrayLike, *, towards: int = 235, amount: float = 0.4) -> NDArray[np.uint8]:
    """Frames without colour, faded ``towards`` one grey: how a skipped frame looks."""
    picture = check_picture(frame)
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
    weight: ArrayLike | None = None,
    colours: str | None = None,
) -> NDArray[np.uint8]:
    """Bones over a frame: left thick blue, right thinner vermilion, dark-edged on any picture.

    Args:
        frame: uint8 (H, W, 3).
        points: (P, J, 2) pixels, x right and y down; a bone with a NaN end is left out.
        bones: (bones, 2) joint numbers.
        present: (P,) who is there; None: everyone. 0.5: interpolated, drawn half as strong.
        weight: in [0, 1], one number or (P, J); joints grow and brighten with it.
        colours: a scale of the theme that joints are coloured by; None: white to yellow.
    """
    picture = check_picture(frame)
    places = np.asarray(points, dtype=np.float64)
    if picture.ndim != 3 or places.ndim != 3 or places.shape[-1] != 2:
        raise ValueError(
            "draw_skeleton wants one frame (H, W, 3) and points (P, J, 2) in pixels; "
            f"got {picture.shape} and {places.shape}."
        )
    there = np.ones(len(places)) if present is None else np.asarray(present, dtype=np.float64)
    scale = 2 if min(picture.shape[:2]) <= 720 else 1  # drawn larger, then halved: smooth lines
    unit = max(1.0, min(picture.shape[:2]) / 240) * scale
    sides = bone_sides(bones, left, right)
    base = Image.fromarray(picture).convert("RGBA")
    for strength in sorted({*there.tolist()} - {0.0}):  # who is sure lies over who is not
        layer = Image.new("RGBA", (picture.shape[1] * scale, picture.shape[0] * scale))
        for person in np.flatnonzero(there == strength).tolist():
            marks = joint_marks(None if weight is None else of_person(weight, person), colours)
            looks = PEOPLE[person % len(PEOPLE)]
            places_drawn = (places[person] + 0.5) * scale
            _limbs(ImageDraw.Draw(layer), places_drawn, sides, unit, marks, looks)
        small = layer.reduce(scale) if scale > 1 else layer
        if strength < 1:
            small.putalpha(small.getchannel("A").point(lambda a, s=strength: round(a * s)))
        base.alpha_composite(small)
    return np.asarray(base.convert("RGB"))


def _limbs(
    draw: ImageDraw.ImageDraw,
    places: NDArray[np.float64],
    sides: dict[str, NDArray[np.int64]],
    unit: float,
    marks: JointMarks,
    looks: Mapping[str, Curve],
) -> None:
    """One person's bones with a dark edge, then the joints, the strongest on top."""
    drawn: set[int] = set()
    for extra in (1.6, 0.0):
        for side in SIDES:
            wide = BONES[side].width / 2
            colour = (12, 14, 18, 200) if extra else (*rgb(looks[side].colour), 255)
            for a, b in sides[side]:
                if np.isfinite(places[[a, b]]).all():
                    ends = [tuple(places[a]), tuple(places[b])]
                    draw.line(ends, fill=colour, width=max(1, round((wide + extra) * unit)))
                    drawn |= {int(a), int(b)}
    for joint in sorted(drawn, key=marks.value):
        (x, y), radius = places[joint], marks.radius(joint, 1.8, 1.3, 2.2) * unit
        box = (x - radius, y - radius, x + radius, y + radius)
        edge = (12, 14, 18, 255) if marks.colours else None
        draw.ellipse(box, fill=(*marks.colour(joint), 255), outline=edge)


@dataclass(frozen=True)
class JointMarks:
    """How large and of what colour one person's joints are drawn."""

    weight: NDArray[np.float64] | None  # () or (J,) in [0, 1]; None: all plain
    colours: str | None = None

    def value(self, joint: int) -> float:
        """The joint's value in [0, 1]; 0 where joints are plain."""
        if self.weight is None:
            return 0.0
        return float(self.weight[joint] if self.weight.ndim else self.weight)

    def radius(self, joint: int, plain: float, least: float, more: float) -> float:
        """``plain``, or from ``least`` up by ``more``; wider where colours must be told apart."""
        if self.weight is None:
            return plain
        return least + more * (1.6 if self.colours else 1.0) * self.value(joint)

    def colour(self, joint: int) -> tuple[int, int, int]:
        """White, towards yellow by the value, or of the scale."""
        if self.weight is None:
            return 255, 255, 255
        if self.colours is None:
            return 255, 250, round(235 - 150 * self.value(joint))
        red, green, blue = heat_colours(self.colours)[round(255 * self.value(joint))]
        return int(red), int(green), int(blue)


def joint_marks(weight: ArrayLike | None, colours: str | None = None) -> JointMarks:
    """Marks for one number or one per joint (J,), kept in [0, 1]; NaN counts as 0."""
    if weight is None:
        return JointMarks(None, colours)
    return JointMarks(np.clip(np.nan_to_num(np.asarray(weight, np.float64)), 0, 1), colours)


def of_person(weight: ArrayLike, person: int) -> NDArray[np.float64]:
    """One person's share of values that are one number or (P, J); 0 for one beyond the P."""
    array = np.asarray(weight, dtype=np.float64)
    if array.ndim < 2:
        return array
    return array[person] if person < len(array) else np.zeros(array.shape[1])


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
    out = check_picture(frame).copy()
    rows = [text, *lines]
    size = _letter_size(out.shape)
    step = round(size * 1.35)
    band = min(out.shape[0], step * len(rows) + round(size * 0.5))
    start = 0 if where == "top" else out.shape[0] - band
    dark = Image.fromarray(np.rint(out[start : start + band] * np.float32(0.28)).astype(np.uint8))
    draw = ImageDraw.Draw(dark)
    margin = round(size * 0.6)
    for number, row in enumerate(rows):
        words, fit = _fitting(row, size, out.shape[1] - 2 * margin)
        y = round(size * 0.25) + step * number + step / 2
        draw.text((margin, y), words, fill=(255, 255, 255), font=font(fit), anchor="lm")
    out[start : start + band] = np.asarray(dark)
    return out


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
    out = check_picture(frame).copy()
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
