"""One glance: what TMNet answers from a single frame, and where each branch finds its evidence."""

from __future__ import annotations

import streamlit as st

from actviz.views.glance import no_evidence
from explorer import compute, state
from explorer.figures import lanes_of, telling_position
from explorer.instrument import Reel, play, show
from explorer.parts import answer, exports, header, trace_of, wrong_kind
from explorer.pictures import glance_maps, heat_bar

source, ask = state.chosen_source(), state.ask_for("tmnet")
if ask is None:
    wrong_kind("tmnet")
    st.stop()
base = trace_of(ask)
if base is None:
    st.stop()

classes = base.trace.classes
name = st.sidebar.selectbox(
    "Evidence for the class",
    classes,
    index=classes.index(base.trace.cam_class),
    key="class",
    bind="query-params",
    help="Whose class activation maps and probability curves are shown; at first the answer's.",
)
own = name != base.trace.cam_class
traced = compute.with_choice(ask, base, cam_class=name) if own else base
trace = traced.trace
drawn = lanes_of((*ask.key, name), traced, film=traced.clip, dark=state.is_dark())
header("One glance", traced, source.title)


def draw(at: int) -> None:
    columns = st.columns([4, 4, 4], gap="medium")
    for column, (title, picture, words) in zip(columns, glance_maps(traced, at), strict=False):
        with column:
            st.markdown(f"**{title}**")
            show(picture, words)
    with columns[2]:
        st.markdown("**What all glances answer together**")
        answer(traced, truth=source.action, key="answer-tmnet")
        st.html(heat_bar())
        if trace.cam_max <= 0:
            st.info(no_evidence(name).capitalize() + " in any frame.")


play(Reel("glance", trace.times_s, trace.frame_index, drawn.figure, drawn.words,
          telling_position(base)), draw)  # fmt: skip
st.markdown(
    "Each frame is looked at alone. The classification branch learned from many frames, the "
    "regression branch learned to guess from one frame what many would have shown; both share one "
    "classifier, so their maps can be compared. Evidence is not proof of cause."
)
st.caption(drawn.words)
exports(traced)
