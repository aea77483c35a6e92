"""Exact class activation maps: by hand, against the logit, and against the grad-cam package."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import models
from actviz.trace.cam import exact_cam, scale_together

FRAMES, SIZE = 3, 64


def test_cam_is_the_weighted_sum_of_the_maps():
    maps = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, -1.0]]])  # (C=2, 2, 2)
    cam = exact_cam(maps, torch.tensor([2.0, 10.0]))
    assert cam.tolist() == [[12.0, 4.0], [6.0, -2.0]]


def test_weight_of_another_width_is_refused():
    with pytest.raises(ValueError, match="one number per channel"):
        exact_cam(torch.zeros(4, 2, 2), torch.zeros(3))


def test_both_branches_share_one_scale():
    maximum, (one, other) = scale_together(torch.tensor([[4.0, -1.0]]), torch.tensor([[2.0, 0.0]]))
    assert maximum == 4.0
    assert one.tolist() == [[1.0, 0.0]]
    assert other.tolist() == [[0.5, 0.0]]


def test_no_positive_evidence_gives_zero_maps_not_nan():
    maximum, (cam,) = scale_together(torch.full((2, 3, 3), -1.0))
    assert maximum == 0.0
    assert np.count_nonzero(cam) == 0


@pytest.fixture
def tmnet() -> nn.Module:
    model = models.build("tmnet", num_classes=5, backbone="resnet18_narrow", width=4)
    return model.eval()


@pytest.mark.parametrize("branch", ["rb", "cb"])
def test_mean_of_the_cam_plus_bias_is_the_logit(tmnet, branch):
    glance = tmnet.glance(torch.rand(1, FRAMES, 3, SIZE, SIZE))
    cam = exact_cam(getattr(glance, f"maps_{branch}"), tmnet.classifier.weight[2])
    logit = getattr(glance, f"logits_{branch}")[..., 2]
    torch.testing.assert_close(cam.mean((-2, -1)) + tmnet.classifier.bias[2], logit)


class OneBranch(nn.Module):
    """A branch as grad-cam wants it: frames (N, 3, H, W) in, logits (N, K) out, no dataclass."""

    def __init__(self, model: nn.Module, branch: str) -> None:
        super().__init__()
        self.model, self.branch = model, branch
        self.last = nn.Identity()  # the maps pass through here: grad-cam's target layer

    def forward(self, frames: Tensor) -> Tensor:
        maps = getattr(self.model.glance(frames[:, None]), f"maps_{self.branch}")[:, 0]
        return self.model.classifier(self.last(maps).mean((-2, -1)))


@pytest.mark.parametrize("branch", ["rb", "cb"])
def test_exact_cam_equals_grad_cam_before_any_scaling(tmnet, branch):
    """Grad-CAM on the last maps of a GAP + FC head weighs channel c by weight[k, c] / (h·w)."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    frames, wrapped = torch.rand(FRAMES, 3, SIZE, SIZE), OneBranch(tmnet, branch)
    targets = [ClassifierOutputTarget(2)] * FRAMES
    with GradCAM(model=wrapped, target_layers=[wrapped.last]) as cam:
        cam(input_tensor=frames, targets=targets)
        activations = cam.activations_and_grads.activations[0].cpu().numpy()
        gradients = cam.activations_and_grads.gradients[0].cpu().numpy()
        theirs = cam.get_cam_image(
            frames, wrapped.last, targets, activations, gradients, eigen_smooth=False
        )
    maps = getattr(tmnet.glance(frames[None]), f"maps_{branch}")[0]
    ours = exact_cam(maps, tmnet.classifier.weight[2]).detach().numpy()
    places = ours.shape[-1] * ours.shape[-2]
    np.testing.assert_allclose(theirs * places, ours, atol=1e-5 * np.abs(ours).max())
