"""What the Memory page draws: answers as it was and what if, the picture, the memory, the lanes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from actviz.clip.types import Clip
from actviz.report import truth_of
from actviz.trace.run import Traced
from actviz.trace.schema import MAMTrace, TwoStreamTrace
from actviz.views.contribution import contribution_part, describe_contribution
from actviz.views.controller import (
    describe_controller,
    describe_similarity,
    similarity_part,
    terms_part,
)
from actviz.views.memory import describe_memory, probability_part, size_part
from actviz.views.parts import Part, decision_part, stacked
from actviz.views.pictures import draw_caption, greyed
from actviz.views.strips import memory_contents
from explorer import parts, state
from explorer.compute import Ask, drawings
from explorer.figures import Drawn
from explorer.pictures import enlarged, memory_frame, thumbnails
from explorer.rivals import Rival, streams_in_words
from explorer.sources import Source
from explorer.whatif import ORDERS, Wish, as_it_was, place_of, words

__all__ = ["SHOWN", "Scene", "choose_class", "choose_lanes"]

SHOWN = ("contribution", "controller", "similarity", "memory size")
_FIRST = ("contribution", "memory size")


@dataclass(frozen=True)
class Scene:
    """One clip in MAM's memory, as it was and as it is wished; what all parts of the page share."""

    ask: Ask
    base: Traced
    now: Traced
    wish: Wish
    class_name: str
    lanes: tuple[str, ...]  # of SHOWN
    rivals: tuple[Rival, ...] = ()

    @property
    def was(self) -> MAMTrace:
        """The trace of the clip as it is."""
        assert isinstance(self.base.trace, MAMTrace)
        return self.base.trace

    @property
    def trace(self) -> MAMTrace:
        """The trace under the wish."""
        assert isinstance(self.now.trace, MAMTrace)
        return self.now.trace

    @property
    def film(self) -> Clip:
        """The frames MAM looked at."""
        assert self.base.clip is not None  # MAM always looks at pictures
        return self.base.clip

    @property
    def small(self) -> NDArray[np.uint8]:
        """Thumbnails of the frames shown, in their order."""
        key = ("thumbnails", self.ask.key)
        return drawings().remember(key, lambda: thumbnails(self.film))[self.trace.shown]

    def answer(self, source: Source) -> None:
        """What MAM answers; under a wish beside what it answered before."""
        if self.wish:
            said = words(self.was, self.trace, self.wish)
            undo = partial(as_it_was, self.was)
            parts.changed_answer(
                self.was, self.trace, said, truth=source.action, key="answer-mam", undo=undo
            )
        else:
            parts.answer(self.base, truth=source.action, key="answer-mam")
        if isinstance(self.trace, TwoStreamTrace):
            st.caption(streams_in_words(self.trace))

    def source(self, at: int) -> int:
        """Which frame of the clip stands at its position ``at``; itself where it is left out."""
        place = place_of(self.was, self.trace, at)
        return at if place is None else int(self.trace.shown[place])

    def picture(self, at: int) -> tuple[NDArray[np.uint8], str]:
        """The frame that stands at position ``at`` of the clip, with its decision, and words."""
        place = place_of(self.was, self.trace, at)
        if place is None:
            frame = greyed(enlarged(self.film.frames[at]))
            said = f"left out: MAM does not see the frame of {self.was.times_s[at]:.2f} s"
            return draw_caption(frame, said), said
        picture, said = memory_frame(self.now, place)
        source = self.source(at)
        notes = []
        if source != at:
            notes.append(f"here stands the frame of {self.was.times_s[source]:.2f} s")
        if np.isfinite(self.wish.force(len(self.was.written))[source]):
            notes.append("decided by you")
        if notes:
            note = ", ".join(notes)
            return draw_caption(picture, note), f"{said} {note[0].upper()}{note[1:]}."
        return picture, said

    def memory(self, at: int) -> tuple[NDArray[np.uint8], str]:
        """What is in memory after position ``at`` of the clip, and words."""
        last = int((self.trace.frame_index <= self.was.frame_index[at]).sum()) - 1
        held = memory_contents(
            self.small, self.trace.written, last, columns=8, dark=state.is_dark()
        )
        count = int(self.trace.memory_size[last]) if last >= 0 else 0
        return held, f"{count} frames are in memory at the cursor."

    def drawn(self) -> Drawn:
        """The lanes, with the same in words."""
        dark = state.is_dark()
        rivals = tuple(rival.ask.key for rival in self.rivals)
        key = ("memory", self.ask.key, self.wish, self.class_name, self.lanes, rivals, dark)
        return drawings().remember(key, lambda: Drawn(self._figure(dark), self._words()))

    def _figure(self, dark: bool) -> go.Figure:
        trace = self.trace
        curve = probability_part(
            trace.write_probability,
            trace.written,
            threshold=trace.threshold,
            state_reset=trace.state_reset,
        )
        more = [self._part(name) for name in SHOWN if name in self.lanes]
        if self.wish.order == ORDERS[0]:  # elsewhere their frames stand at other seconds
            more += [rival.part() for rival in self.rivals]
        shown = [curve, *self._decisions(), *self._flow(), *more]
        return stacked(
            shown, trace.times_s, truth=truth_of(trace), thumbnails=self.small, dark=dark
        )

    def _decisions(self) -> list[Part]:
        if not self.wish:
            return [decision_part(self.trace.written)]
        force = self.wish.force(len(self.was.written))[self.trace.shown]
        forced = self.trace.times_s[np.isfinite(force)]
        gone = self.was.times_s[self.wish.positions("drop")]
        before = self.was.written, self.was.times_s
        return [
            decision_part(self.trace.written, title="decision: what if", forced_s=forced),
            decision_part(
                before[0], title="decision: as it was", times_s=before[1], dropped_s=gone
            ),
        ]

    def _flow(self) -> list[Part]:
        """What the stream on optical flow decided, where it is looked at."""
        if not isinstance(self.trace, TwoStreamTrace):
            return []
        return [
            decision_part(self.trace.flow.written, title="decision: temporal stream, optical flow")
        ]

    def _share(self) -> tuple[str, NDArray[np.float32], float]:
        """Whose logit is taken apart, what each frame adds to it, and the bias."""
        trace, k = self.trace, self.was.classes.index(self.class_name)
        streams = isinstance(trace, TwoStreamTrace)
        name = f"{self.class_name} (frames' stream)" if streams else self.class_name
        return name, trace.contribution[:, k], float(trace.contribution_bias[k])

    def _part(self, name: str) -> Part:
        trace = self.trace
        if name == "contribution":
            whose, shares, bias = self._share()
            return contribution_part(shares, trace.written, class_name=whose, bias=bias)
        if name == "controller":
            return terms_part(
                trace.score_terms,
                bias=trace.score_bias,
                threshold=trace.threshold,
                state_reset=trace.state_reset,
            )
        if name == "similarity":
            return similarity_part(trace.similarity)
        return size_part(trace.memory_size)

    def _words(self) -> str:
        trace = self.trace
        times, written = trace.times_s, trace.written
        curves = (times, trace.write_probability, written, trace.memory_size)
        said = [describe_memory(*curves, threshold=trace.threshold, truth=truth_of(trace))]
        if "contribution" in self.lanes:
            whose, shares, bias = self._share()
            said.append(describe_contribution(times, shares, written, class_name=whose, bias=bias))
        if "controller" in self.lanes:
            rule = {"bias": trace.score_bias, "threshold": trace.threshold}
            resets = trace.state_reset
            said.append(describe_controller(times, trace.score_terms, state_reset=resets, **rule))
        if "similarity" in self.lanes:
            said.append(describe_similarity(times, trace.similarity))
        said += [rival.words() for rival in self.rivals]
        return " ".join(said)


def choose_class(trace: MAMTrace) -> str:
    """The class whose logit is taken apart; at first the answer."""
    answer = trace.top(1)[0][0]
    return st.sidebar.selectbox(
        "What speaks for the class",
        trace.classes,
        index=trace.classes.index(answer),
        key="class",
        bind="query-params",
        help="The bars show what each frame in memory adds to the logit of this class; at first "
        "the answer's.",
    )


def choose_lanes() -> tuple[str, ...]:
    """Which lanes are shown beside the write probability and the decision."""
    chosen = st.sidebar.pills(
        "Show",
        SHOWN,
        selection_mode="multi",
        default=_FIRST,
        key="show",
        bind="query-params",
        help="What each frame adds to a class, the three terms of equation 6, how like the memory "
        "each frame is, and how much it holds.",
    )
    return tuple(name for name in SHOWN if name in chosen)
