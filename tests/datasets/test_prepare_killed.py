"""Preparing clips, killed, stopped, or run twice at once: in the end the same files."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_films import contents, dataset_of, film

from actviz.datasets.prepare import prepare
from actviz.datasets.prepare_clip import clear_parts

CLIPS = 10
RUN = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from tiny_films import dataset_of
from actviz.cli import _as_a_program
from actviz.datasets.prepare import prepare
_as_a_program()
try:
    prepare(dataset_of(Path({root!r})), Path({out!r}), flow=True, method="dis", side=112, workers=2)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    for number in range(CLIPS):
        film(root / "walk" / f"{number}.mp4", 12 + number)
    return root


@pytest.fixture(scope="module")
def whole(root: Path) -> dict[str, bytes]:
    """What an undisturbed run makes."""
    data = dataset_of(root)
    prepare(data, root / "p_whole", flow=True, method="dis", side=112, workers=0)
    return contents(root / "p_whole")


def start(root: Path, out: Path) -> subprocess.Popen[bytes]:
    code = RUN.format(here=str(Path(__file__).parent), root=str(root), out=str(out))
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def pictures(out: Path) -> int:
    """How many there are now. os.walk, for folders vanish under one's feet while work is on."""
    return sum(name.endswith(".jpg") for _, _, names in os.walk(out) for name in names)


def wait_for_work(run: subprocess.Popen[bytes], out: Path) -> None:
    """Until it has begun a clip, or ended."""
    before = pictures(out)
    until = time.monotonic() + 60
    while run.poll() is None and pictures(out) == before:
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.slow
def test_killed_at_random_moments_it_goes_on_to_the_same_files(root, whole, tmp_path):
    dice, killed = random.Random(0), 0
    while killed < 3:
        run = start(root, tmp_path / "p")
        wait_for_work(run, tmp_path / "p")
        time.sleep(dice.uniform(0, 0.15))
        run.kill()
        if run.wait() == -signal.SIGKILL:
            killed += 1
        else:  # it had ended before: nothing to be killed is left in this folder
            shutil.rmtree(tmp_path / "p")
    assert start(root, tmp_path / "p").wait() == 0
    assert contents(tmp_path / "p") == whole


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells of them so")
def test_the_parts_of_a_process_that_ended_uncollected_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    until = time.monotonic() + 30
    while Path(f"/proc/{ended.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < until
        time.sleep(0.01)
    living = tmp_path / ".parts" / f"{socket.gethostname()}-{os.getpid()}-ab"
    living.mkdir(parents=True)
    living.with_name(f"{socket.gethostname()}-{ended.pid}-cd").mkdir()
    clear_parts(tmp_path)
    ended.wait()
    assert list(living.parent.iterdir()) == [living]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_it_leaves_whole_clips_alone(number, root, whole, tmp_path):
    while True:
        run = start(root, tmp_path / "p")
        wait_for_work(run, tmp_path / "p")
        run.send_signal(number)
        if ended := run.wait(60):
            break
        shutil.rmtree(tmp_path / "p")  # it was done before the signal came
    assert ended == 130
    left = contents(tmp_path / "p")
    left.pop("report.csv")
    assert left.items() <= whole.items()
    assert {Path(name).name for name in left} >= {"settings.json"}
    assert not (tmp_path / "p" / ".parts").exists()


def test_two_runs_at_once_make_the_same_files(root, whole, tmp_path):
    runs = [start(root, tmp_path / "p") for _ in range(2)]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert contents(tmp_path / "p") == whole
