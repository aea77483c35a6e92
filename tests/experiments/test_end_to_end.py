"""Whole tables, tiny: two methods trained on puppets, and on a made-up UCF101."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from actviz.cli import main
from actviz.experiments import Ask
from actviz.experiments.mam.grid import make_grid, method
from actviz.experiments.mam.places import coarse_of, find_data

sys.path.append(str(Path(__file__).parents[1] / "datasets"))
from tiny_films import film

NETWORK = {"backbone": "resnet18_narrow", "width": 8, "input_size": 32, "weights": ""}
SHORT = {"epochs": 1, "batch_size": 4, "device": "cpu", "threads": 1}
CLASSES = ("Mixing", "PizzaTossing", "SalsaSpin")


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "experiments"))


@pytest.fixture(scope="module")
def ucf101(tmp_path_factory):
    """Three classes of four clips, the first group of each tested on."""
    root = tmp_path_factory.mktemp("data") / "ucf101"
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    numbered = [f"{k} {name}" for k, name in enumerate(CLASSES, 1)]
    (lists / "classInd.txt").write_text("\n".join(numbered) + "\n")
    clips = [f"{c}/v_{c}_g{g:02}_c01.avi" for c in CLASSES for g in range(1, 5)]
    for clip in clips:
        film(root / "UCF-101" / clip, 8)
    for n in (1, 2, 3):
        test = [c for c in clips if f"_g{n:02}_" in c]
        train = [f"{c} {CLASSES.index(c.split('/')[0]) + 1}" for c in clips if c not in test]
        (lists / f"testlist0{n}.txt").write_text("\n".join(test) + "\n")
        (lists / f"trainlist0{n}.txt").write_text("\n".join(train) + "\n")
    return root


def test_a_tiny_table_from_training_to_its_files(tmp_path, capsys):
    out = tmp_path / "results"
    command = ["reproduce", "mam/figure3", "--clips", "12", "--seeds", "1", "--jobs", "1"]
    assert main([*command, "--out", str(out)]) == 0
    told = json.loads((out / "figure3.json").read_text())
    rows = {row["row"]: row["ours"] for row in told["rows"]}
    assert set(rows) == {"6 frames", "16 frames"}
    assert 0 <= rows["6 frames"]["precision"]["mean"] <= 100
    assert len(told["trainings"]) == 2 and all(t["commit"] for t in told["trainings"])
    assert len(list(out.glob("figure3-*.png"))) == 4
    assert "written" in capsys.readouterr().out


def test_methods_on_puppets_have_an_accuracy_for_each_seed():
    methods = [method("ConvNet"), method("MAM"), method("MAM + TSN")]  # that is tested on 16 frames
    ask = Ask(seeds=2, clips=12)
    grid = make_grid(methods, ask, seeds=5, streams=("spatial",), settings=SHORT | {"frames": 3})
    for name in ("ConvNet", "MAM", "MAM + TSN"):
        figure = grid.accuracy(name, "spatial")
        assert len(figure.values) == 2 and figure.right.shape == (2, 12)
    one = grid.accuracy("MAM", "spatial", ["wave", "clap"])
    assert one.right.shape == (2, 2)  # twelve clips, one of each action
    assert {f["seed"] for f in grid.facts()} == {0, 1}


def test_paper_scale_trains_and_tests_every_split_of_real_data(ucf101):
    found = find_data(ucf101.parent)
    assert found == {"ucf101": ucf101}
    small = NETWORK | SHORT | {"frames": 2, "side": 36, "iterations": 1, "test_views": "centre"}
    grid = make_grid(
        [method("MAM", "ucf101")],
        Ask(scale="paper"),
        seeds=1,
        root=ucf101,
        protocols=("split1", "split2"),
        streams=("spatial",),
        settings=small | {"workers": 0, "accumulate": 1, "partial_bn": False},
    )
    figure = grid.accuracy("MAM", "spatial")
    assert figure.right.shape == (1, 6)  # three clips of each of two splits
    assert coarse_of("ucf101", ucf101)["PizzaTossing"] == ("PizzaTossing",)
