"""Puppet clips as arrays: the scenes' own pictures and joints, drawn once and kept whole."""

import numpy as np
import pytest

from actviz.datasets import puppets
from actviz.learn.data.augment import centre_on_hips
from actviz.learn.data.makers import pad_skeletons
from actviz.learn.data.puppets import limb_masks, puppet_frames, puppet_skeletons

SIZE = 32


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def test_stored_frames_are_the_scenes_own_pictures():
    data = puppet_frames("test", 3, count=4, size=SIZE)
    scene = puppets.make_scene(puppets.scene_seeds("test", 3)[2])
    at = [int((k + 0.5) * len(scene) / 4) for k in range(4)]
    assert np.array_equal(data.frames[2], scene.render(at, size=SIZE))
    assert data.labels.tolist() == [0, 1, 2]
    assert data.evidence[2].tolist() == scene.truth.evidence[at].tolist()
    assert limb_masks("test", 3, count=4, size=SIZE).shape == (3, 4, SIZE, SIZE)


def test_stored_frames_are_made_once(monkeypatch):
    first = puppet_frames("val", 2, count=3, size=SIZE)
    monkeypatch.setattr("actviz.learn.data.puppets.fill_share", None)  # would fail if called
    assert np.array_equal(puppet_frames("val", 2, count=3, size=SIZE).frames, first.frames)


def test_skeletons_of_several_lengths_share_a_batch():
    data = puppet_skeletons("val", 3)
    batch = pad_skeletons(list(zip(data.joints, data.present, strict=True)))
    longest = max(len(j) for j in data.joints)
    assert batch["joints"].shape == (3, longest, 2, 25, 3)
    for row, present in enumerate(data.present):
        assert not batch["present"][row, len(present) :].any()


def test_centred_skeleton_has_its_hips_at_the_origin():
    joints = np.random.default_rng(0).normal(size=(4, 2, 25, 3)).astype(np.float32)
    centred = centre_on_hips(joints, hips=((12,), (16,)))
    assert np.allclose(centred[:, :, 12] + centred[:, :, 16], 0, atol=1e-6)


def test_drawing_in_several_processes_gives_the_same_pictures(monkeypatch):
    monkeypatch.setattr("actviz.learn.data.puppets._FEW", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    shared = puppet_frames("train", 5, count=2, size=24)
    scene = puppets.make_scene(puppets.scene_seeds("train", 5)[4])
    at = [int((k + 0.5) * len(scene) / 2) for k in range(2)]
    assert np.array_equal(shared.frames[4], scene.render(at, size=24))


def test_failed_drawing_says_why_and_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr("actviz.learn.data.puppets._FEW", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(RuntimeError, match="process of its own"):
        puppet_frames("train", 6, count=2, size=24)
    assert not list((tmp_path / "learn").iterdir())
