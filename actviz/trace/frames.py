"""MAM and TMNet on a clip of frames: numpy traces in seconds.

B batch (here 1) · T frames · K classes · C channels · h, w feature-map size
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actviz.clip.preprocess import model_frames
from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.cam import exact_cam, scale_together
from actviz.trace.provenance import clip_facts, device_name, versions, weights_facts
from actviz.trace.schema import MAMTrace, TMNetTrace

__all__ = ["Progress", "trace_mam", "trace_tmnet"]

Progress = Callable[[int, int], None]  # (frames done, frames in all)
_BATCH = 16  # frames through a network at once: bounds memory, lets progress show


@torch.inference_mode()
def trace_mam(
    loaded: Loaded,
    clip: Clip,
    *,
    info: ClipInfo | None = None,
    threshold: float | None = None,
    force: NDArray[np.floating] | None = None,
    progress: Progress | None = None,
) -> MAMTrace:
    """MAM's write decision at every frame of ``clip`` (Yuan et al., AAAI 2019, eq. 1-9).

    Args:
        loaded: a MAM with its card.
        threshold: eq. 9's threshold in place of the model's own.
        force: (T,) 1 write, 0 skip, nan the controller decides.
    """
    model = _expect(loaded, "mam")
    parts = [model.features(batch) for batch in _batches(loaded, clip, progress)]
    features = torch.cat(parts, dim=1)  # (1, T, d)
    forced = None
    if force is not None:  # float32 before the device: Apple's has no double
        forced = torch.from_numpy(np.array(force, np.float32))[None].to(features.device)
    output = model.rollout(features, threshold=threshold, force=forced)
    return MAMTrace(
        **_head(loaded, clip, info),
        probabilities=_probabilities(output.logits)[0],
        threshold=float(model.threshold if threshold is None else threshold),
        write_probability=_numpy(output.write_probability[0]),
        written=_numpy(output.written[0]) > 0.5,
        memory_size=_numpy(output.memory_size[0]).round().astype(np.int64),
    )


@torch.inference_mode()
def trace_tmnet(
    loaded: Loaded,
    clip: Clip,
    *,
    info: ClipInfo | None = None,
    cam_class: str | None = None,
    progress: Progress | None = None,
) -> TMNetTrace:
    """TMNet's one-glance answers and both branches' CAMs at every frame of ``clip``.

    Args:
        loaded: a TMNet with its card.
        cam_class: the class whose evidence is mapped; the clip's top class where None.

    Raises:
        ActvizError: ``cam_class`` is no class of these weights.
    """
    model = _expect(loaded, "tmnet")
    glances = [model.glance(batch) for batch in _batches(loaded, clip, progress)]
    logits, rb, cb, maps_rb, maps_cb = (
        torch.cat([getattr(g, name) for g in glances], dim=1)[0]
        for name in ("logits", "logits_rb", "logits_cb", "maps_rb", "maps_cb")
    )
    answer = _probabilities(logits.mean(0))
    chosen = _class_number(loaded, cam_class, answer)
    weight = model.classifier.weight[chosen]
    maximum, (cam_rb, cam_cb) = scale_together(
        exact_cam(maps_rb, weight), exact_cam(maps_cb, weight)
    )
    return TMNetTrace(
        **_head(loaded, clip, info),
        probabilities=_probabilities(logits),
        probabilities_rb=_probabilities(rb),
        probabilities_cb=_probabilities(cb),
        clip_answer=answer,
        cam_class=loaded.card.classes[chosen],
        cam_max=maximum,
        cam_rb=cam_rb,
        cam_cb=cam_cb,
    )


def _expect(loaded: Loaded, name: str) -> Any:
    if loaded.card.model != name:
        raise ActvizError(
            f"expected weights of {name}; {loaded.name} holds {loaded.card.model}. Choose weights "
            f"of {name}, or ask for --model {loaded.card.model}."
        )
    return loaded.model


def _class_number(loaded: Loaded, name: str | None, answer: NDArray[np.float32]) -> int:
    classes = loaded.card.classes
    if name is None:
        return int(answer.argmax())
    lowered = [c.lower() for c in classes]
    if name.lower() not in lowered:
        raise ActvizError(f"class must be one of {', '.join(classes)}; got {name!r}.")
    return lowered.index(name.lower())


def _batches(loaded: Loaded, clip: Clip, progress: Progress | None):
    """The clip's frames as (1, <= 16, 3, S, S) in [0, 1] on the model's device."""
    device, size = next(loaded.model.parameters()).device, loaded.card.input_size
    assert size is not None  # the cards of models that look at pictures have one
    for start in range(0, len(clip), _BATCH):
        frames = clip.frames[start : start + _BATCH]
        yield model_frames(frames, size)[None].to(device)
        if progress:
            progress(min(start + _BATCH, len(clip)), len(clip))


def _head(loaded: Loaded, clip: Clip, info: ClipInfo | None) -> dict[str, Any]:
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


def _probabilities(logits: Tensor) -> NDArray[np.float32]:
    return _numpy(logits.float().softmax(-1))


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
