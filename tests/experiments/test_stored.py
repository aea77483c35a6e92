"""Stored results are read back as they were written, or said to be missing."""

from __future__ import annotations

import json

import pytest

from actviz.errors import ActvizError
from actviz.experiments.base import Column, Experiment, Line, Result, Table
from actviz.experiments.claims import above, judge
from actviz.experiments.report import save_result
from actviz.experiments.statistics import Measured
from actviz.experiments.stored import RESULTS, stored

FACTS = {
    "command": "actviz reproduce mam/table9",
    "commit": "a" * 40,
    "machine": "some",
    "versions": {},
    "date": "today",
}
MAM, LSTM = Measured((0.9, 0.8)), Measured((0.5, 0.6))


@pytest.fixture
def written(tmp_path):
    claim = above("MAM is above LSTM", "MAM", "LSTM", source="Table 9")
    table = Table(
        name="table9",
        title="Nine",
        columns=(Column("spatial"),),
        lines=(
            Line("LSTM", {"spatial": 77.5}, {"spatial": LSTM}),
            Line("MAM", {"spatial": 80.0}, {"spatial": MAM}),
            Line("ours alone", ours={"spatial": MAM}, note="no CNN"),
        ),
        published=("spatial",),
        verdicts=(judge(claim, {"MAM": MAM, "LSTM": LSTM}),),
    )
    question = Experiment("mam/table9", "?", lambda ask: Result((table,)))
    save_result(Result((table,), seeds=(0, 1)), question, tmp_path / "mam", FACTS)
    return tmp_path


def test_a_table_is_read_back_beside_what_was_published(written):
    lines = stored("mam/table9", folder=written).table().splitlines()
    assert lines[0] == "|  | published spatial | spatial, % |"
    assert lines[2] == "| LSTM | 77.5 | 55.0 ± 7.1 |"
    assert lines[4] == "| ours alone (no CNN) |  | 85.0 ± 7.1 |"


def test_its_claims_and_where_it_comes_from_are_told(written):
    table = stored("mam/table9", folder=written)
    assert table.verdicts().startswith("- MAM is above LSTM (Table 9): **")
    assert "+30.0" in table.verdicts()
    assert table.source() == "`actviz reproduce mam/table9`, commit aaaaaaaaaaaa, seeds 0, 1"


def test_a_result_that_is_missing_is_named_with_the_way_to_make_it(tmp_path):
    with pytest.raises(ActvizError, match="actviz reproduce mam/table1 --out"):
        stored("mam/table1", folder=tmp_path)
    (tmp_path / "other.json").write_text(json.dumps({"schema": 1}))
    with pytest.raises(ActvizError, match="expected a table"):
        stored("other", folder=tmp_path)


def test_every_stored_table_of_mam_can_be_read():
    for path in sorted((RESULTS / "mam").glob("*.json")):
        table = stored(f"mam/{path.stem}")
        assert table.table() and table.source()
