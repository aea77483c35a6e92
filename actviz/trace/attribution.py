"""Which limb, when: the evidence in MAN's last maps, read out at joints and frames.

MAN ends in global average pooling and one linear layer, so that the map of evidence for a class is
exact (``actviz.trace.cam``; Grad-CAM of it is the same over h·w) and costs one weighted sum. The
map is resized to the image, S rows by F columns, as grad-cam resizes; each joint's column and each
source frame's row is read out.

What that can say, and what it cannot
- Nine convolutions leave 13 x 13 places of a 50 x 50 image. One place is about four columns and
  four rows wide: it stands for a limb (joints are numbered limb by limb) over some four frames, not
  for a joint at an instant. Neighbouring columns share it, whatever their joints have to do with
  each other: the last joint of one person and the first of the next, say.
- One place's receptive field is 49 x 49: nearly the whole image, its middle weighing most. And
  before the convolutions, the recalibration has let every row's joints into every column, so that
  what is found under an arm may have been told by a leg.
- Networks for 224 x 224 have 7 x 7 maps. The joints of two people fill 50 of the 224 columns, less
  than two places: there, the map says when, and hardly which limb.
- Evidence is the share of a place in the logit of one class, not in its distance to the others.

So it shows where in the image the network sums up, which is not which limb it needs. On puppets it
ranks moments much as masking them does, limbs hardly at all (``benchmarks/masking.py``). Which
limb it needs, and when, masking tells (``actviz.trace.masking``).

C channels · h, w map size · S image rows · T source frames · P people · J joints
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from actviz.trace.cam import exact_cam

__all__ = ["joint_evidence", "scaled_attribution"]


def joint_evidence(model: Any, maps: Tensor, chosen: int) -> Tensor:
    """Evidence for class number ``chosen`` where each joint stands, signed: (B, S, P, J).

    Args:
        model: MAN, whose last ``maps`` (B, C, h, w) these are.
    """
    evidence = exact_cam(maps, model.classifier.weight[chosen].detach())[:, None]  # (B, 1, h, w)
    size = (model.frames, model.columns)
    image = F.interpolate(evidence.float(), size=size, mode="bilinear", align_corners=False)
    return model.bodies(image)[..., 0]


def scaled_attribution(
    evidence: NDArray[np.float32], shown: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float32]]:
    """The positive part (T, P, J) where the image holds a joint, by one maximum for the clip.

    Args:
        shown: (T, P, J), what the image holds; elsewhere there is nothing to attribute to.

    Returns:
        That maximum, 0.0 where no joint speaks for the class, and the attribution in [0, 1].
    """
    positive = np.where(shown, evidence, 0).clip(min=0)
    maximum = float(positive.max(initial=0.0))
    return maximum, (positive / (maximum or 1.0)).astype(np.float32)
