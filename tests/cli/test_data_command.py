"""``actviz data …`` as a user meets it: words, exit status, files."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from actviz.cli import main
from actviz.cli.data import ABOUT
from actviz.datasets import DATASETS

sys.path.append(str(Path(__file__).parents[1] / "datasets"))
from tiny_films import BROKEN, film


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder data set: two classes, two parts, one broken clip."""
    for part in ("train", "test"):
        for name in ("walk", "wave"):
            film(tmp_path / "mine" / part / name / f"{part}_{name}.mp4", 3)
    BROKEN["text"](tmp_path / "mine" / "train" / "walk" / "broken.mp4")
    return tmp_path / "mine"


def said(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> str:
    """What the command prints, on stdout if it succeeds and on stderr if not."""
    assert main([str(a) for a in arguments]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def test_list_names_every_data_set(capsys):
    printed = said(capsys, "data", "list")
    assert list(ABOUT) == list(DATASETS)
    assert all(f"\n{name} " in f"\n{printed}" for name in DATASETS)
    assert "actviz data download ucf101" in printed


def test_check_says_how_many_are_unusable_and_why(root, capsys):
    lines = said(capsys, "data", "check", root, "--workers", 0).splitlines()
    assert lines[0] == f"folder at {root}: 5 samples of 2 classes"
    assert lines[-1] == "1 of 5 samples cannot be used."
    (line,) = (line for line in lines if line.startswith("unreadable"))
    assert "broken" in line
    assert "not a video" in line
    assert any(line.split() == ["total", "5", "4", "0", "1", "0"] for line in lines)


def test_check_writes_a_csv(root, tmp_path, capsys):
    said(capsys, "data", "check", root, "--workers", 0, "--thorough", "--csv", tmp_path / "c.csv")
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["status"] for row in rows) == ["ok"] * 4 + ["unreadable"]
    assert {row["split"] for row in rows} == {"train", "test"}


def test_problems_of_one_kind_take_one_line(tmp_path, capsys):
    for number in range(25):
        path = tmp_path / "walk" / f"c{number:02d}.mp4"
        film(path, 1)
        path.write_text("no\n")
    film(tmp_path / "wave" / "a.mp4", 1)
    printed = said(capsys, "data", "check", tmp_path, "--workers", 0)
    assert " and 24 like it: not a video" in printed


def test_prepare_twice(root, capsys):
    arguments = ("data", "prepare", root, "--workers", 0, "--flow", "--method", "dis")
    first, second = said(capsys, *arguments), said(capsys, *arguments)
    report = root / "prepared" / "report.csv"
    assert first == (
        f"folder, in {root / 'prepared'}: 4 prepared, 0 already there, 1 could not be read "
        f"(see {report}).\n"
    )
    assert "0 prepared, 4 already there, 1 could not be read" in second
    assert len(list(root.rglob("flow_x_00002.jpg"))) == 4


def test_what_prepare_wrote_is_not_taken_for_clips(root, capsys):
    said(capsys, "data", "prepare", root, "--workers", 0)
    assert ": 5 samples of 2 classes" in said(capsys, "data", "check", root, "--workers", 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "nowhere"), "nowhere: expected a folder or a CSV file"),
        (("check", "mine", "--dataset", "ucf102"), "did you mean ucf101?"),
        (("check", "mine", "--workers", "-1"), "workers must be 0"),
        (("check", "mine", "--lists", "mine"), "--lists is for ucf101 and hmdb51"),
        (("prepare", "mine", "--out", "mine/train/walk/broken.mp4"), "cannot be written there"),
        (("download", "ntu", "--out", "x"), "ntu is not fetched: ask for access"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words, root, capsys, monkeypatch):
    monkeypatch.chdir(root.parent)
    printed = said(capsys, "data", *arguments, status=2)
    assert len(printed.strip().splitlines()) == 1
    assert words in printed


@pytest.mark.parametrize("command", ["list", "download", "check", "prepare"])
def test_help_is_a_page(command, capsys):
    with pytest.raises(SystemExit) as left:
        main(["data", command, "--help"])
    assert left.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) > (4 if command == "list" else 12)
