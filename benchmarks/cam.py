"""Seconds of TMNet's maps: exact CAM of both branches against the grad-cam package's Grad-CAM.

    python benchmarks/cam.py [--backbone resnet18] [--frames 16] [--size 224] [--runs 7]
                             [--threads 1] [--device cpu]

Both see the same frames of noise by a network with random weights: the time depends on neither.
Exact CAM is one pass over all frames and one weighted sum of both branches' maps; Grad-CAM is asked
once for each branch, by a wrapper that runs that branch alone, forward and backward. The two take
turns, so that a change of the machine's pace hits both. Prints medians with their ranges, the ratio
of the turns, and how far the maps differ before any scaling.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import Tensor, nn

import models
from actviz.experiments.timing import Work, in_turn, machine_words, ratio, spread
from actviz.trace.cam import exact_cam

CLASS, CLASSES = 3, 101


class Branch(nn.Module):
    """One branch of TMNet as grad-cam wants it: frames (N, 3, H, W) in, logits (N, K) out."""

    def __init__(self, model: Any, branch: str) -> None:
        super().__init__()
        self.base, self.normalise, self.classifier = model.base, model.normalise, model.classifier
        self.branch = model.regression if branch == "rb" else model.classification

    def forward(self, frames: Tensor) -> Tensor:
        maps = self.branch(self.base(self.normalise(frames)))
        return self.classifier(maps.mean((-2, -1)))


def by_exact_cam(model: Any, frames: Tensor) -> Tensor:
    """Signed evidence of both branches (2, N, h, w)."""
    with torch.inference_mode():
        seen = model.glance(frames[None])
        maps = torch.cat((seen.maps_rb, seen.maps_cb))  # (2, N, C, h, w)
        return exact_cam(maps, model.classifier.weight[CLASS])


def by_grad_cam(wrapped: list[Branch], frames: Tensor) -> list[Any]:
    """The package's maps, scaled and enlarged as it does, of each branch."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    targets = [ClassifierOutputTarget(CLASS)] * len(frames)
    found = []
    for branch in wrapped:
        with GradCAM(branch, [branch.branch]) as cam:
            found.append(cam(frames, targets))
    return found


def difference(wrapped: list[Branch], frames: Tensor, exact: Tensor) -> float:
    """Largest difference before scaling, as a share of the largest exact value."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    targets, worst = [ClassifierOutputTarget(CLASS)] * len(frames), 0.0
    for branch, ours in zip(wrapped, exact, strict=True):
        with GradCAM(branch, [branch.branch]) as cam:
            cam(frames, targets)
            maps, gradients = (
                getattr(cam.activations_and_grads, name)[0].cpu().numpy()
                for name in ("activations", "gradients")
            )
            theirs = cam.get_cam_image(frames, branch.branch, targets, maps, gradients)
        places = ours.shape[-1] * ours.shape[-2]
        apart = (torch.from_numpy(theirs) * places - ours.cpu()).abs().max()
        worst = max(worst, float(apart / ours.abs().max()))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = models.build("tmnet", num_classes=CLASSES, backbone=options.backbone)
    model = model.eval().to(options.device)
    frames = torch.rand(options.frames, 3, options.size, options.size, device=options.device)
    wrapped = [Branch(model, name).eval() for name in ("rb", "cb")]
    apart = difference(wrapped, frames, by_exact_cam(model, frames))  # this warms both up, too
    works: dict[str, Work] = {
        "exact CAM of both branches": lambda: by_exact_cam(model, frames),
        "Grad-CAM of both branches": lambda: by_grad_cam(wrapped, frames),
    }
    device = torch.device(options.device)
    print(machine_words(device))
    print(f"TMNet on {options.backbone}, {options.frames} frames of {options.size} pixels a side")
    took = in_turn(works, rounds=options.runs, device=device, warm_up=0)
    for name, figure in took.items():
        print(f"{name}: {spread(figure, 3)} s, {options.runs} runs")
    exact, package = took.values()
    print(
        f"ratio: {spread(ratio(package, exact), 2)}; "
        f"maps differ by {apart:.1e} of their maximum before scaling"
    )


if __name__ == "__main__":
    main()
