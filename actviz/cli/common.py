"""What the commands share: a parser whose complaint is one sentence, and a progress bar."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

__all__ = ["Bar", "Commands", "Parser", "add_command", "folder"]


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"actviz: {message}; see `{self.prog} --help`.\n")


Commands = argparse._SubParsersAction  # what commands are added to


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    text: str,
) -> argparse.ArgumentParser:
    """A command of its own, run by ``run``."""
    parser: Parser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}."
    )
    parser.set_defaults(run=run)
    return parser


def folder(text: str) -> Path:
    """The name of a folder, as an argument."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected the name of a folder, got nothing")
    return Path(text)


class Bar:
    """One progress bar for each stage of long work, on stderr, silent where it is no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._stage = ""

    def __enter__(self) -> Bar:
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
