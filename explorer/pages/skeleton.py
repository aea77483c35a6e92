"""Skeleton: which moments MAN attends to, on the moving figure itself."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.figures import lanes_of, telling_position
from explorer.instrument import Reel, play
from explorer.parts import answer, exports, header, trace_of
from explorer.skeletons import beside, film_of, pose_is_missing, scene

source, ask = state.chosen_source(), state.ask_for("man")
assert ask is not None  # every file has something for MAN
if source.skeleton is None and pose_is_missing(ask.pose_model):
    st.stop()
traced = trace_of(ask)
if traced is None:
    st.stop()

trace, film = traced.trace, film_of(ask, traced, source)
drawn = lanes_of(ask.key, traced, film=film, dark=state.is_dark())
header("Skeleton", traced, source.title)


def draw(at: int) -> None:
    left, right = st.columns([6, 5], gap="large")
    with left:
        scene(ask, traced, at)
    with right:
        beside(traced, film, at)
        st.markdown("**What MAN answers**")
        answer(traced, truth=source.action, key="answer-man")


play(Reel("skeleton", trace.times_s, trace.frame_index, drawn.figure, drawn.words,
          telling_position(traced)), draw)  # fmt: skip
st.markdown(
    "MAN weighs every moment once for each coordinate: the higher the curve, the more of that "
    "moment's coordinates it lets through. The joints glow with the mean of x, y and z at the "
    "cursor. **L** and **R** are the person's own left and right; the squares are half a metre, and "
    "the figure is kept in their middle, whatever the camera does."
)
st.caption(drawn.words)
exports(traced)
