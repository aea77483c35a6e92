"""The command line: ``actviz …``. Heavy packages are imported by the command that needs them."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Sequence

from actviz import __version__
from actviz.cli.common import Parser
from actviz.cli.data import add_data
from actviz.cli.doctor import add_doctor
from actviz.cli.evaluate import add_evaluate
from actviz.cli.live import add_live
from actviz.cli.look import add_probe, add_trace
from actviz.cli.show import add_explorer, add_puppets, add_reproduce
from actviz.cli.train import add_recipes, add_train
from actviz.errors import ActvizError

__all__ = ["main"]

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


def _parser() -> Parser:
    parser = Parser(
        prog="actviz",
        description="See what action-recognition models remember and attend to.",
        epilog="ACTVIZ_DEBUG=1 shows the traceback of an error.",
    )
    parser.add_argument("--version", action="version", version=f"actviz {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (add_probe, add_trace, add_train, add_evaluate, add_data, add_recipes):
        add(commands)
    for add in (add_doctor, add_reproduce, add_puppets, add_live, add_explorer):
        add(commands)
    return parser
