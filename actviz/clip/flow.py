"""Optical flow between consecutive frames, and its quantised form on disk.

TV-L1: Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007,
with OpenCV's parameters, as TSN computes its flow (Wang et al., "Temporal Segment Networks", ECCV
2016, section 3.2). It lies in OpenCV's contrib modules, which not every build has.
DIS: Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016: sixty times faster,
and coarser where there is little texture (``benchmarks/flow.py``).

OpenCV is imported inside the functions, so that importing this module does not need it.

T frames · H, W pixels
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError

__all__ = [
    "BOUND",
    "METHODS",
    "FlowError",
    "dequantise",
    "flow_fields",
    "flow_method",
    "iter_flow",
    "quantise",
]

BOUND = 20.0  # pixels; TSN's tools cut displacements off there
METHODS = ("auto", "tvl1", "dis")
SMALLEST = 16  # pixels, of the shorter side: below, the pyramids of both methods run out
_REFINEMENTS = 20  # of DIS's variational step: OpenCV's 5 have not converged
_FULL_OPENCV = "pip install --force-reinstall --no-deps opencv-contrib-python-headless"


class FlowError(ActvizError):
    """No optical flow of these frames, or not by this method on this machine."""


def flow_method(method: str = "auto") -> str:
    """The method that ``method`` stands for here: "tvl1" where OpenCV has it, or else "dis".

    Raises:
        FlowError: no such method, no OpenCV, or TV-L1 asked for where OpenCV lacks it.
    """
    if method not in METHODS:
        raise FlowError(f"the flow method must be one of {', '.join(METHODS)}; got {method!r}.")
    has_tvl1 = hasattr(getattr(_opencv(), "optflow", None), "DualTVL1OpticalFlow_create")
    if method == "tvl1" and not has_tvl1:
        raise FlowError(
            "TV-L1 flow needs OpenCV's contrib modules, which the OpenCV installed here lacks: "
            f"{_FULL_OPENCV}, or take the method dis."
        )
    return method if method != "auto" else "tvl1" if has_tvl1 else "dis"


def iter_flow(
    frames: Iterable[NDArray[np.uint8]], *, method: str = "auto"
) -> Iterator[NDArray[np.float32]]:
    """Flow from each frame to the next, one at a time; two frames are held, never the clip.

    Args:
        frames: T RGB pictures uint8 (H, W, 3) of one size.
        method: "tvl1", "dis", or "auto" for the better of those that OpenCV has here.

    Yields:
        T - 1 fields float32 (H, W, 2): how far a pixel moves right and down, in pixels.

    Raises:
        FlowError: at the call for the method, at a frame for its shape.
    """
    return _stream(frames, _algorithm(flow_method(method)))


def flow_fields(frames: NDArray[np.uint8], *, method: str = "auto") -> NDArray[np.float32]:
    """Flow of a clip in memory: uint8 (T, H, W, 3) to float32 (T - 1, H, W, 2); see `iter_flow`.

    Raises:
        FlowError: frames of another shape or type, or no such method here.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4:
        raise FlowError(f"flow takes frames of shape (T, H, W, 3); got {frames.shape}.")
    fields = list(iter_flow(frames, method=method))
    height, width = frames.shape[1:3]
    return np.stack(fields) if fields else np.zeros((0, height, width, 2), np.float32)


def quantise(flow: NDArray[np.floating], bound: float = BOUND) -> NDArray[np.uint8]:
    """Flow in pixels as grey levels, TSN's way: round(255 (v + bound) / (2 bound)), clipped."""
    levels = np.rint((np.asarray(flow, np.float32) + bound) * (255 / (2 * bound)))
    return np.clip(levels, 0, 255).astype(np.uint8)


def dequantise(levels: NDArray[np.uint8], bound: float = BOUND) -> NDArray[np.float32]:
    """Grey levels as flow in pixels, to half a level: 0.04 pixels at the usual bound."""
    return np.asarray(levels, np.float32) * np.float32(2 * bound / 255) - np.float32(bound)


def _opencv() -> Any:
    try:
        return import_module("cv2")
    except ImportError as error:
        raise FlowError(
            f"optical flow needs OpenCV, which cannot be imported here ({error}): {_FULL_OPENCV}"
        ) from None


def _algorithm(method: str) -> Any:
    cv2 = _opencv()
    if method == "tvl1":
        return cv2.optflow.DualTVL1OpticalFlow_create()
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setVariationalRefinementIterations(_REFINEMENTS)
    return dis


def _stream(frames: Iterable[NDArray[np.uint8]], algorithm: Any) -> Iterator[NDArray[np.float32]]:
    before: NDArray[np.uint8] | None = None
    for frame in frames:
        grey = _grey(frame)
        if before is not None:
            if grey.shape != before.shape:
                raise FlowError(
                    "flow takes frames of one size; got "
                    f"{before.shape[1]}×{before.shape[0]}, then {grey.shape[1]}×{grey.shape[0]}."
                )
            yield algorithm.calc(before, grey, None)
        before = grey


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    cv2 = _opencv()
    frame = np.asarray(frame)
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[-1] != 3:
        raise FlowError(
            f"flow takes RGB pictures uint8 of shape (H, W, 3); got {frame.dtype} {frame.shape}."
        )
    if min(frame.shape[:2]) < SMALLEST:
        raise FlowError(
            f"flow needs frames of at least {SMALLEST}×{SMALLEST} pixels; got "
            f"{frame.shape[1]}×{frame.shape[0]}."
        )
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY), np.uint8)
