"""TSN's consensus, partial batch normalisation and parameter groups."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import models
from models.baselines.tsn import TSN, freeze_partial_bn, tsn_parameter_groups

NARROW = {"num_classes": 3, "backbone": "resnet18_narrow", "width": 4}


def narrow() -> TSN:
    torch.manual_seed(0)
    return TSN(3, backbone="resnet18_narrow", width=4)


def norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]


def table(model: nn.Module, **more) -> dict[str, tuple[float, float]]:
    groups = tsn_parameter_groups(model, learning_rate=0.001, weight_decay=5e-4, **more)
    return {g["name"]: (g["lr"], g["weight_decay"]) for g in groups}


def test_consensus_is_the_mean_of_the_frames_logits() -> None:
    model = TSN(3, backbone="resnet18_narrow", width=4).eval()
    frames = torch.rand(2, 4, 3, 32, 32)
    output = model(frames)
    torch.testing.assert_close(output.logits, output.frame_logits.mean(1))
    alone = model(frames[:, 2:3])
    torch.testing.assert_close(alone.logits, output.frame_logits[:, 2], rtol=1e-4, atol=1e-6)


def test_partial_bn_trains_the_first_alone() -> None:
    model = narrow().train()
    frozen = freeze_partial_bn(model)
    first, *rest = norms(model)
    assert first.training and first.weight.requires_grad and len(frozen) == len(rest) == 19
    assert not any(n.training or n.weight.requires_grad or n.bias.requires_grad for n in rest)
    before = [n.running_mean.clone() for n in norms(model)]
    model(torch.rand(2, 3, 3, 32, 32)).logits.sum().backward()
    moved = [not torch.equal(n.running_mean, b) for n, b in zip(norms(model), before, strict=True)]
    assert moved == [True] + [False] * 19 and all(n.weight.grad is None for n in rest)


def test_partial_bn_holds_after_it_is_called_again() -> None:
    model = narrow()
    first = freeze_partial_bn(model)
    model.train()
    assert all(n.training for n in norms(model))  # train() undoes the mode, hence "after every"
    assert freeze_partial_bn(model) == first
    assert [n.training for n in norms(model)] == [True] + [False] * 19


def test_groups_of_rgb_are_tsns() -> None:
    with torch.device("meta"):
        model = TSN(101, backbone="vgg16")  # its first convolution has a bias
    assert table(model) == {
        "first conv weight": (0.001, 5e-4),
        "first conv bias": (0.002, 0.0),
        "normal weight": (0.001, 5e-4),
        "normal bias": (0.002, 0.0),
    }


def test_groups_of_flow_are_tsns() -> None:
    with torch.device("meta"):
        vgg = TSN(101, backbone="vgg16", flow_length=5)
        resnet = TSN(101, backbone="resnet18", flow_length=5)
    assert table(vgg, flow=True) == {
        "first conv weight": (0.005, 5e-4),
        "first conv bias": (0.01, 0.0),
        "normal weight": (0.001, 5e-4),
        "normal bias": (0.002, 0.0),
    }
    assert table(resnet, flow=True) == {
        "first conv weight": (0.005, 5e-4),
        "normal weight": (0.001, 5e-4),
        "normal bias": (0.002, 0.0),
        "BN scale and shift": (0.001, 0.0),
    }


@pytest.mark.parametrize("rate", [1.0, 0.1])
@pytest.mark.parametrize(
    ("name", "more"),
    [("tsn", {}), ("mam", {}), ("tmnet", {}), ("tmnet", {"variant": "3d-b"})],
)
def test_every_parameter_is_in_exactly_one_group(name: str, more: dict, rate: float) -> None:
    model = models.build(name, **NARROW, **more)
    groups = tsn_parameter_groups(model, learning_rate=0.01, weight_decay=5e-4, backbone_rate=rate)
    grouped = [id(p) for g in groups for p in g["params"]]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(p) for p in model.parameters()}


def test_first_convolution_is_one_tensor_and_the_norms_are_all_of_theirs() -> None:
    model = narrow()
    groups = tsn_parameter_groups(model, learning_rate=0.01, weight_decay=5e-4)
    members = {g["name"]: g["params"] for g in groups}
    assert members["first conv weight"] == [model.backbone.stages[0][0].weight]
    assert len(members["BN scale and shift"]) == 2 * 20
    assert members["normal bias"] == [model.classifier.bias]


def test_frozen_parameters_are_in_no_group() -> None:
    model = narrow()
    freeze_partial_bn(model)
    groups = tsn_parameter_groups(model, learning_rate=0.01, weight_decay=5e-4)
    members = {g["name"]: g["params"] for g in groups}
    assert len(members["BN scale and shift"]) == 2
    assert all(p.requires_grad for g in groups for p in g["params"])


def test_slower_backbone_stands_apart_by_name() -> None:
    assert table(narrow(), backbone_rate=0.1) == {
        "normal weight": (0.001, 5e-4),
        "normal bias": (0.002, 0.0),
        "first conv weight (backbone)": (pytest.approx(1e-4), 5e-4),
        "normal weight (backbone)": (pytest.approx(1e-4), 5e-4),
        "BN scale and shift (backbone)": (pytest.approx(1e-4), 0.0),
    }


def test_groups_go_into_torchs_sgd() -> None:
    groups = tsn_parameter_groups(narrow(), learning_rate=0.01, weight_decay=5e-4)
    optimiser = torch.optim.SGD(groups, lr=1.0, momentum=0.9)
    assert [g["lr"] for g in optimiser.param_groups] == [0.01, 0.01, 0.02, 0.01]
