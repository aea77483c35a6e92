"""One glance at a picture from the camera: both branches' answers, maps, and how long it took."""

from __future__ import annotations

import io
from dataclasses import dataclass
from statistics import median

import numpy as np
import streamlit as st
from PIL import Image, ImageOps, UnidentifiedImageError

from actviz.errors import ActvizError
from actviz.figures import outside_banner
from actviz.learn.checkpoints import Loaded
from actviz.live.glance import OneGlance, one_glance
from actviz.trace.provenance import device_name, weights_facts
from actviz.views.answers import answer_bars, describe_answer
from actviz.views.glance import no_evidence
from actviz.views.heat import blend_heat
from actviz.views.theme import weights_note
from explorer import compute, parts, state
from explorer.compute import Ask
from explorer.instrument import NO_BAR, show
from explorer.pictures import Shown, heat_bar, seen_square

__all__ = ["Shot", "look_at", "page_part", "wanted"]

GLANCES = 7  # of which the middle time is told: the first one still warms up


@dataclass(frozen=True)
class Shot:
    """A picture that was glanced at."""

    glance: OneGlance
    maps: tuple[Shown, ...]  # of RB and of CB
    milliseconds: float  # of one glance, the median of some

    @property
    def speed(self) -> str:
        """How fast, in words."""
        per_second = 1000 / self.milliseconds
        return f"One glance took {self.milliseconds:.1f} ms: {per_second:.0f} pictures per second"


def look_at(loaded: Loaded, data: bytes, *, cam_class: str | None = None) -> Shot:
    """One glance at a picture file, upright; timed by looking ``GLANCES`` times.

    Raises:
        ActvizError: ``data`` is no picture, or the weights are not of TMNet.
    """
    try:
        picture = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise ActvizError(
            f"the camera's picture cannot be read ({error}); take another one."
        ) from error
    glances = [one_glance(loaded, picture, cam_class=cam_class) for _ in range(GLANCES)]
    seen = glances[-1]
    return Shot(seen, _maps(seen, picture), median(g.milliseconds for g in glances))


def _maps(seen: OneGlance, picture: np.ndarray) -> tuple[Shown, ...]:
    frame, box = seen_square(picture)
    probabilities = seen.of_class(seen.cam_class)
    shown = []
    for branch, cam, value in zip(
        ("Regression", "Classification"), (seen.cam_rb, seen.cam_cb), probabilities[:2], strict=True
    ):
        words = f"{branch} branch: probability of {seen.cam_class} {value:.2f}."
        shown.append((f"{branch} {value:.2f}", blend_heat(frame, cam, box=box), words))
    return tuple(shown)


def wanted() -> bool:
    """The page's switch."""
    return st.toggle(
        "Camera",
        key="camera",
        bind="query-params",
        help="One glance at a picture from this computer's camera, in place of the clip. The "
        "picture stays on this machine.",
    )


def page_part() -> None:
    """What the page shows in place of the clip."""
    ask = Ask(
        "tmnet",
        path=compute.bundled("tmnet"),
        weights=state.own_weights().get("tmnet"),
        device=st.session_state.get("device", "auto"),
    )
    try:
        loaded = compute.load(ask)
    except ActvizError as error:
        parts.say_failure(error)
        return
    note = weights_note(weights_facts(loaded))
    device = device_name(next(loaded.model.parameters()).device)
    st.markdown(f"**Camera** &ensp;·&ensp; {note} &ensp;·&ensp; {device}")
    if banner := outside_banner(loaded.card.trained_on, ""):
        st.warning(banner, icon=":material/info:")
    with st.container(key="camera-row"):
        left, right = st.columns([5, 6], gap="large")
    with left:
        given = st.camera_input("A picture of you doing something", key="shot")
        st.caption(
            "The picture stays on this machine and is forgotten with the next one. For a "
            "continuous stream, of a camera or a file: `actviz live`."
        )
    with right:
        if given is None:
            st.info("Take a picture, and both branches answer from this one glance.")
        else:
            _answer(loaded, given.getvalue())


def _answer(loaded: Loaded, data: bytes) -> None:
    classes = loaded.card.classes
    name = st.selectbox("Evidence for the class", ["the answer", *classes], key="shot-class")
    try:
        shot = look_at(loaded, data, cam_class=name if name in classes else None)
    except Exception as error:
        parts.say_failure(error)
        return
    for column, (title, picture, words) in zip(st.columns(2), shot.maps, strict=True):
        column.markdown(f"**{title}**")
        show(column.empty(), picture, words)
    if shot.glance.cam_max <= 0:
        st.info(no_evidence(shot.glance.cam_class).capitalize() + " in this picture.")
    st.html(heat_bar(high=f"strongest for {shot.glance.cam_class} here"))
    st.markdown("**Both branches together**")
    top = shot.glance.top(5)
    figure = answer_bars(top, dark=state.is_dark())
    config = NO_BAR | {"staticPlot": True}
    st.plotly_chart(figure, theme=None, config=config, key="answer-shot", alt=describe_answer(top))
    st.markdown(f"**{shot.speed}** (median of {GLANCES}, from the picture to answer and maps).")
