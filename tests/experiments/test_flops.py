"""The FLOP counter against counts by hand, layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from actviz.experiments.flops import count_flops
from models import build
from models.backbones import build_backbone

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


def stages_by_hand(name: str, *, side: int = 224) -> list[int]:
    """Operations of the stem and the four stages on one picture: 2 · k² · in · out · h · w each."""
    side //= 2
    counts, channels = [2 * 7 * 7 * 3 * 64 * side**2], 64
    side //= 2
    for stage, blocks in enumerate(BLOCKS[name]):
        width, total = 64 * 2**stage, 0
        out = width * (1 if name == "resnet18" else 4)
        for block in range(blocks):
            before, after = side**2, (side // 2) ** 2 if stage and not block else side**2
            if name == "resnet18":  # 3×3 with the stride, 3×3
                total += 2 * 9 * (channels * width + width * width) * after
            else:  # 1×1, 3×3 with the stride, 1×1
                total += 2 * channels * width * before
                total += 2 * (9 * width * width + width * out) * after
            if channels != out:
                total += 2 * channels * out * after  # the shortcut's 1×1
            channels, side = out, round(after**0.5)
        counts.append(total)
    return counts


def test_a_convolution_and_a_linear_layer():
    layer = nn.Conv2d(3, 8, kernel_size=5, stride=2, padding=2)
    assert count_flops(layer, torch.zeros(4, 3, 32, 32)) == 4 * 2 * (5 * 5 * 3 * 8 * 16 * 16)
    assert count_flops(nn.Linear(512, 101), torch.zeros(4, 512)) == 4 * 2 * 512 * 101


def test_grouped_and_three_dimensional_convolutions():
    grouped = nn.Conv2d(8, 16, kernel_size=3, padding=1, groups=4, bias=False)
    assert count_flops(grouped, torch.zeros(1, 8, 10, 10)) == 2 * 9 * 2 * 16 * 100
    solid = nn.Conv3d(3, 4, kernel_size=3, padding=1)
    assert count_flops(solid, torch.zeros(1, 3, 6, 8, 8)) == 2 * 27 * 3 * 4 * 6 * 64


@pytest.mark.parametrize("name", BLOCKS)
def test_a_whole_resnet(name):
    with torch.device("meta"):
        network = build_backbone(name)
    assert count_flops(network, torch.zeros(1, 3, 224, 224)) == sum(stages_by_hand(name))


@pytest.mark.parametrize("name", BLOCKS)
def test_the_published_multiply_adds_of_resnets(name):
    """He et al. 2016, Table 1 prints 1.8 and 3.8 billion multiply-adds (stride in the 1×1)."""
    published = {"resnet18": 1.8e9, "resnet50": 4.1e9}  # 4.1: with the stride in the 3×3
    assert sum(stages_by_hand(name)) / 2 == pytest.approx(published[name], rel=0.02)


@pytest.mark.parametrize("name", BLOCKS)
def test_one_glance_costs_the_base_and_twice_the_branch(name):
    with torch.device("meta"):
        network = build("tmnet", num_classes=101, backbone=name)
    stem, one, two, three, four = stages_by_hand(name)
    width = 512 if name == "resnet18" else 2048
    heads = 2 * (2 * width * 101)
    seen = count_flops(network, torch.zeros(1, 1, 3, 224, 224), run=lambda n, x: n.glance(x))
    assert seen == stem + one + two + 2 * (three + four) + heads


@pytest.mark.parametrize("name", BLOCKS)
def test_eight_frames_of_tsn_cost_five_glances(name):
    with torch.device("meta"):
        tsn = build("tsn", num_classes=101, backbone=name)
        tsm = build("tsm", num_classes=101, backbone=name)
        tmnet = build("tmnet", num_classes=101, backbone=name)
    eight, one = torch.zeros(1, 8, 3, 224, 224), torch.zeros(1, 1, 3, 224, 224)
    ratio = count_flops(tsn, eight) / count_flops(tmnet, one, run=lambda n, x: n.glance(x))
    assert 5.0 < ratio < 5.6
    assert count_flops(tsm, eight) == count_flops(tsn, eight)  # the shift costs nothing


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    count_flops(network, torch.zeros(1, 3, 8, 8))
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
