"""What-ifs of the Skeleton page: limbs and moments that are kept from MAN.

What is wished is pure data; ``wished`` answers it from the image that the trace left, which takes
milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from actviz.clip.layouts import Layout, limbs_of
from actviz.trace.masking import Mask, in_span
from actviz.trace.run import Traced
from actviz.trace.schema import MANTrace, Trace
from actviz.views.answers import describe_change
from explorer import parts, state
from explorer.compute import Ask, drawings

__all__ = ["Wish", "as_it_was", "choose", "wished", "words"]


@dataclass(frozen=True)
class Wish:
    """What is kept from MAN, and whose evidence is shown; as it stands here, nothing is kept."""

    limbs: tuple[str, ...] = ()
    span_s: tuple[float, float] | None = None  # moments, both ends included
    cam_class: str = ""  # empty: the answer

    def __bool__(self) -> bool:
        return bool(self.limbs) or self.span_s is not None

    def frames(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """(T,) which moments are kept from MAN; None: it sees all of them."""
        return None if self.span_s is None else Mask(spans_s=(self.span_s,)).frames(times_s)

    def joints(self, layout: Layout) -> tuple[int, ...]:
        """Numbers of the joints that are kept from MAN."""
        named = limbs_of(layout)
        return tuple(joint for limb in self.limbs for joint in named.get(limb, ()))


def wished(ask: Ask, base: Traced, wish: Wish) -> Traced:
    """``base`` as it would have been without what is wished away, for the class that is wished."""
    trace = base.trace
    assert isinstance(trace, MANTrace)
    same = not wish and wish.cam_class in ("", trace.cam_class)
    if same or base.cached_skeleton is None:
        return base

    def work() -> Traced:
        frames, name = wish.frames(trace.times_s), wish.cam_class or None
        asked = base.masked(limbs=wish.limbs, frames=frames, cam_class=name, losses=bool(wish))
        return asked if wish else replace(asked, trace=_with_losses_of(trace, asked.trace))

    return drawings().remember(("masked", ask.key, wish), work)


def _with_losses_of(base: MANTrace, trace: Trace) -> Trace:
    """What is lost without limbs and moments depends on no class, and is known already."""
    names = ("without_limb", "moments_s", "without_moment", "without_limb_at")
    return replace(trace, **{name: getattr(base, name) for name in names})


def choose(base: Traced) -> Wish:
    """The side bar's what-ifs, and the class whose evidence is shown."""
    trace = base.trace
    assert isinstance(trace, MANTrace)
    if base.cached_skeleton is None:  # weights of a rival that cannot be asked again
        return Wish()
    with st.sidebar:
        name = parts.class_choice(trace, "evidence is shown in joints and moments")
        st.markdown("**What if, without …**")
        limbs = st.pills(
            "Limbs",
            list(limbs_of(base.layout)),
            selection_mode="multi",
            key="without",
            bind="query-params",
            help="Their joints become what the joints of an absent person are: zero in the image.",
        )
        span = _span(trace.times_s)
    return Wish(tuple(limbs or ()), span, name)


def _span(times_s: NDArray[np.float64]) -> tuple[float, float] | None:
    """The seconds that are kept from MAN; both ends at one place: none."""
    start, end = int(times_s[0] * 100) / 100, int(times_s[-1] * 100 + 0.999) / 100
    if len(times_s) < 2 or end - start < 0.1:
        return None
    low, high = st.slider(
        "Seconds",
        start,
        end,
        (start, start),
        step=0.05,
        format="%.2f",
        key="unseen",
        bind="query-params",
        help="Drag the right end: what happens between the two is kept from MAN.",
    )
    gone = in_span(times_s, (low, high))
    return (low, high) if high > low and gone.any() and not gone.all() else None


def as_it_was() -> None:
    """Everything back: all limbs and all moments are seen."""
    for name in state.UNSEEN:
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)


def words(base: MANTrace, now: MANTrace, wish: Wish) -> str:
    """What was kept from MAN and what came of it, in one sentence."""
    gone = [f"the {limb}" for limb in wish.limbs]
    if wish.span_s is not None:
        gone.append(f"what happens from {wish.span_s[0]:.2f} to {wish.span_s[1]:.2f} s")
    listed = " and ".join([", ".join(gone[:-1]), gone[-1]] if gone[1:] else gone)
    change = describe_change(base.classes, base.clip_probabilities, now.clip_probabilities)
    return f"Without {listed}: {change}."
