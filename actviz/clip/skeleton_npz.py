"""Skeletons as ``.npz``: what they hold, read without trusting the file.

T frames · P people · J joints

| key | what | where missing |
|---|---|---|
| ``joints`` | (T, P, J, 3) or (T, J, 3), metres | refused |
| ``present`` | (T, P) bool | wherever a position is given |
| ``times_s`` | (T,), strictly increasing | frame / ``fps``, or frame / 30 |
| ``frame_index`` | (T,) | 0, 1, 2, … |
| ``layout`` | ``ntu-25``, ``kinect-20``, ``hdm05-31`` or your own | by number of joints |
| ``root`` | ``camera`` or ``hips`` | ``camera`` |
| ``joint_names`` | (J,) names: brings a layout of your own | |
| ``bones`` | (N, 2) joint numbers or names | no bones |
| ``roles`` | JSON text: role -> joint numbers or names | no roles |
"""

from __future__ import annotations

import json
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS, Layout, get_layout
from actviz.clip.skeleton_text import KINECT_FPS, RawSkeleton
from actviz.errors import ClipReadError

__all__ = ["arrays_of_layout", "read_npz"]

_KEYS = (
    *("joints", "present", "times_s", "fps", "frame_index", "layout", "root", "problems"),
    *("joint_names", "bones", "roles", "left", "right"),
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


def _texts(value: NDArray[Any]) -> list[str]:
    """Strings (or bytes) of an array, flat."""
    return [
        v.decode(errors="replace") if isinstance(v, bytes) else str(v)
        for v in value.reshape(-1).tolist()
    ]


def _text(arrays: dict[str, NDArray[Any]], key: str) -> str | None:
    """The one string stored under ``key``, or None where there is none."""
    return _texts(arrays[key])[0] if key in arrays and arrays[key].size == 1 else None


def _layout(path: Path, arrays: dict[str, NDArray[Any]], count: int) -> tuple[Layout, list[str]]:
    """Layout of a file with ``count`` joints, and what had to be assumed."""
    name = _text(arrays, "layout")
    known = LAYOUTS.get(name.strip().lower()) if name else None
    if known is None and "joint_names" in arrays:
        try:
            layout = _own_layout(name or "custom", arrays)
        except RecursionError:
            raise ClipReadError(path, "its roles are nested too deep to be read.") from None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ClipReadError(path, f"its own layout does not hold together: {error}") from None
    elif name:
        try:
            layout = get_layout(name)
        except ValueError as error:
            raise ClipReadError(path, f"{error} Or bring joint_names, bones and roles.") from None
    else:
        fits = [layout for layout in LAYOUTS.values() if len(layout) == count]
        if not fits:
            raise ClipReadError(
                path,
                f"it names no layout and has {count} joints; add layout "
                f"({', '.join(LAYOUTS)}) or joint_names.",
            )
        layout = fits[0]
    if len(layout) != count:
        raise ClipReadError(
            path, f"layout {layout.name} has {len(layout)} joints; the file's joints have {count}."
        )
    assumed = (
        [] if name or "joint_names" in arrays else [f"No layout named: {layout.name} assumed."]
    )
    return layout, assumed


def _own_layout(name: str, arrays: dict[str, NDArray[Any]]) -> Layout:
    names = _texts(arrays["joint_names"])

    def number(joint: Any) -> int:
        text = joint.decode(errors="replace") if isinstance(joint, bytes) else joint
        if isinstance(text, str) and not text.lstrip("-").isdigit():
            if text not in names:
                raise ValueError(f"no joint is called {text!r}.")
            return names.index(text)
        return int(text)

    def numbers(joints: Any) -> tuple[int, ...]:
        if isinstance(joints, list) and any(isinstance(j, list | dict) for j in joints):
            raise ValueError("a role must be one joint or a flat list of joints.")
        return tuple(number(j) for j in (joints if isinstance(joints, list) else [joints]))

    bones = arrays["bones"].reshape(-1, 2).tolist() if "bones" in arrays else []
    roles = json.loads(_text(arrays, "roles") or "{}")
    sides = {
        side: numbers(arrays[side].reshape(-1).tolist())
        if side in arrays
        else tuple(i for i, n in enumerate(names) if side in n.lower())
        for side in ("left", "right")
    }
    return Layout(
        name,
        tuple(names),
        tuple((number(a), number(b)) for a, b in bones),
        sides["left"],
        sides["right"],
        {role: numbers(joints) for role, joints in roles.items()},
    )


def arrays_of_layout(layout: Layout) -> dict[str, NDArray[Any]]:
    """What ``save_skeleton`` stores so that another machine can read an own layout back."""
    return {
        "joint_names": np.array(layout.joint_names),
        "bones": np.array(layout.bones, np.int64).reshape(-1, 2),
        "left": np.array(layout.left, np.int64),
        "right": np.array(layout.right, np.int64),
        "roles": np.array(json.dumps({k: list(v) for k, v in layout.roles.items()})),
    }


def read_npz(path: Path) -> RawSkeleton:
    """A skeleton from an ``.npz`` (see the table at the top); gaps are not filled yet."""
    arrays = _arrays(path)
    if "joints" not in arrays:
        raise ClipReadError(path, "expected an array called joints, (T, P, J, 3); found none.")
    joints = _joints(path, arrays["joints"])
    frames, people, count, _ = joints.shape
    layout, problems = _layout(path, arrays, count)
    times_s, index, assumed = _clock(path, arrays, frames)
    problems += assumed + (_texts(arrays["problems"]) if "problems" in arrays else [])
    root = (_text(arrays, "root") or "camera").lower()
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
            f"joints must be numbers (T, P, J, 3) in metres; got {joints.dtype} {joints.shape}.",
        )
    joints = joints[:, None] if joints.ndim == 3 else joints
    frames, people, count, _ = joints.shape
    if not frames or not 1 <= people <= 2 or not count:
        raise ClipReadError(
            path, f"joints must hold frames of one or two people; got shape {joints.shape}."
        )
    with np.errstate(invalid="ignore"):
        far = np.isfinite(joints) & ((joints > MAX_METRES) | (joints < -MAX_METRES))
    if far.any():
        raise ClipReadError(
            path,
            f"joints must lie within {MAX_METRES} m of the camera; frame {np.argwhere(far)[0][0]} "
            "has one farther away. Save metres (millimetres / 1000), NaN where unknown.",
        )
    return joints


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
