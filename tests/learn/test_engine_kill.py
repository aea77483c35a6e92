"""A training killed with SIGKILL, at any moment, and resumed equals one that was never stopped."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from run_folders import differences, rows_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # 45 s each on two idle cores
SCRIPT = Path(__file__).with_name("killing.py")


def _killed(folder: Path, *how: str) -> dict:
    environment = os.environ | {"ACTVIZ_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), *how],
        capture_output=True,
        text=True,
        timeout=800,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_killed_at_twenty_random_moments_it_ends_the_same(tmp_path):
    told = _killed(tmp_path, "random", "7", "20")
    assert told["kills"] >= 20
    assert len(rows_of(tmp_path / "whole")) == 3
    for name in told["cut"]:
        assert differences(tmp_path / "whole", tmp_path / name) == [], name


def test_killed_where_it_hurts_most_it_ends_the_same(tmp_path):
    for place, told in _killed(tmp_path, "places").items():
        assert told["killed"], f"never came to be {place}"
        assert differences(tmp_path / "whole", tmp_path / told["folder"]) == [], place
