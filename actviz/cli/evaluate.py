"""``actviz evaluate``."""

from __future__ import annotations

import argparse
from pathlib import Path

from actviz.cli.common import Commands, add_command
from actviz.errors import ActvizError

__all__ = ["add_evaluate"]


def add_evaluate(commands: Commands) -> None:
    parser = add_command(commands, "evaluate", _evaluate, "score a checkpoint on a test split")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", default="puppets", metavar="ROOT", help="default: puppets")
    parser.add_argument("--clips", type=int, default=240, help="test clips to score (default 240)")


def _evaluate(options: argparse.Namespace) -> None:
    from actviz.learn.checkpoints import load_checkpoint
    from actviz.learn.evaluate import evaluate

    if str(options.data) != "puppets":
        raise ActvizError(f"--data must be puppets; got {options.data!r}, which is not known yet.")
    metrics = evaluate(load_checkpoint(options.checkpoint), clips=options.clips)
    for name, value in metrics.items():
        print(f"{name:<32} {value:.4f}" if isinstance(value, float) else f"{name:<32} {value}")
