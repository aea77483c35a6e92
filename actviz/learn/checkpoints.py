"""Models from weights files and back: ``load_checkpoint``, ``save_checkpoint``.

``best.safetensors`` + ``best.json`` belong together: the card says what the weights are, and the
weights carry a copy of it, so that either file alone is never mistaken. Weights of other projects
(``.safetensors`` without a card, ``.pt``, ``.pth``, ``.ckpt``) are read as tensors only, never
unpickled, and need to be told which model they are for; ``actviz.learn.doctor`` knows some of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import models
from actviz.errors import CheckpointError
from actviz.learn.card_fields import MAX_CLASSES
from actviz.learn.cards import CARD_KEY, CARD_SCHEMA, Card, check_card, read_card
from actviz.learn.matching import find_mismatch
from actviz.learn.weights_files import PICKLED, read_weights, write_weights
from models.stcm import usual_rows

__all__ = [
    "CARD_KEY",
    "CARD_SCHEMA",
    "Card",
    "Loaded",
    "bundled",
    "bundled_card",
    "load_checkpoint",
    "rounded",
    "save_checkpoint",
]

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"


@dataclass(frozen=True)
class Loaded:
    """A model ready to look at clips, with what is known about its weights."""

    model: nn.Module  # in eval mode, on the asked device
    card: Card
    sha256: str  # of the weights file
    name: str  # to show: "puppets-mam"


def bundled(model_name: str) -> Path:
    """The weights that come with the project for ``"mam"``, ``"tmnet"`` or ``"man"``.

    Raises:
        CheckpointError: there are none under that name.
    """
    path = WEIGHTS / f"puppets-{model_name}.safetensors"
    if not path.is_file():
        here = sorted(
            p.stem.removeprefix("puppets-") for p in WEIGHTS.glob("puppets-*.safetensors")
        )
        raise CheckpointError(
            f"expected one of the bundled models {here}; got {model_name!r}. Name a weights file "
            "of your own instead, or train one with `actviz train`."
        )
    return path


def bundled_card(model_name: str) -> Card:
    """The card of the bundled weights, without their network.

    Raises:
        CheckpointError: there are none under that name.
    """
    return read_card(bundled(model_name).with_suffix(".json"))


def save_checkpoint(
    path: str | Path, model: nn.Module, card: Card, *, stored: str = "float32"
) -> Path:
    """Write ``path`` (.safetensors) and its card beside it (.json), each whole or not at all.

    The weights carry the card too: after a kill between the two they load by themselves.

    Args:
        stored: "float16" halves the file; ``model`` should have been through ``rounded`` before it
            was scored.

    Raises:
        CheckpointError: ``path`` does not end in .safetensors, or the card contradicts itself.
    """
    path = Path(path)
    if path.suffix.lower() != ".safetensors":
        raise CheckpointError(f"{path}: weights are saved as .safetensors; got {path.suffix!r}.")
    check_card(card, path)
    state = model.state_dict()
    if stored == "float16":
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    write_weights(path, state, card)
    return path


def rounded(loaded: Loaded, stored: str) -> Loaded:
    """The same model with the weights that a file of ``stored`` gives back, to be scored."""
    if stored == "float16":
        loaded.model.half().float()
    return loaded


def load_checkpoint(
    path: str | Path,
    *,
    device: str | torch.device = "cpu",
    model: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    input_size: int | None = None,
    frames: int | None = None,
    layout: str | None = None,
) -> Loaded:
    """Build the model that ``path`` holds the weights of, in eval mode.

    The arguments after ``device`` describe foreign weights, which have no card; with a card they
    must not be given.

    Raises:
        CheckpointError: no such file, unreadable, unsafe, without a card where one is needed, or
            not fitting the model it is said to be of.
    """
    path = Path(path)
    file = read_weights(path)
    card = file.card
    if card is None:
        card = _foreign_card(path, model, overrides, classes, input_size, frames, layout)
    elif model is not None and model != card.model:
        raise CheckpointError(f"{path}: expected weights of {model}; these are of {card.model}.")
    elif any(v is not None for v in (overrides, classes, input_size, frames, layout)):
        raise CheckpointError(
            f"{path}: expected nothing but a path, for its card says what these weights are; got "
            "more. Leave out overrides, classes, input_size, frames and layout."
        )
    problem = find_mismatch(_build(card, path, "meta"), file.state, name=card.model)
    if problem:
        raise CheckpointError(f"{path}: {problem}")
    network = _build(card, path, "cpu")
    network.load_state_dict(file.state)
    shown = f"{path.parent.name}/{path.stem}" if path.stem in ("best", "last") else path.stem
    return Loaded(network.to(device).eval(), card, file.sha256, shown)


def _foreign_card(
    path: Path,
    model: str | None,
    overrides: Mapping[str, Any] | None,
    classes: Sequence[str] | None,
    input_size: int | None,
    frames: int | None,
    layout: str | None,
) -> Card:
    chosen = dict(overrides or {})
    count = len(classes) if classes is not None else chosen.get("num_classes")
    if model is None or count is None:
        wanted = f"expected {path.stem}.json beside it, the card that says"
        if path.suffix.lower() in PICKLED:  # only safetensors have a card beside them
            wanted = "expected a card inside it (as in Lightning's last.ckpt) that says"
        raise CheckpointError(
            f"{path}: {wanted} which model these weights are of; there is none. For weights of "
            "another project, ask `actviz doctor FILE`, or say so in Python: "
            'load_checkpoint(path, model="mam", overrides={"backbone": "resnet18"}, classes=[…]).'
        )
    if classes is None and (type(count) is not int or not 1 <= count <= MAX_CLASSES):
        raise CheckpointError(
            f"{path}: expected num_classes in 1..{MAX_CLASSES}; got {count!r:.40}."
        )
    takes_joints = model in models.ON_JOINTS
    rows = usual_rows(str(chosen.get("stcm", "")))
    flow_length = chosen.get("flow_length")
    card = Card(
        model=model,
        overrides=chosen | {"num_classes": count},
        classes=tuple(classes) if classes is not None else _numbered(count),
        trained_on="unknown data",
        frames=frames or chosen.get("frames") or (rows if takes_joints else 16),
        input_size=None if takes_joints else input_size or 224,
        layout=(layout or "ntu-25") if takes_joints else None,
        limits=("Foreign weights: nothing is known of how they were trained.",),
        modality="rgb" if flow_length is None else "flow",
        flow_length=1 if flow_length is None else flow_length,
    )
    check_card(card, path)
    return card


def _numbered(count: Any) -> tuple[str, ...]:
    return tuple(f"class {k}" for k in range(int(count)))


def _build(card: Card, path: Path, device: str) -> nn.Module:
    """The model; on ``meta`` it takes no memory, whatever sizes the card asks for."""
    try:
        with torch.device(device):
            return models.build(card.model, **card.overrides)
    except NotImplementedError:  # a layer that cannot be made on meta
        return models.build(card.model, **card.overrides)
    except Exception as error:  # hostile values break a builder in any way
        why = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise CheckpointError(f"{path}: its card does not describe a model: {why:.300}") from error
