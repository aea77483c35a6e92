"""What-ifs of the Memory page: another threshold, forced or dropped frames, another order.

What is wished is pure data; ``wished`` answers it from the features that the trace left, which
takes milliseconds. Frames are kept by their number in the source file, as the cursor is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from actviz.trace.run import Traced
from actviz.trace.schema import MAMTrace
from actviz.trace.whatif import dropped, reversed_order, shuffled
from actviz.views.answers import describe_change
from explorer import state
from explorer.compute import Ask, drawings

__all__ = ["FATES", "ORDERS", "Wish", "choose", "frame_tool", "place_of", "wished", "words"]

ORDERS = ("as filmed", "reversed", "shuffled")
FATES = {
    "": "is left to MAM",
    "write": "is written",
    "skip": "is skipped",
    "drop": "is left out",
}  # what can be done to the frame at the cursor


@dataclass(frozen=True)
class Wish:
    """What is to be different; as it stands here, nothing is."""

    threshold: float | None = None  # None: the weights' own
    order: str = ORDERS[0]
    seed: int = 0  # of shuffling
    fates: tuple[tuple[int, str], ...] = ()  # (position in the clip, what is done to it)

    def __bool__(self) -> bool:
        return self != Wish()

    def positions(self, fate: str) -> NDArray[np.int64]:
        """Positions in the clip of the frames with this fate, increasing."""
        return np.array(sorted(at for at, f in self.fates if f == fate), dtype=np.int64)

    def force(self, frames: int) -> NDArray[np.float64]:
        """(T,) 1 write, 0 skip, nan MAM decides."""
        force = np.full(frames, np.nan)
        force[self.positions("write")], force[self.positions("skip")] = 1, 0
        return force

    def shown(self, frames: int) -> NDArray[np.int64]:
        """Which frames are shown, in their order."""
        order = np.arange(frames)
        if self.order == "reversed":
            order = reversed_order(frames)
        elif self.order == "shuffled":
            order = shuffled(frames, self.seed)
        return order[np.isin(order, dropped(frames, self.positions("drop")))]


def wished(ask: Ask, base: Traced, wish: Wish) -> Traced:
    """``base`` as it would have been; the trace's ``shown`` says which frame stands where."""
    cached = base.cached
    if not wish or cached is None:
        return base

    def work() -> Traced:
        count = len(cached)
        return base.asked(
            threshold=wish.threshold, force=wish.force(count), order=wish.shown(count)
        )

    return drawings().remember(("what if", ask.key, wish), work)


def place_of(base: MAMTrace, now: MAMTrace, at: int) -> int | None:
    """The place in ``now`` that stands at position ``at`` of ``base``; None: dropped."""
    places = np.flatnonzero(now.frame_index == base.frame_index[at])
    return int(places[0]) if len(places) else None


def choose(base: MAMTrace) -> Wish:
    """The side bar's what-ifs, and what is done to single frames."""
    with st.sidebar:
        st.markdown("**What if …**")
        threshold = st.slider(
            "Write threshold",
            0.0,
            1.0,
            base.threshold,
            0.01,
            key="threshold",
            bind="query-params",
            help="Equation 8: a frame is written where its write probability is above this.",
        )
        order = st.pills(
            "Order of the frames",
            ORDERS,
            default=ORDERS[0],
            required=True,
            key="order",
            bind="query-params",
            help="The same frames, shown to MAM in another order.",
        )
        seed = 0
        if order == "shuffled":
            seed = st.number_input("Shuffle", 0, 999, 1, key="shuffle", bind="query-params")
    number = {int(frame): at for at, frame in enumerate(base.frame_index)}
    fates = sorted((number[f], fate) for f, fate in state.fates().items() if f in number)
    if sum(fate == "drop" for _, fate in fates) == len(number):
        fates = fates[1:]  # MAM must see something
    own = None if threshold == base.threshold else threshold
    return Wish(own, order or ORDERS[0], seed, tuple(fates))


def frame_tool(base: MAMTrace, now: MAMTrace, at: int) -> None:
    """Inside the instrument: what is done to the frame that stands at the cursor."""
    place = place_of(base, now, at)
    source = at if place is None else int(now.shown[place])
    frame = int(base.frame_index[source])
    st.session_state["fate"] = state.fates().get(frame, "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="fates"):
        st.markdown(f"What if the frame of {base.times_s[source]:.2f} s")
        st.segmented_control(
            "What is done to this frame",
            list(FATES),
            format_func=FATES.__getitem__,
            key="fate",
            required=True,
            on_change=lambda: _decide(frame),
            label_visibility="collapsed",
        )
    if st.session_state.pop("decided", False):
        st.rerun()


def _decide(frame: int) -> None:
    state.decide(frame, st.session_state["fate"])
    st.session_state["decided"] = True  # the whole page must be drawn again, not the cursor alone


def as_it_was(base: MAMTrace) -> None:
    """Everything back: threshold, order, and every frame that was forced or dropped."""
    st.session_state["threshold"] = base.threshold
    st.session_state["order"] = ORDERS[0]
    state.fates().clear()


def words(base: MAMTrace, now: MAMTrace, wish: Wish) -> str:
    """What was wished and what came of it, in one sentence."""
    parts = []
    if wish.threshold is not None:
        parts.append(f"a threshold of {wish.threshold:g}")
    if wish.order != ORDERS[0]:
        parts.append(f"the frames {wish.order}")
    for fate, word in (("write", "written"), ("skip", "skipped"), ("drop", "left out")):
        parts += _frames(base.times_s[wish.positions(fate)], word)
    one, all_ = int(base.written.sum()), len(base.written)
    other, rest = int(now.written.sum()), len(now.written)
    counts = f"{other} instead of {one} of {all_} frames are written"
    if rest != all_:
        counts = f"{other} of {rest} frames are written instead of {one} of {all_}"
    elif one == other:
        counts = f"{one} of {all_} frames are written, as before"
    change = describe_change(base.classes, base.clip_probabilities, now.clip_probabilities)
    return f"With {', '.join(parts)}: {counts}; {change}."


def _frames(times_s: NDArray[np.float64], word: str) -> list[str]:
    """``the frames of 0.92 and 1.17 s skipped``; a number where there are many."""
    seconds = [f"{time:.2f}" for time in times_s]
    if not seconds:
        return []
    if len(seconds) > 4:
        return [f"{len(seconds)} frames {word}"]
    listed = " and ".join([", ".join(seconds[:-1]), seconds[-1]] if seconds[1:] else seconds)
    return [f"the frame{'s' if seconds[1:] else ''} of {listed} s {word}"]
