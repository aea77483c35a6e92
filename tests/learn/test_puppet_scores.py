"""Truth scores mark a model that knows the truth as perfect, and an ignorant one as chance."""

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
from actviz.learn.data.puppets import puppet_frames, puppet_skeletons
from actviz.learn.evaluate import evaluate

CLIPS, FRAMES, SIZE = 12, 5, 32
ROOTS = ("camera_top1", "hips_top1")


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def _loaded(name: str, model: nn.Module, **changes) -> Loaded:
    pictures = name not in models.ON_JOINTS
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
    metrics = evaluate(_loaded("mam", KnowingMAM()), clips=CLIPS).scores()
    assert metrics["top1"] == metrics["mean_class"] == 1
    assert metrics["pairs"]["sit down / stand up"] == {"right": 1, "swapped": 0, "other": 0}
    assert np.trace(metrics["confusion"]) == CLIPS
    write = metrics["write"]
    assert (write["precision"], write["recall"], write["auroc"]) == (1, 1, 1)
    assert write["rate"] == write["chance"] < 1


@pytest.mark.parametrize(
    ("name", "overrides", "extra"),
    [
        ("tsn", {"backbone": "resnet18_narrow", "width": 8}, set()),
        ("mam", {"backbone": "resnet18_narrow", "width": 8, "hidden_dim": 8}, {"write"}),
        (
            "tmnet",
            {"backbone": "resnet18_narrow", "width": 8},
            {"one_glance", "glances", "one_glance_at_evidence", "cam_rb", "cam_cb"},
        ),
        ("man", {"frames": 16, "hidden": 8}, {"attention", *ROOTS}),
        ("stcm", {"frames": 16}, {*ROOTS}),
        ("tarm", {"frames": 16, "hidden": 8}, {"attention", *ROOTS}),
    ],
)
def test_scores_have_stable_names_and_are_plain_json(name, overrides, extra):
    metrics = evaluate(_loaded(name, models.build(name, num_classes=12, **overrides)), clips=CLIPS)
    metrics = metrics.scores()
    usual = {"split", "clips", "top1", "top5", "mean_class", "per_class", "pairs", "confusion"}
    assert usual | extra <= metrics.keys()
    json.dumps(metrics, allow_nan=False)


class PlaceMAN(nn.Module):
    """Right where bodies are metres away from the camera, at a loss where they are about it."""

    def __init__(self) -> None:
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))
        self.seen = 0

    def forward(self, joints, present):
        some = slice(self.seen % CLIPS, self.seen % CLIPS + len(joints))
        self.seen += len(joints)
        right = torch.eye(12)[torch.from_numpy(puppet_skeletons("test", CLIPS).labels[some])]
        far = (joints[..., 2].abs().amax((1, 2, 3)) > 1.5).float()[:, None]
        rows = torch.full((len(joints), 16), -1)
        return SimpleNamespace(logits=(2 * far - 1) * right, attention=None, rows=rows)


def test_skeletons_in_camera_metres_and_centred_on_the_hips_are_scored_apart():
    metrics = evaluate(_loaded("man", PlaceMAN()), clips=CLIPS).scores()
    assert (metrics["camera_top1"], metrics["hips_top1"]) == (1, 0)
    assert 0 < metrics["top1"] < 1  # a puppet comes in either way


def test_tmnet_answer_is_the_centre_glance():
    torch.manual_seed(1)
    model = models.build("tmnet", num_classes=12, backbone="resnet18_narrow", width=8)
    metrics = evaluate(_loaded("tmnet", model), clips=CLIPS).scores()
    assert metrics["top1"] == metrics["one_glance"]["both"] == metrics["glances"]["both"]["1"]
    assert list(metrics["glances"]["rb"]) == ["1", "2", "4"]


def test_weights_with_other_classes_are_refused():
    model = models.build("man", num_classes=2, frames=16, hidden=8)
    with pytest.raises(ActvizError, match="puppets' 12 actions; got 2 classes"):
        evaluate(_loaded("man", model, classes=("a", "b")), clips=CLIPS)


@pytest.mark.parametrize("more", [{"views": "25x10"}, {"protocol": "split1"}])
def test_puppets_are_seen_in_one_way_only(more):
    model = models.build("tsn", num_classes=12, backbone="resnet18_narrow", width=8)
    with pytest.raises(ActvizError, match="leave --views and --protocol out"):
        evaluate(_loaded("tsn", model), clips=1, **more)
