"""Clips cut anew: exact shares, true flags, nothing of another part, the label still decidable."""

from __future__ import annotations

import numpy as np
import pytest

from actviz.errors import ActvizError
from actviz.experiments.cutting import Cut, CutClips, evidence_of, shots_of

CLIPS, COUNT = 24, 32


class Marked:
    """Stored features that say which clip and frame they are of, and which view."""

    def __init__(self, part="test", views=1):
        self.skipped = {}
        self.keys = tuple(f"{part}/{i}" for i in range(CLIPS))
        self.labels = np.arange(CLIPS) % 12
        clip, view, frame = np.meshgrid(
            np.arange(CLIPS), np.arange(views), np.arange(COUNT), indexing="ij"
        )
        self.values = np.stack([clip, view, frame], -1).astype(np.float32)

    def read(self, clip):
        return self.values[clip]


def cut_clips(share, shows="nothing", part="test", **more):
    return CutClips(Marked(part, **more), part, Cut(share, shows))


@pytest.mark.parametrize("shows", ["nothing", "other actions"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.6, 0.8])
def test_share_of_irrelevant_frames_is_exact(share, shows):
    made = cut_clips(share, shows)
    assert np.allclose(1 - made.evidence.mean(2), share)


@pytest.mark.parametrize("shows", ["nothing", "other actions"])
def test_flags_are_true_and_the_clips_own_frames_in_order(shows):
    made, truth = cut_clips(0.6, shows), evidence_of("test", CLIPS, COUNT)
    for clip in range(CLIPS):
        frames = made.features[clip, 0][made.evidence[clip, 0]]
        assert (frames[:, 0] == clip).all()
        at = frames[:, 2].astype(int)
        assert truth[clip, at].all() and (np.diff(at) > 0).all()
        assert np.flatnonzero(np.diff(made.evidence[clip, 0].astype(int))).size <= 2  # one run


def test_shots_of_nothing_are_runs_of_frames_without_action():
    made, shots = cut_clips(0.8), shots_of("test", CLIPS, COUNT)
    apart = {(c, f) for c, start, stop in shots for f in range(start, stop)}
    assert not evidence_of("test", CLIPS, COUNT)[tuple(np.array(sorted(apart)).T)].any()
    others = made.features[:, 0][~made.evidence[:, 0]]
    assert {(int(c), int(f)) for c, _, f in others} <= apart


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_among_other_actions_the_own_one_is_shown_longest(share):
    made = cut_clips(share, "other actions")
    for clip in range(CLIPS):
        shown = np.bincount(made.labels[made.clips[clip, 0]], minlength=12)
        own = made.labels[clip]
        assert shown.argmax() == own and (np.delete(shown, own) < shown[own]).all()


def test_training_clips_vary_and_others_are_always_alike():
    train, again = cut_clips(0.4, part="train", views=2), cut_clips(0.4, part="train", views=2)
    assert train.features.shape == (CLIPS, 4, 10, 3)
    assert np.array_equal(train.features, again.features)
    assert not np.array_equal(train.features[:, 0], train.features[:, 1])
    assert (train.features[:, 0, :, 1] == 0).all()  # the first is of the plain view
    assert cut_clips(0.4).features.shape[1] == 1


def test_a_share_that_leaves_no_frame_is_refused():
    with pytest.raises(ActvizError, match="leaves a frame"):
        Cut(0.96)
