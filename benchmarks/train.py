"""Clips per second of each part of a training, so that one sees what binds.

    python benchmarks/train.py folder/tsn --data ROOT --set freeze_backbone=false [--batches 8]

Decoding and augmenting are timed in one process, as each of the training's workers does them;
forward and backward on the recipe's device with batches at hand; the whole as it runs in training,
workers and all, with the share of the time that the network waited for clips. The optimiser's step
counts to the backward pass. With a frozen frame CNN "decode" reads its stored features.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from actviz.cli.common import Bar
from actviz.learn.data.batches import cores_here
from actviz.learn.recipes import get_recipe, parse_settings
from actviz.learn.tasks import Task, make_task
from actviz.learn.tasks.base import device_of

Batch = dict[str, torch.Tensor]


@dataclass
class Timed:
    """A source whose reads are timed."""

    source: Any
    seconds: list[float] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def read(self, *given: Any) -> Any:
        begin = time.perf_counter()
        found = self.source.read(*given)
        self.seconds.append(time.perf_counter() - begin)
        return found


@dataclass
class Step:
    """One optimiser's step of the task on its device."""

    task: Task
    device: torch.device
    optimiser: torch.optim.Optimizer

    @classmethod
    def of(cls, task: Task) -> Step:
        recipe, device = task.recipe, device_of(task.recipe)
        layout = torch.channels_last if recipe.channels_last else torch.preserve_format
        task.network.to(device, memory_format=layout)
        if recipe.compile:
            task.network.compile()
        task.set_training()
        return cls(task, device, torch.optim.SGD(task.parameter_groups(), lr=1e-6, momentum=0.9))

    def moved(self, batch: Batch) -> Batch:
        there = {k: v.to(self.device, non_blocking=True) for k, v in batch.items()}
        return self.task.to_device_batch(there, self.device)

    def forward(self, batch: Batch) -> torch.Tensor:
        kinds = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
        kind = kinds.get(self.task.recipe.precision)
        with torch.autocast(self.device.type, dtype=kind) if kind else nullcontext():
            return self.task.step(self.moved(batch), train=True).loss

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        elif self.device.type == "mps":
            torch.mps.synchronize()


def time_making(task: Task, batches: int) -> tuple[list[Batch], float, float]:
    """Batches made by this process alone; seconds of reading clips, and of the rest."""
    timed = Timed(task.source("train"))
    task._sources["train"] = timed
    lap = task.batches("train", epoch=0)
    made = []
    begin = time.perf_counter()
    for number in range(min(batches, len(lap))):
        made.append(lap._make(number).batch)
    total = time.perf_counter() - begin
    task._sources["train"] = timed.source
    return made, sum(timed.seconds), total - sum(timed.seconds)


def time_network(step: Step, made: list[Batch]) -> tuple[float, float]:
    """Seconds forward and backward over ``made``, after one batch that is not counted."""
    step.backward(step.forward(made[0]))
    forward = backward = 0.0
    for batch in made:
        step.wait()
        begin = time.perf_counter()
        loss = step.forward(batch)
        step.wait()
        middle = time.perf_counter()
        step.backward(loss)
        step.wait()
        forward, backward = forward + middle - begin, backward + time.perf_counter() - middle
    return forward, backward


def time_whole(step: Step, batches: int) -> tuple[int, float, float]:
    """Clips, seconds in all and seconds waited for clips; the first batch is not counted."""
    feed = iter(endless(step.task))
    step.backward(step.forward(next(feed)))
    step.wait()
    clips, waited, begin = 0, 0.0, time.perf_counter()
    for _ in range(batches):
        asked = time.perf_counter()
        batch = next(feed)
        waited += time.perf_counter() - asked
        step.backward(step.forward(batch))
        step.wait()
        clips += len(batch["label"])
    return clips, time.perf_counter() - begin, waited


def endless(task: Task) -> Iterator[Batch]:
    """One epoch after the other."""
    epoch = 0
    while True:
        yield from task.batches("train", epoch=epoch)
        epoch += 1


def show(name: str, clips: int, seconds: float) -> None:
    print(f"{name:<9} {clips / max(seconds, 1e-9):9.1f} clips/s   {1e3 * seconds / clips:9.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, metavar="ROOT")
    parser.add_argument("--prepared", type=Path, metavar="DIR")
    parser.add_argument("--batches", type=int, default=8, help="batches to time")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="fields")
    options = parser.parse_args()
    recipe = get_recipe(options.recipe, parse_settings(options.fields))
    torch.set_num_threads(recipe.threads or torch.get_num_threads())
    with Bar() as bar:
        task = make_task(recipe, root=options.data, prepared=options.prepared, progress=bar)
        task.prepare()
    step, lap = Step.of(task), task.batches("train")
    print(
        f"{recipe.name} on {step.device.type}, {recipe.precision}; {cores_here()} cores, "
        f"{lap.workers} workers, {torch.get_num_threads()} threads; batches of {lap.size} clips"
    )
    made, decode, augment = time_making(task, options.batches)
    clips = sum(len(batch["label"]) for batch in made)
    show("decode", clips, decode)
    show("augment", clips, augment)
    forward, backward = time_network(step, made)
    show("forward", clips, forward)
    show("backward", clips, backward)
    clips, seconds, waited = time_whole(step, options.batches)
    show("whole", clips, seconds)
    print(f"the network waited for clips {waited / seconds:.0%} of the time")


if __name__ == "__main__":
    main()
