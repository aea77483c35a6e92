"""A trace on disk: ``trace.json``, ``trace.npz``, ``figure.png`` and ``overlay.mp4``.

Everything is written into a folder beside the goal and moved there when whole, so that an
interrupted run leaves nothing half-written.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actviz import views
from actviz.clip.layouts import get_layout
from actviz.clip.preprocess import crop_box
from actviz.clip.reader import iter_frames
from actviz.clip.writer import VideoWriter
from actviz.datasets.puppets.gallery import truth_for
from actviz.errors import ActvizError
from actviz.trace.run import MODELS, SHORT_SIDE, StageProgress, Traced
from actviz.trace.schema import MAMTrace, MANTrace, TMNetTrace, Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "curves_csv",
    "draw_figure",
    "outside_note",
    "overlay_frames",
    "truth_of",
    "weights_note",
    "write_overlay",
    "write_report",
]


def truth_of(trace: Trace) -> views.Truth | None:
    """What really happens in a bundled puppet clip; None for every other clip."""
    known = truth_for(trace.clip["sha256"])
    if known is None:
        return None
    return views.Truth(known.times_s, known.evidence, np.asarray(known.cuts_s, dtype=np.float64))


def outside_note(trace: Trace) -> str | None:
    """The one fixed banner, where the clip is of another kind than the weights were trained on."""
    on_puppets = "puppets" in str(trace.weights.get("trained_on"))
    inside = truth_for(trace.clip["sha256"]) is not None if on_puppets else True
    return None if inside else views.OUTSIDE_BANNER


def weights_note(trace: Trace) -> str:
    """Which weights spoke, what they were trained on and, where it applies, the banner."""
    return views.weights_note(trace.weights, outside=outside_note(trace) is not None)


def _title(traced: Traced) -> str:
    (best, probability), *_ = traced.trace.top(1)
    name = MODELS[traced.trace.model]
    return f"{name} on {traced.trace.clip['name']}: {best} ({probability:.2f})"


def draw_figure(traced: Traced) -> Figure:
    """The print figure of a trace: MAM's Figure 3, TMNet's Figure 6, MAN's attention."""
    trace, truth = traced.trace, truth_of(traced.trace)
    title, note = _title(traced), weights_note(trace)
    if isinstance(trace, MANTrace):
        layout = get_layout(trace.layout)
        return views.attention_figure(
            trace.times_s,
            trace.attention,
            trace.joints,
            trace.present,
            trace.bones,
            left=layout.left,
            right=layout.right,
            truth=truth,
            title=title,
            note=note,
        )
    assert traced.clip is not None  # MAM and TMNet always look at pictures
    frames = traced.clip.frames
    if isinstance(trace, MAMTrace):
        return views.memory_figure(
            frames,
            trace.times_s,
            trace.write_probability,
            trace.written,
            trace.memory_size,
            threshold=trace.threshold,
            truth=truth,
            title=title,
            note=note,
        )
    assert isinstance(trace, TMNetTrace)
    k = trace.classes.index(trace.cam_class)
    return views.glance_figure(
        frames,
        trace.times_s,
        trace.cam_rb,
        trace.cam_cb,
        trace.probabilities_rb[:, k],
        trace.probabilities_cb[:, k],
        trace.probabilities[:, k],
        class_name=trace.cam_class,
        box=crop_box(*frames.shape[1:3]),
        truth=truth,
        title=title,
        note=note,
    )


def curves_csv(trace: Trace) -> str:
    """The curves of a trace as a table, one row per frame the model looked at."""
    columns: dict[str, NDArray] = {"time_s": trace.times_s, "frame": trace.frame_index}
    if isinstance(trace, MAMTrace):
        columns["write_probability"] = trace.write_probability
        columns["written"] = trace.written.astype(int)
        columns["memory_size"] = trace.memory_size
    elif isinstance(trace, TMNetTrace):
        for k, name in enumerate(trace.classes):
            columns[f"rb: {name}"] = trace.probabilities_rb[:, k]
            columns[f"cb: {name}"] = trace.probabilities_cb[:, k]
            columns[f"both: {name}"] = trace.probabilities[:, k]
    elif isinstance(trace, MANTrace):
        columns |= {f"attention_{c}": trace.attention[i] for i, c in enumerate("xyz")}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        table.writerow([f"{x:.6g}" if isinstance(x, np.floating) else x for x in row])
    return text.getvalue()


def overlay_frames(traced: Traced) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Every frame of the span with what the model did drawn on it: (seconds, uint8 (H, W, 3)).

    A frame that the model did not look at shows what held at the nearest one it did.
    """
    if traced.info is None:  # a skeleton file: nothing was filmed
        yield from _skeleton_pictures(traced.trace)
        return
    span = traced.span
    for _, time_s, frame in iter_frames(
        traced.path, start_s=span.start_s, end_s=span.end_s, short_side=SHORT_SIDE
    ):
        yield time_s, _drawn(traced, frame, time_s)


def _drawn(traced: Traced, frame: NDArray[np.uint8], time_s: float) -> NDArray[np.uint8]:
    trace = traced.trace
    at = int(np.abs(trace.times_s - time_s).argmin())
    if isinstance(trace, MAMTrace):
        return views.draw_decision(
            frame,
            written=bool(trace.written[at]),
            probability=float(trace.write_probability[at]),
            memory_size=int(trace.memory_size[at]),
            threshold=trace.threshold,
        )
    if isinstance(trace, TMNetTrace):
        return _both_branches(trace, frame, at)
    assert isinstance(trace, MANTrace)
    points, present = traced.points_at(time_s)
    layout = get_layout(trace.layout)
    with_bones = views.draw_skeleton(
        frame,
        points,
        trace.bones,
        left=layout.left,
        right=layout.right,
        present=present,
        weight=float(trace.attention[:, at].mean()),
    )
    return views.draw_caption(with_bones, _attention_words(trace, at))


def _both_branches(trace: TMNetTrace, frame: NDArray[np.uint8], at: int) -> NDArray[np.uint8]:
    """The regression branch's map on the left, the classification branch's on the right."""
    k, box = trace.classes.index(trace.cam_class), crop_box(*frame.shape[:2])
    halves = []
    for name, cam, probability in (
        ("regression", trace.cam_rb, trace.probabilities_rb),
        ("classification", trace.cam_cb, trace.probabilities_cb),
    ):
        heated = views.blend_heat(frame, cam[at].astype(np.float32), box=box)
        words = f"{name}: {trace.cam_class} {probability[at, k]:.2f}"
        halves.append(views.draw_caption(heated, words))
    return np.concatenate(halves, axis=1)


def _attention_words(trace: MANTrace, at: int) -> str:
    x, y, z = trace.attention[:, at]
    return f"attention x {x:.2f} · y {y:.2f} · z {z:.2f}"


def _skeleton_pictures(trace: Trace) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    assert isinstance(trace, MANTrace)
    layout = get_layout(trace.layout)
    extent = views.skeleton_extent(trace.joints, trace.present)
    for at, time_s in enumerate(trace.times_s):
        yield (
            float(time_s),
            views.skeleton_frame(
                trace.joints[at],
                trace.present[at],
                trace.bones,
                left=layout.left,
                right=layout.right,
                weight=float(trace.attention[:, at].mean()),
                extent=extent,
                caption=_attention_words(trace, at),
            ),
        )


def write_overlay(
    traced: Traced, path: str | Path, *, progress: StageProgress | None = None
) -> None:
    """Stream ``overlay_frames`` into an H.264 video at ``path``."""
    total = len(traced.trace.times_s)
    if traced.info is not None:
        span, info = traced.span, traced.info
        seconds = min(span.end_s or info.duration_s, info.duration_s) - (span.start_s or 0.0)
        total = max(1, round(seconds * info.fps))
    frames = overlay_frames(traced)
    first = next(frames, None)
    if first is None:
        raise ActvizError(f"{traced.path}: the span holds no frame to draw on; widen it.")
    begin, (height, width) = first[0], first[1].shape[:2]
    fps = max(float(traced.trace.clip["fps"]), 1.0)
    with VideoWriter(path, width=width, height=height, fps=fps) as writer:
        for done, (time_s, frame) in enumerate(chain([first], frames), 1):
            writer.write(frame, time_s - begin)
            if progress:
                progress("writing the overlay video", min(done, total), total)


def write_report(
    traced: Traced,
    folder: str | Path,
    *,
    overlay: bool = True,
    progress: StageProgress | None = None,
) -> list[str]:
    """Write the four files into ``folder`` and say in words what was found.

    Existing files of these names are replaced, other files left alone.

    Raises:
        ActvizError: ``folder`` is a file or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ActvizError(f"{folder}: --out must be a folder; this is a file.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".actviz-", dir=folder.parent) as fresh:
        traced.trace.save(fresh)
        draw_figure(traced).savefig(Path(fresh, "figure.png"), dpi=110)
        if overlay:
            write_overlay(traced, Path(fresh, "overlay.mp4"), progress=progress)
        folder.mkdir(exist_ok=True)
        for file in sorted(Path(fresh).iterdir()):
            file.replace(folder / file.name)
    return _in_words(traced, folder)


def _in_words(traced: Traced, folder: Path) -> list[str]:
    trace = traced.trace
    best = ", ".join(f"{name} {probability:.2f}" for name, probability in trace.top(3))
    lines = [f"{MODELS[trace.model]} on {trace.clip['name']} ({trace.device}): {best}"]
    if isinstance(trace, MAMTrace):
        lines.append(f"wrote {int(trace.written.sum())} of {len(trace.written)} frames to memory")
    elif isinstance(trace, TMNetTrace):
        lines.append(
            f"no positive evidence for {trace.cam_class} in any frame"
            if trace.cam_max <= 0
            else f"maps show the evidence for {trace.cam_class}"
        )
    elif isinstance(trace, MANTrace):
        peak = trace.times_s[trace.attention.argmax(1)]
        lines.append(
            "attention peaks at "
            + ", ".join(f"{c} {t:.2f} s" for c, t in zip("xyz", peak, strict=True))
        )
    lines += [f"note: {problem}" for problem in trace.clip["problems"]]
    return [*lines, weights_note(trace), f"{folder} written."]
