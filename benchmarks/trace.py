"""Seconds and memory of ``actviz trace`` on one clip, start-up included, for each model.

    python benchmarks/trace.py VIDEO [--runs 3] [--pose-model FILE] [--models mam tmnet man]

Each run is a fresh process writing into a fresh folder; the first, which warms the disk cache, is
not counted. Prints the median and the range of the wall time and the peak resident memory.
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
from pathlib import Path


def run_once(video: Path, model: str, pose_model: Path | None) -> tuple[float, float]:
    """Wall seconds and peak MiB of one trace; raises where the command fails."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "actviz", "trace", str(video), "--model", model]
        command += ["--device", "cpu", "--out", out]
        command += ["--pose-model", str(pose_model)] if pose_model else []
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
    if status:
        raise SystemExit(f"actviz trace --model {model} failed:\n{said}")
    return seconds, usage.ru_maxrss / 1024  # KiB on Linux


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=["mam", "tmnet"])
    parser.add_argument("--pose-model", type=Path, help="needed for --models man on a video")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for model in options.models:
        pose = options.pose_model if model == "man" else None
        runs = [run_once(options.video, model, pose) for _ in range(options.runs + 1)][1:]
        seconds, memory = zip(*runs, strict=True)
        print(
            f"{model:<6} {statistics.median(seconds):6.2f} s ({min(seconds):.2f} to "
            f"{max(seconds):.2f})   peak {max(memory):7.0f} MiB"
        )


if __name__ == "__main__":
    main()
