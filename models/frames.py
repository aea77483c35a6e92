"""What enters the frame models: its shape, its kind and its normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Normalise", "channels_of", "check_clip", "check_floating", "flow_words"]

_MEAN = (0.485, 0.456, 0.406)  # ImageNet, RGB in [0, 1]
_STD = (0.229, 0.224, 0.225)
_KINETICS = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)  # torchvision's clip CNNs
_FLOW = ((0.5,), (0.226,))  # TSN: the mean of those three deviations, one for all channels


def check_floating(frames: Tensor) -> None:
    """Refuse integers: normalised as if they were in [0, 1], pixels 0-255 answer nonsense.

    Raises:
        TypeError: ``frames`` are not of a floating dtype.
    """
    if not frames.is_floating_point():
        kind = str(frames.dtype).removeprefix("torch.")
        raise TypeError(
            f"frames must be float in [0, 1]; got {kind}. Divide pixels by 255, as "
            "actviz.clip.model_frames does."
        )


def check_clip(frames: Tensor, *, flow_length: int | None = None) -> None:
    """Refuse what is not a batch of clips (B, T, 3, H, W), of flow (B, T, 2L, H, W), in [0, 1].

    Raises:
        ValueError: another shape, or no frame. TypeError: not of a floating dtype.
    """
    channels = channels_of(flow_length)
    if frames.ndim != 5 or frames.shape[2] != channels or not frames.numel():
        raise ValueError(
            f"frames must have shape (B, T, {channels}, H, W) with values in [0, 1] and at least "
            f"one frame{flow_words(flow_length)}; got {tuple(frames.shape)}. "
            f"Did you pass (B, {channels}, T, H, W)?"
        )
    check_floating(frames)


def channels_of(flow_length: int | None) -> int:
    """Channels of what enters: 3 of an RGB frame, 2L of a snippet of flow."""
    return 3 if flow_length is None else 2 * flow_length


def flow_words(flow_length: int | None) -> str:
    """What an error says of the channels where they are flow."""
    if flow_length is None:
        return ""
    return f" (flow_length={flow_length}: its fields as channels x, y, x, y, …)"


class Normalise(nn.Module):
    """Frames (..., 3, H, W) in [0, 1] to zero mean and unit variance over ImageNet, or Kinetics.

    Flow (..., 2L, H, W) in [0, 1] (grey / 255, so that 0.5 is rest): TSN's constants, one for all.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, *, flow: bool = False, kinetics: bool = False) -> None:
        super().__init__()
        mean, std = _FLOW if flow else _KINETICS if kinetics else (_MEAN, _STD)
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        return (frames - self.mean) / self.std
