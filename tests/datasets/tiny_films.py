"""Small data sets of made-up videos, sound ones and broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from actviz.datasets.base import Dataset, Sample, Split


def film(path: Path, count: int = 6, *, width: int = 64, height: int = 48, pan: int = 2) -> Path:
    """A video whose texture moves ``pan`` pixels to the right in each of its frames."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.stem))
    coarse = rng.integers(0, 256, (height // 8, width // 8), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    picture = np.repeat(np.asarray(smooth)[..., None], 3, -1)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 4_000_000
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, pan * number, 1))
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def silence(path: Path) -> None:
    """Sound and no picture."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), "fltp", "mono")
        frame.rate = 44100
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def headless(path: Path) -> None:
    """An MP4 whose index, at its end, is cut off."""
    data = film(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])


BROKEN = {
    "zero": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a video\n" * 50),
    "sound": silence,
    "cut": headless,
}  # name -> what makes it


def dataset_of(root: Path) -> Dataset:
    """The videos ``<class>/<name>.mp4`` below ``root``; odd ones are tested on."""
    paths = sorted(root.glob("[!.p]*/*.mp4"))
    classes = tuple(sorted({path.parent.name for path in paths}))
    samples = tuple(
        Sample(f"{p.parent.name}/{p.stem}", p, classes.index(p.parent.name)) for p in paths
    )
    return Dataset(
        "folder", "video", root, classes, samples, ("usual",),
        lambda name: Split(name, samples[::2], samples[1::2]),
    )  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` by its place in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
