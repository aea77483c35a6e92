"""TMNet's rivals and options in training, evaluation, cards and diagnosis, as any other model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models.video import r3d_18

import models
from actviz.datasets import puppets
from actviz.errors import ActvizError, CheckpointError
from actviz.learn.checkpoints import Card, Loaded, bundled, load_checkpoint, save_checkpoint
from actviz.learn.doctor import diagnose, examine
from actviz.learn.evaluate import evaluate
from actviz.learn.matching import nearest_fit
from actviz.learn.protocols import answer
from actviz.learn.recipes import get_recipe
from actviz.learn.tasks import make_task
from actviz.learn.weights_files import WeightsFile
from actviz.trace.weights import load_weights

RIVALS: dict[str, dict] = {
    "tsm": {"backbone": "resnet18_narrow", "width": 8},
    "res_i3d": {"backbone": "i3d_resnet18_narrow", "width": 8},
    "resnet3d18": {"backbone": "r3d_18", "width": 4},
}
TINY = {
    "train_clips": 12, "val_clips": 6, "test_clips": 6, "batch_size": 6, "device": "cpu",
    "input_size": 32, "frames": 4, "stored_frames": 6, "start_from": "", "width": 8,
}  # fmt: skip
KINDS = ("tsm", "res-i3d", "resnet3d18", "tmnet-tsn", "tmnet-3d-a", "tmnet-3d-b")


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def network(model: str, classes: int = 12) -> torch.nn.Module:
    torch.manual_seed(0)
    return models.build(model, num_classes=classes, **RIVALS[model]).eval()


def card(model: str) -> Card:
    overrides = {"num_classes": 12} | RIVALS[model]
    return Card(model, overrides, tuple(puppets.ACTIONS), "puppets", frames=4, input_size=32)


# ---- training ------------------------------------------------------------------------------------


def task(kind: str, **settings):
    return make_task(get_recipe(f"puppets/{kind}", TINY | settings))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_moves_every_part_of_the_network(kind: str) -> None:
    one = task(kind)
    one.prepare()
    one.set_training()
    batch = next(iter(one.batches("train")))
    step = one.step(batch, train=True)
    step.loss.backward()
    assert step.logits.shape == (6, 12)
    assert all(p.grad is not None and bool(p.grad.any()) for p in one.network.parameters())


@pytest.mark.parametrize("kind", ["tsm", "res-i3d", "resnet3d18", "tmnet-3d-a", "tmnet-3d-b"])
def test_all_start_from_the_puppets_frame_cnn(kind: str) -> None:
    one = task(kind, start_from="tsn", width=16).network
    start = load_checkpoint(bundled("tsn")).model.backbone.stages
    held = one.backbone.stages if hasattr(one, "backbone") else [*one.base, *one.classification]
    block, theirs = held[4][1], start[4][1]
    parts = (block.conv1, block.bn2) if kind != "resnet3d18" else (block.conv1[0], block.conv2[1])
    pairs = ((held[0][0], start[0][0]), (parts[0], theirs.conv1), (parts[1], theirs.bn2))
    for given, expected in pairs:
        weight = given.weight.sum(2) if given.weight.ndim == 5 else given.weight  # inflated
        torch.testing.assert_close(weight, expected.weight)


def test_a_frame_cnn_of_other_channels_does_not_start_resnet3d18() -> None:
    with pytest.raises(ActvizError, match=r"'tsn' holds another frame CNN than r3d_18 of width 8"):
        task("resnet3d18", start_from="tsn")


@pytest.mark.parametrize("kind", ["tsm", "res-i3d"])
def test_a_frozen_cnn_cannot_look_at_their_frames_one_by_one(kind: str) -> None:
    with pytest.raises(ActvizError, match="sees the frames of a clip together"):
        task(kind, freeze_backbone=True)


def test_tmnets_options_reach_its_network_and_its_loss(monkeypatch) -> None:
    asked: dict = {}

    def loss(output, target, alpha, **more) -> Tensor:
        asked.update(more, alpha=alpha)
        return output.logits.sum()

    monkeypatch.setattr(models, "tmnet_loss", loss)
    one = task("tmnet", key="centre", level="map", detach_target="false", alpha=0.05, frames=1)
    one.prepare()
    one.step(next(iter(one.batches("train"))), train=True)
    assert asked == {"alpha": 0.05, "level": "map", "detach_target": False}
    assert one.network.key_third == "centre"


# ---- evaluation and files ------------------------------------------------------------------------


@pytest.mark.parametrize("model", RIVALS)
@torch.inference_mode()
def test_every_crop_is_answered_from_all_its_frames(model: str) -> None:
    net = network(model)
    pictures = torch.randint(0, 256, (3, 2, 8, 3, 32, 32), dtype=torch.uint8)
    got = answer(net, model, pictures, at_once=9)["logits"]
    expected = [net(clip.float() / 255).logits.mean(0).numpy() for clip in pictures]
    assert np.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("model", RIVALS)
def test_puppets_score_them_as_any_network(model: str) -> None:
    scores = evaluate(Loaded(network(model), card(model), "0", model), clips=6).scores()
    assert scores["clips"] == 6 and 0 <= scores["top1"] <= 1 and "pairs" in scores


@pytest.mark.parametrize("model", RIVALS)
def test_saved_weights_load_are_known_and_are_not_traced(model: str, tmp_path: Path) -> None:
    net, file = network(model), tmp_path / "best.safetensors"
    save_checkpoint(file, net, card(model))
    frames = torch.rand(1, 4, 3, 32, 32)
    torch.testing.assert_close(load_checkpoint(file).model(frames).logits, net(frames).logits)
    assert "loads as it is" in diagnose(file).next_step()
    with pytest.raises(CheckpointError, match=f"of {model}, which has nothing to show frame by"):
        load_weights("tsn", file)


@pytest.mark.parametrize(
    ("model", "overrides"),
    [
        ("res_i3d", {"backbone": "i3d_resnet50"}),
        ("res_i3d", {"backbone": "i3d_resnet18_narrow", "width": 8, "flow_length": 5}),
        ("res_i3d", {"backbone": "slowonly18"}),
        ("resnet3d18", {}),
        ("resnet3d18", {"width": 8}),
        ("tmnet", {"backbone": "resnet50", "variant": "3d-a", "backbone_3d": "i3d_resnet50"}),
        ("tmnet", {"backbone": "resnext50_32x4d", "base_stages": 0}),
    ],
)
def test_nearest_builder_of_a_file_without_card(model: str, overrides: dict) -> None:
    with torch.device("meta"):
        state = models.build(model, num_classes=5, **overrides).state_dict()
    fit = nearest_fit(state)
    assert fit is not None and (fit.model, fit.overrides, fit.share) == (model, overrides, 1.0)


def test_tsm_without_card_is_named_as_the_twin_of_tsn(tmp_path: Path) -> None:
    torch.save(network("tsm").state_dict(), tmp_path / "mine.pt")
    step = diagnose(tmp_path / "mine.pt").next_step()
    assert "model='tsn'" in step and "if it is one, say model='tsm'" in step


def test_foreign_3d_file_is_told_what_it_may_start() -> None:
    with torch.device("meta"):
        state = r3d_18(weights=None).state_dict()
    step = examine(WeightsFile(Path("r3d.pth"), state, card=None, sha256="0" * 64)).next_step()
    assert "three dimensions" in step and "ucf101/resnet3d18 with --set weights=FILE" in step


@pytest.mark.parametrize("wrapped", ["module.base_model.{}", "{}"])
def test_weights_of_tsms_authors_start_a_tsm(wrapped: str, tmp_path: Path) -> None:
    """They hold the shifted convolution one level deeper, as "conv1.net"."""
    first = models.build("tsm", num_classes=2, backbone="resnet18").backbone
    names = {f"layer{n}": f"stages.{n}" for n in range(1, 5)}
    state = {"conv1.weight": first.stages[0][0].weight.detach()}
    state |= {f"bn1.{k}": v for k, v in first.stages[0][1].state_dict().items()}
    for theirs, ours in names.items():
        for key, value in first.get_submodule(ours).state_dict().items():
            state[f"{theirs}.{key.replace('conv1.weight', 'conv1.net.weight')}"] = value
    torch.save({wrapped.format(k): v for k, v in state.items()}, tmp_path / "tsm.pth")
    second = models.build("tsm", num_classes=2, backbone="resnet18", weights=tmp_path / "tsm.pth")
    kernel = second.backbone.stages[3][1].conv1.weight
    assert torch.equal(kernel, first.stages[3][1].conv1.weight)
