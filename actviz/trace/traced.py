"""A trace together with what it was made from: for drawing, and for asking the model again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS, Layout, get_layout
from actviz.clip.skeleton import layout_of, usable
from actviz.clip.small_film import SmallFilm
from actviz.clip.types import Clip, ClipInfo, Skeleton
from actviz.progress import StageProgress, one_stage
from actviz.trace.cam_methods import CAM_METHODS
from actviz.trace.glances import CachedTMNet, map_fields
from actviz.trace.masking import CachedMAN, ask_man
from actviz.trace.motion import motion_maps, scale_motion
from actviz.trace.schema import MANTrace, TMNetTrace, Trace
from actviz.trace.streams import ask_streams
from actviz.trace.whatif import CachedMAM

__all__ = ["SHORT_SIDE", "WHOLE", "Span", "StageProgress", "Traced"]

SHORT_SIDE = 360  # pixels kept of a video for display; the models look at less
MOTION_FINER = 4  # places of a motion map to one of an evidence map, either way


@dataclass(frozen=True)
class Span:
    """Which part of a recording to look at, in seconds or by the name of a labelled segment."""

    start_s: float | None = None
    end_s: float | None = None
    segment: str | None = None


WHOLE = Span()


@dataclass(frozen=True)
class Traced:
    """A trace with what it was made from, for drawing."""

    trace: Trace
    path: Path
    span: Span
    info: ClipInfo | None  # None for a skeleton file
    clip: Clip | None  # the frames the model looked at, upright, short side <= 360 pixels
    skeleton: Skeleton | None
    points: NDArray[np.float32] | None = None  # (N, P, J, 2) pixels of clip.frames
    cached: CachedMAM | None = None  # MAM's features of the clip, for what-ifs
    cached_flow: CachedMAM | None = None  # of its second stream
    cached_glances: CachedTMNet | None = None  # TMNet's of the clip, for other maps
    small: SmallFilm | None = None  # every frame of the span, as small as clip.frames
    cached_skeleton: CachedMAN | None = None  # MAN's image of the clip, to be masked

    @property
    def layout(self) -> Layout:
        """Joints that MAN's trace is in: a known layout, or one that the skeleton file brought."""
        if not isinstance(self.trace, MANTrace):
            raise ValueError(f"only a trace of MAN has joints; this one is of {self.trace.model}")
        known = LAYOUTS.get(self.trace.layout.strip().lower())
        if known is None and self.skeleton is not None:
            return layout_of(self.skeleton)
        return known or get_layout(self.trace.layout)

    def asked(self, **conditions: Any) -> Traced:
        """This trace of MAM under other conditions, those of ``what_if``, in both its streams."""
        if self.cached is None:
            raise ValueError(f"only MAM can be asked what if; this trace is of {self.trace.model}")
        return replace(self, trace=ask_streams(self.cached, self.cached_flow, **conditions))

    def masked(
        self,
        *,
        limbs: Iterable[str] = (),
        frames: NDArray[np.bool_] | None = None,
        cam_class: str | None = None,
        losses: bool = False,
    ) -> Traced:
        """This trace of MAN with limbs, or frames where (T,) is True, masked; those of ``ask_man``.

        The skeleton is not normalised again. What is attributed is the evidence for this trace's
        class, where no other is named. What is answered without each limb and moment, too, is asked
        only with ``losses``: it takes as long as all else some ten times.

        Raises:
            ActvizError: no such limb or class.
        """
        if self.cached_skeleton is None or not isinstance(self.trace, MANTrace):
            raise ValueError(f"only a skeleton can be masked; this trace is of {self.trace.model}")
        asked = ask_man(
            self.cached_skeleton,
            limbs=limbs,
            frames=frames,
            cam_class=cam_class or self.trace.cam_class,
            losses=losses,
        )
        return replace(self, trace=asked)

    def with_maps(
        self,
        *,
        cam_class: str | None = None,
        method: str | None = None,
        progress: StageProgress | None = None,
    ) -> Traced:
        """This trace of TMNet with the maps of another class, or by another method.

        Nothing is decoded again; what is None stays as it is.

        Raises:
            ActvizError: no such class or method.
        """
        trace, glances = self._of_tmnet(), self.cached_glances
        assert glances is not None  # every trace of TMNet has them
        cam_class, method = cam_class or trace.cam_class, method or trace.cam_method
        if (cam_class, method) == (trace.cam_class, trace.cam_method):
            return self
        tell = one_stage(progress, f"maps by {CAM_METHODS[method]}")
        maps = map_fields(glances, cam_class=cam_class, method=method, progress=tell)
        return replace(self, trace=replace(trace, **maps))

    def with_motion(self, *, progress: StageProgress | None = None) -> Traced:
        """This trace of TMNet with what moves at its frames, read from the file."""
        trace = self._of_tmnet()
        if trace.motion is not None:
            return self
        tell = one_stage(progress, "finding what moves")
        height, width = trace.cam_rb.shape[1:]
        size = (MOTION_FINER * height, MOTION_FINER * width)
        maps = motion_maps(
            self.path, trace.frame_index, size=size, short_side=SHORT_SIDE, progress=tell
        )
        most, motion = scale_motion(maps)
        return replace(self, trace=replace(trace, motion=motion, motion_max=most))

    def _of_tmnet(self) -> TMNetTrace:
        if not isinstance(self.trace, TMNetTrace):
            raise ValueError(f"only TMNet has maps of its glances; this is of {self.trace.model}")
        return self.trace

    def points_at(self, time_s: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where pose saw the joints (P, J, 2), and who was there (P,), nearest to a time.

        Of who was there 1 is seen, 0.5 interpolated over a short gap, 0 absent.
        """
        if self.points is None or self.skeleton is None:
            raise ValueError("only a skeleton that pose found in a video has points in the picture")
        at = int(np.abs(self.skeleton.times_s - time_s).argmin())
        seen = self.skeleton.present[at].astype(np.float32)
        return self.points[at], (seen + usable(self.skeleton)[at]) / 2
