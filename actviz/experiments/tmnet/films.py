"""Films of puppets as files, encoded as UCF101's clips and as a phone's recording are.

The network's speed is one thing, that from a file to an answer another: a video is decoded from a
key frame on, so that where the key frames lie decides how much of it one glance must decode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets import make_scene, scene_seeds

__all__ = ["FULL_HD", "LIKE_UCF101", "ONE_KEY_FRAME", "FilmKind", "write_film"]

_RATE = 25  # frames per second, as UCF101 has it
_SEED = scene_seeds("test", 1)[0]


@dataclass(frozen=True)
class FilmKind:
    """How a film is encoded."""

    name: str
    ending: str
    codec: str  # PyAV's name of the encoder
    width: int = 320
    height: int = 240
    seconds: float = 7.2  # the mean of UCF101's clips
    rate: int = _RATE
    bit_rate: int = 400_000  # per second
    key_every: int = 12  # frames
    options: tuple[tuple[str, str], ...] = ()
    drawn: int | None = None  # pictures that are drawn and played to and fro; None: every one anew

    @property
    def frames(self) -> int:
        return round(self.seconds * self.rate)


LIKE_UCF101 = FilmKind(
    "H.264, key frames as x264 sets them",
    ".mp4",
    "libx264",
    key_every=250,  # x264's own limit; it adds one at every cut
    options=(("preset", "medium"),),
)
FULL_HD = FilmKind(
    "H.264, 1080p, 60 s, 8 Mbit/s",
    ".mp4",
    "libx264",
    width=1920,
    height=1080,
    seconds=60.0,
    bit_rate=8_000_000,
    key_every=250,
    options=(("preset", "veryfast"),),
    drawn=50,
)
ONE_KEY_FRAME = FilmKind(
    "MPEG-4 (XviD), one key frame",
    ".avi",
    "mpeg4",
    key_every=600,
    options=(("sc_threshold", "1000000000"),),  # none at a cut either
)


def write_film(path: Path, kind: FilmKind, *, seed: int = int(_SEED)) -> Path:
    """Puppets, one scene after the other, encoded as ``kind`` says."""
    import av

    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(kind.codec, rate=kind.rate)
        stream.width, stream.height, stream.pix_fmt = kind.width, kind.height, "yuv420p"
        stream.time_base = Fraction(1, kind.rate)
        stream.codec_context.gop_size = kind.key_every
        stream.codec_context.bit_rate = kind.bit_rate
        if kind.codec == "mpeg4":
            stream.codec_context.codec_tag = "XVID"
            stream.codec_context.max_b_frames = 0
        stream.options = dict(kind.options)
        for number, picture in enumerate(islice(_pictures(kind, seed), kind.frames)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def _pictures(kind: FilmKind, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Picture by picture, without end: scene after scene, or a few of them to and fro."""
    scenes = chain.from_iterable(_scene(kind, seed + k) for k in cycle(range(4)))
    if kind.drawn is None:
        return scenes
    few = list(islice(scenes, kind.drawn))
    return cycle([*few, *few[-2:0:-1]])


def _scene(kind: FilmKind, seed: int) -> Iterator[NDArray[np.uint8]]:
    scene = make_scene(seed)
    for k in range(len(scene)):
        yield scene.render([k], size=(kind.height, kind.width))[0]
