"""The papers' recipes say the papers' numbers, mark what is ours, and build their networks."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

import models
from actviz.learn.data.transforms import picture_indices
from actviz.learn.recipes import RECIPES, get_recipe

PAPER = [name for name in RECIPES if not name.startswith(("puppets/", "folder/"))]


def _says(name, **values):
    recipe = RECIPES[name]
    return {key: getattr(recipe, key) for key in values} == values


def test_mam_spatial_stream_is_trained_as_published():
    for name in (n for n in PAPER if "/mam-" in n and n.endswith("-rgb")):
        assert _says(
            name,
            optimiser="sgd",
            momentum=0.9,
            batch_size=64,
            clip_norm=20.0,
            learning_rate=0.001,
            schedule="step",
            milestones=(6000, 12000),
            iterations=18000,
            weights="imagenet",
            test_views="25x10",
        ), name


def test_mam_temporal_stream_is_trained_as_published():
    for name in (n for n in PAPER if "/mam-" in n and n.endswith("-flow")):
        assert _says(name, learning_rate=0.005, milestones=(48000, 72000), iterations=80000), name
        assert _says(name, batch_size=64, clip_norm=20.0, scales=(1.0, 0.875, 0.75)), name


def test_mam_comes_in_two_networks_with_and_without_tsn_in_two_streams_on_two_sets():
    kinds = {n.split("/")[1] for n in PAPER if n.startswith("ucf101/mam-")}
    assert kinds == {
        f"mam-{net}{tsn}-{stream}"
        for net in ("vgg16", "resnet101")
        for tsn in ("", "-tsn")
        for stream in ("rgb", "flow")
    }
    assert kinds == {n.split("/")[1] for n in PAPER if n.startswith("hmdb51/mam-")}


@pytest.mark.parametrize(
    ("name", "rate", "milestones", "iterations", "dropout", "clip"),
    [
        ("ucf101/tsn-rgb", 0.001, (1500, 3000), 3500, 0.8, 40.0),
        ("ucf101/tsn-flow", 0.005, (10000, 16000), 18000, 0.7, 20.0),
        ("hmdb51/tsn-rgb", 0.001, (1000, 2000), 2500, 0.8, 40.0),
        ("hmdb51/tsn-flow", 0.005, (4000, 6000), 7000, 0.7, 20.0),
    ],
)
def test_tsn_follows_its_published_solvers(name, rate, milestones, iterations, dropout, clip):
    assert _says(name, learning_rate=rate, milestones=milestones, iterations=iterations)
    assert _says(name, dropout=dropout, clip_norm=clip, batch_size=128, frames=3)
    assert _says(name, partial_bn=True, tsn_groups=True, weight_decay=5e-4)


VIDEOLSTM = ("lstm", "alstm", "convlstm", "videolstm")  # whose settings its code gives


@pytest.mark.parametrize("data", ["ucf101", "hmdb51"])
@pytest.mark.parametrize("model", VIDEOLSTM)
@pytest.mark.parametrize("stream", ["rgb", "flow"])
def test_rivals_are_trained_as_videolstms_code_trains_them(data, model, stream):
    assert _says(
        f"{data}/{model}-{stream}",
        optimiser="rmsprop",
        learning_rate=1e-3,
        smoothing=0.9,
        momentum=0.0,
        schedule="constant",
        batch_size=128,
        epochs=200,
        frames=30,
        hidden_dim=512,
        head_dim=1024,
        dropout=0.7 if model in ("convlstm", "videolstm") else 0.5,
        backbone="vgg16",
        freeze_backbone=True,
        flow_length=1,  # its flow network sees a single field
        motion_length=1,
        modality=stream,
    )


def test_where_a_rivals_source_is_silent_the_recipe_says_ours():
    for name in (f"{data}/{m}" for data in ("ucf101", "hmdb51") for m in ("l2stm", "tslstm")):
        assert {"optimiser", "learning_rate", "epochs", "batch_size"} <= set(RECIPES[name].ours)
    assert _says("ucf101/tslstm", backbone="resnet101", frames=25, hidden_dim=512, dropout=0.5)
    assert {"sampling", "clip_norm", "weight_decay"} <= set(RECIPES["ucf101/lstm-rgb"].ours)


def test_every_rival_is_trained_on_puppets_as_on_the_data_sets():
    kinds = {n.split("/")[1] for n in PAPER if n.startswith("ucf101/")}
    rivals = {k for k in kinds if not k.startswith(("mam", "tmnet"))}
    puppets = {n.split("/")[1] for n in RECIPES if n.startswith("puppets/")}
    assert rivals == {k for k in puppets & kinds if not k.startswith("tmnet")}
    assert len(rivals) == 17


def test_tmnet_is_trained_as_published():
    for name in (n for n in PAPER if "/tmnet-" in n):
        assert _says(name, learning_rate=0.01, milestones=(10000, 16000), iterations=24000), name
        assert _says(name, scales=(1.0, 0.875, 0.75, 0.66, 0.5), resize="square", side=256), name
    for name in (n for n in PAPER if "/tmnet-" in n and not n.endswith("-tsn")):
        assert _says(name, frames=16, stride=2, sampling="strided", alpha=0.8, key="middle"), name
    assert RECIPES["ucf101/tmnet-tsn"].frames == 3


@pytest.mark.parametrize(("data", "epoch"), [("ucf101", 149), ("hmdb51", 56)])
def test_tsm_is_trained_as_its_script_has_it(data, epoch):
    """9,537 and 3,570 training clips of split 1 in batches of 64."""
    assert _says(f"{data}/tsm", learning_rate=0.001, batch_size=64, dropout=0.8, clip_norm=20.0)
    assert _says(f"{data}/tsm", frames=8, sampling="tsn", partial_bn=True, backbone="resnet50")
    assert _says(f"{data}/tsm", milestones=(10 * epoch, 20 * epoch), iterations=25 * epoch)


@pytest.mark.parametrize("data", ["ucf101", "hmdb51"])
def test_3d_rivals_see_eight_frames_and_their_schedule_is_said_to_be_ours(data):
    assert _says(f"{data}/res-i3d", frames=8, backbone="i3d_resnet50", weights="imagenet")
    assert _says(f"{data}/resnet3d18", frames=8, weights="kinetics400", input_size=112)
    for name in (f"{data}/res-i3d", f"{data}/resnet3d18"):
        assert {"learning_rate", "iterations", "stride"} <= set(RECIPES[name].ours)


def test_puppet_tmnets_and_rivals_differ_by_the_model_alone():
    kinds = ("tmnet-tsn", "tmnet-3d-a", "tmnet-3d-b", "tsm", "res-i3d", "resnet3d18")
    recipes = [RECIPES[f"puppets/{kind}"] for kind in ("tmnet", *kinds)]
    alike = ("train_clips", "epochs", "batch_size", "learning_rate", "start_from", "augment")
    assert len({tuple(getattr(r, field) for field in alike) for r in recipes}) == 1


def test_one_glance_is_a_frame_and_3d_b_sees_its_clip():
    views = {n: RECIPES[n].test_views for n in PAPER if "/tmnet-2d" in n or "/tmnet-3d" in n}
    assert {n for n, v in views.items() if v == "centre"} == {
        "ucf101/tmnet-3d-b",
        "hmdb51/tmnet-3d-b",
    }
    assert set(views.values()) == {"centre", "glance"}
    assert "test_views" in RECIPES["ucf101/tmnet-3d-b"].ours


def test_thirty_frames_of_a_shorter_clip_are_not_all_its_first():
    recipe = RECIPES["hmdb51/mam-vgg16-rgb"]
    rng = np.random.default_rng(0)
    at = picture_indices(19, recipe.frames, sampling=recipe.sampling, rng=rng)
    assert len(np.unique(at)) > 12


@pytest.mark.parametrize(("name", "rate"), [("ntu/man", 0.5), ("ntu/man-densenet161", 0.0)])
def test_mans_memory_cell_drops_out_as_published(name, rate):
    with torch.device("meta"):
        network = models.build("man", **RECIPES[name].build_overrides(60))
    assert {(t.cell.rate, t.cell.recurrent_rate) for t in network.tarms} == {(rate, rate)}


def test_man_is_trained_as_the_authors_published_it():
    assert _says(
        "ntu/man",
        batch_size=128,
        epochs=50,
        learning_rate=0.01,
        nesterov=True,
        momentum=0.9,
        weight_decay=2e-4,
        schedule="plateau",
        plateau_factor=0.2,
        plateau_patience=5,
        plateau_cooldown=3,
        least_rate=1e-4,
        cell="keras",
        frames=50,
        hidden=64,
    )
    for name in (n for n in PAPER if "/man" in n):
        varied = ("turn", "scale", "speed", "crop", "noise", "hips_share")
        assert not any(getattr(RECIPES[name], field) for field in varied), name


@pytest.mark.parametrize("data", ["ntu", "utkinect", "sysu", "hdm05"])
def test_mans_convolutions_alone_are_trained_as_man_is(data):
    man, alone = (RECIPES[f"{data}/{model}"].to_dict() for model in ("man", "stcm"))
    assert {k for k in man if man[k] != alone[k]} == {"name", "model", "summary"}
    assert man["batch_size"] == (128 if data == "ntu" else 16)


def test_rivals_on_skeletons_are_all_trained_alike_and_marked_as_ours():
    rivals = [RECIPES[f"sysu/{name}"] for name in ("tarm", "bgru", "lstm", "stgcn")]
    rates = {(r.optimiser, r.learning_rate, r.epochs, r.batch_size) for r in rivals}
    assert len(rates) == 1 and all("learning_rate" in r.ours for r in rivals)
    puppets = [RECIPES[f"puppets/{name}"] for name in ("man", "stcm", "tarm", "bgru", "stgcn")]
    assert len({(r.epochs, r.train_clips, r.speed, r.noise, r.repeats) for r in puppets}) == 1


def test_sizes_and_dropout_of_a_rival_reach_its_network():
    asked = {"hidden": 9, "layers": 2, "dropout": 0.25}
    network = models.build("bgru", **get_recipe("ntu/bgru", asked).build_overrides(5))
    assert (network.cell.hidden_size, network.cell.num_layers, network.rate) == (9, 2, 0.25)
    blocks = get_recipe("ntu/stgcn", {"channels": "[4, 8]"}).build_overrides(5)
    assert len(models.build("stgcn", **blocks).blocks) == 2


def test_nothing_published_is_chosen_by_the_test_set_unless_asked():
    assert {recipe.choose for recipe in RECIPES.values()} == {"val", "last"}


@pytest.mark.parametrize("name", PAPER)
def test_what_is_ours_are_fields_of_the_recipe(name):
    recipe = RECIPES[name]
    assert recipe.ours and set(recipe.ours) <= {f.name for f in fields(recipe)}


@pytest.mark.parametrize("stream", ["rgb", "flow"])
def test_mam_on_vgg16_also_reads_pool5(stream):
    recipe = get_recipe(f"ucf101/mam-vgg16-{stream}", {"backbone": "vgg16_pool5"})
    with torch.device("meta"):
        network = models.build("mam", **recipe.build_overrides(101))
    assert network.feature_dim == 512 and network.lstm.input_size == 512


@pytest.mark.parametrize("name", PAPER)
def test_every_recipe_builds_its_network(name):
    recipe = RECIPES[name]
    with torch.device("meta"):
        network = models.build(recipe.model, **recipe.build_overrides(51))
    last = [layer for name, layer in network.named_modules() if name.endswith("classifier")]
    assert last and {layer.out_features for layer in last} == {51}
