"""One glance: what TMNet answers from a single frame, and where each branch finds its evidence."""

import streamlit as st

from actviz.trace.schema import TMNetTrace
from explorer import camera, parts
from explorer.entry import run
from explorer.figures import telling_position
from explorer.glance import choose, scene_of
from explorer.instrument import Reel, play
from explorer.words import GLANCE, GLANCE_EQUATIONS


def page() -> None:
    """The whole page."""
    with st.container(horizontal=True, vertical_alignment="center", key="title"):
        source, ask = parts.title("One glance", "tmnet")
        at_camera = camera.wanted()
    if at_camera:
        camera.page_part()
        return
    base = parts.trace_of(ask)
    if ask is None or base is None or not isinstance(base.trace, TMNetTrace):
        return
    scene = scene_of(ask, base, choose(base.trace))
    parts.provenance(base, source)
    draw = scene.lay_out(source)
    drawn = scene.drawn()
    play(Reel("glance", scene.traced, drawn, telling_position(base)), draw)
    parts.closing(scene.traced, drawn, GLANCE, GLANCE_EQUATIONS)


run(page)
