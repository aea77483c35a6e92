"""What is in a file, and what the models will see of it, in words: ``actviz probe``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from actviz.clip.preprocess import crop_box
from actviz.clip.reader import probe
from actviz.clip.skeleton import layout_of, read_skeleton
from actviz.clip.types import ClipInfo, Skeleton
from actviz.errors import ClipReadError
from actviz.learn.checkpoints import bundled_card
from actviz.trace.run import MODELS, frames_seen, is_skeleton_file

__all__ = ["describe_file", "describe_skeleton", "describe_video"]


def describe_file(path: str | Path) -> list[tuple[str, str]]:
    """Facts of a video or skeleton file as (name, words) rows.

    Raises:
        ClipReadError: the file is missing or cannot be read; the reason is in the message.
    """
    if not Path(path).exists():
        raise ClipReadError(path, "no such file; give the path of a video or skeleton file")
    if is_skeleton_file(path):
        return describe_skeleton(read_skeleton(path))
    return describe_video(probe(path))


def describe_video(info: ClipInfo) -> list[tuple[str, str]]:
    """Facts of a video, and what MAM and TMNet will see of it."""
    rate = f"{info.fps:.2f} frames/s" + (", variable" if info.variable_rate else "")
    rows = [
        ("file", Path(info.source).name),
        ("video", f"{info.codec}, {info.width} x {info.height} pixels"),
        ("length", f"{info.duration_s:.2f} s, {info.frame_count} frames, {rate}"),
        ("rotation", f"{info.rotation} degrees, applied" if info.rotation else "none"),
    ]
    for model in ("mam", "tmnet"):
        card = bundled_card(model)
        top, left, side = crop_box(info.height, info.width)
        seen = min(frames_seen(card), info.frame_count)
        rows.append(
            (
                f"{MODELS[model]} sees",
                f"{seen} frames spread over the clip; of each the square of {side} pixels from "
                f"({left}, {top}), at {card.input_size} x {card.input_size}",
            )
        )
    rows.append(("MAN sees", "the joints of up to two people that pose finds in the video"))
    return rows + _problems(info.problems)


def describe_skeleton(skeleton: Skeleton) -> list[tuple[str, str]]:
    """Facts of a skeleton sequence, and what MAN will see of it."""
    layout = layout_of(skeleton)
    times = skeleton.times_s
    gaps = int(np.count_nonzero(~skeleton.present.any(1)))
    card = bundled_card("man")
    rows = [
        ("file", Path(skeleton.source).name),
        (
            "skeleton",
            f"layout {skeleton.layout}, {len(layout)} joints, relative to {skeleton.root}",
        ),
        ("length", f"{times[-1] - times[0]:.2f} s, {len(skeleton)} frames"),
        ("people", f"{int(skeleton.present.any(0).sum())}; nobody in {gaps} frames"),
        ("MAN sees", f"{min(card.frames, len(skeleton))} frames in layout {card.layout}"),
    ]
    return rows + _problems(skeleton.problems)


def _problems(problems: tuple[str, ...]) -> list[tuple[str, str]]:
    return [("problem", problem) for problem in problems] or [("problems", "none")]
