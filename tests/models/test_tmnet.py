"""TMNet: its two graphs, its key frame and its loss."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.backbones import build_backbone
from models.tmnet import TMNet, centre_key, draw_key, key_range, tmnet_loss


def make(**more) -> TMNet:
    torch.manual_seed(1)
    return TMNet(4, backbone="resnet18_narrow", width=4, **more)


def clip(batch: int = 2, frames: int = 5) -> Tensor:
    return torch.rand(batch, frames, 3, 32, 32, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("base_stages", [0, 1, 2, 3])
def test_base_and_branch_together_are_one_resnet(base_stages: int) -> None:
    model = make(base_stages=base_stages).eval()
    whole = build_backbone("resnet18_narrow", width=4).eval()
    model.load_backbone(whole.state_dict())
    assert len(model.base) == 1 + base_stages and len(model.regression) == 4 - base_stages
    frames = clip(1, 3)
    output = model(frames, key=1)
    feature = whole(frames[0])  # (T, C)
    torch.testing.assert_close(output.feature_cb[0], feature.mean(0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(output.feature_rb[0], feature[1], rtol=1e-4, atol=1e-5)


def test_branches_start_alike_and_share_no_weights() -> None:
    model = make()
    pairs = zip(model.regression.parameters(), model.classification.parameters(), strict=True)
    for rb, cb in pairs:
        assert torch.equal(rb, cb) and rb.data_ptr() != cb.data_ptr()


def test_regression_target_carries_no_gradient_to_the_classification_branch() -> None:
    model = make()
    output = model(clip(), key=2)
    target = torch.tensor([0, 1])
    only_regression = tmnet_loss(output, target) - F.cross_entropy(output.logits_cb, target)
    only_regression.backward()
    assert all(not p.grad.abs().gt(1e-6).any() for p in model.classification.parameters())
    assert any(p.grad.abs().gt(1e-6).any() for p in model.regression.parameters())


@pytest.mark.parametrize("level", ["vector", "map"])
def test_target_that_is_not_detached_moves_both_branches(level: str) -> None:
    model, target = make(), torch.tensor([0, 1])
    one = tmnet_loss(model(clip(), key=2), target, alpha=0.0)
    both = tmnet_loss(model(clip(), key=2), target, alpha=5.0, level=level, detach_target=False)
    kernel = model.classification[0][0].conv1.weight
    alone, moved = torch.autograd.grad(one, kernel)[0], torch.autograd.grad(both, kernel)[0]
    assert not torch.allclose(alone, moved, rtol=1e-4, atol=1e-8)


def test_loss_is_cross_entropy_plus_alpha_smooth_l1() -> None:
    output, target = make()(clip(), key=0), torch.tensor([3, 1])
    gap = (output.feature_rb - output.feature_cb).abs()
    smooth = torch.where(gap < 1, 0.5 * gap**2, gap - 0.5).mean()
    expected = F.cross_entropy(output.logits_cb, target) + 0.8 * smooth
    torch.testing.assert_close(tmnet_loss(output, target), expected)
    gap = (output.maps_rb - output.maps_cb).abs()
    smooth = torch.where(gap < 1, 0.5 * gap**2, gap - 0.5).mean()
    expected = F.cross_entropy(output.logits_cb, target) + 0.3 * smooth
    torch.testing.assert_close(tmnet_loss(output, target, 0.3, level="map"), expected)


def test_fused_features_equal_averaged_logits() -> None:
    model = make().eval()
    output = model(clip(), key=1)
    fused = model.classifier((output.feature_rb + output.feature_cb) / 2)
    torch.testing.assert_close(output.logits, fused)
    torch.testing.assert_close(output.logits, (output.logits_rb + output.logits_cb) / 2)


def test_glance_sees_each_frame_alone() -> None:
    model, frames = make().eval(), clip()
    together = model.glance(frames)
    for t in range(frames.shape[1]):
        alone = model.glance(frames[:, t : t + 1])
        torch.testing.assert_close(alone.logits[:, 0], together.logits[:, t], rtol=1e-4, atol=1e-5)
        single = model(frames[:, t : t + 1], key=0)  # one frame: both graphs are the same
        torch.testing.assert_close(single.logits, together.logits[:, t], rtol=1e-4, atol=1e-5)


def test_class_activation_maps_average_to_the_logits() -> None:
    model = make().eval()
    glance = model.glance(clip())
    for maps, logits in ((glance.maps_rb, glance.logits_rb), (glance.maps_cb, glance.logits_cb)):
        assert maps.ndim == 5 and maps.shape[:2] == (2, 5)
        cam = torch.einsum("btchw,kc->btkhw", maps, model.classifier.weight)
        torch.testing.assert_close(cam.mean((-2, -1)) + model.classifier.bias, logits)


def test_which_graph_runs_does_not_depend_on_the_mode() -> None:
    model = make()
    for mode in (True, False):
        model.train(mode)
        assert model(clip(), key=0).logits.shape == (2, 4)
        assert model.glance(clip()).logits.shape == (2, 5, 4)


def test_key_is_drawn_from_the_middle_third_and_repeats_with_its_generator() -> None:
    model, frames = make().eval(), clip(8, 9)
    keys = [model(frames, generator=torch.Generator().manual_seed(s)).key for s in (4, 4, 5)]
    assert torch.equal(keys[0], keys[1]) and not torch.equal(keys[0], keys[2])
    assert all(3 <= k <= 5 for key in keys for k in key.tolist())


def test_each_clip_may_have_a_key_of_its_own() -> None:
    model, frames = make().eval(), clip()
    output = model(frames, key=torch.tensor([0, 4]))
    for b, k in enumerate((0, 4)):
        same = model(frames, key=k)
        torch.testing.assert_close(output.feature_rb[b], same.feature_rb[b])


def test_thirds_cover_the_clip_and_are_never_empty() -> None:
    assert [key_range(16, third=t) for t in ("begin", "middle", "end")] == [
        (0, 5),
        (5, 10),
        (10, 16),
    ]
    for frames in range(1, 70):
        for third in ("begin", "middle", "end"):
            start, stop = key_range(frames, third=third)
            assert 0 <= start < stop <= frames
    assert centre_key(16) == 8 and centre_key(1) == 0
    drawn = draw_key(30, batch=1000, generator=torch.Generator().manual_seed(0))
    assert set(drawn.tolist()) == set(range(10, 20))


def test_learns_the_class_and_to_guess_the_memory_from_one_frame() -> None:
    """Eight clips of four colours; the loss shows RB's layers CB's features alone, no label."""
    torch.set_num_threads(1)
    model, target = make(), torch.arange(8) % 4
    colours = torch.rand(4, 3, generator=torch.Generator().manual_seed(3))
    frames = (clip(8, 4) + colours[target][:, None, :, None, None]) / 2
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    draw, losses = torch.Generator().manual_seed(0), []
    for _ in range(40):
        output = model(frames, generator=draw)
        loss = tmnet_loss(output, target)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.2 * losses[0]
    assert (output.logits_rb.argmax(1) == target).all()


def test_no_dropout_unless_asked() -> None:
    assert make().dropout.p == 0.0 and make(dropout=0.4).dropout.p == 0.4


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="0, 1, 2 or 3"):
        make(base_stages=4)
    with pytest.raises(ValueError, match="begin, middle, end, centre, any"):
        make(key_third="late")
    for key in (5, -1, 1.5, True, torch.tensor([0, 1, 2])):  # of a batch of two clips
        with pytest.raises(ValueError, match="0 to 4, one for all or one for each of 2 clips"):
            make()(clip(), key=key)
    with pytest.raises(ValueError, match="vector"):
        tmnet_loss(make()(clip(), key=0), torch.tensor([0, 1]), level="pixel")
