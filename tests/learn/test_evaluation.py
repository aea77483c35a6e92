"""What an evaluation says, what it leaves on disk, and how several are put together."""

import csv
import json

import numpy as np
import pytest

from actviz.errors import ActvizError
from actviz.learn.evaluation import Evaluation
from actviz.learn.evaluation_files import check_writable, load_evaluation, save_evaluation
from actviz.learn.fusion import fuse

CLASSES = ("run", "a, b", 'say "hi"', "$x$", "jump\nhigh", "six", "never seen")


def made(count: int = 60, *, seed: int = 0, **more) -> Evaluation:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 6, count)
    logits = rng.normal(size=(count, 7)).astype(np.float32)
    logits[np.arange(count), labels] += 1
    values = {
        "keys": tuple(f"group/clip, {n}" for n in range(count)),
        "labels": labels,
        "logits": logits,
        "classes": CLASSES,
        "skipped": {"bad": "ends early"},
        "coarse": {"legs": ("run", "jump\nhigh"), "none": ("never seen",)},
        "provenance": {"weights": [{"name": "w", "trained_on": "x"}], "dataset": "d"},
    }
    return Evaluation(**values | more)


def three(logits: list[list[float]], labels: list[int], **more) -> Evaluation:
    """A few clips of two classes."""
    values = {"keys": tuple("pqrstu"[: len(labels)]), "classes": ("no", "yes")}
    arrays = {"labels": np.array(labels), "logits": np.array(logits, dtype=np.float32)}
    return Evaluation(**values | arrays | more)


def test_scores_of_four_clips_by_hand():
    done = three([[2, 1], [2, 1], [1, 2], [3, 0]], [0, 0, 1, 1], coarse={"g": ("yes",)})
    scores = done.scores()
    assert (scores["top1"], scores["mean_class"]) == (0.75, 0.75)
    assert scores["per_class"] == {"no": 1.0, "yes": 0.5}
    assert scores["confusion"] == [[2, 0], [1, 1]]
    assert scores["per_group"]["g"]["right"] == 1 and scores["per_group"]["g"]["clips"] == 2
    assert scores["intervals"]["top1"] == pytest.approx([0.30064, 0.95441], abs=1e-4)


def test_top5_is_left_out_where_it_says_nothing():
    assert "top5" not in three([[1, 0]], [0]).scores()
    assert "top5" in made().scores()


def test_class_without_a_clip_counts_nowhere():
    scores = made().scores()
    assert scores["per_class"]["never seen"] is None
    assert scores["per_group"]["none"]["accuracy"] is None
    known = [v for v in scores["per_class"].values() if v is not None]
    assert scores["mean_class"] == pytest.approx(np.mean(known))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"logits": np.full((60, 7), np.inf, np.float32)}, "nan or infinity for 60 of 60 clips"),
        ({"logits": np.zeros((60, 6), np.float32)}, r"expected logits \(60, 7\)"),
        ({"labels": np.full(60, 7)}, "labels from 0 to 6"),
        ({"keys": ("same",) * 60}, "'same' is there several times"),
    ],
)
def test_what_does_not_fit_is_refused(more, words):
    with pytest.raises(ActvizError, match=words):
        made(**more)


def test_json_is_computed_again_from_the_answers_to_the_last_digit(tmp_path):
    save_evaluation(made(), tmp_path)
    said = json.loads((tmp_path / "evaluation.json").read_text())["scores"]
    with (tmp_path / "answers.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    names = head[3:]
    logits = np.array([[float(z) for z in row[3:]] for row in rows])
    label = np.array([names.index(row[1]) for row in rows])
    assert [names[k] for k in logits.argmax(1)] == [row[2] for row in rows]
    hit = logits.argmax(1) == label
    fifth = np.sort(logits, axis=1)[:, -5]
    assert said["top1"] == hit.sum() / len(rows)
    assert said["top5"] == (logits[np.arange(60), label] >= fifth).sum() / len(rows)
    assert said["mean_class"] == np.mean([hit[label == k].mean() for k in np.unique(label)])
    for k, name in enumerate(names[:6]):
        assert said["per_class"][name] == hit[label == k].sum() / (label == k).sum()


def test_saved_evaluation_comes_back_as_it_was(tmp_path):
    before = made(branches={"rb": made(seed=3).logits, "cb": made(seed=4).logits})
    save_evaluation(before, tmp_path / "new" / "folder")
    after = load_evaluation(tmp_path / "new" / "folder")
    assert after.scores() == before.scores() and after.keys == before.keys
    assert np.array_equal(after.logits, before.logits)
    assert np.array_equal(after.branches["rb"], before.branches["rb"])
    assert after.skipped == before.skipped and after.coarse == before.coarse


def test_confusion_csv_holds_the_counts(tmp_path):
    save_evaluation(made(), tmp_path)
    with (tmp_path / "confusion.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert tuple(head[1:]) == CLASSES == tuple(row[0] for row in rows)
    assert [[int(n) for n in row[1:]] for row in rows] == made().confusion.tolist()


def test_saving_again_replaces_and_leaves_other_files_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    save_evaluation(made(branches={"rb": made().logits}), tmp_path)
    save_evaluation(made(30), tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "notes.txt",
        "answers.csv",
        "confusion.csv",
        "confusion.png",
        "evaluation.json",
    }
    assert len(load_evaluation(tmp_path)) == 30


def test_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("actviz.learn.evaluation_files.draw", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_evaluation(made(), tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "other answers", "no answers", "no json", "list"])
def test_damaged_evaluation_is_refused_in_words(damage, tmp_path):
    path, answers = save_evaluation(made(), tmp_path), tmp_path / "answers.csv"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "other answers":
        answers.write_text(answers.read_text().replace("0.1", "0.2"))
    elif damage == "no answers":
        answers.unlink()
    elif damage == "no json":
        path.unlink()
    else:
        path.write_text("[1]")
    with pytest.raises(ActvizError, match=r"expected evaluation\.json and answers\.csv"):
        load_evaluation(path)


def test_place_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ActvizError, match="cannot be written"):
            check_writable(place)
    check_writable(tmp_path / "new" / "below")
    assert not (tmp_path / "new").exists()


def test_two_streams_are_fused_by_their_weights():
    rgb = three([[1, 0], [0, 1], [4, 0]], [1, 1, 0])
    flow = three([[0, 1], [1, 0], [0, 1]], [1, 1, 0])
    fused = fuse([rgb, flow], [1, 1.5])
    assert np.allclose(fused.logits * 2.5, [[1, 1.5], [1.5, 1], [4, 1.5]])
    assert fused.scores()["top1"] == pytest.approx(2 / 3)


def test_fused_probabilities_bound_a_stream_that_shouts():
    loud, calm = three([[100, 0]], [1]), three([[0, 2]], [1])
    assert fuse([loud, calm], [1, 1]).logits.argmax(1) == 0
    soft = fuse([loud, calm], [1, 1.5], how="softmax")
    assert np.allclose(
        soft.logits, (np.array([1, 0]) + 1.5 * np.array([0.1192, 0.8808])) / 2.5, atol=1e-4
    )
    assert soft.logits.argmax(1) == 1


def test_fusion_matches_clips_by_key_and_classes_by_name():
    one = three([[1, 0], [0, 1], [1, 0]], [0, 1, 0])
    two = Evaluation(
        keys=("r", "p", "z"),
        labels=np.array([1, 1, 0]),
        logits=np.array([[5, 6], [7, 8], [0, 0]], np.float32),
        classes=("yes", "no"),
        skipped={"q": "ends early"},
    )
    fused = fuse([one, two], [1, 1])
    assert fused.keys == ("p", "r") and fused.labels.tolist() == [0, 0]
    assert np.allclose(fused.logits * 2, [[1 + 8, 7], [1 + 6, 5]])
    assert fused.skipped == {"q": "ends early", "z": "not answered by all of the models fused"}


@pytest.mark.parametrize(
    ("more", "weight", "words"),
    [
        ({"part": "val"}, 1, "part is 'test' for the first and 'val'"),
        ({"provenance": {"dataset": "e"}}, 1, "dataset is None for the first and 'e'"),
        ({"classes": ("no", "maybe")}, 1, "models of the same classes"),
        ({"keys": ("x", "y")}, 1, "no clip was answered by all"),
        ({"labels": np.array([1, 1])}, 1, "do not agree on the clips' true classes"),
        ({}, 0, "must be a positive number; got 0"),
        ({}, float("nan"), "must be a positive number"),
    ],
)
def test_what_cannot_be_fused_is_refused(more, weight, words):
    one = three([[1, 0], [0, 1]], [0, 1])
    other = three([[1, 0], [0, 1]], **{"labels": [0, 1]} | more)
    with pytest.raises(ActvizError, match=words):
        fuse([one, other], [1, weight])
