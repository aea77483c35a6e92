"""Memory: which frames MAM writes, what each adds to its answer, and what if it were otherwise."""

import streamlit as st

from actviz.trace.schema import MAMTrace
from explorer import parts
from explorer.entry import run
from explorer.figures import telling_position
from explorer.instrument import Reel, play, show
from explorer.memory import Scene, choose_class, choose_lanes
from explorer.whatif import choose, frame_tool, wished
from explorer.words import MEMORY, MEMORY_EQUATIONS


def page() -> None:
    """The whole page."""
    source, ask = parts.title("Memory", "mam")
    base = parts.trace_of(ask)
    if ask is None or base is None or not isinstance(base.trace, MAMTrace):
        return
    wish = choose(base.trace)
    now = wished(ask, base, wish)
    scene = Scene(ask, base, now, wish, choose_class(base.trace), choose_lanes())
    parts.provenance(base, source)

    left, right = st.columns([5, 6], gap="large")
    picture = left.empty()
    with right:
        st.markdown("**What MAM answers**")
        scene.answer(source)
        st.markdown("**In memory now**")
        memory = st.empty()

    def draw(at: int) -> None:
        show(picture, *scene.picture(at))
        show(memory, *scene.memory(at))

    def tool(at: int) -> None:
        frame_tool(scene.was, scene.trace, at)

    drawn = scene.drawn()
    play(Reel("memory", base, drawn, telling_position(base)), draw, tool=tool)
    parts.closing(now, drawn, MEMORY, MEMORY_EQUATIONS)


run(page)
