"""The networks of TMNet's Figures 3 and 4, each as it answers for a video.

V videos · F frames of each · P pictures in one pass
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from actviz.clip.preprocess import model_frames
from actviz.clip.reader import frame_times, read_clip
from actviz.clip.sampling import segment_indices
from actviz.experiments.flops import count_flops
from actviz.experiments.timing import seconds_of

__all__ = [
    "CLIP_NETS",
    "GROUPS",
    "Contender",
    "Ready",
    "answer_of_files",
    "contenders",
    "glancing",
    "ready",
]

CLASSES = 101  # UCF101's: the last layer counts, too
SIZE = 224  # pixels a side, as the paper has it
CPU_PICTURES, CUDA_PICTURES = 8, 128  # in one pass: what a device is quick at


@dataclass(frozen=True)
class Contender:
    """A network and how much of a video it sees."""

    name: str  # as the figure has it
    model: str  # of models.BUILDERS
    frames: int  # F
    clips: int = 1  # of F frames each, of one video: the answer is their mean
    group: str = ""  # which of them are built on the same frame CNN
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def pictures(self) -> int:
        """Frames of one video that go through the network."""
        return self.frames * self.clips


@dataclass(frozen=True)
class Ready:
    """A contender as a network on a device, in the layout that is quicker there."""

    contender: Contender
    network: nn.Module
    device: torch.device
    size: int
    layout: str

    @property
    def one_pass(self) -> int:
        """P, pictures that go through the network at once when there are many videos."""
        return CUDA_PICTURES if self.device.type == "cuda" else CPU_PICTURES

    @property
    def videos(self) -> int:
        """V, how many videos share a pass, so that short looks fill it as long ones do."""
        return max(1, self.one_pass // self.contender.pictures)

    def frames(self, videos: int = 1) -> Tensor:
        """Noise (V · clips, F, 3, S, S) in [0, 1]: what is seen does not change the time."""
        one = self.contender
        shape = (videos * one.clips, one.frames, 3, self.size, self.size)
        return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(self.device)

    def answer(self, frames: Tensor) -> Tensor:
        """Probabilities (V, K) for frames (V · clips, F, 3, S, S)."""
        logits = _logits(self.network, self.contender.model, frames, self.one_pass)
        return logits.unflatten(0, (-1, self.contender.clips)).mean(1).softmax(-1)

    def flops(self) -> int:
        """Floating-point operations of one video's answer."""

        def run(network: nn.Module, frames: Tensor) -> Tensor:
            return _logits(network, self.contender.model, frames, self.one_pass)

        return count_flops(self.network, self.frames(), run=run)


def contenders(backbone: str, *, few: tuple[int, ...] = (8, 4, 2, 1)) -> list[Contender]:
    """What Figure 3 compares on one frame CNN: TSN and TSM on 8 frames, TMNet on 8 and fewer."""
    settings, group = {"backbone": backbone}, GROUPS[backbone]
    rivals = [
        Contender(f"{name} (8 frames), {group}", model, 8, group=group, settings=settings)
        for name, model in (("TSN", "tsn"), ("TSM", "tsm"))
    ]
    return [*rivals, *(glancing(backbone, frames) for frames in few)]


def glancing(backbone: str, frames: int) -> Contender:
    """TMNet-2D at so many glances."""
    seen, group = "one glance" if frames == 1 else f"{frames} frames", GROUPS[backbone]
    settings = {"backbone": backbone}
    return Contender(f"TMNet ({seen}), {group}", "tmnet", frames, group=group, settings=settings)


GROUPS = {"resnet18": "ResNet-18", "resnet50": "ResNet-50", "resnet18_narrow": "narrow"}
CLIP_NETS = (
    Contender("ResNet3D-18 (3×8 frames)", "resnet3d18", 8, clips=3, group="3-D"),
    Contender("Res-I3D-50 (3×8 frames)", "res_i3d", 8, clips=3, group="3-D"),
)


def ready(
    one: Contender, device: torch.device, *, size: int | None = None, tries: int = 2
) -> Ready:
    """Build it with random weights, which cost the same time, and choose the quicker layout."""
    from models import build, to_channels_last

    torch.manual_seed(0)
    plain = build(one.model, num_classes=CLASSES, **one.settings).eval().to(device)
    layouts = {"channels first": plain, "channels last": to_channels_last(deepcopy(plain))}
    made = [Ready(one, net, device, size or SIZE, name) for name, net in layouts.items()]
    return min(made, key=lambda candidate: _quickest(candidate, tries))


@torch.inference_mode()
def _quickest(candidate: Ready, tries: int) -> float:
    frames = candidate.frames()
    runs = [
        seconds_of(lambda: candidate.answer(frames), candidate.device) for _ in range(tries + 1)
    ]
    return min(runs[1:])


def _logits(network: Any, model: str, frames: Tensor, one_pass: int) -> Tensor:
    """Logits (N, K) of N clips; glances stand alone, so that many go in several passes."""
    if model != "tmnet":
        return network(frames).logits
    glances = frames.flatten(0, 1)[:, None]  # (N·F, 1, 3, S, S)
    parts = [network.glance(part).logits[:, 0] for part in glances.split(one_pass)]
    return torch.cat(parts).unflatten(0, frames.shape[:2]).mean(1)


def answer_of_files(one: Ready, paths: Sequence[Any]) -> NDArray[np.float32]:
    """Probabilities (V, K) for V video files: index, decoding, resizing, the network once."""
    seen = []
    for path in paths:
        at = segment_indices(len(frame_times(path)[0]), one.contender.pictures)
        seen.append(model_frames(read_clip(path, frame_index=at).frames, one.size))
    return one.answer(torch.stack(seen).to(one.device)).cpu().numpy()
