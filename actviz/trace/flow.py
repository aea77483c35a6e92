"""Optical flow of a video, computed on the way: the snippets that a network on flow looks at.

The file is read once, picture by picture; only the pairs of frames that a snippet needs are decoded
to pixels and compared. What is held at a time: two frames, one field, and the snippets at the size
of the network's input. They equal what training reads of the same clip: frames brought to the same
size, the same quantisation, through JPEG where training's fields lay on disk, the same crop.

T snippets · L flow fields of one · n frames of the span · H, W pixels · S input size
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actviz.clip.flow import flow_fields, flow_method, quantise
from actviz.clip.reader import iter_frames
from actviz.clip.sampling import segment_indices, snippet_indices
from actviz.datasets.prepare_clip import Settings, as_jpeg, enlarged
from actviz.datasets.prepared import from_jpeg
from actviz.errors import ClipReadError
from actviz.learn.cards import Card
from actviz.learn.data.transforms import centre_crop, resize_side, snippets_around, to_tensor
from actviz.learn.tested import crop_side

__all__ = [
    "LIVE_METHOD",
    "FlowSnippets",
    "flow_batches",
    "flow_snippets",
    "flow_words",
    "snippet_fields",
    "snippet_starts",
]

Progress = Callable[[str, int, int], None]  # (stage, fields done, fields in all)

# Of a clip that somebody waits for: TV-L1 takes 1.6 s of CPU a pair of 341 x 256 pixels, which for
# 16 snippets of five fields is two minutes; DIS takes 20 ms.
LIVE_METHOD = "dis"
_BATCH = 16  # snippets through a network at once
_NAMES = {"dis": "DIS", "tvl1": "TV-L1"}


@dataclass(frozen=True)
class FlowSnippets:
    """Flow at the moments a model looks at, as it takes it."""

    pictures: NDArray[np.uint8]  # (T, 2L, S, S), fields as channels x, y, x, y, …
    method: str  # "tvl1" or "dis"
    length: int  # L
    side: int  # pixels of the short side that flow was computed at
    training: str = ""  # the method of training; "": its card does not say

    @property
    def facts(self) -> dict[str, Any]:
        """What a trace says of its flow."""
        names = ("method", "length", "side", "training")
        return {name: getattr(self, name) for name in names}


def snippet_starts(frames: int, count: int, length: int) -> NDArray[np.int64]:
    """Where at most ``count`` snippets begin in ``frames`` frames: TSN's test rule, none twice."""
    fields = max(frames - 1, 1)
    places = max(fields - length + 1, 1)
    return np.unique(segment_indices(fields, min(count, places), length=length))


def snippet_fields(
    frames: NDArray[np.integer], length: int, count: int, *, around: bool
) -> NDArray[np.int64]:
    """Numbers (T, L) of the fields that are seen at ``frames`` (T,) of a span of ``count``.

    Args:
        around: of a second stream, which sees what moves while the first one looks; else the
            snippets begin at the frames. Past the last field that one repeats, as in training.
    """
    fields = max(count - 1, 1)
    if around:
        return snippets_around(frames, length, fields)
    return snippet_indices(frames, length, fields)


def flow_snippets(
    path: str | Path,
    fields: NDArray[np.integer],
    inside: NDArray[np.integer],
    *,
    card: Card,
    method: str = "",
    progress: Progress | None = None,
) -> FlowSnippets:
    """The fields (T, L) of a span as snippets, one pass over the file.

    Args:
        fields: their numbers (``snippet_fields``); field k leads from place k of ``inside`` to the
            next.
        inside: (n,) numbers of the span's frames in the file, consecutive.
        card: of the weights, which says how their training made its flow.
        method: "tvl1", "dis", "auto" (TV-L1 where OpenCV has it); "": that of training where the
            card names it, or else the quick one.

    Raises:
        FlowError: no OpenCV, or no such method here. ClipReadError: a span of one frame.
    """
    method = flow_method(method or card.flow_method or LIVE_METHOD)
    if len(inside) < 2:
        raise ClipReadError(
            path,
            "optical flow is what moves between two frames, and here is only one; give a longer "
            "span or clip.",
        )
    seen, length = _Seen.by(card), fields.shape[1]
    out = np.empty((len(fields), length, 2, seen.size, seen.size), np.uint8)
    for field, levels in _fields(path, inside, np.unique(fields), seen, method, progress):
        out[fields == field] = levels
    pictures = out.reshape(len(fields), 2 * length, seen.size, seen.size)
    return FlowSnippets(pictures, method, length, seen.side, card.flow_method)


def flow_batches(
    flow: FlowSnippets, device: torch.device, progress: Callable[[int, int], None] | None = None
) -> Iterator[Tensor]:
    """Snippets as a network on flow takes them, (1, <= 16, 2L, S, S) in [0, 1], on ``device``."""
    count = len(flow.pictures)
    for start in range(0, count, _BATCH):
        part = torch.from_numpy(flow.pictures[start : start + _BATCH])
        yield part[None].to(device).float() / 255
        if progress:
            progress(min(start + _BATCH, count), count)


def flow_words(facts: dict[str, Any]) -> str:
    """``FlowSnippets.facts`` for a reader."""
    fields = "one field each" if facts["length"] == 1 else f"snippets of {facts['length']} fields"
    words = f"optical flow by {_NAMES[facts['method']]}, {fields}, at short side {facts['side']}"
    other = facts["training"] not in ("", facts["method"])
    return f"{words}; training had {_NAMES[facts['training']]}" if other else words


@dataclass(frozen=True)
class _Seen:
    """What training made of a field before the network saw it."""

    side: int  # pixels of the short side of the frames that are compared
    as_file: bool  # whether the field was stored as JPEG
    crop_side: int
    resize: Any  # "short" or "square"
    size: int  # S

    @classmethod
    def by(cls, card: Card) -> _Seen:
        size = card.input_size or 0
        if card.dataset == "puppets":  # drawn at the size that is seen, never stored as pictures
            return cls(size, False, size, "short", size)
        return cls(Settings(Path()).side, True, crop_side(card), card.resize, size)

    def frame(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame whose short side is at most ``side`` as flow is computed from it."""
        return enlarged(picture, self.side)

    def field(self, flow: NDArray[np.float32]) -> NDArray[np.uint8]:
        """A field (H, W, 2) in pixels as the grey levels (2, S, S) that the network sees."""
        levels = quantise(flow)
        if self.as_file:
            levels = np.concatenate([_stored(levels[..., axis]) for axis in (0, 1)], axis=-1)
        sized = resize_side(to_tensor(levels[None]), self.crop_side, how=self.resize)
        return centre_crop(sized, self.size)[0].numpy()


def _stored(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey levels (H, W) after a while on disk, (H, W, 1)."""
    picture = from_jpeg(as_jpeg(np.ascontiguousarray(levels)), grey=True)
    assert picture is not None  # written just now
    return picture


def _fields(
    path: str | Path,
    inside: NDArray[np.integer],
    needed: NDArray[np.int64],
    seen: _Seen,
    method: str,
    progress: Progress | None,
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Each needed field (number, (2, S, S)), in order; for one that cannot be had, its neighbour.

    Raises:
        ClipReadError: there is none at all.
    """
    stage = f"optical flow ({_NAMES[method]})"
    pending = needed.tolist()
    levels: NDArray[np.uint8] | None = None
    for number, flow in _compared(path, inside, needed, seen, method):
        levels = seen.field(flow)
        while pending and pending[0] <= number:  # fields before it that a damaged file lacks
            yield pending.pop(0), levels
        if progress:
            progress(stage, len(needed) - len(pending), len(needed))
    if levels is None:
        raise ClipReadError(path, "no two frames in a row can be decoded; the file is damaged.")
    for number in pending:
        yield number, levels


def _compared(
    path: str | Path,
    inside: NDArray[np.integer],
    needed: NDArray[np.int64],
    seen: _Seen,
    method: str,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Needed fields (number in the span, (H, W, 2) pixels) of frames that come one at a time."""
    first, wanted = int(inside[0]), set(needed.tolist())
    frames = inside[np.union1d(needed, needed + 1)]
    before: tuple[int, NDArray[np.uint8]] | None = None
    for number, _, picture in iter_frames(path, frame_index=frames, short_side=seen.side):
        place, frame = number - first, seen.frame(picture)
        if before is not None and before[0] == place - 1 and before[0] in wanted:
            pair = np.stack([before[1], frame])
            yield before[0], flow_fields(pair, method=method)[0]
        before = place, frame
