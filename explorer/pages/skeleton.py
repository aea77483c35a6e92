"""Skeleton: which limbs and which moments MAN decides by, on the moving figure itself."""

from __future__ import annotations

import streamlit as st

from actviz.trace.schema import MANTrace
from explorer import parts
from explorer.body import Scene, choose_lanes, choose_shade
from explorer.entry import run
from explorer.figures import telling_position
from explorer.instrument import Reel, play
from explorer.masking import choose, wished
from explorer.skeletons import beside, columns_for, film_of, pose_is_missing
from explorer.words import SKELETON, SKELETON_EQUATIONS


def page() -> None:
    """The whole page."""
    source, ask = parts.title("Skeleton", "man")
    if ask is not None and source.skeleton is None and pose_is_missing(ask.pose_model):
        return
    base = parts.trace_of(ask)
    if ask is None or base is None or not isinstance(base.trace, MANTrace):
        return
    film, lanes = film_of(ask, base, source), choose_lanes(base.trace)
    wish = choose(base)
    now = wished(ask, base, wish)
    parts.provenance(base, source)

    with st.container(key="look"):
        left, *middle, right = st.columns(columns_for(base, film), gap="medium")
    with left:
        shade, trails = choose_shade(base.trace)
        stage = st.empty()
    scene = Scene(ask, base, now, wish, shade, lanes, film)
    picture = middle[0].empty() if middle else left.empty()
    with right:
        st.markdown("**What MAN answers**")
        scene.answer(source)
        scene.limbs_matter()

    drawn = scene.drawn()
    marks = scene.shading(shade)
    reel = Reel("skeleton", now, drawn, telling_position(base), own_clock=True)

    def draw(at: int) -> None:
        scene.on_stage(stage, reel, at, trails=trails)
        beside(picture, now, film, at, marks)

    play(reel, draw)
    parts.closing(now, drawn, SKELETON, SKELETON_EQUATIONS)


run(page)
