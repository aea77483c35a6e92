"""The command line: ``actviz …``. Heavy packages are imported by the command that needs them."""

from __future__ import annotations

import argparse
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from actviz import __version__
from actviz.errors import ActvizError

__all__ = ["main"]

MODELS = ("mam", "tmnet", "man")
_stopped = threading.Event()  # the user or the system asked this program to end


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 2 with one sentence on stderr for bad input."""
    if arguments is None:
        _as_a_program()
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except KeyboardInterrupt:
        print("actviz: interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `actviz recipes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the outermost edge: a user gets a sentence, never a traceback
        if _stopped.is_set():  # a library being imported may turn the interrupt into its own error
            print("actviz: interrupted.", file=sys.stderr)
            return 130
        if os.environ.get("ACTVIZ_DEBUG"):
            raise
        told = " ".join(str(error).split())
        if not isinstance(error, (ActvizError, ValueError, OSError)):
            told = f"{type(error).__name__}: {told[:200]} (ACTVIZ_DEBUG=1 shows where)"
        print(f"actviz: {told}", file=sys.stderr)
        return 2


def _as_a_program() -> None:
    """A stopped program tidies up, and words that the terminal cannot show are spelt out."""

    def stop(number: int, frame: object) -> None:
        _stopped.set()
        raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"actviz: {message}; see `{self.prog} --help`.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="actviz",
        description="See what action-recognition models remember and attend to.",
        epilog="ACTVIZ_DEBUG=1 shows the traceback of an error.",
    )
    parser.add_argument("--version", action="version", version=f"actviz {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (_add_probe, _add_trace, _add_train, _add_evaluate, _add_recipes):
        add(commands)
    for add in (_add_reproduce, _add_puppets, _add_explorer):
        add(commands)
    return parser


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected the name of a folder, got nothing")
    return Path(text)


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(run=run)
    return parser


def _add_probe(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = _command(commands, "probe", _probe, "what is in a file; what the model will see")
    parser.add_argument("path", metavar="VIDEO|SKELETON", type=Path)


def _add_trace(commands: argparse._SubParsersAction[_Parser]) -> None:
    text = "what a model remembers or attends to in a clip: curves, maps, figure, overlay video"
    parser = _command(commands, "trace", _trace, text)
    parser.add_argument("path", metavar="VIDEO|SKELETON", type=Path)
    parser.add_argument("--model", required=True, choices=MODELS)
    parser.add_argument("--out", required=True, type=_folder, help="folder for the results")
    parser.add_argument("--weights", type=Path, help="a checkpoint (default: the bundled one)")
    parser.add_argument("--start", type=float, metavar="S", help="begin at this second")
    parser.add_argument("--end", type=float, metavar="S", help="end at this second")
    parser.add_argument("--segment", metavar="NAME", help="labelled part of a UT-Kinect recording")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--frames", type=int, metavar="N", help="frames MAM and TMNet look at")
    parser.add_argument("--threshold", type=float, help="MAM: write above this probability")
    parser.add_argument("--class", dest="cam_class", help="TMNet: class whose evidence is mapped")
    parser.add_argument("--pose-model", type=Path, help="MediaPipe pose_landmarker .task file")
    parser.add_argument(
        "--download-pose-model", action="store_true", help="fetch the pose model into the cache"
    )
    parser.add_argument("--no-overlay", action="store_true", help="do not write overlay.mp4")


def _add_train(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = _command(commands, "train", _train, "train a model by a named recipe")
    parser.add_argument("recipe", help="see `actviz recipes`")
    parser.add_argument("--data", type=Path, metavar="ROOT", help="data set (puppets need none)")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/RECIPE)")
    parser.add_argument("--resume", action="store_true", help="go on from last.ckpt")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="fields")


def _add_evaluate(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = _command(commands, "evaluate", _evaluate, "score a checkpoint on a test split")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", default="puppets", metavar="ROOT", help="default: puppets")
    parser.add_argument("--clips", type=int, default=240, help="test clips to score (default 240)")


def _add_recipes(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = _command(commands, "recipes", _recipes, "the recipes by name, or one in full")
    parser.add_argument("name", nargs="?")


def _add_reproduce(commands: argparse._SubParsersAction[_Parser]) -> None:
    _command(commands, "experiments", _experiments, "the experiments by name")
    parser = _command(commands, "reproduce", _reproduce, "run an experiment, print its table")
    parser.add_argument("name", metavar="EXPERIMENT", help="see `actviz experiments`")
    parser.add_argument("--clips", type=int, default=600, help="test clips (default 600)")


def _add_puppets(commands: argparse._SubParsersAction[_Parser]) -> None:
    text = "write the puppets' contact sheets, or the explorer's gallery"
    parser = _command(commands, "puppets", _puppets, text)
    parser.add_argument("what", choices=("sheets", "gallery"))
    parser.add_argument("--out", required=True, type=_folder, help="folder for the files")


def _add_explorer(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = _command(commands, "explorer", _explorer, "open the explorer in the browser")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument(
        "--address", default="localhost", help="0.0.0.0 serves other machines, which can open files"
    )
    parser.add_argument("--headless", action="store_true", help="serve without opening a browser")


def _probe(options: argparse.Namespace) -> None:
    from actviz.describe import describe_file

    for name, value in describe_file(options.path):
        print(f"{name:<12} {value}")


def _trace(options: argparse.Namespace) -> None:
    from actviz.report import FILES, in_words, results_folder, write_files
    from actviz.trace.run import Span, trace_file

    if options.path.resolve() in {(options.out / name).resolve() for name in FILES}:
        raise ActvizError(f"{options.path}: would be overwritten; choose another --out.")
    if options.download_pose_model:
        from actviz.clip.pose import find_pose_model

        options.pose_model = find_pose_model(options.pose_model, download=True)
    with results_folder(options.out) as fresh, _Bar() as bar:
        traced = trace_file(
            options.path,
            model=options.model,
            weights=options.weights,
            span=Span(options.start, options.end, options.segment),
            device=options.device,
            frames=options.frames,
            threshold=options.threshold,
            cam_class=options.cam_class,
            pose_model=options.pose_model,
            progress=bar,
        )
        write_files(traced, fresh, overlay=not options.no_overlay, progress=bar)
    print("\n".join(in_words(traced, options.out)))


def _train(options: argparse.Namespace) -> None:
    from actviz.learn.engine import train
    from actviz.learn.recipes import get_recipe, parse_settings

    recipe = get_recipe(options.recipe, parse_settings(options.fields))
    if options.data is not None:
        raise ActvizError(
            f"recipe {options.recipe} makes its own data; leave --data {options.data} out."
        )
    out = options.out or Path("runs", options.recipe)
    print(f"{train(recipe, out=out, resume=options.resume)} written.")


def _evaluate(options: argparse.Namespace) -> None:
    from actviz.learn.checkpoints import load_checkpoint
    from actviz.learn.evaluate import evaluate

    if str(options.data) != "puppets":
        raise ActvizError(f"--data must be puppets; got {options.data!r}, which is not known yet.")
    metrics = evaluate(load_checkpoint(options.checkpoint), clips=options.clips)
    for name, value in metrics.items():
        print(f"{name:<32} {value:.4f}" if isinstance(value, float) else f"{name:<32} {value}")


def _recipes(options: argparse.Namespace) -> None:
    from actviz.learn.recipes import RECIPES, get_recipe

    if options.name:
        for field, value in get_recipe(options.name).to_dict().items():
            print(f"{field:<16} {value}")
        return
    for name, recipe in RECIPES.items():
        print(f"{name:<18} {recipe.summary}")


def _experiments(options: argparse.Namespace) -> None:
    from actviz.experiments import EXPERIMENTS

    for name, experiment in EXPERIMENTS.items():
        print(f"{name:<20} {experiment.question}")


def _reproduce(options: argparse.Namespace) -> None:
    from actviz.experiments import get_experiment

    experiment = get_experiment(options.name)
    if options.clips < 1:
        raise ActvizError(f"--clips must be at least 1; got {options.clips}.")
    with _Bar() as bar:
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
    app = Path(__file__).resolve().parents[1] / "explorer" / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app)]
    command += ["--server.port", str(options.port), "--server.address", options.address]
    command += ["--server.headless", "true"] if options.headless else []
    os.chdir(app.parents[1])  # where .streamlit/config.toml (theme, upload limit) is found
    if os.name == "posix":
        os.execv(command[0], command)  # become Streamlit, so that a signal reaches it
    return subprocess.run(command, check=False).returncode


class _Bar:
    """One progress bar for each stage of long work, on stderr, silent where it is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._stage = ""

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self.__exit__()
            self._stage = stage
            self._bar = tqdm(total=total, desc=stage, unit="", disable=None if sys.stderr else True)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)


if __name__ == "__main__":
    sys.exit(main())
