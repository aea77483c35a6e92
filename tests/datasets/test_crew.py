"""Several processes at work: results, crashes, and an end with their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actviz.datasets.base import DatasetError
from actviz.datasets.crew import crew, in_crew, stopping, workers_for


def double(number: int) -> int:
    if number == 13:
        os.abort()  # as a decoder that a damaged file crashes
    return 2 * number


def wait_to_be_stopped(mark: str) -> str:
    Path(mark).touch()
    until = time.monotonic() + 60
    while not stopping() and time.monotonic() < until:
        time.sleep(0.01)
    Path(mark).unlink()
    return mark


def test_each_job_comes_with_its_result():
    assert dict(crew(double, range(9), workers=2)) == {n: 2 * n for n in range(9)}


def test_none_of_its_own_works_here():
    assert list(crew(double, [1, 2], workers=0)) == [(1, 2), (2, 4)]
    assert not in_crew()


def test_a_job_that_kills_its_process_costs_nobody_else():
    results = dict(crew(double, [1, 2, 13, 4, 5, 6, 7, 8], workers=2))
    assert results.pop(13) is None
    assert results == {n: 2 * n for n in (1, 2, 4, 5, 6, 7, 8)}


def test_closing_asks_running_work_to_leave_off(tmp_path):
    marks = [str(tmp_path / name) for name in "ab"]
    running = crew(_either, [*marks, "quick"], workers=3)
    assert next(running) == ("quick", "quick")
    begin = time.monotonic()
    running.close()
    assert time.monotonic() - begin < 20
    assert not list(tmp_path.iterdir())


def _either(mark: str) -> str:
    if mark != "quick":
        return wait_to_be_stopped(mark)
    time.sleep(0.2)
    return mark


def test_workers_end_when_their_parent_is_killed(tmp_path):
    here = Path(__file__).parent
    code = (
        f"import sys; sys.path.insert(0, {str(here)!r})\n"
        "from test_crew import pid_of_worker; from actviz.datasets.crew import crew\n"
        f"list(crew(pid_of_worker, [{str(tmp_path / 'pid')!r}], workers=1))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    worker = int(_when_there(tmp_path / "pid"))
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while _alive(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _alive(worker)


def pid_of_worker(place: str) -> None:
    part = Path(f"{place}.part")
    part.write_text(str(os.getpid()))
    part.rename(place)
    time.sleep(60)


def _when_there(path: Path) -> str:
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return path.read_text()


def _alive(process: int) -> bool:
    try:  # a dead one that nobody waited for is a zombie
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_script_without_a_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(
        "from actviz.datasets.crew import crew\nprint(list(crew(abs, [1, 2], workers=1)))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert done.returncode
    assert 'if __name__ == "__main__":' in done.stderr.splitlines()[-1]


def test_workers_are_no_more_than_jobs():
    assert workers_for(8, 3) == 3
    assert 1 <= workers_for(None, 100) <= (os.cpu_count() or 1)
    with pytest.raises(DatasetError, match=r"0 .* or more; got -1"):
        workers_for(-1, 3)
