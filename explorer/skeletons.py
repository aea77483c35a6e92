"""The Skeleton page's other parts: the video beside the stage, the way to a pose model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from actviz.clip.downloads import cache_folder
from actviz.clip.pose_model import POSE_MODEL, find_pose_model
from actviz.clip.reader import frame_times, read_clip
from actviz.clip.types import Clip
from actviz.errors import ActvizError
from actviz.trace.run import SHORT_SIDE, Traced
from actviz.views.shading import Shading
from explorer.compute import Ask, drawings
from explorer.cursor import nearest
from explorer.instrument import show
from explorer.parts import say_failure
from explorer.pictures import enlarged, posed_frame
from explorer.sources import Source

__all__ = ["beside", "columns_for", "film_of", "pose_is_missing"]


def film_of(ask: Ask, traced: Traced, source: Source) -> Clip | None:
    """The video at the frames MAN looked at: pose's own, or that of the same puppet scene."""
    if traced.clip is not None or source.video is None:
        return traced.clip
    video = source.video

    def read() -> Clip:
        wanted = np.minimum(traced.trace.frame_index, len(frame_times(video)[0]) - 1)
        return read_clip(video, frame_index=wanted, short_side=SHORT_SIDE)

    return drawings().remember(("film", ask.key), read)


def columns_for(traced: Traced, film: Clip | None) -> list[int]:
    """Columns of stage, picture and answer; the picture is wider where bones are drawn on it."""
    if film is None:
        return [6, 5]
    return [11, 8, 6] if traced.points is not None else [11, 6, 6]


def beside(
    slot: DeltaGenerator, traced: Traced, film: Clip | None, at: int, shading: Shading
) -> None:
    """The video beside the skeleton: with bones where they came from pose, plain for a puppet."""
    if traced.points is not None:
        show(slot, *posed_frame(traced, at, shading))
    elif film is not None:
        seconds = float(traced.trace.times_s[at])
        frame = enlarged(film.frames[nearest(film.times_s, seconds)])
        show(slot, frame, f"The video of the same scene at {seconds:.2f} s.")


def pose_is_missing(given: Path | None) -> bool:
    """Whether no pose can be found in videos here; then the page says what to do about it."""
    if find_spec("mediapipe") is None:
        st.error(
            "Finding people in a video needs MediaPipe, which is not installed: "
            '`pip install -e ".[pose]"`. Puppet clips and skeleton files work without it.',
            icon=":material/error:",
        )
        return True
    try:
        find_pose_model(given)
    except ActvizError as error:
        _offer_pose_model(error if given else None)
        return True
    return False


def _offer_pose_model(error: ActvizError | None) -> None:
    """Ways to a pose model: a file that is there already, or one download on request."""
    st.info(
        "MAN looks at joints. To find people in a video, actviz needs MediaPipe's pose model, one "
        f"file ({POSE_MODEL.name}), which is not on this machine yet."
    )
    if error is not None:
        say_failure(error)
    path = st.text_input(
        "Path of the file, if you have it",
        key="pose_path",
        placeholder=f"/path/to/{POSE_MODEL.name}",
        help="ACTVIZ_POSE_MODEL names it once for all.",
    )
    if path and st.button("Use this file", key="use_pose"):
        st.session_state["pose_model"] = Path(path).expanduser()
        st.rerun()
    size = f"{POSE_MODEL.size / 1e6:.1f} MB"
    st.caption(f"Or fetch it once, {size}, from {POSE_MODEL.url} to {cache_folder()}.")
    if st.button(f"Download it ({size})", key="fetch_pose", icon=":material/download:"):
        _fetch_pose_model()


def _fetch_pose_model() -> None:
    bar = st.progress(0.0, text=f"fetching {POSE_MODEL.name} …")
    try:
        find_pose_model(
            download=True, progress=lambda done, total: bar.progress(min(1.0, done / total))
        )
    except ActvizError as error:
        say_failure(error)
        return
    st.session_state.pop("pose_model", None)
    st.rerun()
