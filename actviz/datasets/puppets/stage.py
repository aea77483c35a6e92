"""The stage: a room with floor and walls, painted once per clip and seen by casting rays.

The room is a box: floor y = 0, back wall z = ``depth``, side walls x = ±``half``, open towards the
camera. Its colours lie in one atlas of texels; each pixel's ray meets a floor or a wall and takes
its colour by bilinear look-up, so the camera may move as it likes. All float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.dice import Dice

__all__ = ["Atlas", "Room", "cast_room", "paint_room"]

Image = NDArray[np.float32]
FRONT = 6.5  # metres of floor and side wall on the camera's side of the actors
HIGH = 3.4  # metres of painted wall; above it the topmost row continues

WALLS = (
    (0.80, 0.74, 0.66), (0.62, 0.70, 0.74), (0.72, 0.60, 0.56), (0.55, 0.63, 0.57),
    (0.86, 0.82, 0.76), (0.44, 0.50, 0.60), (0.70, 0.66, 0.74), (0.78, 0.68, 0.50),
    (0.42, 0.44, 0.47), (0.58, 0.42, 0.40), (0.66, 0.76, 0.72), (0.36, 0.42, 0.46),
)  # fmt: skip
FLOORS = (
    (0.58, 0.44, 0.31), (0.46, 0.34, 0.25), (0.66, 0.55, 0.42), (0.50, 0.49, 0.48),
    (0.38, 0.40, 0.44), (0.56, 0.52, 0.47), (0.42, 0.46, 0.42), (0.62, 0.58, 0.55),
)  # fmt: skip
ACCENTS = (
    (0.75, 0.28, 0.22), (0.20, 0.38, 0.55), (0.88, 0.68, 0.26), (0.24, 0.46, 0.40),
    (0.52, 0.30, 0.44), (0.90, 0.86, 0.78), (0.22, 0.24, 0.30), (0.80, 0.50, 0.32),
)  # fmt: skip


@dataclass(frozen=True)
class Room:
    """Size and looks of one room; colours are RGB in [0, 1]."""

    half: float
    depth: float
    wall: tuple[float, float, float]
    floor: tuple[float, float, float]
    accent: tuple[float, float, float]
    wall_kind: str
    floor_kind: str
    scale: float  # of the patterns, metres
    shift: tuple[float, float]  # of the noise
    pictures: tuple[tuple[float, float, float, float, int], ...]  # u, y, width, height, colour
    pool: float  # strength of the light on the middle of the stage
    tone: float  # overall brightness


@dataclass(frozen=True)
class Atlas:
    """The painted room: (3, N) float32, floor texels first, then the walls'."""

    texels: Image
    texel: float  # metres
    floor_shape: tuple[int, int]
    wall_shape: tuple[int, int]


def cast_room(dice: Dice) -> Room:
    """A room: size, colours, patterns, pictures on the wall, light."""
    half, depth = dice.uniform(2.9, 4.2), dice.uniform(1.5, 2.5)
    pictures = []
    for _ in range(dice.between(0, 4)):
        wide, tall = dice.uniform(0.35, 1.1), dice.uniform(0.35, 0.9)
        pictures.append((dice.uniform(-half, half - wide), dice.uniform(1.1, 1.7), wide, tall,
                         dice.below(len(ACCENTS))))  # fmt: skip
    jitter = dice.uniforms(-0.05, 0.05, 6)
    wall = np.array(dice.pick(WALLS)) + jitter[:3]
    floor = np.array(dice.pick(FLOORS)) + jitter[3:]
    return Room(
        half=half,
        depth=depth,
        wall=tuple(wall.tolist()),
        floor=tuple(floor.tolist()),
        accent=dice.pick(ACCENTS),
        wall_kind=dice.pick(("plain", "stripes", "panels", "bricks", "curtain", "band")),
        floor_kind=dice.pick(("planks", "tiles", "carpet", "plain")),
        scale=dice.uniform(0.8, 1.3),
        shift=(dice.uniform(0, 255), dice.uniform(0, 255)),
        pictures=tuple(pictures),
        pool=dice.uniform(0.15, 0.4),
        tone=dice.uniform(0.85, 1.08),
    )


@lru_cache(maxsize=1)
def _noise_tile() -> Image:
    """Smooth noise (256, 256) in about [−1, 1], periodic; the same for all rooms."""
    dice = Dice(0, "noise tile")
    total = np.zeros((256, 256), dtype=np.float32)
    for cells, weight in ((8, 0.5), (32, 0.35), (128, 0.25)):
        grid = dice.uniforms(-1, 1, cells * cells).reshape(cells, cells).astype(np.float32)
        at = np.arange(256) * cells / 256
        low, part = at.astype(int), (at % 1).astype(np.float32)
        part = part * part * (3 - 2 * part)
        rows = grid[low] * (1 - part)[:, None] + grid[(low + 1) % cells] * part[:, None]
        total += weight * (rows[:, low] * (1 - part) + rows[:, (low + 1) % cells] * part)
    return total


def _noise(x: Image, y: Image, room: Room, scale: float) -> Image:
    """Noise at metres (x across, y down as row and column vectors), one tile is ``scale`` m."""
    column = np.floor(x * (256 / scale) + room.shift[0]).astype(np.int64) & 255
    row = np.floor(y * (256 / scale) + room.shift[1]).astype(np.int64) & 255
    return _noise_tile()[row[:, None], column[None, :]]


def _groove(x: Image, period: float, width: float) -> Image:
    """1 away from, 0 at the lines every ``period`` metres; lines ``width`` metres wide."""
    part = x / period
    near = np.abs(part - np.round(part)) * period
    return np.clip(near / width, 0, 1).astype(np.float32)


def _hash(cells: NDArray[np.int64]) -> Image:
    """A fixed pseudo-random number in [−1, 1] for each whole number."""
    mixed = (cells * 2654435761 + 40503) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) & 0xFFFFFFFF
    return (((mixed ^ (mixed >> 13)) & 0xFFFF) / 32767.5 - 1).astype(np.float32)


def _floor(room: Room, x: Image, z: Image) -> Image:
    """Brightness of the floor's pattern, (Z, X) around 1."""
    scale = room.scale
    grain = _noise(x * 0.25, z, room, 2.2) if room.floor_kind == "planks" else _noise(x, z, room, 3)
    out = 1 + 0.07 * grain
    if room.floor_kind == "planks":
        wide = 0.16 * scale
        row = np.floor(z / wide).astype(np.int64)
        along = x[None, :] + (_hash(row)[:, None] * 2.0)
        cell = np.floor(along / (1.5 * scale)).astype(np.int64)
        out *= 1 + 0.10 * _hash(cell * 131 + row[:, None])
        out *= (0.82 + 0.18 * _groove(z, wide, 0.015))[:, None]
        out *= 0.88 + 0.12 * _groove(along, 1.5 * scale, 0.015)
    elif room.floor_kind == "tiles":
        side = 0.45 * scale
        cell = (
            np.floor(x / side).astype(np.int64)[None] + np.floor(z / side).astype(np.int64)[:, None]
        )
        out *= 1 + 0.09 * (1 - 2 * (cell & 1)).astype(np.float32)
        out *= (0.86 + 0.14 * _groove(x, side, 0.012))[None] * (
            0.86 + 0.14 * _groove(z, side, 0.012)
        )[:, None]
    return out


def _carpet(room: Room, x: Image, z: Image) -> Image:
    """How much of the accent colour the floor shows, (Z, X) in [0, 1]."""
    half = 1.15 * room.scale
    edge = np.maximum(np.abs(x)[None] - 1.4 * half, np.abs(z)[:, None] - half)
    inside = np.clip(-edge / 0.02, 0, 1)
    border = np.clip((np.abs(edge + 0.12) - 0.03) / 0.02, 0, 1)
    return (inside * (0.55 + 0.35 * border)).astype(np.float32)


def _wall(room: Room, u: Image, y: Image) -> Image:
    """Brightness of the wall's pattern, (Y, U) around 1."""
    scale, kind = room.scale, room.wall_kind
    out = 1 + 0.035 * _noise(u, y, room, 4.0)
    if kind == "stripes":
        part = np.sin(u * (2 * np.pi / (0.36 * scale)))
        out *= 1 + 0.07 * np.clip(part * 4, -1, 1)[None]
    elif kind == "panels":
        low = (y < 1.0)[:, None]
        frame = np.minimum(
            _groove(u, 0.8 * scale, 0.03)[None], _groove(y - 1.0, 0.92, 0.03)[:, None]
        )
        out *= np.where(low, 0.84 * (0.82 + 0.18 * frame), 1.0)
    elif kind == "bricks":
        tall = 0.15 * scale
        row = np.floor(y / tall).astype(np.int64)
        along = u[None] + 0.5 * (row & 1)[:, None] * 0.34 * scale
        cell = np.floor(along / (0.34 * scale)).astype(np.int64)
        out *= 1 + 0.07 * _hash(cell * 57 + row[:, None])
        out *= (0.9 + 0.1 * _groove(y, tall, 0.018)[:, None]) * (
            0.9 + 0.1 * _groove(along, 0.34 * scale, 0.018)
        )
    elif kind == "curtain":
        fold = np.sin(u * (2 * np.pi / (0.5 * scale)) + 1.3 * np.sin(u * 3.1))
        out *= 0.92 + 0.17 * fold[None]
    return out


def _pictures(room: Room, colours: Image, u: Image, y: Image) -> None:
    """Hang framed colour fields on the wall, in place on ``colours`` (3, Y, U)."""
    for left, low, wide, tall, which in room.pictures:
        dx = np.abs(u - left - wide / 2)[None] - wide / 2
        dy = np.abs(y - low - tall / 2)[:, None] - tall / 2
        edge = np.maximum(dx, dy)
        tint = np.array(ACCENTS[which], dtype=np.float32)[:, None, None]
        other = np.array(ACCENTS[(which + 3) % len(ACCENTS)], dtype=np.float32)[:, None, None]
        wave = (y[:, None] - low) / tall + 0.18 * np.sin((u[None] - left) / wide * 5 + which)
        field = np.where(wave > 0.5, tint, 0.55 * tint + 0.45 * other)
        for grow, colour in ((0.0, 0.25 * np.ones((3, 1, 1), np.float32)), (-0.035, 0.9 * field)):
            share = np.clip((grow - edge) / 0.012, 0, 1)
            colours += share * (colour - colours)


@lru_cache(maxsize=6)
def paint_room(room: Room, texel: float) -> Atlas:
    """Paint floor and walls at ``texel`` metres a texel."""
    x = np.arange(-room.half, room.half + 2 * texel, texel, dtype=np.float32)
    z = np.arange(-FRONT, room.depth + 2 * texel, texel, dtype=np.float32)
    y = np.arange(0, HIGH + 2 * texel, texel, dtype=np.float32)
    reach = room.half + FRONT + room.depth
    u = np.arange(-reach, reach + 2 * texel, texel, dtype=np.float32)
    tone = np.float32(room.tone)
    ground = _tinted(_floor(room, x, z) * tone, room.floor)
    if room.floor_kind == "carpet":
        accent = _tinted(1 + 0.12 * _noise(x, z, room, 1.0), room.accent)
        ground += _carpet(room, x, z) * (accent - ground)
    pool = 1 / (1 + (x * x)[None] / 4.0 + (z * z)[:, None] / 3.0)
    rim = np.minimum(room.half - np.abs(x)[None], room.depth - z[:, None])
    ground *= (1 - room.pool * 0.6 + room.pool * pool) * (0.72 + 0.28 * np.clip(rim / 0.5, 0, 1))
    tint = room.accent if room.wall_kind == "curtain" else room.wall
    wall = _tinted(_wall(room, u, y) * tone, tint)
    if room.wall_kind == "band":
        belt = np.clip((0.09 - np.abs(y - 1.05)) / 0.02, 0, 1)[None, :, None].astype(np.float32)
        wall += 0.7 * belt * (np.array(room.accent, np.float32)[:, None, None] - wall)
    if room.wall_kind != "curtain":
        _pictures(room, wall, u, y)
    seam = np.float32(0.16 * tone) * np.ones((3, 1, 1), np.float32)  # one dark line on both sides:
    ground += np.clip((0.03 - rim) / 0.02, 0, 1).astype(np.float32) * (seam - ground)  # no jags
    skirting = np.clip((0.11 - y) / 0.015, 0, 1)[None, :, None].astype(np.float32)
    wall *= 1 - 0.35 * skirting
    corner = np.abs(np.abs(u) - room.half)
    shade = (0.80 + 0.20 * np.clip(y / 0.6, 0, 1))[:, None] * (
        0.86 + 0.14 * np.clip(corner / 0.5, 0, 1)
    )
    shade *= (
        1
        - room.pool * 0.4
        + room.pool * 0.8 / (1 + (u * u)[None] / 5 + ((y - 1.3) ** 2)[:, None] / 2.5)
    )
    wall *= shade * np.where(np.abs(u) > room.half, 0.88, 1.0)
    wall += np.clip((0.035 - y) / 0.02, 0, 1)[None, :, None].astype(np.float32) * (seam - wall)
    texels = np.concatenate([ground.reshape(3, -1), wall.reshape(3, -1)], axis=1)
    return Atlas(np.clip(texels, 0, 1).astype(np.float32), texel, ground.shape[1:], wall.shape[1:])


def _tinted(brightness: Image, colour: tuple[float, float, float]) -> Image:
    return np.asarray(brightness, np.float32)[None] * np.array(colour, np.float32)[:, None, None]


def view_room(
    room: Room, atlas: Atlas, place: NDArray, axes: NDArray, scale: float, shape: tuple[int, int]
) -> Image:
    """What the camera sees of the empty room, (3, H, W) in [0, 1]; ``scale`` in pixels."""
    height, width = shape
    a = ((np.arange(width) + 0.5 - width / 2) / scale).astype(np.float32)[None, :]
    b = (-(np.arange(height) + 0.5 - height / 2) / scale).astype(np.float32)[:, None]
    right, up, away = (np.asarray(row, np.float32) for row in axes)
    px, py, pz = (np.float32(value) for value in place)
    dx = right[0] * a + (up[0] * b + away[0])
    dz = right[2] * a + (up[2] * b + away[2])
    dy = up[1] * b + away[1]  # (H, 1): the camera has no roll
    tiny = np.float32(1e-5)
    back = (room.depth - pz) / np.where(np.abs(dz) < tiny, tiny, dz)
    back = np.where(dz > tiny, back, np.float32(1e4))
    aside = (np.copysign(np.float32(room.half), dx) - px) / np.copysign(
        np.maximum(np.abs(dx), tiny), dx
    )
    wall = np.minimum(back, aside)
    down = np.where(dy < -tiny, -py / np.minimum(dy, -tiny), np.float32(1e4))  # (H, 1)
    floor = down < wall
    far = np.minimum(wall, down)
    x, z = px + far * dx, pz + far * dz
    along = np.where(back < aside, x, np.copysign(room.half + room.depth - z, dx))
    f_rows, f_columns = atlas.floor_shape
    w_rows, w_columns = atlas.wall_shape
    reach = room.half + FRONT + room.depth
    grid = np.float32(1 / atlas.texel)
    column = np.where(floor, x + room.half, along + reach) * grid
    row = np.where(floor, z + FRONT, py + far * dy) * grid
    column = np.clip(column, 0, np.where(floor, f_columns - 1.01, w_columns - 1.01))
    row = np.clip(row, 0, np.where(floor, f_rows - 1.01, w_rows - 1.01))
    return _bilinear(atlas, row, column, floor)


def _bilinear(atlas: Atlas, row: Image, column: Image, floor: NDArray[np.bool_]) -> Image:
    stride = np.where(floor, atlas.floor_shape[1], atlas.wall_shape[1])
    start = np.where(floor, 0, atlas.floor_shape[0] * atlas.floor_shape[1])
    low_row, low_column = row.astype(np.int32), column.astype(np.int32)
    at = start + low_row * stride + low_column
    down, across = row - low_row, column - low_column
    texels = atlas.texels
    out = texels.take(at, axis=1)
    out += across * (texels.take(at + 1, axis=1) - out)
    below = texels.take(at + stride, axis=1)
    below += across * (texels.take(at + stride + 1, axis=1) - below)
    out += down * (below - out)
    return out
