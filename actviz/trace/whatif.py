"""What would MAM have remembered, had the clip or its decisions been different?

The frame CNN looks at the clip once; every question after that runs the recurrence alone on its
features, which costs milliseconds. ``trace_mam`` is the question in which nothing is changed.

B batch (here 1) · T frames of the clip · P places, as many as frames are shown · D memory item ·
K classes
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.common import (
    Progress,
    expect_model,
    frame_batches,
    probabilities,
    to_numpy,
    trace_head,
)
from actviz.trace.cores import on_one_core
from actviz.trace.schema import MAMTrace
from models.mam import MAM, MAMOutput

__all__ = [
    "CachedMAM",
    "Change",
    "conditions",
    "dropped",
    "mam_features",
    "read_change",
    "reversed_order",
    "shuffled",
    "what_if",
]


@dataclass(frozen=True)
class CachedMAM:
    """A clip as MAM's recurrence sees it: looked at once, asked as often as one likes."""

    model: MAM
    features: Tensor  # (1, T, d), on the model's device, before normalisation
    head: dict[str, Any]  # the trace's fields that say where it came from; times_s (T,) among them

    def __len__(self) -> int:
        return self.features.shape[1]


@torch.inference_mode()
def mam_features(
    loaded: Loaded,
    clip: Clip,
    *,
    info: ClipInfo | None = None,
    progress: Progress | None = None,
) -> CachedMAM:
    """The frame CNN's pass over ``clip``, for ``what_if``.

    Raises:
        ActvizError: the weights are not of MAM.
    """
    model = expect_model(loaded, "mam")
    parts = [model.features(batch) for batch in frame_batches(loaded, clip, progress)]
    return CachedMAM(model, torch.cat(parts, dim=1), trace_head(loaded, clip, info))


@torch.inference_mode()
@on_one_core()
def what_if(
    cached: CachedMAM,
    *,
    threshold: float | None = None,
    force: NDArray[np.floating] | None = None,
    order: NDArray[np.integer] | None = None,
) -> MAMTrace:
    """MAM's trace of the clip under other conditions; with none, the clip's trace.

    Args:
        cached: of ``mam_features``.
        threshold: eq. 9's threshold in place of the model's own.
        force: (T,), for each frame of the clip, wherever it is shown: 1 write, 0 skip, nan the
            controller decides.
        order: (P,) which frames of the clip are shown, one after the other, each once at most. The
            places keep the times of the frames that are shown, in the order of time.

    Raises:
        ValueError: the arguments do not fit the clip.
    """
    shown = _checked_order(order, len(cached))
    device = cached.features.device
    forced = None
    if force is not None:  # float32 before the device: Apple's has no double
        values = _checked_force(force, len(cached))[shown]
        forced = torch.from_numpy(values)[None].to(device)
    features = cached.features[:, torch.from_numpy(shown).to(device)]  # (1, P, d)
    output = cached.model.rollout(features, threshold=threshold, force=forced)
    places = np.sort(shown)
    head = cached.head | {k: cached.head[k][places] for k in ("times_s", "frame_index")}
    return MAMTrace(
        **head,
        **_memory_fields(cached.model, output),
        threshold=float(cached.model.threshold if threshold is None else threshold),
        shown=shown,
        what_if=_in_words(cached, threshold, force, shown),
    )


def dropped(frames: int, positions: Iterable[int]) -> NDArray[np.int64]:
    """The order of a clip of so many frames without those at ``positions``, counted from 0.

    Raises:
        ValueError: a position lies outside of the clip, or no frame is left.
    """
    gone = np.array(sorted(set(positions)), dtype=np.int64)
    if gone.size and not 0 <= gone[0] <= gone[-1] < frames:
        raise ValueError(f"positions must lie in 0 to {frames - 1}; got {_spans(gone)}.")
    if len(gone) == frames:
        raise ValueError(f"at least one of the {frames} frames must be left; all were dropped.")
    return np.setdiff1d(np.arange(frames), gone)


def shuffled(frames: int, seed: int) -> NDArray[np.int64]:
    """All frames in an order drawn at random; the same seed gives the same order."""
    return np.random.default_rng(seed).random(frames).argsort(kind="stable")


def reversed_order(frames: int) -> NDArray[np.int64]:
    """All frames, the last one first."""
    return np.arange(frames)[::-1].copy()


@dataclass(frozen=True)
class Change:
    """One change to a clip or to its decisions, as a command line words it."""

    verb: str  # reverse, shuffle, drop, write or skip
    spans: tuple[tuple[int, int], ...] = ()  # of frames, first to last, counted from 0
    seed: int = 0  # of a shuffle


def read_change(words: str) -> Change:
    """``reverse``, ``shuffle``, ``shuffle 7``, ``drop 3-5``, ``write 3-5,9`` or ``skip 0-2``.

    Raises:
        ActvizError: the words are none of these.
    """
    verb, _, text = " ".join(words.lower().split()).partition(" ")
    if verb == "reverse" and not text:
        return Change(verb)
    if verb == "shuffle" and (not text or text.isdecimal()):
        return Change(verb, seed=int(text or 0))
    found = [re.fullmatch(r"(\d+)(?:-(\d+))?", run.strip()) for run in text.split(",")]
    spans = tuple((int(run[1]), int(run[2] or run[1])) for run in found if run)
    rising = len(spans) == len(found) and all(first <= last for first, last in spans)
    if verb in ("drop", "write", "skip") and rising:
        return Change(verb, spans)
    raise ActvizError(
        "--what-if must be reverse, shuffle, drop 3-5, write 3-5 or skip 0-2 (of the frames that "
        f"MAM looks at, counted from 0); got {words!r}."
    )


def conditions(changes: Iterable[Change], frames: int) -> dict[str, Any]:
    """``order`` and ``force`` of ``what_if`` for changes made one after the other.

    Raises:
        ActvizError: the clip has no such frame, or none is left.
    """
    order, force = np.arange(frames), np.full(frames, np.nan, np.float32)
    for change in changes:
        chosen = np.zeros(frames, dtype=bool)
        for first, last in change.spans:
            if last >= frames:
                asked = f"--what-if {change.verb} {first}-{last}"
                raise ActvizError(f"{asked}: MAM looks at frames 0 to {frames - 1} of this clip.")
            chosen[first : last + 1] = True
        if change.verb == "reverse":
            order = order[::-1]
        elif change.verb == "shuffle":
            order = order[shuffled(len(order), change.seed)]
        elif change.verb == "drop":
            order = order[~chosen[order]]
        else:
            force[chosen] = change.verb == "write"
    if not len(order):
        raise ActvizError(f"--what-if drop: all {frames} frames are dropped; leave one at least.")
    return {"order": order, "force": force}


def _memory_fields(model: MAM, output: MAMOutput) -> dict[str, Any]:
    """What MAM's output holds of one clip, and what follows from it, as the trace's arrays."""
    weight = output.written[0].float()  # (P,), s_t; a_t where writes are soft
    items, history = output.memory_items[0].float(), output.history[0].float()  # (P, D)
    total = float(weight.sum())
    share = weight / (total or 1.0)
    empty = (weight.cumsum(0) - weight) == 0  # before frame t
    similarity = F.cosine_similarity(items, history, dim=-1).masked_fill(empty, torch.nan)
    skipped = to_numpy(weight) == 0
    return {
        "probabilities": probabilities(output.logits)[0],
        "write_probability": to_numpy(output.write_probability[0]),
        "written": to_numpy(weight) > 0.5,
        "memory_size": output.memory_size[0].cpu().numpy(),
        "score": to_numpy(output.score[0]),
        "score_terms": to_numpy(output.score_terms[0]),
        "score_bias": float(model.controller.score.bias),
        # A mean of items through a linear layer: what each item adds to each logit is exact.
        "contribution": to_numpy((share[:, None] * items) @ model.classifier.weight.float().T),
        "contribution_bias": to_numpy(model.classifier.bias),
        "similarity": to_numpy(similarity),
        "state_reset": skipped & model.reset,
    }


def _checked_order(order: NDArray[np.integer] | None, frames: int) -> NDArray[np.int64]:
    if order is None:
        return np.arange(frames)
    shown = np.asarray(order)
    whole = shown.ndim == 1 and shown.size and np.issubdtype(shown.dtype, np.integer)
    if not whole or shown.min() < 0 or shown.max() >= frames or len(set(shown)) < len(shown):
        raise ValueError(
            f"order must list positions of frames, 0 to {frames - 1}, each once at most and one at "
            f"least; got {order!r}."
        )
    return shown.astype(np.int64)


def _checked_force(force: NDArray[np.floating], frames: int) -> NDArray[np.float32]:
    values = np.array(force, np.float32)
    if values.shape != (frames,):
        raise ValueError(f"force must have shape (T,) = ({frames},); got {values.shape}.")
    return values


def _in_words(
    cached: CachedMAM,
    threshold: float | None,
    force: NDArray[np.floating] | None,
    shown: NDArray[np.int64],
) -> str:
    """What was changed, for a figure's face; empty where nothing was."""
    parts = []
    if threshold is not None and threshold != cached.model.threshold:
        parts.append(f"threshold {threshold:g}")
    gone = np.setdiff1d(np.arange(len(cached)), shown)
    if gone.size:
        parts.append(f"without frames {_spans(gone)}")
    if (np.diff(shown) < 0).any():
        turned = (np.diff(shown) < 0).all()
        parts.append("frames in reverse" if turned else "frames in another order")
    for value, word in ((1, "writing"), (0, "skipping")):
        asked = np.flatnonzero(np.asarray(force) == value) if force is not None else shown[:0]
        if np.isin(asked, shown).any():
            parts.append(f"{word} frames {_spans(np.intersect1d(asked, shown))}")
    return "; ".join(parts)


def _spans(positions: Sequence[int] | NDArray[np.integer]) -> str:
    """Increasing positions, runs drawn together: 0-2, 5."""
    at = np.asarray(positions)
    runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    return ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs)
