"""Evaluation marks a model that knows the truth as perfect, and an ignorant one as chance."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import models
from actviz.datasets import puppets
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded
from actviz.learn.data.augment import centre_on_hips, vary_pictures
from actviz.learn.data.puppets import limb_masks, puppet_frames, puppet_skeletons
from actviz.learn.evaluate import evaluate
from actviz.learn.tasks import Batches, pad_skeletons

CLIPS, FRAMES, SIZE = 12, 5, 32


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def _loaded(name: str, model: nn.Module, **changes) -> Loaded:
    pictures = name != "man"
    values = {
        "model": name,
        "overrides": {"num_classes": 12},
        "classes": tuple(puppets.ACTIONS),
        "trained_on": "puppets",
        "frames": FRAMES if pictures else 16,
        "input_size": SIZE if pictures else None,
        "layout": None if pictures else "ntu-25",
    }
    return Loaded(model.eval(), Card(**values | changes), "0", name)


class KnowingMAM(nn.Module):
    """Answers right and writes exactly the evidence, having read the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))
        self.seen = 0

    def forward(self, frames):
        data = puppet_frames("test", CLIPS, count=FRAMES, size=SIZE)
        some = slice(self.seen, self.seen + len(frames))
        self.seen += len(frames)
        written = torch.from_numpy(data.evidence[some]).float()
        logits = torch.eye(12)[torch.from_numpy(data.labels[some])]
        return SimpleNamespace(logits=logits, written=written, write_probability=written)


def test_model_that_knows_the_truth_scores_one():
    metrics = evaluate(_loaded("mam", KnowingMAM()), clips=CLIPS)
    assert metrics["top1"] == metrics["mean_class"] == 1
    assert metrics["pairs"]["sit down / stand up"] == {"right": 1, "swapped": 0, "other": 0}
    assert np.trace(metrics["confusion"]) == CLIPS
    write = metrics["write"]
    assert (write["precision"], write["recall"], write["auroc"]) == (1, 1, 1)
    assert write["rate"] == write["chance"] < 1


@pytest.mark.parametrize(
    ("name", "overrides", "extra"),
    [
        ("tsn", {"backbone": "resnet18_narrow", "width": 4}, set()),
        ("mam", {"backbone": "resnet18_narrow", "width": 4, "hidden_dim": 8}, {"write"}),
        (
            "tmnet",
            {"backbone": "resnet18_narrow", "width": 4},
            {"one_glance", "glances", "one_glance_at_evidence", "cam_rb", "cam_cb"},
        ),
        ("man", {"frames": 16, "hidden": 8}, {"attention", "hips_top1"}),
    ],
)
def test_scores_have_stable_names_and_are_plain_json(name, overrides, extra):
    metrics = evaluate(_loaded(name, models.build(name, num_classes=12, **overrides)), clips=CLIPS)
    usual = {"split", "clips", "top1", "top5", "mean_class", "per_class", "pairs", "confusion"}
    assert usual | extra <= metrics.keys()
    json.dumps(metrics, allow_nan=False)


def test_tmnet_answer_is_the_centre_glance():
    torch.manual_seed(1)
    model = models.build("tmnet", num_classes=12, backbone="resnet18_narrow", width=4)
    metrics = evaluate(_loaded("tmnet", model), clips=CLIPS)
    assert metrics["top1"] == metrics["one_glance"]["both"] == metrics["glances"]["both"]["1"]
    assert list(metrics["glances"]["rb"]) == ["1", "2", "4"]


def test_weights_with_other_classes_are_refused():
    model = models.build("man", num_classes=2, frames=16, hidden=8)
    with pytest.raises(ActvizError, match="puppets' 12 actions; got 2 classes"):
        evaluate(_loaded("man", model, classes=("a", "b")), clips=CLIPS)


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


def test_varied_pictures_stay_pictures_and_follow_the_generator():
    frames = torch.rand(2, 3, 3, 16, 16)
    seeded = [torch.Generator().manual_seed(4) for _ in range(2)]
    one, two = (vary_pictures(frames, generator=g) for g in seeded)
    assert torch.equal(one, two)
    assert one.shape == frames.shape
    assert one.min() >= 0 and one.max() <= 1
    assert not torch.equal(one, frames)


def test_frames_of_one_clip_vary_alike():
    still = torch.rand(1, 1, 3, 16, 16).expand(2, 4, 3, 16, 16)
    varied = vary_pictures(still, generator=torch.Generator().manual_seed(0))
    assert torch.equal(varied[:, 0], varied[:, 3])
    assert not torch.equal(varied[0], varied[1])


def test_centred_skeleton_has_its_hips_at_the_origin():
    joints = np.random.default_rng(0).normal(size=(4, 2, 25, 3)).astype(np.float32)
    centred = centre_on_hips(joints, hips=((12,), (16,)))
    assert np.allclose(centred[:, :, 12] + centred[:, :, 16], 0, atol=1e-6)


def test_batches_follow_their_seed_and_lose_no_clip():
    def make(at, rng):
        return {"at": torch.from_numpy(at)}

    one, two = (
        torch.cat([b["at"] for b in Batches(10, size=4, make=make, seed=(0, epoch))])
        for epoch in (0, 1)
    )
    again = torch.cat([b["at"] for b in Batches(10, size=4, make=make, seed=(0, 0))])
    assert torch.equal(one, again) and not torch.equal(one, two)
    assert sorted(one.tolist()) == list(range(10))
    assert len(Batches(10, size=4, make=make)) == 3


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
