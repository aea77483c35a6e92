"""MAN on a skeleton sequence: its temporal attention on the file's own seconds.

T source frames · S image rows of the model · P people · J joints
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch

from actviz.clip.skeleton import convert, layout_of, usable
from actviz.clip.types import ClipInfo, Skeleton
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.provenance import device_name, skeleton_facts, versions, weights_facts
from actviz.trace.schema import MANTrace
from models.man import skipped_rules

__all__ = ["trace_man"]


@torch.inference_mode()
def trace_man(loaded: Loaded, skeleton: Skeleton, *, info: ClipInfo | None = None) -> MANTrace:
    """MAN's attention per coordinate at every source frame it looked at (Xie et al., IJCAI 2018).

    The skeleton is converted to the layout of the weights where joints correspond. Rows that only
    pad the image have no source frame and are dropped.

    Raises:
        ActvizError: weights of another model, or a layout that cannot be converted.
    """
    card, model = loaded.card, cast(Any, loaded.model)  # a MAN
    if card.model != "man":
        raise ActvizError(f"expected weights of man; {loaded.name} holds {card.model}.")
    fitted = convert(skeleton, card.layout) if card.layout else skeleton
    device = next(model.parameters()).device
    present = usable(fitted)  # measured, or bridged over a short gap
    output = model(
        torch.from_numpy(fitted.joints)[None].to(device), torch.from_numpy(present)[None].to(device)
    )
    rows = output.rows[0].cpu().numpy()  # (S,)
    real = rows >= 0
    source = rows[real]
    return MANTrace(
        weights=weights_facts(loaded),
        clip=_facts(fitted, info, skipped_rules(model.roles)),
        device=device_name(device),
        versions=versions(),
        seed=card.seed,
        classes=tuple(card.classes),
        times_s=fitted.times_s[source],
        frame_index=fitted.frame_index[source],
        probabilities=output.logits[0].float().softmax(-1).cpu().numpy(),
        attention=output.attention[0][:, torch.from_numpy(real)].float().cpu().numpy(),
        joints=fitted.joints[source],
        present=present[source],
        layout=fitted.layout,
        bones=np.asarray(layout_of(fitted).bones, dtype=np.int64),
    )


def _facts(skeleton: Skeleton, info: ClipInfo | None, skipped: Sequence[str]) -> dict[str, Any]:
    """Facts of the sequence; a rule that the model could not apply to its layout is a problem."""
    facts = skeleton_facts(skeleton, info)
    if skipped:
        facts["problems"].append(
            f"the joints of {skeleton.layout} do not allow: {', '.join(skipped)}; these rules of "
            "MAN's normalisation are skipped"
        )
    return facts
