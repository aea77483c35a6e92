"""The studio: turns staged shots into pictures - paint, light, shadows, sensor - and finds the
limbs that move."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.camera import CameraTrack
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.looks import LIMB_JOINTS, PaintedFigure
from actviz.datasets.puppets.paint import Canvas, Light
from actviz.datasets.puppets.plan import FPS
from actviz.datasets.puppets.props import PaintedProp, floor_shadows
from actviz.datasets.puppets.shots import Company, StagedShot
from actviz.datasets.puppets.stage import ACCENTS, paint_room, view_room

__all__ = ["Painter", "develop", "moving_limbs"]

MOVING = 0.05  # a limb moves when it crosses more than this share of the picture's side a second


class Painter:
    """Paints the asked frames of one shot."""

    def __init__(
        self,
        staged: StagedShot,
        local: NDArray[np.int64],
        *,
        company: Company,
        seed: int,
        shape: tuple[int, int],
    ) -> None:
        self.staged, self.shape = staged, shape
        side = min(shape)
        self.camera = _at(staged.camera, local)
        self.scale = self.camera.focal * side / 2
        self.atlas = paint_room(staged.room, _texel(side))
        act = staged.performance
        figures = [type(f)(f.body, f.joints[local], f.face[local]) for f in act.figures]
        props = [
            type(p)(
                p.kind, p.size, p.centre[local], p.yaw, None if p.tilt is None else p.tilt[local]
            )
            for p in act.props
        ]
        self.figures = [
            PaintedFigure(figure, company.looks[person], self.camera, 16 * order)
            for order, (person, figure) in enumerate(zip(staged.people, figures, strict=True))
        ]
        dice = Dice(seed, "things")
        colours = [np.array(dice.pick(ACCENTS), dtype=np.float32) for _ in range(4)]
        self.props = [
            PaintedProp(prop, _prop_colour(prop.kind, colours, order), self.camera)
            for order, prop in enumerate(props)
        ]
        self.sun, self.key, self.fill, self.dark = _light(seed)
        self.shadows = floor_shadows(figures, props, self.camera, self.sun, staged.room.depth)

    def paint(self, order: int) -> Canvas:
        """Frame ``order`` of the asked ones."""
        scale = float(self.scale[order])
        place, axes = self.camera.place[order], self.camera.axes[order]
        sun = axes @ self.sun
        light = Light((float(sun[0]), float(-sun[1]), float(-sun[2])), self.key, self.fill)
        back = view_room(self.staged.room, self.atlas, place, axes, scale, self.shape)
        canvas = Canvas(back, light)
        self._shadows(canvas, order, scale, float(place[1]))
        solids: list[tuple] = []
        for figure in self.figures:
            solids += figure.solids(canvas, order, scale)
        for prop in self.props:
            solids += prop.solids(canvas, order, scale)
        solids.sort(key=lambda solid: -solid[0])
        for _, how, arguments in solids:
            how(*arguments)
        return canvas

    def _shadows(self, canvas: Canvas, order: int, scale: float, height: float) -> None:
        canvas.begin_shadows()
        half_w, half_h = canvas.width / 2, canvas.height / 2
        for (ax, ay, az, ar), (bx, by, bz, br) in self.shadows[order].tolist():
            if min(az, bz) < 0.3:
                continue
            ka, kb = scale / az, scale / bz
            far = 0.5 * (az + bz)
            stretch = min(max((far * far + height * height) ** 0.5 / max(height, 0.2), 1.0), 7.0)
            a = (half_w + ka * ax, half_h - ka * ay, ar * ka)
            b = (half_w + kb * bx, half_h - kb * by, br * kb)
            canvas.shadow(a, b, stretch, self.dark)
        canvas.end_shadows()


def _at(camera: CameraTrack, local: NDArray[np.int64]) -> CameraTrack:
    return CameraTrack(camera.place[local], camera.axes[local], camera.focal[local])


def _texel(side: int) -> float:
    """Metres a texel: about a pixel of a whole-figure shot."""
    return 0.024 if side <= 128 else 0.012 if side <= 288 else 0.006


def _prop_colour(kind: str, colours: list, order: int) -> NDArray[np.float32]:
    wood = np.array((0.58, 0.42, 0.28), dtype=np.float32)
    if kind in ("table", "chair"):
        return 0.65 * wood + 0.35 * colours[3]
    return colours[order]


def _light(seed: int) -> tuple:
    """Where the light is (3,), its colour, the colour of the shadows, and their depth."""
    dice = Dice(seed, "light")
    around, high = dice.uniform(-1.2, 1.2), dice.uniform(0.75, 1.25)
    sun = np.array([np.sin(around) * np.cos(high), np.sin(high), -np.cos(around) * np.cos(high)])
    warm = dice.uniform(-0.05, 0.08)
    key = np.array([1 + warm, 1.0, 1 - warm], dtype=np.float32) * np.float32(
        dice.uniform(0.72, 0.9)
    )
    fill = np.array([0.95, 1.0, 1.06], dtype=np.float32) * np.float32(dice.uniform(0.38, 0.5))
    return sun, key, fill, dice.uniform(0.28, 0.45)


def moving_limbs(staged: StagedShot, local: int) -> NDArray[np.bool_]:
    """For each limb number (33,), whether it moves across the picture at frame ``local``."""
    moving = np.zeros(33, dtype=bool)
    count = staged.shot.stop - staged.shot.start
    before, after = max(local - 1, 0), min(local + 1, count - 1)
    camera = _at(staged.camera, np.array([local, local]))
    for order, figure in enumerate(staged.performance.figures):
        x, y, z = np.moveaxis(camera.to_camera(figure.joints[[before, after]]), -1, 0)
        flat = np.stack([x / z, y / z], axis=-1) * (camera.focal[0] / 2)
        step = np.sqrt(((flat[1] - flat[0]) ** 2).sum(-1)) * FPS / max(after - before, 1)
        for limb, numbers in enumerate(LIMB_JOINTS):
            if numbers:
                moving[16 * order + limb] = step[list(numbers)].max() > MOVING
    return moving


_PLATES: dict[str, NDArray[np.float32]] = {}


def _noise_plate() -> NDArray[np.float32]:
    """Sensor noise (256, 256), standard deviation 1, always the same."""
    if "noise" not in _PLATES:
        raw = Dice(0, "sensor plate").raw(256 * 256 // 2).view(np.uint8).reshape(256, 256, 4)
        _PLATES["noise"] = ((raw.astype(np.float32).sum(-1) - 510) / 147.8).astype(np.float32)
    return _PLATES["noise"]


def _vignette(height: int, width: int) -> NDArray[np.float32]:
    name = f"{height}x{width}"
    if name not in _PLATES:
        y = ((np.arange(height) + 0.5) / height - 0.5)[:, None]
        x = ((np.arange(width) + 0.5) / width - 0.5)[None, :]
        _PLATES[name] = (1.03 - 0.42 * (x * x + y * y)).astype(np.float32)
    return _PLATES[name]


def develop(
    canvas: Canvas, *, seed: int, shot_start: int, index: int, noise: float = 1.0
) -> NDArray[np.uint8]:
    """The canvas as the sensor delivers it: exposure, noise, eight bits, (H, W, 3)."""
    dice = Dice(seed, f"sensor {shot_start}")
    level = dice.uniform(1.0, 3.6)
    picture = canvas.colour
    picture *= np.float32(255 * dice.uniform(0.94, 1.06))
    picture *= _vignette(canvas.height, canvas.width)
    plate = _noise_plate()
    where = Dice(seed, f"noise {index}").raw(2) % np.uint64(256)
    rows = (np.arange(canvas.height) + int(where[0])) & 255
    columns = (np.arange(canvas.width) + int(where[1])) & 255
    picture += np.float32(level * noise) * plate[rows[:, None], columns[None, :]]
    np.clip(picture, 0, 255, out=picture)
    return (picture + np.float32(0.5)).astype(np.uint8).transpose(1, 2, 0)
