"""From a file to a trace in one call: what the command line, the explorer and notebooks share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.clip.reader import frame_times, probe, read_clip
from actviz.clip.sampling import segment_indices, span_frames
from actviz.clip.skeleton import SKELETON_SUFFIXES, most_seen, read_skeleton
from actviz.clip.small_film import SmallFilm, read_and_copy, worth_copying
from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ActvizError
from actviz.learn.cards import Card
from actviz.learn.checkpoints import Loaded
from actviz.progress import one_stage
from actviz.trace.cam_methods import check_method
from actviz.trace.common import expect_model
from actviz.trace.flow import FlowSnippets, flow_snippets, snippet_fields, snippet_starts
from actviz.trace.glances import glance_trace, glances_at, sees_together
from actviz.trace.masking import ask_man
from actviz.trace.options import check_options
from actviz.trace.sequences import flow_length_of, trace_sequence
from actviz.trace.skeletons import man_image
from actviz.trace.streams import ask_streams, flow_features
from actviz.trace.traced import SHORT_SIDE, WHOLE, Span, StageProgress, Traced
from actviz.trace.weights import MODELS, check_traceable, load_second, load_weights
from actviz.trace.whatif import CachedMAM, mam_features

__all__ = [
    "MODELS",
    "SHORT_SIDE",
    "WHOLE",
    "Span",
    "StageProgress",
    "Traced",
    "check_traceable",
    "frames_seen",
    "is_skeleton_file",
    "load_weights",
    "sample_clip",
    "trace_file",
    "trace_skeleton",
    "trace_video",
]

MOST_FRAMES = 2000  # that a model looks at in one trace: some 1 GB of pictures
GLANCES = 32  # frames TMNet looks at; each stands alone, so that more make a finer curve


def is_skeleton_file(path: str | Path) -> bool:
    """Whether ``path`` is taken for a skeleton file rather than a video, by its ending."""
    return Path(path).suffix.lower() in SKELETON_SUFFIXES


def sample_clip(
    path: str | Path, count: int, span: Span = WHOLE, *, flow_length: int = 0
) -> tuple[Clip, ClipInfo]:
    """``count`` frames spread evenly over the span (the middles of equal segments; fewer where
    the span has fewer), with what is known about the file.

    Args:
        flow_length: L of flow snippets that are to begin at the frames; 0: of no matter.
    """
    wanted = _sampled(_inside(path, span), count, flow_length)
    return read_clip(path, frame_index=wanted, short_side=SHORT_SIDE), probe(path)


def _sampled(inside: NDArray[np.int64], count: int, flow_length: int) -> NDArray[np.int64]:
    if flow_length:
        return inside[snippet_starts(len(inside), count, flow_length)]
    return inside[np.unique(segment_indices(len(inside), min(count, len(inside))))]


def _sampled_and_copied(
    path: str | Path,
    count: int,
    span: Span,
    flow_length: int,
    scratch: Path | None,
    progress: StageProgress | None,
) -> tuple[Clip, ClipInfo, SmallFilm | None]:
    """As ``sample_clip``, and where it saves work a small copy of the span in ``scratch``."""
    info, inside = probe(path), _inside(path, span)
    wanted = _sampled(inside, count, flow_length)
    if scratch is None or not worth_copying(info, len(inside), short_side=SHORT_SIDE, to=scratch):
        return read_clip(path, frame_index=wanted, short_side=SHORT_SIDE), info, None
    clip, small = read_and_copy(
        path,
        wanted,
        span=inside,
        short_side=SHORT_SIDE,
        to=scratch / "film.rgb",
        progress=one_stage(progress, "reading the film"),
    )
    return clip, info, small


def _inside(path: str | Path, span: Span) -> NDArray[np.int64]:
    """Numbers of the span's frames in the file."""
    times_s, _ = frame_times(path)
    try:
        return span_frames(times_s, span.start_s, span.end_s)
    except ValueError as error:
        raise ActvizError(f"{path}: {error}") from error


def frames_seen(card: Card) -> int:
    """How many frames a model looks at by itself: as many as in training, but TMNet's glances,
    each of which stands alone, are 32."""
    return GLANCES if card.model == "tmnet" and not sees_together(card) else card.frames


def trace_video(
    loaded: Loaded,
    path: str | Path,
    *,
    second: Loaded | None = None,
    span: Span = WHOLE,
    frames: int | None = None,
    threshold: float | None = None,
    cam_class: str | None = None,
    cam_method: str | None = None,
    motion: bool = False,
    flow_method: str = "",
    scratch: Path | None = None,
    progress: StageProgress | None = None,
) -> Traced:
    """Any model that looks at pictures on a video file.

    Args:
        second: MAM on optical flow beside MAM on frames: two streams (``load_second``).
        frames: looked at; ``frames_seen`` where None.
        cam_class: TMNet's class whose evidence is mapped; the clip's top class where None.
        cam_method: by which it is, of ``cam_methods.CAM_METHODS``; exactly where None.
        motion: trace what moves beside TMNet's maps (``Traced.with_motion``).
        flow_method: "tvl1", "dis", or "" for the quick one (``actviz.trace.flow``).
        scratch: a folder for a small copy of a large film (``Traced.small``), made on the way, so
            that drawing on every frame needs no second decoding; None where nothing is drawn.
    """
    count = frames if frames is not None else frames_seen(loaded.card)
    if not 1 <= count <= MOST_FRAMES:
        raise ActvizError(f"--frames must be at least 1 and at most {MOST_FRAMES}; got {count}.")
    name, card, file = MODELS[loaded.card.model], loaded.card, Path(path)
    if cam_method is not None:
        check_method(cam_method, expect_model(loaded, "tmnet"))
    on_flow = card.modality == "flow"
    begins = card.flow_length if on_flow else 0
    clip, info, small = _sampled_and_copied(path, count, span, begins, scratch, progress)
    flow = None
    if flow_length_of(second or loaded):
        flow = _flow_at(
            clip, span, second or loaded, around=not on_flow, method=flow_method, progress=progress
        )
    tell = one_stage(progress, f"{name} looks at the {'flow' if on_flow else 'frames'}")
    if card.model == "mam":
        cached, beside = _mam_looks(loaded, second, clip, flow, info, tell)
        memory = ask_streams(cached, beside, threshold=threshold)
        traced = Traced(memory, file, span, info, clip, None, cached=cached, small=small)
        return replace(traced, cached_flow=beside)
    if card.model == "tmnet":
        glances = glances_at(loaded, clip, info=info, progress=tell)
        plain = glance_trace(glances, cam_class=cam_class)
        traced = Traced(plain, file, span, info, clip, None, cached_glances=glances, small=small)
        traced = traced.with_maps(method=cam_method, progress=progress)
        return traced.with_motion(progress=progress) if motion else traced
    trace = trace_sequence(loaded, clip, info=info, flow=flow, progress=tell)
    return Traced(trace, file, span, info, clip, None, small=small)


def _flow_at(
    clip: Clip,
    span: Span,
    loaded: Loaded,
    *,
    around: bool,
    method: str,
    progress: StageProgress | None,
) -> FlowSnippets:
    """Snippets at the frames of ``clip``, as ``loaded`` takes them."""
    inside = _inside(clip.source, span)
    places, length = clip.frame_index - inside[0], flow_length_of(loaded)
    return flow_snippets(
        clip.source,
        snippet_fields(places, length, len(inside), around=around),
        inside,
        card=loaded.card,
        method=method,
        progress=progress,
    )


def _mam_looks(
    loaded: Loaded,
    second: Loaded | None,
    clip: Clip,
    flow: FlowSnippets | None,
    info: ClipInfo,
    tell: Callable[[int, int], None],
) -> tuple[CachedMAM, CachedMAM | None]:
    """What MAM sees of the clip, and what its second stream sees."""
    if flow is None:
        return mam_features(loaded, clip, info=info, progress=tell), None
    if second is None:
        return flow_features(loaded, clip, flow, info=info, progress=tell), None
    cached = mam_features(loaded, clip, info=info, progress=tell)
    return cached, flow_features(second, clip, flow, info=info)


def trace_skeleton(
    loaded: Loaded,
    path: str | Path,
    *,
    span: Span = WHOLE,
    cam_class: str | None = None,
    pose_model: str | Path | None = None,
    progress: StageProgress | None = None,
) -> Traced:
    """MAN on a skeleton file, or on a video through pose.

    Args:
        cam_class: whose evidence is attributed to joints; the top class where None.
    """
    if is_skeleton_file(path):
        skeleton = read_skeleton(path, start_s=span.start_s, end_s=span.end_s, segment=span.segment)
        skeleton = most_seen(skeleton, expect_model(loaded, "man").people)
        cached = man_image(loaded, skeleton)
        trace = ask_man(cached, cam_class=cam_class)
        return Traced(trace, Path(path), span, None, None, skeleton, cached_skeleton=cached)
    return _trace_posed(
        loaded, path, span=span, cam_class=cam_class, pose_model=pose_model, progress=progress
    )


def _trace_posed(
    loaded: Loaded,
    path: str | Path,
    *,
    span: Span,
    cam_class: str | None,
    pose_model: str | Path | None,
    progress: StageProgress | None,
) -> Traced:
    """MAN on the people that pose finds in a video."""
    from actviz.clip.pose import pose_from_video  # MediaPipe is needed only here

    tell = one_stage(progress, "finding people")
    info = probe(path)
    posed = pose_from_video(
        path, model_path=pose_model, start_s=span.start_s, end_s=span.end_s, progress=tell
    )
    cached = man_image(loaded, posed.skeleton, info=info, visibility=posed.visibility)
    trace = ask_man(cached, cam_class=cam_class)
    clip = read_clip(path, frame_index=trace.frame_index, short_side=SHORT_SIDE)
    points = posed.points * np.float32(clip.frames.shape[1] / posed.frame_size[0])
    return Traced(
        trace, Path(path), span, info, clip, posed.skeleton, points, cached_skeleton=cached
    )


def trace_file(
    path: str | Path,
    *,
    model: str,
    weights: str | Path | None = None,
    second: str | Path | None = None,
    span: Span = WHOLE,
    device: str = "auto",
    frames: int | None = None,
    threshold: float | None = None,
    cam_class: str | None = None,
    cam_method: str | None = None,
    motion: bool = False,
    flow_method: str = "",
    pose_model: str | Path | None = None,
    scratch: Path | None = None,
    progress: StageProgress | None = None,
) -> Traced:
    """What ``actviz trace`` does: any readable file, any of the models.

    Args:
        second: weights of MAM on optical flow, or "bundled": two streams.
        scratch: as for ``trace_video``.

    Raises:
        ActvizError: bad input of any kind, in one sentence.
    """
    if not Path(path).exists():
        raise ActvizError(f"{path}: no such file; give the path of a video or skeleton file.")
    check_options(
        path,
        model,
        skeleton=is_skeleton_file(path),
        segment=span.segment,
        frames=frames,
        threshold=threshold,
        second=second,
        cam_class=cam_class,
        cam_method=cam_method,
        motion=motion,
    )
    loaded = load_weights(model, weights, device)
    if model == "man":
        return trace_skeleton(
            loaded,
            path,
            span=span,
            cam_class=cam_class,
            pose_model=pose_model,
            progress=progress,
        )
    return trace_video(
        loaded,
        path,
        second=None if second is None else load_second(second, loaded, device),
        span=span,
        frames=frames,
        threshold=threshold,
        cam_class=cam_class,
        cam_method=cam_method,
        motion=motion,
        flow_method=flow_method,
        scratch=scratch,
        progress=progress,
    )
