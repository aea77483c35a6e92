"""How fast the puppets are drawn, on one core: python benchmarks/puppets.py [clips] [size]

Prints frames a second of processor time, with one and with two figures: 16 frames of each clip
(the set-up of each scene included), whole clips, and frames of evidence alone (every figure in
the picture); and clips a second for skeletons alone. The design asks for 200 frames/s with one
figure and 120 with two, at 112 pixels.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
from time import process_time

import numpy as np

from actviz.datasets.puppets import ACTIONS, make_scene

TWO = ("shake hands", "push")


def rate(actions: list[str], clips: int, size: int, frames: int | None) -> float:
    """Frames a second over ``clips`` clips; ``frames`` None: whole clips."""
    drawn, start = 0, process_time()
    for number in range(clips):
        scene = make_scene(5000 + number, action=actions[number % len(actions)])
        count = frames or len(scene)
        at = np.linspace(0, len(scene) - 1, count).astype(int).tolist()
        drawn += len(scene.render(at, size))
    return drawn / (process_time() - start)


def busy(actions: list[str], clips: int, size: int) -> float:
    """Frames a second over frames of evidence alone: every figure in the picture."""
    drawn, spent = 0, 0.0
    for number in range(clips):
        scene = make_scene(6000 + number, action=actions[number % len(actions)])
        at = np.flatnonzero(scene.truth.evidence).tolist()
        start = process_time()
        drawn += len(scene.render(at, size))
        spent += process_time() - start
    return drawn / spent


def main() -> None:
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 112
    one, two = [a for a in ACTIONS if a not in TWO], list(TWO)
    make_scene(0).render(size=size)
    print(f"{size} x {size} pixels, one core, frames/s")
    print(f"{'':12s}{'16 of a clip':>14s}{'whole clips':>14s}{'evidence only':>15s}")
    for name, actions in (("one figure", one), ("two figures", two)):
        row = rate(actions, clips, size, 16), rate(actions, clips // 3, size, None)
        print(f"{name:12s}{row[0]:14.0f}{row[1]:14.0f}{busy(actions, clips // 3, size):15.0f}")
    start = process_time()
    for seed in range(200):
        make_scene(seed).skeleton()
    print(f"skeletons alone: {200 / (process_time() - start):.0f} clips/s")


if __name__ == "__main__":
    main()
