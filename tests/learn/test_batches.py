"""Every sample follows from seed, epoch, batch and row; workers, ranks and resuming change none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from actviz.errors import ActvizError, ClipReadError
from actviz.learn.data.batches import Batches, Made, in_processes, worker_count
from actviz.learn.data.makers import read_rows


def drawn(rows):
    """Each row's clip and a number from its own randomness."""
    numbers = [0.0 if row.rng is None else row.rng.random() for row in rows]
    return Made({"clip": torch.tensor([r.clip for r in rows]), "x": torch.tensor(numbers)})


def joined(batches):
    return {k: torch.cat([b[k] for b in batches]).tolist() for k in ("clip", "x")}


def test_an_epoch_holds_every_clip_once_and_the_next_another_order():
    one, two = (joined(Batches(10, size=4, make=drawn, seed=0, epoch=e)) for e in (0, 1))
    assert sorted(one["clip"]) == sorted(two["clip"]) == list(range(10))
    assert one["clip"] != two["clip"] and one["x"] != two["x"]
    assert one == joined(Batches(10, size=4, make=drawn, seed=0))
    assert one != joined(Batches(10, size=4, make=drawn, seed=1))


def test_a_rows_randomness_is_that_of_seed_epoch_batch_and_row():
    batches = list(Batches(10, size=4, make=drawn, seed=7, epoch=2))
    assert batches[2]["x"][1] == torch.tensor(np.random.default_rng((7, 2, 2, 1)).random())


def test_without_a_seed_clips_come_in_order_and_the_last_batch_is_short():
    batches = list(Batches(5, size=2, make=drawn))
    assert [b["clip"].tolist() for b in batches] == [[0, 1], [2, 3], [4]]
    assert len(Batches(5, size=2, make=drawn)) == 3 and len(Batches(0, size=2, make=drawn)) == 0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_worker_processes_change_no_sample(workers):
    plain = joined(Batches(23, size=4, make=drawn, seed=3))
    assert joined(Batches(23, size=4, make=drawn, seed=3, workers=workers)) == plain


def test_going_on_in_the_middle_gives_the_batches_that_were_left():
    whole = list(Batches(23, size=4, make=drawn, seed=3, epoch=5))
    rest = Batches(23, size=4, make=drawn, seed=3, epoch=5, start=2, workers=1)
    assert len(rest) == len(whole) == 6
    assert joined(rest) == joined(whole[2:])


def test_ranks_share_each_batch_row_by_row():
    whole = list(Batches(24, size=8, make=drawn, seed=1))
    shares = [list(Batches(24, size=8, make=drawn, seed=1, rank=r, world=2)) for r in (0, 1)]
    for batch, even, odd in zip(whole, *shares, strict=True):
        assert torch.equal(batch["x"][0::2], even["x"]) and torch.equal(batch["x"][1::2], odd["x"])


def test_the_last_training_batch_is_cut_to_equal_shares():
    shares = [list(Batches(11, size=4, make=drawn, seed=1, rank=r, world=2)) for r in (0, 1)]
    assert [[len(b["clip"]) for b in share] for share in shares] == [[2, 2, 1]] * 2
    assert len(Batches(9, size=4, make=drawn, seed=1, world=2)) == 2  # one clip is left: no batch


def test_in_validation_nothing_is_dropped_and_a_share_may_be_empty():
    shares = [joined(Batches(5, size=4, make=drawn, rank=r, world=2)) for r in (0, 1)]
    assert [s["clip"] for s in shares] == [[0, 2, 4], [1, 3]]
    assert [len(b["clip"]) for b in Batches(5, size=4, make=drawn, rank=1, world=2)] == [2, 0]


def test_a_batch_that_cannot_be_shared_equally_is_refused():
    with pytest.raises(ActvizError, match="6 clips must be a multiple of the 4 processes"):
        Batches(20, size=6, make=drawn, seed=0, world=4)


def test_loading_draws_from_no_other_randomness():
    torch.manual_seed(5)
    list(Batches(8, size=4, make=drawn, seed=0, workers=1))
    here = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(here, torch.rand(1))


def test_workers_fit_the_machine(monkeypatch):
    monkeypatch.setattr("actviz.learn.data.batches.cores_here", lambda: 16)
    assert worker_count(-1, in_memory=False) == 8
    assert worker_count(-1, in_memory=False, beside=4) == 3
    assert worker_count(-1, in_memory=True) == 0 and worker_count(5, in_memory=True) == 5
    monkeypatch.setattr("actviz.learn.data.batches.cores_here", lambda: 1)
    assert worker_count(-1, in_memory=False) == 0


def refuse(number):
    if number == 2:
        raise ActvizError("the disk is full: free some.")
    return number


def test_an_error_of_ours_comes_out_of_a_worker_as_one_sentence():
    with pytest.raises(ActvizError, match=r"^the disk is full: free some\.$"):
        list(in_processes(refuse, range(4), workers=2))


def die(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_worker_that_is_killed_says_so_in_a_sentence():
    with pytest.raises(ActvizError, match="ended unexpectedly, most often because memory"):
        list(in_processes(die, range(8), workers=1))


UNGUARDED = """
import torch
from actviz.learn.data.batches import in_processes
print("begun")
print(list(in_processes(abs, [-1, -2, -3], workers=1, start_method={method!r})))
"""


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_a_script_without_a_guard_is_not_run_again(tmp_path, method):
    script = tmp_path / "mine.py"
    script.write_text(UNGUARDED.format(method=method))
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert done.stdout.split("\n")[:2] == ["begun", "[1, 2, 3]"], done.stderr


class Some:
    """Ten clips of which some cannot be read."""

    keys = tuple(f"c{n}" for n in range(10))
    labels = np.arange(10)

    def __init__(self, *broken):
        self.broken = broken

    def see(self, clip, rng):
        if clip in self.broken:
            raise ClipReadError(f"c{clip}.avi", "is cut off")
        return clip


def rows_of(*clips, seed):
    batches = Batches(10, size=4, make=drawn, seed=seed)
    rngs = [row.rng for row in batches.rows(0)]
    return [type(batches.rows(0)[0])(c, r) for c, r in zip(clips, rngs, strict=False)]


def test_a_broken_clip_is_replaced_by_what_its_own_row_draws():
    source = Some(4)
    one, labels, lost = read_rows(rows_of(1, 4, seed=0), source, source.see)
    again, _, _ = read_rows(rows_of(4, seed=0), Some(4), source.see)
    assert one[0] == 1 and one[1] != 4 and labels.tolist() == one
    assert lost == {"c4": "is cut off"}
    other = np.random.default_rng((0, 0, 0, 0)).integers(10)
    assert again == [other]


def test_without_randomness_a_broken_clip_is_left_out():
    source = Some(4)
    seen, labels, lost = read_rows(rows_of(1, 4, 2, seed=None), source, source.see)
    assert seen == labels.tolist() == [1, 2] and set(lost) == {"c4"}


def test_nothing_but_broken_clips_is_an_error():
    source = Some(*range(10))
    with pytest.raises(ActvizError, match="20 clips in a row could not be read, c"):
        read_rows(rows_of(1, seed=0), source, source.see)
