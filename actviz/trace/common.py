"""What the traces of models that look at pictures share: batches, provenance, numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from actviz.clip.preprocess import model_frames
from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.progress import Progress
from actviz.trace.provenance import clip_facts, device_name, versions, weights_facts

__all__ = [
    "Progress",
    "class_number",
    "expect_model",
    "frame_batches",
    "probabilities",
    "to_numpy",
    "trace_head",
]

_BATCH = 16  # frames through a network at once: bounds memory, lets progress show


def expect_model(loaded: Loaded, name: str) -> Any:
    """The network of ``loaded``, which must be of model ``name``.

    Raises:
        ActvizError: it is of another.
    """
    if loaded.card.model != name:
        raise ActvizError(
            f"expected weights of {name}; {loaded.name} holds {loaded.card.model}. Choose weights "
            f"of {name}, or ask for --model {loaded.card.model}."
        )
    return loaded.model


def class_number(classes: Sequence[str], name: str | None, answer: NDArray[np.floating]) -> int:
    """Which of the classes is called ``name``; the most probable of ``answer`` (K,) where None.

    Raises:
        ActvizError: none is.
    """
    if name is None:
        return int(answer.argmax())
    lowered = [c.lower() for c in classes]
    if name.lower() not in lowered:
        raise ActvizError(f"class must be one of {', '.join(classes)}; got {name!r}.")
    return lowered.index(name.lower())


def frame_batches(
    loaded: Loaded, clip: Clip, progress: Progress | None, *, together: int = _BATCH
) -> Iterator[Tensor]:
    """The clip's frames as (1, <= together, 3, S, S) in [0, 1] on the model's device."""
    device, size = next(loaded.model.parameters()).device, loaded.card.input_size
    assert size is not None  # the cards of models that look at pictures have one
    for start in range(0, len(clip), together):
        frames = clip.frames[start : start + together]
        yield model_frames(frames, size)[None].to(device)
        if progress:
            progress(min(start + together, len(clip)), len(clip))


def trace_head(loaded: Loaded, clip: Clip, info: ClipInfo | None) -> dict[str, Any]:
    """The fields of a trace that say where it came from."""
    device = next(loaded.model.parameters()).device
    return {
        "weights": weights_facts(loaded),
        "clip": clip_facts(clip, info),
        "device": device_name(device),
        "versions": versions(),
        "seed": loaded.card.seed,
        "classes": tuple(loaded.card.classes),
        "times_s": clip.times_s,
        "frame_index": clip.frame_index,
    }


def probabilities(logits: Tensor) -> NDArray[np.float32]:
    """Softmax over the classes (..., K)."""
    return to_numpy(logits.float().softmax(-1))


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    """Any tensor as float32 on the CPU."""
    return tensor.float().cpu().numpy()
