"""Pictures that pages show at the cursor: numpy in, numpy and words out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from actviz.clip.preprocess import crop_box
from actviz.clip.types import Clip
from actviz.figures import hips_of
from actviz.trace.run import Traced
from actviz.trace.schema import MAMTrace, MANTrace, SequenceTrace, TMNetTrace
from actviz.views.checks import strongest_place
from actviz.views.heat import blend_difference, blend_heat, blend_motion, dim_outside, heat_opacity
from actviz.views.pictures import draw_decision, draw_skeleton
from actviz.views.shading import Shading
from actviz.views.skeleton import skeleton_extent
from actviz.views.stage import skeleton_frame
from actviz.views.standing import Standing, stand_up
from actviz.views.theme import CLASSIFICATION, HEAT, MOTION, REGRESSION, heat_colours

__all__ = [
    "difference_bar",
    "difference_map",
    "enlarged",
    "gaze_frame",
    "glance_maps",
    "heat_bar",
    "largest_difference",
    "memory_frame",
    "motion_bar",
    "motion_map",
    "plain_frame",
    "posed_frame",
    "seen_square",
    "standing_of",
    "thumbnails",
]

LARGE = 448  # pixels of the shorter side of a picture at the cursor
THUMB = 96


def _resized(frame: NDArray[np.uint8], short: int) -> NDArray[np.uint8]:
    high, wide = frame.shape[:2]
    scale = short / min(high, wide)
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))


def enlarged(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame large enough to draw words on; never made smaller."""
    return frame if min(frame.shape[:2]) >= LARGE else _resized(frame, LARGE)


def thumbnails(clip: Clip) -> NDArray[np.uint8]:
    """All frames of a clip, small (T, h, w, 3)."""
    return np.stack([_resized(frame, THUMB) for frame in clip.frames])


def memory_frame(traced: Traced, at: int) -> tuple[NDArray[np.uint8], str]:
    """The frame that stands at a place, with MAM's decision on it, and the same in words."""
    trace, clip = traced.trace, traced.clip
    assert isinstance(trace, MAMTrace)
    assert clip is not None
    written, probability = bool(trace.written[at]), float(trace.write_probability[at])
    picture = draw_decision(
        enlarged(clip.frames[trace.shown[at]]),
        written=written,
        probability=probability,
        memory_size=int(trace.memory_size[at]),
        threshold=trace.threshold,
    )
    word = "written to memory" if written else "skipped"
    words = (
        f"Frame {trace.frame_index[at]} at {trace.times_s[at]:.2f} s: {word} with probability "
        f"{probability:.2f}; {int(trace.memory_size[at])} items in memory."
    )
    return picture, words


Shown = tuple[str, NDArray[np.uint8], str]  # (title, picture, the same in words)


def glance_maps(traced: Traced, at: int, *, own_scale: bool = False) -> list[Shown]:
    """Both branches' maps at one frame, each under its probability.

    Args:
        own_scale: 1 is the branch's own maximum of the clip, not that of both.
    """
    trace, frame, box = _seen(traced, at)
    k = trace.classes.index(trace.cam_class)
    shown = []
    for branch, cam, probability in (
        ("Regression", trace.cam_rb, trace.probabilities_rb),
        ("Classification", trace.cam_cb, trace.probabilities_cb),
    ):
        heat = cam[at].astype(np.float32) / (float(cam.max()) or 1.0 if own_scale else 1.0)
        of = "the branch's" if own_scale else "the clip's"
        title = f"{branch} {probability[at, k]:.2f}"
        words = (
            f"{branch} branch at {trace.times_s[at]:.2f} s: probability of {trace.cam_class} "
            f"{probability[at, k]:.2f}; strongest evidence {heat.max():.2f} of {of} maximum, "
            f"in the {strongest_place(heat)}."
        )
        shown.append((title, blend_heat(frame, heat, box=box), words))
    return shown


def largest_difference(trace: TMNetTrace) -> float:
    """The largest that the branches' maps differ by anywhere in the clip, 0 to 1: its scale."""
    return float(np.abs(trace.cam_rb.astype(np.float32) - trace.cam_cb).max(initial=0.0))


def difference_map(traced: Traced, at: int) -> Shown:
    """The regression branch's map less the classification branch's, on the clip's one scale."""
    trace, frame, box = _seen(traced, at)
    lead = trace.cam_rb[at].astype(np.float32) - trace.cam_cb[at]
    picture = blend_difference(frame, lead / (largest_difference(trace) or 1.0), box=box)
    words = (
        f"Regression less classification at {trace.times_s[at]:.2f} s: "
        f"{lead.min():+.2f} to {lead.max():+.2f} of the clip's strongest evidence."
    )
    return "Difference", picture, words


def motion_map(traced: Traced, at: int) -> Shown:
    """What moves at one frame, on the clip's one scale."""
    trace, frame, box = _seen(traced, at)
    assert trace.motion is not None
    moves = trace.motion[at].astype(np.float32)
    fastest = float(moves.max()) * trace.motion_max
    words = f"Motion at {trace.times_s[at]:.2f} s: at most {fastest:.1f} pixels per frame"
    words += f", in the {strongest_place(moves)}." if fastest else "."
    picture = blend_motion(frame, moves, box=box)
    return f"Motion, up to {fastest:.1f} px", picture, words


def _seen(traced: Traced, at: int) -> tuple[TMNetTrace, NDArray[np.uint8], tuple[int, int, int]]:
    """TMNet's trace, one frame of its clip, large, and the square of it that was seen."""
    trace, clip = traced.trace, traced.clip
    assert isinstance(trace, TMNetTrace)
    assert clip is not None
    return trace, *seen_square(clip.frames[at])


def seen_square(frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[int, int, int]]:
    """A frame, large, darkened outside of the square that the model saw, and that square."""
    picture = enlarged(frame)
    box = crop_box(*picture.shape[:2])
    return dim_outside(picture, box, keep=0.6), box


def posed_frame(traced: Traced, at: int, shading: Shading) -> tuple[NDArray[np.uint8], str]:
    """A video's frame with the bones that pose found in it, joints marked by ``shading``."""
    trace, clip = traced.trace, traced.clip
    assert isinstance(trace, MANTrace)
    assert clip is not None
    points, present = traced.points_at(float(trace.times_s[at]))
    frame = enlarged(clip.frames[at])
    layout = traced.layout
    picture = draw_skeleton(
        frame,
        points * (len(frame) / len(clip.frames[at])),
        trace.bones,
        left=layout.left,
        right=layout.right,
        present=present,
        weight=shading.values[at],
        colours=shading.colours,
    )
    return picture, f"The video at {trace.times_s[at]:.2f} s with the bones pose found."


def plain_frame(traced: Traced, at: int) -> tuple[NDArray[np.uint8], str]:
    """What the clip shows at one frame: its picture, or the people of a skeleton file."""
    trace, clip = traced.trace, traced.clip
    words = f"{trace.clip['name']} at {trace.times_s[at]:.2f} s."
    if clip is not None:
        return enlarged(clip.frames[at]), words
    assert isinstance(trace, MANTrace)
    layout = traced.layout
    standing = standing_of(traced)
    picture = skeleton_frame(
        standing.joints[at],
        standing.present[at],
        trace.bones,
        left=layout.left,
        right=layout.right,
        extent=skeleton_extent(standing.joints, standing.present),
    )
    return picture, words


def standing_of(traced: Traced) -> Standing:
    """The people of a skeleton kept in the middle of a stage, feet on its floor.

    Cuts and a moving camera shift whole people by metres; what moves within a body stays.
    """
    trace = traced.trace
    assert isinstance(trace, MANTrace)
    return stand_up(
        trace.joints,
        trace.present,
        trace.times_s,
        hips=hips_of(traced.layout),
        root=traced.skeleton.root if traced.skeleton else "camera",
    )


def gaze_frame(traced: Traced, at: int, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``frame`` (H, W, 3) under the attention that a rival of MAM's paid at its position ``at``."""
    trace = traced.trace
    assert isinstance(trace, SequenceTrace) and trace.attention is not None
    picture, box = seen_square(frame)
    return blend_heat(picture, trace.attention[at].astype(np.float32), box=box)


def heat_bar(low: str = "no evidence", high: str = "strongest of this clip") -> str:
    """The colour bar of the maps as HTML, with its scale in words."""
    stops = _stops(HEAT)
    return _bar(stops, f"0, {low}", f"1, {high}")


def motion_bar(most: float) -> str:
    """The colour bar of motion, whose colours go by the root of speed; ``most`` pixels a frame."""
    return _bar(_stops(MOTION), "0, still", f"{most:.1f} px per frame<br>(colour by the root)")


def _stops(colours: str) -> list[str]:
    """As opaque as they lie over a picture."""
    opacity = heat_opacity(np.linspace(0, 1, 6))
    stops = zip(heat_colours(colours)[:: 255 // 5], opacity, strict=True)
    return [f"rgba({r}, {g}, {b}, {covers:.2f})" for (r, g, b), covers in stops]


def difference_bar(most: float) -> str:
    """The colour bar of the difference of maps, which reaches from -``most`` to ``most``."""
    ends = CLASSIFICATION.colour, "transparent", REGRESSION.colour
    return _bar(ends, f"−{most:.2f}<br>classification", f"+{most:.2f}<br>regression")


def _bar(stops: Sequence[str], low: str, high: str) -> str:
    across = ", ".join(stops)
    return (
        f'<div class="heatbar"><div style="background: linear-gradient(to right, {across})"></div>'
        f"<span>{low}</span><span>{high}</span></div>"
    )
