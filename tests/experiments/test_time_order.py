"""Played backwards, a reversed pair's clip is its partner: who notices?"""

from __future__ import annotations

import pytest

from actviz.cli import main
from actviz.experiments import get_experiment
from actviz.experiments.time_order import PAIRS, time_order


def test_man_answers_the_partner_when_time_runs_backwards():
    told: list[int] = []
    rows = time_order(clips=24, progress=lambda stage, done, total: told.append(done))
    assert told == list(range(1, 25))
    assert [(r["model"], r["clips"]) for r in rows] == [("MAM", 4), ("MAM", 4)] + [("MAN", 4)] * 2
    assert {r["pair"] for r in rows} == {" / ".join(p) for p in PAIRS}
    for row in rows[2:]:
        assert row["forwards"] == row["backwards, partner"] == 1.0
        assert "every frame written" not in row


def test_unknown_experiment_is_refused_with_the_known_ones(capsys):
    with pytest.raises(ValueError, match="puppets/time-order"):
        get_experiment("puppets/space-order")
    assert main(["reproduce", "puppets/space-order"]) == 2
    assert "puppets/time-order" in capsys.readouterr().err


def test_experiments_are_listed(capsys):
    assert main(["experiments"]) == 0
    assert "puppets/time-order" in capsys.readouterr().out
