"""The oracle: MAM frame by frame in plain Python, with a list that grows, as the paper tells it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.mam import MAM

D, FRAMES = 6, 7


def make(**more) -> MAM:
    torch.manual_seed(3)
    sizes = {"memory_dim": 5, "hidden_dim": 4, "controller_dim": 8, "dropout": 0.0}
    return MAM(3, backbone=None, feature_dim=D, **(sizes | more))


def features(batch: int = 2) -> Tensor:
    return torch.randn(batch, FRAMES, D, generator=torch.Generator().manual_seed(5))


SWITCHES: list[dict] = [  # what the paper argues about and does not show
    {},
    {"reset": False},
    {"inputs": ("context", "history")},
    {"inputs": ("feature", "history")},
    {"inputs": ("feature", "context")},
    {"read": "sum"},
    {"writes": "soft"},
    {"reset": False, "inputs": ("history",), "read": "sum", "writes": "soft"},
]


def mixed_force(batch: int = 6) -> Tensor:
    """(B, T): some forced in, some forced out, most left to the controller."""
    draw = torch.rand(batch, FRAMES, generator=torch.Generator().manual_seed(6))
    return torch.where(draw < 0.15, 0.0, torch.where(draw > 0.85, 1.0, torch.nan))


def summed(memory: list[tuple[float, Tensor]], nothing: Tensor) -> Tensor:
    """Sum of the items, each with its weight."""
    return sum((weight * item for weight, item in memory), nothing)


def average(memory: list[tuple[float, Tensor]], nothing: Tensor) -> Tensor:
    """Their mean; ``nothing``, which is zeros, where there is no item."""
    return summed(memory, nothing) / (sum(weight for weight, _ in memory) or 1.0)


def by_list(model: MAM, sequence: Tensor, force: Tensor | None = None) -> dict[str, Tensor]:
    """Eq. 1–9 for one clip (T, D) as the paper tells it: a list that grows."""
    memory: list[tuple[float, Tensor]] = []
    h = c = sequence.new_zeros(1, model.lstm.hidden_size)
    nothing = sequence.new_zeros(model.write.out_features)
    read = summed if model.read == "sum" else average
    seen = []
    for t, x in enumerate(F.rms_norm(sequence, sequence.shape[-1:], eps=1e-6)):
        history = read(memory, nothing)
        h, c = model.lstm(x[None], (h, c))
        q = controller_score(model, x, h[0], history)
        a = torch.sigmoid(q).item()
        weight = a if model.writes == "soft" else float(a > model.threshold)
        if force is not None and not torch.isnan(force[t]):
            weight = force[t].item()
        if weight:
            memory.append((weight, model.write(x)))
        seen.append((q, torch.tensor(a), torch.tensor(weight), h[0], history))
        if model.reset and weight < 1:  # skipped: anew from 0; written softly: that share stays
            h, c = weight * h, weight * c
    names = ("score", "write_probability", "written", "context", "history")
    told = {n: torch.stack(v) for n, v in zip(names, zip(*seen, strict=True), strict=True)}
    video = average(memory, nothing)
    return told | {"video_feature": video, "logits": model.classifier(video)}


def controller_score(model: MAM, x: Tensor, context: Tensor, history: Tensor) -> Tensor:
    """Eq. 6 written out; what the controller is not given is not in the sum."""
    control, inputs = model.controller, model.controller.inputs
    mixed = control.from_feature.bias
    if "feature" in inputs:
        mixed = mixed + control.from_feature.weight @ x
    if "context" in inputs:
        mixed = mixed + control.from_context.weight @ context
    if "history" in inputs:
        mixed = mixed + control.from_memory.weight @ history
    return control.score.weight[0] @ mixed.clamp(min=0) + control.score.bias[0]
