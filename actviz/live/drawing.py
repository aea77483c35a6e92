"""What a glance saw, drawn on its picture: the map of one branch, of the other, or both.

H, W pixels
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from actviz import views
from actviz.live.glance import OneGlance
from actviz.live.loop import Seen

__all__ = ["SHOWS", "as_jpeg", "draw_seen"]

SHOWS = ("both", "rb", "cb", "none")  # whose map is drawn
_BRANCHES = {"rb": "regression", "cb": "classification"}
_QUALITY = 80  # of JPEG


def draw_seen(seen: Seen, show: str = "both") -> NDArray[np.uint8]:
    """The picture with a branch's map and its probability; of "both" side by side (H, 2W, 3).

    Args:
        show: of ``SHOWS``; "none" is the picture alone, what was not seen of it darkened.
    """
    if show not in SHOWS:
        raise ValueError(f"show must be one of {', '.join(SHOWS)}; got {show!r}.")
    picture, glance = seen.shot.picture, seen.glance
    if show == "none":
        return views.dim_outside(picture, glance.box)
    if show != "both":
        return _branch(picture, glance, show)
    halves = np.concatenate([_branch(picture, glance, name) for name in _BRANCHES], axis=1)
    halves[:, picture.shape[1] - 1 : picture.shape[1] + 1] = 255  # a line between the two
    return halves


def _branch(picture: NDArray[np.uint8], glance: OneGlance, name: str) -> NDArray[np.uint8]:
    cam = glance.cam_rb if name == "rb" else glance.cam_cb
    rb, cb, _ = glance.of_class(glance.cam_class)
    heated = views.blend_heat(views.dim_outside(picture, glance.box), cam, box=glance.box)
    words = f"{_BRANCHES[name]}: {glance.cam_class} {rb if name == 'rb' else cb:.2f}"
    return views.draw_caption(heated, words)


def as_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """The picture as a JPEG file's bytes."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
