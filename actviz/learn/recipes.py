"""Recipes: everything that decides what a training makes, as plain typed dataclasses.

A recipe is found by name in ``RECIPES``; its fields are overridden by name, and a name that is no
field is an error. The paper's value stands where the paper gives one and it fits puppets; a comment
says where ours differs. Numbers of iterations are optimiser steps.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from actviz.errors import ActvizError

__all__ = [
    "RECIPES",
    "MAMRecipe",
    "MANRecipe",
    "PictureRecipe",
    "Recipe",
    "TMNetRecipe",
    "TSNRecipe",
    "get_recipe",
    "parse_settings",
]


@dataclass(frozen=True)
class Recipe:
    """What every training has. The subclasses add their model's own choices."""

    name: str
    model: str  # a key of models.BUILDERS
    summary: str  # one sentence for `actviz recipes`
    # clips: numbers per split; the seeds of the splits never meet
    data: str = "puppets"
    train_clips: int = 2400
    val_clips: int = 240
    test_clips: int = 600
    frames: int = 16  # T that the model sees of one clip
    # optimisation
    epochs: int = 10
    batch_size: int = 32  # clips
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    clip_norm: float = 20.0  # total gradient norm
    schedule: Literal["constant", "step", "cosine"] = "cosine"
    milestones: tuple[int, ...] = ()  # iterations after which "step" divides the rate by ten
    warmup: int = 0  # iterations of linear warm-up
    # running
    seed: int = 0
    repeats: int = 1  # trainings with seeds seed, seed + 1, …; the first is kept, spread reported
    device: str = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    threads: int = 0  # CPU threads, on which the last digits depend; 0: torch's choice

    def build_overrides(self, classes: int) -> dict[str, Any]:
        """Keyword arguments of ``models.build(self.model, …)``."""
        return {"num_classes": classes}

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON takes them."""
        return asdict(self)


@dataclass(frozen=True)
class PictureRecipe(Recipe):
    """Trainings on frames."""

    backbone: str = "resnet18_narrow"
    width: int | None = 16  # channels of the narrow backbone's first stage
    input_size: int = 112  # pixels
    stored_frames: int = 32  # frames of a clip kept in the cache, from which T are drawn
    augment: bool = True  # shift, mirror and colour, the same for all frames of a clip
    start_from: str = ""  # weights whose frame CNN is taken over: a bundled name or a file

    def build_overrides(self, classes: int) -> dict[str, Any]:
        return {"num_classes": classes, "backbone": self.backbone, "width": self.width}


@dataclass(frozen=True)
class TSNRecipe(PictureRecipe):
    """TSN: the mean of single frames' logits; here also the frame CNN for the others."""

    small_epochs: int = 0  # first epochs at half the input size: off chance sooner, four times fast
    dropout: float = 0.2  # TSN's 0.8 is for 2048 features

    def build_overrides(self, classes: int) -> dict[str, Any]:
        return super().build_overrides(classes) | {"dropout": self.dropout}


@dataclass(frozen=True)
class MAMRecipe(PictureRecipe):
    """MAM (Yuan et al., AAAI 2019), on frozen features or end to end as published."""

    freeze_backbone: bool = True  # features computed once; False: end to end, as published
    backbone_rate: float = 0.1  # learning rate of the backbone over that of the rest
    views: int = 2  # augmented views of each clip whose features are stored, with a frozen backbone
    memory_dim: int = 128  # D
    hidden_dim: int = 128  # H
    controller_dim: int = 64  # K
    output_bias: float = 1.0  # of q_t; ours, the paper writes none: 0 leaves memories empty
    dropout: float = 0.0

    def build_overrides(self, classes: int) -> dict[str, Any]:
        return super().build_overrides(classes) | {
            "memory_dim": self.memory_dim,
            "hidden_dim": self.hidden_dim,
            "controller_dim": self.controller_dim,
            "output_bias": self.output_bias,
            "dropout": self.dropout,
        }


@dataclass(frozen=True)
class TMNetRecipe(PictureRecipe):
    """TMNet-2D (Liu et al., IEEE Access 2020): one glance learns from many frames."""

    base_stages: int = 2  # of four; the rest is each branch's own
    alpha: float = 0.8  # weight of the regression loss, the paper's best
    key: Literal["begin", "middle", "end"] = "middle"  # third the key frame is drawn from

    def build_overrides(self, classes: int) -> dict[str, Any]:
        own = {"base_stages": self.base_stages, "key_third": self.key}
        return super().build_overrides(classes) | own


@dataclass(frozen=True)
class MANRecipe(Recipe):
    """MAN (Xie et al., IJCAI 2018), the nine-convolution kind, on NTU-25 skeletons."""

    layout: str = "ntu-25"
    hidden: int = 64  # units of each GRU direction
    reduction: int = 16  # of the attention's bottleneck
    cell: Literal["torch", "keras"] = "torch"
    attention: Literal["trained", "frozen"] = "trained"
    augment: bool = True  # speed, crop in time, turn, scale, joint noise; off in the paper
    hips_share: float = 0.3  # of clips centred on the hips, beside those that come so

    def build_overrides(self, classes: int) -> dict[str, Any]:
        return {
            "num_classes": classes,
            "frames": self.frames,
            "hidden": self.hidden,
            "reduction": self.reduction,
            "cell": self.cell,
            "attention": self.attention,
        }


_BACKBONE = TSNRecipe(
    name="puppets/backbone",
    model="tsn",
    summary="A narrow ResNet-18 as TSN on puppet frames: the frame CNN of MAM and TMNet.",
    frames=6,
    epochs=32,
    small_epochs=20,
    optimiser="adamw",
    learning_rate=0.002,
    weight_decay=0.02,
    warmup=100,
)
_MAM = MAMRecipe(
    name="puppets/mam",
    model="mam",
    summary="MAM end to end from the frame CNN of puppets/backbone.",
    start_from="tsn",
    freeze_backbone=False,
    backbone_rate=0.4,
    frames=16,
    epochs=8,
    batch_size=16,
    optimiser="adamw",
    learning_rate=0.0008,
    weight_decay=0.02,
    warmup=50,
)
_MAM_HEAD = MAMRecipe(
    name="puppets/mam-head",
    model="mam",
    summary="MAM's memory and controller alone, on frozen features of puppets/backbone; 3 seeds.",
    start_from="tsn",
    frames=24,
    epochs=25,
    optimiser="adamw",
    learning_rate=0.0003,
    weight_decay=0.01,
    repeats=3,
)
_TMNET = TMNetRecipe(
    name="puppets/tmnet",
    model="tmnet",
    summary="TMNet-2D, two stages shared and two of each branch's own, on puppet frames.",
    start_from="tsn",
    frames=8,
    epochs=8,
    batch_size=16,
    optimiser="adamw",
    learning_rate=0.0005,
    weight_decay=0.02,
    warmup=50,
)
_MAN = MANRecipe(
    name="puppets/man",
    model="man",
    summary="MAN with nine convolutions on puppet skeletons.",
    frames=50,
    epochs=10,
    learning_rate=0.02,
    nesterov=True,
    weight_decay=2e-4,  # = Keras's L2 of 1e-4, on the kernels that have one
    warmup=50,
    repeats=3,
)
RECIPES: dict[str, Recipe] = {r.name: r for r in (_BACKBONE, _MAM, _MAM_HEAD, _TMNET, _MAN)}


def get_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe called ``name``, with fields replaced by name; texts are read as the field's type.

    Raises:
        ActvizError: no such recipe or field, or a value that the field cannot take.
    """
    if name not in RECIPES:
        raise ActvizError(
            f"recipe must be one of {', '.join(RECIPES)}; got {name!r}.{_nearest(name, RECIPES)}"
        )
    recipe = RECIPES[name]
    kinds = get_type_hints(type(recipe))
    fixed = ("name", "model", "summary")
    known = [f.name for f in fields(recipe) if f.name not in fixed]
    changed = {}
    for key, value in (overrides or {}).items():
        if key not in known:
            raise ActvizError(
                f"{name} has no field {key!r} to set.{_nearest(key, known)} "
                f"Fields: {', '.join(known)}."
            )
        changed[key] = _convert(value, kinds[key], f"{name}: {key}")
    recipe = replace(recipe, **changed)
    _check(recipe)
    return recipe


def parse_settings(settings: Iterable[str]) -> dict[str, str]:
    """``["epochs=2", "seed=1"]`` as a dict, for ``--set field=value``.

    Raises:
        ActvizError: an entry without ``=``.
    """
    parsed = {}
    for setting in settings:
        key, sign, value = setting.partition("=")
        if not sign or not key:
            raise ActvizError(f"--set takes field=value, such as epochs=2; got {setting!r}.")
        parsed[key.strip()] = value.strip()
    return parsed


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f" Did you mean {close[0]!r}?" if close else ""


def _convert(value: Any, kind: Any, what: str) -> Any:
    """``value`` as ``kind``: a text is read as JSON unless the field holds text."""
    options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    if isinstance(value, str) and str not in options and get_origin(kind) is not Literal:
        try:
            value = json.loads(value.lower())
        except ValueError:
            raise _unfit(value, kind, what) from None
    for option in options:
        if get_origin(option) is Literal and value in get_args(option):
            return value
        if get_origin(option) is tuple and isinstance(value, list | tuple):
            if all(type(v) is get_args(option)[0] for v in value):
                return tuple(value)
        elif option is float and type(value) in (int, float):
            return float(value)
        elif type(value) is option:
            return value
    raise _unfit(value, kind, what)


def _unfit(value: Any, kind: Any, what: str) -> ActvizError:
    said = getattr(kind, "__name__", None) if isinstance(kind, type) else str(kind)
    return ActvizError(f"{what} must be {said}; got {value!r}.")


def _check(recipe: Recipe) -> None:
    """Numbers that no training can be run with."""
    whole = ("train_clips", "val_clips", "test_clips", "frames", "epochs", "batch_size", "repeats")
    for field_name in whole:
        if getattr(recipe, field_name) < 1:
            raise ActvizError(
                f"{recipe.name}: {field_name} must be at least 1; got "
                f"{getattr(recipe, field_name)}."
            )
    if isinstance(recipe, PictureRecipe) and recipe.stored_frames < recipe.frames:
        raise ActvizError(
            f"{recipe.name}: stored_frames ({recipe.stored_frames}) must be at least frames "
            f"({recipe.frames}), which are drawn from them."
        )
