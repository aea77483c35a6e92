"""Little films with something in them that moves, and weights of nothing that look at them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import models
from actviz.clip.writer import VideoWriter
from actviz.learn.checkpoints import Card, Loaded, save_checkpoint

TINY: dict[str, Any] = {"num_classes": 3, "backbone": "resnet18_narrow", "width": 4}
HEAD: dict[str, Any] = {"memory_dim": 8, "hidden_dim": 8, "controller_dim": 8}


def film(path: Path, frames: int = 14, *, width: int = 64, height: int = 48) -> Path:
    """Smooth noise that drifts a pixel to the right from frame to frame."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (height // 8, width // 8, 3))
    noise = np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)
    with VideoWriter(path, width=width, height=height, fps=25) as writer:
        for k in range(frames):
            writer.write(np.roll(noise, k, axis=1), k / 25)
    return path


def card(model: str = "mam", **more: Any) -> Card:
    """Of tiny weights that were never trained; ``flow_length`` makes them of flow.

    As those of puppets they see flow at the size of their input, which is quickest.
    """
    own = TINY | (HEAD if model == "mam" else {}) | more.pop("overrides", {})
    length = own.get("flow_length")
    seen = {"modality": "flow", "flow_length": length} if length else {}
    facts = {"classes": ("a", "b", "c"), "frames": 4, "input_size": 32, "dataset": "puppets"}
    facts |= seen | more
    return Card(model, own, trained_on="nothing", **facts)


def loaded(of: Card) -> Loaded:
    return Loaded(models.build(of.model, **of.overrides).eval(), of, "0" * 64, f"random-{of.model}")


def saved(path: Path, of: Card) -> Path:
    return save_checkpoint(path, models.build(of.model, **of.overrides), of)
