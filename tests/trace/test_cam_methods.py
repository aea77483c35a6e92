"""Maps by the grad-cam package: the same numbers, one scale a clip, and the network untouched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from trace_films import card, loaded

from actviz.clip.preprocess import model_frames
from actviz.clip.types import Clip
from actviz.errors import ActvizError
from actviz.trace import cam_methods
from actviz.trace.cam_methods import CAM_METHODS, check_method, evidence_by, has_class
from actviz.trace.glances import CachedTMNet, glance_trace, glances_at
from models.tmnet import TMNet

FRAMES, CLASS = 18, 1  # more frames than go through the package at once
PACKAGES = [name for name in CAM_METHODS if name != "cam"]


def looked(variant: str = "2d", frames: int = FRAMES) -> CachedTMNet:
    pictures = np.random.default_rng(0).integers(0, 255, (frames, 40, 40, 3)).astype(np.uint8)
    clip = Clip(pictures, np.arange(frames) / 10, np.arange(frames), "noise", "0")
    more = {} if variant == "2d" else {"variant": variant}
    torch.manual_seed(0)
    return glances_at(loaded(card("tmnet", overrides=more)), clip)


@pytest.mark.parametrize("variant", ["2d", "3d-a", "3d-b"])
@pytest.mark.parametrize("method", ["gradcam", "xgradcam", "hirescam"])
def test_gradient_methods_of_the_package_equal_the_exact_maps(variant, method):
    """All three are exact behind global average pooling and one linear layer, but for h·w."""
    cached = looked(variant)
    exact = evidence_by("cam", cached, CLASS)  # (2, T, h, w)
    theirs = evidence_by(method, cached, CLASS) * exact[0, 0].numel()
    assert exact.shape[:2] == (2, FRAMES)
    torch.testing.assert_close(theirs, exact.cpu(), rtol=0, atol=1e-5 * float(exact.abs().max()))


@pytest.mark.parametrize("method", PACKAGES)
def test_every_method_gives_both_branches_one_scale(method):
    trace = glance_trace(looked(frames=2), cam_class="b", method=method)
    assert trace.cam_method == method
    assert trace.cam_rb.shape == trace.cam_cb.shape == (2, 2, 2)
    assert max(trace.cam_rb.max(), trace.cam_cb.max()) == (1.0 if trace.cam_max > 0 else 0.0)
    assert np.isfinite(trace.cam_rb).all()


def test_score_cam_weighs_channels_by_the_scores_of_the_frame_masked_by_them():
    """By the method's paper: a channel's mask is its map, brought to size and to [0, 1]."""
    cached = looked(frames=1)
    frame, maps = model_frames(cached.clip.frames, 32), cached.maps[0]  # (1, 3, 32, 32), (1, C, …)
    masks = F.interpolate(maps, size=(32, 32), mode="bilinear", align_corners=True)[0]  # (C, …)
    low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
    masked = frame * ((masks - low) / (high - low + 1e-8))[:, None]  # (C, 3, 32, 32)
    with torch.no_grad():
        weight = cached.model.glance(masked[None]).logits_rb[0, :, CLASS].softmax(0)
    expected = torch.einsum("c,chw->hw", weight, maps[0])
    found = evidence_by("scorecam", cached, CLASS)[0, 0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_ablation_cam_weighs_channels_by_the_fall_of_the_score_in_every_frame_alike():
    """Of a linear head that is weight · mean: nothing is divided by a frame's own score, which may
    be near zero, and then outshines the clip, or below it, and then turns the map around."""
    cached = looked(frames=6)
    cached.model.classifier.bias.data[CLASS] = -float(cached.branches[..., CLASS].median())
    weight = cached.model.classifier.weight[CLASS].detach()
    fall = cached.maps.mean((-2, -1)) * weight  # (2, T, C)
    expected = torch.einsum("btc,btchw->bthw", fall, cached.maps)
    found = evidence_by("ablationcam", cached, CLASS)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("method", ["eigencam", "eigengradcam"])
def test_the_sign_of_an_eigenvector_is_not_left_to_chance(method, monkeypatch):
    """A map and its negative are the same component: whichever comes out, one is shown."""
    cached, package = looked(frames=6), cam_methods._package()
    found = evidence_by(method, cached, CLASS)
    signs, project = iter([-1.0, 1.0, 1.0, -1.0] * 3), package.eigen_cam.get_2d_projection

    def turned(values: np.ndarray) -> np.ndarray:
        return np.stack([next(signs) * one for one in project(values)])

    monkeypatch.setattr(package.eigen_cam, "get_2d_projection", turned)
    monkeypatch.setattr(package.eigen_grad_cam, "get_2d_projection", turned)
    torch.testing.assert_close(evidence_by(method, cached, CLASS), found)


def test_modes_and_hooks_are_as_before_even_after_a_failure(monkeypatch):
    cached = looked(frames=2)
    model = cached.model.train()
    model.base.eval()  # some parts in one mode, some in the other
    modes = [m.training for m in model.modules()]

    def fails(*_args: object) -> None:
        raise IndexError("as the package swallows it")

    monkeypatch.setattr(TMNet, "glance", fails)
    with pytest.raises(IndexError, match="swallows"):
        evidence_by("scorecam", cached, CLASS)
    assert [m.training for m in model.modules()] == modes
    assert all(not m._forward_hooks for m in model.modules())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("method", PACKAGES)
def test_no_method_touches_the_network(method):
    cached = looked(frames=1)
    cached.model.train()
    with torch.inference_mode():  # in which the package alone fails
        evidence_by(method, cached, CLASS)
    assert all(m.training for m in cached.model.modules())
    assert all(p.grad is None and p.requires_grad for p in cached.model.parameters())


def test_frozen_weights_have_gradient_maps_too():
    cached = looked(frames=1)
    expected = evidence_by("gradcam", cached, CLASS)
    cached.model.requires_grad_(False)
    torch.testing.assert_close(evidence_by("gradcam", cached, CLASS), expected)


def test_progress_counts_the_frames_of_both_branches():
    told: list[tuple[int, int]] = []
    evidence_by(
        "layercam", looked(), CLASS, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(16, 36), (32, 36), (36, 36)]


def test_methods_that_make_no_sense_are_refused_in_a_sentence():
    with pytest.raises(ActvizError, match=r"must be one of cam, gradcam, .*; got 'magic'"):
        check_method("magic")
    with pytest.raises(ActvizError, match="TMNet-3D-B sees all of them together"):
        evidence_by("scorecam", looked("3d-b", frames=1), CLASS)
    assert [name for name in CAM_METHODS if not has_class(name)] == ["eigencam"]


def test_missing_package_is_named(monkeypatch):
    def gone(_name: str) -> None:
        raise ImportError("no such module")

    monkeypatch.setattr(cam_methods, "import_module", gone)
    with pytest.raises(ActvizError, match="pip install grad-cam"):
        evidence_by("gradcam", looked(frames=1), CLASS)


def test_the_package_shows_no_progress_bars_of_its_own(capsys):
    evidence_by("ablationcam", looked(frames=1), CLASS)
    assert capsys.readouterr().err == ""
