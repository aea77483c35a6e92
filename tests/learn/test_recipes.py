"""Recipes are found by name, changed by field, and refuse what they do not know."""

import json

import pytest
import torch

import models
from actviz.errors import ActvizError
from actviz.learn.recipes import RECIPES, get_recipe, parse_settings


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_builds_its_model_and_is_plain_json(name):
    recipe = get_recipe(name)
    assert recipe.name == name
    with torch.device("meta"):  # Lattice-LSTM alone has a quarter of a billion weights
        models.build(recipe.model, **recipe.build_overrides(12))
    json.dumps(recipe.to_dict(), allow_nan=False)


def test_texts_from_the_command_line_become_the_fields_types():
    settings = parse_settings(["epochs=3", "learning_rate=1", "flip=false", "schedule=step"])
    recipe = get_recipe("puppets/mam", settings | {"milestones": "[10, 20]", "width": "null"})
    assert (recipe.epochs, recipe.learning_rate, recipe.flip) == (3, 1.0, False)
    assert (recipe.schedule, recipe.milestones, recipe.width) == ("step", (10, 20), None)


def test_recipes_themselves_stay_as_they_were():
    get_recipe("puppets/man", {"epochs": 1})
    assert RECIPES["puppets/man"].epochs != 1


@pytest.mark.parametrize(
    ("name", "overrides", "said"),
    [
        ("puppets/man2", {}, r"Did you mean 'puppets/man'\?"),
        ("puppets/mam", {"epoch": 2}, r"Did you mean 'epochs'\?"),
        ("puppets/mam", {"name": "mine"}, "no field 'name'"),
        ("puppets/mam", {"epochs": "many"}, "epochs must be int; got 'many'"),
        ("puppets/mam", {"epochs": 2.5}, "epochs must be int"),
        ("puppets/mam", {"epochs": True}, "epochs must be int"),
        ("puppets/mam", {"schedule": "sine"}, "schedule must be .*cosine"),
        ("puppets/mam", {"epochs": 0}, "epochs must be at least 1"),
        ("puppets/mam", {"frames": 999}, "stored_frames"),
        ("puppets/man", {"nesterov": "perhaps"}, "nesterov must be bool"),
        (
            "folder/tsn",
            {"optimiser": "lion"},
            "optimiser must be sgd or adamw or rmsprop; got 'lion'",
        ),
        ("folder/tsn", {"scales": "1"}, "scales must be float values"),
        ("folder/tsn", {"learning_rate": "-1"}, "learning_rate must be at least 0"),
        ("folder/tsn", {"learning_rate": float("inf")}, "learning_rate must be a finite number"),
        ("folder/tsn", {"clip_norm": "-1"}, "clip_norm must be at least 0"),
        ("folder/tsn", {"seed": "-1"}, "seed must be at least 0"),
        ("folder/tsn", {"views": "0"}, "views must be at least 1"),
        ("folder/tsn", {"stored_frames": "0"}, "stored_frames must be at least 1"),
        ("folder/tsn", {"input_size": "0"}, "input_size must be at least 1"),
        ("folder/tsn", {"dropout": "2"}, "dropout must be at most 1; got 2"),
        ("folder/tsn", {"val_share": "1"}, "val_share must be below 1; got 1"),
        ("folder/mam", {"hidden_dim": "0"}, "hidden_dim must be at least 1"),
    ],
)
def test_what_a_recipe_cannot_take_is_refused_in_words(name, overrides, said):
    with pytest.raises(ActvizError, match=said):
        get_recipe(name, overrides)


def test_settings_need_an_equals_sign():
    with pytest.raises(ActvizError, match="field=value"):
        parse_settings(["epochs 3"])


def test_mams_switches_reach_its_network():
    asked = {"reset": "false", "inputs": '["feature"]', "read": "sum", "writes": "soft"}
    recipe = get_recipe("puppets/mam", asked | {"threshold": 0.7})
    network = models.build("mam", **recipe.build_overrides(12))
    assert (network.reset, network.read, network.writes) == (False, "sum", "soft")
    assert (network.controller.inputs, network.threshold) == (("feature",), 0.7)
