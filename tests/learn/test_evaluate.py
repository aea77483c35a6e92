"""Every clip is scored once, broken ones are named, and the figures equal a plain loop's."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

import models
from actviz.clip.layouts import get_layout
from actviz.datasets import open_dataset
from actviz.datasets.base import Dataset, Sample, Split, hold_out
from actviz.errors import ActvizError, ClipReadError
from actviz.learn.checkpoints import Card, Loaded
from actviz.learn.evaluate import evaluate, evaluate_source
from actviz.learn.tested import labelled_samples, samples_of

SIZE, SIDE = 28, 32  # what the network takes, and the pictures are, so that nothing is resized
CLASSES = tuple("abcdefg")


class Clips:
    """Pictures in memory; a clip of None is broken, as one that ends in the middle is."""

    def __init__(self, *counts: int | None) -> None:
        rng = np.random.default_rng(0)
        shapes = [None if n is None else (n, SIDE, SIDE + 8, 3) for n in counts]
        self.clips = [s and rng.integers(0, 256, s, dtype=np.uint8) for s in shapes]
        self.keys = tuple(f"clip {n}" for n in range(len(counts)))
        self.labels = np.arange(len(counts)) % len(CLASSES)
        self.skipped: dict[str, str] = {}

    def count(self, clip: int) -> int:
        return 9 if self.clips[clip] is None else len(self.clips[clip])

    def read(self, clip: int, at: np.ndarray) -> np.ndarray:
        if self.clips[clip] is None:
            raise ClipReadError(f"{self.keys[clip]}.avi", "ends in the middle of a picture")
        return self.clips[clip][at]


def loaded(model: str = "tsn", **more) -> Loaded:
    network = models.build(model, num_classes=7, backbone="resnet18_narrow", width=8)
    usual = {"frames": 3, "input_size": SIZE, "trained_on": "nothing", "sampling": "tsn"}
    values = {"model": model, "overrides": {"num_classes": 7}, "classes": CLASSES} | usual | more
    return Loaded(network.eval(), Card(**values), "0" * 64, "tiny")


def by_hand(network, clip: np.ndarray, segments: int) -> np.ndarray:
    """Mean logits of the centre crops of the middles of segments, one picture at a time."""
    at = [int((k + 0.5) * len(clip) / segments) for k in range(segments)]
    crop = clip[at][:, 2 : 2 + SIZE, 6 : 6 + SIZE].transpose(0, 3, 1, 2) / np.float32(255)
    with torch.inference_mode():
        rows = [network(torch.from_numpy(c)[None, None].float()).logits[0].numpy() for c in crop]
    return np.mean(rows, axis=0)


@pytest.mark.parametrize("batch", [0, 1, 6, 7])
def test_logits_equal_a_loop_by_hand_whatever_the_batch(batch):
    tiny, source = loaded(), Clips(5, 1, 30, 12, 3, 8, 40)  # an odd last batch; one frame alone
    done = evaluate_source(tiny, source, views="centre", batch=batch)
    hand = [by_hand(tiny.model, clip, 3) for clip in source.clips]
    assert done.keys == source.keys
    assert np.allclose(done.logits, hand, atol=2e-5)


def test_25_segments_equal_a_loop_by_hand():
    tiny, source = loaded(), Clips(63, 3)
    done = evaluate_source(tiny, source, views="25", batch=10)
    assert np.allclose(done.logits, [by_hand(tiny.model, c, 25) for c in source.clips], atol=2e-5)


def test_broken_clip_in_the_middle_is_named_and_parts_no_other_from_its_label():
    tiny, whole, broken = loaded(), Clips(5, 6, 7, 8, 9), Clips(5, 6, 7, 8, 9)
    broken.clips[2] = None
    one, other = (evaluate_source(tiny, s, views="10-crop") for s in (whole, broken))
    assert other.skipped == {"clip 2": "ends in the middle of a picture"}
    assert other.keys == ("clip 0", "clip 1", "clip 3", "clip 4")
    assert other.labels.tolist() == [0, 1, 3, 4]
    assert np.allclose(other.logits, one.logits[[0, 1, 3, 4]], atol=1e-5)


def test_all_broken_says_why():
    with pytest.raises(ActvizError, match=r"none of 2 clips .* clip 0: ends in the middle"):
        evaluate_source(loaded(), Clips(None, None))


def test_clips_skipped_before_are_named_too():
    source = Clips(4)
    source.skipped["early"] = "no picture in it"
    done = evaluate_source(loaded(), source, missing={"gone": "no file gone.avi"})
    assert done.skipped == {"early": "no picture in it", "gone": "no file gone.avi"}


def test_weights_that_diverged_are_refused_in_words():
    tiny = loaded()
    torch.nn.init.constant_(tiny.model.classifier.bias, float("nan"))
    with pytest.raises(ActvizError, match="nan or infinity for 3 of 3 clips, clip 0 first"):
        evaluate_source(tiny, Clips(2, 3, 4))


def test_tmnet_is_scored_by_branches_too():
    done = evaluate_source(loaded("tmnet"), Clips(4, 5), views="glance")
    assert np.allclose(done.logits, (done.branches["rb"] + done.branches["cb"]) / 2, atol=1e-5)
    assert set(done.scores()["branches"]) == {"rb", "cb"}


def test_progress_counts_every_clip_once():
    told = []
    evaluate_source(loaded(), Clips(2, None, 4), progress=lambda *said: told.append(said[1:]))
    assert told == [(1, 3), (2, 3), (3, 3)]


class Joints:
    """Sequences of several lengths; one with a single frame, one broken."""

    keys, labels, layout = ("long", "one frame", "broken", "short"), np.arange(4), "ntu-25"
    skipped: ClassVar[dict[str, str]] = {}

    def read(self, clip: int) -> tuple[np.ndarray, np.ndarray]:
        if clip == 2:
            raise ClipReadError("broken.skeleton", "no frame with a body")
        count = (70, 1, 0, 12)[clip]
        joints = np.random.default_rng(clip).normal(size=(count, 2, 25, 3)).astype(np.float32)
        return joints, np.ones((count, 2), dtype=bool)


def test_whole_sequences_are_answered_as_each_would_be_alone():
    network = models.build("man", num_classes=7, frames=16, hidden=8).eval()
    card = Card("man", {"num_classes": 7}, CLASSES, "nothing", frames=16, layout="ntu-25")
    done = evaluate_source(Loaded(network, card, "0", "man"), Joints())
    assert done.keys == ("long", "one frame", "short") and done.views == "whole"
    for row, clip in enumerate((0, 1, 3)):
        alone = [torch.from_numpy(a)[None] for a in Joints().read(clip)]
        with torch.inference_mode():
            assert np.allclose(done.logits[row], network(*alone).logits[0], atol=1e-5)


def dataset(classes: tuple[str, ...], count: int = 21, **more) -> Dataset:
    """Clips whose class is told by their key; the first third trains, the rest tests."""
    samples = tuple(
        Sample(f"{classes[n % len(classes)]}/{n}", Path(f"/nowhere/{n}.avi"), n % len(classes))
        for n in range(count)
    )
    parts = Split("usual", samples[: count // 3], samples[count // 3 :])
    return Dataset(
        "folder", "video", Path("/nowhere"), classes, samples, ("usual",), lambda _: parts, **more
    )


def test_classes_in_another_order_are_matched_by_name():
    turned = dataset(CLASSES[::-1])
    samples, labels = labelled_samples(loaded(), turned, "", "test")
    assert all(CLASSES[labels[s.key]] == s.key[0] for s in samples)


def test_other_classes_are_refused_with_the_first_differences():
    with pytest.raises(ActvizError, match=r"unknown to the weights: dig, eat; not in the data: b,"):
        labelled_samples(loaded(), dataset(("a", "dig", "eat")), "", "test")


def test_data_with_some_of_the_classes_can_be_scored():
    samples, labels = labelled_samples(loaded(), dataset(("c", "g")), "", "test")
    assert {labels[s.key] for s in samples} == {2, 6}


def test_a_part_that_is_not_there_is_refused():
    none = dataset(CLASSES, count=2)  # two thirds of two: no training clip
    with pytest.raises(ActvizError, match=r"no val clips by protocol usual; it has test 2"):
        samples_of(loaded(), none, "", "val")


def test_absent_files_are_skipped_with_their_names(tmp_path):
    with pytest.raises(ActvizError, match=r"none of 14 clips could be scored.*no file 7\.avi"):
        evaluate(loaded(), data=dataset(CLASSES))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"part": "exam"}, "--part must be one of test, val, train; got 'exam'"),
        ({"clips": -3}, "--clips and --batch must be 0 or more; got -3 and 0"),
        ({"views": "9x9"}, "--views must be one of"),
        ({}, "expected --data"),
    ],
)
def test_bad_choices_are_refused_in_words(more, words):
    with pytest.raises(ActvizError, match=words):
        evaluate(loaded(), **more)


def test_validation_is_what_training_held_out(tmp_path):
    files = [tmp_path / f"{n}.avi" for n in range(40)]
    for file in files[:-4]:  # four are missing: training parts what is there
        file.touch()
    train = tuple(Sample(f.stem, f, n % 7) for n, f in enumerate(files))
    split = Split("usual", train, ())
    data = Dataset("folder", "video", tmp_path, CLASSES, train, ("usual",), lambda _: split)
    command = "actviz train folder/tsn --data clips --set val_share=0.3 --set seed=5"
    weights = loaded(recipe="folder/tsn", command=command, seed=5)
    kept, held = hold_out(train[:-4], share=0.3, seed=5)
    assert samples_of(weights, data, "", "val") == held and held
    assert samples_of(weights, data, "", "train") == kept


def test_without_validation_the_training_part_is_whole(tmp_path):
    train = tuple(Sample(f"{n}", None, n % 7) for n in range(14))
    split = Split("usual", train, ())
    data = Dataset("folder", "video", tmp_path, CLASSES, train, ("usual",), lambda _: split)
    weights = loaded(recipe="folder/tsn", command="actviz train folder/tsn --set val_share=0")
    assert samples_of(weights, data, "", "train") == train


def prepared_alone(root: Path, **more) -> Dataset:
    """Seven clips whose films are gone; of five the pictures are kept, as TSN's tools name them."""
    samples = tuple(Sample(f"film/{n}", root / f"{n}.avi", n) for n in range(7))
    for n in range(5):
        folder = root / "prepared" / "film" / f"{n}"
        folder.mkdir(parents=True)
        for k in (1, 2, 3):
            Image.new("RGB", (40, 32), (40 * n, 9, 9)).save(folder / f"img_0000{k}.jpg")
    split = Split("usual", samples, samples)
    usual = ("folder", "video", more.get("at", root), CLASSES, samples, ("usual",))
    return Dataset(*usual, lambda _: split)


def test_clips_of_which_pictures_alone_are_kept_are_scored(tmp_path):
    done = evaluate(loaded(), data=prepared_alone(tmp_path))
    assert done.keys == tuple(f"film/{n}" for n in range(5))
    assert done.skipped == {"film/5": "no file 5.avi", "film/6": "no file 6.avi"}


def test_pictures_beside_a_list_are_found_as_in_training(tmp_path):
    (tmp_path / "clips.csv").touch()
    assert len(evaluate(loaded(), data=prepared_alone(tmp_path, at=tmp_path / "clips.csv"))) == 5


def test_parts_are_made_of_clips_of_which_pictures_alone_are_kept(tmp_path):
    assert len(samples_of(loaded(), prepared_alone(tmp_path), "", "train")) == 5


@pytest.mark.real
def test_real_ucf101_clips_are_scored_and_the_absent_counted(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path))
    data = open_dataset("ucf101", real_data / "ucf101")
    network = models.build("tsn", num_classes=101, backbone="resnet18_narrow", width=8).eval()
    usual = {"overrides": {"num_classes": 101}, "trained_on": "nothing", "frames": 2}
    card = Card("tsn", classes=data.classes, input_size=SIZE, dataset="ucf101", **usual)
    done = evaluate(Loaded(network, card, "0", "tiny"), data=data, protocol="split1")
    assert (len(done), len(done.skipped)) == (6, 3783 - 6)
    assert {data.classes[k] for k in done.labels} == {"ApplyEyeMakeup", "BenchPress"}
    assert done.scores()["per_group"]["Sports"]["clips"] == 3
    assert done.provenance["protocol"] == "split1"


@pytest.mark.real
def test_real_skeletons_are_scored_whole(real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path))
    data = open_dataset("utkinect", real_data / "skeletons" / "utkinect")
    layout = get_layout("kinect-20")
    shape = {"joints": len(layout), "roles": {k: tuple(v) for k, v in layout.roles.items()}}
    network = models.build("man", num_classes=10, frames=16, hidden=8, **shape).eval()
    card = Card("man", {"num_classes": 10}, data.classes, "nothing", 16, layout="kinect-20")
    done = evaluate(Loaded(network, card, "0", "man"), data=data)
    assert len(done) + len(done.skipped) == len(data.split().test) > 5
    assert done.views == "whole" and np.isfinite(done.logits).all()
