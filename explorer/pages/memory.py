"""Memory: which frames MAM writes, and what its memory holds at the cursor."""

import streamlit as st

from actviz.trace.schema import MAMTrace, Trace
from actviz.views.strips import memory_contents
from explorer import parts, state
from explorer.compute import with_choice
from explorer.entry import run
from explorer.figures import lanes_of, telling_position
from explorer.instrument import Reel, play, show
from explorer.pictures import memory_frame, thumbnails
from explorer.words import MEMORY, MEMORY_EQUATIONS


def page() -> None:
    source, ask = parts.title("Memory", "mam")
    base = parts.trace_of(ask)
    if ask is None or base is None or base.clip is None:
        return
    traced = with_choice(ask, base, threshold=_threshold(base.trace))
    trace, dark = traced.trace, state.is_dark()
    assert isinstance(trace, MAMTrace)
    drawn = lanes_of((*ask.key, trace.threshold), traced, film=base.clip, dark=dark)
    small = thumbnails(base.clip)
    parts.provenance(traced, source)

    left, right = st.columns([5, 6], gap="large")
    picture = left.empty()
    with right:
        st.markdown("**What MAM answers**")
        parts.answer(traced, truth=source.action, key="answer-mam")
        st.markdown("**In memory now**")
        memory = st.empty()

    def draw(at: int) -> None:
        show(picture, *memory_frame(traced, at))
        held = memory_contents(small, trace.written, at, columns=8, dark=dark)
        show(memory, held, f"{int(trace.memory_size[at])} frames are in memory at the cursor.")

    play(Reel("memory", traced, drawn, telling_position(base)), draw)
    parts.closing(traced, drawn, MEMORY, MEMORY_EQUATIONS)


def _threshold(trace: Trace) -> float | None:
    assert isinstance(trace, MAMTrace)
    chosen = st.sidebar.slider(
        "Write threshold",
        0.0,
        1.0,
        trace.threshold,
        0.01,
        key="threshold",
        bind="query-params",
        help="Equation 8: a frame is written where its write probability is above this.",
    )
    return None if chosen == trace.threshold else chosen


run(page)
