"""Writes puppets.npz beside this file: joints and pictures that later versions must still give.

Run by hand, and only when the puppets are meant to change (then trained weights change too).
"""

from pathlib import Path

import numpy as np

from actviz.datasets.puppets import SPLITS, make_scene

FRAMES = np.array([15, 30])
SEEDS = np.concatenate([np.arange(12), [SPLITS["val"].start + 10, SPLITS["test"].start + 6]])
LARGE = np.array([10, 6])


def main() -> None:
    joints = [make_scene(int(s), root="camera").skeleton().joints[FRAMES] for s in SEEDS]
    first = [int(FRAMES[0])]
    np.savez_compressed(
        Path(__file__).with_name("puppets.npz"),
        frames=FRAMES,
        seeds=SEEDS,
        joints=np.stack(joints),
        seeds_64=SEEDS,
        pictures_64=np.stack([make_scene(int(s)).render(first, 64)[0] for s in SEEDS]),
        seeds_112=LARGE,
        pictures_112=np.stack([make_scene(int(s)).render(first, 112)[0] for s in LARGE]),
    )


if __name__ == "__main__":
    main()
