"""Weights trained on a layout that files bring themselves: traced on such files, else refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import models
from actviz.clip.layouts import Layout
from actviz.clip.types import Skeleton
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded
from actviz.trace.skeletons import trace_man

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
