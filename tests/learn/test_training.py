"""Real trainings, tiny: they learn, leave a whole run folder, and resume as if never stopped."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from run_folders import differences, rows_of

from actviz.errors import ActvizError
from actviz.learn import lesson
from actviz.learn.checkpoints import load_checkpoint
from actviz.learn.engine import train
from actviz.learn.recipes import get_recipe
from actviz.learn.tasks import make_task

TINY = {
    "train_clips": 24,
    "val_clips": 12,
    "test_clips": 12,
    "epochs": 2,
    "batch_size": 6,
    "threads": 1,
    "device": "cpu",
    "warmup": 0,
    "schedule": "constant",
    "repeats": 1,
}
PICTURES = {"width": 8, "input_size": 32, "frames": 4, "stored_frames": 6, "start_from": ""}
SMALL = {
    "puppets/backbone": TINY | PICTURES | {"epochs": 6, "dropout": 0.0},
    "puppets/mam": TINY | PICTURES | {"epochs": 6},
    "puppets/mam-head": TINY | PICTURES | {"epochs": 6, "views": 2, "learning_rate": 0.003},
    "puppets/tmnet": TINY | PICTURES | {"epochs": 6},
    "puppets/man": TINY | {"frames": 16, "hidden": 8, "learning_rate": 0.01},
}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def test_weights_stored_in_half_are_half_the_size_and_scored_as_they_are_read_back(tmp_path):
    fields = TINY | PICTURES | {"epochs": 1, "views": 1}
    whole, half = (
        train(get_recipe("puppets/mam-head", fields | {"stored": kind}), out=tmp_path / kind)
        for kind in ("float32", "float16")
    )
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    ours, theirs = (load_checkpoint(path).model.state_dict() for path in (half, whole))
    assert all(value.dtype == theirs[name].dtype for name, value in ours.items())
    for name, value in theirs.items():
        assert torch.equal(ours[name], value.half().to(value.dtype)), name


@pytest.mark.parametrize("name", SMALL)
def test_training_lowers_the_loss_and_leaves_a_whole_run(tmp_path, name):
    best = train(get_recipe(name, SMALL[name]), out=tmp_path / "run", progress=False)
    run = best.parent
    rows = rows_of(run)
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    files = {p.name for p in run.iterdir()}
    assert files == {
        "recipe.json",
        "environment.json",
        "metrics.csv",
        "last.ckpt",
        "best.safetensors",
        "best.json",
        "tensorboard",
    }
    card = load_checkpoint(best).card
    assert card.recipe == name
    assert card.command.startswith(f"actviz train {name} --set")
    assert 0 <= card.metrics["top1"] <= 1
    assert sum(map(sum, card.metrics["confusion"])) == 12
    assert json.loads((run / "recipe.json").read_text())["epochs"] == len(rows)


def test_mam_end_to_end_trains_its_frame_cnn(tmp_path):
    recipe = get_recipe("puppets/mam", SMALL["puppets/mam"] | {"epochs": 1})
    best = train(recipe, out=tmp_path, progress=False)
    start = make_task(recipe).network.backbone.stages[0][0].weight
    assert not torch.equal(load_checkpoint(best).model.backbone.stages[0][0].weight, start)
    assert {"train_write_rate", "val_empty_memory"} <= rows_of(tmp_path)[0].keys()


def _stop_after(saves: int, monkeypatch) -> None:
    usual, left = lesson.KeepRun._save, [saves]

    def stopping(self, trainer, pl_module):
        usual(self, trainer, pl_module)
        left[0] -= 1
        if not left[0]:
            raise RuntimeError("the power went out")

    monkeypatch.setattr(lesson.KeepRun, "_save", stopping)


@pytest.mark.parametrize(("name", "saves"), [("puppets/mam-head", 3), ("puppets/tmnet", 2)])
def test_resumed_training_equals_the_uninterrupted_one(tmp_path, monkeypatch, name, saves):
    """4 iterations an epoch, kept after every third: the first and third save are in mid-epoch."""
    fields = {"epochs": 3, "schedule": "cosine", "save_every": 3}
    recipe = get_recipe(name, SMALL[name] | fields)
    train(recipe, out=tmp_path / "whole", progress=False)
    with monkeypatch.context() as patch:
        _stop_after(saves, patch)
        with pytest.raises(RuntimeError, match="power"):
            train(recipe, out=tmp_path / "cut", progress=False)
    train(recipe, out=tmp_path / "cut", resume=True, progress=False)
    assert len(rows_of(tmp_path / "whole")) == 3
    assert differences(tmp_path / "whole", tmp_path / "cut") == []


def test_last_checkpoint_opens_as_tensors_and_carries_its_card(tmp_path):
    recipe = get_recipe("puppets/man", SMALL["puppets/man"] | {"epochs": 1})
    train(recipe, out=tmp_path, progress=False)
    loaded = load_checkpoint(tmp_path / "last.ckpt")
    assert loaded.card.layout == "ntu-25"
    assert loaded.card.model == "man"


def test_repeats_report_the_spread_and_keep_the_first_seed(tmp_path):
    recipe = get_recipe("puppets/mam-head", SMALL["puppets/mam-head"] | {"epochs": 1, "repeats": 2})
    kept = load_checkpoint(train(recipe, out=tmp_path, progress=False))
    first = load_checkpoint(tmp_path / "seed-0" / "best.safetensors")
    assert torch.equal(kept.model.classifier.weight, first.model.classifier.weight)
    seeds = kept.card.metrics["seeds"]
    assert seeds["count"] == 2
    assert len(seeds["write.precision"]["values"]) == 2
    assert "repeats=2" in kept.card.command


def test_folder_in_use_and_changed_recipes_are_refused(tmp_path):
    recipe = get_recipe("puppets/man", SMALL["puppets/man"] | {"epochs": 1})
    train(recipe, out=tmp_path, progress=False)
    with pytest.raises(ActvizError, match="holds a run already"):
        train(recipe, out=tmp_path, progress=False)
    with pytest.raises(ActvizError, match="epochs was 1, is 2"):
        train(replace(recipe, epochs=2), out=tmp_path, resume=True, progress=False)


def test_unknown_data_and_foreign_frame_cnn_are_refused(tmp_path):
    with pytest.raises(ActvizError, match="got 'mine'"):
        train(
            get_recipe("puppets/man", {"data": "mine", "repeats": 1}),
            out=tmp_path / "a",
            progress=False,
        )
    assert not (tmp_path / "a").exists()
    made = get_recipe("puppets/backbone", SMALL["puppets/backbone"] | {"epochs": 1})
    cnn = train(made, out=tmp_path / "cnn", progress=False)
    wide = SMALL["puppets/mam"] | {"start_from": str(cnn), "width": 16}
    with pytest.raises(ActvizError, match="another frame CNN"):
        train(get_recipe("puppets/mam", wide), out=tmp_path / "b", progress=False)


def test_only_the_engine_needs_lightning_and_nothing_needs_the_video_packages():
    code = (
        "import sys\n"
        "for name in ('av', 'streamlit', 'mediapipe', 'cv2'): sys.modules[name] = None\n"
        "import actviz.learn.checkpoints, actviz.learn.recipes, actviz.learn.evaluate\n"
        "assert 'lightning' not in sys.modules\n"
        "import actviz.learn.engine\n"
        "assert 'lightning' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
