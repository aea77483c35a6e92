"""``actviz experiments``, ``reproduce``, ``puppets`` and ``explorer``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from actviz.cli.common import Bar, Commands, add_command, folder
from actviz.errors import ActvizError

__all__ = ["add_explorer", "add_puppets", "add_reproduce"]


def add_reproduce(commands: Commands) -> None:
    add_command(commands, "experiments", _experiments, "the experiments by name")
    parser = add_command(commands, "reproduce", _reproduce, "run an experiment, print its table")
    parser.add_argument("name", metavar="EXPERIMENT", help="see `actviz experiments`")
    parser.add_argument("--clips", type=int, default=600, help="test clips (default 600)")


def add_puppets(commands: Commands) -> None:
    text = "write the puppets' contact sheets, or the explorer's gallery"
    parser = add_command(commands, "puppets", _puppets, text)
    parser.add_argument("what", choices=("sheets", "gallery"))
    parser.add_argument("--out", required=True, type=folder, help="folder for the files")


def add_explorer(commands: Commands) -> None:
    parser = add_command(commands, "explorer", _explorer, "open the explorer in the browser")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument(
        "--address", default="localhost", help="0.0.0.0 serves other machines, which can open files"
    )
    parser.add_argument("--headless", action="store_true", help="serve without opening a browser")


def _experiments(options: argparse.Namespace) -> None:
    from actviz.experiments import EXPERIMENTS

    for name, experiment in EXPERIMENTS.items():
        print(f"{name:<20} {experiment.question}")


def _reproduce(options: argparse.Namespace) -> None:
    from actviz.experiments import get_experiment

    experiment = get_experiment(options.name)
    if options.clips < 1:
        raise ActvizError(f"--clips must be at least 1; got {options.clips}.")
    with Bar() as bar:
        rows = experiment.run(clips=options.clips, progress=bar)
    for row in rows:
        values = (f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
        print("   ".join(f"{k}: {v}" for k, v in zip(row, values, strict=True)))


def _puppets(options: argparse.Namespace) -> None:
    from actviz.datasets.puppets.gallery import write_gallery
    from actviz.datasets.puppets.sheets import write_contact_sheets

    write = write_gallery if options.what == "gallery" else write_contact_sheets
    write(options.out)
    print(f"{options.out} written.")


def _explorer(options: argparse.Namespace) -> int:
    from importlib.util import find_spec

    if find_spec("streamlit") is None:
        raise ActvizError('the explorer needs Streamlit: pip install -e ".[explorer]"')
    app = Path(__file__).resolve().parents[2] / "explorer" / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app)]
    command += ["--server.port", str(options.port), "--server.address", options.address]
    command += ["--server.headless", "true"] if options.headless else []
    os.chdir(app.parents[1])  # where .streamlit/config.toml (theme, upload limit) is found
    if os.name == "posix":
        os.execv(command[0], command)  # become Streamlit, so that a signal reaches it
    return subprocess.run(command, check=False).returncode
