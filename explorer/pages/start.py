"""Start: one clip, three answers, and the ways to another clip."""

from __future__ import annotations

import streamlit as st

from explorer import state
from explorer.entry import run
from explorer.figures import overview, telling_position
from explorer.instrument import Reel, play, show
from explorer.pictures import plain_frame
from explorer.start import answers, first_look, gallery_row, own_file, probe_table


def page() -> None:
    """The whole page."""
    source = state.chosen_source()
    st.header("What does a model remember, glance at, attend to?", anchor=False)
    found = first_look(source)
    if found:
        first = next(iter(found.values()))
        asked = tuple((model, state.ask_for(model)) for model in found)
        drawn = overview(asked, found, dark=state.is_dark())

        left, right = st.columns([4, 7], gap="large")
        picture = left.empty()
        with right:
            answers(source, found)

        def draw(at: int) -> None:
            show(picture, *plain_frame(first, at))

        play(Reel("start", first, drawn, telling_position(first)), draw)
        st.caption(drawn.words)
    gallery_row(source)
    own_file()
    probe_table(source)


run(page)
