"""Whatever is handed to the command line: exit status 2, one sentence, nothing left behind."""

from __future__ import annotations

import pickle
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from actviz.cli import main
from actviz.datasets.puppets import make_scene
from actviz.datasets.puppets.gallery import gallery


def refuses(capsys: pytest.CaptureFixture[str], arguments: list[object]) -> str:
    """Run the command; it must end with status 2 and one line on stderr, which is returned."""
    status = main([str(a) for a in arguments])
    printed = capsys.readouterr()
    assert status == 2
    assert printed.out == ""
    (line,) = printed.err.strip().splitlines()
    assert line.startswith("actviz: ")
    return line


def trace(path: Path, model: str, out: Path, *more: object) -> list[object]:
    return ["trace", path, "--model", model, "--device", "cpu", "--out", out, *more]


def silence(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))


BROKEN_VIDEOS = {
    "empty": lambda p: p.write_bytes(b""),
    "text": lambda p: p.write_text("not a video, whatever its name says\n" * 50),
    "noise": lambda p: p.write_bytes(np.random.default_rng(0).bytes(40_000)),
    "audio only": silence,
    "folder": lambda p: p.mkdir(),
    "missing": lambda p: None,
}


@pytest.mark.parametrize("kind", BROKEN_VIDEOS)
@pytest.mark.parametrize("model", ["mam", "tmnet", "man"])
def test_broken_video_is_refused(kind, model, tmp_path, capsys):
    BROKEN_VIDEOS[kind](tmp_path / "clip.mp4")
    line = refuses(capsys, trace(tmp_path / "clip.mp4", model, tmp_path / "out"))
    assert "clip.mp4" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", BROKEN_VIDEOS)
def test_probe_refuses_the_same_files(kind, tmp_path, capsys):
    BROKEN_VIDEOS[kind](tmp_path / "clip.mp4")
    assert "clip.mp4" in refuses(capsys, ["probe", tmp_path / "clip.mp4"])


def skeleton_arrays(**changed: object) -> dict[str, object]:
    joints = make_scene(3).skeleton().joints
    whole = {"joints": joints, "times_s": np.arange(len(joints)) / 30, "layout": "ntu-25"}
    return whole | changed


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"joints": np.full((12, 1, 25, 3), np.nan, np.float32), "times_s": np.arange(12.0)}, ""),
        ({"layout": "octopus-8"}, "octopus-8"),
        ({"joints": np.zeros((12, 1, 7, 3), np.float32), "times_s": np.arange(12.0)}, "25"),
        ({"times_s": np.zeros(5)}, ""),
    ],
    ids=["all nan", "unknown layout", "wrong joint count", "stopped clock"],
)
def test_broken_npz_skeleton_is_refused(changed, words, tmp_path, capsys):
    np.savez(tmp_path / "s.npz", **skeleton_arrays(**changed))
    line = refuses(capsys, trace(tmp_path / "s.npz", "man", tmp_path / "out"))
    assert words in line


@pytest.mark.parametrize("text", ["", "2\n1\n", "hello\n", "3\n1\n7 0 0 0\n"])
def test_cut_or_foreign_skeleton_text_is_refused(text, tmp_path, capsys):
    (tmp_path / "S001.skeleton").write_text(text)
    line = refuses(capsys, trace(tmp_path / "S001.skeleton", "man", tmp_path / "out"))
    assert "S001.skeleton" in line


def test_npz_that_needs_unpickling_is_refused_unopened(tmp_path, capsys):
    np.savez(tmp_path / "s.npz", joints=np.array([Bomb(tmp_path / "boom")], dtype=object))
    refuses(capsys, trace(tmp_path / "s.npz", "man", tmp_path / "out"))
    assert not (tmp_path / "boom").exists()


class Bomb:
    """Unpickling this writes a file: the sign that foreign code ran."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def clip() -> Path:
    return gallery()[0].video


def test_checkpoint_with_code_in_it_is_refused_unopened(tmp_path, capsys):
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"state_dict": Bomb(tmp_path / "boom")}))
    refuses(capsys, trace(clip(), "mam", tmp_path / "out", "--weights", tmp_path / "evil.pt"))
    torch.save({"state_dict": Bomb(tmp_path / "boom")}, tmp_path / "evil2.pt")
    refuses(capsys, trace(clip(), "mam", tmp_path / "out", "--weights", tmp_path / "evil2.pt"))
    assert not (tmp_path / "boom").exists()


def test_checkpoint_of_another_network_is_refused(tmp_path, capsys):
    torch.save({"layer.weight": torch.zeros(3, 3)}, tmp_path / "other.pt")
    line = refuses(
        capsys, trace(clip(), "mam", tmp_path / "out", "--weights", tmp_path / "other.pt")
    )
    assert "other.pt" in line


def test_weights_of_another_model_are_refused_by_name(tmp_path, capsys):
    from actviz.learn.checkpoints import bundled

    line = refuses(capsys, trace(clip(), "mam", tmp_path / "out", "--weights", bundled("tmnet")))
    assert "tmnet" in line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--device", "abacus"], "abacus"),
        (["--frames", "0"], "at least 1"),
        (["--start", "90"], "90"),
        (["--start", "2", "--end", "1"], "before"),
        (["--threshold", "1.5"], "1.5"),
        (["--segment", "walk"], "--segment"),
        (["--what-if", "backwards"], "reverse"),
        (["--what-if", "drop 4-400"], "frames 0 to 15"),
        (["--what-if", "drop 0-15"], "leave one"),
    ],
)
def test_senseless_options_are_refused(more, words, tmp_path, capsys):
    assert words in refuses(capsys, trace(clip(), "mam", tmp_path / "out", *more))
    assert list(tmp_path.iterdir()) == []


def test_unknown_class_is_refused_with_the_classes(tmp_path, capsys):
    line = refuses(capsys, trace(clip(), "tmnet", tmp_path / "out", "--class", "juggle"))
    assert "juggle" in line
    assert "jumping jack" in line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--model", "gpt"], "mam"),
        (["--model", "mam", "--frames", "1.5"], "--frames"),
        (["--model", "mam", "--start", "soon"], "--start"),
        (["--model", "mam", "--out", ""], "--out"),
    ],
)
def test_words_that_do_not_parse_are_refused_in_one_sentence(more, words, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["trace", str(clip()), "--out", str(tmp_path / "out"), *more])
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("actviz: ")
    assert words in line


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("tmnet", ["--threshold", "0.5"]),
        ("tmnet", ["--what-if", "reverse"]),
        ("mam", ["--class", "drink"]),
        ("man", ["--frames", "5"]),
        ("man", ["--segment", "walk"]),
    ],
)
def test_options_of_another_model_are_refused_not_passed_over(model, more, tmp_path, capsys):
    line = refuses(capsys, trace(clip(), model, tmp_path / "out", *more))
    assert more[0] in line
    assert list(tmp_path.iterdir()) == []


def test_source_is_never_overwritten(tmp_path, capsys):
    own = tmp_path / "overlay.mp4"
    own.write_bytes(clip().read_bytes())
    assert "overwritten" in refuses(capsys, trace(own, "mam", tmp_path))
    assert own.read_bytes() == clip().read_bytes()


def test_a_file_is_no_folder_for_results(tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert "folder" in refuses(capsys, trace(clip(), "mam", tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "mine"


def test_mam_does_not_look_at_skeleton_files(tmp_path, capsys):
    np.savez(tmp_path / "s.npz", **skeleton_arrays())
    line = refuses(capsys, trace(tmp_path / "s.npz", "mam", tmp_path / "out"))
    assert "--model man" in line


def test_unknown_recipe_and_field_name_the_nearest(capsys):
    assert "puppets/mam" in refuses(capsys, ["train", "puppets/mamm"])
    assert "epochs" in refuses(capsys, ["train", "puppets/mam", "--set", "epoch=1"])
    assert "field=value" in refuses(capsys, ["train", "puppets/mam", "--set", "epochs"])
