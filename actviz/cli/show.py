"""``actviz experiments``, ``reproduce``, ``puppets`` and ``explorer``."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from actviz.cli.common import Bar, Commands, add_command, folder
from actviz.errors import ActvizError

if TYPE_CHECKING:
    from actviz.experiments.base import Ask

__all__ = ["add_explorer", "add_puppets", "add_reproduce"]


def add_reproduce(commands: Commands) -> None:
    add_command(commands, "experiments", _experiments, "the experiments by name")
    text = "run an experiment, print its table beside the published one"
    parser = add_command(commands, "reproduce", _reproduce, text)
    parser.add_argument("name", metavar="EXPERIMENT", help="see `actviz experiments`")
    parser.add_argument(
        "--scale",
        default="puppets",
        help="puppets (made here, minutes; the default) or paper (real data, --data)",
    )
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="trainings of each kind (default: the experiment's)"
    )
    parser.add_argument(
        "--clips",
        type=int,
        metavar="N",
        help="at most so many clips of each part of the data: a quick trial",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="ROOT",
        help="real data: the folder of UCF101 or HMDB51, or one that holds both; of UT-Kinect, "
        "NTU RGB+D, SYSU-3D or HDM05",
    )
    parser.add_argument(
        "--out",
        type=folder,
        help="folder for the table (JSON with provenance, Markdown) and figures; else only printed",
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="trainings at once (default: one for each core)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="train anew what the cache holds already"
    )
    parser.add_argument(
        "--wide",
        action="store_true",
        help="man/…: with ResNet-50 and DenseNet-161 at 224 rows, after ImageNet; wants a GPU",
    )
    parser.epilog = (
        "Every single training is kept in the cache: a run that was stopped goes on where it was, "
        "and tables share their trainings."
    )


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
    with Bar() as bar:
        ask = _asked(options, bar)
        if options.out is not None:
            from actviz.learn.evaluation_files import check_writable

            check_writable(options.out)
        result = experiment(ask)

    from actviz.experiments.report import in_words, provenance, save_result

    print("\n\n".join(in_words(table) for table in result.tables))
    if options.out is not None:
        scale = "paper" if experiment.real else options.scale
        facts = provenance(_command_of(options), scale)
        for path in save_result(result, experiment, options.out, facts):
            print(f"{path} written.")


def _asked(options: argparse.Namespace, bar: Bar) -> Ask:
    """What the options ask for; a number that is given must be a number of something."""
    from actviz.experiments.base import Ask, usual_jobs

    for name in ("seeds", "clips", "jobs"):
        given = getattr(options, name)
        if given is not None and given < 1:
            raise ActvizError(f"--{name} must be at least 1; got {given}.")
    return Ask(
        scale=options.scale,
        seeds=options.seeds or 0,
        clips=options.clips or 0,
        data=options.data,
        jobs=options.jobs or usual_jobs(),
        fresh=options.fresh,
        wide=options.wide,
        progress=bar,
    )


def _command_of(options: argparse.Namespace) -> str:
    """The command that makes the table again."""
    named = {"scale": options.scale if options.scale != "puppets" else None}
    named |= {k: getattr(options, k) for k in ("seeds", "clips", "data", "out")}
    named["data"] = None if options.data is None else "ROOT"  # where it lies is nobody's business
    said = "".join(f" --{k} {shlex.quote(str(v))}" for k, v in named.items() if v is not None)
    said += " --wide" if options.wide else ""
    return f"actviz reproduce {options.name}{said}"


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
