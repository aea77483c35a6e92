"""How much faster one glance is: TMNet beside TSN and TSM on eight frames, at full size.

    python benchmarks/glance.py [--backbones resnet18 resnet50] [--rounds 5] [--threads 2]
                                [--device auto] [--films] [--frames 1 2 4 8]

The quick form of ``actviz reproduce tmnet/figure3``: videos a second of the networks alone, in
turns, with as many videos at a time as make eight pictures; milliseconds of one video; FLOPs by
torch's counter. With ``--films`` also from a video file to the answer (an H.264 clip and one of
MPEG-4 with a single key frame, as UCF101's). Median, minimum and maximum over rounds; random
weights, 224 pixels. On a machine that does other work too, the figures are of little worth.
"""

from __future__ import annotations

import argparse

import torch

from actviz.experiments.report import in_words
from actviz.experiments.statistics import Measured
from actviz.experiments.timing import machine_words, spread
from actviz.experiments.tmnet.contenders import Ready, contenders, ready
from actviz.experiments.tmnet.speed import ALONE, COST, SPEED, network_figures
from actviz.experiments.tmnet.speed_claims import GOAL_NETWORK
from actviz.experiments.tmnet.speed_files import files_table
from actviz.trace.provenance import pick_device

GOALS = ("times TSN's", "times TSM's")


def show_networks(those: list[Ready], rounds: int) -> None:
    """A line for each network, and whether one glance meets the goal."""
    found = network_figures(those, rounds=rounds)
    width = max(len(one.contender.name) for one in those)
    print(f"{'':{width}}  {'videos/s':>24}  {'one video, ms':>24}  GFLOPs  layout")
    for one in those:
        name = one.contender.name
        cells = [f"{spread(found[name, column]):>24}" for column in (SPEED, ALONE)]
        print(f"{name:{width}}  {'  '.join(cells)}  {found[name, COST].mean:6.1f}  {one.layout}")
    glance = those[-1].contender.name
    for goal in GOALS:
        for how in ("", ", alone"):
            show_goal(f"one glance is {goal} speed{how}", found[glance, f"{goal}{how}"])


def show_goal(words: str, factor: Measured) -> None:
    met = "met" if sorted(factor.values)[len(factor.values) // 2] >= GOAL_NETWORK else "missed"
    print(f"  {words}: {spread(factor)} times   goal {GOAL_NETWORK:g}: {met}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="+", default=["resnet18", "resnet50"])
    parser.add_argument("--frames", nargs="+", type=int, default=[8, 2, 1], help="TMNet's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--films", action="store_true", help="from a file to the answer, too")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = pick_device(options.device)
    words = machine_words(device)
    print(words)
    few = tuple(sorted(options.frames, reverse=True))
    every = []
    for backbone in options.backbones:
        those = [ready(one, device) for one in contenders(backbone, few=few)]
        show_networks(those, options.rounds)
        every += those
    if options.films:
        print(in_words(files_table(every, rounds=options.rounds, words=words)))


if __name__ == "__main__":
    main()
