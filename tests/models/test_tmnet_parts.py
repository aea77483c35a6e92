"""TMNet's parts by hand: who holds which layers, how many numbers that is, and what the loss is."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from models.backbones import build_backbone
from models.backbones3d import TimeConv3d
from models.tmnet import TMNet, TMNetOutput, key_range, tmnet_loss

BLOCKS = {  # of the four stages, and the channels that their last blocks give
    "resnet18": ((2, 2, 2, 2), (64, 128, 256, 512)),
    "resnet34": ((3, 4, 6, 3), (64, 128, 256, 512)),
    "resnet50": ((3, 4, 6, 3), (256, 512, 1024, 2048)),
    "resnext50_32x4d": ((3, 4, 6, 3), (256, 512, 1024, 2048)),
}
PUBLISHED = {  # torchvision's parameter counts, 1000 classes
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnext50_32x4d": 25_028_904,
}


def layer(before: int, after: int, size: int, groups: int = 1) -> int:
    """Numbers of a convolution without bias and its normalisation's scale and shift."""
    return before // groups * after * size**2 + 2 * after


def block(name: str, before: int, after: int) -> int:
    shortcut = layer(before, after, 1) if before != after else 0
    if name in ("resnet18", "resnet34"):
        return layer(before, after, 3) + layer(after, after, 3) + shortcut
    groups = 32 if name.startswith("resnext") else 1
    inner = after // 2 if groups == 32 else after // 4
    return (
        layer(before, inner, 1) + layer(inner, inner, 3, groups) + layer(inner, after, 1) + shortcut
    )


def stages(name: str) -> list[int]:
    """Numbers of the stem and of each of the four stages."""
    counts, channels = BLOCKS[name]
    return [layer(3, 64, 7)] + [
        block(name, before, after) + (count - 1) * block(name, after, after)
        for (before, after), count in zip(pairwise((64, *channels)), counts, strict=True)
    ]


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("name", BLOCKS)
def test_formula_counts_the_whole_network_as_published(name: str) -> None:
    channels = BLOCKS[name][1][-1]
    assert sum(stages(name)) + channels * 1000 + 1000 == PUBLISHED[name]


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("shared", [0, 1, 2, 3])
def test_splits_hold_the_layers_and_numbers_of_table_2(name: str, shared: int) -> None:
    with torch.device("meta"):
        model, whole = TMNet(101, backbone=name, base_stages=shared), build_backbone(name)
    parts, cut = stages(name), 1 + shared  # "0 stages" is the stem alone
    base, end = sum(parts[:cut]), sum(parts[cut:])
    assert size(model.base) == base
    assert size(model.regression) == size(model.classification) == end
    assert size(model) == base + 2 * end + (BLOCKS[name][1][-1] + 1) * 101
    ends = list(whole.stages[cut:].state_dict())
    names = [f"base.{k}" for k in whole.stages[:cut].state_dict()]
    names += [f"{branch}.{k}" for branch in ("classification", "regression") for k in ends]
    assert [n for n in model.state_dict() if not n.startswith("classifier")] == names


@pytest.mark.parametrize("shared", [0, 1, 2, 3])
def test_splits_cut_one_network_at_its_stages(shared: int) -> None:
    whole = build_backbone("resnet18_narrow", width=4)
    model = TMNet(3, backbone="resnet18_narrow", width=4, base_stages=shared)
    model.load_backbone(whole.state_dict())
    for branch in (model.classification, model.regression):
        held = [*model.base, *branch]
        assert len(held) == len(whole.stages) == 5
        for mine, theirs in zip(held, whole.stages, strict=True):
            pairs = zip(mine.state_dict().items(), theirs.state_dict().items(), strict=True)
            assert all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


# ---- a still clip --------------------------------------------------------------------------------


def padded_by_its_ends(model: TMNet) -> TMNet:
    """The clip's ends in place of the published zeros, in every kernel with a length in time."""
    for conv in model.modules():
        if isinstance(conv, TimeConv3d):
            conv.ends = conv.kernel_size[0] // 2
            conv.padding = (0, *conv.padding[1:])
    return model


KINDS = [("slowonly18_narrow", 0), ("slowonly18_narrow", 2), ("i3d_resnet18_narrow", 3)]


@pytest.mark.parametrize("variant", ["3d-a", "3d-b"])
@pytest.mark.parametrize(("backbone_3d", "shared"), KINDS)
@torch.no_grad()
def test_3d_variants_answer_a_still_clip_as_2d(variant, backbone_3d, shared) -> None:
    kind = {"backbone": "resnet18_narrow", "width": 4, "base_stages": shared}
    flat = TMNet(3, **kind).eval()
    cube = padded_by_its_ends(TMNet(3, variant=variant, backbone_3d=backbone_3d, **kind)).eval()
    cube.load_backbone({f"stages.{k}": v for k, v in whole_of(flat).items()})
    cube.classifier.load_state_dict(flat.classifier.state_dict())
    frames = torch.rand(2, 1, 3, 32, 32).expand(2, 8, 3, 32, 32)
    got, expected = cube(frames, key=3), flat(frames, key=3)
    for name in ("logits", "logits_rb", "logits_cb", "feature_rb", "feature_cb", "maps_cb"):
        torch.testing.assert_close(
            getattr(got, name), getattr(expected, name), rtol=1e-4, atol=1e-5, msg=name
        )
    torch.testing.assert_close(got.feature_rb, got.feature_cb, rtol=1e-4, atol=1e-5)


def whole_of(model: TMNet) -> dict[str, Tensor]:
    """Base and classification branch as one network's five stages."""
    return nn.ModuleList([*model.base, *model.classification]).state_dict()


# ---- key frame and loss --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("third", "ranges"),
    [
        ("begin", {1: (0, 1), 2: (0, 1), 8: (0, 2), 16: (0, 5), 64: (0, 21)}),
        ("middle", {1: (0, 1), 2: (0, 1), 8: (2, 5), 16: (5, 10), 64: (21, 42)}),
        ("end", {1: (0, 1), 2: (1, 2), 8: (5, 8), 16: (10, 16), 64: (42, 64)}),
        ("centre", {1: (0, 1), 2: (1, 2), 8: (4, 5), 16: (8, 9), 64: (32, 33)}),
        ("any", {1: (0, 1), 2: (0, 2), 8: (0, 8), 16: (0, 16), 64: (0, 64)}),
    ],
)
def test_key_frames_of_each_rule_by_hand(third: str, ranges: dict) -> None:
    assert {n: key_range(n, third=third) for n in ranges} == ranges


@pytest.mark.parametrize("variant", ["2d", "3d-a", "3d-b"])
@pytest.mark.parametrize("frames", [1, 64])
def test_trains_on_one_frame_and_on_many(variant: str, frames: int) -> None:
    model = TMNet(3, backbone="resnet18_narrow", width=4, variant=variant, key_third="any")
    output = model(torch.rand(2, frames, 3, 16, 16))
    assert bool((output.key < frames).all()) and output.maps_cb.shape == output.maps_rb.shape
    tmnet_loss(output, torch.tensor([0, 2])).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def made_up(feature_rb: list, feature_cb: list, maps_rb: Tensor, maps_cb: Tensor) -> TMNetOutput:
    none = torch.zeros(1, 4)
    rb, cb = torch.tensor([feature_rb]), torch.tensor([feature_cb], requires_grad=True)
    return TMNetOutput(none, none, none, rb, cb, maps_rb, maps_cb, torch.tensor([0]))


def test_loss_by_hand() -> None:
    """ln 4 of four equal logits; SmoothL1 of the gaps 0.5, -2, 0, 1 is 1/8, 3/2, 0, 1/2."""
    maps_rb, maps_cb = torch.tensor([[[[4.0, 0.0]]]]), torch.tensor([[[[1.0, 0.2]]]])
    output = made_up([1.5, 1.0, 3.0, -1.0], [1.0, 3.0, 3.0, -2.0], maps_rb, maps_cb)
    target, said = torch.tensor([2]), math.log(4)
    vector, pixel = 2.125 / 4, (2.5 + 0.02) / 2  # of the maps' gaps 3 and -0.2
    assert tmnet_loss(output, target).item() == pytest.approx(said + 0.8 * vector)
    assert tmnet_loss(output, target, 0.05).item() == pytest.approx(said + 0.05 * vector)
    got = tmnet_loss(output, target, 1.0, level="map", detach_target=False)
    assert got.item() == pytest.approx(said + pixel)


@pytest.mark.parametrize("detached", [True, False])
def test_target_takes_the_gradient_of_smooth_l1_only_where_it_is_not_detached(detached) -> None:
    maps = torch.zeros(1, 1, 1, 1)
    output = made_up([0.5, 0.0], [0.0, 3.0], maps, maps)
    loss = tmnet_loss(output, torch.tensor([0]), 0.8, detach_target=detached)
    if detached:
        assert not loss.requires_grad
    else:  # α/2 times -x where |x| < 1, times -sign beyond
        loss.backward()
        assert output.feature_cb.grad is not None
        torch.testing.assert_close(output.feature_cb.grad, torch.tensor([[-0.2, 0.4]]))
