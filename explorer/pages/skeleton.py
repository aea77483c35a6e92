"""Skeleton: which moments MAN attends to, on the moving figure itself."""

from __future__ import annotations

import streamlit as st

from explorer import parts, state
from explorer.entry import run
from explorer.figures import lanes_of, telling_position
from explorer.instrument import Reel, play
from explorer.skeletons import beside, film_of, pose_is_missing, scene
from explorer.words import SKELETON, SKELETON_EQUATIONS


def page() -> None:
    """The whole page."""
    source, ask = parts.title("Skeleton", "man")
    if ask is not None and source.skeleton is None and pose_is_missing(ask.pose_model):
        return
    traced = parts.trace_of(ask)
    if ask is None or traced is None:
        return
    film = film_of(ask, traced, source)
    drawn = lanes_of(ask.key, traced, film=film, dark=state.is_dark())
    parts.provenance(traced, source)

    left, right = st.columns([6, 5], gap="large")
    stage = left.empty()
    with right:
        picture = st.empty()
        st.markdown("**What MAN answers**")
        parts.answer(traced, truth=source.action, key="answer-man")

    def draw(at: int) -> None:
        scene(stage, ask, traced, at)
        beside(picture, traced, film, at)

    play(Reel("skeleton", traced, drawn, telling_position(traced)), draw)
    parts.closing(traced, drawn, SKELETON, SKELETON_EQUATIONS)


run(page)
