"""``actviz train`` and ``actviz recipes``."""

from __future__ import annotations

import argparse
from pathlib import Path

from actviz.cli.common import Commands, add_command
from actviz.errors import ActvizError

__all__ = ["add_recipes", "add_train"]


def add_train(commands: Commands) -> None:
    parser = add_command(commands, "train", _train, "train a model by a named recipe")
    parser.add_argument("recipe", help="see `actviz recipes`")
    parser.add_argument("--data", type=Path, metavar="ROOT", help="data set (puppets need none)")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on from last.ckpt")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="fields")


def add_recipes(commands: Commands) -> None:
    parser = add_command(commands, "recipes", _recipes, "the recipes by name, or one in full")
    parser.add_argument("name", nargs="?")


def _train(options: argparse.Namespace) -> None:
    from actviz.learn.engine import train
    from actviz.learn.recipes import get_recipe, parse_settings

    recipe = get_recipe(options.recipe, parse_settings(options.fields))
    if options.data is not None:
        raise ActvizError(
            f"recipe {options.recipe} makes its own data; leave --data {options.data} out."
        )
    out = options.out or Path("runs", options.recipe)
    print(f"{train(recipe, out=out, resume=options.resume)} written.")


def _recipes(options: argparse.Namespace) -> None:
    from actviz.learn.recipes import RECIPES, get_recipe

    if options.name:
        for field, value in get_recipe(options.name).to_dict().items():
            print(f"{field:<16} {value}")
        return
    for name, recipe in RECIPES.items():
        print(f"{name:<18} {recipe.summary}")
