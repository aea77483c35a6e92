"""Weights that a trace can be made of: which they are, and why others are refused."""

from __future__ import annotations

from pathlib import Path

from actviz.errors import ActvizError, CheckpointError
from actviz.learn.cards import Card
from actviz.learn.checkpoints import Loaded, bundled, load_checkpoint
from actviz.trace.provenance import pick_device
from models import ON_JOINTS

__all__ = ["BUNDLED", "MODELS", "check_traceable", "load_second", "load_weights"]

MODELS = {
    "mam": "MAM",
    "tmnet": "TMNet",
    "man": "MAN",
    "convnet": "ConvNet",
    "lstm": "LSTM",
    "alstm": "ALSTM",
    "convlstm": "ConvLSTM",
    "videolstm": "VideoLSTM",
    "l2stm": "L²STM",
    "tslstm": "TS-LSTM",
    "tsn": "TSN",
}
BUNDLED = "bundled"  # in place of a file: the stream on flow that comes with the project


def load_weights(model: str, weights: str | Path | None = None, device: str = "auto") -> Loaded:
    """The named weights, or those that come with the project, on ``device``.

    Raises:
        ActvizError: unknown model, unreadable weights, or weights of another model.
    """
    if model not in MODELS:
        raise ActvizError(f"model must be one of {', '.join(MODELS)}; got {model!r}.")
    loaded = load_checkpoint(weights or bundled(model), device=pick_device(device))
    check_traceable(loaded.card, weights or bundled(model))
    if loaded.card.model != model:
        raise ActvizError(
            f"{weights}: expected weights of {model}; these are of {loaded.card.model}. Ask for "
            f"--model {loaded.card.model}, or give other weights."
        )
    return loaded


def check_traceable(card: Card, weights: str | Path) -> None:
    """Refuse weights that can be trained and evaluated, but not looked into.

    Raises:
        CheckpointError: of an unknown model, of TMNet on optical flow, or of what comes after a
            frame CNN alone.
    """
    if card.model in ON_JOINTS and card.model not in MODELS:
        got = f"these are of {card.model}, whose answers alone are compared with MAN's"
    elif card.model not in MODELS:
        got = f"these are of {card.model}, which has nothing to show frame by frame"
    elif card.model == "tmnet" and card.modality != "rgb":
        got = f"these are of {MODELS[card.model]} on optical {card.modality}, not traced yet"
    elif card.overrides.get("backbone", "") is None:
        raise CheckpointError(
            f"{weights}: these are weights of {MODELS[card.model]} for ready features, without the "
            "CNN that makes them of pictures; give weights that have one."
        )
    else:
        return
    raise CheckpointError(
        f"{weights}: expected weights that look at frames, flow or joints; {got}. `actviz "
        "evaluate` takes them, or give other weights here."
    )


def load_second(weights: str | Path, first: Loaded, device: str = "auto") -> Loaded:
    """The stream on optical flow that stands beside ``first``, which looks at frames.

    Args:
        weights: a file, or ``BUNDLED``.

    Raises:
        ActvizError: it is no MAM on flow, ``first`` is none on frames, or they know other classes.
    """
    if first.card.model != "mam" or first.card.modality != "rgb":
        raise ActvizError(
            "--with adds the stream on flow to MAM on RGB frames; --weights is of "
            f"{MODELS[first.card.model]} on {first.card.modality}: give it MAM on RGB frames."
        )
    path = bundled("mam-flow") if str(weights) == BUNDLED else Path(weights)
    second = load_checkpoint(path, device=pick_device(device))
    card = second.card
    if card.model != "mam" or card.modality != "flow":
        seen = "RGB frames" if card.modality == "rgb" else "flow"
        raise ActvizError(
            f"{path}: --with takes weights of MAM on optical flow; these are of "
            f"{MODELS.get(card.model, card.model)} on {seen}."
        )
    check_traceable(card, path)
    if set(card.classes) != set(first.card.classes):
        raise ActvizError(
            f"{path}: the two streams must know the same classes; {first.name} knows "
            f"{_some(first.card.classes)} and these {_some(card.classes)}."
        )
    return second


def _some(classes: tuple[str, ...]) -> str:
    """The number of classes and the first few of their names."""
    named = ", ".join(classes[:3]) + (", …" if len(classes) > 3 else "")
    return f"{len(classes)} ({named})"
