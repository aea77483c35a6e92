"""What the Skeleton page draws: the stage, answers as it was and what if, limbs, the lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from actviz.clip.layouts import limbs_of
from actviz.clip.types import Clip
from actviz.figures import shades_of, shading_of, truth_of
from actviz.trace.run import Traced
from actviz.trace.schema import MANTrace
from actviz.views.attention import attention_part, describe_attention
from actviz.views.limbs import (
    Limbs,
    describe_joints,
    describe_limbs,
    describe_moments,
    joint_part,
    limb_bars,
    limbs_by,
    moment_part,
)
from actviz.views.parts import Part, stacked
from actviz.views.quality import quality_part, unseen_over
from actviz.views.shading import Shading
from actviz.views.skeleton import describe_pose
from explorer import parts, state
from explorer.compute import Ask, drawings
from explorer.figures import Drawn
from explorer.instrument import Reel
from explorer.masking import Wish, as_it_was, words
from explorer.pictures import standing_of, thumbnails
from explorer.sources import Source
from explorer.stage import Unseen, reported, scene_data, stand

__all__ = ["LANES", "Scene", "choose_lanes", "choose_shade"]

LANES = ("masking", "moments", "evidence", "recalibration", "quality")


@dataclass(frozen=True)
class Scene:
    """One clip under MAN's eyes, as it was and as it is wished; what all the page shares."""

    ask: Ask
    base: Traced
    now: Traced
    wish: Wish
    shade: str  # of actviz.figures.SHADES
    lanes: tuple[str, ...]  # of LANES
    film: Clip | None = None

    @property
    def was(self) -> MANTrace:
        """The trace of the clip as it is."""
        assert isinstance(self.base.trace, MANTrace)
        return self.base.trace

    @property
    def trace(self) -> MANTrace:
        """The trace under the wish."""
        assert isinstance(self.now.trace, MANTrace)
        return self.now.trace

    def shading(self, name: str) -> Shading:
        """How strongly each joint is marked, by one of ``actviz.figures.SHADES``."""
        return shading_of(self.trace, self.now.layout, name)

    def answer(self, source: Source) -> None:
        """What MAN answers; under a wish beside what it answered before."""
        if not self.wish:
            parts.answer(self.base, truth=source.action, key="answer-man")
            return
        said = words(self.was, self.trace, self.wish)
        parts.changed_answer(
            self.was, self.trace, said, truth=source.action, key="answer-man", undo=as_it_was
        )

    def limbs_matter(self) -> None:
        """How much of the class is left without each limb."""
        trace = self.was
        if self.wish or not trace.limbs or trace.without_limb is None:
            return  # under a wish its own answer stands here
        k = trace.classes.index(self.trace.cam_class)
        facts = (trace.limbs, trace.without_limb[:, k], float(trace.clip_probabilities[k]))
        name = trace.classes[k]
        said = describe_limbs(*facts, class_name=name)
        st.markdown(f"**Without one limb** · with all {facts[2]:.2f}")
        figure = limb_bars(*facts, class_name=name, dark=state.is_dark())
        parts.still(figure, key="limbs-man", said=said)

    def on_stage(self, slot: DeltaGenerator, reel: Reel, at: int, *, trails: bool) -> None:
        """The people at one moment in three dimensions; the stage plays by itself."""
        data, trace = self._clip_data(), self.trace
        weight = float(trace.attention[:, at].mean())
        said = describe_pose(trace.joints[at], trace.present[at], weight=weight)
        playing = bool(st.session_state.get("playing"))
        with slot:
            moment = {"at": at, "playing": playing, "trails": trails, "words": said}
            stand(data | moment, on_frame=_follower(reel))

    def _clip_data(self) -> dict[str, Any]:
        dark, layout, trace = state.is_dark(), self.now.layout, self.trace
        key = ("stage", self.ask.key, self.wish, self.shade, dark)

        def make() -> dict[str, Any]:
            gone = self.wish.frames(trace.times_s)
            unseen = Unseen(self.wish.joints(layout), gone, trace.interpolated)
            scene = scene_data(
                standing_of(self.now),
                trace.times_s,
                layout,
                self.shading(self.shade),
                flip=self.now.points is not None,
                dark=dark,
                unseen=unseen,
            )
            return scene | {"key": str(hash(key))}

        return drawings().remember(key, make)

    def drawn(self) -> Drawn:
        """The lanes, with the same in words."""
        dark = state.is_dark()
        key = ("skeleton", self.ask.key, self.wish, self.lanes, dark)
        return drawings().remember(key, lambda: Drawn(self._figure(dark), self._words()))

    def _figure(self, dark: bool) -> go.Figure:
        trace = self.trace
        shown = [part for name in LANES if name in self.lanes for part in self._parts(name)]
        first = attention_part(trace.attention, height=150)
        if self.wish.span_s is not None:
            first = unseen_over(first, self.wish.span_s)
        return stacked(
            [first, *shown],
            trace.times_s,
            truth=truth_of(trace),
            thumbnails=None if self.film is None else thumbnails(self.film),
            dark=dark,
        )

    @property
    def _limbs(self) -> Limbs:
        layout = self.now.layout
        return limbs_by(limbs_of(layout), layout.joint_names, self.trace.present)

    def _parts(self, name: str) -> list[Part]:
        """The lane of that name; none where this trace has nothing to show in it."""
        trace = self.trace
        if name in shades_of(trace):
            return [joint_part(self.shading(name), self._limbs)]
        if name == "moments" and trace.without_moment is not None:
            return [moment_part(*self._moments(), class_name=trace.cam_class)]
        if name == "quality":
            return [quality_part(trace.present, trace.visibility, trace.interpolated)]
        return []

    def _moments(self) -> tuple[Any, Any, float]:
        trace = self.trace
        k = trace.classes.index(trace.cam_class)
        assert trace.without_moment is not None
        whole = float(trace.clip_probabilities[k])
        return trace.moments_s, trace.without_moment[:, k], whole

    def _words(self) -> str:
        trace, name = self.trace, self.trace.cam_class
        said = [describe_attention(trace.times_s, trace.attention)]
        maps = {"masking": f"fall of the log odds of {name}", "evidence": f"evidence for {name}"}
        maps["recalibration"] = "recalibration"
        for shade in (s for s in maps if s in self.lanes and s in shades_of(trace)):
            facts = (trace.times_s, self.shading(shade), self._limbs)
            said.append(describe_joints(*facts, what=maps[shade]))
        if trace.without_moment is not None:
            said.append(describe_moments(*self._moments(), class_name=name))
        return " ".join(said)


def _follower(reel: Reel) -> Callable[[], None]:
    """Moves the cursor to where the stage has come while playing."""

    def follow() -> None:
        at = reported()
        if at is not None and 0 <= at < len(reel.times_s):
            reel.move(at)

    return follow


def choose_lanes(trace: MANTrace) -> tuple[str, ...]:
    """Which lanes are shown under the attention; at first what there is something to see in."""
    first = [name for name in (shades_of(trace)[0], "moments") if name in LANES]
    gaps = trace.interpolated is not None and bool(trace.interpolated.any())
    if trace.visibility is not None or gaps:
        first.append(LANES[-1])
    chosen = st.sidebar.pills(
        "Show",
        LANES,
        selection_mode="multi",
        default=first,
        key="body",
        bind="query-params",
        help="How the answer falls without each limb at each moment; without each moment; where "
        "the last maps speak for the class; how far TARM moves each joint; who was measured, and "
        "how surely.",
    )
    return tuple(name for name in LANES if name in (chosen or ()))


def choose_shade(trace: MANTrace) -> tuple[str, bool]:
    """By what the joints are marked, and whether hands, feet and head leave trails."""
    names = shades_of(trace)
    with st.container(horizontal=True, vertical_alignment="center", key="shades"):
        shade = st.segmented_control(
            "Size and colour of the joints",
            names,
            default=names[0],
            required=True,
            help="Masking says which limb the answer needs, when; evidence, where the last maps "
            "speak for it; attention, which moment weighs; recalibration, how far TARM moves each "
            "joint.",
            key="shade",
            bind="query-params",
            label_visibility="collapsed",
        )
        trails = st.toggle("Trails, 1 s", key="trails", bind="query-params")
    return shade or names[0], bool(trails)
