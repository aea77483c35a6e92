"""Clip CNNs: inflation, kernels and strides in time, weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import models
from models.backbones import build_backbone
from models.backbones3d import (
    BACKBONES_3D,
    ClipCNN,
    ClipConv3d,
    TimeConv3d,
    build_backbone_3d,
    inflate,
    to_channels_last,
)


def pair(name: str, **more) -> tuple[torch.nn.Module, ClipCNN]:
    width = 4 if "narrow" in name else None
    torch.manual_seed(0)
    flat = build_backbone(BACKBONES_3D[name], width=width).eval()
    torch.manual_seed(0)
    return flat, build_backbone_3d(name, width=width, **more).eval()


def lengths(cube: ClipCNN) -> dict[str, int]:
    """Length in time of every kernel that is longer than one."""
    return {
        name: layer.kernel_size[0]
        for name, layer in cube.stages.named_modules()
        if isinstance(layer, TimeConv3d) and layer.kernel_size[0] > 1
    }


def on_meta(name: str) -> ClipCNN:
    with torch.device("meta"):
        return build_backbone_3d(name).eval()


@pytest.mark.parametrize("name", ["slowonly18_narrow", "i3d_resnet50", "i3d_resnet18_narrow"])
def test_still_clip_is_answered_as_its_frame(name: str) -> None:
    flat, cube = (net.double() for net in pair(name, time_padding="replicate"))
    frame = torch.rand(2, 1, 3, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        expected, got = flat(frame[:, 0]), cube(frame.expand(2, 8, 3, 32, 32))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_published_padding_answers_alike_away_from_the_ends() -> None:
    flat, cube = pair("slowonly18_narrow")
    frame = torch.rand(1, 1, 3, 32, 32)
    with torch.no_grad():
        maps, expected = cube.maps(frame.expand(1, 11, 3, 32, 32)), flat.maps(frame[:, 0])
    # Four convolutions of 3 in time reach four steps: step 5 of 11 sees no end, step 0 does.
    torch.testing.assert_close(maps[:, :, 5], expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(maps[:, :, 0], expected, rtol=1e-2, atol=1e-2)


def test_slowonly_has_kernels_in_time_in_its_last_two_stages_alone() -> None:
    blocks = [f"3.{b}.conv1" for b in range(6)] + [f"4.{b}.conv1" for b in range(3)]
    assert lengths(on_meta("slowonly50")) == dict.fromkeys(blocks, 3)


def test_slowonly50_is_as_large_as_published_and_keeps_time() -> None:
    cube = on_meta("slowonly50")
    with_400_classes = sum(p.numel() for p in cube.parameters()) + 2048 * 400 + 400
    assert with_400_classes == 32_454_096  # MMAction2's table: 32.45 M
    maps = cube.maps(torch.empty(1, 8, 3, 224, 224, device="meta"))
    assert maps.shape == (1, 2048, 8, 7, 7)


def test_i3d_has_kernels_in_every_second_block_and_an_eighth_of_the_steps() -> None:
    cube = on_meta("i3d_resnet50")
    blocks = ["1.0", "1.1", "1.2", "2.0", "2.2", "3.0", "3.2", "3.4", "4.1"]
    assert lengths(cube) == {"0.0": 5} | {f"{b}.conv1": 3 for b in blocks}
    assert cube.maps(torch.empty(1, 32, 3, 64, 64, device="meta")).shape == (1, 2048, 4, 2, 2)
    assert cube.maps(torch.empty(1, 1, 3, 64, 64, device="meta")).shape[2] == 1


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_gradient_of_a_kernel_longer_than_the_clip_is_right_in_bfloat16(steps: int) -> None:
    """oneDNN's reads memory that nobody wrote, so that a training ends in nan: see ClipConv3d."""
    torch.manual_seed(0)
    conv = ClipConv3d(16, 16, (5, 3, 3), padding=(2, 1, 1), bias=False)
    maps = torch.randn(4, 16, steps, 6, 6)
    seen, exact = conv(maps), torch.nn.functional.conv3d(maps, conv.weight, padding=(2, 1, 1))
    torch.testing.assert_close(seen, exact)
    gradients = []
    for mixed in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            out = conv(maps)
        gradients.append(torch.autograd.grad(out.float().square().sum(), conv.weight)[0])
    error = (gradients[1] - gradients[0]).norm() / gradients[0].norm()
    assert error < 0.02


def test_moving_pictures_are_told_from_still_ones() -> None:
    _, cube = pair("slowonly18_narrow")
    clip = torch.rand(1, 6, 3, 32, 32)
    shuffled = clip[:, [3, 0, 5, 1, 4, 2]]
    with torch.no_grad():
        assert not torch.allclose(cube(clip), cube(shuffled), rtol=1e-3, atol=1e-3)


def test_flat_file_is_inflated_and_cubic_file_is_taken_as_it_is(tmp_path: Path) -> None:
    flat, cube = pair("slowonly18_narrow")
    torch.save(flat.state_dict(), tmp_path / "flat.pth")
    torch.save(cube.state_dict(), tmp_path / "cube.pth")
    for file in ("flat.pth", "cube.pth"):
        torch.manual_seed(7)
        again = build_backbone_3d("slowonly18_narrow", width=4, weights=tmp_path / file)
        for key, value in cube.state_dict().items():
            torch.testing.assert_close(again.state_dict()[key], value)


def test_inflation_keeps_names_statistics_and_mode() -> None:
    flat = build_backbone("resnet18_narrow", width=4)
    flat.stages[0][1].running_mean.fill_(3.0)
    names = list(flat.state_dict())
    cube = inflate(flat, "slowonly18_narrow")
    assert list(cube.state_dict()) == names
    assert bool((cube.state_dict()["stages.0.1.running_mean"] == 3).all())


def test_three_dimensional_file_for_a_frame_cnn_is_refused_in_words(tmp_path: Path) -> None:
    _, cube = pair("slowonly18_narrow")
    torch.save(cube.state_dict(), tmp_path / "cube.pth")
    with pytest.raises(ValueError, match=r"cube\.pth: expected 2-D kernels.*weights_3d"):
        build_backbone("resnet18_narrow", width=4, weights=tmp_path / "cube.pth")


def test_channels_last_lays_out_both_kinds_of_kernel_and_changes_no_value() -> None:
    model = models.build(
        "tmnet", num_classes=3, backbone="resnet18_narrow", width=4, variant="3d-a"
    ).eval()
    frames = torch.rand(2, 4, 3, 32, 32)
    before = model(frames, key=1).logits
    assert to_channels_last(model) is model
    flat, cube = model.regression[1][1].conv1.weight, model.classification[1][1].conv1.weight
    assert flat.is_contiguous(memory_format=torch.channels_last)
    assert cube.is_contiguous(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(model(frames, key=1).logits, before, rtol=1e-4, atol=1e-5)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="backbone_3d must be one of slowonly18"):
        build_backbone_3d("slowonly5")
    with pytest.raises(ValueError, match='time_padding must be "zeros" or "replicate"'):
        build_backbone_3d("slowonly18_narrow", time_padding="edge")
    with pytest.raises(ValueError, match="no ImageNet weights"):
        build_backbone_3d("slowonly18_narrow", weights="imagenet")
    with pytest.raises(ValueError, match=r"\(B, T, 3, H, W\)"):
        build_backbone_3d("slowonly18_narrow", width=4)(torch.rand(2, 3, 8, 32, 32))
