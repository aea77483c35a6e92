"""Optical flow of puppets: the way things move, found again, and seen as snippets."""

import numpy as np
import pytest
import torch

from actviz.clip.flow import dequantise
from actviz.datasets import puppets
from actviz.learn.checkpoints import load_checkpoint
from actviz.learn.data.batches import Row
from actviz.learn.data.puppet_flow import PuppetFlow, puppet_snippets
from actviz.learn.data.transforms import picture_indices
from actviz.learn.recipes import get_recipe
from actviz.learn.tasks import make_task

SIZE = 64
TINY = {
    "train_clips": 12, "val_clips": 2, "test_clips": 2, "batch_size": 4, "device": "cpu",
    "backbone": "resnet18_narrow", "width": 8, "input_size": 32, "frames": 3, "stored_frames": 4,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def task(name="backbone-flow", **settings):
    return make_task(get_recipe(f"puppets/{name}", TINY | {"start_from": ""} | settings))


def joint_steps(scene):
    """Where each joint of the one figure is in frame k and how far it moves until k + 1."""
    take = next(s for s in scene.staged if scene.plan.evidence[s.shot.start : s.shot.stop].any())
    x, y, z = np.moveaxis(take.camera.to_camera(take.performance.figures[0].joints), -1, 0)
    scale = take.camera.focal[:, None] * SIZE / 2
    at = np.stack([SIZE / 2 + scale * x / z, SIZE / 2 - scale * y / z], -1)  # (T, J, 2)
    return take.shot.start, at[:-1], np.diff(at, axis=0)


def test_a_field_points_the_way_a_limb_moves():
    fields = PuppetFlow("train", 3, size=SIZE)
    start, at, step = joint_steps(puppets.make_scene(2))  # jumping jack
    length = np.linalg.norm(step, axis=-1)
    seen = (length > 1) & (length < 6) & (at > 1).all(-1) & (at < SIZE - 2).all(-1)
    frame, joint = np.nonzero(seen)
    x, y = at[frame, joint].round().astype(int).T
    found = dequantise(fields.read(2, start + frame))[np.arange(len(frame)), y, x]
    cosine = (found * step[frame, joint]).sum(-1) / (np.linalg.norm(found, axis=-1) + 0.1)
    assert len(frame) > 50 and np.median(cosine / length[frame, joint]) > 0.7


def test_flow_is_computed_once_and_alike(monkeypatch, tmp_path):
    first = PuppetFlow("val", 2, size=32)
    fields = first.read(1, np.arange(first.count(1)))
    assert first.count(1) == len(puppets.make_scene(puppets.scene_seeds("val", 2)[1])) - 1
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path))
    again = PuppetFlow("val", 2, size=32)
    assert np.array_equal(again.read(1, np.arange(again.count(1))), fields)
    monkeypatch.setattr("actviz.learn.data.puppet_flow.flow_fields", None)  # fails if called
    assert PuppetFlow("val", 2, size=32).identity(1) == again.identity(1)


def test_several_files_are_made_in_several_processes_and_told(monkeypatch):
    whole = [PuppetFlow("test", 3, size=32).read(clip, np.array([0, 9])) for clip in range(3)]
    monkeypatch.setattr("actviz.learn.data.puppet_flow._SHARE", 1)
    told = []
    parted = PuppetFlow("test", 3, size=32, workers=2, progress=lambda *said: told.append(said))
    assert told == [("flow of puppets", n, 3) for n in (1, 2, 3)]
    assert all(np.array_equal(parted.read(c, np.array([0, 9])), whole[c]) for c in range(3))


def test_a_snippet_holds_its_fields_as_channels_x_y_x_y():
    data = puppet_snippets("val", 2, count=3, length=5, size=32)
    at = picture_indices(data.source.count(1), 3, length=5)
    pictures = data.some(slice(1, 2))  # (1, 3, 32, 32, 10)
    assert pictures.shape == (1, 3, 32, 32, 10)
    fields = data.source.read(1, at[2])
    assert np.array_equal(pictures[0, 2, ..., 6], fields[3, ..., 0])
    assert np.array_equal(pictures[0, 2, ..., 7], fields[3, ..., 1])
    truth = puppets.make_scene(puppets.scene_seeds("val", 2)[1]).truth.evidence
    assert data.evidence[1].tolist() == truth[at[:, 2]].tolist()


def test_training_and_scoring_see_the_same_snippets():
    made = task().maker("val", epoch=0)([Row(0, None), Row(1, None)]).batch["frames"]
    scored = puppet_snippets("val", 2, count=3, length=5, size=32).some(slice(0, 2))
    assert torch.equal(made, torch.from_numpy(scored).movedim(-1, 2))


def test_a_flow_network_begins_as_the_mean_of_the_one_on_frames():
    network = task(start_from="tsn", width=16).network
    rgb = load_checkpoint("weights/puppets-tsn.safetensors").model
    first, colours = (n.backbone.stages[0][0].weight for n in (network, rgb))
    assert first.shape[1] == 10
    assert torch.allclose(first, colours.mean(1, keepdim=True).expand_as(first))
    rest = network.backbone.stages[1].state_dict()
    assert all(torch.equal(v, rest[k]) for k, v in rgb.backbone.stages[1].state_dict().items())
