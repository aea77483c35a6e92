"""TMNet's 3-D variants: which part is 3-D, what a glance sees, where the parts come from."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.backbones import build_backbone
from models.backbones3d import build_backbone_3d
from models.tmnet import TMNet, tmnet_loss


def make(variant: str, **more) -> TMNet:
    torch.manual_seed(1)
    return TMNet(4, variant=variant, backbone="resnet18_narrow", width=4, **more).eval()


def clip(batch: int = 2, frames: int = 5, channels: int = 3) -> Tensor:
    draw = torch.Generator().manual_seed(2)
    return torch.rand(batch, frames, channels, 32, 32, generator=draw)


def is_3d(module: nn.Module) -> bool:
    return any(isinstance(m, nn.Conv3d) for m in module.modules())


@pytest.mark.parametrize(
    ("variant", "three"),
    [("2d", (False, False, False)), ("3d-a", (False, True, False)), ("3d-b", (True, True, False))],
)
def test_variants_differ_in_which_parts_are_3d(variant: str, three: tuple[bool, ...]) -> None:
    model = make(variant)
    parts = (model.base, model.classification, model.regression)
    assert tuple(is_3d(part) for part in parts) == three


@pytest.mark.parametrize("variant", ["3d-a", "3d-b"])
def test_papers_networks_are_the_defaults(variant: str) -> None:
    with torch.device("meta"):
        paper = TMNet(101, variant=variant)
        named = TMNet(101, variant=variant, backbone="resnet50", backbone_3d="slowonly50")
    assert {k: v.shape for k, v in paper.state_dict().items()} == {
        k: v.shape for k, v in named.state_dict().items()
    }
    assert paper.classifier.in_features == 2048


@pytest.mark.parametrize("base_stages", [0, 1, 2, 3])
def test_base_and_branch_of_3d_b_together_are_one_slowonly(base_stages: int) -> None:
    model = make("3d-b", base_stages=base_stages)
    whole = build_backbone_3d("slowonly18_narrow", width=4).eval()
    model.base.load_state_dict(
        {k[7:]: v for k, v in whole.state_dict().items() if int(k[7]) <= base_stages}
    )
    cut = 1 + base_stages
    model.classification.load_state_dict(
        {f"{int(k[7]) - cut}{k[8:]}": v for k, v in whole.state_dict().items() if int(k[7]) >= cut}
    )
    feature = model(clip(), key=2).feature_cb
    torch.testing.assert_close(feature, whole(clip()), rtol=1e-4, atol=1e-5)


def test_with_two_stages_shared_slowonlys_base_sees_each_frame_alone() -> None:
    """So that 3d-a and 3d-b are one function where they hold the same weights."""
    flat, cube = make("3d-a"), make("3d-b")
    for one, other in zip(
        flat(clip(), key=1).__dict__.values(), cube(clip(), key=1).__dict__.values(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_regression_branch_starts_as_the_2d_network_and_memory_as_its_inflation() -> None:
    model = make("3d-a")
    for name, flat in model.regression.state_dict().items():
        cube = model.classification.state_dict()[name]
        assert flat.ndim != 4 or torch.allclose(cube.sum(2), flat, atol=1e-6)


@pytest.mark.parametrize("variant", ["3d-a", "3d-b"])
def test_glance_answers_by_the_regression_branch_alone(variant: str) -> None:
    model = make(variant)
    glance = model.glance(clip())
    assert torch.equal(glance.logits, glance.logits_rb)
    torch.testing.assert_close(model.answer(clip()), glance.logits)
    assert {f.name: getattr(glance, f.name).shape[:2] for f in fields(glance)} == dict.fromkeys(
        ("logits", "logits_rb", "logits_cb", "maps_rb", "maps_cb"), (2, 5)
    )


def test_answer_of_2d_is_both_branches() -> None:
    model = make("2d")
    assert torch.equal(model.answer(clip()), model.glance(clip()).logits)


def test_glance_of_3d_a_looks_at_each_frame_on_its_own() -> None:
    model = make("3d-a")
    alone = model.glance(clip()[:, 3:4])
    for field in fields(alone):
        many = getattr(model.glance(clip()), field.name)[:, 3:4]
        torch.testing.assert_close(getattr(alone, field.name), many, rtol=1e-4, atol=1e-5)


def test_memory_of_3d_hears_of_order_and_the_regression_branch_does_not() -> None:
    model = make("3d-a")
    # (Not the reverse order: inflated kernels are alike in both directions of time.)
    here, there = model(clip(), key=2), model(clip()[:, [3, 0, 4, 1, 2]], key=4)
    assert not torch.allclose(here.feature_cb, there.feature_cb, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(here.feature_rb, there.feature_rb, rtol=1e-4, atol=1e-5)


def test_base_that_shortens_time_gives_each_frame_the_step_it_falls_in() -> None:
    torch.manual_seed(0)
    model = TMNet(4, variant="3d-b", backbone="resnet50", backbone_3d="i3d_resnet50").eval()
    with torch.no_grad():
        glance, output = model.glance(clip(1, 16)), model(clip(1, 16), key=9)
    assert glance.logits.shape == (1, 16, 4)
    assert torch.equal(glance.logits[:, 8], glance.logits[:, 15])  # 16 frames, 2 steps
    assert not torch.allclose(glance.logits[:, 7], glance.logits[:, 8], atol=1e-6)
    torch.testing.assert_close(output.logits_rb, glance.logits_rb[:, 9], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("level", ["vector", "map"])
def test_loss_is_that_of_2d(level: str) -> None:
    output = make("3d-a")(clip(), key=1)
    assert output.maps_cb.shape == output.maps_rb.shape
    assert tmnet_loss(output, torch.tensor([0, 3]), level=level).isfinite()


@pytest.mark.parametrize("variant", ["2d", "3d-a", "3d-b"])
def test_frame_cnn_starts_every_part(variant: str) -> None:
    model = make(variant, flow_length=5)
    torch.manual_seed(5)
    whole = build_backbone("resnet18_narrow", width=4)
    model.load_backbone(whole.state_dict())
    kernel = model.base[0][0].weight
    assert kernel.shape[1] == 10  # flow from RGB: the mean over its channels
    torch.testing.assert_close(
        kernel.flatten(2)[:, 4], whole.stages[0][0].weight.mean(1).flatten(1)
    )
    end = whole.stages[4][1].conv1.weight
    for branch in (model.classification, model.regression):
        given = branch[1][1].conv1.weight
        torch.testing.assert_close(given.sum(2) if given.ndim == 5 else given, end)


def test_weights_of_the_3d_part_come_from_their_own_file(tmp_path: Path) -> None:
    torch.manual_seed(3)
    kinetics = build_backbone_3d("slowonly18_narrow", width=4)
    torch.save(kinetics.state_dict(), tmp_path / "kinetics.pth")
    model = make("3d-b", weights_3d=tmp_path / "kinetics.pth")
    assert torch.equal(model.base[0][0].weight, kinetics.stages[0][0].weight)
    last = model.classification[1][1].conv1.weight
    assert torch.equal(last, kinetics.stages[4][1].conv1.weight)


def test_parts_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"as many channels.*128 and 512 in 2-D, 512 and 2048"):
        TMNet(4, variant="3d-a", backbone="resnet18", backbone_3d="slowonly50")
    with pytest.raises(ValueError, match=r"expected backbone_3d.*beside squeezenet1_1"):
        TMNet(4, variant="3d-a", backbone="squeezenet1_1")
    with pytest.raises(ValueError, match=r"variant must be one of 2d, 3d-a, 3d-b"):
        TMNet(4, variant="3d")
    with pytest.raises(ValueError, match=r"backbone_3d and weights_3d for the 3-D ones alone"):
        TMNet(4, backbone_3d="slowonly18")
    whole = build_backbone("resnet18_narrow", width=4).state_dict()
    torch.save(whole, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"expected weights_3d for slowonly18"):
        make("3d-a", weights=tmp_path / "w.pth", backbone_3d="slowonly18")
