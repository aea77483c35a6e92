"""What a network that was trained and kept answers to test clips that were changed.

N clips · T frames · P people · J joints
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from actviz.clip.layouts import Layout, get_layout
from actviz.experiments.keeping import Wanted, fill, place_of, weights_of
from actviz.learn.data.makers import pad_skeletons

__all__ = ["Asked", "Change", "Clip", "as_it_is", "ask_anew"]

Clip = tuple[NDArray[np.float32], NDArray[np.bool_]]  # joints (T, P, J, 3), present (T, P)
Change = Callable[[Clip, np.random.Generator, Layout], Clip]
Key = TypeVar("Key")
_AT_ONCE = 50  # clips through a network


@dataclass(frozen=True)
class Asked:
    """Answers to the test clips, changed in one way."""

    labels: NDArray[np.int64]  # (N,)
    answers: NDArray[np.int64]  # (N,)
    classes: tuple[str, ...]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,)"""
        return self.answers == self.labels


def as_it_is(clip: Clip, rng: np.random.Generator, layout: Layout) -> Clip:
    """The clip unchanged."""
    return clip


def ask_anew(wanted: Wanted, changes: Mapping[Key, Change]) -> dict[Key, Asked]:
    """What the kept weights of ``wanted``, which must be trained, answer to each change.

    Whatever is drawn at random follows from the clip and the change alone: every network is asked
    about the very same clips.
    """
    from actviz.learn.tasks import make_task

    task = make_task(wanted.filled(), root=wanted.root)
    fill(task, weights_of(place_of(wanted)))
    task.network.eval()
    source, layout = task.source("test"), get_layout(task.layout or "")
    clips = [source.read(number) for number in range(len(source.keys))]
    found: dict[Key, Asked] = {}
    for key, change in changes.items():
        changed = [
            change(clip, _rng(name, key), layout)
            for name, clip in zip(source.keys, clips, strict=True)
        ]
        found[key] = Asked(source.labels, _answers(task.network, changed), task.classes)
    return found


@torch.inference_mode()
def _answers(network: Any, clips: list[Clip]) -> NDArray[np.int64]:
    parts = []
    for start in range(0, len(clips), _AT_ONCE):
        batch = pad_skeletons(clips[start : start + _AT_ONCE])
        parts.append(network(batch["joints"], batch["present"]).logits.argmax(1).numpy())
    return np.concatenate(parts)


def _rng(clip: str, key: Any) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(clip.encode()), zlib.crc32(repr(key).encode())])
