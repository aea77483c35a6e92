"""TMNet's one glance at a single picture, as a camera gives it: what live view and explorer share.

K classes · h, w feature-map size
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from actviz.clip.preprocess import crop_box, model_frames
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.cam import exact_cam
from actviz.trace.common import expect_model, probabilities, to_numpy
from actviz.trace.schema import top_classes

__all__ = ["OneGlance", "check_class", "one_glance"]


@dataclass(frozen=True)
class OneGlance:
    """What TMNet says of one picture, and where it sees the evidence."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]  # (K,), both branches together: the answer
    probabilities_rb: NDArray[np.float32]  # (K,), regression branch
    probabilities_cb: NDArray[np.float32]  # (K,), classification branch
    cam_class: str  # whose evidence the maps show
    cam_rb: NDArray[np.float32]  # (h, w) in [0, 1], positive evidence divided by `cam_max`
    cam_cb: NDArray[np.float32]  # (h, w), by the same
    cam_max: float  # 0: no positive evidence anywhere
    box: tuple[int, int, int]  # (top, left, side) pixels: the square of the picture that was seen
    milliseconds: float  # from the picture to all of this, the network's device waited for

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The likeliest classes of the answer, best first."""
        return top_classes(self.classes, self.probabilities, count)

    def of_class(self, name: str) -> tuple[float, float, float]:
        """Probabilities of one class by the regression branch, the classification branch, both."""
        k = self.classes.index(name)
        three = (self.probabilities_rb, self.probabilities_cb, self.probabilities)
        rb, cb, both = (float(p[k]) for p in three)
        return rb, cb, both


def check_class(name: str | None, classes: Sequence[str]) -> str | None:
    """A class as these weights spell it, case aside; None is the answer's own.

    Raises:
        ActvizError: they do not know it; in one sentence.
    """
    if name is None:
        return None
    for known in classes:
        if known.lower() == name.lower():
            return known
    raise ActvizError(f"class must be one of {', '.join(classes)}; got {name!r}.")


@torch.inference_mode()
def one_glance(
    loaded: Loaded,
    picture: NDArray[np.uint8],
    *,
    cam_class: str | None = None,
    scale_from: float = 0.0,
) -> OneGlance:
    """Look once at one picture.

    Args:
        loaded: a TMNet with its card (``load_weights("tmnet")``).
        picture: uint8 (H, W, 3), upright RGB of any size; its largest centred square is seen.
        cam_class: the class whose evidence is mapped; the answer's top class where None.
        scale_from: the maps are divided by this or by their own maximum, whichever is larger. A
            stream hands on the last ``cam_max``, so that a dull picture does not look hot.

    Raises:
        ActvizError: weights of another model, or ``cam_class`` is none of their classes.
        ValueError: ``picture`` is no such picture.
    """
    began = time.perf_counter()
    model, size, classes = (
        expect_model(loaded, "tmnet"),
        loaded.card.input_size,
        loaded.card.classes,
    )
    cam_class = check_class(cam_class, classes)
    assert size is not None  # the card of a model that looks at pictures has one
    frames = model_frames(np.asarray(picture)[None], size)[None]  # (1, 1, 3, S, S)
    seen = model.glance(frames.to(model.classifier.weight.device))
    both, rb, cb = (probabilities(x[0, 0]) for x in (seen.logits, seen.logits_rb, seen.logits_cb))
    chosen = int(both.argmax()) if cam_class is None else classes.index(cam_class)
    weight = model.classifier.weight[chosen]
    maps = [to_numpy(exact_cam(m[0, 0], weight).clamp(min=0)) for m in (seen.maps_rb, seen.maps_cb)]
    largest = max(scale_from, *(float(m.max()) for m in maps))
    cam_rb, cam_cb = (m / np.float32(largest) if largest > 0 else m for m in maps)
    return OneGlance(
        classes=tuple(classes),
        probabilities=both,
        probabilities_rb=rb,
        probabilities_cb=cb,
        cam_class=classes[chosen],
        cam_rb=cam_rb,
        cam_cb=cam_cb,
        cam_max=largest,
        box=crop_box(*np.shape(picture)[:2]),
        milliseconds=(time.perf_counter() - began) * 1000,
    )
