"""Foreign weights made ours: a TSN, with its card, from what tsn-pytorch or MMAction2 trained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import models
from actviz.errors import CheckpointError
from actviz.learn.cards import Card, check_card
from actviz.learn.doctor import Diagnosis, examine
from actviz.learn.matching import compare
from actviz.learn.weights_files import WeightsFile, read_weights, write_weights
from models.backbones import to_stages

__all__ = ["as_tsn", "convert", "read_class_names"]

_NUMBERED = re.compile(r"(\d+)[\s,;]+(\S.*)")
_MMACTION_FLOW = (128.0, 128.0)  # mean and deviation of grey values in its configurations
_OUR_FLOW = (0.5 * 255, 0.226 * 255)  # TSN's, as models.frames has them


def convert(
    source: str | Path | WeightsFile,
    *,
    classes: Sequence[str],
    out: str | Path,
    found: Diagnosis | None = None,
    model: str = "tsn",
    trained_on: str = "unknown data",
    frames: int = 3,
    input_size: int = 224,
) -> Path:
    """Write ``out`` (.safetensors) and its card from a foreign whole-model file.

    Args:
        source: the file, or what ``read_weights`` read of it.
        classes: K names in the order of the file's last layer.
        out: a new file.
        found: the diagnosis of that file, where it was made already.
        model: what to make of it; "tsn" is all that such files hold.
        trained_on: one short phrase for the card.
        frames: T of the card; TSN trains on 3 segments.
        input_size: pixels.

    Returns:
        ``out``.

    Raises:
        CheckpointError: an unreadable file, one that is no such model, or names of another number.
    """
    file = source if isinstance(source, WeightsFile) else read_weights(source)
    out = Path(out)
    found = found or examine(file)
    _check(found, out, model, classes)
    state, overrides = as_tsn(file, found)
    card = Card(
        model=model,
        overrides=overrides,
        classes=tuple(classes),
        trained_on=trained_on,
        frames=frames,
        input_size=input_size,
        modality=found.modality,
        flow_length=found.flow_length or 1,
        sampling="tsn",
        command=f"actviz doctor {file.path.name}",
        limits=(
            f"Converted from {found.path.name} ({found.kind}, sha256 {file.sha256[:12]}…): nothing "
            "is known of how it was trained or how good it is.",
        ),
    )
    check_card(card, out)
    write_weights(out, state, card)
    return out


def as_tsn(file: WeightsFile, found: Diagnosis) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors of our TSN, and the keywords of its builder.

    Its network is never built, so that a large file is in memory once.

    Raises:
        CheckpointError: some of it is missing, more than a TSN, or of another shape.
    """
    if found.network is None or found.trouble:
        raise CheckpointError(
            f"{found.path}: expected a whole TSN or classification network; {found.next_step()}"
        )
    name = found.network.name
    overrides: dict[str, Any] = {"num_classes": found.classes, "backbone": name}
    if found.flow_length is not None:
        overrides["flow_length"] = found.flow_length
    try:
        stages, last, _ = to_stages(file.state, name, source=str(file.path))
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    if found.kind == "mmaction2" and found.modality == "flow":
        stages = _rescaled(stages)
    given = {f"backbone.{k}": v for k, v in stages.items()}
    given |= {f"classifier.{k}": v.flatten(1) if v.ndim > 2 else v for k, v in last.items()}
    with torch.device("meta"):
        own = models.build("tsn", **overrides).state_dict()
    for counter in [k for k in own if k.endswith(".num_batches_tracked") and k not in given]:
        given[counter] = torch.zeros((), dtype=torch.long)
    difference = compare(*({k: tuple(v.shape) for k, v in s.items()} for s in (own, given)))
    if difference:
        raise CheckpointError(
            f"{file.path}: expected all of a TSN on {name}; {difference.in_words()}. Is it whole?"
        )
    return {k: given[k].to(own[k].dtype) for k in own}, overrides


def read_class_names(path: str | Path) -> tuple[str, ...]:
    """One class name a line; numbers counting up before all names (UCF101's list) are left out.

    Raises:
        CheckpointError: no such text file, or a name twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: expected class names, one a line ({error}).") from error
    names = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [match for name in names if (match := _NUMBERED.fullmatch(name))]
    if names and len(numbered) == len(names):
        counted = [int(match[1]) for match in numbered]
        if counted == list(range(counted[0], counted[0] + len(names))):
            names = [match[2] for match in numbered]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        got = f"{twice[0]!r:.80} twice" if twice else "none"
        raise CheckpointError(f"{path}: expected class names, one a line, each once; got {got}.")
    return tuple(names)


def _check(found: Diagnosis, out: Path, model: str, classes: Sequence[str]) -> None:
    """Refuse, in words, what cannot be converted or would overwrite a file."""
    if model != "tsn":
        raise CheckpointError(
            f'expected model="tsn", which is what foreign files hold; got {model!r}. Train a '
            "MAM or TMNet from its backbone with --set weights=FILE."
        )
    if out.suffix.lower() != ".safetensors":
        raise CheckpointError(f"{out}: weights are saved as .safetensors; got {out.suffix!r}.")
    if out.exists() or out.with_suffix(".json").exists():
        raise CheckpointError(f"{out}: would be overwritten; choose another name.")
    if found.classes != len(classes) and not found.trouble:
        raise CheckpointError(
            f"{found.path}: expected the names of its {found.classes} classes; got "
            f"{len(classes)}. Give one name for each output of its last layer, in their order."
        )


def _rescaled(stages: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The first layer on flow normalised as ours, giving what it gave on MMAction2's.

    With a grey value v, MMAction2 feeds (v − 128) / 128 and we (v / 255 − 0.5) / 0.226: the one is
    s times the other plus o. s goes into the kernel, o (−0.004) into the bias or into the mean of
    the batch normalisation; beyond the picture's edge, where both feed 0, o is neglected.
    """
    (mean, deviation), (our_mean, our_deviation) = _MMACTION_FLOW, _OUR_FLOW
    name = min(k for k, v in stages.items() if v.ndim == 4)
    layer = name.removesuffix(".weight")
    kernel = stages[name].float()
    offset = (our_mean - mean) / deviation * kernel.sum((1, 2, 3))
    changed = {name: kernel * (our_deviation / deviation)}
    if f"{layer}.bias" in stages:
        changed[f"{layer}.bias"] = stages[f"{layer}.bias"] + offset
    else:
        normalised = f"{layer.rpartition('.')[0]}.1.running_mean"
        changed[normalised] = stages[normalised] - offset
    return {**stages, **changed}
