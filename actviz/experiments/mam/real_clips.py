"""Six-frame decision bars of MAM on anyone's videos, which have no truth to mark them by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from actviz.datasets.table import VIDEO_SUFFIXES
from actviz.errors import ActvizError

__all__ = ["real_figures"]

_MOST = 8  # videos of a folder


def real_figures(place: Path, frames: int) -> tuple[dict[str, Any], list[str]]:
    """Figures of the video ``place``, or of a folder's first few, by file name; and their words.

    The bundled weights speak: they know puppets alone, and every figure says so.

    Raises:
        ActvizError: no video is there, or one cannot be read.
    """
    from actviz.learn.checkpoints import bundled, load_checkpoint
    from actviz.trace.run import sample_clip
    from actviz.trace.whatif import mam_features, what_if
    from actviz.views import memory_figure, weights_note

    loaded = load_checkpoint(bundled("mam"))
    figures: dict[str, Any] = {}
    words = []
    for path in _videos(place):
        clip, info = sample_clip(path, frames)
        trace = what_if(mam_features(loaded, clip, info=info))
        answer = trace.classes[int(trace.probabilities.argmax())]
        figures[f"figure3-{path.stem}.png"] = memory_figure(
            clip.frames,
            trace.times_s,
            trace.write_probability,
            trace.written,
            trace.memory_size,
            threshold=trace.threshold,
            title=f"{path.name}: MAM answers {answer}",
            note=weights_note(trace.weights, outside=True),
        )
        bar = "".join("1" if on else "0" for on in trace.written)
        words.append(f"{path.name}: written {bar}; puppet weights, so that it proves nothing.")
    return figures, words


def _videos(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    found = sorted(p for p in place.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
    if not found:
        raise ActvizError(f"{place}: expected a video, or a folder with videos; there is none.")
    return found[:_MOST]
