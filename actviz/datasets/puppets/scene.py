"""One puppet clip, from its seed: truth, skeleton, pictures, masks.

T frames · H, W pixels · N frames asked for
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from actviz.clip.types import Clip, Skeleton
from actviz.datasets.puppets.dice import Dice
from actviz.datasets.puppets.looks import LIMB_JOINTS, PaintedFigure
from actviz.datasets.puppets.paint import Canvas, Light
from actviz.datasets.puppets.plan import FPS, make_plan
from actviz.datasets.puppets.props import PaintedProp, floor_shadows
from actviz.datasets.puppets.shots import ACTIONS, StagedShot, cast_company, stage_shot
from actviz.datasets.puppets.stage import ACCENTS, paint_room, view_room
from actviz.datasets.puppets.truth import PuppetTruth

__all__ = ["SPLITS", "Scene", "make_scene", "render_many", "scene_seeds"]

Size = int | tuple[int, int]
MOVING = 0.05  # a limb moves when it crosses more than this share of the picture's side a second
SPLITS = {
    "train": range(0, 120_000),
    "val": range(1_200_000, 1_212_000),
    "test": range(2_400_000, 2_412_000),
}  # an actor, a room, a camera track belong to one seed, so no split shares any with another


def scene_seeds(split: str, count: int) -> list[int]:
    """The first ``count`` seeds of a split; any twelve in a row hold each action once."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}.")
    seeds = SPLITS[split]
    if not 0 <= count <= len(seeds):
        raise ValueError(f"the {split} split has {len(seeds)} seeds; got a count of {count}.")
    return list(seeds[:count])


def make_scene(seed: int, *, action: str | None = None, root: str | None = None) -> Scene:
    """The clip of ``seed``.

    ``action``: None takes ``ACTIONS[seed % 12]``. ``root`` of the skeleton: "camera", "hips", or
    None to let the seed decide (about four in ten lose their global position).
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be a whole number from 0 to 2**63 - 1; got {seed}.")
    if action is not None and action not in ACTIONS:
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}; got {action!r}.")
    if root not in (None, "camera", "hips"):
        raise ValueError(f'root must be "camera", "hips" or None; got {root!r}.')
    return Scene(int(seed), action or ACTIONS[seed % len(ACTIONS)], root)


class Scene:
    """A clip that is computed as it is asked for; make it with ``make_scene``."""

    def __init__(self, seed: int, action: str, root: str | None) -> None:
        self.seed, self.action = seed, action
        self.label = ACTIONS.index(action)
        self.plan = make_plan(Dice(seed, "plan"))
        self.times_s = np.arange(self.plan.frames) / FPS
        dropped = Dice(seed, "root").chance(0.4)
        self.root = root or ("hips" if dropped else "camera")

    def __len__(self) -> int:
        return self.plan.frames

    def __repr__(self) -> str:
        return f"Scene(seed={self.seed}, action={self.action!r}, frames={len(self)})"

    @cached_property
    def truth(self) -> PuppetTruth:
        """What is known about each frame."""
        shots = self.plan.shots
        cuts = np.array([self.times_s[shot.start] for shot in shots[1:]], dtype=np.float64)
        return PuppetTruth(self.seed, self.action, self.times_s, self.plan.evidence,
                           self.plan.phase, cuts, shots)  # fmt: skip

    @cached_property
    def _company(self):
        return cast_company(self.seed)

    @cached_property
    def staged(self) -> tuple[StagedShot, ...]:
        """Every shot with its figures, things and camera."""
        return tuple(
            stage_shot(self._company, self.plan, number, seed=self.seed, action=self.action)
            for number in range(len(self.plan.shots))
        )

    def skeleton(self) -> Skeleton:
        """The 25 NTU joints of both actors in camera metres; P is always 2."""
        count = len(self)
        joints = np.zeros((count, 2, 25, 3), dtype=np.float32)
        present = np.zeros((count, 2), dtype=bool)
        swap = Dice(self.seed, "slots").chance(0.5) and self.action in ("shake hands", "push")
        for staged in self.staged:
            span = slice(staged.shot.start, staged.shot.stop)
            alone = len(staged.people) == 1
            for person, figure in zip(staged.people, staged.performance.figures, strict=True):
                slot = 0 if alone else person ^ swap
                local = staged.camera.to_camera(figure.joints)
                if self.root == "hips":
                    local = local - 0.5 * (local[:, 12:13] + local[:, 16:17])
                joints[span, slot] = local
                present[span, slot] = True
        digest = hashlib.sha256(joints.tobytes() + present.tobytes()).hexdigest()
        return Skeleton(joints, present, self.times_s, np.arange(count), "ntu-25", self.root,
                        self._name, digest)  # fmt: skip

    @property
    def _name(self) -> str:
        return f"puppet {self.seed} {self.action}"

    def render(self, indices: Sequence[int] | None = None, size: Size = 112) -> NDArray[np.uint8]:
        """Frames (N, H, W, 3); ``size`` is the side in pixels, or (height, width)."""
        height, width = _shape(size)
        asked = self._indices(indices)
        out = np.empty((len(asked), height, width, 3), dtype=np.uint8)
        for position, canvas, staged in self._painted(asked, (height, width)):
            out[position] = self._developed(canvas, staged, int(asked[position]))
        return out

    def limb_mask(
        self, indices: Sequence[int] | None = None, size: Size = 112
    ) -> NDArray[np.bool_]:
        """Where a moving limb is seen in a frame of evidence, (N, H, W); empty elsewhere."""
        height, width = _shape(size)
        asked = self._indices(indices)
        out = np.zeros((len(asked), height, width), dtype=bool)
        shown = [int(i) for i in np.flatnonzero(self.plan.evidence[asked])]
        for position, canvas, staged in self._painted(asked[shown], (height, width)):
            moving = _moving_limbs(staged, int(asked[shown[position]]) - staged.shot.start)
            out[shown[position]] = moving[canvas.limb]
        return out

    def clip(self, indices: Sequence[int] | None = None, size: Size = 112) -> Clip:
        """The rendered frames as a ``Clip``; ``indices`` must increase."""
        asked = self._indices(indices)
        frames = self.render(asked.tolist(), size)
        digest = hashlib.sha256(frames.tobytes()).hexdigest()
        return Clip(frames, self.times_s[asked], asked, self._name, digest)

    def _indices(self, indices: Sequence[int] | None) -> NDArray[np.int64]:
        if indices is None:
            return np.arange(len(self))
        asked = np.asarray(indices, dtype=np.int64).reshape(-1)
        if len(asked) and (asked.min() < 0 or asked.max() >= len(self)):
            raise ValueError(
                f"indices must lie in 0 … {len(self) - 1}; got {asked.min()} … {asked.max()}."
            )
        return asked

    def _painted(
        self, asked: NDArray[np.int64], shape: tuple[int, int]
    ) -> Iterator[tuple[int, Canvas, StagedShot]]:
        """Each asked frame painted: its position in ``asked``, its canvas, its shot."""
        for staged in self.staged:
            here = np.flatnonzero((asked >= staged.shot.start) & (asked < staged.shot.stop))
            if not len(here):
                continue
            local = asked[here] - staged.shot.start
            painter = _Painter(self, staged, local, shape)
            for order, position in enumerate(here.tolist()):
                yield position, painter.paint(order), staged

    def _developed(self, canvas: Canvas, staged: StagedShot, index: int) -> NDArray[np.uint8]:
        """The canvas as the sensor delivers it: exposure, noise, eight bits, (H, W, 3)."""
        dice = Dice(self.seed, f"sensor {staged.shot.start}")
        level = dice.uniform(1.0, 3.6)
        picture = canvas.colour
        picture *= np.float32(255 * dice.uniform(0.94, 1.06))
        picture *= _vignette(canvas.height, canvas.width)
        plate = _noise_plate()
        where = Dice(self.seed, f"noise {index}").raw(2) % np.uint64(256)
        rows = (np.arange(canvas.height) + int(where[0])) & 255
        columns = (np.arange(canvas.width) + int(where[1])) & 255
        picture += np.float32(level) * plate[rows[:, None], columns[None, :]]
        np.clip(picture, 0, 255, out=picture)
        return (picture + np.float32(0.5)).astype(np.uint8).transpose(1, 2, 0)


class _Painter:
    """Paints the asked frames of one shot."""

    def __init__(
        self, scene: Scene, staged: StagedShot, local: NDArray[np.int64], shape: tuple[int, int]
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
        company = scene._company
        self.figures = [
            PaintedFigure(figure, company.looks[person], self.camera, 16 * order)
            for order, (person, figure) in enumerate(zip(staged.people, figures, strict=True))
        ]
        dice = Dice(scene.seed, "things")
        colours = [np.array(dice.pick(ACCENTS), dtype=np.float32) for _ in range(4)]
        self.props = [
            PaintedProp(prop, _prop_colour(prop.kind, colours, order), self.camera)
            for order, prop in enumerate(props)
        ]
        self.sun, self.key, self.fill, self.dark = _light(scene.seed)
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
        for thing in (*self.figures, *self.props):
            solids += thing.solids(canvas, order, scale)
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


def _at(camera, local: NDArray[np.int64]):
    return type(camera)(camera.place[local], camera.axes[local], camera.focal[local])


def _shape(size: Size) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 8:
        raise ValueError(f"size must be at least 8 pixels a side; got {size}.")
    return int(height), int(width)


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


def _moving_limbs(staged: StagedShot, local: int) -> NDArray[np.bool_]:
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


def render_many(
    seeds: Sequence[int], frames_per_clip: int, size: int = 112, *, seed: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Equal numbers of frames of many clips, for training without torch.

    Frames are taken from equal segments of each clip: the middle of each, or with ``seed`` a
    random place. Returns frames (N, F, size, size, 3), labels (N,), evidence (N, F) and the frame
    numbers (N, F).
    """
    if frames_per_clip < 1:
        raise ValueError(f"frames_per_clip must be at least 1; got {frames_per_clip}.")
    count = len(seeds)
    frames = np.empty((count, frames_per_clip, size, size, 3), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    evidence = np.empty((count, frames_per_clip), dtype=bool)
    numbers = np.empty((count, frames_per_clip), dtype=np.int64)
    for row, number in enumerate(seeds):
        scene = make_scene(number)
        share = np.full(frames_per_clip, 0.5)
        if seed is not None:
            share = Dice(seed, f"frames {number}").uniforms(0, 1, frames_per_clip)
        at = ((np.arange(frames_per_clip) + share) / frames_per_clip * len(scene)).astype(np.int64)
        frames[row], labels[row] = scene.render(at.tolist(), size), scene.label
        evidence[row], numbers[row] = scene.truth.evidence[at], at
    return frames, labels, evidence, numbers
