"""What a model did on one clip, in numpy and seconds: the only thing that views and pages read.

T frames looked at · K classes · h, w feature-map size · P people · J joints

A trace is saved as ``trace.json`` (provenance and curves, readable anywhere) and ``trace.npz``
(every array, maps included). Field names are the same in Python, in the JSON and in the npz.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError

__all__ = ["SCHEMA", "MAMTrace", "MANTrace", "TMNetTrace", "Trace"]

SCHEMA = 1
_ONLY_NPZ = ("cam_rb", "cam_cb", "joints")  # too large for a JSON one wants to read


@dataclass(frozen=True)
class Trace:
    """Fields that every model's trace has; the subclasses add what their model lets one see."""

    weights: dict[str, Any]  # name, sha256, trained_on, layout
    clip: dict[str, Any]  # name, sha256, duration_s, fps, rotation, frame_count, problems
    device: str
    versions: dict[str, str]
    seed: int | None  # that the weights were trained with
    classes: tuple[str, ...]  # (K,)
    times_s: NDArray[np.float64]  # (T,), strictly increasing
    frame_index: NDArray[np.int64]  # (T,), in the source file
    probabilities: NDArray[np.float32]  # (K,); TMNet (T, K)

    model: ClassVar[str] = ""
    schema: ClassVar[int] = SCHEMA

    @property
    def clip_probabilities(self) -> NDArray[np.float32]:
        """Class probabilities of the whole clip (K,)."""
        return self.probabilities

    def top(self, count: int = 5) -> list[tuple[str, float]]:
        """The ``count`` most probable classes with their probabilities, best first."""
        order = np.argsort(-self.clip_probabilities, kind="stable")[:count]
        return [(self.classes[k], float(self.clip_probabilities[k])) for k in order]

    def save(self, folder: str | Path) -> None:
        """Write ``trace.json`` and ``trace.npz`` into ``folder`` (made where missing)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
        readable = {k: v for k, v in values.items() if k not in _ONLY_NPZ}
        head = {"schema": self.schema, "model": self.model}
        text = json.dumps(head | readable, indent=1, default=_plain, allow_nan=False)
        (folder / "trace.json").write_text(text + "\n")
        np.savez_compressed(folder / "trace.npz", **arrays)  # type: ignore[arg-type]

    @staticmethod
    def load(folder: str | Path) -> Trace:
        """Read back what ``save`` wrote, as the subclass its model has.

        Raises:
            ActvizError: a file is missing, or was written by an unknown schema or model.
        """
        folder = Path(folder)
        if not (folder / "trace.json").is_file() or not (folder / "trace.npz").is_file():
            raise ActvizError(
                f"{folder}: expected trace.json and trace.npz as `actviz trace --out` writes them; "
                "found no such pair."
            )
        head = json.loads((folder / "trace.json").read_text())
        kind = {c.model: c for c in Trace.__subclasses__()}.get(head.get("model"))
        if kind is None or head.get("schema") != SCHEMA:
            raise ActvizError(
                f"{folder}: expected a trace of schema {SCHEMA} of mam, tmnet or man; got schema "
                f"{head.get('schema')} of {head.get('model')!r}. Make it again with `actviz trace`."
            )
        with np.load(folder / "trace.npz", allow_pickle=False) as stored:
            head.update({k: stored[k] for k in stored.files})
        head["classes"] = tuple(head["classes"])
        return kind(**{f.name: head[f.name] for f in fields(kind)})


def _plain(value: Any) -> Any:
    """JSON form of numpy values; floats keep seven digits, which float32 fills."""
    if isinstance(value, np.ndarray):
        if np.issubdtype(value.dtype, np.floating):
            return np.vectorize(lambda x: float(f"{x:.7g}"), otypes=[object])(value).tolist()
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} into a trace")


@dataclass(frozen=True)
class MAMTrace(Trace):
    """When MAM writes: eq. 7 (probability), eq. 8 (decision) and the size of the memory."""

    threshold: float
    write_probability: NDArray[np.float32]  # (T,), a_t in [0, 1]
    written: NDArray[np.bool_]  # (T,), s_t
    memory_size: NDArray[np.int64]  # (T,), items after frame t

    model: ClassVar[str] = "mam"


@dataclass(frozen=True)
class TMNetTrace(Trace):
    """One glance at each frame: the two branches' answers and class activation maps.

    ``probabilities`` (T, K) fuse both branches. The maps are the positive part of the evidence
    for class ``cam_class``, both divided by ``cam_max``, one maximum for the whole clip and both
    branches, so that frames and branches can be compared; ``cam_max`` 0: no positive evidence.
    """

    probabilities_rb: NDArray[np.float32]  # (T, K)
    probabilities_cb: NDArray[np.float32]  # (T, K)
    clip_answer: NDArray[np.float32]  # (K,), softmax of the glances' mean logits
    cam_class: str
    cam_max: float
    cam_rb: NDArray[np.float16]  # (T, h, w) in [0, 1]
    cam_cb: NDArray[np.float16]  # (T, h, w) in [0, 1]

    model: ClassVar[str] = "tmnet"

    @property
    def clip_probabilities(self) -> NDArray[np.float32]:
        return self.clip_answer


@dataclass(frozen=True)
class MANTrace(Trace):
    """MAN's temporal attention per coordinate, beside the skeleton it looked at."""

    attention: NDArray[np.float32]  # (3, T) for x, y, z, in [0, 1]
    joints: NDArray[np.float32]  # (T, P, J, 3), metres, as read from the source
    present: NDArray[np.bool_]  # (T, P)
    layout: str
    bones: NDArray[np.int64]  # (bones, 2), joint numbers

    model: ClassVar[str] = "man"
