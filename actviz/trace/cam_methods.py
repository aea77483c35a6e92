"""Maps of evidence by the methods of the grad-cam package, beside the exact ones.

TMNet ends in global average pooling and one linear layer. All methods but Score-CAM ask about the
last maps alone, so that the package is given that end with the maps as its input: the network
itself is neither run again nor touched (no hook, no gradient, no change of mode), and as there is
no recurrent layer on that way, cuDNN's refusal of a backward pass in eval mode does not arise.
Score-CAM shows the network the frame once for every channel, masked by it: minutes, not seconds.

The package scales every frame by itself, so that a dull one looks as hot as the key frame; here its
maps are taken before that, and get one scale per clip (``actviz.trace.cam.scale_together``).

T frames · C channels · h, w feature-map size · K classes
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from actviz.clip.preprocess import model_frames
from actviz.errors import ActvizError
from actviz.trace.cam import exact_cam
from actviz.trace.common import Progress

if TYPE_CHECKING:
    from actviz.trace.glances import CachedTMNet
    from models.tmnet import TMNet

__all__ = ["CAM_METHODS", "check_method", "evidence_by", "has_class"]

# As grad-cam's own command line names them, and as their papers do.
CAM_METHODS = {
    "cam": "CAM",
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "xgradcam": "XGrad-CAM",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "eigencam": "Eigen-CAM",
    "eigengradcam": "EigenGrad-CAM",
    "ablationcam": "Ablation-CAM",
    "scorecam": "Score-CAM",
}
_IN_PACKAGE = {
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "eigencam": "EigenCAM",
    "eigengradcam": "EigenGradCAM",
    "ablationcam": "AblationCAM",
    "scorecam": "ScoreCAM",
}
_FREE_OF_GRADIENTS = ("eigencam", "ablationcam", "scorecam")
_FRAMES = 16  # at once through the network's end: bounds memory, lets progress show
_MASKS = 16  # masked copies of a frame at once
_BRANCHES = ("maps_rb", "maps_cb")
_PACKAGE = threading.Lock()  # its progress bars are silenced for all threads


def has_class(method: str) -> bool:
    """Whether a method's maps are about a class; Eigen-CAM's are what varies most, of none."""
    return method != "eigencam"


def check_method(method: str, model: TMNet | None = None) -> None:
    """Refuse a method that there is not, or that makes no sense for ``model``.

    Raises:
        ActvizError: in one sentence.
    """
    if method not in CAM_METHODS:
        known = ", ".join(CAM_METHODS)
        raise ActvizError(f"the method of the maps must be one of {known}; got {method!r}.")
    if model is not None and method == "scorecam" and model.variant == "3d-b":
        raise ActvizError(
            "Score-CAM masks one frame at a time and the base of TMNet-3D-B sees all of them "
            "together, so that no single mask can be scored; choose another method of the maps."
        )


def evidence_by(
    method: str, cached: CachedTMNet, chosen: int, *, progress: Progress | None = None
) -> Tensor:
    """Both branches' evidence for class number ``chosen``, signed and unscaled: (2, T, h, w).

    Args:
        method: of ``CAM_METHODS``.
        progress: frames done and frames in all, of both branches.

    Raises:
        ActvizError: no such method, none for this network, or grad-cam is not installed.
    """
    check_method(method, cached.model)
    if method == "cam":
        return exact_cam(cached.maps, cached.model.classifier.weight[chosen].detach())
    package, total = _package(), 2 * len(cached)
    parts: list[NDArray[np.float32]] = []
    done = 0
    with torch.inference_mode(False), torch.set_grad_enabled(method not in _FREE_OF_GRADIENTS):
        for network, given in _shown(cached) if method == "scorecam" else _ended(cached):
            parts.append(_ask(package, method, network, given, chosen))
            done += len(given)
            if progress:
                progress(done, total)
    # Ablation-CAM divides by the class's score: where that is 0, there is nothing to say.
    evidence = torch.from_numpy(np.concatenate(parts)).nan_to_num(0.0, 0.0, 0.0)
    return _comparable(method, evidence.unflatten(0, (2, len(cached))), cached, chosen)


def _comparable(method: str, evidence: Tensor, cached: CachedTMNet, chosen: int) -> Tensor:
    """Maps (2, T, h, w) as they can stand beside one another, where the method leaves that open.

    Ablation-CAM's are in shares of each frame's own score: one whose score is near zero outshines
    the clip, and below zero a map is turned around. They are taken back to the score's own unit.
    """
    if method == "ablationcam":
        exact = exact_cam(cached.maps, cached.model.classifier.weight[chosen].detach())
        score = exact.mean((-2, -1)) + cached.model.classifier.bias[chosen].detach()  # (2, T)
        return evidence * score[..., None, None].to(evidence)
    if method == "eigencam":
        return _turned(evidence, cached.maps.sum(2).to(evidence))
    if method == "eigengradcam":
        exact = exact_cam(cached.maps, cached.model.classifier.weight[chosen].detach())
        return _turned(evidence, exact.to(evidence))
    return evidence


def _turned(maps: Tensor, whole: Tensor) -> Tensor:
    """Maps of principal components (2, T, h, w), whose sign chance leaves, each turned to its like.

    That is the map of the frame before, so that no frame flips, and ``whole``, the sum (2, T, h, w)
    of what was decomposed, which decides at the first frame and after a cut: what is more is up.
    """
    turned, alike = maps.clone(), _standard(whole)
    for branch in range(len(maps)):
        before = torch.zeros_like(maps[branch, 0])
        for at, given in enumerate(_standard(maps)[branch]):
            vote = (given * (before + alike[branch, at])).sum()
            sign = -1.0 if vote < 0 else 1.0
            before = sign * given
            turned[branch, at] *= sign
    return turned


def _standard(maps: Tensor) -> Tensor:
    """Each map (..., h, w) without its mean and of length 1, so that products are correlations."""
    return F.normalize((maps - maps.mean((-2, -1), keepdim=True)).flatten(-2), dim=-1).view_as(maps)


class _End(nn.Module):
    """The end of TMNet: maps (N, C, h, w) -> logits (N, K), by a copy of its classifier."""

    def __init__(self, model: TMNet) -> None:
        super().__init__()
        self.last = nn.Identity()  # the package's target layer: the maps pass through here
        self.classifier = deepcopy(model.classifier)

    def forward(self, maps: Tensor) -> Tensor:
        return self.classifier(self.last(maps).mean((-2, -1)))


class _Branch(nn.Module):
    """One branch from the frame on: (N, 3, S, S) -> logits (N, K)."""

    def __init__(self, model: TMNet, branch: str) -> None:
        super().__init__()
        self.model, self.branch, self.end = model, branch, _End(model)

    @property
    def last(self) -> nn.Module:
        return self.end.last

    def forward(self, frames: Tensor) -> Tensor:
        maps: Tensor = getattr(self.model.glance(frames[:, None]), self.branch)  # (N, 1, C, h, w)
        return self.end(maps[:, 0])


Asked = Iterator[tuple[nn.Module, Tensor]]  # (network, its input of some frames)


def _ended(cached: CachedTMNet) -> Asked:
    """The maps of both branches through the network's end, some frames at a time."""
    end = _End(cached.model)
    for part in cached.maps.flatten(0, 1).split(_FRAMES):
        yield end, part.clone().requires_grad_()  # a copy: made in inference mode, they have none


def _shown(cached: CachedTMNet) -> Asked:
    """Every frame, one at a time, through each branch; afterwards the modes are as they were."""
    device, size = cached.maps.device, cached.loaded.card.input_size
    assert size is not None  # it looks at pictures
    modes = {module: module.training for module in cached.model.modules()}
    try:
        for branch in _BRANCHES:
            network = _Branch(cached.model, branch)
            for at in range(len(cached)):
                yield network, model_frames(cached.clip.frames[at : at + 1], size).to(device)
    finally:
        for module, training in modes.items():
            module.training = training


def _ask(
    package: Any, method: str, network: nn.Module, given: Tensor, chosen: int
) -> NDArray[np.float32]:
    """The package's maps (N, h, w) of one input, before it scales them.

    Not by its own ``with``, which swallows an IndexError.
    """
    target = package.utils.model_targets.ClassifierOutputTarget(chosen)
    cam = _unscaled(getattr(package, _IN_PACKAGE[method]))(network, [network.last])
    cam.batch_size = _MASKS
    try:
        with _without_bars(package):
            maps: NDArray[np.float32] = cam(given, [target] * len(given))
    finally:
        cam.activations_and_grads.release()
    return maps


def _unscaled(kind: Any) -> Any:
    """A method of the package that hands its maps out as they are, at their own size."""

    class Unscaled(kind):
        def compute_cam_per_layer(self, given: Tensor, targets: Any, smooth: bool) -> NDArray:
            seen = self.activations_and_grads
            maps, gradients = (
                values[0].cpu().numpy() if values else None
                for values in (seen.activations, seen.gradients)
            )
            layer = self.target_layers[0]
            found = self.get_cam_image(given, layer, targets, maps, gradients, smooth)
            return np.asarray(found, np.float32)

        def aggregate_multi_layers(self, maps: NDArray) -> NDArray:
            return maps

    return Unscaled


def _package() -> Any:
    try:
        return import_module("pytorch_grad_cam")
    except ImportError as error:
        raise ActvizError(
            f"these maps need the grad-cam package, which cannot be imported here ({error}): pip "
            'install grad-cam, or take the method "cam".'
        ) from None


@contextmanager
def _without_bars(package: Any) -> Iterator[None]:
    """Two of its methods draw a progress bar for every frame, in the midst of ours."""
    modules = (package.score_cam, package.ablation_cam)
    with _PACKAGE:
        theirs = [module.tqdm for module in modules]
        try:
            for module in modules:
                module.tqdm = SimpleNamespace(tqdm=lambda steps: steps)
            yield
        finally:
            for module, bars in zip(modules, theirs, strict=True):
                module.tqdm = bars
