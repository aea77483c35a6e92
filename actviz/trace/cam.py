"""Class activation maps: where in the picture a linear classifier's evidence lies.

For a head of global average pooling and one linear layer, the logit of class k is the mean over
the map of ``sum_c weight[k, c] * maps[c, i, j]`` plus the bias (Zhou et al., CVPR 2016), so the map
of evidence is exact and costs one weighted sum, no backward pass. TMNet shares one classifier
between its branches: the same weights read both maps.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["exact_cam", "scale_together"]


def exact_cam(maps: Tensor, weight: Tensor) -> Tensor:
    """Evidence for one class at every place: (..., C, h, w) maps, (C,) weight -> (..., h, w).

    Signed and unscaled; its mean over h, w plus the class's bias is the class's logit.

    Raises:
        ValueError: ``weight`` is not one number per channel.
    """
    if weight.shape != maps.shape[-3:-2]:
        raise ValueError(
            f"weight must have shape ({maps.shape[-3]},), one number per channel of the maps; got "
            f"{tuple(weight.shape)}. Pass one class's row of the classifier."
        )
    return torch.einsum("...chw,c->...hw", maps, weight)


def scale_together(*evidence: Tensor) -> tuple[float, list[NDArray[np.float16]]]:
    """Positive parts of several branches of one clip, all divided by one maximum.

    One scale for the whole clip and both branches: scaled frame by frame, a dull frame would look
    as hot as the key frame. Returns the maximum (0.0 where there is no positive evidence at all;
    the maps are then zero) and the maps in [0, 1].
    """
    positive = [e.clamp(min=0).float() for e in evidence]
    maximum = max(float(p.max()) for p in positive)
    divisor = maximum if maximum > 0 else 1.0
    return maximum, [(p / divisor).cpu().numpy().astype(np.float16) for p in positive]
