"""MAN's trace: milliseconds of its parts, and whether its maps mark what masking finds.

    python benchmarks/masking.py [--clips 120] [--runs 15] [--threads 1]

Times the bundled weights on one puppet clip: the image, the answer with its attribution, and the
answers without each limb and moment. Then, on test puppets: the Spearman correlation, over limbs
and over moments, of the attribution (mean over the joints of a limb; sum over a moment) and of the
fall of the answer's log odds when they are masked; and how often both name the same limb and moment
first. As a floor, the same of numbers drawn at random.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from actviz.datasets.puppets import make_scene
from actviz.datasets.puppets.scene import scene_seeds
from actviz.experiments.timing import Work, in_turn, machine_words, spread, times
from actviz.learn.checkpoints import bundled, load_checkpoint
from actviz.trace.masking import CachedMAN, ask_man, moments_of
from actviz.trace.schema import MANTrace, log_odds
from actviz.trace.skeletons import man_image


def found(cached: CachedMAN, trace: MANTrace) -> dict[str, tuple[NDArray, NDArray]]:
    """What the maps mark, and what is lost by masking, over limbs (L,) and over moments (M,)."""
    k = trace.classes.index(trace.cam_class)
    lost = log_odds(trace.probabilities, k)
    there = trace.attribution[trace.present]  # (seen, J)
    marked = [there[:, list(joints)].mean() for joints in cached.limbs.values()]
    _, inside = moments_of(trace.times_s)
    when = [trace.attribution[frames].sum() for frames in inside]
    return {
        "limbs": (np.array(marked), lost - log_odds(trace.without_limb, k)),
        "moments": (np.array(when), lost - log_odds(trace.without_moment, k)),
    }


def agreement(clips: int) -> None:
    """Print how far the two agree on so many test puppets."""
    loaded, draw = load_checkpoint(bundled("man")), np.random.default_rng(0)
    scores: dict[str, list[tuple[float, float]]] = {}
    for seed in scene_seeds("test", clips):
        cached = man_image(loaded, make_scene(seed).skeleton())
        for what, (marked, lost) in found(cached, ask_man(cached)).items():
            for name, values in ((what, marked), (f"{what}, at random", draw.random(len(lost)))):
                first = float(values.argmax() == lost.argmax())
                scores.setdefault(name, []).append((spearmanr(values, lost)[0], first))
    for name, pairs in scores.items():
        rho, first = np.nanmean(pairs, axis=0)
        print(f"{name:20s} rank correlation {rho:5.2f}, the same one first in {first:4.0%}")


def milliseconds(runs: int) -> None:
    """Print how long the parts of a trace take."""
    loaded = load_checkpoint(bundled("man"))
    skeleton = make_scene(scene_seeds("test", 1)[0]).skeleton()
    cached = man_image(loaded, skeleton)
    works: dict[str, Work] = {
        "image": lambda: man_image(loaded, skeleton),
        "answer and attribution": lambda: ask_man(cached, losses=False),
        "the same, without each limb and moment too": lambda: ask_man(cached),
    }
    for name, figure in in_turn(works, rounds=runs, device=torch.device("cpu")).items():
        print(f"{name}: {spread(times(figure, 1000))} ms, {runs} runs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(machine_words(torch.device("cpu")))
    milliseconds(options.runs)
    print(f"Attribution beside masking, {options.clips} puppets of the test split")
    agreement(options.clips)


if __name__ == "__main__":
    main()
