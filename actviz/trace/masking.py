"""What would MAN have answered, had it not seen a limb or a moment?

The skeleton is normalised and laid out as an image once; every question after that runs TARM and
the convolutions on this image with some joints or rows of it masked, which costs milliseconds. They
are set to zero, which is what an absent person is to MAN, and so is its origin between the hips: a
network trained without holes may find a hole telling in itself. ``trace_man`` is the question in
which nothing is masked.

S image rows · F columns · T source frames · P people · J joints · L limbs · M moments · K classes
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actviz.clip.layouts import LIMBS
from actviz.errors import ActvizError
from actviz.trace.attribution import joint_evidence, scaled_attribution
from actviz.trace.common import class_number, probabilities, to_numpy
from actviz.trace.cores import on_one_core
from actviz.trace.schema import SLACK_S, MANTrace, moment_numbers
from models.man import MAN, MANOutput

__all__ = ["MOMENTS", "CachedMAN", "Mask", "ask_man", "in_span", "moments_of", "read_mask"]

_FORMS = ('"without left arm, right arm"', '"drop 1.2-1.8" (seconds)')
MOMENTS = 10  # equal stretches of a clip, masked one after the other
_PLACES = 200_000  # of images through the network at once: 80 of 50 x 50, 3 of 224 x 224
_SMALL = 10_000  # places of an image up to which a CPU answers for 100 masked ones in a second


@dataclass(frozen=True)
class CachedMAN:
    """A skeleton as MAN's network sees it: laid out once, asked as often as one likes."""

    model: MAN
    image: Tensor  # (1, 3, S, F), on the model's device
    rows: Tensor  # (1, S), source frame of each row, -1 for padding
    limbs: dict[str, tuple[int, ...]]  # joints by limb, as the layout has them
    head: dict[str, Any]  # the trace's fields that no question changes

    def __len__(self) -> int:
        return len(self.head["times_s"])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T, P), who is in the image."""
        return self.head["present"]

    @property
    def places(self) -> NDArray[np.int64]:
        """(T,), the image row of each source frame."""
        return np.flatnonzero(self.rows[0].cpu().numpy() >= 0)


@torch.inference_mode()
@on_one_core()
def ask_man(
    cached: CachedMAN,
    *,
    limbs: Iterable[str] = (),
    frames: NDArray[np.bool_] | None = None,
    cam_class: str | None = None,
    losses: bool = True,
) -> MANTrace:
    """MAN's trace of a skeleton of which some is masked; with nothing masked, the skeleton's trace.

    Args:
        cached: of ``actviz.trace.skeletons.man_image``.
        limbs: masked, of both people; names of ``cached.limbs``.
        frames: (T,), True where a frame is masked.
        cam_class: whose evidence is attributed; the top class where None.
        losses: also ask what is answered without each limb, each moment, and each person's limb in
            each moment, some 76 images more with one person. Of images as large as 224 x 224 a CPU
            is not asked the last: it would take a minute.

    Raises:
        ActvizError: no such limb, or no such class.
        ValueError: ``frames`` does not fit the clip.
    """
    masked = _checked_limbs(cached, limbs)
    gone = _checked_frames(cached, frames)
    kept = _kept(cached, masked, gone)  # (S, P, J)
    output = _answers(cached, kept[None])
    answer, classes = probabilities(output.logits)[0], cached.head["classes"]
    chosen = class_number(classes, cam_class, answer)
    shown = cached.seen[..., None] & (_of_clip(cached, kept) > 0)  # (T, P, J)
    evidence = joint_evidence(cached.model, output.maps, chosen)[0]
    maximum, attribution = scaled_attribution(_of_clip(cached, evidence), shown)
    change = cached.model.bodies(output.recalibrated.float() - output.image)[0]  # (S, P, J, 3)
    moved = _of_clip(cached, torch.linalg.vector_norm(change, dim=-1))
    return MANTrace(
        **cached.head,
        probabilities=answer,
        attention=to_numpy(output.attention[0])[:, cached.places],
        moved=np.where(shown, moved, np.float32(0)),
        cam_class=classes[chosen],
        attribution=attribution,
        attribution_max=maximum,
        what_if=_in_words(cached, masked, gone),
        **(_losses(cached, kept, answer) if losses else {}),
    )


@torch.inference_mode()
def _answers(cached: CachedMAN, kept: Tensor) -> MANOutput:
    """MAN's on images of which the joints in ``kept`` (N, S, P, J) are left."""
    left = cached.model.columns_of(kept, spare=1.0)[:, None]  # (N, 1, S, F)
    return cached.model.answer(cached.image * left, cached.rows.expand(len(kept), -1))


def _losses(cached: CachedMAN, kept: Tensor, answer: NDArray[np.float32]) -> dict[str, Any]:
    """The trace's fields about what is answered without each limb and each moment."""
    moments_s, inside = moments_of(cached.head["times_s"])
    limbs = [_kept(cached, (limb,), None) for limb in cached.limbs]
    moments = [_kept(cached, (), frames) for frames in inside]
    alone = _asked(cached, torch.stack([*limbs, *moments]), kept)  # (L + M, K)
    found: dict[str, Any] = {"moments_s": moments_s}
    found |= {"without_limb": alone[: len(limbs)], "without_moment": alone[len(limbs) :]}
    if limbs and (kept.device.type != "cpu" or cached.image[0, 0].numel() <= _SMALL):
        there = np.stack([cached.seen[frames].any(0) for frames in inside], 1)  # (P, M)
        both = torch.maximum(torch.stack(limbs)[:, None], torch.stack(moments))  # (L, M, S, P, J)
        found["without_limb_at"] = _limb_by_moment(cached, kept, both, there, answer)
    return found


def _limb_by_moment(
    cached: CachedMAN,
    kept: Tensor,
    both: Tensor,
    there: NDArray[np.bool_],
    answer: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Probabilities (P, L, M, K) where one limb of one person is masked in one moment.

    Args:
        both: (L, M, S, P, J), 0 where each limb lies in each moment.
        there: (P, M), who is in the image then; who is not, cannot be missed: ``answer`` (K,).
    """
    at = np.broadcast_to(answer, (len(there), *both.shape[:2], len(answer))).copy()
    for person, when in enumerate(torch.from_numpy(there)):
        if not when.any():
            continue
        one = torch.ones_like(both[:, when])
        one[..., person, :] = both[:, when][..., person, :]
        asked = _asked(cached, one.flatten(0, 1), kept)
        at[person][:, when.numpy()] = asked.reshape(len(both), -1, len(answer))
    return at


def _asked(cached: CachedMAN, masks: Tensor, kept: Tensor) -> NDArray[np.float32]:
    """Probabilities (N, K) under each of N masks (N, S, P, J), on top of what is masked already."""
    together = masks.logical_and(kept.bool()).to(kept)
    batch = max(1, _PLACES // cached.image[0, 0].numel())
    parts = [_answers(cached, part).logits for part in together.split(batch)]
    return probabilities(torch.cat(parts))


def moments_of(times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Equal stretches of the clip (M, 2) in seconds, and the frames inside each (M, T)."""
    # the last frame's share: as long as the others; of a single one, as a video's at 30 frames/s
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1 / 30
    edges = np.linspace(times_s[0], times_s[-1] + step, min(MOMENTS, len(times_s)) + 1)
    at = moment_numbers(times_s, edges[:-1])
    return np.stack([edges[:-1], edges[1:]], 1), at == np.arange(len(edges) - 1)[:, None]


def _kept(cached: CachedMAN, limbs: Sequence[str], gone: NDArray[np.bool_] | None) -> Tensor:
    """(S, P, J), 1 where the image is left as it is and 0 where it is masked."""
    kept = torch.ones(cached.model.frames, cached.model.people, cached.model.joints)
    for limb in limbs:
        kept[..., list(cached.limbs[limb])] = 0
    if gone is not None:
        kept[cached.places[gone]] = 0
    return kept.to(cached.image)


def _of_clip(cached: CachedMAN, values: Tensor) -> NDArray[Any]:
    """Of values (S, P, J) those of the frames and people that the clip has: (T, P, J)."""
    return values.cpu().numpy()[cached.places, : cached.seen.shape[1]]


def _checked_limbs(cached: CachedMAN, limbs: Iterable[str]) -> tuple[str, ...]:
    wanted = {limb.strip().lower() for limb in limbs}
    unknown = sorted(wanted - set(cached.limbs))
    if unknown:
        has = ", ".join(cached.limbs) or "none that its joints' names tell"
        raise ActvizError(
            f"no limb is called {unknown[0]!r}; the layout {cached.head['layout']} has {has}."
        )
    return tuple(limb for limb in cached.limbs if limb in wanted)


def _checked_frames(
    cached: CachedMAN, frames: NDArray[np.bool_] | None
) -> NDArray[np.bool_] | None:
    if frames is None:
        return None
    gone = np.asarray(frames)
    if gone.shape != (len(cached),) or gone.dtype != bool:
        raise ValueError(
            f"frames must be bool of shape (T,) = ({len(cached)},), True where one is masked; got "
            f"{gone.dtype} {gone.shape}."
        )
    return gone


def _in_words(cached: CachedMAN, limbs: Sequence[str], gone: NDArray[np.bool_] | None) -> str:
    """What was masked, for a figure's face; empty where nothing was."""
    parts = [f"without {', '.join(limbs)}"] if limbs else []
    if gone is not None and gone.any():
        at, times = np.flatnonzero(gone), cached.head["times_s"]
        runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
        parts.append("without " + ", ".join(_seconds(times[run]) for run in runs))
    return "; ".join(parts)


def _seconds(times_s: NDArray[np.float64]) -> str:
    first, last = f"{times_s[0]:.2f}", f"{times_s[-1]:.2f}"
    return f"{first} s" if first == last else f"{first}-{last} s"


def in_span(times_s: NDArray[np.float64], span_s: tuple[float, float]) -> NDArray[np.bool_]:
    """Which of the moments (T,) lie in a span of seconds, both ends included."""
    start, end = span_s
    return (times_s >= start - SLACK_S) & (times_s <= end + SLACK_S)


@dataclass(frozen=True)
class Mask:
    """What is masked of a skeleton, as a command line words it."""

    limbs: tuple[str, ...] = ()
    spans_s: tuple[tuple[float, float], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.limbs or self.spans_s)

    def frames(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Which frames (T,) lie in the spans; None where there are no spans.

        Raises:
            ActvizError: no frame lies in one of them.
        """
        if not self.spans_s:
            return None
        gone = [in_span(times_s, span_s) for span_s in self.spans_s]
        for (start, end), frames in zip(self.spans_s, gone, strict=True):
            if not frames.any():
                raise ActvizError(
                    f"--what-if drop {start:g}-{end:g}: MAN looks at no frame in these seconds; "
                    f"its frames lie from {times_s[0]:.2f} to {times_s[-1]:.2f} s."
                )
        return np.any(gone, axis=0)


_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_SPAN = re.compile(rf"{_NUMBER}\s*(?:-|–|to)\s*{_NUMBER}(?:\s*s)?")


def read_mask(changes: Iterable[str]) -> Mask:
    """``without left arm, right arm``, ``drop 1.2-1.8`` (seconds), or several joined by ``;``.

    Raises:
        ActvizError: the words are none of these.
    """
    limbs: list[str] = []
    spans: list[tuple[float, float]] = []
    for words in changes:
        for change in words.lower().split(";"):
            verb, _, text = " ".join(change.split()).partition(" ")
            given = [part.strip() for part in text.split(",")]
            found = [_SPAN.fullmatch(part) for part in given]
            if verb == "without" and all(given):
                limbs += given
            elif verb == "drop" and all(m and float(m[1]) <= float(m[2]) for m in found):
                spans += [(float(m[1]), float(m[2])) for m in found if m]
            else:
                raise ActvizError(
                    f'--what-if of MAN must be {" or ".join(_FORMS)}, joined by ";"; got '
                    f"{words!r}. Limbs are {', '.join(LIMBS)}, as far as the layout has them."
                )
    return Mask(tuple(limbs), tuple(spans))
