"""Memory: which frames MAM writes, what each adds to its answer, and what if it were otherwise."""

import streamlit as st

from actviz.trace.schema import MAMTrace
from explorer import parts, rivals
from explorer.entry import run
from explorer.figures import telling_position
from explorer.instrument import Reel, play, show
from explorer.memory import Scene, choose_class, choose_lanes
from explorer.whatif import choose, frame_tool, wished
from explorer.words import MEMORY, MEMORY_EQUATIONS


def page() -> None:
    """The whole page."""
    source, ask = parts.title("Memory", "mam")
    wanted = rivals.beside()
    ask = rivals.with_flow(ask, wanted)
    base = parts.trace_of(ask)
    if ask is None or base is None or not isinstance(base.trace, MAMTrace):
        return
    wish = choose(base.trace)
    now, others = wished(ask, base, wish), rivals.looking(wanted)
    scene = Scene(ask, base, now, wish, choose_class(base.trace), choose_lanes(), others)
    parts.provenance(base, source)

    left, *middle, right = st.columns(
        [5, *[4] * len(others), 6], gap="medium" if others else "large"
    )
    look = rivals.lay_out(others, middle, left, source.action)
    picture = left.empty()
    with right:
        st.markdown("**What MAM answers**")
        scene.answer(source)
        st.markdown("**In memory now**")
        memory = st.empty()

    def draw(at: int) -> None:
        show(picture, *scene.picture(at))
        show(memory, *scene.memory(at))
        look(scene.was.times_s[scene.source(at)], scene.film.frames[scene.source(at)])

    def tool(at: int) -> None:
        frame_tool(scene.was, scene.trace, at)

    drawn = scene.drawn()
    play(Reel("memory", base, drawn, telling_position(base)), draw, tool=tool)
    parts.closing(now, drawn, MEMORY, MEMORY_EQUATIONS)


run(page)
