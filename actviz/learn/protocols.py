"""How a clip is looked at when a model is tested: which frames, which crops, which mean.

    25x10     25 segments x 10 crops, as TSN and two-stream networks test
    10-crop   as many frames as in training, each in ten crops
    25        25 segments, the centre crop
    centre    as many frames as in training, the centre crop
    25-clips  25 runs of as many frames as in training, from places spread over the clip, each run
              answered by itself (VideoLSTM's code): for what was trained on such runs ("strided")
    glance    one frame, the middle of the clip, its centre crop (TMNet's one glance)

The ten crops are four corners and the centre of the picture at its test size (short side 256 for an
input of 224), each also mirrored; a mirrored flow field has its x inverted. MAM and its rivals,
which read frames in order, and the clip networks beside TMNet answer once for each crop, from all
its frames; TSN and TMNet answer for each picture alone. Logits are then averaged, in double
precision and rounded to single once: 250 numbers of 24 bits add up exactly in its 53 unless they
differ in size by more than a million, so that the order in which pictures are added shows in no
digit. The 3-D kinds of TMNet answer by their regression branch, 3-D-B from all frames of a crop
together.

B clips · T snippets · L frames of one snippet (flow) · V crops or runs · C channels · S pixels ·
K classes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import models
from actviz.clip.sampling import glance_index, segment_indices, snippet_indices
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card
from actviz.learn.data.sources import FrameSource
from actviz.learn.data.streams import TwoStreams
from actviz.learn.data.transforms import (
    centre_crop,
    picture_indices,
    resize_side,
    ten_crop,
    to_tensor,
)
from actviz.learn.tested import crop_side, motion_length

__all__ = [
    "VIEWS",
    "Answers",
    "Views",
    "answer",
    "clip_pictures",
    "clip_streams",
    "pick_views",
    "pictures_at_once",
    "snippets",
]

_ON_CLIPS = ("tsm", "res_i3d", "resnet3d18")  # their frames see one another
_ON_CPU = 16  # pictures of 224 x 224 through a network at once
_ON_GPU = 256, 60 * 2**20  # at most, and bytes that VGG16 and ResNet-101 need for one of them


@dataclass(frozen=True)
class Views:
    """One test protocol."""

    words: str
    segments: int | None  # snippets looked at; None: as many as in training
    crops: int  # 1 or 10
    runs: int = 1  # of consecutive frames, each answered by itself

    def looks(self, card: Card) -> int:
        """Pictures of one clip that the network sees."""
        return self.runs * self.crops * (self.segments or card.frames)


VIEWS: dict[str, Views] = {
    "25x10": Views("25 segments, 10 crops", 25, 10),
    "10-crop": Views("frames as in training, 10 crops", None, 10),
    "25": Views("25 segments, centre crop", 25, 1),
    "centre": Views("frames as in training, centre crop", None, 1),
    "25-clips": Views("25 runs of frames as in training, centre crop", None, 1, runs=25),
    "glance": Views("one glance at the middle frame, centre crop", 1, 1),
    "whole": Views("whole sequences", None, 1),
}
Answers = dict[str, NDArray[np.float32]]  # "logits" (B, K); TMNet's branches "rb", "cb" too


def pick_views(card: Card, name: str = "") -> str:
    """The protocol asked for, or the card's own.

    Raises:
        ActvizError: no such protocol, or one that the model has no use for.
    """
    if card.input_size is None:
        if name not in ("", "whole"):
            raise ActvizError(
                f"{card.model} looks at whole skeleton sequences; leave --views {name} out."
            )
        return "whole"
    chosen = name or card.test_views
    pictures = [n for n in VIEWS if n != "whole"]
    if chosen not in pictures:
        raise ActvizError(f"--views must be one of {', '.join(pictures)}; got {chosen!r}.")
    return chosen


def snippets(card: Card, views: str, count: int) -> NDArray[np.int64]:
    """Numbers (T, L) of the frames or flow fields that are looked at, of ``count`` there are.

    Segments are looked at in their middle (TSN's test rule), runs begin in the middle of equal
    parts of where they can, one after the other; clips too short repeat frames.
    """
    length, segments, runs = card.flow_length, VIEWS[views].segments, VIEWS[views].runs
    if runs > 1:
        run = card.stride * np.arange(card.frames)
        starts = segment_indices(count, runs, length=int(run[-1]) + length)
        return snippet_indices((starts[:, None] + run).reshape(-1), length, count)
    if views == "glance":
        start = glance_index(max(count - length + 1, 1))
        return snippet_indices([start], length, count)
    sampling: Any = "tsn" if segments else card.sampling
    frames = segments or card.frames
    return picture_indices(count, frames, sampling=sampling, length=length, stride=card.stride)


def clip_pictures(source: FrameSource, clip: int, card: Card, views: str) -> Tensor:
    """What the network sees of one clip: uint8 (V, T, C, S, S), C = 3 or 2L.

    Raises:
        ClipReadError: the clip cannot be read.
    """
    at = snippets(card, views, source.count(clip))  # (T, L)
    wanted, place = np.unique(at, return_inverse=True)
    pictures = source.read(clip, wanted)[place.reshape(-1)]  # (T·L, H, W, 3 or 2)
    return _cropped(to_tensor(pictures, at.shape[1]), card, views, flow=card.modality == "flow")


def clip_streams(source: Any, clip: int, card: Card, views: str) -> tuple[Tensor, ...]:
    """``clip_pictures`` for each stream of the network: one, or frames and the flow around each.

    Raises:
        ClipReadError: the clip cannot be read.
    """
    pictures = clip_pictures(source, clip, card, views)
    if not isinstance(source, TwoStreams):
        return (pictures,)
    at = snippets(card, views, source.count(clip))[:, 0]
    flow = source.snippets(clip, at, motion_length(card))  # (T, 2L, H, W)
    return pictures, _cropped(flow, card, views, flow=True)


def _cropped(pictures: Tensor, card: Card, views: str, *, flow: bool) -> Tensor:
    """(T, C, H, W) -> (V, T, C, S, S); of runs (R·T, …) -> (R, T, …)"""
    how: Any = card.resize
    resized, size = resize_side(pictures, crop_side(card), how=how), card.input_size or 0
    if VIEWS[views].crops == 1:
        return centre_crop(resized, size).unflatten(0, (VIEWS[views].runs, -1))
    return ten_crop(resized, size, flow=flow)


def pictures_at_once(device: torch.device, size: int) -> int:
    """How many pictures of ``size`` pixels suit the memory of ``device``."""
    share = max(size, 1) ** 2 / 224**2  # of a usual picture
    if device.type != "cuda":
        return max(1, int(_ON_CPU / share))
    most, each = _ON_GPU
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(int(most / share), int(free / 2 / (each * share))))


def answer(
    network: nn.Module,
    model: str,
    pictures: Tensor,
    *,
    at_once: int,
    motion: Tensor | None = None,
) -> Answers:
    """What ``network`` says to each clip, ``at_once`` pictures through its frame CNN at a time.

    Args:
        model: a key of ``models.BUILDERS`` that looks at pictures.
        pictures: uint8 (B, V, T, C, S, S), as stored: 0–255.
        motion: of a network of two streams, flow (B, V, T, 2L, S, S); None: ``pictures`` again.
    """
    batch, crops, count = pictures.shape[:3]
    device = next(network.parameters()).device
    flat = pictures.flatten(0, 2)  # (B·V·T, C, S, S)
    shape = (batch * crops, count)
    told: dict[str, Tensor] = {}
    any_network: Any = network
    if model == "mam":
        features = _features(flat, any_network.features, at_once, device)
        told["logits"] = any_network.rollout(features.unflatten(0, shape)).logits
    elif isinstance(network, models.SequenceModel):
        streams = [_features(flat, any_network.features, at_once, device).unflatten(0, shape)]
        if network.two_stream:
            flow = flat if motion is None else motion.flatten(0, 2)
            found = _features(flow, any_network.motion_features, at_once, device)
            streams.append(found.unflatten(0, shape))
        told["logits"] = any_network.rollout(*streams).logits
    elif model == "tsn":
        rows = [any_network(part).frame_logits[:, 0] for part in _parts(flat, at_once, device)]
        told["logits"] = torch.cat(rows)
    elif model in _ON_CLIPS:
        clips = _clips(flat.unflatten(0, shape), max(1, at_once // count), device)
        told["logits"] = torch.cat([any_network(part).logits for part in clips])
    elif any_network.variant != "2d":  # RB answers; 3-D-B's base wants the whole clip at once
        clips = _clips(flat.unflatten(0, shape), max(1, at_once // count), device)
        told["logits"] = torch.cat([any_network.answer(part) for part in clips])
    else:
        glances = [any_network.glance(part) for part in _parts(flat, at_once, device)]
        for name, key in (("logits", "logits"), ("logits_rb", "rb"), ("logits_cb", "cb")):
            told[key] = torch.cat([getattr(glance, name)[:, 0] for glance in glances])
    return {name: _mean(logits, batch) for name, logits in told.items()}


def _features(
    pictures: Tensor, look: Callable[[Tensor], Tensor], at_once: int, device: torch.device
) -> Tensor:
    """What the frame CNN says to each of pictures (n, C, S, S): (n, …)."""
    return torch.cat([look(part)[:, 0] for part in _parts(pictures, at_once, device)])


def _clips(clips: Tensor, at_once: int, device: torch.device) -> Iterator[Tensor]:
    """Clips (R, T, C, S, S) in [0, 1], so many rows at once."""
    for start in range(0, len(clips), at_once):
        yield clips[start : start + at_once].to(device).float() / 255


def _parts(pictures: Tensor, at_once: int, device: torch.device) -> Iterator[Tensor]:
    """Pictures (n, C, S, S) as clips of one frame (<= at_once, 1, C, S, S) in [0, 1]."""
    return _clips(pictures[:, None], at_once, device)


def _mean(logits: Tensor, batch: int) -> NDArray[np.float32]:
    """Mean over what each clip was answered by: (B·n, K) -> (B, K)."""
    numbers = logits.float().cpu().numpy().astype(np.float64)
    return numbers.reshape(batch, -1, logits.shape[-1]).mean(1).astype(np.float32)
