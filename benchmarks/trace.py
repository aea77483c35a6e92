"""Seconds and memory of ``actviz trace`` on one clip, start-up included, for each model.

    python benchmarks/trace.py --glances [--runs 3]
    python benchmarks/trace.py VIDEO [--runs 3] [--pose-model FILE] [--models mam tmnet man]
                               [--with WEIGHTS] [--flow dis|tvl1] [--minutes 10] [--no-overlay]

Each run is a fresh process writing into a fresh folder; the first, which warms the disk cache, is
not counted. Prints the median and the range of the wall time and the peak resident memory.
``--with`` adds MAM's second stream, on optical flow computed on the way ("bundled": the project's
own); ``--minutes`` repeats the video until it is that long, to see that memory does not grow.
``--glances`` needs no video: puppets of a minute at 1080p (H.264, 8 Mbit/s, key frames every 250
and every 48 frames) are traced with TMNet on ResNet-18 (random weights, 224 pixels, 101 classes) at
two glances a second, with the overlay and without. Goal: under 20 s on two cores, under 1.5 GB.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from actviz.clip.reader import iter_frames, probe
from actviz.clip.writer import VideoWriter
from actviz.experiments.tmnet.films import FULL_HD, write_film
from actviz.learn.checkpoints import Card, save_checkpoint
from models import build

GOAL_S, GOAL_MIB = 20.0, 1536.0
GLANCES = 120  # two a second


def run_once(video: Path, model: str, more: Sequence[str]) -> tuple[float, float]:
    """Wall seconds and peak MiB of one trace; raises where the command fails."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "actviz", "trace", str(video), "--model", model]
        command += ["--device", "cpu", "--out", out, *more]
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    if status:
        raise SystemExit(f"actviz trace --model {model} failed:\n{said}")
    return seconds, usage.ru_maxrss / 1024  # KiB on Linux


def repeated(video: Path, minutes: float, out: Path) -> Path:
    """The video again and again, until it is so long."""
    info, done = probe(video), 0
    wanted = round(minutes * 60 * info.fps)
    with VideoWriter(out, width=info.width, height=info.height, fps=info.fps) as writer:
        while done < wanted:
            for _, _, frame in islice(iter_frames(video), wanted - done):
                writer.write(frame, done / info.fps)
                done += 1
    return out


def more_words(options: argparse.Namespace, model: str) -> list[str]:
    """Options of the command that this model has a use for."""
    words = ["--no-overlay"] if options.no_overlay else []
    if model == "man" and options.pose_model:
        words += ["--pose-model", str(options.pose_model)]
    if model == "mam" and options.second:
        words += ["--with", options.second, *(["--flow", options.flow] if options.flow else [])]
    return words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--glances", action="store_true", help="TMNet on a minute of 1080p")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=["mam", "tmnet"])
    parser.add_argument("--pose-model", type=Path, help="needed for --models man on a video")
    parser.add_argument("--with", dest="second", help="weights of MAM's stream on flow")
    parser.add_argument("--flow", choices=("dis", "tvl1"), default="")
    parser.add_argument("--minutes", type=float, help="repeat the video until it is so long")
    parser.add_argument("--no-overlay", action="store_true")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if (options.video is None) != options.glances:
        parser.error("name a VIDEO, or ask for --glances, which makes its own")
    with tempfile.TemporaryDirectory() as folder:
        if options.glances:
            glances(Path(folder), options.runs)
            return
        video = options.video
        if options.minutes:
            video = repeated(video, options.minutes, Path(folder, "long.mp4"))
        measure(video, options)


def glances(folder: Path, runs: int) -> None:
    """TMNet on ResNet-18 at two glances a second of a minute of 1080p."""
    weights = folder / "resnet18.safetensors"
    own = {"num_classes": 101, "backbone": "resnet18"}
    classes = tuple(f"class {k}" for k in range(101))
    card = Card("tmnet", own, classes, trained_on="nothing", frames=16, input_size=224)
    save_checkpoint(weights, build("tmnet", **own), card)
    for key_every in (250, 48):
        kind = replace(FULL_HD, key_every=key_every)
        video = write_film(folder / f"every{key_every}{kind.ending}", kind)
        rate = video.stat().st_size * 8 / kind.seconds / 1e6
        for words in ([], ["--no-overlay"]):
            more = ["--weights", str(weights), "--frames", str(GLANCES), *words]
            name = f"key frame every {key_every}, {rate:.1f} Mbit/s {' '.join(words):12}"
            seconds, memory = tell(name, [run_once(video, "tmnet", more) for _ in range(runs + 1)])
            met = seconds < GOAL_S and memory < GOAL_MIB
            print(f"  goal under {GOAL_S:g} s and {GOAL_MIB:g} MiB: {'met' if met else 'missed'}")


def tell(name: str, runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Print a line of runs, the first left out; the median of seconds and the largest of MiB."""
    seconds, memory = zip(*runs[1:], strict=True)
    print(
        f"{name:<6} {statistics.median(seconds):6.2f} s ({min(seconds):.2f} to "
        f"{max(seconds):.2f})   peak {max(memory):7.0f} MiB"
    )
    return statistics.median(seconds), max(memory)


def measure(video: Path, options: argparse.Namespace) -> None:
    """A line for each model."""
    for model in options.models:
        more = more_words(options, model)
        tell(model, [run_once(video, model, more) for _ in range(options.runs + 1)])


if __name__ == "__main__":
    main()
