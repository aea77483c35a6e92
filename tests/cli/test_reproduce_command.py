"""`actviz reproduce`: bad input in a sentence, tables in words, files only where asked for."""

from __future__ import annotations

import json

import pytest

from actviz.cli import main
from actviz.experiments import EXPERIMENTS, Ask, Column, Experiment, Line, Result, Table
from actviz.experiments.claims import above, judge
from actviz.experiments.statistics import Measured


def _two_rows(ask: Ask) -> Result:
    figures = {("one", "right"): Measured((0.8, 0.9)), ("two", "right"): Measured((0.5, 0.6))}
    lines = tuple(
        Line(row, {"printed": 70.0}, {"right": figures[row, "right"]}) for row in ("one", "two")
    )
    claim = above("one is above two", ("one", "right"), ("two", "right"), source="text")
    table = Table(
        name="made-up",
        title="Two rows",
        columns=(Column("right"),),
        lines=lines,
        published=("printed",),
        verdicts=(judge(claim, figures),),
        chance={"right": 0.25},
        notes=("T0: a slip.",),
    )
    return Result((table,), seeds=(0, 1), trainings=({"seed": 0}, {"seed": 1}))


@pytest.fixture
def made_up(monkeypatch):
    experiment = Experiment("test/made-up", "Which row?", _two_rows)
    monkeypatch.setitem(EXPERIMENTS, "test/made-up", experiment)


def test_table_shows_published_beside_ours_claims_and_notes(made_up, capsys):
    assert main(["reproduce", "test/made-up", "--jobs", "1"]) == 0
    told = capsys.readouterr().out
    assert "published printed" in told and "85.0 ± 7.1" in told and "25.0" in told
    assert "[+] one is above two (text) - holds: +30.0 ± 7.1 points" in told
    assert "T0: a slip." in told


def test_files_hold_every_figure_and_where_it_comes_from(made_up, tmp_path, capsys):
    out = tmp_path / "results"
    assert main(["reproduce", "test/made-up", "--seeds", "2", "--out", str(out)]) == 0
    told = json.loads((out / "made-up.json").read_text())
    assert told["rows"][0]["ours"]["right"] == {"mean": 85.0, "sd": 7.071068, "values": [80, 90]}
    assert told["claims"][0]["verdict"] == "holds" and told["rule"]
    facts = told["provenance"]
    assert facts["command"] == f"actviz reproduce test/made-up --seeds 2 --out {out}"
    assert facts["seeds"] == [0, 1] and facts["versions"]["torch"] and "cores" in facts["machine"]
    assert "| one | 70.0 | 85.0 ± 7.1 |" in (out / "made-up.md").read_text()
    assert {p.name for p in out.iterdir()} == {"made-up.json", "made-up.md"}


def test_nothing_is_written_unless_asked(made_up, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "test/made-up"]) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["mam/table9"], "experiment must be one of"),
        (["mam/table2", "--scale", "huge"], "--scale must be one of puppets, paper"),
        (["mam/table2", "--seeds", "0"], "--seeds must be at least 1; got 0"),
        (["mam/table2", "--jobs", "-1"], "--jobs must be at least 1"),
        (["mam/table2", "--clips", "0"], "--clips must be at least 1"),
        (["mam/table2", "--scale", "paper"], "say where it is with --data ROOT"),
        (["mam/table2", "--scale", "paper", "--data", "/nowhere"], "/nowhere: expected the folder"),
        (["mam/table2", "--data", "/nowhere"], "puppets are made here"),
        (["puppets/time-order", "--seeds", "3"], "has no use for --seeds"),
        (["mam/ablation", "--scale", "paper"], "has no use for --scale"),
    ],
)
def test_bad_input_is_one_sentence(said, words, capsys):
    assert main(["reproduce", *said]) == 2
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def test_a_folder_without_the_data_is_told_so(tmp_path, capsys):
    (tmp_path / "else").mkdir()
    assert main(["reproduce", "mam/table3", "--scale", "paper", "--data", str(tmp_path)]) == 2
    assert "expected UCF101 or HMDB51" in capsys.readouterr().err


def test_a_place_that_is_a_file_is_refused_before_anything_is_trained(tmp_path, capsys):
    place = tmp_path / "file"
    place.write_text("")
    assert main(["reproduce", "mam/table2", "--out", str(place)]) == 2
    assert "cannot be written" in capsys.readouterr().err
