"""Trainings are done once, kept, shared and gone on with; what is fused is what both say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_up import made_up

from actviz.errors import ActvizError
from actviz.experiments import keeping, trainings
from actviz.experiments.cutting import Cut
from actviz.experiments.mam.grid import fused, method
from actviz.experiments.trainings import Wanted, is_done, train_all

THREE = [Wanted("puppets/mam-head", {"seed": seed}) for seed in range(3)]


@pytest.fixture
def done(tmp_path, monkeypatch):
    """Seeds whose training was done, in order; no training is really done."""
    seeds = []

    def do(wanted, path, progress):
        seeds.append(wanted.settings["seed"])
        if wanted.settings["seed"] == 13:
            raise ActvizError("killed")
        made = made_up([True, False])
        found = {"keys": made.keys, "labels": made.labels, "logits": made.logits}
        classes = type("Task", (), {"classes": made.classes})
        keeping.store(path, classes, found, {"seed": wanted.settings["seed"]})

    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path))
    monkeypatch.setattr(trainings, "_do", do)
    return seeds


def test_a_killed_table_goes_on_where_it_stopped(done):
    killed = Wanted("puppets/mam-head", {"seed": 13})
    with pytest.raises(ActvizError, match="killed"):
        train_all([*THREE[:2], killed, THREE[2]])
    assert done == [0, 1, 13]
    answers = train_all(THREE)
    assert done == [0, 1, 13, 2]
    assert [a.facts["seed"] for a in answers] == [0, 1, 2]
    assert answers[0].right.tolist() == [True, False]


def test_what_a_stopped_run_left_is_gone_on_with_only_where_its_recipe_is_the_same(tmp_path):
    recipe = THREE[0].filled()
    text = json.dumps(recipe.to_dict())
    for name, left in (("same", text), ("other", text.replace('"workers": -1', '"workers": 1'))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.json").write_text(left)
        trainings._forget_another(tmp_path / name, recipe)
    assert [path.name for path in tmp_path.iterdir()] == ["same"]


def test_two_tables_share_their_trainings_and_fresh_does_them_again(done):
    train_all(THREE[:2])
    train_all([THREE[1], THREE[1], THREE[2]])
    assert done == [0, 1, 2]
    train_all(THREE[:1], fresh=True)
    assert done == [0, 1, 2, 0]


def test_progress_counts_trainings(done):
    told = []
    train_all(THREE, progress=lambda *said: told.append(said))
    assert told[0] == ("trainings", 0, 3) and told[-1] == ("trainings", 3, 3)


@pytest.mark.parametrize(
    "other",
    [Wanted("puppets/mam-head", {"seed": 1}), Wanted("puppets/mam-head", {"epochs": 3}),
     Wanted("puppets/mam-head", cut=Cut(0.2)), Wanted("puppets/mam-head", threshold=0.3),
     Wanted("puppets/mam-head", frames=6)],
)  # fmt: skip
def test_what_decides_the_answers_names_them(done, other):
    train_all([Wanted("puppets/mam-head", {"seed": 0})])
    assert is_done(Wanted("puppets/mam-head", {"workers": 2}))  # decides nothing
    assert not is_done(other)


def test_a_wanted_training_survives_its_way_to_another_process(tmp_path):
    wanted = Wanted("puppets/mam-head", {"seed": 1}, Cut(0.4, "other actions"), tmp_path)
    assert Wanted.from_json(wanted.to_json()) == wanted


def test_streams_are_averaged_or_multiplied_on_the_clips_that_both_answered():
    one = made_up([True, True, False], keys=("x", "y", "z"))
    other = made_up([False, True], keys=("y", "x"))
    other.labels[:] = (1, 0)
    other.logits[:] = [[0, 1], [1, 0]]
    both = fused([one, other], "average")
    assert both.keys == ("x", "y")
    share = (1 / (1 + np.exp(-10)) + 1 / (1 + np.exp(-1))) / 2
    assert np.exp(both.logits[0, 0]) == pytest.approx(share)
    assert fused([one, other], "product").logits[0, 0] - fused([one, other], "product").logits[
        0, 1
    ] == pytest.approx(11)  # logits add up where probabilities multiply


@pytest.mark.parametrize("data", ["puppets", "ucf101", "hmdb51"])
def test_every_row_that_is_trained_has_its_recipes(data):
    names = ["ConvNet", "LSTM", "ALSTM", "ConvLSTM", "VideoLSTM", "L2STM", "TS-LSTM", "TSN", "MAM"]
    found = [method(name, data) for name in names]
    assert {tuple(m.streams) for m in found} == {("spatial", "temporal"), ("both",)}
