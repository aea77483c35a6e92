"""One clip under one cursor: pictures, lanes and keys that move together, in one fragment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from actviz.trace.run import Traced
from actviz.views.lanes import MARGIN_LEFT, MARGIN_RIGHT
from explorer import state
from explorer.cursor import cursor_left, nearest, selected_time, stepped, tick_seconds
from explorer.figures import Drawn

__all__ = ["Reel", "play", "show"]

FRAGMENT = "instrument"
NO_BAR = {"displayModeBar": False, "responsive": True}


@dataclass(frozen=True)
class Reel:
    """What a page moves its cursor through; made once per page run, nothing in it changes."""

    page: str
    traced: Traced
    drawn: Drawn  # its lanes
    telling: int = 0  # position to open at where the viewer has chosen none
    own_clock: bool = False  # the page's stage plays by itself and reports where it has come to

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Seconds of the frames that the model looked at (T,)."""
        return self.traced.trace.times_s

    @property
    def frame_index(self) -> NDArray[np.int64]:
        """Their numbers in the source file (T,)."""
        return self.traced.trace.frame_index

    @property
    def position(self) -> int:
        """Where the cursor stands here: the nearest frame that the model looked at."""
        return nearest(self.frame_index, state.frame())

    def move(self, position: int) -> None:
        """Move the one cursor to a position of this reel."""
        state.move_to(int(self.frame_index[position]))

    def label(self, position: int) -> str:
        """``frame 37 · 2.31 s``"""
        return f"frame {self.frame_index[position]} · {self.times_s[position]:.2f} s"


def play(
    reel: Reel, draw: Callable[[int], None], *, tool: Callable[[int], None] | None = None
) -> None:
    """Show controls and lanes; ``draw(position)`` fills the page's slots for one frame.

    ``tool(position)`` shows what else can be done at the cursor, under its controls.

    Only the small fragment runs again when the cursor moves. Figures stand outside of it and stay
    as they are; what changes goes into slots (``st.empty``) that were laid out beforehand.
    """
    if state.frame() < 0:
        reel.move(reel.telling)
    playing = bool(st.session_state.get("playing")) and len(reel.times_s) > 1
    every = tick_seconds(reel.times_s) if playing and not reel.own_clock else None
    controls = st.container()
    with st.container(key="lanes"):
        _lanes(reel)
        line = st.empty()
    with controls:
        st.fragment(_instrument, run_every=every, key=FRAGMENT)(reel, draw, line, every, tool)


def _lanes(reel: Reel) -> None:
    chart = f"lanes-{reel.page}"
    st.plotly_chart(
        reel.drawn.figure,
        key=chart,
        on_select=lambda: _clicked(reel, chart),
        selection_mode="points",
        theme=None,
        config=NO_BAR,
        alt=reel.drawn.words,
    )


def _instrument(
    reel: Reel,
    draw: Callable[[int], None],
    line: DeltaGenerator,
    every: float | None,
    tool: Callable[[int], None] | None,
) -> None:
    if every is not None:
        _advance(reel, every)
    at = reel.position
    _controls(reel, at)
    if tool is not None:
        tool(at)
    draw(at)
    line.html(cursor_html(reel, at))
    state.share()


def _advance(reel: Reel, every: float) -> None:
    """One step on while playing, unless this run came from a key or a click."""
    now = monotonic()
    if now - st.session_state.get("ticked", 0.0) >= 0.6 * every:
        st.session_state["ticked"] = now
        reel.move(stepped(reel.position, len(reel.times_s), 1, around=True))


def _controls(reel: Reel, at: int) -> None:
    count = len(reel.times_s)
    slider = f"time-{reel.page}"
    st.session_state[slider] = at
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Back", icon=":material/skip_previous:", shortcut="Left", key=f"back-{reel.page}",
            on_click=lambda: reel.move(stepped(reel.position, count, -1)),
        )  # fmt: skip
        playing = bool(st.session_state.get("playing"))
        if st.button(
            "Pause" if playing else "Play",
            icon=":material/pause:" if playing else ":material/play_arrow:",
            shortcut="Space", key=f"play-{reel.page}", type="primary",
        ):  # fmt: skip
            st.session_state["playing"] = not playing
            st.rerun()
        st.button(
            "Next", icon=":material/skip_next:", shortcut="Right", key=f"next-{reel.page}",
            on_click=lambda: reel.move(stepped(reel.position, count, 1)),
        )  # fmt: skip
        if count > 1:
            st.select_slider(
                "Time cursor",
                options=range(count),
                key=slider,
                format_func=lambda i: f"{reel.times_s[i]:.2f} s",
                on_change=lambda: reel.move(st.session_state[slider]),
                label_visibility="collapsed",
            )
        st.markdown(f"**{reel.label(at)}**")


def _clicked(reel: Reel, chart: str) -> None:
    """A click in a lane; the same point clicked twice is reported as nothing selected."""
    last = f"clicked-{reel.page}"
    seconds = selected_time(st.session_state.get(chart))
    if seconds is None:
        seconds = st.session_state.get(last)
    if seconds is not None:
        st.session_state[last] = seconds
        reel.move(nearest(reel.times_s, seconds))
        st.rerun(FRAGMENT)


def cursor_html(reel: Reel, at: int) -> str:
    """The cursor's line through all lanes, drawn over the figure so that the figure stays still."""
    layout = reel.drawn.figure.layout
    margins = (MARGIN_LEFT, MARGIN_RIGHT)
    left = cursor_left(float(reel.times_s[at]), layout.xaxis.range, margins)
    top = layout.margin.t - 24
    height = layout.height - layout.margin.b - top
    return (
        f'<div class="cursor" data-frame="{int(reel.frame_index[at])}" '
        f'style="left: {left}; top: {top}px; height: {height}px">'
        f"<span>{reel.times_s[at]:.2f} s</span></div>"
    )


def show(slot: DeltaGenerator, picture: NDArray[np.uint8], alt: str) -> None:
    """A picture in its slot, small enough to follow the cursor at once."""
    slot.image(picture, width="stretch", output_format="JPEG", alt=alt)
