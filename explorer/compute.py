"""Weights and traces, computed once and shared by all sessions; never changed afterwards."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import streamlit as st

from actviz.clip.reader import file_sha256
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded, bundled, load_checkpoint
from actviz.trace.provenance import pick_device
from actviz.trace.run import (
    WHOLE,
    Span,
    StageProgress,
    Traced,
    check_traceable,
    load_weights,
    trace_skeleton,
    trace_video,
)
from actviz.trace.schema import TMNetTrace, Trace
from actviz.trace.weights import BUNDLED, load_second

__all__ = [
    "Ask",
    "Shelf",
    "comes_along",
    "devices",
    "drawings",
    "is_made",
    "kept",
    "load",
    "model_of",
    "traced",
    "with_maps",
]

T = TypeVar("T")


class Shelf:
    """Finished things by key, the least recently used thrown out first; safe across sessions."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.busy = threading.RLock()  # one computation at a time: two cores are soon full
        self._things: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """What is kept under ``key``; None where there is nothing."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
            return self._things.get(key)

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under ``key``, made now where it is missing."""
        with self.busy:
            thing = self.get(key)
            if thing is None:
                thing = make()
                with self._lock:
                    self._things[key] = thing
                    while len(self._things) > self.entries:
                        self._things.popitem(last=False)
            return cast(T, thing)


@dataclass(frozen=True)
class Ask:
    """Everything that a trace depends on; the content of the files, not their place, is the key."""

    model: str
    path: Path
    weights: Path | None = None
    device: str = "auto"
    span: Span = WHOLE
    pose_model: Path | None = None
    second: bool = False  # MAM's stream on optical flow too, from the bundled weights

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Equal for equal content."""
        files = (self.path, self.weights or bundled(self.model))
        content = tuple((file.name, file_sha256(file)) for file in files)  # names are shown too
        return (self.model, content, self.device, self.span, self.second)


@st.cache_resource(show_spinner=False)
def _traces() -> Shelf:
    return Shelf(12)  # a trace holds its pictures: up to some 25 MB each


@st.cache_resource(show_spinner=False)
def _glances() -> Shelf:
    return Shelf(64)  # traces of TMNet without their pictures: well under a megabyte each


@st.cache_resource(show_spinner=False)
def drawings() -> Shelf:
    """Figures and thumbnails of traces."""
    return Shelf(48)


@st.cache_resource(max_entries=4, show_spinner=False)
def _loaded(model: str, weights: Path | None, device: str, sha256: str) -> Loaded:
    return load_weights(model, weights, device)


def load(ask: Ask) -> Loaded:
    """The weights that ``ask`` names, kept and shared.

    Raises:
        ActvizError: the weights or the device will not do.
    """
    sha256 = file_sha256(ask.weights or bundled(ask.model))
    return _loaded(ask.model, ask.weights, ask.device, sha256)


def model_of(weights: Path) -> str:
    """Which of the three models a checkpoint is for.

    Raises:
        ActvizError: it cannot be read, has no card, or is of a model without a page.
    """
    card = load_checkpoint(weights).card
    check_traceable(card, weights)
    return card.model


def comes_along(name: str) -> bool:
    """Whether weights of this name are bundled."""
    try:
        bundled(name)
    except ActvizError:
        return False
    return True


def kept(ask: Ask) -> Traced | None:
    """The trace, if it is finished already."""
    return _traces().get(ask.key)


def traced(ask: Ask, progress: StageProgress | None = None) -> Traced:
    """The trace of ``ask``, computed now unless it is kept.

    Raises:
        ActvizError: the file, the weights, the device or the pose model will not do.
    """

    def work() -> Traced:
        if progress:
            progress("loading the weights", 0, 1)
        loaded = load(ask)
        if ask.model == "man":
            return trace_skeleton(
                loaded, ask.path, span=ask.span, pose_model=ask.pose_model, progress=progress
            )
        second = load_second(BUNDLED, loaded, ask.device) if ask.second else None
        return trace_video(loaded, ask.path, second=second, span=ask.span, progress=progress)

    return _traces().remember(ask.key, work)


def with_maps(
    ask: Ask,
    base: Traced,
    *,
    cam_class: str,
    method: str,
    motion: bool = False,
    progress: StageProgress | None = None,
) -> Traced:
    """TMNet's ``base`` with another class's maps, by another method, with what moves.

    Nothing is decoded again for maps; for what moves the file is read once.

    Raises:
        ActvizError: a method that will not do here, or a file too small for optical flow.
    """

    def maps() -> Trace:
        return base.with_maps(cam_class=cam_class, method=method, progress=progress).trace

    trace = _glances().remember((*ask.key, cam_class, method), maps)
    assert isinstance(trace, TMNetTrace)
    if motion:
        moving = _glances().remember(
            (*ask.key, "motion"), lambda: base.with_motion(progress=progress).trace
        )
        assert isinstance(moving, TMNetTrace)
        trace = replace(trace, motion=moving.motion, motion_max=moving.motion_max)
    return replace(base, trace=trace)


def is_made(ask: Ask, *about: str) -> bool:
    """Whether ``with_maps`` has these already: class and method, or "motion"."""
    return _glances().get((*ask.key, *about)) is not None


def devices() -> list[str]:
    """``auto`` and every device of this machine."""
    here = ["auto"]
    for name in ("cpu", "cuda", "mps"):
        try:
            pick_device(name)
        except ActvizError:
            continue
        here.append(name)
    return here
