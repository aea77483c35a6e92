"""What a run leaves beside the weights: curves, provenance, words; and how the epoch is chosen."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from run_folders import rows_of
from tiny_task import TinyTask, tiny_recipe

from actviz.cli import main
from actviz.errors import ActvizError
from actviz.learn.checkpoints import load_checkpoint
from actviz.learn.data.cache import learn_folder
from actviz.learn.engine import make_trainer, train
from actviz.learn.keeping import Curves, check_clips, clips_of
from actviz.learn.lesson import Lesson
from actviz.learn.recipes import get_recipe
from actviz.learn.runs import DataPlace, RunFolder, command_of
from actviz.learn.summary import limits_in_words, spread

TINY = {"train_clips": 8, "val_clips": 4, "test_clips": 4, "epochs": 2, "batch_size": 4}
TINY |= {"frames": 16, "hidden": 8, "repeats": 1, "device": "cpu", "threads": 1}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def _curves(folder: Path) -> dict[str, list[float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder)).Reload()
    return {tag: [p.value for p in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_curves_hold_every_steps_loss_and_every_epochs_figures(tmp_path):
    train(get_recipe("puppets/man", TINY), out=tmp_path, progress=False)
    curves = _curves(tmp_path / "tensorboard")
    assert len(curves["step/loss"]) == len(curves["step/learning_rate"]) == 4
    shown = [float(row["val_loss"]) for row in rows_of(tmp_path)]
    assert curves["epoch/val_loss"] == pytest.approx(shown, rel=1e-5)


def test_without_tensorboard_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    curves = Curves(tmp_path / "tensorboard")
    curves.step(1, torch.tensor(1.0), 0.1)
    curves.settle()
    curves.close()
    assert not (tmp_path / "tensorboard").exists()


def test_a_step_that_is_not_finite_is_named_when_the_next_begins():
    curves = Curves(None)
    curves.step(7, torch.tensor(float("inf")), 0.1)
    with pytest.raises(ActvizError, match=r"inf at iteration 7 \(learning rate 0.1\)"):
        curves.step(8, torch.tensor(1.0), 0.1)


def test_the_epoch_chosen_by_the_test_part_says_so(tmp_path):
    recipe = get_recipe("puppets/man", TINY | {"choose": "test"})
    card = load_checkpoint(train(recipe, out=tmp_path, progress=False)).card
    assert {"test_top1", "test_loss"} <= rows_of(tmp_path)[0].keys()
    assert card.metrics["chosen"].keys() == {"epoch", "test_top1", "test_loss"}
    assert any("chosen by its score on the test part" in limit for limit in card.limits)


def test_the_last_epoch_can_be_kept(tmp_path):
    recipe = get_recipe("puppets/man", TINY | {"choose": "last", "learning_rate": 0.5})
    best = load_checkpoint(train(recipe, out=tmp_path, progress=False))
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert best.card.metrics["chosen"]["epoch"] == 1
    for name, value in best.model.state_dict().items():
        assert torch.equal(value, last[f"model.{name}"]), name


def test_weights_that_were_never_tested_say_so():
    recipe = get_recipe("folder/tsn")
    assert "Never tested" in limits_in_words(recipe, {"split": "val"})[0]
    assert "neither a test part nor" in limits_in_words(recipe, {"split": "none"})[0]
    assert limits_in_words(recipe, {"split": "test"}) == ()


def test_seeds_are_spread_over_what_all_of_them_have():
    runs = [{"top1": 0.5, "write": {"precision": None}}, {"top1": 1.0, "write": {"precision": 1}}]
    assert spread(runs) == {
        "count": 2,
        "top1": {"mean": 0.75, "sd": pytest.approx(0.5**0.5 / 2), "values": [0.5, 1.0]},
    }


def test_the_command_makes_the_run_again_with_its_data():
    recipe = get_recipe("folder/tsn", {"epochs": 3, "scales": [1.0, 0.5]})
    told = command_of(recipe, DataPlace(Path("my clips"), Path("p")))
    assert told == (
        "actviz train folder/tsn --data 'my clips' --prepared p "
        "--set epochs=3 --set 'scales=[1.0, 0.5]'"
    )


def test_environment_keeps_what_earlier_sessions_ran_with(tmp_path):
    run, recipe = RunFolder(tmp_path / "run"), get_recipe("puppets/man", TINY)
    run.begin(recipe, DataPlace())
    run.note(device="cpu", skipped={"a": "broken"})
    run.last.touch()
    (run.folder / "last.ckpt.part").touch()
    run.begin(recipe, DataPlace())
    told = json.loads(run.environment.read_text())
    assert [session["device"] for session in told["earlier"]] == ["cpu"]
    assert not list(run.folder.glob("*.part"))


def test_workers_may_change_on_the_way_but_not_the_recipe(tmp_path):
    run, recipe = RunFolder(tmp_path), get_recipe("puppets/man", TINY)
    run.begin(recipe, DataPlace())
    run.last.touch()
    run.check(replace(recipe, workers=3, save_every=7, summary="in other words"), resume=True)
    with pytest.raises(ActvizError, match="batch_size was 4, is 8"):
        run.check(replace(recipe, batch_size=8), resume=True)


def test_run_begun_before_a_field_was_there_is_resumed_with_its_default(tmp_path):
    run, recipe = RunFolder(tmp_path), get_recipe("puppets/man", TINY)
    run.begin(recipe, DataPlace())
    run.last.touch()
    stored = {k: v for k, v in recipe.to_dict().items() if k != "plateau_patience"}
    (tmp_path / "recipe.json").write_text(json.dumps(stored))
    run.check(recipe, resume=True)
    with pytest.raises(ActvizError, match="plateau_patience was 5, is 7"):
        run.check(replace(recipe, plateau_patience=7), resume=True)
    (tmp_path / "recipe.json").write_text(json.dumps(stored | {"gone": 1}))
    with pytest.raises(ActvizError, match="gone was 1"):
        run.check(recipe, resume=True)


def test_resuming_on_other_classes_is_refused():
    now = clips_of(TinyTask(tiny_recipe()))
    with pytest.raises(ActvizError, match=r"begun with 2 classes \(right, left"):
        check_clips(now | {"classes": ["right", "left"]}, now)


def test_resuming_on_other_clips_is_told():
    before, now = (clips_of(TinyTask(tiny_recipe(), count=n)) for n in (22, 21))
    check_clips(before, before)
    with pytest.warns(UserWarning, match="22 then, 21 now"):
        check_clips(before, now)


def test_last_ckpt_knows_its_clips(tmp_path):
    train(get_recipe("puppets/man", TINY), out=tmp_path, progress=False)
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)["actviz_clips"]
    assert kept["count"] == 8 and len(kept["classes"]) == 12


class Faster(TinyTask):
    """The first layer at five times the rate, as TSN's flow has it."""

    def parameter_groups(self):
        first, *rest = self.network.parameters()
        return [{"params": [first], "lr": 5 * self.recipe.learning_rate}, {"params": rest}]


def test_the_rate_that_is_shown_is_the_recipes_not_the_first_groups():
    lesson = Lesson(Faster(tiny_recipe(learning_rate=0.02)), Curves(None))
    trainer = make_trainer(lesson.task.recipe, callbacks=[])
    trainer.fit(lesson)
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.1)
    assert lesson.last_rate == pytest.approx(0.02)


def test_resuming_nothing_says_that_it_starts_anew(tmp_path, capsys):
    fields = [f"--set={k}={v}" for k, v in TINY.items()]
    assert main(["train", "puppets/man", "--resume", "--out", str(tmp_path / "run"), *fields]) == 0
    said = capsys.readouterr().out
    assert "holds no last.ckpt to go on from; the training starts anew." in said
    assert "epoch 1: iterations 4, learning_rate" in said


def test_a_damaged_last_ckpt_is_refused_in_words(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"PK half of it")
    with pytest.raises(ActvizError, match=r"last\.ckpt is damaged"):
        RunFolder(tmp_path).to_resume()


def test_places_that_cannot_be_written_are_named_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ActvizError, match="name another with --out"):
        RunFolder(tmp_path / "file" / "run").begin(get_recipe("puppets/man"), DataPlace())
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "file"))
    with pytest.raises(ActvizError, match="set ACTVIZ_CACHE to a folder"):
        learn_folder()


@pytest.mark.parametrize(
    ("given", "said"),
    [(["folder/tsn"], "--data ROOT"), (["puppets/man", "--data", "x"], "leave --data x out")],
)
def test_data_is_asked_for_where_it_is_needed(given, said, capsys):
    assert main(["train", *given]) == 2
    assert said in capsys.readouterr().err
