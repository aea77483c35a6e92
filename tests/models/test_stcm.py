"""MAN's convolutions: the published nine, deeper ones by the same builder, torchvision's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision.models as tv
from torch import nn

from models.man import MAN
from models.stcm import IMAGENET_STCM, STCM, STCM_CHANNELS, SameConv, build_stcm


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    """Those of the main path: every one but the shortcuts."""
    named = module.named_modules()
    return [m for n, m in named if isinstance(m, nn.Conv2d) and "shortcut" not in n]


def on_meta(name: str) -> nn.Sequential:
    with torch.device("meta"):
        return build_stcm(name)


@pytest.mark.parametrize("depth", [9, 18, 34, 50, 101, 152])
def test_depth_counts_convolutions_and_the_classes_layer(depth: int) -> None:
    """ "conv9" counts its convolutions alone, as the paper's code does in the name MANs_9."""
    net = on_meta("conv9" if depth == 9 else f"preact{depth}")
    assert len(convolutions(net)) == depth - (depth != 9)


@pytest.mark.parametrize("name", STCM_CHANNELS)
def test_last_maps_have_the_channels_that_are_said(name: str) -> None:
    rows = 224 if name in IMAGENET_STCM else 50
    maps = on_meta(name).eval()(torch.empty(1, 3, rows, rows, device="meta"))
    side = {"conv9": 13}.get(name, 4 if name.startswith("pre") else 7)
    assert maps.shape == (1, STCM_CHANNELS[name], side, side)


def test_published_network_is_the_builder_at_two_stages_of_two() -> None:
    shapes = {n: tuple(p.shape) for n, p in STCM(momentum=0.01).named_parameters()}
    assert shapes == {n: tuple(p.shape) for n, p in on_meta("conv9").named_parameters()}
    assert sum(torch.Size(s).numel() for s in shapes.values()) == 686_908 - 129 * 60


def test_bottleneck_is_narrow_inside_and_strides_where_it_is() -> None:
    block = on_meta("preact50")[3 + 3]  # the first of the second stage
    made = [
        (c.kernel_size[0], c.in_channels, c.out_channels, c.stride[0]) for c in convolutions(block)
    ]
    assert made == [(1, 256, 128, 1), (3, 128, 128, 2), (1, 128, 512, 1)]
    shorter = block.shortcut
    assert isinstance(shorter, SameConv) and (shorter.in_channels, shorter.stride) == (256, (2, 2))


def test_a_resnet_reads_the_image_as_torchvisions_would(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = tv.get_model("resnet18", weights=None).eval()
    torch.save(whole.state_dict(), tmp_path / "r.pth")
    model = MAN(4, stcm="resnet18", frames=32, hidden=6, weights=tmp_path / "r.pth").eval()
    with torch.no_grad():
        output = model(torch.randn(2, 12, 2, 25, 3), torch.ones(2, 12, 2, dtype=torch.bool))
        whole.fc = nn.Identity()  # type: ignore[assignment]
        expected = model.classifier(whole(output.recalibrated))
    torch.testing.assert_close(output.logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", IMAGENET_STCM)
def test_imagenet_networks_have_224_rows_and_no_dropout(name: str) -> None:
    with torch.device("meta"):
        model = MAN(60, stcm=name)
    assert (model.frames, model.classifier.in_features) == (224, IMAGENET_STCM[name])
    assert {(t.cell.dim, t.cell.rate) for t in model.tarms} == {(128, 0.0)}
