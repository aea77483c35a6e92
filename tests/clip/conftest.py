"""Synthetic videos, written with PyAV, whose every frame is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actviz.clip import container

MakeVideo = Callable[..., Path]
DecodeAll = Callable[[Path], tuple[list[float], list[NDArray[np.uint8]]]]


OPEN_GOP = {"x264-params": "open-gop=1:keyint=8:min-keyint=8:scenecut=0:bframes=3:log-level=none"}


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """A frame unlike its neighbours: its number as brightness, a noisy patch that moves."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[..., 0] = number * 3 % 256
    frame[..., 2] = np.arange(width) * 255 // width
    rng = np.random.default_rng(number)
    left = number * 2 % max(1, width // 2)
    patch = frame[height // 4 : height // 2, left : left + width // 4]
    patch[:] = rng.integers(0, 256, patch.shape, dtype=np.uint8)
    return frame


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """make_video(name, count=…, …) writes a video into the test's folder."""

    def make(
        name: str,
        *,
        count: int = 40,
        width: int = 64,
        height: int = 48,
        codec: str = "libx264",
        rate: int = 25,
        stamps: Sequence[int] | None = None,
        gop: int = 10,
        b_frames: int | None = None,
        options: dict[str, str] | None = None,
        container: dict[str, str] | None = None,
        rotation: int | None = None,
        open_gop: bool = False,
    ) -> Path:
        import av

        path = tmp_path / name
        with av.open(str(path), "w", options=container or {}) as file:
            stream = file.add_stream(codec, rate=rate)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.gop_size = gop
            if b_frames is not None:
                stream.codec_context.max_b_frames = b_frames
            stream.options = OPEN_GOP if open_gop else options or {}
            if rotation is not None:
                stream.set_display_rotation(rotation)
            for number in range(count):
                frame = av.VideoFrame.from_ndarray(picture(number, width, height))
                frame.pts = number if stamps is None else stamps[number]
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path

    return make


@pytest.fixture
def decoded_packets(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Presentation stamps of every packet handed to a decoder since the test began."""
    seen: list[int] = []
    original = container._decode_packet

    def spy(stream: Any, packet: Any) -> list[Any]:
        if packet is not None:
            seen.append(packet.pts)
        return original(stream, packet)

    monkeypatch.setattr(container, "_decode_packet", spy)
    return seen


@pytest.fixture
def decode_all() -> DecodeAll:
    """decode_all(path): every frame's own time and pixels, read straight through."""

    def decode(path: Path) -> tuple[list[float], list[NDArray[np.uint8]]]:
        import av

        with av.open(str(path)) as file:
            frames: list[Any] = [
                (frame.time, frame.to_ndarray(format="rgb24")) for frame in file.decode(video=0)
            ]
        return [time for time, _ in frames], [pixels for _, pixels in frames]

    return decode
