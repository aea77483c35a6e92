"""A drawing that is made once and laid over many frames, as a painter's glaze.

Heat, darkening and captions keep a share of each pixel and add a light of their own: out = share ·
frame + light. What a drawing does to a black and to a white frame tells both, so that frames with
the same drawing, as those between two glances of a film, cost a product and a sum.

H, W pixels of a frame · n copies of it side by side in the drawing
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Glaze"]

Draw = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
_HALF = 128  # of a level, in 1/256: rounds to the nearest


class Glaze:
    """What ``draw`` does to frames (H, W, 3), which it may set side by side (H, n·W, 3).

    The same as the drawing to within a level or two of 255, for drawings that treat every pixel by
    itself; ``draw`` must not look at the frame's content.
    """

    def __init__(self, draw: Draw, height: int, width: int) -> None:
        black = draw(np.zeros((height, width, 3), np.uint8)).astype(np.uint16)
        white = draw(np.full((height, width, 3), 255, np.uint8)).astype(np.uint16)
        shape = (height, -1, width, 3)  # (H, n, W, 3)
        share = (np.maximum(white, black) - black).astype(np.uint32) * 256 + 127
        self._share = (share // 255).astype(np.uint16).reshape(shape)
        self._light = (black * 256 + _HALF).reshape(shape)
        self._mixed = np.empty_like(self._light)

    def over(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The drawing on ``frame`` (H, W, 3) -> (H, n·W, 3)."""
        np.multiply(frame[:, None], self._share, out=self._mixed, dtype=np.uint16)
        self._mixed += self._light
        self._mixed >>= 8
        return self._mixed.reshape(len(frame), -1, 3).astype(np.uint8)
