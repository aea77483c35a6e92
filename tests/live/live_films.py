"""A tiny TMNet of random weights, pictures and films for the live view's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import models
from actviz.clip.writer import VideoWriter
from actviz.learn.checkpoints import Card, Loaded

CLASSES = ("wave", "clap", "squat")


def glancing(model: str = "tmnet") -> Loaded:
    """Random weights; the same ones every time."""
    torch.manual_seed(0)
    own = {"num_classes": 3, "backbone": "resnet18_narrow", "width": 4}
    card = Card(model, own, CLASSES, trained_on="nothing", frames=4, input_size=32)
    return Loaded(models.build(model, **own).eval(), card, "0" * 64, f"random-{model}")


def picture(seed: int = 0, *, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Coarse noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 8, width // 8, 3))
    return np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)


def film(path: Path, frames: int = 20, *, fps: float = 25) -> Path:
    """The noise drifting to the right; frame k carries k * 10 in its first pixels' brightness."""
    with VideoWriter(path, width=64, height=48, fps=fps) as writer:
        for k in range(frames):
            writer.write(np.roll(picture(), k, axis=1), k / fps)
    return path
