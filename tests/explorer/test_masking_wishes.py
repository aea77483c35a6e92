"""What is kept from MAN as pure data, and what came of it in words."""

from dataclasses import replace

import numpy as np
import pytest

from actviz.clip.layouts import get_layout
from actviz.trace.run import load_weights, trace_skeleton
from explorer.body import choose_lanes
from explorer.masking import Wish, words
from explorer.sources import samples


@pytest.fixture(scope="module")
def base():
    """The bundled MAN on a bundled clip."""
    return trace_skeleton(load_weights("man", device="cpu"), samples()["wave"].skeleton)


def test_to_wish_for_nothing_is_no_wish_and_another_class_alone_keeps_nothing_away():
    assert not Wish() and not Wish(cam_class="push")
    assert Wish(("torso",)) and Wish(span_s=(0.0, 1.0))


def test_seconds_become_frames_and_limbs_become_joints():
    times = np.array([0.0, 0.5, 1.0, 1.5])
    assert Wish().frames(times) is None
    assert Wish(span_s=(0.5, 1.2)).frames(times).tolist() == [False, True, True, False]
    layout = get_layout("ntu-25")
    names = {layout.joint_names[j] for j in Wish(("left arm", "no limb")).joints(layout)}
    assert {"elbow_left", "wrist_left", "thumb_left"} <= names
    assert not any(name.endswith("right") for name in names)


def test_what_was_kept_away_and_what_came_of_it_is_one_sentence(base):
    wish = Wish(("left arm", "right arm"), (1.0, 2.0))
    now = base.masked(limbs=wish.limbs, frames=wish.frames(base.trace.times_s)).trace
    said = words(base.trace, now, wish)
    assert said.startswith("Without the left arm, the right arm and what happens from 1.00 to 2.00")
    same = replace(base.trace)
    assert "the answer stays wave" in words(base.trace, same, Wish(("torso",)))


def test_where_no_limb_was_masked_moment_by_moment_evidence_is_shown_at_first(base):
    assert choose_lanes(base.trace) == ("masking", "moments")
    without = replace(base.trace, without_limb_at=None)  # a large image on a CPU, joints in no limb
    assert choose_lanes(without) == ("moments", "evidence")
