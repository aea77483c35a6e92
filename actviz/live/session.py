"""A live session from beginning to end: source, loop, page, recording and status line together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from actviz import views
from actviz.clip.writer import VideoWriter
from actviz.errors import ActvizError
from actviz.figures import outside_banner
from actviz.learn.checkpoints import Loaded
from actviz.live.drawing import draw_seen
from actviz.live.glance import check_class
from actviz.live.loop import Seen, Summary, run_live
from actviz.live.page import LivePage
from actviz.live.source import Film, Source

__all__ = ["Wishes", "run_session", "status_line"]

_BAR = 10  # characters of a probability of 1


@dataclass(frozen=True)
class Wishes:
    """What is asked of a session."""

    seconds: float | None = None
    port: int | None = 8600  # None: no page
    out: Path | None = None  # the annotated stream as a video
    cam_class: str | None = None


def run_session(
    loaded: Loaded,
    source: Source,
    wishes: Wishes,
    *,
    stop: threading.Event | None = None,
    tell: Callable[[Seen], None] = lambda seen: None,
    at: Callable[[str], None] = lambda url: None,
) -> Summary:
    """Run until the source ends, time is up or ``stop``.

    Args:
        tell: is handed every glance. at: is told where the page is.

    Raises:
        ActvizError: what is wished for cannot be had.
    """
    _check(loaded, source, wishes)
    listeners: list[Callable[[Seen], None]] = [tell]
    with ExitStack() as stack:
        stack.callback(source.close)
        if wishes.out is not None:
            listeners.append(_recorder(stack, source, wishes.out))
        if wishes.port is not None:
            page = stack.enter_context(_page(loaded, source, wishes.port))
            listeners.append(page.publish)
            at(page.url)

        def every(seen: Seen) -> None:
            for listener in listeners:
                listener(seen)

        return run_live(
            loaded,
            source,
            tell=every,
            seconds=wishes.seconds,
            cam_class=wishes.cam_class,
            stop=stop,
        )


def status_line(seen: Seen, *, width: int = 100) -> str:
    """What is answered now, how fast and how much was dropped, in one line of a terminal."""
    glance = seen.glance
    measured = f"{seen.rate:5.1f} frames/s · {glance.milliseconds:5.1f} ms · {seen.dropped} dropped"
    said = ""
    for name, probability in glance.top(3):
        full = round(_BAR * probability)
        part = f"{name} {'█' * full}{'░' * (_BAR - full)} {probability:.2f}  "
        if len(said) + len(part) + len(measured) > width:
            break
        said += part
    return f"{said}{measured}"[:width]


def _check(loaded: Loaded, source: Source, wishes: Wishes) -> None:
    out = wishes.out
    check_class(wishes.cam_class, loaded.card.classes)
    if wishes.seconds is not None and not wishes.seconds > 0:
        raise ActvizError(f"--seconds must be above 0; got {wishes.seconds:g}.")
    if out is not None and out.suffix.lower() != ".mp4":
        raise ActvizError(f"{out}: a recording is an MP4 file; name one that ends in .mp4.")
    if out is not None and isinstance(source, Film) and out.resolve() == source.path.resolve():
        raise ActvizError(f"{out}: would be overwritten while it plays; choose another --out.")


def _recorder(stack: ExitStack, source: Source, out: Path) -> Callable[[Seen], None]:
    """Writes every glance, both maps side by side, at the time of its shot."""
    height, width = source.size
    fps = min(max(source.fps, 1.0), 240.0)
    writer = stack.enter_context(VideoWriter(out, width=2 * width, height=height, fps=fps))
    return lambda seen: writer.write(draw_seen(seen), seen.shot.time_s)


def _page(loaded: Loaded, source: Source, port: int) -> LivePage:
    """The page, with the banner where the stream is of another kind than the training data."""
    known = {"name": loaded.name, "trained_on": loaded.card.trained_on}
    sha256 = source.sha256 if isinstance(source, Film) else ""
    note = outside_banner(loaded.card.trained_on, sha256) or ""
    return LivePage(port, source=source.name, weights=views.weights_note(known), note=note)
