"""Features of a frozen frame CNN, stored once: the clips are looked at, then read no more.

They lie in the cache in files of a few clips each, so that an interrupted run goes on with the next
file. A feature is a vector (d,) in single precision, or maps (C, h, w) in half: of a ResNet's 7 x 7
they are as many numbers as 49 vectors.

N clips · V views · C stored frames · T frames · … the shape of one frame's feature
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from actviz.learn.data.batches import Batch, Made, Row, in_processes
from actviz.learn.data.cache import stored_array
from actviz.learn.data.makers import PictureMaker, finish_pictures, read_rows
from actviz.learn.data.transforms import even_indices

__all__ = ["FeatureMaker", "Features", "Look", "store_features", "with_motion"]

_SHARE = 32  # clips in one file
_FORWARD = 64  # pictures through the frame CNN at once
_SEEN = (  # fields of a recipe that decide what is looked at
    *("frames", "input_size", "side", "resize", "modality", "flow_length"),
    *("augment", "scales", "max_distort", "more_positions", "flip"),
)
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Features:
    """Stored features of one part; what a ``FrameSource`` is for pictures."""

    keys: tuple[str, ...]  # (N,)
    labels: NDArray[np.int64]  # (N,)
    skipped: dict[str, str]
    files: tuple[Array, ...]  # each (up to _SHARE, V, C, …)
    rows: NDArray[np.int64]  # (N,), place in the files put together
    motion: Features | None = None  # of the same clips at the same times, where there are two

    def read(self, clip: int) -> Array:
        """All that is stored of a clip, (V, C, …)."""
        row = int(self.rows[clip])
        return self.files[row // _SHARE][row % _SHARE]


def with_motion(features: Features, motion: Features) -> Features:
    """Both streams' features of the clips that both have."""
    place = {key: row for row, key in enumerate(motion.keys)}
    mine = [row for row, key in enumerate(features.keys) if key in place]
    theirs = [place[features.keys[row]] for row in mine]
    parts = [_some(features, mine), _some(motion, theirs)]
    kept = set(parts[0].keys)
    lost = {k: "only one of its two streams is there" for k in features.keys if k not in kept}
    return Features(
        keys=parts[0].keys,
        labels=parts[0].labels,
        skipped=lost | motion.skipped | features.skipped,
        files=features.files,
        rows=parts[0].rows,
        motion=parts[1],
    )


def _some(features: Features, clips: Sequence[int]) -> Features:
    chosen = np.array(clips, dtype=np.int64)
    return Features(
        keys=tuple(features.keys[clip] for clip in clips),
        labels=features.labels[chosen],
        skipped=features.skipped,
        files=features.files,
        rows=features.rows[chosen],
    )


@dataclass(frozen=True)
class FeatureMaker:
    """Features of one view, drawn as frames are; two streams are drawn alike."""

    source: Any  # Features, or what is read as they are
    frames: int

    def __call__(self, rows: Sequence[Row]) -> Made:
        seen, labels, lost = read_rows(rows, self.source, self.see)
        batch: Batch = {"label": labels}
        for name in seen[0] if seen else ():
            stacked = np.stack([one[name] for one in seen])
            batch[name] = torch.from_numpy(stacked).float()
        return Made(batch, lost)

    def see(self, clip: int, rng: np.random.Generator | None) -> dict[str, Array]:
        """Features (T, …) of one clip, and those of its motion."""
        streams = {"features": self.source.read(clip)}
        if (motion := getattr(self.source, "motion", None)) is not None:
            streams["motion"] = motion.read(clip)
        if rng is None:
            return {name: np.array(stored[0]) for name, stored in streams.items()}
        views, count = streams["features"].shape[:2]
        view, at = rng.integers(views), even_indices(count, self.frames, rng)
        return {name: stored[view][at] for name, stored in streams.items()}


# ---- looking -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """What is looked at, and through which network."""

    part: str
    maker: PictureMaker
    views: int  # V, the first of them the clip as it is
    cnn: nn.Module  # the frame CNN, in eval mode
    see: Callable[[Tensor], Tensor]  # pictures (n, channels, S, S) in [0, 1] -> (n, …)
    shape: tuple[int, ...]  # of one frame's feature
    device: torch.device
    workers: int

    @property
    def maps(self) -> bool:
        """Whether a frame's feature is maps, kept in half precision."""
        return len(self.shape) > 1

    @property
    def flow(self) -> bool:
        """Whether the network sees optical flow."""
        return self.maker.recipe.modality == "flow"

    def key(self) -> dict[str, Any]:
        """All that decides the features, but the clips."""
        seen = {name: getattr(self.maker.recipe, name) for name in _SEEN}
        more: dict[str, Any] = {"maps": True} if self.maps else {}
        if self.maker.recipe.sampling == "strided":
            more |= {"sampling": "strided", "stride": self.maker.recipe.stride}
        return seen | more | self.maker.key() | {"views": self.views}


def store_features(look: Look, tell: Callable[[str, int, int], None] | None = None) -> Features:
    """Features of every clip of ``look``, computed where the cache has none."""
    source: Any = look.maker.source
    files = tuple(_files(look, tell))
    told = [np.isfinite(f[:, 0, 0].reshape(len(f), -1)[:, 0]) for f in files]  # one number tells
    good = np.concatenate([np.zeros(0, bool), *told])  # there may be no clips to validate on
    rows = np.flatnonzero(good)
    lost = {source.keys[i]: "could not be read for its features" for i in np.flatnonzero(~good)}
    keys = tuple(source.keys[i] for i in rows)
    return Features(keys, source.labels[rows], source.skipped | lost, files, rows)


def _files(look: Look, tell: Callable[[str, int, int], None] | None) -> Iterator[Array]:
    """The stored features of each ``_SHARE`` clips in turn, (n, V, C, …)."""
    source: Any = look.maker.source
    total, frames = len(source.keys), look.maker.recipe.frames
    same = {"backbone": _weights_digest(look.cnn)} | look.key()
    kind: tuple[str, type[np.generic]]
    kind = ("maps", np.float16) if look.maps else ("features", np.float32)
    for first in range(0, total, _SHARE):
        clips = range(first, min(first + _SHARE, total))
        key = same | {"clips": [source.identity(clip) for clip in clips]}
        shape = (len(clips), look.views, frames, *look.shape)
        fill = partial(_fill, look, first)
        yield stored_array(kind[0], key, shape=shape, dtype=kind[1], fill=fill)
        if tell is not None:
            tell(f"features of {look.part}", clips.stop, total)


@dataclass(frozen=True)
class _View:
    """Pictures of one view of one clip, made in a worker process."""

    maker: PictureMaker
    first: int  # clip
    views: int

    def __call__(self, number: int) -> Made:
        """The first view is the clip as it is; the others vary by the clip's number and theirs."""
        clip, view = self.first + number // self.views, number % self.views
        rng = np.random.default_rng((clip, view)) if view else None
        return self.maker([Row(clip, rng)])


def _fill(look: Look, first: int, path: Path) -> None:
    """Look at every view of the clips that the array at ``path`` is for; nan if unreadable."""
    array = np.load(path, mmap_mode="r+")
    cnn: Any = look.cnn.eval()
    cnn.to(look.device, memory_format=torch.channels_last)
    count, views = array.shape[:2]
    make = _View(look.maker, first, views)
    for at, made in enumerate(in_processes(make, range(count * views), workers=look.workers)):
        row = array[at // views, at % views]  # (C, …)
        if "frames" not in made.batch:
            row[:] = np.nan
            continue
        moved = {k: v.to(look.device) for k, v in made.batch.items()}
        frames = finish_pictures(moved, flow=look.flow)["frames"][0]
        with torch.inference_mode():
            parts = [look.see(part) for part in frames.split(_FORWARD)]
        row[:] = torch.cat(parts).float().cpu().numpy()
    array.flush()
    cnn.to("cpu")


def _weights_digest(network: nn.Module) -> str:
    total = hashlib.sha256()
    for name, value in network.state_dict().items():
        total.update(name.encode() + value.cpu().numpy().tobytes())
    return total.hexdigest()[:12]
