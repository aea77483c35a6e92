"""Pose from video: people found by MediaPipe's PoseLandmarker, as an NTU-25 skeleton.

T frames looked at · P people, at most two · J = 25 joints

Positions are metres from the middle of the hips in each frame (``root`` is ``"hips"``): the path
of a person and the distance between two people are not in them. ``pose_landmarks`` says how the
25 joints come from MediaPipe's 33 landmarks, ``pose_people`` how people are told apart, and
``pose_quality`` what is said about all this.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actviz.clip.downloads import sha256_of
from actviz.clip.gaps import fill_gaps
from actviz.clip.pose_landmarks import joints_from_landmarks, to_kinect_axes
from actviz.clip.pose_model import Landmarker, PoseError, find_pose_model
from actviz.clip.pose_people import People, Sight, follow
from actviz.clip.pose_quality import Quality, quality_in_words
from actviz.clip.types import Skeleton

__all__ = ["MIN_FRAMES", "PoseError", "PosedVideo", "find_pose_model", "pose_from_video"]

MIN_FRAMES = 8  # with a person in fewer frames than this there is no motion to speak of
MOST_FRAMES = 600  # looked at by default: 10 s at 60 frames/s, about 16 s of one core
_SHORT_SIDE = 480  # pixels; the model itself looks at 224 to 256
_TOGETHER = 3  # frames: two people seen at once in fewer are one who jumped, as at a cut

Progress = Callable[[int, int], None]  # frames done, frames in all


@dataclass(frozen=True)
class PosedVideo:
    """People found in a video: their joints in space and in the picture."""

    skeleton: Skeleton  # ntu-25, root "hips", present where a person was found
    points: NDArray[np.float32]  # (T, P, 25, 2), x and y in pixels of `frame_size`, zero if absent
    visibility: NDArray[np.float32]  # (T, P, 25), MediaPipe's own estimate, in [0, 1]
    interpolated: NDArray[np.bool_]  # (T, P), not found, but filled over a short gap
    frame_size: tuple[int, int] = (0, 0)  # height, width of the whole upright frame
    model_sha256: str = ""


def pose_from_video(
    path: str | os.PathLike[str],
    *,
    model_path: str | os.PathLike[str] | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    max_frames: int | None = None,
    min_frames: int = MIN_FRAMES,
    progress: Progress | None = None,
) -> PosedVideo:
    """Find up to two people in a video (or a span of it) and follow them.

    Args:
        path: any video that ``probe`` reads.
        model_path: as for ``find_pose_model``.
        start_s: first second wanted, on the video's own clock.
        end_s: second at which to stop.
        max_frames: look at no more than this many frames, evenly spread; each keeps its own time.
            None: 600.
        min_frames: frames in which a person must be found.
        progress: called with frames done and frames in all.

    Raises:
        ClipReadError: the video cannot be read.
        PoseError: no MediaPipe, no model, or a person in fewer than ``min_frames`` frames.
    """
    from actviz.clip.reader import frame_times, iter_frames, probe
    from actviz.clip.sampling import span_frames

    info = probe(path)
    model = find_pose_model(model_path)
    times_s, _ = frame_times(path)
    try:
        inside = span_frames(times_s, start_s, end_s)
    except ValueError as error:
        raise PoseError(f"{path}: {error}") from None
    numbers = _spread(inside, MOST_FRAMES if max_frames is None else max_frames)
    frames = iter_frames(path, start_s=start_s, end_s=end_s, short_side=_SHORT_SIDE)
    with Landmarker(model, (info.height, info.width)) as landmarker:
        seen = _look(frames, numbers, landmarker, progress)
    found = sum(1 for _, bodies in seen.values() if bodies)
    if found < min_frames:
        raise PoseError(
            f"{path}: a person was found in {found} of {len(seen)} frames looked at; at least "
            f"{min_frames} are needed: choose a clip or span with a person in full view."
        )
    posed = _posed(path, np.array(list(seen), np.int64), list(seen.values()), len(inside))
    return replace(posed, frame_size=(info.height, info.width), model_sha256=sha256_of(model))


def _posed(
    path: str | os.PathLike[str], looked: NDArray[np.int64], sights: list[Sight], frames: int
) -> PosedVideo:
    """What was seen at the frames ``looked`` at, of as many as ``frames``."""
    from actviz.clip.reader import file_sha256

    times_s = np.array([time_s for time_s, _ in sights])
    arrays = _arrays(follow(sights), times_s)
    quality = Quality(times_s, arrays.points, arrays.visibility, arrays.found, arrays.interpolated)
    skeleton = Skeleton(
        joints=arrays.joints,
        present=arrays.found,
        times_s=times_s,
        frame_index=looked,
        layout="ntu-25",
        root="hips",
        source=str(path),
        sha256=file_sha256(path),
        problems=(*quality_in_words(quality, frames=frames), *arrays.problems),
    )
    return PosedVideo(skeleton, arrays.points, arrays.visibility, arrays.interpolated)


def _spread(numbers: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most ``most`` of the frame numbers, evenly spread, first and last included."""
    if most < 1:
        raise PoseError(f"max_frames must be at least 1; got {most}.")
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(np.int64)]


def _look(
    frames: Iterable[tuple[int, float, NDArray[np.uint8]]],
    numbers: NDArray[np.int64],
    landmarker: Landmarker,
    progress: Progress | None,
) -> dict[int, Sight]:
    """When it is and who is there, of those frames whose number is wanted."""
    seen: dict[int, Sight] = {}
    wanted = set(numbers.tolist())
    for number, time_s, rgb in frames:
        if number not in wanted:
            continue
        seen[number] = time_s, landmarker.detect(rgb, time_s)
        if progress:
            progress(len(seen), len(numbers))
    return seen


@dataclass(frozen=True)
class _Arrays:
    joints: NDArray[np.float32]  # (T, P, 25, 3)
    points: NDArray[np.float32]  # (T, P, 25, 2)
    visibility: NDArray[np.float32]  # (T, P, 25)
    found: NDArray[np.bool_]  # (T, P)
    interpolated: NDArray[np.bool_]  # (T, P)
    problems: list[str]


def _arrays(seen: list[People], times_s: NDArray[np.float64]) -> _Arrays:
    """Detections as arrays without short gaps; the person seen most often comes first."""
    counts = [sum(p in people for people in seen) for p in range(2)]
    order = [p for p in sorted(range(2), key=lambda p: -counts[p]) if counts[p]]
    problems = []
    if len(order) == 2 and sum(len(people) == 2 for people in seen) < _TOGETHER:
        elsewhere = sum(people.keys() == {order[1]} for people in seen)
        seen = [_as_one(people, order) for people in seen]
        order = order[:1]
        problems.append(
            f"In {elsewhere} frames somebody was suddenly elsewhere, and hardly ever were two seen "
            "at once: taken for one person."
        )
    joints = np.full((len(seen), len(order), 25, 3), np.nan)
    points = np.full((len(seen), len(order), 25, 2), np.nan)
    visibility = np.zeros((len(seen), len(order), 25), np.float32)
    for t, people in enumerate(seen):
        for slot, p in enumerate(order):
            if p in people:
                joints[t, slot] = to_kinect_axes(joints_from_landmarks(people[p].world))
                points[t, slot] = joints_from_landmarks(people[p].image)
                visibility[t, slot] = joints_from_landmarks(people[p].visibility)
    world, picture = fill_gaps(joints, times_s), fill_gaps(points, times_s)
    return _Arrays(
        world.joints, picture.joints, visibility, world.observed, world.interpolated, problems
    )


def _as_one(people: People, order: list[int]) -> People:
    """One frame's detections as sights of a single person, the usual one first."""
    return {order[0]: next(people[p] for p in order if p in people)} if people else {}
