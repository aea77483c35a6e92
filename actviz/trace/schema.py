"""What a model did on one clip, in numpy and seconds: the only thing that views and pages read.

T frames looked at · K classes · h, w feature-map size · P people · J joints

A trace is saved as ``trace.json`` (provenance and curves, readable anywhere) and ``trace.npz``
(every array, maps included). Field names are the same in Python, in the JSON and in the npz.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError

__all__ = [
    "SCHEMA",
    "SLACK_S",
    "MAMTrace",
    "MANTrace",
    "SequenceTrace",
    "TMNetTrace",
    "Trace",
    "TwoStreamTrace",
    "log_odds",
    "moment_numbers",
    "top_classes",
]

# 2: MAM's score, contributions and what-ifs. 3: where TMNet's branches disagree, its temporal
# memory, the method of its maps, motion. 4: MAN's recalibration, attribution to joints, masked
# limbs and moments, quality of pose. 5: each limb masked in each moment. Models not named have the
# fields of the schema before.
SCHEMA = 5
SLACK_S = 1e-6  # of seconds: what rounding, or six written digits, may be off
_ONLY_NPZ = ("contribution",)  # beside maps and joints: what has more than two axes
_SHARED = ("classes", "times_s", "frame_index", "device", "versions")  # by two streams, in general


def top_classes(
    classes: Sequence[str], probabilities: NDArray[np.floating], count: int
) -> list[tuple[str, float]]:
    """The ``count`` most probable classes with their probabilities (K,), best first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(classes[k], float(probabilities[k])) for k in order]


def log_odds(probabilities: NDArray[np.floating], k: int) -> NDArray[np.float64]:
    """Of class number ``k`` against all others, as single precision tells: (..., K) -> (...).

    Where a probability hardly leaves 1, or 0, this still tells how sure an answer is.
    """
    one = probabilities[..., k].astype(np.float64)
    others = np.delete(probabilities, k, -1).sum(-1, dtype=np.float64)
    return np.log(one.clip(1e-12)) - np.log(others.clip(1e-12))


def moment_numbers(
    times_s: NDArray[np.float64], starts_s: NDArray[np.float64]
) -> NDArray[np.int64]:
    """In which of the moments that begin at ``starts_s`` (M,) each frame lies: (T,), from 0."""
    return np.searchsorted(starts_s - SLACK_S, times_s, side="right") - 1


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
        return top_classes(self.classes, self.clip_probabilities, count)

    def save(self, folder: str | Path) -> None:
        """Write ``trace.json`` and ``trace.npz`` into ``folder`` (made where missing)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        values = _flat(self)
        arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
        readable = {k: v for k, v in values.items() if not _is_large(k, v)}
        head = {"schema": self.schema, "model": self.model}
        text = json.dumps(head | readable, indent=1, default=_plain, allow_nan=False)
        (folder / "trace.json").write_text(text + "\n")
        np.savez_compressed(folder / "trace.npz", **arrays)  # type: ignore[arg-type]

    @staticmethod
    def load(folder: str | Path) -> Trace:
        """Read back what ``save`` wrote, as the subclass its model has.

        Raises:
            ActvizError: a file is missing, or was written by an unknown schema or model, or by an
                older schema without fields that this one has.
        """
        folder = Path(folder)
        if not (folder / "trace.json").is_file() or not (folder / "trace.npz").is_file():
            raise ActvizError(
                f"{folder}: expected trace.json and trace.npz as `actviz trace --out` writes them; "
                "found no such pair."
            )
        head = json.loads((folder / "trace.json").read_text())
        kind = _kind(head)
        if kind is None or head.get("schema") not in range(1, SCHEMA + 1):
            raise ActvizError(
                f"{folder}: expected a trace of schema {SCHEMA} of a known model; got schema "
                f"{head.get('schema')} of {head.get('model')!r}. Make it again with `actviz trace`."
            )
        with np.load(folder / "trace.npz", allow_pickle=False) as stored:
            head.update({k: stored[k] for k in stored.files})
        for name in {"classes", "limbs"} & head.keys():
            head[name] = tuple(head[name])
        if kind is TwoStreamTrace:
            head["flow"] = MAMTrace(**_nested(head, "flow"))
        lacking = [f.name for f in fields(kind) if f.name not in head and f.default is MISSING]
        if lacking:
            raise ActvizError(
                f"{folder}: expected a trace of schema {SCHEMA}; this one of schema "
                f"{head['schema']} lacks {', '.join(lacking)}. Make it again with `actviz trace`."
            )
        return kind(**{f.name: head[f.name] for f in fields(kind) if f.name in head})


def _kind(head: dict[str, Any]) -> type[Trace] | None:
    """The subclass that a stored trace is of; None: an unknown model's."""
    if "rival" in head:
        return SequenceTrace
    if head.get("model") == "mam" and "fused" in head:
        return TwoStreamTrace
    return {c.model: c for c in (MAMTrace, TMNetTrace, MANTrace)}.get(str(head.get("model")))


def _flat(trace: Trace) -> dict[str, Any]:
    """Fields by name; those of a second stream as ``flow_…``, what both have in common once."""
    values = {f.name: getattr(trace, f.name) for f in fields(trace)}
    for name in [k for k, v in values.items() if isinstance(v, Trace)]:
        for key, value in _flat(values.pop(name)).items():
            if not (key in _SHARED and np.array_equal(value, values[key])):
                values[f"{name}_{key}"] = value
    return values


def _nested(head: dict[str, Any], name: str) -> dict[str, Any]:
    """The fields of a second stream's trace, as ``_flat`` wrote them."""
    found = {f.name: head.get(f"{name}_{f.name}") for f in fields(MAMTrace)}
    found |= {key: head[key] for key in _SHARED if found[key] is None}
    found["classes"] = tuple(found["classes"] or ())
    return found


def _is_large(name: str, value: Any) -> bool:
    """Whether a field is too large for a JSON that one wants to read."""
    return name.removeprefix("flow_") in _ONLY_NPZ or (
        isinstance(value, np.ndarray) and value.ndim > 2
    )


def _plain(value: Any) -> Any:
    """JSON form of numpy values; floats keep seven digits, which float32 fills; nan is null."""
    if isinstance(value, np.ndarray):
        if np.issubdtype(value.dtype, np.floating):
            return np.vectorize(_number, otypes=[object])(value).tolist()
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} into a trace")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.7g}")


@dataclass(frozen=True)
class MAMTrace(Trace):
    """What MAM writes (eq. 6-8), what of it speaks for each class, and when its state starts anew.

    The video feature is the mean of the memory and the classifier is linear, so that the logits are
    exactly the sum of what each frame's item contributes, and a bias. Where a what-if shows frames
    in another order, the T places keep increasing times and ``shown`` tells which frame is where.
    """

    threshold: float
    write_probability: NDArray[np.float32]  # (T,), a_t in [0, 1]
    written: NDArray[np.bool_]  # (T,), s_t; with soft writes, whether above one half
    memory_size: NDArray[np.int64]  # (T,), items after frame t
    score: NDArray[np.float32]  # (T,), q_t
    score_terms: NDArray[np.float32]  # (T, 3), of feature, context and history; + score_bias = q_t
    score_bias: float
    contribution: NDArray[np.float32]  # (T, K), to each logit; 0 where nothing was written
    contribution_bias: NDArray[np.float32]  # (K,), the classifier's; all rows and it: the logits
    similarity: NDArray[np.float32]  # (T,), cosine of item and memory before it; nan where empty
    state_reset: NDArray[np.bool_]  # (T,), the LSTM starts anew after this frame
    shown: NDArray[np.int64]  # (T,), position in the clip of the frame shown at each place
    what_if: str = ""  # what was changed, in words; empty: the clip as it is

    model: ClassVar[str] = "mam"

    @property
    def logits(self) -> NDArray[np.float32]:
        """(K,), before softmax: what the frames contribute, and the bias."""
        return self.contribution.sum(0) + self.contribution_bias

    @property
    def place_of(self) -> NDArray[np.int64]:
        """(T,) where the frames shown are in order of time: the place at which each is shown."""
        return np.argsort(self.shown)

    @property
    def shown_s(self) -> NDArray[np.float64]:
        """(T,) when, in the source, the frame at each place happens; ``times_s`` by default."""
        return self.times_s[np.argsort(self.place_of)]


@dataclass(frozen=True, kw_only=True)
class TwoStreamTrace(MAMTrace):
    """MAM's stream on frames, beside that on optical flow at the same moments.

    Each stream decides by itself; all fields but ``flow`` and ``fused`` are the frames' stream's.
    On disk the other's are ``flow_write_probability``, ``flow_written``, …
    """

    flow: MAMTrace  # its snippets lie around the frames
    fused: NDArray[np.float32]  # (K,), softmax of the mean of both streams' logits

    @property
    def clip_probabilities(self) -> NDArray[np.float32]:
        return self.fused


@dataclass(frozen=True)
class TMNetTrace(Trace):
    """One glance at each frame: the two branches' answers, features and class activation maps.

    ``probabilities`` (T, K) fuse both branches. The maps are the positive part of the evidence
    for class ``cam_class``, both divided by ``cam_max``, one maximum for the whole clip and both
    branches, so that frames and branches can be compared; ``cam_max`` 0: no positive evidence.
    Distances are eq. 1's SmoothL1, mean over the feature's elements. F_reg(t) and F_cls(t) are the
    branches' features of one glance; the temporal memory is the clip's F_cls, which RB was trained
    to guess.
    """

    probabilities_rb: NDArray[np.float32]  # (T, K)
    probabilities_cb: NDArray[np.float32]  # (T, K)
    clip_answer: NDArray[np.float32]  # (K,), softmax of the glances' mean logits
    cam_class: str
    cam_max: float
    cam_rb: NDArray[np.float16]  # (T, h, w) in [0, 1]
    cam_cb: NDArray[np.float16]  # (T, h, w) in [0, 1]
    disagreement: NDArray[np.float32]  # (T,), total variation of RB's and CB's answers, in [0, 1]
    agree: NDArray[np.bool_]  # (T,), both name the same class first
    branch_distance: NDArray[np.float32]  # (T,), of F_reg(t) and F_cls(t)
    memory_distance_rb: NDArray[np.float32]  # (T,), of F_reg(t) and the clip's F_cls
    memory_distance_cb: NDArray[np.float32]  # (T,), of F_cls(t) and the clip's F_cls
    memory_similarity_rb: NDArray[np.float32]  # (T,), cosines of the same
    memory_similarity_cb: NDArray[np.float32]  # (T,)
    cam_method: str = "cam"  # how the maps were made; "cam": the exact ones
    motion: NDArray[np.float16] | None = None  # (T, 4h, 4w) in [0, 1], as far as it was asked for
    motion_max: float = 0.0  # pixels per frame that 1 stands for; 0: nothing moves

    model: ClassVar[str] = "tmnet"

    @property
    def clip_probabilities(self) -> NDArray[np.float32]:
        return self.clip_answer


@dataclass(frozen=True)
class MANTrace(Trace):
    """MAN's attention beside the skeleton it looked at, which limb and when its answer rests on.

    ``attribution`` is the positive part of the evidence for class ``cam_class`` in the last maps of
    the convolutions, read out at each joint's column and each frame's row of the image and divided
    by ``attribution_max``, one maximum for the clip; 0: no joint speaks for the class. Of a 50 x 50
    image these maps have 13 x 13 places: one is about four joints and four frames wide, and sees
    far beyond that (``actviz.trace.attribution``). Zero where the image holds nothing: an absent
    person, a masked limb or frame. What masking tells (``without_limb``, ``without_moment`` and
    ``without_limb_at``) is no share of a whole, but an experiment: the image is changed and MAN
    answers anew.

    Traces of a schema before 4 have None, or what is empty, in all fields with a default, those of
    schema 4 in ``without_limb_at``.
    """

    attention: NDArray[np.float32]  # (3, T) for x, y, z, in [0, 1]
    joints: NDArray[np.float32]  # (T, P, J, 3), metres, as read from the source
    present: NDArray[np.bool_]  # (T, P), measured, or interpolated over a short gap
    layout: str
    bones: NDArray[np.int64]  # (bones, 2), joint numbers
    moved: NDArray[np.float32] | None = None  # (T, P, J), metres: |X~ - X| of the recalibration
    cam_class: str = ""
    attribution: NDArray[np.float32] | None = None  # (T, P, J) in [0, 1]
    attribution_max: float = 0.0  # of the evidence, whose mean over the maps is in the logit
    limbs: tuple[str, ...] = ()  # (L,), that the layout has
    without_limb: NDArray[np.float32] | None = None  # (L, K), probabilities; both people's masked
    moments_s: NDArray[np.float64] | None = None  # (M, 2), stretches of the clip, start and end
    without_moment: NDArray[np.float32] | None = None  # (M, K), probabilities
    without_limb_at: NDArray[np.float32] | None = None  # (P, L, M, K), one person's in one moment
    what_if: str = ""  # what was masked, in words; empty: the clip as it is
    visibility: NDArray[np.float32] | None = None  # (T, P, J) in [0, 1], as pose has it
    interpolated: NDArray[np.bool_] | None = None  # (T, P), not measured: a short gap was bridged

    model: ClassVar[str] = "man"

    def limb_losses(self) -> NDArray[np.float64]:
        """What each limb is worth in each moment of ``moments_s``: (P, L, M), nats.

        The log odds of ``cam_class``, less those where this person's limb is masked in this moment
        alone; below 0 where the class is more probable without it.

        Raises:
            ValueError: the trace does not say (``without_limb_at`` is None).
        """
        if self.without_limb_at is None:
            raise ValueError("without_limb_at is None: no limb was masked moment by moment")
        k = self.classes.index(self.cam_class)
        return log_odds(self.probabilities, k) - log_odds(self.without_limb_at, k)


@dataclass(frozen=True)
class SequenceTrace(Trace):
    """A model that MAM is compared with: its answer at every frame and, of some, where it looks.

    Attention is divided by ``attention_max``, one maximum for the whole clip, so that frames can be
    compared.
    """

    rival: str  # which model: "alstm", "videolstm", …
    frame_probabilities: NDArray[np.float32]  # (T, K)
    attention_max: float  # share of a frame's attention on one place, at most; 0: it has no maps
    attention: NDArray[np.float16] | None = None  # (T, h, w) in [0, 1]

    @property
    def model(self) -> str:  # type: ignore[override]
        """The model's name, as the other traces have it for all of their kind."""
        return self.rival

    @property
    def attention_peak(self) -> NDArray[np.float32]:
        """(T,) share of each frame's attention on its strongest place; nan without maps."""
        if self.attention is None:
            return np.full(len(self.times_s), np.nan, np.float32)
        return self.attention.max((1, 2)).astype(np.float32) * np.float32(self.attention_max)
