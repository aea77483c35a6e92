"""MAM and TMNet on a clip of frames: numpy traces in seconds.

B batch (here 1) · T frames · K classes · C channels · h, w feature-map size
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.cam import exact_cam, scale_together
from actviz.trace.common import Progress, expect_model, frame_batches, probabilities, trace_head
from actviz.trace.schema import MAMTrace, TMNetTrace
from actviz.trace.whatif import mam_features, what_if

__all__ = ["Progress", "trace_mam", "trace_tmnet"]


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
    cached = mam_features(loaded, clip, info=info, progress=progress)
    return what_if(cached, threshold=threshold, force=force)


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
    model = expect_model(loaded, "tmnet")
    glances = [model.glance(batch) for batch in frame_batches(loaded, clip, progress)]
    logits, rb, cb, maps_rb, maps_cb = (
        torch.cat([getattr(g, name) for g in glances], dim=1)[0]
        for name in ("logits", "logits_rb", "logits_cb", "maps_rb", "maps_cb")
    )
    answer = probabilities(logits.mean(0))
    chosen = _class_number(loaded, cam_class, answer)
    weight = model.classifier.weight[chosen]
    maximum, (cam_rb, cam_cb) = scale_together(
        exact_cam(maps_rb, weight), exact_cam(maps_cb, weight)
    )
    return TMNetTrace(
        **trace_head(loaded, clip, info),
        probabilities=probabilities(logits),
        probabilities_rb=probabilities(rb),
        probabilities_cb=probabilities(cb),
        clip_answer=answer,
        cam_class=loaded.card.classes[chosen],
        cam_max=maximum,
        cam_rb=cam_rb,
        cam_cb=cam_cb,
    )


def _class_number(loaded: Loaded, name: str | None, answer: NDArray[np.float32]) -> int:
    classes = loaded.card.classes
    if name is None:
        return int(answer.argmax())
    lowered = [c.lower() for c in classes]
    if name.lower() not in lowered:
        raise ActvizError(f"class must be one of {', '.join(classes)}; got {name!r}.")
    return lowered.index(name.lower())
