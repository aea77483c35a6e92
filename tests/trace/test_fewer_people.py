"""Traces of skeletons in layouts of their own, of more people than the weights know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

import models
from actviz.clip.skeleton import layout_of, read_skeleton
from actviz.learn.checkpoints import Card, save_checkpoint
from actviz.trace.run import trace_file

NAMES = ["head", "neck", *(f"{s} {p}" for s in ("left", "right") for p in ("shoulder", "hip"))]


def test_weights_of_one_person_trace_the_one_seen_longest(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(0, 0.3, (20, 2, 6, 3))
    joints[:12, 0] = np.nan
    np.savez(tmp_path / "two.npz", joints=joints, joint_names=NAMES, fps=30, up="y")
    roles = dict(layout_of(read_skeleton(tmp_path / "two.npz")).roles)
    own = {"num_classes": 2, "frames": 16, "joints": 6, "people": 1, "roles": roles, "hidden": 4}
    torch.manual_seed(0)
    card = Card(model="man", overrides=own, classes=("a", "b"), trained_on="nothing", frames=16,
                layout="custom")  # fmt: skip
    save_checkpoint(tmp_path / "one.safetensors", models.build("man", **own), card)
    weights = tmp_path / "one.safetensors"
    traced = trace_file(tmp_path / "two.npz", model="man", weights=weights, device="cpu")
    assert np.allclose(traced.trace.joints[:, 0], joints[traced.trace.frame_index, 1])
    assert "2 people; the 1 seen longest" in " ".join(traced.trace.clip["problems"])
