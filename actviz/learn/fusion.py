"""Several models' answers to the same clips put together, as two streams are.

N clips · K classes
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError
from actviz.learn.evaluation import Evaluation

__all__ = ["HOW", "check_fusion", "fuse", "mean_answer"]

HOW = ("logits", "softmax")


def fuse(
    evaluations: Sequence[Evaluation], weights: Sequence[float], *, how: str = "logits"
) -> Evaluation:
    """The weighted mean of the answers; MAM weighs RGB and flow 1 : 1, TSN 1 : 1.5.

    Only clips that all have answered count; the others are among ``skipped``. Classes are matched
    by name, in the order of the first.

    Args:
        how: "logits" before softmax, as TSN's code does, or "softmax": probabilities.

    Raises:
        ActvizError: other data, labels or classes; a weight that is not positive; no common clip.
    """
    check_fusion(weights, how)
    first = evaluations[0]
    for other in evaluations[1:]:
        _check_same_test(first, other)
    others = [set(e.keys) for e in evaluations[1:]]
    common = [key for key in first.keys if all(key in other for other in others)]
    if not common:
        raise ActvizError("no clip was answered by all of the models to fuse.")
    answers = [_aligned(e, common, first.classes) for e in evaluations]
    labels = [lab for lab, _ in answers]
    if any(not np.array_equal(labels[0], other) for other in labels[1:]):
        raise ActvizError("the evaluations to fuse do not agree on the clips' true classes.")
    return replace(
        first,
        keys=tuple(common),
        labels=labels[0],
        logits=mean_answer([z for _, z in answers], weights, how=how),
        skipped=_skipped(evaluations, common),
        views=_together([e.views for e in evaluations]),
        branches={},
        truth={},
        provenance=_provenance(evaluations, weights, how),
    )


def mean_answer(
    logits: Sequence[NDArray[np.float32]], weights: Sequence[float], *, how: str = "logits"
) -> NDArray[np.float32]:
    """The weighted mean of several models' logits (N, K), or of their softmax; see ``fuse``."""
    total = sum(
        w * (_softmax(z) if how == "softmax" else z.astype(np.float64))
        for w, z in zip(weights, logits, strict=True)
    )
    return np.asarray(total / sum(weights)).astype(np.float32)


def check_fusion(weights: Sequence[float], how: str = "logits") -> None:
    """Refuse what nothing can be fused by, before the answers are computed.

    Raises:
        ActvizError: a weight that is not positive, or an unknown ``how``.
    """
    if how not in HOW:
        raise ActvizError(f"--fuse must be one of {', '.join(HOW)}; got {how!r}.")
    for weight in weights:
        if not (math.isfinite(weight) and weight > 0):
            raise ActvizError(f"a fusion weight must be a positive number; got {weight}.")


def _check_same_test(one: Evaluation, other: Evaluation) -> None:
    names = ("dataset", "protocol")
    here: list[tuple[str, object, object]] = [("part", one.part, other.part)]
    here += [(n, one.provenance.get(n), other.provenance.get(n)) for n in names]
    for name, a, b in here:
        if a != b:
            raise ActvizError(
                f"only answers to the same clips can be fused: {name} is {a!r} for the first and "
                f"{b!r} for another."
            )
    if set(one.classes) != set(other.classes):
        raise ActvizError("only models of the same classes can be fused; these differ in theirs.")


def _aligned(
    evaluation: Evaluation, keys: list[str], classes: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Labels (N,) and logits (N, K) for ``keys``, with the classes in the order given."""
    place = {key: row for row, key in enumerate(evaluation.keys)}
    rows = [place[key] for key in keys]
    columns = [evaluation.classes.index(name) for name in classes]
    there = np.empty(len(columns), dtype=np.int64)
    there[columns] = np.arange(len(columns))
    return there[evaluation.labels[rows]], evaluation.logits[rows][:, columns]


def _skipped(evaluations: Sequence[Evaluation], common: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    kept = set(common)
    for evaluation in evaluations:
        found |= {k: v for k, v in evaluation.skipped.items() if k not in found}
    for evaluation in evaluations:
        for key in evaluation.keys:
            if key not in kept:
                found.setdefault(key, "not answered by all of the models fused")
    return found


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def _together(names: Sequence[str]) -> str:
    return "+".join(dict.fromkeys(names))


def _provenance(
    evaluations: Sequence[Evaluation], weights: Sequence[float], how: str
) -> dict[str, object]:
    """The first one's data and machine, and the weights files of all with their fusion weight."""
    used = [dict(e.provenance["weights"][0]) for e in evaluations if e.provenance.get("weights")]
    paired = zip(used, weights, evaluations, strict=False)
    named = [u | {"fusion_weight": float(w), "views": e.views} for u, w, e in paired]
    return {**evaluations[0].provenance, "weights": named, "fused": how}
