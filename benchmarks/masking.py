"""MAN's trace: milliseconds of its parts, and whether its maps mark what masking finds.

    python benchmarks/masking.py [--clips 120] [--runs 15] [--threads 1]

Times the bundled weights on one puppet clip: the image, the answer with its attribution, and the
answers without each limb, each moment, and each limb in each moment. Then, on test puppets:

- Attribution beside masking: the Spearman correlation, over limbs and over moments, of the
  attribution (mean over the joints of a limb; sum over a moment) and of the fall of the answer's
  log odds when they are masked; and how often both name the same limb and moment first. As a floor,
  the same of numbers drawn at random.
- Both beside the truth: how often the limb they name first is one of those that move most while the
  action is visible (mean speed of its joints about the person's hips), and how often the limb and
  moment they name first together move at least half as fast as the fastest do.
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


def by_limb_and_moment(
    cached: CachedMAN, trace: MANTrace, values: NDArray, frames: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Means of ``values`` (T, P, J) over ``frames`` (T,) where each person is seen: (P, L, M)."""
    moments, out = moments_of(trace.times_s)[1], []
    for person, seen in enumerate(trace.present.T):
        used = values[:, person] * (seen & frames)[:, None]
        out.append([[used[m][:, list(j)].mean() for m in moments] for j in cached.limbs.values()])
    return np.array(out)


def speeds(trace: MANTrace) -> NDArray[np.float64]:
    """Of each joint about the person's hips (T, P, J), m/s; none over a cut."""
    about = trace.joints - trace.joints[:, :, [12, 16]].mean(2, keepdims=True)
    steps = np.gradient(about.astype(np.float64), trace.times_s, axis=0)
    speed = np.linalg.norm(steps, axis=-1)
    return np.where(speed < 8, speed, 0)


def beside_truth(cached: CachedMAN, trace: MANTrace, evidence: NDArray[np.bool_]) -> dict:
    """Whether what is named first moves most, for each way to name it."""
    every = np.ones(len(trace.times_s), bool)
    truth = by_limb_and_moment(cached, trace, speeds(trace), evidence)
    moving = truth.mean((0, 2))  # (L,), both people's
    maps = {
        "attribution": by_limb_and_moment(cached, trace, trace.attribution, every),
        "masking": trace.limb_losses().clip(0),
    }
    hits = {"chance": (1 / len(moving), 2 / len(moving), (truth >= truth.max() / 2).mean())}
    for name, values in maps.items():
        limb, cell = values.sum((0, 2)).argmax(), np.unravel_index(values.argmax(), values.shape)
        ranked = np.argsort(-moving)
        hits[name] = (limb == ranked[0], limb in ranked[:2], truth[cell] >= truth.max() / 2)
    return hits


def agreement(clips: int) -> None:
    """Print how far the two agree with each other, and with the truth, on so many test puppets."""
    loaded, draw = load_checkpoint(bundled("man")), np.random.default_rng(0)
    scores: dict[str, list[tuple[float, float]]] = {}
    hits: dict[str, list[tuple[float, float, float]]] = {}
    for seed in scene_seeds("test", clips):
        scene = make_scene(seed)
        cached = man_image(loaded, scene.skeleton())
        trace = ask_man(cached)
        evidence = scene.truth.evidence[trace.frame_index]
        for name, three in beside_truth(cached, trace, evidence).items():
            hits.setdefault(name, []).append(three)
        for what, (marked, lost) in found(cached, trace).items():
            for name, values in ((what, marked), (f"{what}, at random", draw.random(len(lost)))):
                first = float(values.argmax() == lost.argmax())
                scores.setdefault(name, []).append((spearmanr(values, lost)[0], first))
    for name, pairs in scores.items():
        rho, first = np.nanmean(pairs, axis=0)
        print(f"{name:20s} rank correlation {rho:5.2f}, the same one first in {first:4.0%}")
    for name, threes in hits.items():
        limb, two, cell = np.mean(threes, axis=0)
        print(
            f"{name:12s} limb named first: moves most in {limb:4.0%}, most or second in {two:4.0%};"
            f" limb and moment named first: fast in {cell:4.0%}"
        )


def milliseconds(runs: int) -> None:
    """Print how long the parts of a trace take."""
    loaded = load_checkpoint(bundled("man"))
    skeleton = make_scene(scene_seeds("test", 1)[0]).skeleton()
    cached = man_image(loaded, skeleton)
    works: dict[str, Work] = {
        "image": lambda: man_image(loaded, skeleton),
        "answer and attribution": lambda: ask_man(cached, losses=False),
        "the same, and what is answered without each limb, moment and both": lambda: ask_man(
            cached
        ),
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
