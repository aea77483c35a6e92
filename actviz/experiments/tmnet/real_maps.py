"""TMNet's maps on videos whose truth is not known, against optical flow: RB beside CB.

The bundled weights speak. They know puppets alone, so that the class they map is a puppet's action
that the video does not show; what is measured is where their evidence lies, not whether it is
right.

N videos · T glances of one · h, w of a motion map
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actviz.datasets.table import VIDEO_SUFFIXES
from actviz.errors import ActvizError
from actviz.experiments.tmnet.moving import SHARE, clip_mean, enlarged
from actviz.learn.checkpoints import Loaded
from actviz.trace.cam_scores import (
    area_above_half,
    energy_inside,
    fastest,
    motion_correlation,
    pointing_game,
    steadiness,
)
from actviz.trace.motion import FLAT
from actviz.trace.run import trace_video
from actviz.trace.schema import TMNetTrace

__all__ = ["films_in", "score_films", "score_trace"]

Floats = NDArray[np.float64]


def films_in(place: Path) -> list[Path]:
    """The video ``place``, or all in a folder.

    Raises:
        ActvizError: there is none.
    """
    if place.is_file():
        return [place]
    found = sorted(p for p in place.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        raise ActvizError(f"{place}: expected a video, or a folder with videos; there is none.")
    return found


def score_films(
    loaded: Loaded, films: list[Path], *, progress: Callable[[int, int], None] | None = None
) -> tuple[dict[str, Floats], list[TMNetTrace]]:
    """Scores (2, N) by name, RB's and CB's, and the traces.

    Raises:
        ActvizError: a video cannot be read.
    """
    traces: list[TMNetTrace] = []
    for done, path in enumerate(films, 1):
        trace = trace_video(loaded, path, motion=True).trace
        assert isinstance(trace, TMNetTrace)
        traces.append(trace)
        if progress:
            progress(done, len(films))
    scored = [score_trace(trace) for trace in traces]
    return {n: np.stack([s[n] for s in scored], axis=1) for n in scored[0]}, traces


def score_trace(trace: TMNetTrace) -> dict[str, Floats]:
    """Scores (2,) of one video, each the mean over its glances at which something moves."""
    cams = np.stack((trace.cam_rb, trace.cam_cb)).astype(np.float32)  # (2, T, h, w)
    steady = np.array([steadiness(branch) for branch in cams])
    motion = _moving(trace)
    kept = np.flatnonzero(motion.max((1, 2)) >= FLAT) if len(motion) else np.zeros(0, np.int64)
    if not len(kept):
        names = ("flow", "fastest", "pointing", "area")
        return {"steady": steady} | {name: np.full(2, np.nan) for name in names}
    large: Any = enlarged(torch.from_numpy(cams[:, kept]), motion.shape[1:])
    seen = np.broadcast_to(motion[kept], large.shape)
    masks = fastest(seen, SHARE)
    return {
        "steady": steady,
        "flow": clip_mean(motion_correlation(large, seen)),
        "fastest": clip_mean(energy_inside(large, masks)),
        "pointing": clip_mean(pointing_game(large, masks)),
        "area": clip_mean(area_above_half(large)),
    }


def _moving(trace: TMNetTrace) -> NDArray[np.float32]:
    """Motion (T, h, w) in pixels per frame."""
    assert trace.motion is not None  # it was asked for
    return trace.motion.astype(np.float32) * np.float32(trace.motion_max)
