"""TSM's shift against a direct formula, and the network around it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.baselines.tsm import TSM, temporal_shift
from models.baselines.tsn import TSN


def by_index(maps: Tensor) -> Tensor:
    """S(x)[t, c], one number of time and channel after the other."""
    _, frames, channels, _, _ = maps.shape
    shifted = torch.zeros_like(maps)
    for t in range(frames):
        for c in range(channels):
            source = t + (c < channels // 8) - (channels // 8 <= c < 2 * (channels // 8))
            if 0 <= source < frames:
                shifted[:, t, c] = maps[:, source, c]
    return shifted


@pytest.mark.parametrize("frames", [1, 2, 3, 8])
@pytest.mark.parametrize("channels", [4, 8, 19, 64])
def test_shift_is_its_index_formula(frames: int, channels: int) -> None:
    draw = torch.Generator().manual_seed(0)
    maps = torch.randn(2, frames, channels, 2, 3, generator=draw)
    before = maps.clone()
    assert torch.equal(temporal_shift(maps), by_index(maps))
    assert torch.equal(maps, before)


def test_three_frames_of_eight_channels_by_hand() -> None:
    maps = torch.arange(24.0).view(1, 3, 8, 1, 1)  # frame t holds 8t … 8t + 7
    shifted = temporal_shift(maps).view(3, 8)
    assert shifted[:, 0].tolist() == [8, 16, 0] and shifted[:, 1].tolist() == [0, 1, 9]
    assert torch.equal(shifted[:, 2:], maps.view(3, 8)[:, 2:])
    assert temporal_shift(maps[:, :1]).flatten().tolist() == [0, 0, 2, 3, 4, 5, 6, 7]


def test_shift_keeps_a_layout_of_channels_last() -> None:
    maps = torch.randn(6, 16, 4, 4).to(memory_format=torch.channels_last)
    shifted = temporal_shift(maps.unflatten(0, (2, 3))).flatten(0, 1)
    assert shifted.is_contiguous(memory_format=torch.channels_last)


def with_branches_shifted_by_hooks(model: TSM, frames: Tensor) -> Tensor:
    """The same answer from torchvision's own blocks, the shift hooked before each conv1."""
    for stage in model.backbone.stages[1:]:
        for block in stage:
            block.conv1.register_forward_pre_hook(
                lambda _, x: by_index(x[0].unflatten(0, frames.shape[:2])).flatten(0, 1)
            )
    features = model.backbone(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
    return model.classifier(features).mean(1)


@pytest.mark.parametrize(
    ("backbone", "width"), [("resnet18_narrow", 8), ("resnet34", None), ("resnet50", None)]
)
@torch.no_grad()
def test_residual_branches_alone_are_shifted(backbone: str, width: int | None) -> None:
    torch.manual_seed(0)
    model = TSM(3, backbone=backbone, width=width).eval()
    frames = torch.rand(2, 3, 3, 32, 32)
    got = model(frames)
    expected = with_branches_shifted_by_hooks(model, frames)
    torch.testing.assert_close(got.logits, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(got.logits, got.frame_logits.mean(1))


def test_weights_of_a_plain_network_load_unchanged() -> None:
    plain, shifted = (net(5, backbone="resnet18_narrow", width=8) for net in (TSN, TSM))
    assert list(plain.state_dict()) == list(shifted.state_dict())
    shifted.load_state_dict(plain.state_dict())
    frames = torch.rand(1, 4, 3, 32, 32)
    features = shifted.eval().maps(frames), plain.eval().backbone.maps(frames[0])
    assert not torch.allclose(features[0][0], features[1], rtol=1e-2, atol=1e-3)


def test_a_frame_hears_of_its_neighbours() -> None:
    model = TSM(3, backbone="resnet18_narrow", width=8).eval()
    frames = torch.rand(1, 24, 3, 32, 32, requires_grad=True)
    model(frames).frame_logits[0, 12].sum().backward()
    assert frames.grad is not None
    heard = frames.grad[0].abs().sum((1, 2, 3)).nonzero().flatten().tolist()
    assert heard == list(range(4, 21))  # eight blocks, one step each in both directions


def test_every_second_block_of_a_very_deep_network_is_shifted(monkeypatch) -> None:
    seen = []
    monkeypatch.setattr("models.baselines.tsm.temporal_shift", lambda m: (seen.append(0), m)[1])
    with torch.device("meta"):
        deep, shallow = TSM(3, backbone="resnet101"), TSM(3, backbone="resnet50")
        shallow(torch.rand(1, 2, 3, 32, 32))
        assert len(seen) == 16
        deep(torch.rand(1, 2, 3, 32, 32))
    assert len(seen) - 16 == 3 + 4 + 12 + 3


def test_network_without_residual_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"residual blocks, resnet18, .*got 'vgg16'"):
        TSM(3, backbone="vgg16")
