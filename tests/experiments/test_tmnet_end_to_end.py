"""TMNet's trainings, tiny: looked at glance by glance, kept, and read back for several tables."""

from __future__ import annotations

import json

import numpy as np
import torch
from test_end_to_end import NETWORK, SHORT, _cache, ucf101  # noqa: F401  (fixtures)

from actviz.cli import main
from actviz.experiments import Ask, keeping
from actviz.experiments.glances import glanced, look
from actviz.experiments.keeping import Wanted
from actviz.experiments.keeping import test_key as key_of
from actviz.experiments.tmnet import grid
from actviz.experiments.tmnet.grid import Row, train
from actviz.learn.recipes import get_recipe
from actviz.learn.tasks import make_task

TINY = {"width": 8, "input_size": 32, "start_from": "", "epochs": 1, "frames": 2, "val_clips": 4}
TINY |= {"stored_frames": 9}


def _task(recipe, clips=6, **settings):
    own = {"train_clips": 4, "val_clips": 4, "test_clips": clips, "threads": 1, "width": 8}
    own |= {"input_size": 32, "start_from": "", "device": "cpu"} | settings
    return make_task(get_recipe(recipe, glanced(own, 9)))


def test_a_look_is_the_networks_own_glance_at_each_of_nine_frames():
    task = _task("puppets/tmnet")
    found = look(task)
    batch = next(iter(task.batches("test")))
    with torch.inference_mode():
        frames = task.to_device_batch(batch, torch.device("cpu"))["frames"]
        own = task.network.glance(frames)
    assert frames.shape[:2] == (6, 9)
    for name in ("rb", "cb"):
        logits = getattr(own, f"logits_{name}").numpy()
        np.testing.assert_allclose(found[f"glance_{name}"], logits, atol=1e-5)
    np.testing.assert_allclose(found["logits"], own.logits[:, 4].numpy(), atol=1e-5)
    assert len(found["keys"]) == len(found["labels"]) == 6


def test_tsn_is_asked_frame_by_frame_and_a_clip_network_once():
    frame = look(_task("puppets/tmnet-tsn"))
    assert frame["glance_both"].shape == (6, 9, 12) and "glance_rb" not in frame
    np.testing.assert_allclose(frame["logits"], frame["glance_both"][:, 4])
    clip = look(_task("puppets/tmnet-3d-b"))  # its base is one of clips
    np.testing.assert_allclose(clip["logits"], clip["glance_both"].mean(1), rtol=1e-6)


def test_answers_come_back_from_their_file_as_they_were(tmp_path):
    task = _task("puppets/tmnet")
    found = look(task)
    keeping.store(tmp_path / "a.npz", task, dict(found), {"seed": 3})
    back = keeping.load(tmp_path / "a.npz")
    assert set(back.glances) == {"both", "rb", "cb"} and back.facts == {"seed": 3}
    for name, logits in back.glances.items():
        np.testing.assert_array_equal(logits, found[f"glance_{name}"])
    assert back.keys == tuple(found["keys"]) and back.curves == {}


def test_glances_name_the_answers_and_later_fields_name_no_new_training():
    plain = Wanted("puppets/tmnet", {"seed": 1})
    assert "glances" not in key_of(plain)
    assert key_of(Wanted("puppets/tmnet", {"seed": 1}, glances=9))["glances"] == 9
    assert "level" not in key_of(plain)["recipe"]
    assert key_of(Wanted("puppets/tmnet", {"level": "map"}))["recipe"]["level"] == "map"
    wanted = Wanted("puppets/tmnet", glances=9)
    assert Wanted.from_json(wanted.to_json()) == wanted == wanted.trained


def test_a_tiny_table_from_training_to_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(grid, "SMALL", grid.SMALL | SHORT | TINY)
    command = ["--clips", "12", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)]
    assert main(["reproduce", "tmnet/table3", *command]) == 0
    assert main(["reproduce", "tmnet/table4", *command]) == 0
    three, four = (json.loads((tmp_path / f"table{n}.json").read_text()) for n in (3, 4))
    assert [t["seconds"] for t in three["trainings"]] == [t["seconds"] for t in four["trainings"]]
    assert len(three["rows"]) == len(four["rows"]) == 9
    assert three["rows"][0]["published"] == {"mAP": 73.31, "acc@1": 73.67, "acc@5": 92.84}
    assert "| 73.31 | 73.67 | 92.84 |" in (tmp_path / "table3.md").read_text()
    assert all(row["ours"]["acc@1"]["sd"] is None for row in four["rows"])  # one seed


def test_paper_scale_trains_and_tests_every_split_of_real_data(ucf101):  # noqa: F811
    small = NETWORK | SHORT | {"frames": 2, "side": 36, "iterations": 1}
    small |= {"workers": 0, "accumulate": 1}
    rows = {"TMNet": Row(settings=small), "TSN": Row("tmnet-tsn", settings=small)}
    place = {"data": "ucf101", "root": ucf101, "protocols": ("split1", "split2")}
    runs = train(rows, Ask(scale="paper"), seeds=1, **place)
    for branch in ("RB", "CB", "RB+CB"):
        assert runs.figure("TMNet", branch, "mAP", "end").right.shape == (1, 6)
    assert runs.figure("TSN", "RB") is None
    assert runs.figure("TSN", "RB+CB").right.shape == (1, 6)
    assert {f["protocol"] for f in runs.facts()} == {"split1", "split2"}
