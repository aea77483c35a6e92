"""TSN and MAM on features of a frozen frame CNN: the clips are looked at once, then read no more.

Features lie in the cache in files of a few clips each, so that an interrupted run goes on with the
next file.

N clips · V views · C stored frames · T frames · d feature
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from actviz.errors import ActvizError
from actviz.learn.data.batches import Batch, Made, Row, in_processes, worker_count
from actviz.learn.data.cache import stored_array
from actviz.learn.data.makers import PictureMaker, finish_pictures, read_rows
from actviz.learn.data.transforms import even_indices
from actviz.learn.tasks.base import device_of
from actviz.learn.tasks.pictures import MAMTask, PictureTask
from models.baselines.tsn import TSNOutput

__all__ = ["FrozenMAMTask", "FrozenTSNTask"]

_SHARE = 32  # clips in one file
_FORWARD = 64  # pictures through the frame CNN at once
_SEEN = (  # fields of a recipe that decide what is looked at
    *("frames", "input_size", "side", "resize", "modality", "flow_length"),
    *("augment", "scales", "max_distort", "more_positions", "flip"),
)


@dataclass(frozen=True)
class Features:
    """Stored features of one part; what a ``FrameSource`` is for pictures."""

    keys: tuple[str, ...]  # (N,)
    labels: NDArray[np.int64]  # (N,)
    skipped: dict[str, str]
    files: tuple[NDArray[np.float32], ...]  # each (up to _SHARE, V, C, d)
    rows: NDArray[np.int64]  # (N,), place in the files put together

    def read(self, clip: int) -> NDArray[np.float32]:
        """All that is stored of a clip, (V, C, d)."""
        row = int(self.rows[clip])
        return self.files[row // _SHARE][row % _SHARE]


@dataclass(frozen=True)
class FeatureMaker:
    """Features of one view, drawn as frames are."""

    source: Features
    frames: int

    def __call__(self, rows: Sequence[Row]) -> Made:
        seen, labels, lost = read_rows(rows, self.source, self.see)
        features = {"features": torch.from_numpy(np.stack(seen))} if seen else {}
        return Made(features | {"label": labels}, lost)

    def see(self, clip: int, rng: np.random.Generator | None) -> NDArray[np.float32]:
        """Features (T, d) of one clip."""
        stored = self.source.read(clip)
        if rng is None:
            return np.array(stored[0])
        view = stored[rng.integers(len(stored))]
        return view[even_indices(len(view), self.frames, rng)]


@dataclass(frozen=True)
class _Look:
    """Pictures of one view of one clip, made in a worker process."""

    maker: PictureMaker
    first: int  # clip
    views: int

    def __call__(self, number: int) -> Made:
        """The first view is the clip as it is; the others vary by the clip's number and theirs."""
        clip, view = self.first + number // self.views, number % self.views
        rng = np.random.default_rng((clip, view)) if view else None
        return self.maker([Row(clip, rng)])


class _Frozen(PictureTask):
    """The frame CNN stays as it is and its features are stored."""

    def build(self) -> nn.Module:
        if self.recipe.sampling == "strided":
            raise ActvizError(
                f"{self.recipe.name}: a frozen frame CNN looks at frames spread over the clip; set "
                "sampling=even, or freeze_backbone=false."
            )
        network: Any = super().build()
        network.backbone.requires_grad_(False)
        return network

    @property
    def in_memory(self) -> bool:
        return True

    def open(self, part: str) -> Features:
        """Features of a part's clips, computed where the cache has none."""
        source: Any = super().open(part)
        r, train = self.recipe, part == "train"
        seen = replace(r, frames=r.stored_frames if train else r.frames, sampling="tsn")
        maker = PictureMaker(source, seen, size=r.input_size, replaces=False)
        views = r.views if train and r.augment != "none" else 1
        files = tuple(self._files(part, maker, views))
        told = [np.isfinite(f[:, 0, 0, 0]) for f in files]  # one number tells
        good = np.concatenate([np.zeros(0, bool), *told])  # there may be no clips to validate on
        rows = np.flatnonzero(good)
        lost = {source.keys[i]: "could not be read for its features" for i in np.flatnonzero(~good)}
        keys = tuple(source.keys[i] for i in rows)
        return Features(keys, source.labels[rows], source.skipped | lost, files, rows)

    def _files(self, part: str, maker: PictureMaker, views: int) -> Iterator[NDArray[np.float32]]:
        """The stored features of each ``_SHARE`` clips in turn, (n, V, C, d)."""
        network: Any = self.network
        source: Any = maker.source
        total = len(source.keys)
        seen = {k: getattr(maker.recipe, k) for k in _SEEN}
        digest = _weights_digest(network.backbone)
        for first in range(0, total, _SHARE):
            clips = range(first, min(first + _SHARE, total))
            key = {"backbone": digest, "clips": [source.identity(c) for c in clips], "views": views}
            shape = (len(clips), views, maker.recipe.frames, network.backbone.feature_dim)
            fill = partial(self._fill, look=_Look(maker, first, views))
            yield stored_array("features", key | seen, shape=shape, dtype=np.float32, fill=fill)
            if self.place.progress is not None:
                self.place.progress(f"features of {part}", clips.stop, total)

    def _fill(self, path: Path, *, look: _Look) -> None:
        """Look at every view of the clips that the array at ``path`` is for; nan if unreadable."""
        array = np.load(path, mmap_mode="r+")
        device, network = device_of(self.recipe), cast(Any, self.network)
        backbone = network.eval().backbone.to(device, memory_format=torch.channels_last)
        count, views = array.shape[:2]
        workers = worker_count(self.recipe.workers, in_memory=self.parts.dataset == "puppets")
        flow = self.recipe.modality == "flow"
        for at, made in enumerate(in_processes(look, range(count * views), workers=workers)):
            row = array[at // views, at % views]  # (C, d)
            if "frames" not in made.batch:
                row[:] = np.nan
                continue
            batch = finish_pictures({k: v.to(device) for k, v in made.batch.items()}, flow=flow)
            with torch.inference_mode():
                parts = [backbone(part) for part in batch["frames"][0].split(_FORWARD)]
            row[:] = torch.cat(parts).float().cpu().numpy()
        array.flush()
        backbone.to("cpu")

    def maker(self, part: str, *, epoch: int) -> Callable[[Sequence[Row]], Made]:
        return FeatureMaker(self.source(part), self.recipe.frames)

    def set_training(self) -> None:
        network: Any = self.network
        network.train()
        network.backbone.eval()

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": [p for p in self.network.parameters() if p.requires_grad]}]


class FrozenMAMTask(_Frozen, MAMTask):
    """MAM's memory and controller on frozen features."""

    def forward(self, batch: Batch) -> Any:
        network: Any = self.network
        return network.rollout(batch["features"])


class FrozenTSNTask(_Frozen):
    """TSN's classifier on frozen features."""

    def forward(self, batch: Batch) -> Any:
        network: Any = self.network
        frame_logits = network.classifier(network.dropout(batch["features"]))
        return TSNOutput(logits=frame_logits.mean(1), frame_logits=frame_logits)


def _weights_digest(network: nn.Module) -> str:
    total = hashlib.sha256()
    for name, value in network.state_dict().items():
        total.update(name.encode() + value.cpu().numpy().tobytes())
    return total.hexdigest()[:12]
