"""Skeleton files in, one ``Skeleton`` out: on its clock, without holes, in a named layout.

T frames · P people · J joints

NTU RGB+D ``.skeleton`` (frame / 30), UT-Kinect ``joints_*.txt`` (number / 30), HDM05 ``.amc`` with
its ``.asf`` (frame / 120) or ``.c3d`` (its own rate), SYSU-3D ``.mat`` (frame / 30) and ``.npz``
(``skeleton_npz`` lists its keys). What is missing is interpolated where that is honest
(``gaps.fill_gaps``) and named in ``problems``; ``present`` is False where a person was not
measured, whether or not a short gap was bridged (``usable`` tells the two apart).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.downloads import sha256_of
from actviz.clip.gaps import LONGEST_GAP_S, Filled, fill_gaps
from actviz.clip.layouts import LAYOUTS, Layout, common_name, get_layout
from actviz.clip.sampling import span_frames
from actviz.clip.skeleton_amc import read_amc
from actviz.clip.skeleton_c3d import read_c3d
from actviz.clip.skeleton_npz import read_npz
from actviz.clip.skeleton_npz_layout import arrays_of_layout
from actviz.clip.skeleton_sysu import read_sysu
from actviz.clip.skeleton_text import (
    KINECT_FPS,
    RawSkeleton,
    label_spans,
    read_ntu,
    read_utkinect,
)
from actviz.clip.types import Skeleton
from actviz.errors import ActvizError, ClipReadError

__all__ = [
    "DERIVED",
    "SKELETON_SUFFIXES",
    "convert",
    "layout_of",
    "most_seen",
    "read_skeleton",
    "save_skeleton",
    "segments_of",
    "usable",
]

_READERS: dict[str, Callable[[Path], RawSkeleton]] = {
    ".skeleton": read_ntu,
    ".txt": read_utkinect,
    ".npz": read_npz,
    ".amc": read_amc,
    ".c3d": read_c3d,
    ".mat": read_sysu,
}
SKELETON_SUFFIXES = tuple(_READERS)


def read_skeleton(
    path: str | os.PathLike[str],
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    segment: str | None = None,
) -> Skeleton:
    """Read a skeleton file, or the asked span of it.

    Args:
        path: NTU ``.skeleton``, UT-Kinect ``joints_*.txt``, HDM05 ``.amc`` (its ``.asf`` beside
            it) or ``.c3d``, SYSU-3D ``.mat``, or ``.npz``.
        start_s: first second wanted, on the file's own clock.
        end_s: second at which to stop.
        segment: a labelled action of a UT-Kinect recording, such as ``"walk"``.

    Raises:
        ClipReadError: the file cannot be read, or the span holds nothing.
    """
    path = Path(path)
    _check_file(path)
    if segment is not None:
        if start_s is not None or end_s is not None:
            raise ClipReadError(path, "give a segment or a span in seconds, not both.")
        start_s, end_s = _segment(path, segment)
    raw = _READERS[path.suffix.lower()](path)
    keep = _span(path, raw.times_s, start_s, end_s)
    present = None if raw.present is None else raw.present[keep]
    filled, observed, problems = _filled(
        path, raw.joints[keep], raw.times_s[keep], raw.layout, present
    )
    return Skeleton(
        joints=filled,
        present=observed,
        times_s=raw.times_s[keep],
        frame_index=raw.frame_index[keep],
        layout=raw.layout.name,
        root=raw.root,
        source=str(path),
        sha256=sha256_of(path),
        problems=tuple(dict.fromkeys((*raw.problems, *problems))),
        custom_layout=None if raw.layout.name in LAYOUTS else raw.layout,
    )


def _check_file(path: Path) -> None:
    suffix = path.suffix.lower()
    try:
        if not path.exists():
            raise ClipReadError(path, "no such file.")
        if not path.is_file():
            raise ClipReadError(path, "expected a skeleton file; this is not a regular file.")
        path.open("rb").close()
    except OSError as error:
        raise ClipReadError(path, f"cannot be opened ({error.strerror}).") from error
    if suffix not in SKELETON_SUFFIXES:
        raise ClipReadError(
            path,
            f"expected a skeleton file ({', '.join(SKELETON_SUFFIXES)}); got {suffix or 'no'} "
            "ending; other formats can be brought as .npz.",
        )
    if path.stat().st_size == 0:
        raise ClipReadError(path, "the file is empty; expected a skeleton.")


def segments_of(path: str | os.PathLike[str]) -> dict[str, tuple[float, float]]:
    """Labelled actions of a UT-Kinect recording: name -> start and end in seconds (maybe NaN)."""
    spans = label_spans(Path(path))
    return {name: (a / KINECT_FPS, b / KINECT_FPS) for name, (a, b) in spans.items()}


def _segment(path: Path, wanted: str) -> tuple[float, float]:
    if path.suffix.lower() != ".txt":
        raise ClipReadError(
            path, "only UT-Kinect recordings have labelled segments; give a span in seconds."
        )
    spans = segments_of(path)

    def plain(text: str) -> str:
        return "".join(c for c in text.lower() if c.isalnum())

    found = [span for name, span in spans.items() if plain(name) == plain(wanted)]
    usable_names = ", ".join(name for name, span in spans.items() if np.isfinite(span).all())
    if not found:
        raise ClipReadError(path, f"it has no segment {wanted!r}; it has {usable_names}.")
    if not np.isfinite(found[0]).all():
        raise ClipReadError(
            path, f"its labels give no frames for {wanted!r} (NaN); it has {usable_names}."
        )
    first, last = found[0]
    if last < first:
        raise ClipReadError(
            path, f"its labels end {wanted!r} before it starts; give a span in seconds instead."
        )
    return first, last + 0.5 / KINECT_FPS  # the labels' last frame belongs to the action


def _span(
    path: Path, times_s: NDArray[np.float64], start_s: float | None, end_s: float | None
) -> slice:
    """Frames from ``start_s`` up to, not including, ``end_s``."""
    try:
        inside = span_frames(times_s, start_s, end_s)
    except ValueError as error:
        raise ClipReadError(path, str(error)) from None
    return slice(int(inside[0]), int(inside[-1]) + 1)


def _filled(
    path: Path,
    joints: NDArray[np.floating],
    times_s: NDArray[np.float64],
    layout: Layout,
    present: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], list[str]]:
    """Joints without holes, where people were measured, and problems in words."""
    joints = joints.astype(np.float64)
    joints[np.abs(joints) > np.finfo(np.float32).max] = np.nan
    joints[~np.isfinite(joints).all(-1)] = np.nan
    absent = ~np.nan_to_num(joints).any((2, 3))  # a body of zeros is no body
    joints[absent] = np.nan
    if absent.all():
        raise ClipReadError(path, "no usable frame: every joint position is missing (NaN or zero).")
    fill = fill_gaps(joints, times_s, bones=layout.bones)
    observed = fill.observed if present is None else fill.observed & present
    if not observed.any():
        raise ClipReadError(path, "no usable frame: nobody is present with enough joints in any.")
    return fill.joints, observed, _in_words(fill, layout)


def _in_words(fill: Filled, layout: Layout) -> list[str]:
    problems = []
    if fill.joint_fills:
        problems.append(f"{fill.joint_fills} missing joint positions were interpolated in time.")
    if fill.never_seen:
        names = ", ".join(layout.joint_names[j] for j in fill.never_seen)
        problems.append(f"Never measured, put at the nearest measured joint: {names}.")
    bridged = int(fill.interpolated.sum())
    if bridged:
        problems.append(
            f"{bridged} frames in which a person was not measured were interpolated "
            f"(gaps up to {LONGEST_GAP_S:g} s)."
        )
    nobody = int((~(fill.observed | fill.interpolated)).all(1).sum())
    if nobody:
        problems.append(f"{nobody} of {len(fill.observed)} frames show nobody.")
    height = np.ptp(fill.joints[fill.observed], axis=1).max(-1)
    if len(height) and np.median(height) > 5:
        problems.append("Bodies are more than 5 m large: are the positions really in metres?")
    return problems


def save_skeleton(path: str | os.PathLike[str], skeleton: Skeleton) -> None:
    """Write ``skeleton`` as ``.npz``, whole or not at all; ``read_skeleton`` gives it back."""
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise ActvizError(f"{path}: skeletons are saved as .npz; got {path.suffix or 'no ending'}.")
    arrays: dict[str, Any] = {
        "joints": skeleton.joints,
        "units": np.array("m"),
        "up": np.array("y"),
        "present": skeleton.present,
        "times_s": skeleton.times_s,
        "frame_index": skeleton.frame_index,
        "layout": np.array(skeleton.layout),
        "root": np.array(skeleton.root),
        "problems": np.array(skeleton.problems, dtype=np.str_),
    }
    if skeleton.custom_layout is not None:
        arrays |= arrays_of_layout(layout_of(skeleton))
    fresh = path.with_name(f".{path.stem}-{os.getpid()}.npz")
    try:
        np.savez_compressed(fresh, **arrays)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def layout_of(skeleton: Skeleton) -> Layout:
    """The layout that ``skeleton`` is in: its own, or the known one it names."""
    own = skeleton.custom_layout
    return own if isinstance(own, Layout) else get_layout(skeleton.layout)


def usable(skeleton: Skeleton) -> NDArray[np.bool_]:
    """Where positions may be used, (T, P): measured, or interpolated over a short gap."""
    return skeleton.present | skeleton.joints.any((2, 3))


def most_seen(skeleton: Skeleton, people: int) -> Skeleton:
    """``skeleton`` with ``people`` at most: those who were measured in most frames, in order."""
    there = skeleton.present.shape[1]
    if there <= people:
        return skeleton
    longest = np.argsort(-skeleton.present.sum(0), kind="stable")[:people]
    keep = np.sort(longest)
    problem = f"It shows {there} people; the {people} seen longest stay, as the weights know it."
    return replace(
        skeleton,
        joints=skeleton.joints[:, keep],
        present=skeleton.present[:, keep],
        problems=(*skeleton.problems, problem),
    )


# A joint that the source lacks, as a weighted mean of joints it has. The weights of neck and middle
# of the spine were measured on NTU RGB+D recordings (median over frames; .33–.35 and .57).
DERIVED: dict[str, dict[str, float]] = {
    "spine_base": {"hip_left": 0.5, "hip_right": 0.5},
    "spine_shoulder": {"shoulder_left": 0.5, "shoulder_right": 0.5},
    "spine_mid": {"spine_base": 0.43, "spine_shoulder": 0.57},
    "neck": {"spine_shoulder": 0.67, "head": 0.33},
    "hand_left": {"wrist_left": 1.0},
    "hand_right": {"wrist_right": 1.0},
    "hand_tip_left": {"hand_left": 1.0},
    "hand_tip_right": {"hand_right": 1.0},
    "thumb_left": {"hand_left": 1.0},
    "thumb_right": {"hand_right": 1.0},
}


def convert(skeleton: Skeleton, layout: str | Layout) -> Skeleton:
    """``skeleton`` in another layout, joint by joint of the same place on the body.

    The few joints that older sensors do not measure are derived from their neighbours
    (``DERIVED``) and named in ``problems``.

    Raises:
        ActvizError: a wanted joint has no counterpart.
    """
    source = layout_of(skeleton)
    target = get_layout(layout) if isinstance(layout, str) else layout
    if source == target:
        return skeleton
    own = None if target.name in LAYOUTS else target
    if source.joint_names == target.joint_names:
        return replace(skeleton, layout=target.name, custom_layout=own)
    have = {
        common_name(name): skeleton.joints[:, :, j] for j, name in enumerate(source.joint_names)
    }
    wanted = [common_name(name) for name in target.joint_names]
    derived = _derive(have, wanted)
    missing = [
        n for n, common in zip(target.joint_names, wanted, strict=True) if common not in have
    ]
    if missing:
        raise ActvizError(
            f"{skeleton.source}: a {source.name} skeleton cannot become {target.name}: it has no "
            f"{', '.join(missing)}; use a model trained on {source.name}."
        )
    problems = skeleton.problems
    if derived:
        problems += (f"Derived from neighbours for {target.name}: {', '.join(derived)}.",)
    return replace(
        skeleton,
        joints=np.stack([have[name] for name in wanted], axis=2),
        layout=target.name,
        problems=problems,
        custom_layout=own,
    )


def _derive(have: dict[str, NDArray[np.float32]], wanted: list[str]) -> list[str]:
    """Add to ``have`` what is wanted and can be derived; the names of what was added."""
    added = []
    for name, parts in DERIVED.items():
        if name in wanted and name not in have and all(part in have for part in parts):
            mean = sum(weight * have[part] for part, weight in parts.items())
            have[name] = np.asarray(mean, np.float32)
            added.append(name)
    return added
