"""MAN on a skeleton sequence: its temporal attention on the file's own seconds.

T source frames · S image rows of the model · P people · J joints
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from actviz.clip.layouts import LAYOUTS, limbs_of
from actviz.clip.skeleton import convert, layout_of, most_seen, usable
from actviz.clip.types import ClipInfo, Skeleton
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.common import expect_model
from actviz.trace.masking import CachedMAN, ask_man
from actviz.trace.provenance import device_name, skeleton_facts, versions, weights_facts
from actviz.trace.schema import MANTrace
from models.man import skipped_rules

__all__ = ["man_image", "trace_man"]


def trace_man(
    loaded: Loaded,
    skeleton: Skeleton,
    *,
    info: ClipInfo | None = None,
    visibility: NDArray[np.floating] | None = None,
) -> MANTrace:
    """MAN's attention per coordinate at every source frame it looked at (Xie et al., IJCAI 2018).

    Arguments and errors are those of ``man_image``; ``ask_man`` answers for the skeleton masked.
    """
    return ask_man(man_image(loaded, skeleton, info=info, visibility=visibility))


@torch.inference_mode()
def man_image(
    loaded: Loaded,
    skeleton: Skeleton,
    *,
    info: ClipInfo | None = None,
    visibility: NDArray[np.floating] | None = None,
) -> CachedMAN:
    """``skeleton`` normalised and laid out as the image that MAN reads, for ``ask_man``.

    The skeleton is converted to the layout of the weights where joints correspond; one that brings
    a layout of its own must have that of the weights, where this is no known one. Rows that only
    pad the image have no source frame and are dropped.

    Args:
        visibility: (N, P, J) in [0, 1], of the skeleton's N frames and joints, as pose has it.

    Raises:
        ActvizError: weights of another model, nobody present, or a layout that cannot be converted.
    """
    card, model = loaded.card, expect_model(loaded, "man")
    fitted = most_seen(_fitted(loaded, skeleton), model.people)
    device = next(model.parameters()).device
    present = usable(fitted)  # measured, or bridged over a short gap
    image, rows = model.see_image(
        torch.from_numpy(fitted.joints)[None].to(device), torch.from_numpy(present)[None].to(device)
    )
    source = rows[0].cpu().numpy()
    source = source[source >= 0]  # (T,)
    if not len(source):
        raise ActvizError(f"{skeleton.source}: nobody is present in any frame; give another one.")
    layout = layout_of(fitted)
    limbs = limbs_of(layout)
    head = {
        "weights": weights_facts(loaded),
        "clip": _facts(fitted, info, skipped_rules(model.roles)),
        "device": device_name(device),
        "versions": versions(),
        "seed": card.seed,
        "classes": tuple(card.classes),
        "times_s": fitted.times_s[source],
        "frame_index": fitted.frame_index[source],
        "joints": fitted.joints[source],
        "present": present[source],
        "layout": fitted.layout,
        "bones": np.asarray(layout.bones, dtype=np.int64),
        "limbs": tuple(limbs),
        "visibility": _fitted_visibility(loaded, skeleton, visibility, source),
        "interpolated": (present & ~fitted.present)[source],
    }
    return CachedMAN(model, image, rows, limbs, head)


def _fitted_visibility(
    loaded: Loaded,
    skeleton: Skeleton,
    visibility: NDArray[np.floating] | None,
    source: NDArray[np.int64],
) -> NDArray[np.float32] | None:
    """Of the joints of the weights' layout (T, P, J), derived as their positions are."""
    if visibility is None:
        return None
    threefold = np.repeat(visibility[..., None].astype(np.float32), 3, axis=-1)
    fitted = _fitted(loaded, replace(skeleton, joints=threefold))
    return most_seen(fitted, cast(Any, loaded.model).people).joints[source, ..., 0]


def _fitted(loaded: Loaded, skeleton: Skeleton) -> Skeleton:
    """The skeleton in the layout of the weights, which may be one that files bring themselves.

    A card says such a layout's name alone: its number of joints and its roles must agree, too.
    """
    name, model = loaded.card.layout, cast(Any, loaded.model)
    if not name or name.strip().lower() in LAYOUTS:
        return convert(skeleton, name) if name else skeleton
    own = layout_of(skeleton)
    if own.name.lower() != name.lower():
        raise ActvizError(
            f"{skeleton.source}: {loaded.name} was trained on skeletons of the layout {name!r}, "
            f"which its files brought; this one has {own.name!r}. Give a file of that layout."
        )
    roles = {role: tuple(joints) for role, joints in own.roles.items()}
    if len(own) != model.joints or roles != model.roles:
        raise ActvizError(
            f"{skeleton.source}: its layout is called {name!r} as that of {loaded.name}, but has "
            f"{len(own)} joints, where the weights take {model.joints}, or other roles. Give a "
            "file of the layout that the weights were trained on."
        )
    return skeleton


def _facts(skeleton: Skeleton, info: ClipInfo | None, skipped: Sequence[str]) -> dict[str, Any]:
    """Facts of the sequence; a rule that the model could not apply to its layout is a problem."""
    facts = skeleton_facts(skeleton, info)
    if skipped:
        facts["problems"].append(
            f"the joints of {skeleton.layout} do not allow: {', '.join(skipped)}; these rules of "
            "MAN's normalisation are skipped"
        )
    return facts
