"""What the One-glance page draws: both branches' maps, what lies between them, and the lanes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from actviz.report import truth_of
from actviz.trace.cam_methods import CAM_METHODS, has_class
from actviz.trace.run import Traced
from actviz.trace.schema import TMNetTrace
from actviz.views.branches import (
    describe_branches,
    describe_recall,
    disagreement_part,
    distance_part,
    recall_part,
)
from actviz.views.glance import describe_glance, glance_part, lead_part, no_evidence
from actviz.views.parts import Part, stacked
from explorer import compute, parts, state
from explorer.compute import Ask, drawings
from explorer.figures import Drawn
from explorer.instrument import show
from explorer.pictures import (
    Shown,
    difference_bar,
    difference_map,
    glance_maps,
    heat_bar,
    largest_difference,
    motion_bar,
    motion_map,
    thumbnails,
)
from explorer.sources import Source

__all__ = ["LANES", "Scene", "Wish", "choose", "scene_of"]

LANES = ("disagreement", "temporal memory", "lead", "branch distance")
_FIRST = ("disagreement", "temporal memory")
PICTURES = ("difference", "motion")
EXACT = "cam"
SLOW = {"scorecam": "minutes", "ablationcam": "seconds"}  # all others answer at once


@dataclass(frozen=True)
class Wish:
    """What is to be seen of a clip that TMNet has glanced at."""

    cam_class: str
    method: str = EXACT
    pictures: tuple[str, ...] = ()  # of PICTURES
    lanes: tuple[str, ...] = _FIRST  # of LANES
    own_scale: bool = False  # each branch's map by its own maximum, not by that of both


def choose(trace: TMNetTrace) -> Wish:
    """The side bar's choices."""
    with st.sidebar:
        name = parts.class_choice(trace, "maps and curves are shown")
        method = st.selectbox(
            "Evidence by",
            list(CAM_METHODS),
            format_func=_method_name,
            key="method",
            bind="query-params",
            help="CAM is exact for this network: the classifier's own weights. The others come "
            "from the grad-cam package; Score-CAM takes a minute and more.",
        )
        own_scale = st.toggle(
            "Each branch on its own scale", key="own-scale", bind="query-params", help=_SCALE_HELP
        )
        pictures = _pills("Beside the maps", PICTURES, (), "pictures", _PICTURES_HELP)
        lanes = _pills("Curves", LANES, _FIRST, "curves", _LANES_HELP)
    return Wish(name or trace.cam_class, method or EXACT, pictures, lanes, own_scale)


_SCALE_HELP = (
    "On one scale the branches can be compared, and the fainter one may hardly show. On its own "
    "scale each branch shows where its evidence lies, not how much there is."
)
_PICTURES_HELP = (
    "The regression branch's map less the classification branch's; and what really moves, by "
    "optical flow, which takes a few seconds."
)
_LANES_HELP = (
    "Where the branches disagree; how near each glance comes to the feature of the whole clip; "
    "which branch is surer of the class; and how far apart their features are."
)


def _method_name(method: str) -> str:
    name = CAM_METHODS[method]
    if method == EXACT:
        return f"{name}, exact"
    return f"{name} (takes {SLOW[method]})" if method in SLOW else name


def _pills(
    label: str, options: tuple[str, ...], first: tuple[str, ...], key: str, words: str
) -> tuple[str, ...]:
    chosen = st.pills(
        label,
        options,
        selection_mode="multi",
        default=first,
        key=key,
        bind="query-params",
        help=words,
    )
    return tuple(name for name in options if name in chosen)


def scene_of(ask: Ask, base: Traced, wish: Wish) -> Scene:
    """What is wished, computed in view of the user; what fails says so and is left out."""
    motion = "motion" in wish.pictures
    try:
        return Scene(ask, _looked(ask, base, wish, motion=motion), wish)
    except Exception as error:
        parts.say_failure(error, ask.path)
    pictures = tuple(name for name in wish.pictures if name != "motion")
    plain = Wish(wish.cam_class, EXACT, pictures, wish.lanes, wish.own_scale)
    return Scene(ask, _looked(ask, base, plain, motion=False), plain)


def _looked(ask: Ask, base: Traced, wish: Wish, *, motion: bool) -> Traced:
    slow = wish.method in SLOW and not compute.is_made(ask, wish.cam_class, wish.method)
    slow = slow or (motion and not compute.is_made(ask, "motion"))
    wait = parts.working(ask, stop=_at_once) if slow else nullcontext()
    with wait as progress:
        return compute.with_maps(
            ask,
            base,
            cam_class=wish.cam_class,
            method=wish.method,
            motion=motion,
            progress=progress,
        )


def _at_once() -> None:
    """Back to what needs no waiting."""
    st.session_state["method"] = EXACT
    st.session_state["pictures"] = [p for p in st.session_state["pictures"] if p != "motion"]


@dataclass(frozen=True)
class Scene:
    """One clip under TMNet's glances; what all parts of the page share."""

    ask: Ask
    traced: Traced
    wish: Wish

    @property
    def trace(self) -> TMNetTrace:
        """The trace with the maps that are wished for."""
        assert isinstance(self.traced.trace, TMNetTrace)
        return self.traced.trace

    def lay_out(self, source: Source) -> Callable[[int], None]:
        """The pictures' columns and the answer; what comes back draws one frame into them.

        Two maps leave room for the answer beside them; more take the whole width under its words.
        """
        wide = [name for name in PICTURES if name in self.wish.pictures]
        now = self._answer_above(source) if wide else st.empty()
        with st.container(key="glances"):
            columns = st.columns([4, 4, *([4] * len(wide) or [5])], gap="medium")
        pictures = columns if wide else columns[:2]
        slots = [(column.empty(), column.empty()) for column in pictures]
        for column, name in zip(pictures, ("", "", *wide), strict=True):
            if wide:
                column.html(self._scale(name))
        if not wide:
            with columns[2]:
                now = self._answer_beside(source)

        def draw(at: int) -> None:
            for (above, slot), (title, map_, words) in zip(slots, self.shown(at), strict=True):
                above.markdown(f"**{title}**")
                show(slot, map_, words)
            now.markdown(self.says(at))

        return draw

    def _answer_above(self, source: Source) -> DeltaGenerator:
        """What all glances answer in one line, over a place for what this one does."""
        (best, value), *others = self.trace.top(4)
        star = " ★" if best == source.action else ""
        rest = " · ".join(f"{name} {p:.2f}" for name, p in others)
        with st.container(horizontal=True, gap="small"):
            together = f"All glances together: **{best}{star} {value:.2f}** · {rest}"
            st.markdown(together, width="content")
            self._about_maps()
        return st.empty()

    def _answer_beside(self, source: Source) -> DeltaGenerator:
        """The same as bars, with the scale of the maps."""
        now = st.empty()
        st.markdown("**All glances together**")
        parts.answer(self.traced, truth=source.action, key="answer-tmnet")
        self._about_maps()
        st.html(heat_bar(high=self._highest()))
        return now

    def _about_maps(self) -> None:
        """Of what, and by which method, the maps are."""
        name, method = self.trace.cam_class, self.trace.cam_method
        how = "" if method == EXACT else f" by {CAM_METHODS[method]}"
        st.markdown(f"Evidence for **{name}**{how}", width="content")
        if not has_class(method):
            st.caption("Eigen-CAM's maps are of what varies most, not of a class.")
        if self.trace.cam_max <= 0:
            st.info(no_evidence(name).capitalize() + " in any frame.")
        else:
            st.caption(self.says_scale())

    def says_scale(self) -> str:
        """How far each branch's evidence reaches: the fainter one's map may hardly show."""
        rb, cb = (float(cam.max()) for cam in (self.trace.cam_rb, self.trace.cam_cb))
        said = f"strongest by regression {rb:.2f}, by classification {cb:.2f}"
        return f"On one scale: {said}" if self.wish.own_scale else said.capitalize()

    def _highest(self) -> str:
        """What 1 on the scale of the maps is."""
        return "strongest of each branch" if self.wish.own_scale else "strongest of this clip"

    def shown(self, at: int) -> list[Shown]:
        """Titles, pictures and words of one frame: RB, CB, and what is wished beside them."""
        more = {"difference": difference_map, "motion": motion_map}
        beside = [more[name](self.traced, at) for name in PICTURES if name in self.wish.pictures]
        return [*glance_maps(self.traced, at, own_scale=self.wish.own_scale), *beside]

    def _scale(self, name: str) -> str:
        if name == "difference":
            return difference_bar(largest_difference(self.trace))
        if name == "motion":
            return motion_bar(self.trace.motion_max)
        return heat_bar("none", self._highest())

    def says(self, at: int) -> str:
        """What this one glance answers, by each branch where they differ."""
        trace = self.trace
        rb, cb, both = (
            f"**{trace.classes[int(p[at].argmax())]}** {p[at].max():.2f}"
            for p in (trace.probabilities_rb, trace.probabilities_cb, trace.probabilities)
        )
        if trace.agree[at]:
            return f"This glance: {both}, by both branches"
        return f"This glance: regression {rb}, classification {cb}, together {both}"

    def drawn(self) -> Drawn:
        """The lanes, with the same in words."""
        dark = state.is_dark()
        maps = (self.trace.cam_class, self.trace.cam_method)
        key = ("glance", self.ask.key, *maps, self.wish.lanes, dark)
        return drawings().remember(key, lambda: Drawn(self._figure(dark), self._words()))

    def _figure(self, dark: bool) -> go.Figure:
        trace, clip = self.trace, self.traced.clip
        assert clip is not None  # TMNet always looks at pictures
        rb, cb, both = self._curves()
        curves = glance_part(rb, cb, both, class_name=trace.cam_class)
        more = [self._part(name) for name in LANES if name in self.wish.lanes]
        return stacked(
            [curves, *more],
            trace.times_s,
            truth=truth_of(trace),
            thumbnails=thumbnails(clip),
            dark=dark,
        )

    def _curves(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        trace = self.trace
        k = trace.classes.index(trace.cam_class)
        by = (trace.probabilities_rb, trace.probabilities_cb, trace.probabilities)
        rb, cb, both = (probabilities[:, k] for probabilities in by)
        return rb, cb, both

    def _part(self, name: str) -> Part:
        trace = self.trace
        if name == "disagreement":
            return disagreement_part(trace.disagreement, trace.agree)
        if name == "temporal memory":
            return recall_part(trace.memory_distance_rb, trace.memory_distance_cb)
        if name == "lead":
            return lead_part(*self._curves()[:2])
        return distance_part(trace.branch_distance)

    def _words(self) -> str:
        trace = self.trace
        maps = {"cam_rb": trace.cam_rb, "cam_cb": trace.cam_cb}
        said = [describe_glance(trace.times_s, *self._curves(), class_name=trace.cam_class, **maps)]
        if "disagreement" in self.wish.lanes:
            said.append(describe_branches(trace.times_s, trace.disagreement, trace.agree))
        if "temporal memory" in self.wish.lanes:
            distances = trace.memory_distance_rb, trace.memory_distance_cb
            said.append(describe_recall(trace.times_s, *distances))
        return " ".join(said)
