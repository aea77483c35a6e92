"""What every picture or skeleton training reads from, whatever it is stored as.

N clips · F frames (or flow fields) of one clip · H, W pixels · P people · J joints
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameSource", "JointSource"]


class FrameSource(Protocol):
    """Pictures of one part (train, val or test) of a data set."""

    keys: tuple[str, ...]  # (N,)
    labels: NDArray[np.int64]  # (N,)
    skipped: dict[str, str]  # key -> reason of clips that could not be read; not among the N

    def count(self, clip: int) -> int:
        """F, how many frames (rgb) or flow fields (flow) the clip has."""

    def read(self, clip: int, at: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Pictures at ``at`` (n,), which may repeat: (n, H, W, 3) RGB, or (n, H, W, 2) flow x, y.

        Raises:
            ClipReadError: the clip cannot be read after all.
        """


class JointSource(Protocol):
    """Skeleton sequences of one part of a data set, all of one layout."""

    keys: tuple[str, ...]  # (N,)
    labels: NDArray[np.int64]  # (N,)
    skipped: dict[str, str]
    layout: str

    def read(self, clip: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Joints (F, P, J, 3) in metres and who is present (F, P)."""
