"""MAN with DenseNet-161: its published sizes, its input, its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision.models as tv
from torch import Tensor, nn

from models.man import MAN, man_parameter_groups


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def small(**more) -> MAN:
    torch.manual_seed(2)
    return MAN(4, **({"frames": 16, "hidden": 6, "reduction": 4} | more))


def skeletons(batch: int = 2, frames: int = 12, people: int = 2) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(7)
    joints = torch.randn(batch, frames, people, 25, 3, generator=draw)
    return joints, torch.ones(batch, frames, people, dtype=torch.bool)


def paper_densenet(classes: int = 60, **more) -> MAN:
    with torch.device("meta"):
        return MAN(classes, stcm="densenet161", **more)


def test_densenet_variant_has_the_published_sizes_by_default() -> None:
    model = paper_densenet()
    assert (model.frames, model.columns, model.classifier.in_features) == (224, 224, 2208)
    attention = sum(count(t.squeeze) + count(t.excite) for t in model.tarms)
    assert (count(model.tarms) - attention, count(model.tarms)) == (765_216, 784_746)
    cell = model.tarms[0].cell
    assert (cell.dim, cell.rate, cell.recurrent_rate) == (128, 0.0, 0.0)
    assert model.tarms[0].squeeze.out_features == 14
    assert all(n.momentum == 0.01 for n in model.modules() if isinstance(n, torch.nn.BatchNorm2d))


def densenet_parameters(classes: int) -> int:
    """By hand: growth 48, 96 channels to begin with, bottlenecks of 4 x 48, halving between."""
    channels = 96
    total = 3 * channels * 49 + 2 * channels
    for layers in (6, 12, 36, 24):
        for _ in range(layers):
            total += 2 * channels + channels * 192 + 2 * 192 + 192 * 48 * 9
            channels += 48
        if layers != 24:
            total += 2 * channels + channels * (channels // 2)
            channels //= 2
    return total + 2 * channels + channels * classes + classes


def test_number_of_parameters_of_densenet_is_the_sum_by_hand() -> None:
    assert densenet_parameters(1000) == 28_681_000  # torchvision's own
    model = paper_densenet(60)
    assert count(model.stcm) + count(model.classifier) == densenet_parameters(60)


def test_decay_of_densenet_falls_on_its_convolutions_and_the_input_kernels() -> None:
    decayed, rest = man_parameter_groups(paper_densenet())
    assert len(decayed["params"]) == 1 + 2 * (6 + 12 + 36 + 24) + 3 + 3
    assert all(p.ndim == 4 for p in decayed["params"])
    assert (decayed["weight_decay"], rest["weight_decay"]) == (2e-4, 0.0)


def test_densenet_reads_the_image_as_it_is(tmp_path: Path) -> None:
    """No mean and deviation of ImageNet: the stages see what ``recalibrated`` holds."""
    torch.manual_seed(0)
    whole = tv.get_model("densenet161", weights=None).eval()
    torch.save(whole.state_dict(), tmp_path / "d.pth")
    model = small(stcm="densenet161", frames=32, weights=tmp_path / "d.pth").eval()
    with torch.no_grad():
        output = model(*skeletons())
        expected = torch.relu(whole.features(output.recalibrated))
    torch.testing.assert_close(output.maps, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(output.logits, model.classifier(expected.mean((-2, -1))))


def test_wrong_stcm_is_refused() -> None:
    with pytest.raises(ValueError, match="stcm must be one of conv9"):
        small(stcm="densenet")
    with pytest.raises(ValueError, match=r"which start without weights.*got 'conv9'"):
        small(weights="imagenet")
    with pytest.raises(ValueError, match="frames must be at least 29"):
        small(stcm="densenet161", frames=28)
