"""``actviz doctor`` from a user's seat."""

import pickle
from pathlib import Path

import pytest
import torch
import torchvision.models as tv

from actviz.cli import main
from actviz.learn.checkpoints import bundled, load_checkpoint


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("foreign") / "tsn.pth"
    state = {
        f"module.base_model.{k}": v for k, v in tv.resnet18(num_classes=2).state_dict().items()
    }
    torch.save({"epoch": 80, "state_dict": state}, path)
    return path


def test_own_weights_as_a_table(capsys):
    assert main(["doctor", str(bundled("man"))]) == 0
    table = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert table["file"] == "puppets-man.safetensors"
    assert table["classes"] == "12" and table["sees"] == "joints"
    assert table["next"] == "It has its card (puppets) and loads as it is."


def test_foreign_weights_become_ours(foreign, tmp_path, capsys):
    names, out = tmp_path / "names.txt", tmp_path / "new" / "best.safetensors"
    names.write_text("wave\nclap\n")
    wanted = ["doctor", foreign, "--classes", names, "--out", out, "--trained-on", "UCF101"]
    assert main([str(w) for w in wanted]) == 0
    assert "tsn-pytorch" in capsys.readouterr().out
    card = load_checkpoint(out).card
    assert (card.model, card.classes, card.trained_on) == ("tsn", ("wave", "clap"), "UCF101")


@pytest.mark.parametrize("more", [["--classes", "names.txt"], ["--out", "best.safetensors"]])
def test_converting_needs_both_names_and_a_place(foreign, more, capsys):
    assert main(["doctor", str(foreign), *more]) == 2
    assert "--classes NAMES and --out FILE" in capsys.readouterr().err


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip", bytes(5000)])
def test_what_holds_no_tensors_is_refused_in_a_line(tmp_path, capsys, content):
    bomb = pickle.dumps({"state_dict": Bomb(tmp_path / "boom")})
    (tmp_path / "evil.pth").write_bytes(bomb if content is None else content)
    assert main(["doctor", str(tmp_path / "evil.pth")]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.strip().splitlines()) == 1
    assert "never loaded" in printed.err and not (tmp_path / "boom").exists()
