"""``actviz live``: TMNet's one glance on a camera, or on a file that is played as a stream."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from actviz.cli.common import Commands, add_command

if TYPE_CHECKING:
    from actviz.live.loop import Seen

__all__ = ["add_live"]

_LINES_S = 0.1  # between two status lines


def add_live(commands: Commands) -> None:
    text = "TMNet's one glance on a camera, or on a file played as a stream, with measured speed"
    parser = add_command(commands, "live", _live, text)
    parser.add_argument(
        "source",
        metavar="CAMERA|FILE",
        nargs="?",
        default="0",
        help="number of a camera (default: 0), or a video file, played at its own pace",
    )
    parser.add_argument("--weights", type=Path, help="TMNet's (default: the bundled ones)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--class", dest="cam_class", help="class whose evidence is mapped")
    parser.add_argument("--seconds", type=float, metavar="S", help="end after so many")
    parser.add_argument("--port", type=int, default=8600, help="of the page on this machine")
    parser.add_argument("--no-page", action="store_true", help="the terminal's status line alone")
    parser.add_argument("--no-browser", action="store_true", help="serve the page, do not open it")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.mp4", help="record the pictures with both maps"
    )
    parser.epilog = "Ctrl-C ends it; what was recorded until then is kept."


def _live(options: argparse.Namespace) -> None:
    from actviz.live.session import Wishes, run_session
    from actviz.live.source import open_source
    from actviz.trace.weights import load_weights

    source = open_source(options.source)  # refused before a network is built
    loaded = load_weights("tmnet", options.weights, options.device)
    port = None if options.no_page else options.port
    wishes = Wishes(options.seconds, port, options.out, options.cam_class)
    line = _StatusLine()

    def at(url: str) -> None:
        print(f"{source.name}, seen by {loaded.name}: {url} (Ctrl-C ends it)", flush=True)
        if not options.no_browser:
            webbrowser.open(url)

    with _interrupt_as_event() as stop, line:
        summary = run_session(loaded, source, wishes, stop=stop, tell=line, at=at)
    print(summary.in_words())
    if options.out is not None:
        print(f"{options.out} written.")


class _StatusLine:
    """One line that is written over and over; nothing where the output is no terminal."""

    def __init__(self) -> None:
        self._shows = sys.stdout.isatty()
        self._last = 0.0

    def __enter__(self) -> _StatusLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shows and self._last:
            print()

    def __call__(self, seen: Seen) -> None:
        from actviz.live.session import status_line

        if not self._shows or time.monotonic() - self._last < _LINES_S:
            return
        self._last = time.monotonic()
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{status_line(seen, width=width):<{width}}", end="", flush=True)


@contextmanager
def _interrupt_as_event() -> Iterator[threading.Event]:
    """Ctrl-C asks the loop to end, so that the recording is finished; a second one breaks off."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    names = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, ask) for number in names}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
