"""Pictures that pages show at the cursor: numpy in, numpy and words out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from actviz.clip.layouts import Layout
from actviz.clip.preprocess import crop_box
from actviz.clip.types import Clip
from actviz.trace.run import Traced
from actviz.trace.schema import MAMTrace, MANTrace, SequenceTrace, TMNetTrace
from actviz.views.pictures import blend_heat, dim_outside, draw_decision, draw_skeleton
from actviz.views.skeleton import skeleton_extent
from actviz.views.stage import skeleton_frame
from actviz.views.theme import heat_colours

__all__ = [
    "enlarged",
    "gaze_frame",
    "glance_maps",
    "heat_bar",
    "memory_frame",
    "on_the_floor",
    "plain_frame",
    "posed_frame",
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


def glance_maps(traced: Traced, at: int) -> list[tuple[str, NDArray[np.uint8], str]]:
    """(branch and probability, heated picture, words) of TMNet's two branches at one frame."""
    trace, clip = traced.trace, traced.clip
    assert isinstance(trace, TMNetTrace)
    assert clip is not None
    k = trace.classes.index(trace.cam_class)
    frame = enlarged(clip.frames[at])
    box = crop_box(*frame.shape[:2])
    frame = dim_outside(frame, box, keep=0.6)
    shown = []
    for branch, cam, probability in (
        ("Regression", trace.cam_rb, trace.probabilities_rb),
        ("Classification", trace.cam_cb, trace.probabilities_cb),
    ):
        heat = cam[at].astype(np.float32)
        title = f"{branch} {probability[at, k]:.2f}"
        words = (
            f"{branch} branch at {trace.times_s[at]:.2f} s: probability of {trace.cam_class} "
            f"{probability[at, k]:.2f}; strongest evidence {heat.max():.2f} of the clip's maximum."
        )
        shown.append((title, blend_heat(frame, heat, box=box), words))
    return shown


def posed_frame(traced: Traced, at: int) -> tuple[NDArray[np.uint8], str]:
    """A video's frame with the bones that pose found in it."""
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
        weight=float(trace.attention[:, at].mean()),
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
    joints = on_the_floor(trace.joints, trace.present, layout)
    picture = skeleton_frame(
        joints[at],
        trace.present[at],
        trace.bones,
        left=layout.left,
        right=layout.right,
        extent=skeleton_extent(joints, trace.present),
    )
    return picture, words


def on_the_floor(
    joints: NDArray[np.float32], present: NDArray[np.bool_], layout: Layout
) -> NDArray[np.float32]:
    """``joints`` (T, P, J, 3) with the hips of those present over the origin, lowest joint at 0."""
    hips = [j for role in ("hip_left", "hip_right") for j in layout.roles.get(role, ())]
    moved = joints.copy()
    for pose, there in zip(moved, present, strict=True):
        if there.any():
            low = pose[there][..., 1].min()
            x, _, z = pose[there][:, hips or slice(None)].mean(axis=(0, 1))
            pose[there] -= np.array([x, low, z], dtype=pose.dtype)
    return moved


def gaze_frame(traced: Traced, at: int, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``frame`` (H, W, 3) under the attention that a rival of MAM's paid at its position ``at``."""
    trace = traced.trace
    assert isinstance(trace, SequenceTrace) and trace.attention is not None
    picture = enlarged(frame)
    box = crop_box(*picture.shape[:2])
    heat = trace.attention[at].astype(np.float32)
    return blend_heat(dim_outside(picture, box, keep=0.6), heat, box=box)


def heat_bar(low: str = "no evidence", high: str = "strongest of this clip") -> str:
    """The colour bar of the maps as HTML, with its scale in words."""
    colours = heat_colours()[:: 255 // 5]
    stops = ", ".join("rgb({},{},{})".format(*c) for c in colours)
    return (
        f'<div class="heatbar"><div style="background: linear-gradient(to right, {stops})"></div>'
        f"<span>0, {low}</span><span>1, {high}</span></div>"
    )
