"""Beside MAM on the Memory page: its stream on optical flow, and where its rivals look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from actviz.trace.run import MODELS, Traced
from actviz.trace.schema import SequenceTrace, TwoStreamTrace
from actviz.views.gaze import describe_gaze, gaze_part
from actviz.views.parts import Part
from actviz.views.theme import weights_note
from explorer import parts, state
from explorer.compute import Ask, comes_along
from explorer.cursor import nearest
from explorer.instrument import show
from explorer.pictures import gaze_frame, heat_bar

__all__ = ["FLOW", "Rival", "beside", "lay_out", "looking", "streams_in_words", "with_flow"]

FLOW = "temporal stream"
LOOKERS = ("alstm", "videolstm")  # those whose attention has a place in the picture


@dataclass(frozen=True)
class Rival:
    """A rival's trace of the clip that MAM is shown."""

    ask: Ask
    traced: Traced

    @property
    def name(self) -> str:
        """As the paper writes it."""
        return MODELS[self.ask.model]

    @property
    def trace(self) -> SequenceTrace:
        """Its trace, with attention."""
        assert isinstance(self.traced.trace, SequenceTrace)
        return self.traced.trace

    def answer(self, truth: str | None) -> str:
        """What it answers, and with which weights."""
        best, value = self.trace.top(1)[0]
        star = " ★" if best == truth else ""
        return f"It answers {best}{star} {value:.2f} · {weights_note(self.trace.weights)}"

    def picture(self, time_s: float, frame: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str]:
        """The frame of that second under the attention, and words."""
        at = nearest(self.trace.times_s, time_s)
        words = f"Where {self.name} looks at {self.trace.times_s[at]:.2f} s, brighter is more."
        return gaze_frame(self.traced, at, frame), words

    def part(self) -> Part:
        """Its lane: how pointed the attention is."""
        trace = self.trace
        assert trace.attention is not None
        return gaze_part(
            trace.attention, trace.times_s, attention_max=trace.attention_max, who=self.name
        )

    def words(self) -> str:
        """The lane in words."""
        trace = self.trace
        assert trace.attention is not None
        said = describe_gaze(trace.times_s, trace.attention, attention_max=trace.attention_max)
        return f"{self.name}: {said}"


def beside() -> list[str]:
    """What the viewer wants to see beside MAM, of what there are weights for."""
    own = state.own_weights()
    there = [FLOW] if comes_along("mam-flow") and "mam" not in own else []
    there += [model for model in LOOKERS if model in own or comes_along(model)]
    if not there:
        return []
    return st.sidebar.pills(
        "Beside it",
        there,
        format_func=lambda name: MODELS.get(name, name),
        selection_mode="multi",
        key="beside",
        bind="query-params",
        help="MAM's stream on optical flow, whose answer counts half; and LSTMs that look at "
        "places of a frame, where MAM chooses among frames.",
    )


def with_flow(ask: Ask | None, wanted: list[str]) -> Ask | None:
    """``ask``, of both streams where that is wanted."""
    return replace(ask, second=True) if ask is not None and FLOW in wanted else ask


def looking(wanted: list[str]) -> tuple[Rival, ...]:
    """The rivals' traces, computed in view of the user; one that fails says so and is left out."""
    found = []
    for model in (m for m in LOOKERS if m in wanted):
        ask = state.ask_for(model)
        traced = parts.trace_of(ask)
        if ask is None or traced is None or not isinstance(traced.trace, SequenceTrace):
            continue
        if traced.trace.attention is not None:
            found.append(Rival(ask, traced))
    return tuple(found)


def lay_out(
    rivals: tuple[Rival, ...],
    columns: list[DeltaGenerator],
    beside_it: DeltaGenerator,
    truth: str | None,
) -> Callable[[float, NDArray[np.uint8]], None]:
    """Each rival's column, and what MAM's then needs above its picture.

    What comes back draws one frame, at its second, into all of them.
    """
    if rivals:
        beside_it.markdown("**MAM decides**")
    places = []
    for column, rival in zip(columns, rivals, strict=True):
        with column:
            st.markdown(f"**{rival.name} looks here**")
            places.append(st.empty())
            st.html(heat_bar("none", "most"))
            st.caption(rival.answer(truth))

    def draw(time_s: float, frame: NDArray[np.uint8]) -> None:
        for place, rival in zip(places, rivals, strict=True):
            show(place, *rival.picture(time_s, frame))

    return draw


def streams_in_words(trace: TwoStreamTrace) -> str:
    """What each stream answers alone, and what both do."""
    alone = trace.classes[int(trace.probabilities.argmax())], float(trace.probabilities.max())
    flow = trace.flow.top(1)[0]
    both = trace.top(1)[0]
    return (
        f"Frames alone: {alone[0]} {alone[1]:.2f}. Optical flow alone: {flow[0]} {flow[1]:.2f}, "
        f"{int(trace.flow.written.sum())} of {len(trace.flow.written)} frames written. Both, by "
        f"the mean of their logits: {both[0]} {both[1]:.2f}. "
        f"Flow: {weights_note(trace.flow.weights)}."
    )
