"""Recipes by name: everything that decides what a training makes.

A recipe is found by name in ``RECIPES``; its fields are overridden by name, and a name that is no
field is an error.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from actviz.errors import ActvizError
from actviz.learn.recipes import folder, mam, man, puppets, rivals, tmnet
from actviz.learn.recipes.base import (
    ClipRecipe,
    MAMRecipe,
    MANRecipe,
    PictureRecipe,
    Recipe,
    SequenceRecipe,
    TMNetRecipe,
    TSNRecipe,
)

__all__ = [
    "RECIPES",
    "ClipRecipe",
    "MAMRecipe",
    "MANRecipe",
    "PictureRecipe",
    "Recipe",
    "SequenceRecipe",
    "TMNetRecipe",
    "TSNRecipe",
    "get_recipe",
    "parse_settings",
]

RECIPES: dict[str, Recipe] = {
    r.name: r for room in (puppets, folder, mam, rivals, tmnet, man) for r in room.RECIPES
}

_ONE_OR_MORE = (
    *("frames", "epochs", "batch_size", "accumulate", "repeats", "devices", "nodes", "width"),
    *("flow_length", "input_size", "side", "stride", "stored_frames", "views"),
    *("memory_dim", "hidden_dim", "controller_dim", "hidden", "reduction"),
    *("head_dim", "motion_length", "layers"),
)
# Of all other numbers 0.
_LEAST: dict[str, float] = dict.fromkeys(_ONE_OR_MORE, 1) | {
    "workers": -1,
    "output_bias": -math.inf,
}


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
    fixed = ("name", "model", "summary", "ours")
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
    options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    said = " or ".join(word for option in options for word in _words(option))
    return ActvizError(f"{what} must be {said}; got {value!r}.")


def _words(kind: Any) -> list[str]:
    """What a field of one kind may hold."""
    if get_origin(kind) is Literal:
        return [str(option) for option in get_args(kind)]
    if get_origin(kind) is tuple:
        return [f"{get_args(kind)[0].__name__} values in brackets, as in [1, 2]"]
    return ["null" if kind is NoneType else kind.__name__]


def _check(recipe: Recipe) -> None:
    """Numbers that no training can be run with."""
    for field in fields(recipe):
        value = getattr(recipe, field.name)
        if type(value) in (int, float):
            _check_number(f"{recipe.name}: {field.name}", value, _LEAST.get(field.name, 0))
    shares = ("dropout", "recurrent_dropout", "momentum", "norm_momentum", "smoothing", "mirror")
    for name in shares:
        if (getattr(recipe, name, 0) or 0) > 1:
            raise ActvizError(
                f"{recipe.name}: {name} must be at most 1; got {getattr(recipe, name)}."
            )
    if recipe.val_share >= 1:
        raise ActvizError(f"{recipe.name}: val_share must be below 1; got {recipe.val_share}.")
    if recipe.data == "puppets" and isinstance(recipe, PictureRecipe):
        _check_stored(recipe)


def _check_number(what: str, value: float, least: float) -> None:
    if not math.isfinite(value):
        raise ActvizError(f"{what} must be a finite number; got {value}.")
    if value < least:
        raise ActvizError(f"{what} must be at least {least}; got {value}.")


def _check_stored(recipe: PictureRecipe) -> None:
    if recipe.stored_frames < recipe.frames:
        raise ActvizError(
            f"{recipe.name}: stored_frames ({recipe.stored_frames}) must be at least frames "
            f"({recipe.frames}), which are drawn from them."
        )
