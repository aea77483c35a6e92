"""A skeleton on a dark stage, as a picture for a video: quick, steady, glowing with attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from actviz.views.checks import check_skeleton
from actviz.views.pictures import JointMarks, font, joint_marks, of_person
from actviz.views.skeleton import SIDES, bone_sides, side_marks, skeleton_extent
from actviz.views.theme import BONES, DARK, OKABE_ITO, PEOPLE, Curve, rgb

__all__ = ["skeleton_frame"]

_SMOOTH = 2  # drawn this much larger, then averaged down
_TILT = np.deg2rad(9)  # looking down a little, so that the floor is seen
_STEP = 0.5  # metres between floor lines


@dataclass(frozen=True)
class _Camera:
    """Where a point in metres falls in the picture; the same for a whole clip."""

    centre: tuple[float, float, float]
    distance: float
    scale: float  # pixels
    shift: tuple[float, float]  # pixels

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """(..., 3) metres to (..., 3): x right and y down in pixels, depth in metres."""
        flat = _tilted(np.asarray(points, dtype=np.float64) - self.centre)
        depth = flat[..., 2] + self.distance
        seen = flat[..., :2] / depth[..., None] * np.array([self.scale, -self.scale])
        return np.concatenate([seen + self.shift, depth[..., None]], axis=-1)


def _tilted(points: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = np.moveaxis(points, -1, 0)
    up = y * np.cos(_TILT) + z * np.sin(_TILT)
    away = z * np.cos(_TILT) - y * np.sin(_TILT)
    return np.stack([x, up, away], axis=-1)


def _corners(space: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(np.meshgrid(*space, indexing="ij"), axis=-1).reshape(-1, 3)


@lru_cache(maxsize=8)
def _camera(extent: tuple[tuple[float, float], ...], size: tuple[int, int]) -> _Camera:
    space = np.array(extent)
    centre = space.mean(axis=1)
    distance = 2.2 * float(np.linalg.norm(space[:, 1] - space[:, 0]))
    flat = _Camera(tuple(centre), distance, 1.0, (0.0, 0.0))(_corners(space))[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    room = np.array([size[1] * 0.9, size[0] * 0.8])
    scale = float((room / np.maximum(high - low, 1e-9)).min())
    shift = np.array([size[1] * 0.5, size[0] * 0.49]) - scale * (low + high) / 2
    return _Camera(tuple(centre), distance, scale, tuple(shift))


@lru_cache(maxsize=8)
def _stage(extent: tuple[tuple[float, float], ...], size: tuple[int, int]) -> Image.Image:
    """The empty stage: dark paper and a floor of half-metre squares, at drawing size."""
    large = size[0] * _SMOOTH, size[1] * _SMOOTH
    picture = Image.new("RGB", (large[1], large[0]), rgb("#10161F"))
    draw = ImageDraw.Draw(picture)
    camera = _camera(extent, large)
    (x0, x1), (floor, _), (z0, z1) = extent
    corners = [(x0, floor, z0), (x1, floor, z0), (x1, floor, z1), (x0, floor, z1)]
    draw.polygon([tuple(p[:2]) for p in camera(corners)], fill=rgb("#1A2330"))
    colour = rgb("#2F3B4B")
    for x in np.arange(np.ceil(x0 / _STEP), np.floor(x1 / _STEP) + 1) * _STEP:
        draw.line(
            [tuple(p[:2]) for p in camera([(x, floor, z0), (x, floor, z1)])],
            fill=colour,
            width=_SMOOTH,
        )
    for z in np.arange(np.ceil(z0 / _STEP), np.floor(z1 / _STEP) + 1) * _STEP:
        draw.line(
            [tuple(p[:2]) for p in camera([(x0, floor, z), (x1, floor, z)])],
            fill=colour,
            width=_SMOOTH,
        )
    return picture


def skeleton_frame(
    joints: ArrayLike,
    present: ArrayLike,
    bones: ArrayLike,
    *,
    left: Sequence[int],
    right: Sequence[int],
    extent: ArrayLike | None = None,
    weight: float | None = None,
    marks: ArrayLike | None = None,
    colours: str | None = None,
    size: tuple[int, int] = (480, 480),
    caption: str | None = None,
) -> NDArray[np.uint8]:
    """One frame's people on a dark stage, uint8 (H, W, 3).

    Args:
        joints: (P, J, 3) metres, Kinect axes (x right, y up, z away from the camera).
        present: (P,) who is there.
        bones: (bones, 2) joint numbers.
        left, right: joint numbers of each side.
        extent: (3, 2) from ``skeleton_extent`` of the whole clip, so that nothing jumps.
        weight: attention at this frame in [0, 1]; joints glow with it, and a bar shows it.
        marks: (P, J) in [0, 1] of each joint, drawn in place of the one attention.
        colours: the theme's scale that ``marks`` are coloured by.
        size: (H, W) of the picture in pixels.
        caption: words at the top.
    """
    array, there = check_skeleton(np.asarray(joints)[None], np.asarray(present)[None])
    space = skeleton_extent(array, there) if extent is None else np.asarray(extent, dtype=float)
    key = tuple((float(low), float(high)) for low, high in space)
    large = size[0] * _SMOOTH, size[1] * _SMOOTH
    picture = _stage(key, size).copy()
    draw = ImageDraw.Draw(picture, "RGBA")
    camera, unit = _camera(key, large), min(large) / 480
    people = sorted(np.flatnonzero(there[0]), key=lambda p: -array[0, p, :, 2].mean())
    for person in people:
        _shadow(draw, camera, array[0, person], bones, key[1][0], unit)
    for person in people:
        values = marks if marks is not None else weight
        look = joint_marks(None if values is None else of_person(values, int(person)), colours)
        tints = PEOPLE[int(person) % len(PEOPLE)]
        _figure(draw, camera(array[0, person]), bones, left, right, look, tints, unit)
    small = picture.reduce(_SMOOTH)
    _words(ImageDraw.Draw(small), size, caption, weight, nobody=not people)
    return np.asarray(small)


def _shadow(
    draw: ImageDraw.ImageDraw,
    camera: _Camera,
    pose: NDArray[np.float64],
    bones: ArrayLike,
    floor: float,
    unit: float,
) -> None:
    flat = pose.copy()
    flat[:, 1] = floor
    seen = camera(flat)[:, :2]
    for a, b in np.asarray(bones, dtype=np.int64).reshape(-1, 2):
        draw.line([tuple(seen[a]), tuple(seen[b])], fill=(5, 8, 12), width=round(5 * unit))


def _figure(
    draw: ImageDraw.ImageDraw,
    seen: NDArray[np.float64],
    bones: ArrayLike,
    left: Sequence[int],
    right: Sequence[int],
    marks: JointMarks,
    tints: Mapping[str, Curve],
    unit: float,
) -> None:
    """Glow, then bones from far to near, then joints and the letters L and R."""
    sides = bone_sides(bones, left, right)
    used = np.unique(np.asarray(bones, dtype=np.int64))
    if marks.weight is not None:
        _glow(draw, seen, used, marks, unit)
    strokes = [(side, a, b) for side in SIDES for a, b in sides[side]]
    for side, a, b in sorted(strokes, key=lambda s: -(seen[s[1], 2] + seen[s[2], 2])):
        shade = "#C3CAD4" if side == "centre" else tints[side].colour
        ends = [tuple(seen[a, :2]), tuple(seen[b, :2])]
        draw.line(ends, fill=rgb(shade), width=max(2, round(0.75 * BONES[side].width * unit)))
    for joint in sorted(used.tolist(), key=marks.value):
        x, y, _ = seen[joint]
        radius = marks.radius(joint, 2.6, 2.2, 2.6) * unit
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=marks.colour(joint) if marks.colours else (255, 255, 255))
    for joint, letter in side_marks(bones, left, right):
        colour = DARK.text(BONES["left" if letter == "L" else "right"].colour)
        at = seen[joint, 0], seen[joint, 1] + 7 * unit
        draw.text(at, letter, fill=rgb(colour), font=font(round(16 * unit), bold=True), anchor="mt")


def _glow(
    draw: ImageDraw.ImageDraw,
    seen: NDArray[np.float64],
    used: NDArray[np.int64],
    marks: JointMarks,
    unit: float,
) -> None:
    for share in (1.0, 0.66, 0.4):
        for joint in used.tolist():
            (x, y, _), value = seen[joint], marks.value(joint)
            if marks.colours and value < 0.05:
                continue
            radius = share * (5 + 16 * value) * unit
            box = (x - radius, y - radius, x + radius, y + radius)
            colour = marks.colour(joint) if marks.colours else rgb(OKABE_ITO["yellow"])
            draw.ellipse(box, fill=(*colour, round(12 + 40 * value)))


def _words(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    caption: str | None,
    weight: float | None,
    *,
    nobody: bool,
) -> None:
    letter = max(11, round(min(size) * 0.04))
    margin = round(0.7 * letter)
    ink, quiet = rgb(DARK.ink), rgb(DARK.muted)
    if caption:
        draw.text((margin, margin), caption, fill=ink, font=font(letter), anchor="lt")
    if nobody:
        middle = size[1] / 2, size[0] / 2
        draw.text(middle, "nobody in this frame", fill=quiet, font=font(letter), anchor="mm")
    if weight is None:
        return
    y = size[0] - margin
    words = f"attention {weight:.2f}"
    draw.text((margin, y), words, fill=ink, font=font(letter), anchor="ls")
    start = margin + round(font(letter).getlength("attention 0.00")) + margin
    room = size[1] - margin - start
    draw.rectangle((start, y - letter * 0.7, start + room, y), fill=rgb("#2F3B4B"))
    long = round(room * float(np.clip(weight, 0, 1)))
    if long:
        draw.rectangle((start, y - letter * 0.7, start + long, y), fill=rgb(OKABE_ITO["yellow"]))
