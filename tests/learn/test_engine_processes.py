"""Two processes, started as a user starts them, take the same steps as one with the joint batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from run_folders import rows_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FIELDS = {  # a frame CNN without batch normalisation; nothing dropped
    "backbone": "squeezenet1_1",
    "width": "null",
    "input_size": 64,
    "frames": 2,
    "stored_frames": 2,
    "dropout": 0,
    "small_epochs": 0,
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "warmup": 0,
    "train_clips": 20,  # the last of three batches holds four clips, two for each process
    "val_clips": 17,  # the last batch leaves one process without a clip
    "test_clips": 12,
    "batch_size": 8,
    "accumulate": 2,
    "epochs": 2,
    "threads": 1,
    "device": "cpu",
    "save_every": 1,
}


def _train(cache: Path, out: Path, *before: str, devices: int = 1) -> Path:
    fields = [f"--set={k}={v}" for k, v in (FIELDS | {"devices": devices}).items()]
    command = [*before, "-m", "actviz", "train", "puppets/backbone", "--out", str(out), *fields]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"ACTVIZ_CACHE": str(cache), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("epoch 1:") == 1  # one process speaks
    return out


def test_two_processes_equal_one_with_the_joint_batch(tmp_path):
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    one = _train(tmp_path, tmp_path / "one", sys.executable)
    two = _train(tmp_path, tmp_path / "two", sys.executable, *torchrun, devices=2)
    own = _train(tmp_path, tmp_path / "own", sys.executable, devices=2)

    weights = [torch.load(f / "last.ckpt", weights_only=True) for f in (one, two, own)]
    for name, value in weights[0]["state_dict"].items():
        torch.testing.assert_close(weights[1]["state_dict"][name], value, atol=1e-6, rtol=1e-5)
        assert torch.equal(weights[2]["state_dict"][name], weights[1]["state_dict"][name])
    momenta = [w["optimizer_states"][0]["state"] for w in weights]
    for at, state in momenta[0].items():  # the sum of the gradients so far
        expected = state["momentum_buffer"]
        apart = (momenta[1][at]["momentum_buffer"] - expected).norm() / expected.norm()
        # Of 1e-8 apart, a unit may be on either side of its ReLU: 1e-4 of the whole gradient then.
        # A clip counted twice or not at all weighs one in twenty.
        assert apart < 1e-3
    rows = [rows_of(f) for f in (one, two)]
    for first, second in zip(*rows, strict=True):
        numbers = [{k: float(v) for k, v in row.items()} for row in (first, second)]
        assert numbers[1] == pytest.approx(numbers[0], rel=1e-4, abs=1e-6)
