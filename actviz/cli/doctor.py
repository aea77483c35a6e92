"""``actviz doctor``: what is in a weights file, and how to use it here."""

from __future__ import annotations

import argparse
from pathlib import Path

from actviz.cli.common import Commands, add_command
from actviz.errors import ActvizError

__all__ = ["add_doctor"]


def add_doctor(commands: Commands) -> None:
    text = "what is in a weights file, whoever wrote it; converts TSN and MMAction2 files"
    parser = add_command(commands, "doctor", _doctor, text)
    parser.add_argument("path", metavar="FILE", type=Path, help=".safetensors, .pth, .pt or .ckpt")
    parser.add_argument(
        "--classes", type=Path, metavar="NAMES", help="text file, a name a line in logit order"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the converted weights, a .safetensors file"
    )
    parser.add_argument(
        "--trained-on", default="unknown data", help="for the card: what data it was trained on"
    )


def _doctor(options: argparse.Namespace) -> None:
    from actviz.learn.conversion import convert, read_class_names
    from actviz.learn.doctor import examine
    from actviz.learn.weights_files import read_weights

    if (options.classes is None) != (options.out is None):
        raise ActvizError("converting needs both --classes NAMES and --out FILE; got one of them.")
    names = None if options.classes is None else read_class_names(options.classes)
    file = read_weights(options.path)
    found = examine(file)
    rows = found.rows()
    if names is not None:
        trained_on = options.trained_on
        out = convert(file, found=found, classes=names, out=options.out, trained_on=trained_on)
        rows[-1] = ("written", f"{out} with its card; --set start_from={out} trains on from it")
    for name, value in rows:
        print(f"{name:<12} {value}")
