"""A trace on disk: ``trace.json``, ``trace.npz``, ``figure.png`` and ``overlay.mp4``.

Everything is written into a scratch folder inside the goal and moved up when whole, so that an
interrupted run leaves nothing half-written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz import views
from actviz.ahead import ahead
from actviz.clip.preprocess import crop_box
from actviz.clip.reader import iter_frames
from actviz.clip.skeleton import convert, usable
from actviz.clip.writer import VideoWriter
from actviz.curves import curves_csv
from actviz.errors import ActvizError
from actviz.figures import (
    draw_figure,
    hips_of,
    in_words,
    maps_by,
    outside_note,
    shading_of,
    truth_of,
    weights_note,
)
from actviz.staging import staged_folder
from actviz.trace.run import SHORT_SIDE, StageProgress, Traced
from actviz.trace.schema import (
    MAMTrace,
    MANTrace,
    SequenceTrace,
    TMNetTrace,
    Trace,
    TwoStreamTrace,
)

__all__ = [
    "FILES",
    "curves_csv",
    "draw_figure",
    "in_words",
    "outside_note",
    "overlay_frames",
    "results_folder",
    "truth_of",
    "weights_note",
    "write_files",
    "write_overlay",
    "write_report",
]

FILES = ("trace.json", "trace.npz", "figure.png", "overlay.mp4")


def overlay_frames(traced: Traced) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Every frame of the span with what the model did drawn on it: (seconds, uint8 (H, W, 3)).

    A frame that the model did not look at shows what held at the nearest one it did.
    """
    if traced.info is None:  # a skeleton file: nothing was filmed
        yield from _skeleton_pictures(traced)
        return
    if isinstance(traced.trace, MANTrace):  # the joints move with every frame
        yield from _with_bones(traced, traced.trace)
        return
    glaze, glazed = None, -1  # what was drawn last, and for which of the frames looked at
    for time_s, frame in _film(traced):
        at = int(np.abs(traced.trace.times_s - time_s).argmin())
        if glaze is None or at != glazed:
            draw = partial(_drawn, traced, time_s=time_s)
            glaze, glazed = views.Glaze(draw, *frame.shape[:2]), at
        yield time_s, glaze.over(frame)


def _film(traced: Traced) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The span's frames with their seconds, from the small copy of them where there is one."""
    if traced.small is not None:
        yield from traced.small.frames()
        return
    span = traced.span
    frames = iter_frames(traced.path, start_s=span.start_s, end_s=span.end_s, short_side=SHORT_SIDE)
    yield from ((time_s, frame) for _, time_s, frame in frames)


def _drawn(traced: Traced, frame: NDArray[np.uint8], time_s: float) -> NDArray[np.uint8]:
    trace = traced.trace
    at = int(np.abs(trace.times_s - time_s).argmin())
    if isinstance(trace, MAMTrace):
        at = int(trace.place_of[at])  # the film runs as it was shot, whatever order MAM saw
        return views.draw_decision(
            views.draw_caption(frame, _short_note(trace), lines=_flow_lines(trace, at)),
            written=bool(trace.written[at]),
            probability=float(trace.write_probability[at]),
            memory_size=int(trace.memory_size[at]),
            threshold=trace.threshold,
        )
    if isinstance(trace, TMNetTrace):
        return _both_branches(trace, frame, at)
    assert isinstance(trace, SequenceTrace)
    return _answer_so_far(trace, frame, at)


def _with_bones(traced: Traced, trace: MANTrace) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Every frame of a film with the people's bones, whose joints are marked."""
    layout = traced.layout
    shading = shading_of(trace, layout)
    lines = [shading.words, _short_note(trace)]
    for time_s, frame in _film(traced):
        at = int(np.abs(trace.times_s - time_s).argmin())
        points, present = traced.points_at(time_s)
        with_bones = views.draw_skeleton(
            frame,
            points,
            trace.bones,
            left=layout.left,
            right=layout.right,
            present=present,
            weight=shading.values[at],
            colours=shading.colours,
        )
        yield time_s, views.draw_caption(with_bones, _attention_words(trace, at), lines=lines)


def _flow_lines(trace: MAMTrace, at: int) -> list[str]:
    """What the stream on flow decides, where there is one."""
    if not isinstance(trace, TwoStreamTrace):
        return []
    flow = trace.flow
    word = "written" if flow.written[at] else "skipped"
    held = f"memory {flow.memory_size[at]}"
    return [f"flow: {word} {flow.write_probability[at]:.2f} · {held} (frames: below)"]


def _answer_so_far(trace: SequenceTrace, frame: NDArray[np.uint8], at: int) -> NDArray[np.uint8]:
    """A rival's answer at this frame, over where it looks."""
    box, k = crop_box(*frame.shape[:2]), int(trace.frame_probabilities[at].argmax())
    seen = views.dim_outside(frame, box)
    if trace.attention is not None:
        seen = views.blend_heat(seen, trace.attention[at].astype(np.float32), box=box)
    words = f"{trace.classes[k]} {trace.frame_probabilities[at, k]:.2f}"
    return views.draw_caption(seen, words, lines=[_short_note(trace)])


def _both_branches(trace: TMNetTrace, frame: NDArray[np.uint8], at: int) -> NDArray[np.uint8]:
    """The regression branch's map on the left, the classification branch's on the right."""
    k, box = trace.classes.index(trace.cam_class), crop_box(*frame.shape[:2])
    halves = []
    whose, _, outside = _short_note(trace).partition(": ")  # shared: a half has not room for all
    for name, cam, probability, note in (
        ("regression", trace.cam_rb, trace.probabilities_rb, whose),
        ("classification", trace.cam_cb, trace.probabilities_cb, outside or whose),
    ):
        seen = views.dim_outside(frame, box)
        heated = views.blend_heat(seen, cam[at].astype(np.float32), box=box)
        words = f"{name}: {trace.cam_class} {probability[at, k]:.2f}"
        halves.append(views.draw_caption(heated, words, lines=[note]))
    both = np.concatenate(halves, axis=1)
    both[:, frame.shape[1] - 1 : frame.shape[1] + 1] = 255  # a line between the two
    return both


def _short_note(trace: Trace) -> str:
    """One line for a moving picture: whose answer this is, and whether it can be relied on."""
    note = f"{trace.weights['name']}, trained on {trace.weights['trained_on']}"
    if method := maps_by(trace):
        note = f"{method}; {note}"
    if isinstance(trace, (MAMTrace, MANTrace)) and trace.what_if:
        note = f"what if: {trace.what_if}; {note}"
    return note if outside_note(trace) is None else f"{note}: this clip lies outside of that"


def _attention_words(trace: MANTrace, at: int) -> str:
    x, y, z = trace.attention[:, at]
    digits = 2 if np.ptp(trace.attention, axis=1).max() > 0.05 else 3
    return f"attention x {x:.{digits}f} · y {y:.{digits}f} · z {z:.{digits}f}"


def _skeleton_pictures(traced: Traced) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Every frame of a skeleton file, with the attention of the nearest one MAN looked at."""
    trace = traced.trace
    assert isinstance(trace, MANTrace)
    assert traced.skeleton is not None
    layout = traced.layout
    skeleton = convert(traced.skeleton, layout)
    present = usable(skeleton)
    stood = views.stand_up(
        skeleton.joints, present, skeleton.times_s, hips=hips_of(layout), root=skeleton.root
    )
    joints, present = stood.joints, stood.present
    shading = shading_of(trace, layout)
    extent = views.skeleton_extent(joints, present)
    for frame, time_s in enumerate(skeleton.times_s):
        at = int(np.abs(trace.times_s - time_s).argmin())
        picture = views.skeleton_frame(
            joints[frame],
            present[frame],
            trace.bones,
            left=layout.left,
            right=layout.right,
            weight=float(trace.attention[:, at].mean()),
            marks=shading.values[at],
            colours=shading.colours,
            extent=extent,
        )
        words, lines = _attention_words(trace, at), [shading.words, _short_note(trace)]
        roomy = np.pad(picture, ((112, 0), (0, 0), (0, 0)))  # the words stand over nobody's head
        yield float(time_s), views.draw_caption(roomy, words, lines=lines)


def write_overlay(
    traced: Traced, path: str | Path, *, progress: StageProgress | None = None
) -> None:
    """Stream ``overlay_frames`` into an H.264 video at ``path``."""
    total = len(traced.skeleton or traced.trace.times_s)
    if traced.info is not None:
        span, info = traced.span, traced.info
        seconds = min(span.end_s or info.duration_s, info.duration_s) - (span.start_s or 0.0)
        total = max(1, round(seconds * info.fps))
    frames = ahead(overlay_frames(traced))  # drawn while the last ones are encoded
    first = next(frames, None)
    if first is None:
        raise ActvizError(f"{traced.path}: the span holds no frame to draw on; widen it.")
    begin, (height, width) = first[0], first[1].shape[:2]
    fps = min(max(float(traced.trace.clip["fps"]), 1.0), 240.0)
    with VideoWriter(path, width=width, height=height, fps=fps, quick=True) as writer:
        for done, (time_s, frame) in enumerate(chain([first], frames), 1):
            writer.write(frame, time_s - begin)
            if progress:
                progress("writing the overlay video", min(done, total), total)


def results_folder(folder: str | Path) -> AbstractContextManager[Path]:
    """A scratch folder inside ``folder``, whose files move up when the work is whole.

    Of the four files of a report, those that this run did not write are removed, so that no other
    run's overlay stays beside this one's trace. On failure nothing new is left behind.

    Raises:
        ActvizError: ``folder`` is a file or cannot be written.
    """
    return staged_folder(Path(folder), FILES, advice="choose a folder for the results.")


def write_files(
    traced: Traced, folder: Path, *, overlay: bool = True, progress: StageProgress | None = None
) -> None:
    """Write the trace's files into ``folder``, which exists."""
    traced.trace.save(folder)
    draw_figure(traced).savefig(folder / "figure.png", dpi=110)
    if overlay:
        write_overlay(traced, folder / "overlay.mp4", progress=progress)


def write_report(
    traced: Traced,
    folder: str | Path,
    *,
    overlay: bool = True,
    progress: StageProgress | None = None,
) -> list[str]:
    """Write the four files into ``folder``, whole or not at all, and say what was found.

    Existing files of these names are replaced, other files left alone.

    Raises:
        ActvizError: ``folder`` is a file or cannot be written.
    """
    with results_folder(folder) as fresh:
        write_files(traced, fresh, overlay=overlay, progress=progress)
    return in_words(traced, folder)
