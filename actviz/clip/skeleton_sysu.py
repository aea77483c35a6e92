"""SYSU-3D skeletons, ``sklWorld.mat``: one MATLAB array ``SW`` of 20 joints × xyz × frames.

T frames
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS
from actviz.clip.skeleton_text import KINECT_FPS, RawSkeleton
from actviz.errors import ActvizError, ClipReadError

__all__ = ["read_sysu"]

_KEY = "SW"
_JOINTS = 20
_MAX_FRAMES = 100_000
# What SciPy raises on bytes that are no MATLAB file or a damaged one.
_DAMAGED = (
    *(ValueError, TypeError, KeyError, IndexError, EOFError, OSError, OverflowError),
    *(struct.error, zlib.error, UnicodeError, MemoryError, AttributeError),
)


def read_sysu(path: Path) -> RawSkeleton:
    """A SYSU-3D skeleton file; clock frame / 30, Kinect v1's joints in metres.

    Raises:
        ClipReadError: no MATLAB file, a damaged one, one of version 7.3, or without ``SW``.
        ActvizError: SciPy is missing.
    """
    array = _array(path)
    if array.ndim == 2:
        array = array[:, :, None]  # MATLAB drops the last axis of one frame
    fits = array.ndim == 3 and array.shape[:2] == (_JOINTS, 3) and array.shape[2] > 0
    if not fits or array.dtype.kind not in "fiu":
        raise ClipReadError(
            path,
            f"{_KEY} must be numbers, 20 joints × 3 × frames, as SYSU-3D has it; "
            f"got {array.dtype} {array.shape}.",
        )
    joints = np.moveaxis(array.astype(np.float64), 2, 0)[:, None]  # (T, 1, 20, 3)
    index = np.arange(len(joints))
    return RawSkeleton(joints, index / KINECT_FPS, index, LAYOUTS["kinect-20"])


def _array(path: Path) -> NDArray[Any]:
    try:
        from scipy import io
    except ImportError:
        raise ActvizError("reading .mat files needs SciPy; pip install scipy.") from None
    try:
        shapes = {name: shape for name, shape, _ in io.whosmat(path, appendmat=False)}
        if _KEY not in shapes:
            found = ", ".join(list(shapes)[:4]) or "nothing"
            raise ClipReadError(
                path, f"expected SYSU-3D's sklWorld.mat with an array {_KEY}; it holds {found}."
            )
        if np.prod(shapes[_KEY], dtype=float) > _MAX_FRAMES * _JOINTS * 3:
            raise ClipReadError(path, f"{_KEY} claims shape {shapes[_KEY]}, too large a sequence.")
        return np.asarray(io.loadmat(path, appendmat=False, variable_names=[_KEY])[_KEY])
    except NotImplementedError:
        raise ClipReadError(
            path, "a MATLAB 7.3 file, which is not read; save it again in MATLAB with '-v7'."
        ) from None
    except ClipReadError:
        raise
    except (*_DAMAGED, io.matlab.MatReadError) as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise ClipReadError(
            path, f"expected a MATLAB .mat file; it is damaged or something else ({why})."
        ) from None
