"""``actviz train`` and ``actviz recipes``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from actviz.cli.common import Bar, Commands, add_command, folder
from actviz.errors import ActvizError

if TYPE_CHECKING:
    from actviz.learn.recipes import Recipe

__all__ = ["add_recipes", "add_train"]


def add_train(commands: Commands) -> None:
    parser = add_command(commands, "train", _train, "train a model by a named recipe")
    parser.add_argument("recipe", help="see `actviz recipes`")
    parser.add_argument(
        "--data", type=Path, metavar="ROOT", help="the data set's folder or list (puppets: none)"
    )
    parser.add_argument(
        "--prepared",
        type=folder,
        metavar="DIR",
        help="what `actviz data prepare` made (default: ROOT/prepared)",
    )
    parser.add_argument("--out", type=folder, help="run folder (default: runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on from last.ckpt")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="fields",
        help="change a field of the recipe; may be given again (`actviz recipes NAME` lists them)",
    )
    parser.epilog = (
        "On several GPUs: --set devices=4. On several nodes: --set nodes=2 as well, under torchrun "
        "or SLURM, which Lightning recognises."
    )


def add_recipes(commands: Commands) -> None:
    parser = add_command(commands, "recipes", _recipes, "the recipes by name, or one in full")
    parser.add_argument("name", nargs="?", help="print this recipe in full, what is ours marked")


def _train(options: argparse.Namespace) -> None:
    from actviz.learn.recipes import get_recipe, parse_settings

    recipe = get_recipe(options.recipe, parse_settings(options.fields))
    _check_data(recipe.data, options.data)
    out = options.out or Path("runs", options.recipe)

    from actviz.learn.engine import is_first_process, train
    from actviz.learn.runs import RunFolder

    def tell(line: str) -> None:
        if is_first_process():
            print(line, flush=True)

    if options.resume and not [*out.glob("last.ckpt"), *out.glob("seed-*/last.ckpt")]:
        tell(f"{out} holds no last.ckpt to go on from; the training starts anew.")
    with _Stages() as stages:
        best = train(
            recipe,
            out=out,
            data=options.data,
            prepared=options.prepared,
            resume=options.resume,
            progress=sys.stdout.isatty(),
            tell=tell,
            stages=stages,
        )
    if skipped := RunFolder(out).skipped():
        key, reason = next(iter(skipped.items()))
        clips = "1 clip was" if len(skipped) == 1 else f"{len(skipped)} clips were"
        tell(
            f"{clips} missing or unreadable and left out, such as {key} ({reason.rstrip('.')}); "
            f"see {out / 'environment.json'}."
        )
    if is_first_process() and (figures := _figures_in_words(best)):
        tell(figures)
    tell(f"{best} written.")


def _figures_in_words(best: Path) -> str:
    """How good the weights are, from their card: "test: top-1 85.17% of 600 clips"."""
    metrics = json.loads(best.with_suffix(".json").read_text(encoding="utf-8"))["metrics"]
    if metrics.get("split") == "none":
        return (
            "Nothing was tested: there is neither a test part nor a validation part; give some "
            "clips a test part, or hold some out (`actviz data check` names the protocols)."
        )
    if "top1" not in metrics:
        return ""
    of = f" of {metrics['clips']:,} clips" if "clips" in metrics else ""
    return f"{metrics.get('split', 'test')}: top-1 {metrics['top1']:.2%}{of}."


class _Stages(Bar):
    """A bar that ends with its stage, so that Lightning's may follow."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        super().__call__(stage, done, total)
        if done >= total:
            self.__exit__()


def _check_data(name: str, root: Path | None) -> None:
    if name == "puppets" and root is not None:
        raise ActvizError(f"this recipe makes its own data, puppets; leave --data {root} out.")
    if name != "puppets" and root is None:
        raise ActvizError(
            f"this recipe trains on {name}; say where it is with --data ROOT "
            "(`actviz data check ROOT` tells what is in a folder)."
        )


def _recipes(options: argparse.Namespace) -> None:
    from actviz.learn.recipes import RECIPES, get_recipe

    if options.name:
        recipe = get_recipe(options.name)
        for field, value in recipe.to_dict().items():
            if field != "ours":
                print(f"{field:<16} {_field_in_words(recipe, field, value)}".rstrip())
        return
    width = max(map(len, RECIPES))
    for name, recipe in RECIPES.items():
        print(f"{name:<{width}}  {recipe.summary}")


def _field_in_words(recipe: Recipe, field: str, value: object) -> str:
    """A value, and whether no paper gives it or another field stands in its place."""
    if field == "epochs" and recipe.iterations:
        return "by iterations"
    if field == "iterations" and not value:
        return "by epochs"
    return f"{value}{'   (ours)' if field in recipe.ours else ''}"
