"""Video and skeleton files in, frames and joints in seconds out.

Names are fetched on first use, so that ``actviz.clip.types`` imports on a machine without PyAV.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from actviz.clip.types import Clip, ClipInfo, Skeleton

if TYPE_CHECKING:
    from actviz.clip.layouts import LAYOUTS, Layout, get_layout
    from actviz.clip.pose import PoseError, find_pose_model, pose_from_video
    from actviz.clip.preprocess import crop_box, model_frames
    from actviz.clip.reader import file_sha256, frame_times, iter_frames, probe, read_clip
    from actviz.clip.sampling import (
        glance_index,
        grid_indices,
        segment_indices,
        snippet_indices,
        span_frames,
        strided_indices,
    )
    from actviz.clip.skeleton import convert, layout_of, read_skeleton, save_skeleton
    from actviz.clip.writer import VideoWriter

_HOME = {
    "reader": ("file_sha256", "frame_times", "iter_frames", "probe", "read_clip"),
    "sampling": (
        "glance_index",
        "grid_indices",
        "segment_indices",
        "snippet_indices",
        "span_frames",
        "strided_indices",
    ),
    "preprocess": ("crop_box", "model_frames"),
    "writer": ("VideoWriter",),
    "layouts": ("LAYOUTS", "Layout", "get_layout"),
    "skeleton": ("convert", "layout_of", "read_skeleton", "save_skeleton"),
    "pose": ("PoseError", "find_pose_model", "pose_from_video"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "LAYOUTS",
    "Clip",
    "ClipInfo",
    "Layout",
    "PoseError",
    "Skeleton",
    "VideoWriter",
    "convert",
    "crop_box",
    "file_sha256",
    "find_pose_model",
    "frame_times",
    "get_layout",
    "glance_index",
    "grid_indices",
    "iter_frames",
    "layout_of",
    "model_frames",
    "pose_from_video",
    "probe",
    "read_clip",
    "read_skeleton",
    "save_skeleton",
    "segment_indices",
    "snippet_indices",
    "span_frames",
    "strided_indices",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
