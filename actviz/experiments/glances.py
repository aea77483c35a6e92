"""What a network says to single frames of every test clip, for TMNet's tables.

G frames of a clip, the middles of equal parts, are looked at one by one; so one training tells of
one glance at the beginning, the centre and the end, and of several glances together. TSN is asked
in the same way. What sees a whole clip at once (TMNet-3D-B's base, TSM) sees the G frames as one.

N clips · B clips at once · G glances · K classes
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from actviz.learn.tasks import Task

__all__ = ["glanced", "look"]


def glanced(settings: Mapping[str, Any], glances: int) -> dict[str, Any]:
    """Settings of a recipe whose test clips are seen as ``glances`` frames, evenly spread."""
    return {**settings, "frames": glances, "sampling": "tsn"}


@torch.inference_mode()
def look(task: Task) -> dict[str, Any]:
    """Keys, labels and answers to the test clips of ``task``, which are seen by ``glanced``.

    "logits" (N, K) is the answer to the centre frame, or to all frames of what sees a clip at once;
    "glance_both", and of TMNet "glance_rb" and "glance_cb", (N, G, K) those to each frame. A clip
    that cannot be read is left out.
    """
    from actviz.learn.tasks.base import device_of

    device = device_of(task.recipe)
    network = task.network.to(device).eval()
    parts: list[dict[str, Tensor]] = []
    for batch in task.batches("test"):
        moved = {name: value.to(device) for name, value in batch.items()}
        frames = task.to_device_batch(moved, device)["frames"]
        with _precision(task.recipe.precision, device):
            told = _answers(network, frames)
        parts.append({n: v.float().cpu() for n, v in told.items()} | {"labels": batch["label"]})
    found: dict[str, Any] = {n: torch.cat([p[n] for p in parts]).numpy() for n in parts[0]}
    keys = [key for key in task.source("test").keys if key not in task.skipped]
    both = found["glance_both"]
    whole = _sees_clips(network) or both.shape[1] == 1
    logits = both.mean(1) if whole else both[:, both.shape[1] // 2]
    return found | {"keys": keys, "logits": logits.astype(np.float32)}


def _answers(network: Any, frames: Tensor) -> dict[str, Tensor]:
    """Logits (B, G, K) of each frame by name; (B, 1, K) of what answers for the clip alone."""
    if hasattr(network, "glance"):
        glance = network.glance(frames)
        told = {"both": glance.logits, "rb": glance.logits_rb, "cb": glance.logits_cb}
    else:
        output = network(frames)
        own = getattr(output, "frame_logits", None)
        told = {"both": output.logits[:, None] if own is None else own}
    return {f"glance_{name}": logits for name, logits in told.items()}


def _sees_clips(network: Any) -> bool:
    """Whether a frame's answer depends on the other frames."""
    from models.baselines.tsn import TSN

    variant = getattr(network, "variant", "" if isinstance(network, TSN) else "clip")
    return variant in ("3d-b", "clip")


def _precision(name: str, device: torch.device) -> Any:
    """The precision that the network was trained in, for its test, too."""
    kinds = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
    if name not in kinds:
        return nullcontext()
    return torch.autocast(device.type, dtype=kinds[name])
