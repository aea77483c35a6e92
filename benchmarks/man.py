"""How long one fold of UT-Kinect takes to train, and how right it is on the sequence left out.

python benchmarks/man.py ROOT                      MAN as published, in the fast setting
python benchmarks/man.py ROOT --recipe utkinect/stcm --set precision=32-true
python benchmarks/man.py --cells                   the memory cells alone, which need no data

ROOT is UT-Kinect's folder. The fast setting is bf16-mixed: what costs time are the convolutions,
and a CPU that knows bfloat16 does them twice as fast. The fold trains on all other sequences for as
many epochs as the recipe says and keeps the last one. Times are of the whole training, checkpoints
included: by the clock, and of all cores together, which a busy machine changes less. Each number of
threads has a process of its own. The recipe itself takes one thread: more than one wait for one
another at every small step, on a busy machine for minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from actviz.learn.data.batches import cores_here
from actviz.learn.engine import train
from actviz.learn.evaluate import evaluate
from actviz.learn.recipes import get_recipe, parse_settings
from models.memory_cell import KerasGRU, TorchGRU, remember

_FOLD = {"val_share": 0.0, "choose": "last", "protocol": "leave-one-sequence-out/01"}
_FAST = {"precision": "bf16-mixed"}
_SIZES = ((50, 64, 16), (224, 128, 16))  # S, H, B as in MAN's two published forms


def time_fold(recipe: str, root: Path, threads: int, settings: dict[str, str]) -> dict[str, float]:
    """Seconds by the clock and of all cores, and top-1 on the sequence left out."""
    wanted = get_recipe(recipe, {**_FOLD, **_FAST, **settings, "threads": threads})
    with tempfile.TemporaryDirectory() as out:
        began, used = time.perf_counter(), time.process_time()
        best = train(wanted, out=out, data=root, progress=False, score=False)
        took = {"wall": time.perf_counter() - began, "cores": time.process_time() - used}
        done = evaluate(best, data=root, dataset="utkinect", device="cpu")
    return took | {"top1": done.scores()["top1"], "epochs": wanted.epochs}


def time_folds(options: argparse.Namespace) -> None:
    settings = json.dumps(parse_settings(options.fields))
    for threads in options.threads:
        words = [sys.executable, __file__, str(options.root), "--recipe", options.recipe]
        words += ["--threads", str(threads), "--once", settings]
        env = os.environ | {"OMP_NUM_THREADS": str(threads)}
        told = json.loads(subprocess.run(words, env=env, check=True, stdout=subprocess.PIPE).stdout)
        print(
            f"{options.recipe}, {threads} threads, {told['epochs']:.0f} epochs: "
            f"{told['wall']:.1f} s by the clock, {told['cores']:.1f} s of all cores, "
            f"top-1 of the sequence left out {told['top1']:.0%}",
            flush=True,
        )


def time_cells() -> None:
    """Three coordinates there and back: each by itself, and all in one scan."""
    for steps, dim, batch in _SIZES:
        x = torch.randn(3, batch, steps, dim, requires_grad=True)
        for kind in (KerasGRU, TorchGRU):
            cells = [kind(dim) for _ in "xyz"]
            for name, run in _ways(cells, x).items():
                took = _milliseconds(run)
                print(f"S = {steps:3}, H = {dim:3}, {kind.__name__}: {took:7.1f} ms  {name}")


def _ways(cells: Sequence[nn.Module], x: Tensor) -> dict[str, Callable[[], Tensor]]:
    def each(look: Callable[[nn.Module, Tensor], Tensor]) -> Callable[[], Tensor]:
        return lambda: torch.stack([look(c, e) for c, e in zip(cells, x, strict=True)])

    ways = {
        "all in one scan": lambda: remember(cells, x),
        "each by itself": each(lambda cell, e: cell(e)),
    }
    if isinstance(cells[0], TorchGRU):
        ways["each by torch's own"] = each(lambda cell, e: cell.get_submodule("gru")(e)[0])
    return ways


def _milliseconds(run: Callable[[], Tensor], times: int = 10) -> float:
    """Forward and backward, of all cores, after two rounds that are not counted."""
    for number in range(times + 2):
        if number == 2:
            began = time.process_time()
        run().sum().backward()
    return 1e3 * (time.process_time() - began) / times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", help="UT-Kinect's folder")
    parser.add_argument("--recipe", default="utkinect/man")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, cores_here()])
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="fields")
    parser.add_argument("--cells", action="store_true", help="time the memory cells alone")
    parser.add_argument("--once", metavar="JSON", help=argparse.SUPPRESS)  # a child's settings
    options = parser.parse_args()
    if options.cells:
        time_cells()
    elif options.root is None:
        parser.error("ROOT, UT-Kinect's folder, is missing; or ask for --cells")
    elif options.once is not None:
        settings = json.loads(options.once)
        print(json.dumps(time_fold(options.recipe, options.root, options.threads[0], settings)))
    else:
        time_folds(options)


if __name__ == "__main__":
    main()
