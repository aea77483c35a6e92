"""Video files out: H.264 that a browser plays, on the times given, whole or not at all.

H, W pixels
"""

from __future__ import annotations

import secrets
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError

__all__ = ["VideoWriter"]

_TICKS = 90_000  # stamps per second: divides 24, 25, 30, 50, 60 and 1000/1001 rates closely
_BT709 = 1  # colour matrix, primaries and transfer that browsers assume
_LIMITED = 1  # luma 16–235


class VideoWriter:
    """Writes an MP4 (H.264, yuv420p, index first) frame by frame.

    >>> with VideoWriter("out.mp4", width=320, height=240, fps=25) as writer:
    ...     writer.write(frame, 0.0)

    The video starts at its first frame: times are kept relative to it. ``fps`` tells how long the
    last frame is shown and is the nominal rate. Odd sizes are made even by repeating the last row
    or column. The file appears under its name only when all is written; after an error nothing
    is left behind. ``quick`` writes as good a picture in less than half the time, in a file about
    twice as large.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        width: int,
        height: int,
        fps: float,
        quick: bool = False,
    ) -> None:
        if width < 1 or height < 1 or not 0 < fps < 1000:
            raise ValueError(
                "expected a width and height of at least 1 pixel and 0 < fps < 1000; got "
                f"{width}×{height} at {fps}."
            )
        self.path = Path(path)
        self.width, self.height, self.fps = width, height, float(fps)
        self._coding = {"preset": "ultrafast" if quick else "veryfast", "crf": "20"}
        self._hidden = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        self._first_s: float | None = None
        self._last_tick = -1
        self._container: Any = None
        self._stream: Any = None
        self._reformatter: Any = None

    def __enter__(self) -> VideoWriter:
        import av
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        try:
            self._hidden.touch()  # FFmpeg opens the file only with the first frame: fail now
            self._container = av.open(
                f"file:{self._hidden}", "w", format="mp4", options={"movflags": "+faststart"}
            )
        except OSError as error:
            self._discard()
            raise ActvizError(
                f"{self.path}: cannot be written ({error.strerror}); choose an existing folder "
                "that you may write to."
            ) from error
        try:
            self._stream = self._add_stream()
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, frame: NDArray[np.uint8], time_s: float) -> None:
        """Append an RGB frame uint8 (H, W, 3), shown from ``time_s`` (seconds, increasing)."""
        if self._stream is None:
            raise ValueError("VideoWriter is not open; use it in a with statement.")
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"frame must be uint8 of shape {(self.height, self.width, 3)}; got "
                f"{frame.dtype} {frame.shape}."
            )
        picture = self._picture(frame)
        picture.pts = self._tick(time_s)
        self._mux(self._stream.encode(picture))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._finish()
        except BaseException:
            self._discard()
            raise

    def _add_stream(self) -> Any:
        rate = Fraction(self.fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate)
        stream.width, stream.height = self.width + self.width % 2, self.height + self.height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, _TICKS)
        context = stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.gop_size = max(1, round(2 * self.fps))  # a key frame every two seconds
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        context.max_b_frames = 0  # so that the file needs no edit list to start at zero
        stream.options = self._coding
        return stream

    def _picture(self, frame: NDArray[np.uint8]) -> Any:
        import av

        if self.width % 2 or self.height % 2:
            frame = np.pad(frame, ((0, self.height % 2), (0, self.width % 2), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        return self._reformatter.reformat(  # one for all: making it costs more than using it
            picture, format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )

    def _tick(self, time_s: float) -> int:
        if not np.isfinite(time_s):
            raise ValueError(f"time_s must be a number of seconds; got {time_s}.")
        first = time_s if self._first_s is None else self._first_s
        tick = round((time_s - first) * _TICKS)
        if tick <= self._last_tick:
            raise ValueError(
                f"time_s must increase from frame to frame; got {time_s} s after "
                f"{first + self._last_tick / _TICKS:g} s."
            )
        self._first_s, self._last_tick = first, tick
        return tick

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.duration = round(_TICKS / self.fps)  # counts for the last one only
            self._container.mux(packet)

    def _finish(self) -> None:
        if self._first_s is None:
            raise ActvizError(f"{self.path}: no frame was written, so there is no video to save.")
        self._mux(self._stream.encode(None))
        self._container.close()
        self._stream = self._container = None
        self._hidden.replace(self.path)

    def _discard(self) -> None:
        container, self._container, self._stream = self._container, None, None
        try:
            if container is not None:
                container.close()
        finally:
            self._hidden.unlink(missing_ok=True)
