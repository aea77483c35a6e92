"""``actviz evaluate`` as a user meets it: a table, whole files, and one sentence where it fails."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import models
from actviz.cli import main
from actviz.clip.writer import VideoWriter
from actviz.learn.checkpoints import Card, bundled, save_checkpoint
from actviz.learn.evaluation_files import load_evaluation

CLASSES = ("bright", "dark")
SIZE = 32


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    """Eight tiny videos in class folders, of 1 to 8 frames, and one broken in the middle."""
    root = tmp_path_factory.mktemp("films")
    for number in range(8):
        name = CLASSES[number % 2]
        path = root / "test" / name / f"clip{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, width=48, height=40, fps=10) as film:
            for t in range(number + 1):
                grey = (220 if name == "bright" else 30) + 2 * t
                film.write(np.full((40, 48, 3), grey, np.uint8), t / 10)
    broken = root / "test" / "bright" / "clip3b.mp4"
    shutil.copy(root / "test" / "bright" / "clip6.mp4", broken)
    broken.write_bytes(broken.read_bytes()[:300])
    return root


def weights(path: Path, classes: tuple[str, ...] = CLASSES, **more) -> Path:
    """Random weights of a tiny TSN."""
    network = {"num_classes": len(classes), "backbone": "resnet18_narrow", "width": 8}
    usual = {"trained_on": "nothing", "frames": 3, "input_size": SIZE, "dataset": "folder"}
    card = Card(**{"model": "tsn", "overrides": network, "classes": classes} | usual | more)
    return save_checkpoint(path, models.build("tsn", **network), card)


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    status = main(["evaluate", *(str(a) for a in arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def refused(capsys, *arguments: object) -> str:
    status, out, err = run(capsys, *arguments)
    (line,) = err.strip().splitlines()
    assert (status, out) == (2, "") and line.startswith("actviz: ")
    return line


def test_folder_of_videos_is_scored_into_files_beside_the_weights(films, tmp_path, capsys):
    path = weights(tmp_path / "best.safetensors")
    status, out, _ = run(capsys, path, "--data", films, "--device", "cpu", "--views", "10-crop")
    folder = tmp_path / "evaluation-test-10-crop"
    said = json.loads((folder / "evaluation.json").read_text())
    assert status == 0 and f"{folder} written." in out and "8 of 9 clips" in out
    assert said["clips"] == 8 and list(said["skipped"]) == ["test/bright/clip3b"]
    assert said["provenance"]["command"].startswith(f"actviz evaluate {path} --data {films}")
    assert said["provenance"]["weights"][0]["sha256"]
    assert sum(map(sum, said["scores"]["confusion"])) == 8
    assert (folder / "confusion.png").stat().st_size > 10_000


def test_two_streams_fuse_from_weights_and_from_what_was_saved(films, tmp_path, capsys):
    one = weights(tmp_path / "one.safetensors")
    two = weights(tmp_path / "two.safetensors", CLASSES[::-1])
    both = ("--data", films, "--with", f"{two}:1.5", "--device", "cpu")
    assert run(capsys, one, *both, "--out", tmp_path / "fused")[0] == 0
    streams = [tmp_path / "fused" / f"stream-{n}" for n in (1, 2)]
    again = (streams[0], "--with", f"{streams[1]}:1.5", "--out", tmp_path / "again")
    assert run(capsys, *again)[0] == 0
    first, other = (load_evaluation(tmp_path / n) for n in ("fused", "again"))
    assert np.array_equal(first.logits, other.logits) and first.scores() == other.scores()
    parts = [load_evaluation(s).logits for s in streams]
    by_hand = (parts[0] + 1.5 * parts[1][:, ::-1]) / 2.5
    assert np.allclose(first.logits, by_hand, atol=1e-6)


def test_puppets_need_no_data_and_clips_say_how_many(tmp_path, capsys):
    arguments = (bundled("man"), "--clips", 12, "--out", tmp_path / "out", "--device", "cpu")
    status, out, _ = run(capsys, *arguments)
    assert status == 0 and "puppets seeds test: 12 clips, whole sequences" in out
    assert "attention mean" in out
    truth = json.loads((tmp_path / "out" / "evaluation.json").read_text())["scores"]["attention"]
    assert set(truth) == {"mean", "x", "y", "z"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--clips", "-1"), "--clips and --batch must be 0 or more; got -1"),
        (("--views", "3x7"), "--views must be one of 25x10"),
        (("--part", "exam"), "--part must be one of test, val, train"),
        (("--with", "two.safetensors:0"), "must be a positive number; got 0"),
        (("--with", "two.safetensors:nan"), "must be a positive number; got nan"),
        (("--fuse", "product"), "--fuse must be one of logits, softmax"),
        (("--dataset", "ucf102"), "got 'ucf102'"),
        (("--part", "train"), "no train clips"),
        (("--device", "tpu"), "device must be one of"),
        (("--data", "/no/such/place"), "/no/such/place"),
    ],
)
def test_bad_requests_are_refused_in_one_sentence(more, words, films, tmp_path, capsys):
    path = weights(tmp_path / "best.safetensors")
    assert words in refused(capsys, path, "--data", films, *more)
    assert {p.name for p in tmp_path.iterdir()} == {"best.safetensors", "best.json"}


def test_other_classes_are_refused_with_their_names(films, tmp_path, capsys):
    path = weights(tmp_path / "best.safetensors", ("bright", "loud", "quiet"))
    line = refused(capsys, path, "--data", films)
    assert "unknown to the weights: dark; not in the data: loud, quiet" in line


def test_data_must_be_named_where_the_weights_need_some(tmp_path, capsys):
    line = refused(capsys, weights(tmp_path / "best.safetensors"))
    assert "expected --data, the folder or list of the data set folder" in line


def test_results_place_that_is_a_file_is_refused_before_the_work(films, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    path = weights(tmp_path / "best.safetensors")
    assert "cannot be written" in refused(capsys, path, "--data", films, "--out", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_damaged_saved_evaluation_is_refused(tmp_path, capsys):
    (tmp_path / "evaluation.json").write_text("{")
    assert "as `actviz evaluate --out` writes them" in refused(capsys, tmp_path)
