"""The models that MAM is compared with, as VideoLSTM's code trains them (its authors' settings).

Stated there: features of a frozen VGG16, of fc7 for the LSTM and pool5 for what reads maps; flow of
single fields; clips of 30 frames; hidden 512, a layer of 1024, dropout 0.5 (0.7 where the state is
a map); RMSProp with rate 1e-3 and decay 0.9, batch 128, 200 epochs. Ours, and why:

    frames       spread over the clip as MAM's are, one look at each at test; there runs of
                 consecutive frames, drawn anew in each epoch, and 25 runs of a clip at test:
                 --set sampling=strided --set test_views=25-clips stores ``views`` runs to train on
                 and tests so, with 25 times the frames through the network
    start        ImageNet's weights; there the network was first trained on the data set's frames:
                 --set start_from=FILE (and start_from_flow) takes such weights, of a TSN recipe
    views        two of each clip are stored; of maps one, which fill 15 GB for UCF101
    decay        none, and gradients are clipped as MAM's are
    L2STM        the same settings; its paper trains end to end, and names none that we know
    TS-LSTM      its own 25 frames, network and snippets; the rest as above

``puppets/…`` are small and quick, so that many can be trained: a table takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from actviz.learn.recipes.base import TWO_STREAM, Recipe, SequenceRecipe, TSNRecipe

__all__ = ["RECIPES"]

_TITLES = {
    "convnet": "ConvNet averaging",
    "lstm": "LSTM",
    "alstm": "soft-attention LSTM",
    "convlstm": "ConvLSTM",
    "videolstm": "VideoLSTM",
    "l2stm": "Lattice-LSTM",
    "tslstm": "TS-LSTM",
}
_ON_VECTORS = ("convnet", "lstm", "tslstm")
_JOINT = ("l2stm", "tslstm")  # one network for both streams
_PUBLISHED: dict[str, Any] = {
    "backbone": "vgg16",
    "weights": "imagenet",
    "motion_weights": "imagenet",
    "sampling": "even",
    "frames": 30,
    "hidden_dim": 512,
    "head_dim": 1024,
    "flow_length": 1,
    "motion_length": 1,
    "optimiser": "rmsprop",
    "learning_rate": 1e-3,
    "momentum": 0.0,
    "smoothing": 0.9,
    "weight_decay": 0.0,
    "schedule": "constant",
    "batch_size": 128,
    "epochs": 200,
}
_OURS: tuple[str, ...] = (
    *("val_share", "choose", "sampling", "stored_frames", "views", "test_views"),
    *("weights", "weight_decay", "clip_norm"),
)
_TSLSTM: dict[str, Any] = {
    "backbone": "resnet101",
    "frames": 25,
    "flow_length": 10,
    "motion_length": 10,
}
_SETTINGS = ("optimiser", "learning_rate", "batch_size", "epochs", "schedule")


def _name(data: str, model: str, modality: str) -> str:
    """VideoLSTM has two streams, each of which attends by the motion; L²STM and TS-LSTM one."""
    return f"{data}/{model}" if model in _JOINT else f"{data}/{model}-{modality}"


def _summary(model: str, modality: str, *, of: str) -> str:
    read = {"rgb": "frames", "flow": "flow"}[modality]
    if model in TWO_STREAM and modality == "rgb":
        read = "frames and of the flow around them"
    return f"{_TITLES[model]} on {of} features of {read}."


def _published(data: str, model: str, modality: str) -> SequenceRecipe:
    maps = model not in _ON_VECTORS
    own: dict[str, Any] = {"dropout": 0.7 if maps and model != "alstm" else 0.5}
    own |= {"views": 1 if maps else 2, "modality": modality}
    ours = _OURS
    if model == "tslstm":
        own, ours = own | _TSLSTM, (*ours, *_SETTINGS)
    if model == "l2stm":
        ours = (*ours, *_SETTINGS, "frames", "hidden_dim", "head_dim", "dropout")
    if model == "convnet":
        ours = (*ours, *_SETTINGS, "frames", "dropout")
    return SequenceRecipe(
        name=_name(data, model, modality),
        model=model,
        summary=_summary(model, modality, of="a frozen network's"),
        ours=ours,
        data=data,
        **(_PUBLISHED | own),
    )


_SMALL: dict[str, Any] = {
    "train_clips": 1200,
    "val_clips": 240,
    "test_clips": 600,
    "backbone": "resnet18_narrow",
    "width": 16,
    "input_size": 112,
    "sampling": "even",
    "augment": "mild",
    "frames": 16,
    "stored_frames": 32,
    "views": 2,
    "hidden_dim": 128,
    "head_dim": 64,
    "dropout": 0.5,
    "optimiser": "adamw",
    "learning_rate": 0.001,
    "weight_decay": 0.01,
    "warmup": 20,
    "epochs": 20,
    "batch_size": 32,
}
_SMALL_MAPS: dict[str, Any] = {"hidden_dim": 32, "epochs": 8}


def _puppets(model: str, modality: str) -> SequenceRecipe:
    starts = {"start_from": "tsn" if modality == "rgb" else "tsn-flow"}
    if model in TWO_STREAM:
        starts["start_from_flow"] = "tsn-flow"
    own: dict[str, Any] = {} if model in _ON_VECTORS else {"views": 1}
    if model in ("convlstm", "videolstm", "l2stm"):
        own |= _SMALL_MAPS
    return SequenceRecipe(
        name=_name("puppets", model, modality),
        model=model,
        summary=_summary(model, modality, of="frozen puppet"),
        data="puppets",
        modality=modality,  # type: ignore[arg-type]
        **(_SMALL | own | starts),
    )


def _puppet_tsn(modality: str) -> TSNRecipe:
    """TSN's classifier as the others are trained: on the same frozen features."""
    small = {k: v for k, v in _SMALL.items() if k not in ("hidden_dim", "head_dim")}
    return TSNRecipe(
        name=f"puppets/tsn-{modality}",
        model="tsn",
        summary=f"TSN's classifier alone on frozen puppet features of {modality}.",
        data="puppets",
        modality=modality,  # type: ignore[arg-type]
        start_from="tsn" if modality == "rgb" else "tsn-flow",
        freeze_backbone=True,
        **small,
    )


def _all(make: Callable[[str, str], SequenceRecipe]) -> list[SequenceRecipe]:
    single = [make(m, s) for m in _TITLES if m not in _JOINT for s in ("rgb", "flow")]
    return single + [make(model, "rgb") for model in _JOINT]


RECIPES: tuple[Recipe, ...] = (
    *(_puppet_tsn(modality) for modality in ("rgb", "flow")),
    *_all(_puppets),
    *_all(partial(_published, "ucf101")),
    *_all(partial(_published, "hmdb51")),
)
