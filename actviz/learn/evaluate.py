"""How good are these weights on clips they never saw, by the test protocols of the papers?

Every clip of the part is scored once: no batch is filled up, wrapped or dropped. A clip that cannot
be read is left out, counted and named. Pictures pass through the network a few at a time, whatever
a clip's length, and clips are read ahead in threads.

N clips · B clips at once · T snippets · V crops · C channels · S pixels · K classes
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from actviz.datasets.base import Dataset
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded, load_checkpoint
from actviz.learn.data.makers import pad_skeletons
from actviz.learn.data.parts import prepared_place, present, spread_over
from actviz.learn.data.sources import FrameSource, JointSource
from actviz.learn.evaluation import Evaluation, none_scored
from actviz.learn.protocols import (
    VIEWS,
    Answers,
    answer,
    clip_streams,
    pick_views,
    pictures_at_once,
)
from actviz.learn.puppet_scores import ALL_CLIPS, evaluate_puppets
from actviz.learn.runs import git_commit
from actviz.learn.tested import (
    coarse_groups,
    data_name,
    labelled_samples,
    motion_length,
    open_data,
    open_source,
)
from actviz.trace.provenance import device_name, pick_device, versions

__all__ = ["PARTS", "Progress", "evaluate", "evaluate_source"]

PARTS = ("test", "val", "train")
Progress = Callable[[str, int, int], None]  # (what is being done, done, in all)
_SEQUENCES = 16  # skeletons through MAN at once
_WAITING_BYTES = 2**28  # of clips made ahead of the network
_STAGE = "scoring clips"
Made = TypeVar("Made")


def evaluate(
    checkpoint: Loaded | str | Path,
    *,
    data: Dataset | str | Path | None = None,
    dataset: str = "",
    protocol: str = "",
    part: str = "test",
    views: str = "",
    clips: int = 0,
    batch: int = 0,
    device: str = "auto",
    prepared: str | Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Answers of ``checkpoint`` to every clip of one part of a data set.

    Args:
        checkpoint: weights with their card, or their file, then loaded on ``device``.
        data: the data set, or its folder or list; None: the data set makes its own (puppets).
        dataset: key of ``actviz.datasets.DATASETS``; "" takes the card's, or what ``data`` is.
        protocol: official split; "" takes the card's where the data set is the same.
        part: "test", "val" (as training holds it out) or "train".
        views: key of ``protocols.VIEWS``; "" takes the card's.
        clips: score so many, spread evenly over the part; 0: all of them (of puppets, 600).
        batch: pictures through the frame CNN at once; 0: as many as suit the machine.
        prepared: where ``actviz data prepare`` left its pictures.

    Raises:
        ActvizError: unreadable weights or data, classes the weights do not know, no such protocol.
    """
    if part not in PARTS:
        raise ActvizError(f"--part must be one of {', '.join(PARTS)}; got {part!r}.")
    if clips < 0 or batch < 0:
        raise ActvizError(f"--clips and --batch must be 0 or more; got {clips} and {batch}.")
    loaded = checkpoint
    if not isinstance(loaded, Loaded):
        loaded = load_checkpoint(loaded, device=pick_device(device))
    chosen = pick_views(loaded.card, views)
    name = data.name if isinstance(data, Dataset) else data_name(loaded, data, dataset)
    if name == "puppets":
        done = _puppets(loaded, protocol, part, views, clips)
        return _with_facts(done, loaded, "puppets", "seeds", clips)
    opened = data if isinstance(data, Dataset) else open_data(name, data)
    if not protocol and name == loaded.card.dataset and loaded.card.protocol in opened.protocols:
        protocol = loaded.card.protocol
    samples, labels = labelled_samples(loaded, opened, protocol, part, prepared=prepared)
    there, missing = present(spread_over(samples, clips), prepared_place(opened, prepared))
    if not there:
        raise ActvizError(none_scored(missing))
    source = open_source(loaded.card, opened, there, prepared=prepared, progress=progress)
    done = evaluate_source(
        loaded, source, labels=labels, views=chosen, batch=batch, missing=missing, progress=progress
    )
    done = replace(done, part=part, coarse=coarse_groups(opened, loaded.card.classes))
    return _with_facts(done, loaded, name, protocol or opened.protocols[0], clips)


@torch.inference_mode()
def evaluate_source(
    loaded: Loaded,
    source: FrameSource | JointSource,
    *,
    labels: Mapping[str, int] | None = None,
    views: str = "",
    batch: int = 0,
    missing: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Answers of ``loaded`` to every clip of ``source``.

    Args:
        labels: of each key, as the weights count classes; None: as ``source`` has them.
        missing: clips that ``source`` does not have, and why, to be named among the skipped.
    """
    card, device = loaded.card, next(loaded.model.parameters()).device
    views = pick_views(card, views)
    at_once = batch or pictures_at_once(device, card.input_size or 0)
    rows: list[int] = []
    told: list[Answers] = []
    skipped = {**(missing or {}), **source.skipped}

    def tell(clip: int) -> None:
        if progress:
            progress(_STAGE, clip + 1, len(source.keys))

    loaded.model.eval()
    for group in _groups(source, loaded, views, at_once, skipped, tell):
        numbers, made = zip(*group, strict=True)
        rows += numbers
        told.append(_answer_group(loaded, list(made), at_once))
    keys = tuple(source.keys[i] for i in rows)
    known = labels or dict(zip(source.keys, source.labels.tolist(), strict=True))
    answers = {n: np.concatenate([t[n] for t in told]) for n in (told[0] if told else ())}
    return Evaluation(
        keys=keys,
        labels=np.array([known[key] for key in keys], dtype=np.int64),
        logits=answers.pop("logits", np.empty((0, len(card.classes)), np.float32)),
        classes=card.classes,
        skipped=skipped,
        views=views,
        branches=answers,
    )


def _groups(
    source: Any,
    loaded: Loaded,
    views: str,
    at_once: int,
    skipped: dict[str, str],
    tell: Callable[[int], None],
) -> Iterator[list[tuple[int, Any]]]:
    """Clips with their number, as many together as go through the network at once."""
    joints = loaded.card.input_size is None
    looks = VIEWS[views].looks(loaded.card)
    most = _SEQUENCES if joints else max(1, at_once // looks)

    def make(clip: int) -> Any:
        return source.read(clip) if joints else clip_streams(source, clip, loaded.card, views)

    group: list[tuple[int, Any]] = []
    for clip, future in enumerate(_ahead(make, len(source.keys), most=_waiting(loaded, looks))):
        try:
            group.append((clip, future.result()))
        except (ActvizError, OSError) as error:
            skipped[source.keys[clip]] = getattr(error, "reason", "") or str(error)
        if len(group) == most:
            yield group
            group = []
        tell(clip)
    if group:
        yield group


def _answer_group(loaded: Loaded, made: list[Any], at_once: int) -> Answers:
    if loaded.card.input_size is None:
        device = next(loaded.model.parameters()).device
        padded = pad_skeletons(made)
        output = loaded.model(padded["joints"].to(device), padded["present"].to(device))
        return {"logits": output.logits.float().cpu().numpy()}
    # uint8 (B, V, T, C, S, S), of one stream or of two
    pictures, *motion = (torch.stack(stream) for stream in zip(*made, strict=True))
    second = motion[0] if motion else None
    return answer(loaded.model, loaded.card.model, pictures, at_once=at_once, motion=second)


def _waiting(loaded: Loaded, looks: int) -> int:
    """How many clips of so many pictures may wait in memory."""
    card = loaded.card
    channels = 2 * card.flow_length if card.modality == "flow" else 3
    channels += 2 * motion_length(card)
    size = looks * channels * (card.input_size or 0) ** 2 or 1  # bytes
    return max(2, min(10, _WAITING_BYTES // size))


def _ahead(make: Callable[[int], Made], count: int, *, most: int) -> Iterator[Future[Made]]:
    """``make`` of 0, 1, …, computed in threads, in order, at most so many ahead."""
    workers = min(8, os.cpu_count() or 1, most)
    with ThreadPoolExecutor(workers) as pool:
        numbers = iter(range(count))
        waiting = deque(pool.submit(make, i) for i in islice(numbers, most))
        try:
            while waiting:
                yield waiting.popleft()
                waiting.extend(pool.submit(make, i) for i in islice(numbers, 1))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _puppets(loaded: Loaded, protocol: str, part: str, views: str, clips: int) -> Evaluation:
    done = evaluate_puppets(loaded, part=part, clips=clips or ALL_CLIPS)
    if views not in ("", done.views) or protocol not in ("", "seeds"):
        raise ActvizError(
            f"puppets are drawn as the network takes them and have one protocol; {loaded.name} is "
            f"scored on them with --views {done.views}: leave --views and --protocol out."
        )
    return done


def _with_facts(
    done: Evaluation, loaded: Loaded, dataset: str, protocol: str, clips: int
) -> Evaluation:
    """Where the figures come from: enough to make them again."""
    card = loaded.card
    weights = {
        "name": loaded.name,
        "sha256": loaded.sha256,
        **{k: getattr(card, k) for k in ("model", "trained_on", "recipe", "command", "seed")},
        **{k: getattr(card, k) for k in ("commit", "dataset", "protocol", "modality")},
    }
    rows = zip(done.keys, done.labels, strict=True)
    listed = "".join(sorted(f"{key}\t{done.classes[k]}\n" for key, k in rows))
    facts = {
        "weights": [weights],
        "dataset": dataset,
        "protocol": protocol,
        "clips_asked": clips,
        "clips_sha256": hashlib.sha256(listed.encode()).hexdigest(),
        "device": device_name(next(loaded.model.parameters()).device),
        "versions": versions(),
        "commit": git_commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return replace(done, provenance=facts)
