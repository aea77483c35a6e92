"""MAM and TMNet on a clip of frames: numpy traces in seconds.

T frames
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actviz.clip.types import Clip, ClipInfo
from actviz.learn.checkpoints import Loaded
from actviz.trace.common import Progress
from actviz.trace.glances import glance_trace, glances_at
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
    cached = glances_at(loaded, clip, info=info, progress=progress)
    return glance_trace(cached, cam_class=cam_class)
