"""Flow input: channels, normalisation, cross-modality start, errors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import models
from models.backbones import BACKBONES, build_backbone
from models.frames import Normalise, check_clip


def narrow(**more):
    torch.manual_seed(0)
    return build_backbone("resnet18_narrow", width=4, **more)


@pytest.mark.parametrize("name", BACKBONES)
def test_first_convolution_takes_two_channels_per_field(name: str) -> None:
    with torch.device("meta"):
        backbone = build_backbone(name, flow_length=5).eval()
    first = next(m for m in backbone.modules() if isinstance(m, torch.nn.Conv2d))
    assert first.in_channels == 10
    assert backbone(torch.empty(2, 10, 64, 64, device="meta")).shape == (2, backbone.feature_dim)


def test_names_and_other_shapes_are_those_of_the_rgb_network() -> None:
    rgb, flow = narrow().state_dict(), narrow(flow_length=5).state_dict()
    differ = [k for k in rgb if rgb[k].shape != flow[k].shape]
    assert rgb.keys() == flow.keys() and differ == ["stages.0.0.weight"]


def test_rest_is_zero_and_one_constant_serves_all_channels() -> None:
    normalise = Normalise(flow=True)
    given = torch.tensor([0.5, 0.726, 0.274, 0.5]).view(4, 1, 1)
    torch.testing.assert_close(normalise(given).flatten(), torch.tensor([0.0, 1.0, -1.0, 0.0]))


def test_rgb_file_starts_flow_by_the_mean_over_its_channels(tmp_path: Path) -> None:
    rgb = narrow()
    torch.save(rgb.state_dict(), tmp_path / "rgb.pth")
    flow = narrow(flow_length=5, weights=tmp_path / "rgb.pth")
    kernel = flow.stages[0][0].weight
    torch.testing.assert_close(kernel[:, 3], rgb.stages[0][0].weight.mean(1))
    # Ten equal channels give what three equal ones give, times 10/3: nothing is rescaled.
    plane = torch.randn(1, 1, 16, 16)
    ten, three = (plane.expand(1, n, 16, 16) for n in (10, 3))
    torch.testing.assert_close(
        flow.stages[0][0](ten), rgb.stages[0][0](three) * 10 / 3, rtol=1e-4, atol=1e-5
    )


def test_flow_file_loads_as_it_is(tmp_path: Path) -> None:
    first = narrow(flow_length=5)
    torch.save(first.state_dict(), tmp_path / "flow.pth")
    second = narrow(flow_length=5, weights=tmp_path / "flow.pth")
    assert torch.equal(first.stages[0][0].weight, second.stages[0][0].weight)


def test_flow_file_of_another_length_or_for_rgb_is_refused(tmp_path: Path) -> None:
    torch.save(narrow(flow_length=5).state_dict(), tmp_path / "flow.pth")
    with pytest.raises(ValueError, match=r"for flow_length=1.*takes 10 channels.*flow_length=5"):
        narrow(flow_length=1, weights=tmp_path / "flow.pth")
    with pytest.raises(ValueError, match=r"for RGB.*takes 10 channels.*flow_length=5"):
        narrow(weights=tmp_path / "flow.pth")


@pytest.mark.parametrize("name", ["mam", "tsn", "tmnet"])
def test_single_flow_network_takes_two_channels(name: str) -> None:
    model = models.build(
        name, num_classes=3, backbone="resnet18_narrow", width=4, flow_length=1
    ).eval()
    assert model(torch.rand(2, 4, 2, 32, 32)).logits.shape == (2, 3)


@pytest.mark.parametrize("name", ["mam", "tsn", "tmnet"])
def test_frames_in_place_of_flow_are_refused_in_words(name: str) -> None:
    model = models.build(name, num_classes=3, backbone="resnet18_narrow", width=4, flow_length=5)
    with pytest.raises(ValueError, match=r"\(B, T, 10, H, W\).*flow_length=5.*x, y, x, y"):
        model(torch.rand(2, 4, 3, 32, 32))


def test_wrong_lengths_and_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="flow_length must be the positive number"):
        narrow(flow_length=0)
    with pytest.raises(ValueError, match=r"\(N, 10, H, W\)"):
        narrow(flow_length=5)(torch.rand(2, 3, 32, 32))
    with pytest.raises(TypeError, match="Divide pixels by 255"):
        check_clip(torch.zeros(1, 2, 10, 8, 8, dtype=torch.uint8), flow_length=5)
