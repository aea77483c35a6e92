"""Memory: which frames MAM writes, and what its memory holds at the cursor."""

from __future__ import annotations

import streamlit as st

from actviz.views.strips import memory_contents
from explorer import compute, state
from explorer.figures import lanes_of, telling_position
from explorer.instrument import Reel, play, show
from explorer.parts import answer, exports, header, trace_of, wrong_kind
from explorer.pictures import memory_frame, thumbnails

source, ask = state.chosen_source(), state.ask_for("mam")
if ask is None:
    wrong_kind("mam")
    st.stop()
base = trace_of(ask)
if base is None:
    st.stop()

threshold = st.sidebar.slider(
    "Write threshold",
    0.0,
    1.0,
    base.trace.threshold,
    0.01,
    key="threshold",
    bind="query-params",
    help="Equation 8: a frame is written where its write probability is above this.",
)
own = threshold != base.trace.threshold
traced = compute.with_choice(ask, base, threshold=threshold) if own else base
trace, dark = traced.trace, state.is_dark()
drawn = lanes_of((*ask.key, threshold), traced, film=traced.clip, dark=dark)
small = thumbnails(traced.clip)
header("Memory", traced, source.title)


def draw(at: int) -> None:
    left, right = st.columns([5, 6], gap="large")
    with left:
        picture, words = memory_frame(traced, at)
        show(picture, words)
    with right:
        st.markdown("**What MAM answers**")
        answer(traced, truth=source.action, key="answer-mam")
        st.markdown("**In memory now**")
        held = memory_contents(small, trace.written, at, columns=8, dark=dark)
        show(held, f"{int(trace.memory_size[at])} frames are in memory at the cursor.")


play(Reel("memory", trace.times_s, trace.frame_index, drawn.figure, drawn.words,
          telling_position(base)), draw)  # fmt: skip
st.markdown(
    "At every frame MAM reads its memory, decides whether this frame belongs there, and writes or "
    "skips it; after a skipped frame the state behind the curve starts anew (a break in the line)."
)
st.caption(drawn.words)
with st.expander("The equations"):
    st.markdown(
        "Memory read as the mean of its items (eq. 3), an LSTM that is reset by the decision "
        "(eq. 4–5), the write probability $a_t = \\sigma(q_t)$ (eq. 6–7), the decision "
        "$s_t = [a_t > \\tau]$ with threshold $\\tau$ (eq. 8), the memory as a list that grows by "
        "written frames (eq. 9)."
    )
exports(traced)
