"""What MAM's memory costs beside the frame CNN it sits on, and how fast a what-if is answered.

    python benchmarks/memory.py [--threads 2] [--device cpu] [--repeats 10] [--frames 5] [--busy 2]

Three measurements, each after one round that is not counted; median, minimum and maximum follow:
- MAM's whole head (LSTM, controller, memory, classifier) at its default sizes on a batch of 64
  clips of T = 25 features of d = 2048: milliseconds of one clip, and their share of a forward pass
  of ResNet-101 over the clip's 25 frames at 224 pixels. The CNN is timed on a few frames, in turn
  with the head, and its time scaled to 25. Weights are random: the cost does not hang on them.
- The same head as a plain Python loop over a list, frame by frame (the tests' oracle), on one clip.
- ``what_if`` on the bundled weights and a bundled clip, features at hand, its trace included: a
  threshold, forced decisions, dropped, shuffled and reversed frames in turn; then again beside
  processes that keep the cores busy, as many as ``--busy`` says (0: not).
On a machine that does other work too, more threads than free cores wait for each other in the first
two; a what-if stays on the thread that asks.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from actviz.clip.types import Clip
from actviz.datasets.puppets.gallery import gallery
from actviz.experiments.statistics import Measured
from actviz.experiments.timing import Work, in_turn, machine_words, ratio, seconds_of, spread, times
from actviz.trace.run import frames_seen, load_weights, sample_clip
from actviz.trace.whatif import dropped, mam_features, reversed_order, shuffled, what_if
from models.backbones import build_backbone
from models.mam import MAM

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "models"))
from mam_by_list import by_list

BATCH, FRAMES, DIM, SIDE = 64, 25, 2048, 224
GOAL_SHARE, GOAL_MS = 0.05, 50.0


@torch.inference_mode()
def head_beside_cnn(device: torch.device, repeats: int, frames: int) -> None:
    """Print the head's cost a clip, the CNN's, and the share."""
    head = MAM(101, backbone=None, feature_dim=DIM).eval().to(device)
    cnn = build_backbone("resnet101").eval().to(device)
    features = torch.randn(BATCH, FRAMES, DIM, device=device)
    pictures = torch.rand(frames, 3, SIDE, SIDE, device=device)
    works: dict[str, Work] = {
        "head": lambda: head.rollout(features),
        "cnn": lambda: cnn(pictures),
    }
    seconds = in_turn(works, rounds=repeats, device=device)
    a_clip = times(seconds["head"], 1000 / BATCH)
    all_frames = times(seconds["cnn"], 1000 / frames * FRAMES)
    shares = times(ratio(a_clip, all_frames), 100)
    loop = {"list": lambda: by_list(head, features[0])}
    listed = times(in_turn(loop, rounds=repeats, device=device)["list"], 1000)
    print(f"MAM's head, a clip of {FRAMES} (batch {BATCH})    {spread(a_clip, 2)} ms")
    print(f"ResNet-101, {FRAMES} frames (from {frames})        {spread(all_frames, 2)} ms")
    met = statistics.median(shares.values) < 100 * GOAL_SHARE
    goal = f"goal under {100 * GOAL_SHARE:g} %: {'met' if met else 'missed'}"
    print(f"head as a share of ResNet-101         {spread(shares, 2)} %   {goal}")
    print(f"list loop, a clip of {FRAMES} (batch 1)      {spread(listed, 2)} ms")


@contextmanager
def busy_cores(processes: int) -> Iterator[None]:
    """So many processes that never rest, while the block runs."""
    command = [sys.executable, "-c", "while True: pass"]
    running = [subprocess.Popen(command) for _ in range(processes)]
    try:
        time.sleep(0.5)  # until they have started
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def what_ifs(device: torch.device, repeats: int, busy: int) -> None:
    """Print the latency of an answer on the bundled weights."""
    loaded = load_weights("mam", device=str(device))
    clip: Clip = sample_clip(gallery()[0].video, frames_seen(loaded.card))[0]
    cached = mam_features(loaded, clip)
    count = len(cached)
    force = np.where(np.arange(count) < 3, 1.0, np.nan)
    questions: list[dict[str, Any]] = [
        {"threshold": 0.3},
        {"force": force},
        {"order": dropped(count, [3, 4, 5])},
        {"order": shuffled(count, 0)},
        {"order": reversed_order(count)},
    ]
    works: dict[str, Work] = {
        str(number): lambda asked=asked: what_if(cached, **asked)
        for number, asked in enumerate(questions)
    }
    first = 1000 * seconds_of(works["0"], device)
    for others in dict.fromkeys((0, busy)):
        with busy_cores(others):
            seconds = in_turn(works, rounds=10 * repeats, device=device)
        every = Measured(tuple(1000 * s for one in seconds.values() for s in one.values))
        goal = f"goal under {GOAL_MS:g} ms: {'met' if max(every.values) < GOAL_MS else 'missed'}"
        beside = f"  beside {others} busy processes" if others else f"what-if on {loaded.name},"
        print(f"{beside:<32} {spread(every, 2)} ms   {goal}")
    print(f"  of {count} frames; the very first   {first:8.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--frames", type=int, default=5, help="frames ResNet-101 is timed on")
    parser.add_argument("--busy", type=int, default=2, help="processes beside the what-ifs")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    print(machine_words(device))
    head_beside_cnn(device, options.repeats, options.frames)
    what_ifs(device, options.repeats, options.busy)


if __name__ == "__main__":
    main()
