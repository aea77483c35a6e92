"""The live view as a page on this machine: pictures as motion JPEG, answers as JSON.

Only this machine can open it: it listens on 127.0.0.1 and answers nobody who calls it by another
name, so that no page of the web can read the camera through the browser.
"""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs, urlsplit

from actviz.errors import ActvizError
from actviz.live.drawing import SHOWS, as_jpeg, draw_seen
from actviz.live.loop import Seen

__all__ = ["LivePage"]

HOST = "127.0.0.1"
_TEMPLATE = Path(__file__).with_name("page.html")
_BOUNDARY = "actviz-picture"
_ANSWERS = 5
_POLL_S = 0.05  # between looks at whether to end


class LivePage:
    """Serves what ``publish`` was handed last.

    >>> with LivePage(8600, source="camera 0", weights="…") as page:
    ...     page.publish(seen)

    Args:
        port: of 127.0.0.1; 0 takes a free one.
        source: name of the stream. weights: which weights speak. note: a banner, where one applies.

    Raises:
        ActvizError: the port is taken or not allowed.
    """

    def __init__(self, port: int, *, source: str, weights: str, note: str = "") -> None:
        self._words = {"SOURCE": source, "WEIGHTS": weights, "NOTE": note}
        self._change = threading.Condition()
        self._seen: Seen | None = None
        self._held: Seen | None = None
        self._ended = False
        try:
            self._server = ThreadingHTTPServer(
                (HOST, port), type("_Handler", (_Handler,), {"live": self})
            )
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ActvizError(
                f"port {port} cannot be served on ({why}); choose another with --port, or leave "
                "the page out with --no-page."
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> LivePage:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._ended = True
            self._change.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)

    def publish(self, seen: Seen) -> None:
        """Show this one from now on."""
        with self._change:
            self._seen = seen
            self._change.notify_all()

    def hold(self, still: bool) -> None:
        """Keep the picture that is shown now, or go on."""
        with self._change:
            self._held = self._seen if still else None

    # ---- what the handler asks for ---------------------------------------------------------------

    def page(self) -> bytes:
        """The page's HTML."""
        words = {name: html.escape(text) for name, text in self._words.items()}
        if words["NOTE"]:
            words["NOTE"] = f'<p class="note" role="note">{words["NOTE"]}</p>'
        return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(words).encode()

    def state(self, *, held: bool = False) -> dict[str, Any]:
        """What is seen now, in numbers; or of the picture that is held, where one is."""
        with self._change:
            seen, ended = (held and self._held) or self._seen, self._ended
        if seen is None:
            return {"ended": ended, "answers": []}
        glance = seen.glance
        answers = []
        for name, _ in glance.top(_ANSWERS):
            rb, cb, both = glance.of_class(name)
            answers.append({"name": name, "both": both, "rb": rb, "cb": cb})
        evidence = f"Evidence for {glance.cam_class}."
        if glance.cam_max <= 0:
            evidence = f"No positive evidence for {glance.cam_class}."
        return {
            "ended": ended,
            "answers": answers,
            "evidence": evidence,
            "time_s": seen.shot.time_s,
            "milliseconds": glance.milliseconds,
            "rate": seen.rate,
            "seen": seen.seen,
            "glanced": seen.glanced,
            "dropped": seen.dropped,
        }

    def still(self, show: str) -> bytes | None:
        """The held picture, or the newest, as JPEG; None before the first."""
        with self._change:
            seen = self._held or self._seen
        return None if seen is None else as_jpeg(draw_seen(seen, show))

    def stream(self, show: str, write: Callable[[bytes], Any]) -> None:
        """Every new picture, until the page ends; ``write`` fails when nobody looks any more."""
        shown = 0
        while (seen := self._after(shown)) is not None:
            shown = seen.glanced
            picture = as_jpeg(draw_seen(seen, show))
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: "
            write(f"{head}{len(picture)}\r\n\r\n".encode() + picture + b"\r\n")

    def _after(self, shown: int) -> Seen | None:
        """The newest after glance number ``shown``, waited for; None where the page ends."""

        def is_newer() -> bool:
            return self._ended or (self._seen is not None and self._seen.glanced > shown)

        with self._change:
            self._change.wait_for(is_newer)
            return None if self._ended else self._seen


class _Handler(BaseHTTPRequestHandler):
    """Answers one request to a page."""

    live: LivePage  # whose requests these are

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        show = parse_qs(url.query).get("show", ["both"])[0]
        if not self._is_local() or show not in SHOWS:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif url.path == "/stream.mjpg":
            self._stream(show)
        elif (found := self._found(url.path, show)) is not None:
            self._send(*found)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        if not self._is_local() or self.path not in ("/hold", "/go"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        self.live.hold(self.path == "/hold")
        self._send(b"", "text/plain")

    def _found(self, path: str, show: str) -> tuple[bytes, str] | None:
        """Body and kind of what is asked for; None where there is none."""
        if path == "/":
            return self.live.page(), "text/html; charset=utf-8"
        if path in ("/state.json", "/held.json"):
            state = self.live.state(held=path == "/held.json")
            return json.dumps(state).encode(), "application/json"
        picture = self.live.still(show) if path == "/picture.jpg" else None
        return None if picture is None else (picture, "image/jpeg")

    def _is_local(self) -> bool:
        """Called by this machine's name, from this page: other pages of the web are not."""
        origin = urlsplit(self.headers.get("Origin", self.live.url)).hostname
        name = self.headers.get("Host", "").rsplit(":", 1)[0]
        return {name, origin} <= {HOST, "localhost"}

    def _send(self, body: bytes, kind: str) -> None:
        self._head(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, show: str) -> None:
        self._head(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        try:
            self.live.stream(show, self.wfile.write)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _head(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal shows the status line."""
