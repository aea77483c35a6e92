"""MAN's other experiments, whole and tiny: on made-up files of three data sets, and on puppets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from test_utkinect_folds import people  # noqa: F401  (a fixture)

from actviz.cli import main
from actviz.experiments.man import choosing, over_time, puppet_runs, recordings, sets, utkinect
from actviz.experiments.man.disturb import DISTURBANCES
from actviz.learn.recipes import RECIPES, get_recipe

SHORT = {"epochs": 1, "frames": 8, "device": "cpu", "threads": 1}
PUPPETS = {"train_clips": 12, "val_clips": 12, "test_clips": 24, "epochs": 1, "frames": 8}
MODELS = ("man", "stcm", "tarm", "bgru", "lstm", "stgcn", "man-resnet50", "man-densenet161")


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Recipes with all that makes them large made small."""
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(puppet_runs, "SMALL", puppet_runs.SMALL | PUPPETS | {"device": "cpu"})
    names = [f"{data}/{m}" for data in ("ntu", "sysu", "hdm05", "utkinect") for m in MODELS]
    for name in [*names, *puppet_runs.ROWS.values()]:
        recipe = get_recipe(name, SHORT | {"hidden": 3, "weights": "", "batch_size": 8})
        small = {"channels": (4,)} if name.endswith("stgcn") else {}
        small |= {"stcm": "conv9"}  # ResNet-50 and DenseNet-161 have tests of their own
        monkeypatch.setitem(RECIPES, name, replace(recipe, reduction=4, **small))


def movement(person: int, action: int, joints: int) -> np.ndarray:
    """A body (9, J, 3) whose joint number ``3 + action`` goes up."""
    rng = np.random.default_rng(person)
    body = rng.normal(0, 0.3, (joints, 3)) + rng.normal(0, 0.01, (9, 1, 1))
    body[:, 3 + action, 1] += np.linspace(0, 1, 9)
    return body


def make_ntu(root: Path) -> Path:
    root.mkdir()
    for person in (1, 2, 3, 6):
        for camera, action in ((1, 1), (1, 2), (2, 1), (2, 2)):
            rows = ["9"]
            for joints in movement(person, action, 25):
                rows += ["1", "7 0 1 1 1 1 0 0 0 2", "25"]
                rows += [" ".join(f"{v:.4f}" for v in j) + " 0 0 0 0 0 0 0 0 2" for j in joints]
            name = f"S001C{camera:03}P{person:03}R001A{action:03}"
            (root / f"{name}.skeleton").write_text("\n".join(rows) + "\n")
    return root


def make_sysu(root: Path) -> Path:
    for person in range(1, 5):
        for action in (1, 2):
            folder = root / "3DvideoNorm" / f"{person:03}" / f"video{action}"
            folder.mkdir(parents=True)
            body = movement(person, action, 20).transpose(1, 2, 0)
            savemat(folder / "sklWorld.mat", {"SW": body})
    return root


def make_hdm05(root: Path) -> Path:
    root.mkdir()
    for motion, action in (("clap1Reps", 1), ("cartwheelLHandStart1Reps", 2)):
        for take in range(1, 6):
            body = movement(take, action, 31)[:, None].astype(np.float32)
            told: dict[str, Any] = {"layout": "hdm05-31", "times_s": np.arange(9) / 30}
            told |= {"units": "m", "up": "y"}
            np.savez(root / f"HDM_bd_{motion}_{take:03}_120.npz", joints=body, **told)
    return root


def run(tmp_path: Path, *words: str) -> dict[str, Any]:
    """Run a whole experiment by its command: the rows, and all else of the first table."""
    out = tmp_path / words[0].replace("/", "-")
    assert main(["reproduce", *words, "--jobs", "1", "--out", str(out)]) == 0
    table = min(out.glob("*.json"), key=lambda path: len(path.name))  # the first
    told = json.loads(table.read_text())
    return told | {"by_row": {row["row"]: row for row in told["rows"]}, "out": out}


def claims(told: dict[str, Any], verdict: str) -> Sequence[str]:
    return [c["claim"] for c in told["claims"] if c["verdict"] == verdict]


def test_ntu_has_both_protocols_beside_what_is_published(tmp_path: Path, capsys) -> None:
    told = run(tmp_path, "man/ntu", "--data", str(make_ntu(tmp_path / "ntu")), "--wide")
    rows = told["by_row"]
    assert set(rows["MAN"]["ours"]) == {"cross-subject", "cross-view"}
    dense = rows["MAN (DenseNet-161)"]
    assert dense["published"] == {"cross-subject": 82.67, "cross-view": 93.22} and dense["ours"]
    assert rows["ST-GCN"]["published"]["cross-view"] == 88.3 and rows["ST-GCN"]["ours"]
    assert rows["HCN"]["ours"] == {} and "published" not in rows["MAN"]
    assert len(told["trainings"]) == 8 * 2 and told["provenance"]["command"].endswith("--wide")
    assert {t["protocol"] for t in told["trainings"]} == {"cross-subject", "cross-view"}
    assert not claims(told, "not measured") and "82.67" in capsys.readouterr().out


def test_sysu_is_the_mean_over_halves_and_says_what_is_unknown(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("actviz.datasets.sysu.SPLITS", 2)
    monkeypatch.setattr(sets, "FEW", 1)
    told = run(tmp_path, "man/sysu", "--data", str(make_sysu(tmp_path / "sysu")))
    rows, splits = told["by_row"], told["splits"]["MAN"]
    assert rows["MAN"]["published"] == {"setting not stated": 87.63}
    both = [splits[f"setting-2/{n:02}"] for n in (1, 2)]
    assert rows["MAN"]["ours"]["setting-2"]["mean"] == pytest.approx(50 * sum(both), abs=0.01)
    assert set(rows["BGRU"]["ours"]) == {"setting-2, first five", "setting-1, first five"}
    assert any("neither its setting" in note for note in told["notes"])
    assert "MAN (DenseNet-161)" not in rows and any("--wide" in note for note in told["notes"])


def test_hdm05_is_ten_folds_of_which_rivals_have_a_few(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("actviz.datasets.hdm05.FOLDS", 2)
    monkeypatch.setattr(sets, "FEW", 1)
    told = run(tmp_path, "man/hdm05", "--data", str(make_hdm05(tmp_path / "hdm05")))
    assert told["by_row"]["MAN"]["published"] == {"accuracy": 99.04}
    assert [t["protocol"] for t in told["trainings"] if t["row"] == "MAN"] == [
        *("10-fold/01", "10-fold/02")
    ]
    assert len(told["trainings"]) == 2 * 2 + 4 and told["chance"]["10-fold"] == 1.538462


@pytest.mark.parametrize("name", ["man/ntu", "man/sysu", "man/hdm05"])
def test_without_its_data_a_set_names_the_command(name: str, capsys) -> None:
    assert main(["reproduce", name]) == 2
    assert f"`actviz reproduce {name} --data ROOT`" in capsys.readouterr().err


def test_wide_is_for_those_that_have_wide_networks(capsys) -> None:
    assert main(["reproduce", "man/puppets", "--wide"]) == 2
    assert "no use for --wide" in capsys.readouterr().err


def test_puppets_measures_both_roots_and_the_order_of_time(tmp_path: Path) -> None:
    told = run(tmp_path, "man/puppets", "--seeds", "2")
    assert list(told["by_row"]) == ["MAN", "STCM alone", "TARM alone", "BGRU", "ST-GCN"]
    columns = {"as they come", "hips", "reversed pairs", "played backwards, partner"}
    for row in told["rows"]:
        assert set(row["ours"]) == columns
        shares = [t["test_top1"] for t in told["trainings"] if t["row"] == row["row"]]
        assert row["ours"]["as they come"]["values"] == pytest.approx(
            [100 * s for s in shares], abs=1e-3
        )


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two candidates, and each disturbance at its worst alone."""
    few = {"as published": {}, "varied": {"mirror": 0.5, "speed": 0.2}}
    for room in (choosing, recordings, utkinect):
        monkeypatch.setattr(room, "CANDIDATES", few)
    worst = [replace(d, levels=(d.neutral, d.levels[-1])) for d in DISTURBANCES]
    monkeypatch.setattr(over_time, "DISTURBANCES", worst)


def weights_in(tmp_path: Path) -> int:
    return len(list((tmp_path / "cache").rglob("*.safetensors")))


def test_time_disturbs_the_test_clips_and_trains_nothing_anew(briefly, tmp_path: Path) -> None:
    run(tmp_path, "man/puppets", "--seeds", "1")
    before = weights_in(tmp_path)
    told = run(tmp_path, "man/time", "--seeds", "1")
    assert weights_in(tmp_path) == before
    assert len(told["rows"]) == 1 + len(DISTURBANCES)
    assert (told["out"] / "time-puppets.png").is_file()
    kept = next(t["test_top1"] for t in told["trainings"] if t["row"] == "MAN")
    assert told["rows"][0]["ours"]["MAN"]["mean"] == pytest.approx(100 * kept, abs=1e-3)


def test_utkinect_time_and_ablation_train_nothing_twice(briefly, people, tmp_path) -> None:  # noqa: F811
    data = ("--data", str(people), "--seeds", "1")
    plain = run(tmp_path, "man/utkinect", *data, "--wide")
    assert set(plain["by_row"]["MAN (DenseNet-161)"]["ours"]) == {"five folds"}
    before = weights_in(tmp_path)
    time = run(tmp_path, "man/time", *data)["out"]
    assert weights_in(tmp_path) == before + 2  # on puppets
    assert len(list(time.glob("time-utkinect*.png"))) == 2
    told = json.loads((time / "time-utkinect.json").read_text())
    for row, shares in told["rows"][0]["ours"].items():
        assert shares == plain["by_row"][row]["ours"]["all folds"]
    told = run(tmp_path, "man/ablation", *data)
    assert set(told["by_row"]["frozen attention"]["ours"]) == {"puppets", "UT-Kinect"}
    assert weights_in(tmp_path) == before + 2 + 2 * 3  # the other cell, frozen, none
    taken = {t["row"]: t["command"] for t in told["trainings"]}
    assert "attention=none" in taken["no attention (a = 1)"]
