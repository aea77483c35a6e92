"""Anyone's own skeletons through the recipes of folders: layouts, people, mirrors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import models
from actviz.cli import main
from actviz.clip.skeleton import most_seen, read_skeleton
from actviz.errors import ActvizError
from actviz.learn.data.batches import Row
from actviz.learn.engine import train
from actviz.learn.evaluate import evaluate
from actviz.learn.recipes import RECIPES, get_recipe
from actviz.learn.tasks import make_task

NAMES = ["Head", "Neck", *(f"{s} {p}" for s in ("Left", "Right") for p in ("Shoulder", "Hip"))]
TINY = {"device": "cpu", "batch_size": 4, "workers": 0, "frames": 16, "epochs": 1}
SKELETONS = [n for n, r in RECIPES.items() if n.startswith("folder/") and hasattr(r, "layout")]


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "own-skeletons"))


def make(root: Path, *, names: list[str] = NAMES, people: int = 1) -> Path:
    """Two actions of four persons, in six joints of one's own."""
    rng = np.random.default_rng(0)
    for who in range(1, 5):
        for label, name in enumerate(("up", "down")):
            joints = rng.normal(0, 0.3, (9, people, len(names), 3))
            joints[..., 2] += 3
            joints[..., 1] += np.linspace(0, 1 - 2 * label, 9)[:, None, None]
            (root / name).mkdir(parents=True, exist_ok=True)
            path = root / name / f"a{label}_s{who}.npz"
            np.savez(path, joints=joints, joint_names=names, fps=30, up="y")
    return root


@pytest.mark.parametrize("name", SKELETONS)
def test_every_recipe_takes_a_layout_of_the_files_own(tmp_path: Path, name: str) -> None:
    task = make_task(get_recipe(name, TINY | {"protocol": "cross-subject"}), root=make(tmp_path))
    batch = next(iter(task.batches("train")))
    assert batch["joints"].shape[2:] == (1, 6, 3)
    assert task.step(batch, train=True).logits.shape == (4, 2)
    assert "cross-subject" in task.data_words
    assert task.overrides["roles"]["hip_left"] == (3,)


def test_batch_normalisation_follows_as_fast_as_the_recipe_says(tmp_path: Path) -> None:
    task = make_task(get_recipe("folder/man", TINY | {"norm_momentum": 0.3}), root=make(tmp_path))
    norms = [m for m in task.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.3}
    plain = get_recipe("utkinect/man").build_overrides(3)
    assert "momentum" not in plain
    assert models.build("man", **plain).stcm[1].momentum == 0.01


@pytest.mark.parametrize(("names", "mirrored"), [(NAMES, True), (list("abcdef"), False)])
def test_half_is_mirrored_only_where_joints_have_two_sides(tmp_path, names, mirrored) -> None:
    own = TINY | {"mirror": 1.0, "scale": 0.0, "speed": 0.0, "crop": 0.0, "noise": 0.0}
    task = make_task(get_recipe("folder/man", own), root=make(tmp_path, names=names))
    seen = task.maker("train", epoch=0)([Row(0, np.random.default_rng(0))]).batch["joints"][0]
    plain = task.maker("train", epoch=0)([Row(0, None)]).batch["joints"][0]
    assert (seen == plain).all() != mirrored
    assert (seen[:, :, 0, 0] == -plain[:, :, 0, 0]).all() == mirrored


def test_weights_of_people_are_tested_on_others_by_the_same_commands(tmp_path: Path) -> None:
    root = make(tmp_path / "set")
    recipe = get_recipe("folder/bgru", TINY | {"protocol": "cross-subject"})
    best = train(recipe, out=tmp_path / "run", data=root, progress=False)
    done = evaluate(best, data=root, device="cpu")
    assert done.keys == ("down/a1_s2", "down/a1_s4", "up/a0_s2", "up/a0_s4")
    assert done.provenance["protocol"] == "cross-subject"
    others = make(tmp_path / "other" / "test")  # without that protocol's train part
    assert len(evaluate(best, data=others.parent, protocol="given", device="cpu").keys) == 8


def test_a_training_without_anything_to_test_on_says_so(tmp_path: Path, capsys) -> None:
    words = ["train", "folder/bgru", "--data", make(tmp_path / "set"), "--out", tmp_path / "run"]
    settings = [f"{k}={v}" for k, v in TINY.items()]
    main([str(w) for w in (*words, *(x for s in settings for x in ("--set", s)))])
    assert "Nothing was tested" in capsys.readouterr().out


def test_of_more_people_than_the_weights_know_the_longest_seen_stays(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(0, 0.3, (9, 2, 6, 3))
    joints[:6, 0] = np.nan
    np.savez(tmp_path / "two.npz", joints=joints, joint_names=NAMES, fps=30, up="y")
    two = read_skeleton(tmp_path / "two.npz")
    one = most_seen(two, 1)
    assert np.array_equal(one.joints, two.joints[:, 1:])
    assert one.present.all()
    assert "2 people; the 1 seen longest" in one.problems[-1]
    assert most_seen(two, 2) is two


def test_a_protocol_that_the_people_do_not_allow_is_refused(tmp_path: Path) -> None:
    recipe = get_recipe("folder/man", TINY | {"protocol": "leave-one-out/9"})
    with pytest.raises(ActvizError, match=r"one of given, cross-subject, leave-one-out/1, .*/4;"):
        make_task(recipe, root=make(tmp_path))
