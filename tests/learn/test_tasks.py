"""Any recipe on any data set: parts, batches, steps and parameter groups as the recipe says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import models
from actviz.clip.writer import VideoWriter
from actviz.datasets import puppets
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, save_checkpoint
from actviz.learn.data.batches import Row
from actviz.learn.recipes import get_recipe
from actviz.learn.tasks import classes_of, make_task

TINY = {"train_clips": 24, "val_clips": 12, "test_clips": 12, "batch_size": 6, "device": "cpu"}
PICTURES = {
    "backbone": "resnet18_narrow", "width": 8, "input_size": 32, "frames": 4,
    "stored_frames": 6, "weights": "",
}  # fmt: skip
OWN = PICTURES | {"side": 36, "batch_size": 4, "device": "cpu", "workers": 0, "val_share": 0.25}


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two classes of eight clips, two of each in a test part; brighter with their number."""
    root = tmp_path_factory.mktemp("own")
    for label, name in enumerate(("dark", "light")):
        for n in range(8):
            path = root / ("test" if n > 5 else "train") / name / f"{n}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            with VideoWriter(path, width=48, height=40, fps=25) as writer:
                for k in range(7):
                    writer.write(np.full((40, 48, 3), 100 * label + 8 * n, np.uint8), k / 25)
    return root


def puppet_task(name: str, **settings):
    joints = name in ("man", "stcm", "tarm", "bgru", "stgcn")
    pictures = {} if joints else PICTURES | {"start_from": ""}
    return make_task(get_recipe(f"puppets/{name}", TINY | pictures | settings))


def first(task, part="train", **options):
    return next(iter(task.batches(part, **options)))


# ---- puppets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("backbone", "backbone-flow", "mam", "mam-head", "mam-head-flow", "tmnet"),
        *("man", "stcm", "tarm", "bgru", "stgcn"),
    ],
)
def test_a_step_has_an_answer_for_each_clip_and_a_gradient(name):
    task = puppet_task(name)
    task.prepare()
    task.set_training()
    batch = first(task)
    step = task.step(batch, train=True)
    step.loss.backward()
    assert step.logits.shape == (6, 12) and batch["label"].shape == (6,)
    learning = [p for group in task.parameter_groups() for p in group["params"]]
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in learning)
    assert len(task.batches("train")) == 4 and len(task.batches("test")) == 2


def test_validation_is_the_same_every_time_and_training_not():
    task = puppet_task("backbone")
    one, two = first(task, "val"), first(task, "val", epoch=3)
    assert torch.equal(one["frames"], two["frames"]) and "vary" not in one
    assert not torch.equal(first(task)["vary"], first(task, epoch=1)["vary"])


@pytest.mark.parametrize("name", ["backbone", "mam-head", "man"])
def test_ranks_and_workers_see_the_samples_that_one_process_sees(name):
    task = puppet_task(name)
    task.prepare()
    whole = list(task.batches("train", epoch=2))
    task.recipe = replace(task.recipe, workers=2)
    share = list(task.batches("train", epoch=2, rank=1, world=2, start=1))
    for batch, part in zip(whole[1:], share, strict=True):
        for key in batch.keys() - {"joints", "present"}:
            assert torch.equal(part[key], batch[key][1::2])
    if name == "man":  # padded to the longest of the batch
        longest = share[0]["joints"].shape[1]
        assert torch.equal(share[0]["joints"], whole[1]["joints"][1::2, :longest])


def test_the_first_epochs_of_the_backbone_are_small():
    task = puppet_task("backbone", small_epochs=1)
    assert first(task, epoch=0)["frames"].shape[-1] == 16
    assert first(task, epoch=1)["frames"].shape[-1] == first(task, "val")["frames"].shape[-1] == 32


def test_puppets_are_cut_like_any_clip_where_a_recipe_asks_for_it():
    task = puppet_task("backbone", augment="multiscale", small_epochs=0)
    maker = task.maker("train", epoch=0)
    shapes = {maker.cut(torch.zeros(4, 3, 32, 32), np.random.default_rng(s), flow=False).shape[-2:]
              for s in range(50)}  # fmt: skip
    assert (32, 32) in shapes and (28, 24) in shapes and len(shapes) > 5


def test_accumulated_parts_make_the_batch_smaller():
    task = puppet_task("backbone", accumulate=3)
    assert len(task.batches("train")) == 12 and len(first(task)["label"]) == 2


def test_frozen_features_are_those_of_the_frames_and_found_again(monkeypatch):
    task = puppet_task("mam-head", views=2)
    task.prepare()
    task.network.eval()
    frames = torch.from_numpy(np.array(task.source("val").files[0][:3, 0]))
    plain = puppet_task("mam")
    pictures = plain.to_device_batch(first(plain, "val"), torch.device("cpu"))["frames"]
    with torch.inference_mode():
        expected = task.network.features(pictures[:3])
    assert torch.allclose(frames, expected, atol=1e-5)
    views = task.source("train").read(0)
    assert views.shape == (2, 6, 64) and not np.allclose(views[0], views[1])
    monkeypatch.setattr(
        "actviz.learn.tasks.feature_store.in_processes", None
    )  # would fail if called
    puppet_task("mam-head", views=2).prepare()


def test_a_frozen_frame_cnn_stays_in_eval_mode_and_out_of_the_optimiser():
    task = puppet_task("mam-head")
    task.set_training()
    assert task.network.training and not task.network.backbone.training
    learning = {id(p) for group in task.parameter_groups() for p in group["params"]}
    assert not learning & {id(p) for p in task.network.backbone.parameters()}


def test_puppets_have_one_layout():
    with pytest.raises(ActvizError, match="puppets have the layout ntu-25"):
        puppet_task("man", layout="kinect-20").prepare()
    assert classes_of(get_recipe("puppets/man")) == tuple(puppets.ACTIONS)


# ---- folders -------------------------------------------------------------------------------------


def test_parts_of_a_folder_and_what_the_card_says_of_them(folder):
    task = make_task(get_recipe("folder/tmnet", OWN), root=folder)
    task.prepare()
    keys = {part: set(task.source(part).keys) for part in ("train", "val", "test")}
    assert task.classes == ("dark", "light")
    assert [len(keys[p]) for p in ("train", "val", "test")] == [8, 4, 4]
    assert not keys["train"] & keys["val"]
    expected = "train 8 clips, val 4 clips, test 4 clips; validation held out: 25%"
    assert expected in task.data_words


def test_missing_and_broken_clips_are_counted_in_words(folder, tmp_path):
    table = tmp_path / "clips.csv"
    rows = [f"{p},{p.parent.name},train" for p in sorted((folder / "train").rglob("*.mp4"))]
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    rows += [f"{tmp_path}/bad.mp4,dark,train", f"{tmp_path}/gone.mp4,dark,train"]
    table.write_text("\n".join(["path,label,split", *rows]) + "\n")
    task = make_task(get_recipe("folder/tmnet", OWN | {"val_share": 0.0}), root=table)
    task.prepare()
    assert len(task.source("train").keys) == 12 and len(task.skipped) == 2
    assert task.data_words.endswith("nothing held out; left out: 1 missing, 1 unreadable")
    assert len(task.batches("val")) == len(task.batches("test")) == 0


@pytest.mark.parametrize("name", ["folder/tsn", "folder/mam", "folder/tmnet"])
def test_own_clips_train_a_step_and_answer_in_validation(folder, name):
    task = make_task(get_recipe(name, OWN), root=folder)
    task.prepare()
    task.set_training()
    task.step(first(task), train=True).loss.backward()
    task.network.eval()
    labels = [batch["label"] for batch in task.batches("test")]
    assert torch.cat(labels).tolist() == [0, 0, 1, 1]
    assert task.step(first(task, "val"), train=False).logits.shape == (4, 2)


def test_a_frozen_frame_cnn_needs_no_validation_clips(folder):
    task = make_task(get_recipe("folder/tsn", OWN | {"val_share": 0.0}), root=folder)
    task.prepare()
    assert len(task.source("train").keys) == 12
    assert len(task.batches("val")) == 0


def test_validation_clips_that_are_all_broken_do_not_stop_a_frozen_frame_cnn(folder, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    clips = sorted((folder / "train").rglob("*.mp4"))
    rows = [f"{p},{p.parent.name},train" for p in clips] + [f"{tmp_path}/bad.mp4,dark,val"]
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(["path,label,split", *rows]) + "\n")
    task = make_task(get_recipe("folder/tsn", OWN), root=table)
    task.prepare()
    assert len(task.batches("val")) == 0 and len(task.skipped) == 1


def test_one_class_is_nothing_to_learn(folder, tmp_path):
    table = tmp_path / "one.csv"
    rows = [f"{p},dark" for p in sorted((folder / "train" / "dark").glob("*.mp4"))]
    table.write_text("\n".join(["path,label", *rows]) + "\n")
    with pytest.raises(ActvizError, match=r"one\.csv.* two classes or more .* got only dark"):
        make_task(get_recipe("folder/tsn", OWN), root=table)


def test_a_test_part_alone_cannot_be_trained_on_in_words(folder, tmp_path):
    (tmp_path / "test").symlink_to(folder / "test")
    with pytest.raises(ActvizError, match="no training clips"):
        make_task(get_recipe("folder/tsn", OWN), root=tmp_path)


def test_choosing_by_the_test_part_holds_nothing_out_and_says_so(folder):
    task = make_task(get_recipe("folder/tmnet", OWN | {"choose": "test"}), root=folder)
    assert len(task.source("train").keys) == 12
    assert task.source("val").keys == task.source("test").keys
    assert "chosen by the test part" in task.data_words


def test_limits_take_clips_of_every_class(folder):
    settings = OWN | {"train_clips": 4, "val_share": 0.0}
    task = make_task(get_recipe("folder/tmnet", settings), root=folder)
    assert task.source("train").labels.tolist() == [0, 0, 1, 1]


def test_pictures_are_refused_where_skeletons_are_wanted(folder):
    with pytest.raises(ActvizError, match=r"folder/man needs skeletons; folder at .* holds videos"):
        make_task(get_recipe("folder/man"), root=folder)


def test_prepared_flow_trains_where_the_videos_are_gone(tmp_path):
    table = tmp_path / "clips.csv"
    names = [f"{c}{n}" for c in "ab" for n in range(3)]
    rows = "".join(f"{n}.avi,{n[0]},train\n" for n in names)
    table.write_text("path,label,split\n" + rows)
    for name in names:
        (tmp_path / "prepared" / name).mkdir(parents=True)
        for k in range(8):
            for axis in "xy":
                Image.new("L", (48, 40), 128).save(
                    tmp_path / "prepared" / name / f"flow_{axis}_{k + 1:05d}.jpg"
                )
    settings = OWN | {"modality": "flow", "flow_length": 3, "batch_size": 2, "sampling": "tsn"}
    task = make_task(get_recipe("folder/tmnet", settings), root=table)
    batch = first(task)
    assert batch["frames"].shape == (2, 4, 6, 32, 32) and not task.skipped
    assert torch.isfinite(task.step(batch, train=True).loss)
    assert task.overrides["flow_length"] == 3


# ---- starting weights and groups -----------------------------------------------------------------


def test_the_network_starts_alike_from_one_seed():
    one, two, three = (puppet_task("mam", seed=s).network.state_dict() for s in (4, 4, 5))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert not torch.equal(one["write.weight"], three["write.weight"])


def test_a_weights_file_fills_the_frame_cnn_alone(tmp_path):
    cnn = models.build_backbone("resnet18_narrow", width=8)
    torch.save(cnn.state_dict(), tmp_path / "cnn.pt")
    task = puppet_task("mam", weights=str(tmp_path / "cnn.pt"))
    for key, value in cnn.state_dict().items():
        assert torch.equal(task.network.backbone.state_dict()[key], value)
    assert "weights" not in task.overrides
    with pytest.raises(ActvizError, match="puppets/mam: "):
        puppet_task("mam", weights=str(tmp_path / "none.pt"))


def test_a_checkpoint_of_ours_gives_its_frame_cnn_or_is_refused(tmp_path):
    tsn = models.build("tsn", num_classes=12, backbone="resnet18_narrow", width=8)
    overrides = {"num_classes": 12, "backbone": "resnet18_narrow", "width": 8}
    card = Card("tsn", overrides, tuple(puppets.ACTIONS), "puppets", 4, input_size=32)
    path = save_checkpoint(tmp_path / "cnn.safetensors", tsn, card)
    for name in ("mam", "tmnet", "backbone"):
        network = puppet_task(name, start_from=str(path)).network
        start = network.backbone.stages[0][0] if name != "tmnet" else network.base[0][0]
        assert torch.equal(start.weight, tsn.backbone.stages[0][0].weight)
    with pytest.raises(ActvizError, match="holds another frame CNN than resnet18_narrow"):
        puppet_task("mam", start_from=str(path), width=16)


def ids(group):
    return {id(p) for p in group["params"]}


def test_the_frame_cnn_may_learn_at_a_rate_of_its_own():
    task = puppet_task("mam", backbone_rate=0.4, learning_rate=0.01)
    rest, slow = task.parameter_groups()
    assert slow["lr"] == pytest.approx(0.004) and "lr" not in rest
    assert ids(slow) == {id(p) for p in task.network.backbone.parameters()}
    assert len(ids(rest) | ids(slow)) == len(list(task.network.parameters()))
    tmnet = puppet_task("tmnet", backbone_rate=0.3)
    head = {id(p) for p in tmnet.network.classifier.parameters()}
    assert ids(tmnet.parameter_groups()[0]) == head


def test_tsns_groups_and_partial_batch_normalisation():
    task = puppet_task("backbone", partial_bn=True, tsn_groups=True, learning_rate=0.001)
    task.set_training()
    norms = [m for m in task.network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert [n.training for n in norms] == [True] + [False] * (len(norms) - 1)
    groups = {g["name"]: g for g in task.parameter_groups()}
    assert groups["normal bias"]["lr"] == 0.002 and groups["normal bias"]["weight_decay"] == 0
    learning = {id(p) for p in task.network.parameters() if p.requires_grad}
    assert set().union(*map(ids, groups.values())) == learning


# ---- skeletons -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_utkinect_trains_in_its_own_layout(real_data):
    recipe = get_recipe("utkinect/man", {"device": "cpu", "hidden": 8, "cell": "torch"})
    task = make_task(recipe, root=real_data / "skeletons" / "utkinect")
    task.prepare()
    assert task.layout == "kinect-20" and task.overrides["joints"] == 20
    assert task.overrides["people"] == 1
    assert sum(len(task.source(p).keys) for p in ("train", "val", "test")) == 199
    torch.manual_seed(0)
    models.build("man", **task.overrides).load_state_dict(task.network.state_dict())
    assert torch.isfinite(task.step(first(task), train=True).loss)


def test_a_graph_network_takes_the_bones_of_the_layout_that_files_bring(tmp_path):
    for number in range(8):
        path = tmp_path / f"c{number % 2}" / f"{number}.npz"
        path.parent.mkdir(exist_ok=True)
        joints = np.random.default_rng(number).normal(size=(6, 1, 4, 3))
        names, bones = ["a", "b", "c", "d"], [[0, 1], [1, 2], [0, 3]]
        np.savez(path, joints=joints, fps=30, layout="own-4", joint_names=names, bones=bones)
    asked = {"data": "folder", "layout": "", "channels": "[4]", "batch_size": 4}
    task = make_task(get_recipe("utkinect/stgcn", TINY | asked), root=tmp_path)
    task.prepare()
    assert task.overrides["bones"] == ((0, 1), (1, 2), (0, 3))
    assert torch.isfinite(task.step(first(task), train=True).loss)


def test_decay_of_the_halves_falls_as_mans_and_of_rivals_on_all():
    sizes = {name: len(puppet_task(name).parameter_groups()) for name in ("stcm", "tarm", "bgru")}
    assert sizes == {"stcm": 2, "tarm": 2, "bgru": 1}


def test_skeleton_batches_vary_only_where_the_recipe_says():
    plain = puppet_task("man", speed=0.0, crop=0.0, scale=0.0, noise=0.0, hips_share=0.0)
    maker = plain.maker("train", epoch=0)
    batch = maker([Row(3, np.random.default_rng(0))]).batch
    joints, present = plain.source("train").read(3)
    assert np.array_equal(batch["joints"][0], np.where(present[..., None, None], joints, 0))
    varied = puppet_task("man").maker("train", epoch=0)([Row(3, np.random.default_rng(0))]).batch
    assert varied["joints"].shape != batch["joints"].shape
