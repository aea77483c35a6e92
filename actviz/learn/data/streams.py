"""Two streams of the same clips: frames, and the optical flow around each of them.

N clips · T frames · L fields of one snippet · C channels · H, W pixels
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from actviz.learn.data.makers import PictureMaker
from actviz.learn.data.transforms import snippets_around, to_tensor

__all__ = ["MotionMaker", "TwoStreams", "pair_streams"]


@dataclass(frozen=True)
class TwoStreams:
    """A ``FrameSource`` of frames that also knows the flow around them."""

    frames: Any  # FrameSource of RGB
    flow: Any  # FrameSource of flow: field k of a clip leads from its frame k to k + 1
    keys: tuple[str, ...]  # (N,), of clips that both have
    rows: tuple[tuple[int, int], ...]  # (N,), their numbers in the one and in the other
    skipped: dict[str, str]

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,)"""
        return self.frames.labels[[row for row, _ in self.rows]]

    def count(self, clip: int) -> int:
        """Frames that can be read of a clip."""
        return int(self.frames.count(self.rows[clip][0]))

    def read(self, clip: int, at: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Frames (n, H, W, 3) at ``at`` (n,)."""
        pictures: NDArray[np.uint8] = self.frames.read(self.rows[clip][0], at)
        return pictures

    def snippets(self, clip: int, at: NDArray[np.integer], length: int) -> Tensor:
        """Flow around the frames ``at`` (T,), uint8 (T, 2L, H, W)."""
        frames, flow = self.rows[clip]
        if hasattr(self.frames, "numbers"):  # where only some of a clip's frames are stored
            at = self.frames.numbers(frames, at)
        fields = snippets_around(at, length, self.flow.count(flow))
        return to_tensor(self.flow.read(flow, fields.reshape(-1)), length)

    def identity(self, clip: int) -> str:
        """Changes with the clip's pictures."""
        frames, flow = self.rows[clip]
        return f"{self.frames.identity(frames)} {self.flow.identity(flow)}"


def pair_streams(frames: Any, flow: Any) -> TwoStreams:
    """The clips that both sources have, in the order of ``frames``."""
    theirs = {key: row for row, key in enumerate(flow.keys)}
    shared = [(row, theirs[key]) for row, key in enumerate(frames.keys) if key in theirs]
    keys = tuple(frames.keys[row] for row, _ in shared)
    lost = {key: "its flow is not there" for key in frames.keys if key not in theirs}
    return TwoStreams(frames, flow, keys, tuple(shared), lost | flow.skipped | frames.skipped)


@dataclass(frozen=True)
class MotionMaker(PictureMaker):
    """Snippets of flow around the frames that a ``PictureMaker`` of the frames would show.

    Its recipe is that of the frames with ``modality="flow"``: what is drawn is drawn alike, so that
    a clip's two streams are cut and mirrored together.
    """

    def pictures(self, clip: int, rng: np.random.Generator | None) -> Tensor:
        """uint8 (T, 2L, H, W)"""
        at = self.indices(clip, rng, length=1)[:, 0]
        source: Any = self.source
        return source.snippets(clip, at, self.recipe.flow_length)

    def key(self) -> dict[str, Any]:
        return {"around": "frames"}
