"""A skeleton in three dimensions on the screen, standing upright on a floor of half-metre squares.

Kinect coordinates (x right, y up, z away from the camera, metres) become the scene's (x, z, y):
the scene's vertical is up, and one looks as the camera looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from actviz.views.checks import check_skeleton
from actviz.views.theme import ATTENTION, BONES, FONT, OKABE_ITO, Theme, pick_theme, readable

__all__ = ["bone_sides", "describe_pose", "skeleton_extent", "skeleton_scene"]

SIDES = ("centre", "right", "left")
_FLOOR_STEP = 0.5  # metres


def skeleton_extent(joints: ArrayLike, present: ArrayLike) -> NDArray[np.float64]:
    """(3, 2) lowest and highest x, y, z in metres of all people over the whole clip, padded.

    Give it to ``skeleton_scene`` for every frame, so that the picture does not jump. The lowest
    y is the floor. At least 1.2 m wide and deep, 1 m high.

    Args:
        joints: (T, P, J, 3) metres.
        present: (T, P).
    """
    array, there = check_skeleton(joints, present)
    if not there.any():
        return np.array([[-0.6, 0.6], [-1.0, 1.0], [-0.6, 0.6]])
    seen = array[there].reshape(-1, 3)
    low, high = seen.min(axis=0), seen.max(axis=0)
    pad = np.maximum(0.1, (np.array([1.2, 1.0, 1.2]) - (high - low)) / 2)
    low, high = low - pad, high + pad
    low[1] = seen[:, 1].min() - 0.02
    return np.stack([low, high], axis=1)


def bone_sides(
    bones: ArrayLike, left: Iterable[int], right: Iterable[int]
) -> dict[str, NDArray[np.int64]]:
    """``bones`` (bones, 2) by side: a bone with a joint of the left or right belongs there."""
    pairs = np.asarray(bones, dtype=np.int64).reshape(-1, 2)
    on_left = np.isin(pairs, list(left)).any(axis=1)
    on_right = np.isin(pairs, list(right)).any(axis=1) & ~on_left
    return {"left": pairs[on_left], "right": pairs[on_right], "centre": pairs[~on_left & ~on_right]}


def skeleton_scene(
    joints: ArrayLike,
    present: ArrayLike,
    bones: ArrayLike,
    *,
    left: Sequence[int],
    right: Sequence[int],
    weight: float | ArrayLike | None = None,
    extent: ArrayLike | None = None,
    title: str | None = None,
    note: str | None = None,
    height: int = 520,
    dark: bool = False,
) -> go.Figure:
    """One frame's people in 3-D: left thick blue, right thin vermilion, joints glow by attention.

    Args:
        joints: (P, J, 3) metres, Kinect axes.
        present: (P,) who is there; absent people are not drawn.
        bones: (bones, 2) joint numbers.
        left, right: joint numbers of each side.
        weight: attention at this frame in [0, 1], one number or one per coordinate; the joints'
            size and glow follow its mean. None: plain joints.
        extent: (3, 2) from ``skeleton_extent`` of the whole clip; None: of this frame.
    """
    array, there = check_skeleton(np.asarray(joints)[None], np.asarray(present)[None])
    space = skeleton_extent(array, there) if extent is None else np.asarray(extent, dtype=float)
    if space.shape != (3, 2):
        raise ValueError(f"extent must have shape (3, 2), metres; got {space.shape}.")
    theme = pick_theme(dark)
    glow = None if weight is None else float(np.clip(np.nanmean(np.asarray(weight)), 0, 1))
    figure = go.Figure([*_floor(space, theme), _rulers(space, theme)])
    for person in np.flatnonzero(there[0]):
        pose = array[0, person]
        figure.add_trace(_shadow(pose, bones, float(space[1, 0]), theme))
        figure.add_traces(list(_bones(pose, bone_sides(bones, left, right), int(person), theme)))
        figure.add_traces(list(_joints(pose, bones, int(person), glow, theme)))
        figure.add_trace(_letters(pose, bones, left, right, theme))
    _dress(figure, space, theme, height)
    words = [] if there.any() else ["nobody is in this frame"]
    if glow is not None:
        words.append(f"attention at this frame {glow:.2f}")
    _say(figure, title, " · ".join([*words, *([note] if note else [])]), theme)
    return figure


def _scene(points: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {"x": points[..., 0], "y": points[..., 2], "z": points[..., 1]}


def _strokes(pose: NDArray, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """(3·bones, 3): each bone's two ends and a gap, so that one trace draws many lines."""
    ends = pose[pairs]
    gaps = np.full((len(pairs), 1, 3), np.nan)
    return np.concatenate([ends, gaps], axis=1).reshape(-1, 3)


def _ticks(low: float, high: float) -> NDArray[np.float64]:
    steps = np.arange(np.ceil(low / _FLOOR_STEP), np.floor(high / _FLOOR_STEP) + 1)
    return steps * _FLOOR_STEP + 0.0  # + 0.0: no "-0"


def _floor(space: NDArray[np.float64], theme: Theme) -> Iterator[go.Scatter3d | go.Mesh3d]:
    """A pale floor with lines every half metre, and a ruler for the height."""
    (x0, x1), (y0, y1), (z0, z1) = space
    yield go.Mesh3d(
        x=[x0, x1, x1, x0],
        y=[z0, z0, z1, z1],
        z=[y0] * 4,
        i=[0, 0],
        j=[1, 2],
        k=[2, 3],
        color="#EEF1F5" if theme.name == "light" else "#1A2330",
        hoverinfo="skip",
        name="floor",
        lighting={"ambient": 1, "diffuse": 0},
    )
    gap = (np.nan,) * 3
    lines = [p for x in _ticks(x0, x1) for p in ((x, y0, z0), (x, y0, z1), gap)]
    lines += [p for z in _ticks(z0, z1) for p in ((x0, y0, z), (x1, y0, z), gap)]
    lines += [(x0, y0, z1), (x0, y1, z1), gap]
    line = {"color": readable(theme.grid, theme.paper, ratio=1.7), "width": 3}
    points = _scene(np.array(lines))
    yield go.Scatter3d(**points, mode="lines", line=line, hoverinfo="skip", name="floor lines")


def _rulers(space: NDArray[np.float64], theme: Theme) -> go.Scatter3d:
    """Metres along the floor's front and right edge and up its back corner, named in words."""
    (x0, x1), (y0, y1), (z0, z1) = space
    aside = 0.12
    marks = [(f"{x:g}", (x, y0, z0 - aside), theme.muted) for x in _ticks(x0, x1)]
    marks += [(f"{z:g}", (x1 + aside, y0, z), theme.muted) for z in _ticks(z0, z1)]
    marks += [(f"{y:g}", (x0 - aside, y, z1), theme.muted) for y in _ticks(y0 + 0.1, y1)]
    named = {axis: theme.text(look.colour) for axis, look in ATTENTION.items()}
    marks += [
        ("<b>x</b> right, m", ((x0 + x1) / 2, y0, z0 - 2.8 * aside), named["x"]),
        ("<b>y</b> up, m", (x0 - aside, y1 + aside, z1), named["y"]),
        ("<b>z</b> away, m", (x1 + 4 * aside, y0, (z0 + z1) / 2), named["z"]),
    ]
    return go.Scatter3d(
        **_scene(np.array([at for _, at, _ in marks])),
        mode="text",
        text=[words for words, _, _ in marks],
        textfont={"size": 14, "color": [colour for _, _, colour in marks]},
        hoverinfo="skip",
        name="metres",
    )


def _shadow(pose: NDArray, bones: ArrayLike, floor: float, theme: Theme) -> go.Scatter3d:
    flat = pose.copy()
    flat[:, 1] = floor + 0.005
    points = _strokes(flat, np.asarray(bones, dtype=np.int64).reshape(-1, 2))
    line = {"color": readable(theme.grid, theme.paper, ratio=1.5), "width": 8}
    return go.Scatter3d(**_scene(points), mode="lines", line=line, hoverinfo="skip", name="shadow")


def _bones(
    pose: NDArray, sides: dict[str, NDArray[np.int64]], person: int, theme: Theme
) -> Iterator[go.Scatter3d]:
    for side in SIDES:
        look = BONES[side]
        line = {"color": theme.graphic(look.colour), "width": 1.5 * look.width}
        points = _strokes(pose, sides[side])
        name = f"{side}, person {person + 1}"
        yield go.Scatter3d(**_scene(points), mode="lines", line=line, name=name, hoverinfo="name")


def _joints(
    pose: NDArray, bones: ArrayLike, person: int, glow: float | None, theme: Theme
) -> Iterator[go.Scatter3d]:
    used = np.unique(np.asarray(bones, dtype=np.int64))
    where = _scene(pose[used])
    if glow is not None:
        halo = {"size": 6 + 22 * glow, "color": OKABE_ITO["yellow"], "line": {"width": 0}}
        yield go.Scatter3d(
            **where, mode="markers", marker=halo, opacity=0.05 + 0.2 * glow, name="attention",
            hoverinfo="skip",
        )  # fmt: skip
    size = 4 if glow is None else 3 + 3 * glow
    marker = {"size": size, "color": theme.ink, "symbol": "circle" if person == 0 else "square"}
    yield go.Scatter3d(
        **where,
        mode="markers",
        marker=marker,
        name=f"joints, person {person + 1}",
        customdata=used,
        hovertemplate="joint %{customdata}<br>x %{x:.2f} m · up %{z:.2f} m · away %{y:.2f} m"
        "<extra></extra>",
    )


def side_marks(
    bones: ArrayLike, left: Sequence[int], right: Sequence[int]
) -> list[tuple[int, str]]:
    """The joints where the letters L and R stand: the first leaf joint of each side."""
    pairs = np.asarray(bones, dtype=np.int64)
    numbers, counts = np.unique(pairs, return_counts=True)
    leaves = set(numbers[counts == 1].tolist())
    marks = []
    for letter, side in (("L", left), ("R", right)):
        ends = [int(j) for j in side if int(j) in leaves] or [int(j) for j in side]
        if ends:
            marks.append((ends[0], letter))
    return marks


def _letters(
    pose: NDArray, bones: ArrayLike, left: Sequence[int], right: Sequence[int], theme: Theme
) -> go.Scatter3d:
    marks = side_marks(bones, left, right)
    at = pose[[joint for joint, _ in marks]] if marks else np.zeros((0, 3))
    at = at + np.array([0.0, 0.04, -0.16])  # before the foot, above the floor
    sides = {"L": BONES["left"].colour, "R": BONES["right"].colour}
    return go.Scatter3d(
        **_scene(at),
        mode="text",
        text=[f"<b>{letter}</b>" for _, letter in marks],
        textfont={"size": 16, "color": [theme.text(sides[letter]) for _, letter in marks]},
        textposition="middle center",
        hoverinfo="skip",
        name="left and right",
    )


def _dress(figure: go.Figure, space: NDArray[np.float64], theme: Theme, height: int) -> None:
    shown = space + np.array([[-0.3, 0.6], [-0.03, 0.2], [-0.4, 0.1]])  # room for the rulers
    size = shown[:, 1] - shown[:, 0]
    ratio = size / size.max()
    axes = {
        f"{axis}axis": {"range": shown[row].tolist(), "visible": False}
        for axis, row in (("x", 0), ("y", 2), ("z", 1))
    }
    figure.update_layout(
        scene={
            **axes,
            "aspectmode": "manual",
            "aspectratio": {"x": ratio[0], "y": ratio[2], "z": ratio[1]},
            "camera": {
                "eye": {"x": 0.35, "y": -1.25, "z": 0.33},
                "up": {"x": 0, "y": 0, "z": 1},
                "center": {"x": 0, "y": 0, "z": -0.04},
            },
        },
        uirevision="skeleton",
        height=height,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor=theme.paper,
        font={"family": FONT, "size": 14, "color": theme.ink},
        showlegend=False,
    )


def _say(figure: go.Figure, title: str | None, note: str, theme: Theme) -> None:
    figure.update_layout(margin={"t": 40 if title else 0, "b": 30 if note else 0})
    if title:
        figure.update_layout(title={"text": title, "x": 0.01, "font": {"size": 18}})
    if note:
        figure.add_annotation(
            text=note, x=0.01, y=0, xref="paper", yref="paper", yshift=-4, xanchor="left",
            yanchor="top", showarrow=False, font={"size": 14, "color": theme.muted},
        )  # fmt: skip


def describe_pose(
    joints: ArrayLike, present: ArrayLike, *, weight: float | ArrayLike | None = None
) -> str:
    """One frame of a skeleton in words."""
    array, there = check_skeleton(np.asarray(joints)[None], np.asarray(present)[None])
    people = int(there.sum())
    if not people:
        return "Nobody is in this frame."
    tall = [np.ptp(array[0, p, :, 1]) for p in np.flatnonzero(there[0])]
    who = "One person" if people == 1 else f"{people} people"
    heights = " and ".join(f"{h:.2f} m" for h in tall)
    text = f"{who} of {array.shape[2]} joints, {heights} from lowest to highest joint"
    if weight is not None:
        text += f"; attention at this frame {float(np.nanmean(np.asarray(weight))):.2f}"
    return text + "."
