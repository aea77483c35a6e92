"""Weights trained on a layout that files bring themselves: traced on such files, else refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import models
from actviz.cli import main
from actviz.clip.layouts import Layout
from actviz.clip.skeleton import save_skeleton
from actviz.clip.types import Skeleton
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded, save_checkpoint
from actviz.trace.run import WHOLE, Traced
from actviz.trace.skeletons import trace_man
from explorer.pictures import plain_frame

ROLES = {"hip_left": (0,), "hip_right": (1,)}
OWN = Layout("Suit-5", ("hl", "hr", "a", "b", "c"), ((0, 1), (1, 2)), (0,), (1,), ROLES)


def weights() -> Loaded:
    overrides = {"num_classes": 2, "joints": 5, "people": 1, "roles": ROLES, "hidden": 8}
    card = Card("man", overrides, ("x", "y"), "clips of mine", frames=50, layout="Suit-5")
    return Loaded(models.build("man", **overrides).eval(), card, "0" * 64, "mine")


def skeleton(layout: Layout = OWN) -> Skeleton:
    shape = (9, 1, len(layout), 3)
    return Skeleton(
        joints=np.random.default_rng(0).normal(size=shape).astype(np.float32),
        present=np.ones(shape[:2], bool),
        times_s=np.arange(9) / 30,
        frame_index=np.arange(9),
        layout=layout.name,
        root="camera",
        source="mine.npz",
        sha256="0" * 64,
        problems=(),
        custom_layout=layout,
    )


def test_skeletons_of_the_weights_own_layout_are_traced_as_they_are():
    trace = trace_man(weights(), skeleton())
    assert trace.layout == "Suit-5" and trace.joints.shape == (9, 1, 5, 3)
    assert np.array_equal(trace.joints, skeleton().joints)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(OWN, name="suit-6"), "trained on skeletons of the layout 'Suit-5'"),
        (replace(OWN, joint_names=(*OWN.joint_names, "d")), "has 6 joints, where the weights take"),
        (replace(OWN, roles={"hip_left": (1,), "hip_right": (0,)}), "or other roles"),
    ],
)
def test_skeletons_of_another_layout_are_refused_in_words(other, said):
    with pytest.raises(ActvizError, match=said):
        trace_man(weights(), skeleton(other))


def test_a_file_of_an_own_layout_is_traced_drawn_and_filmed_by_the_command(tmp_path):
    source, file = skeleton(), tmp_path / "mine.npz"
    save_skeleton(file, source)
    loaded = weights()
    path = save_checkpoint(tmp_path / "mine.safetensors", loaded.model, loaded.card)
    words = ["trace", file, "--model", "man", "--weights", path, "--out", tmp_path / "out"]
    assert main([str(word) for word in (*words, "--device", "cpu")]) == 0
    made = {p.name for p in (tmp_path / "out").iterdir()}
    assert made == {"trace.json", "trace.npz", "figure.png", "overlay.mp4"}


def test_the_explorer_draws_people_of_an_own_layout():
    traced = Traced(
        trace_man(weights(), skeleton()), Path("mine.npz"), WHOLE, None, None, skeleton()
    )
    picture, words = plain_frame(traced, 3)
    assert picture.ndim == 3 and words.startswith("mine.npz at 0.10 s")
    assert traced.layout == OWN
