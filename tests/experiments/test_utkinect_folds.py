"""MAN's experiments: folds joined to figures, a recipe chosen, and the whole table, tiny."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actviz.cli import main
from actviz.datasets import open_dataset
from actviz.errors import ActvizError
from actviz.experiments import Ask, get_experiment
from actviz.experiments.keeping import Answers
from actviz.experiments.man import choosing, recordings, utkinect
from actviz.experiments.man.choosing import CANDIDATES, best_of, group_of, log_loss
from actviz.experiments.man.folds import FIVE, Folds, fold, folds_of
from actviz.learn.recipes import RECIPES, get_recipe


def answers(recording: str, told: list[int], labels: tuple[int, ...] = (0, 1)) -> Answers:
    logits = np.eye(3, dtype=np.float32)[told]
    keys = tuple(f"{recording}/{k}" for k in range(len(told)))
    return Answers(keys, np.array(labels), logits, ("a", "b", "c"), {}, {"seed": 0})


def two_folds() -> Folds:
    """Seed 0 errs once, in the second fold; seed 1 there twice and once in the first."""
    return Folds(
        {
            (0, 1): answers("s01_e01", [0, 1]),
            (0, 2): answers("s01_e02", [0, 2]),
            (1, 1): answers("s01_e01", [0, 2]),
            (1, 2): answers("s01_e02", [1, 2]),
        }
    )


def test_accuracy_is_over_all_sequences_left_out_and_not_a_mean_of_folds() -> None:
    found = two_folds()
    assert found.accuracy((1, 2)).values == (0.75, 0.25)
    assert found.accuracy((2,), seeds=(0,)).values == (0.5,)
    assert found.by_fold() == {"s01_e01": 0.75, "s01_e02": 0.25}


def test_every_confusion_is_counted_and_named() -> None:
    found = two_folds()
    assert found.confusion().tolist() == [[3, 1, 0], [0, 1, 3], [0, 0, 0]]
    assert found.wrong() == [
        {"sequence": "s01_e01/1", "action": "b", "answered": {"c": 1}},
        {"sequence": "s01_e02/0", "action": "a", "answered": {"b": 1}},
        {"sequence": "s01_e02/1", "action": "b", "answered": {"c": 2}},
    ]


def test_of_candidates_with_as_many_right_the_surest_is_chosen() -> None:
    sure = answers("s", [0, 1])
    unsure = replace(sure, logits=sure.logits / 2)
    wrong = answers("s", [0, 2])
    assert best_of({"x": wrong, "y": unsure, "z": sure}) == "z"
    assert log_loss(sure) == pytest.approx(np.log(np.e + 2) - 1)


def test_people_of_a_fold_are_those_its_recipe_is_chosen_without() -> None:
    recordings = ["s01_e01", "s01_e02", "s02_e01", "s03_e01"]
    groups = [["s01", "s02"], ["s03"]]
    assert [group_of(n, recordings, groups) for n in (1, 2, 3, 4)] == [1, 1, 1, 2]


def test_candidates_are_four_at_most_and_nothing_is_chosen_by_what_is_tested(tmp_path) -> None:
    assert len(CANDIDATES) <= 4 and CANDIDATES["as published"] == {}
    for settings in CANDIDATES.values():
        recipe = fold("utkinect/man", 3, tmp_path, settings).filled()
        assert (recipe.choose, recipe.val_share) == ("last", 0.0)
        assert recipe.protocol == "leave-one-sequence-out/03"
    assert len(FIVE) == 5 and folds_of(["leave-one-sequence-out/02", "inner/1"]) == (2,)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Five people, one recording each of two actions: still, and one hand going up."""
    root, rng = tmp_path / "utkinect", np.random.default_rng(0)
    root.mkdir()
    for person in range(1, 6):
        lines = []
        for frame in range(1, 19):
            joints = np.linspace(0, 1, 60) + rng.normal(0, 0.01, 60)
            joints[22] += max(0, frame - 9) * 0.1
            lines.append(f"{frame} " + " ".join(f"{v:.4f}" for v in joints))
        (root / f"joints_s{person:02}_e01.txt").write_text("\n".join(lines) + "\n")
    named = [f"s{person:02}_e01\nwalk: 1 9\npush: 10 18\n" for person in range(1, 6)]
    (root / "actionLabel.txt").write_text("".join(named))
    return root


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    for name in ("man", "stcm", "tarm", "bgru", "lstm", "stgcn"):
        recipe = get_recipe(f"utkinect/{name}", {"epochs": 1, "frames": 8, "hidden": 3})
        small = replace(recipe, reduction=4, device="cpu", channels=(4,) if name == "stgcn" else ())
        monkeypatch.setitem(RECIPES, recipe.name, small)
    few = {"as published": {}, "varied": {"mirror": 0.5, "speed": 0.2}}
    for room in (choosing, recordings, utkinect):
        monkeypatch.setattr(room, "CANDIDATES", few)


def test_the_whole_table_from_recordings_to_files(people, tiny, tmp_path, capsys) -> None:
    assert len(open_dataset("utkinect", people).protocols) == 5 + 3
    words = ["reproduce", "man/utkinect", "--data", str(people), "--seeds", "1", "--jobs", "1"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    told = json.loads((tmp_path / "out" / "utkinect.json").read_text())
    rows = {row["row"]: row for row in told["rows"]}
    assert rows["MAN"]["published"] == {"accuracy": 100.0}
    assert set(rows["STCM alone, recipe chosen"]["ours"]) == {"all folds", "five folds"}
    assert set(rows["ST-GCN"]["ours"]) == {"five folds"}
    assert told["provenance"]["scale"] == "paper" and "--data ROOT" in told["provenance"]["command"]
    assert len(told["folds"]["MAN"]) == 5 and str(people) not in json.dumps(told)
    assert np.sum(told["confusion"]["MAN"]) == 10
    assert len(list((tmp_path / "out").glob("utkinect-*.png"))) == 4
    assert "memory helps" in capsys.readouterr().out


def test_without_data_or_with_too_few_people_it_says_so(people, tiny) -> None:
    with pytest.raises(ActvizError, match="needs --data"):
        get_experiment("man/utkinect")(Ask())
    for person in (4, 5):
        (people / f"joints_s{person:02}_e01.txt").unlink()
    (people / "actionLabel.txt").write_text("s01_e01\nwalk: 1 9\n")
    with pytest.raises(ActvizError, match="five people or more"):
        get_experiment("man/utkinect")(Ask(data=people))
