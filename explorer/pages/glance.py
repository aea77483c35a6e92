"""One glance: what TMNet answers from a single frame, and where each branch finds its evidence."""

import streamlit as st

from actviz.trace.schema import TMNetTrace
from actviz.views.glance import no_evidence
from explorer import parts, state
from explorer.compute import with_class
from explorer.entry import run
from explorer.figures import lanes_of, telling_position
from explorer.instrument import Reel, play, show
from explorer.pictures import glance_maps, heat_bar
from explorer.words import GLANCE, GLANCE_EQUATIONS


def page() -> None:
    """The whole page."""
    source, ask = parts.title("One glance", "tmnet")
    base = parts.trace_of(ask)
    if ask is None or base is None or not isinstance(base.trace, TMNetTrace):
        return
    traced = with_class(ask, base, _class(base.trace))
    trace = traced.trace
    assert isinstance(trace, TMNetTrace)
    name, dark = trace.cam_class, state.is_dark()
    drawn = lanes_of((*ask.key, name), traced, film=base.clip, dark=dark)
    parts.provenance(traced, source)

    columns = st.columns(3, gap="medium")
    slots = [(column.empty(), column.empty()) for column in columns[:2]]
    with columns[2]:
        st.markdown("**All glances together**")
        parts.answer(traced, truth=source.action, key="answer-tmnet")
        st.markdown(f"Evidence for **{name}**")
        st.html(heat_bar())
        if trace.cam_max <= 0:
            st.info(no_evidence(name).capitalize() + " in any frame.")

    def draw(at: int) -> None:
        for (above, slot), (title, map_, words) in zip(slots, glance_maps(traced, at), strict=True):
            above.markdown(f"**{title}**")
            show(slot, map_, words)

    play(Reel("glance", traced, drawn, telling_position(base)), draw)
    parts.closing(traced, drawn, GLANCE, GLANCE_EQUATIONS)


def _class(trace: TMNetTrace) -> str | None:
    chosen = st.sidebar.selectbox(
        "Evidence for the class",
        trace.classes,
        index=trace.classes.index(trace.cam_class),
        key="class",
        bind="query-params",
        help="Whose class activation maps and curves are shown; at first the answer's.",
    )
    return None if chosen == trace.cam_class else chosen


run(page)
