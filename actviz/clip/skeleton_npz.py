"""Skeletons as ``.npz``: what they hold, read without trusting the file.

T frames · P people · J joints

| key | what | where missing |
|---|---|---|
| ``joints`` | (T, P, J, 3) or (T, J, 3) | refused |
| ``units`` | ``m``, ``cm`` or ``mm`` | by the size of bodies: metres up to 5 |
| ``up`` | axis that is up: ``y``, ``-y``, ``z`` or ``-z`` | ``y`` |
| ``present`` | (T, P) bool | wherever a position is given |
| ``times_s`` | (T,), strictly increasing | frame / ``fps``, or frame / 30 |
| ``frame_index`` | (T,) | 0, 1, 2, … |
| ``layout`` | ``ntu-25``, ``kinect-20``, ``hdm05-31`` or your own | by number of joints |
| ``root`` | ``camera`` or ``hips`` | ``camera`` |
| ``joint_names`` | (J,) names: brings a layout of your own | |
| ``bones`` | (N, 2) joint numbers or names | by ``joint_names``, or by what keeps its length |
| ``roles`` | JSON text: role -> joint numbers or names; ``[]`` for none | by ``joint_names`` |
| ``left``, ``right`` | joints on either side, mirror images in one order | by ``joint_names`` |
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.axes import UNITS, UPS, guess_unit, standing, with_y_up
from actviz.clip.joint_bones import bones_between
from actviz.clip.layouts import Layout
from actviz.clip.skeleton_npz_layout import layout_of_arrays, text_of, texts_of
from actviz.clip.skeleton_text import KINECT_FPS, RawSkeleton
from actviz.errors import ClipReadError

__all__ = ["read_npz"]

_KEYS = (
    *("joints", "present", "times_s", "fps", "frame_index", "layout", "root", "problems"),
    *("joint_names", "bones", "roles", "left", "right", "units", "up"),
)
# What zipfile and NumPy's header parser raise on bytes that are no archive, no array.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError),
    *(tokenize.TokenError, SyntaxError, TypeError, KeyError),
)
MAX_METRES = 1000  # farther than any sensor sees
MAX_TIME_S, MAX_STEP_S = 1e12, 1e6  # room for seconds since 1970; no clip pauses for days
MAX_BYTES = 256 * 2**20  # of one array, unpacked


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The known arrays of an ``.npz``; never unpickles, and believes no size before checking it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            return {k: _array(path, archive, k) for k in _KEYS if f"{k}.npy" in names}
    except ClipReadError:
        raise
    except _DAMAGED as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise ClipReadError(
            path, f"expected a NumPy .npz file; it is damaged or something else ({why})."
        ) from None


def _array(path: Path, archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    member = archive.getinfo(f"{key}.npy")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)
    if dtype.hasobject:
        raise ClipReadError(
            path, f"{key!r} holds Python objects, which are never loaded; save plain arrays."
        )
    size = math.prod(shape) * dtype.itemsize
    if size > MAX_BYTES or size > member.file_size:
        raise ClipReadError(
            path,
            f"{key!r} claims shape {shape}, {size / 2**20:.0f} MB; it may have 256 MB at most and "
            "no more than the file holds.",
        )
    with archive.open(member) as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype.kind == "U" and array.size:
        codes = array.reshape(-1).astype(array.dtype.newbyteorder("=")).view(np.uint32)
        if (codes > 0x10FFFF).any() or ((codes >= 0xD800) & (codes < 0xE000)).any():
            raise ValueError(f"{key!r} holds what is no text")
    return array


def read_npz(path: Path) -> RawSkeleton:
    """A skeleton from an ``.npz`` (see the table at the top); gaps are not filled yet."""
    arrays = _arrays(path)
    if "joints" not in arrays:
        raise ClipReadError(path, "expected an array called joints, (T, P, J, 3); found none.")
    joints = _joints(path, arrays["joints"])
    frames, people, count, _ = joints.shape
    layout, problems = layout_of_arrays(path, arrays, count)
    if not layout.bones:  # nothing could be drawn
        layout = replace(layout, bones=bones_between(joints))
    joints, assumed = _in_metres(path, arrays, joints)
    problems += assumed
    joints, assumed = _upright(path, arrays, joints, layout)
    problems += assumed
    times_s, index, assumed = _clock(path, arrays, frames)
    problems += assumed + (texts_of(arrays["problems"]) if "problems" in arrays else [])
    root = (text_of(arrays, "root") or "camera").lower()
    if root not in ("camera", "hips"):
        raise ClipReadError(path, f'root must be "camera" or "hips"; got {root!r}.')
    present = arrays.get("present")
    if present is not None and (
        present.shape != (frames, people) or present.dtype.kind not in "biu"
    ):
        raise ClipReadError(
            path, f"present must be bool {(frames, people)}; got {present.dtype} {present.shape}."
        )
    present = None if present is None else present.astype(bool)
    return RawSkeleton(joints, times_s, index, layout, tuple(problems), root, present)


def _joints(path: Path, joints: NDArray[Any]) -> NDArray[Any]:
    """Checked positions (T, P, J, 3)."""
    if joints.dtype.kind not in "fiu" or joints.ndim not in (3, 4) or joints.shape[-1] != 3:
        raise ClipReadError(
            path,
            f"joints must be numbers (T, P, J, 3) in metres; got {joints.dtype} {joints.shape}."
            + _advice(joints.shape),
        )
    joints = joints[:, None] if joints.ndim == 3 else joints
    frames, people, count, _ = joints.shape
    if not frames or not 1 <= people <= 2 or not count:
        raise ClipReadError(
            path, f"joints must hold frames of one or two people; got shape {joints.shape}."
        )
    return joints


def _advice(shape: tuple[int, ...]) -> str:
    """How numbers of another shape become positions, where that is plain to see."""
    if len(shape) == 2 and shape[1] and shape[1] % 3 == 0:
        return f" Reshape them to ({shape[0]}, {shape[1] // 3}, 3)."
    if len(shape) in (3, 4) and shape[-2] == 3:
        return " Exchange the last two axes."
    return ""


def _in_metres(
    path: Path, arrays: dict[str, NDArray[Any]], joints: NDArray[Any]
) -> tuple[NDArray[Any], list[str]]:
    """Positions in metres, and the unit that had to be assumed."""
    unit, assumed = text_of(arrays, "units"), []
    if unit is None:
        unit, size = guess_unit(joints)
        if unit != "m":
            assumed = [f"No units given: {unit} assumed, since bodies are {size:.0f} large."]
    factor = UNITS.get(unit.strip().lower())
    if factor is None:
        raise ClipReadError(path, f"units must be one of {', '.join(UNITS)}; got {unit!r}.")
    with np.errstate(invalid="ignore", over="ignore"):
        joints = joints if factor == 1 else joints * factor
        far = np.isfinite(joints) & ((joints > MAX_METRES) | (joints < -MAX_METRES))
    if far.any():
        raise ClipReadError(
            path,
            f"joints must lie within {MAX_METRES} m of the camera; frame {np.argwhere(far)[0][0]} "
            "has one farther away. Save metres (millimetres / 1000), NaN where unknown.",
        )
    return joints, assumed


def _upright(
    path: Path, arrays: dict[str, NDArray[Any]], joints: NDArray[Any], layout: Layout
) -> tuple[NDArray[Any], list[str]]:
    """Positions with y up, and a doubt about which axis that is."""
    up = text_of(arrays, "up")
    if up is not None:
        if up.strip().lower() not in UPS:
            raise ClipReadError(path, f"up must be one of {', '.join(UPS)}; got {up!r}.")
        return with_y_up(joints, up.strip().lower()), []
    along = standing(joints, layout.roles)
    if along in ("", "y") or along not in UPS:
        return joints, []
    return joints, [f"Spines go along {along}, not up (y): if {along} is up, save up={along!r}."]


def _clock(
    path: Path, arrays: dict[str, NDArray[Any]], frames: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
    """Times (T,) in seconds, frame numbers (T,), and what had to be assumed."""
    index = arrays.get("frame_index", np.arange(frames))
    if index.shape != (frames,) or index.dtype.kind not in "iu":
        raise ClipReadError(path, f"frame_index must be {frames} whole numbers, one per frame.")
    if "times_s" in arrays:
        times = arrays["times_s"]
        fine = times.shape == (frames,) and times.dtype.kind in "fiu" and np.isfinite(times).all()
        if not fine or not (np.diff(times.astype(np.float64)) > 0).all():
            raise ClipReadError(
                path, f"times_s must be {frames} strictly increasing seconds, one per frame."
            )
        times = times.astype(np.float64)
        if np.abs(times).max() > MAX_TIME_S or (np.diff(times) > MAX_STEP_S).any():
            raise ClipReadError(
                path,
                f"times_s must be seconds within ±{MAX_TIME_S:.0e}, at most {MAX_STEP_S:.0e} from "
                "frame to frame; save them in seconds.",
            )
        return times, index.astype(np.int64), []
    fps, assumed = KINECT_FPS, ["No times_s or fps given: 30 frames per second assumed."]
    if "fps" in arrays:
        given = arrays["fps"]
        if given.size != 1 or given.dtype.kind not in "fiu" or not 0 < given.item() < 1e6:
            raise ClipReadError(path, "fps must be one positive number, frames per second.")
        fps, assumed = float(given.item()), []
    return np.arange(frames) / fps, index.astype(np.int64), assumed
