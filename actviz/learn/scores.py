"""Scores from plain arrays: how often right, and how well a curve or a map finds the evidence.

N clips · T frames · K classes · h, w pixels. Every score comes with the chance level it must beat.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "answer_scores",
    "auroc",
    "confusion_matrix",
    "curve_scores",
    "map_scores",
    "pair_scores",
    "write_scores",
]

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def confusion_matrix(
    labels: NDArray[np.integer], answers: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Counts (K, K): row the true class, column the answer."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, answers), 1)
    return counts


def answer_scores(labels: NDArray[np.integer], logits: Floats) -> dict[str, float]:
    """Top-1, top-5 and mean class accuracy of ``logits`` (N, K), each in [0, 1]."""
    order = np.argsort(-logits, axis=1, kind="stable")
    hits = order == labels[:, None]
    per_class = [hits[labels == k, 0].mean() for k in np.unique(labels)]
    return {
        "top1": float(hits[:, 0].mean()),
        "top5": float(hits[:, :5].any(1).mean()),
        "mean_class": float(np.mean(per_class)),
    }


def pair_scores(
    labels: NDArray[np.integer], logits: Floats, pair: tuple[int, int]
) -> dict[str, float]:
    """For two classes that are each other reversed in time: right, swapped, something else.

    nan where neither has a clip.
    """
    of_pair = np.isin(labels, pair)
    if not of_pair.any():
        return dict.fromkeys(("right", "swapped", "other"), float("nan"))
    answers = logits[of_pair].argmax(1)
    right = answers == labels[of_pair]
    swapped = np.isin(answers, pair) & ~right
    return {
        "right": float(right.mean()),
        "swapped": float(swapped.mean()),
        "other": float((~right & ~swapped).mean()),
    }


def auroc(scores: Floats, positive: Bools) -> float:
    """Chance that a positive scores above a negative, ties counting half; 0.5 is chance.

    nan where one of the two kinds is missing.
    """
    scores, positive = scores.ravel(), positive.ravel()
    n_pos = int(positive.sum())
    n_neg = positive.size - n_pos
    if n_pos == 0 or n_neg == 0:
        return float("nan")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]  # mean rank of ties, from 1
    return float((rank[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


def write_scores(written: Bools, evidence: Bools, probability: Floats) -> dict[str, float]:
    """How MAM's written frames agree with the evidence; all arrays (N, T).

    ``precision`` is to be read against ``chance``, the share of evidence among the frames looked
    at. Recall below 1 is natural: a mean over some of several alike items suffices.
    """
    written = written.astype(bool)
    both = (written & evidence).sum()
    return {
        "precision": float(both / max(written.sum(), 1)),
        "chance": float(evidence.mean()),
        "recall": float(both / max(evidence.sum(), 1)),
        "rate": float(written.mean()),
        "empty_memory": float((~written.any(1)).mean()),
        "full_memory": float(written.all(1).mean()),
        "auroc": _mean_over_clips(probability, evidence),
    }


def curve_scores(curves: Sequence[Floats], evidence: Sequence[Bools]) -> dict[str, float]:
    """How a curve over time finds the evidence frames; one (T,) pair per clip, T may differ.

    ``inside_minus_outside`` in the curve's unit, 0 is chance, to be read beside ``sd``, how much
    the curve varies within a clip at all; ``auroc`` within clips, 0.5 is chance;
    ``precision_at_k`` of the k highest frames, k the number of evidence frames, against
    ``chance``. Clips all evidence or without any are left out, and the rest counted.
    """
    gaps, areas, precise, chance, sds = [], [], [], [], []
    for curve, truth in zip(curves, evidence, strict=True):
        if truth.all() or not truth.any():
            continue
        gaps.append(curve[truth].mean() - curve[~truth].mean())
        areas.append(auroc(curve, truth))
        highest = np.argsort(-curve, kind="stable")[: truth.sum()]
        precise.append(truth[highest].mean())
        chance.append(truth.mean())
        sds.append(curve.std())
    if not gaps:
        nothing = float("nan")
        return dict.fromkeys(_CURVE_KEYS[:-1], nothing) | {"clips": 0}
    values = (*(float(np.mean(v)) for v in (gaps, areas, precise, chance, sds)), len(gaps))
    return dict(zip(_CURVE_KEYS, values, strict=True))


_CURVE_KEYS = ("inside_minus_outside", "auroc", "precision_at_k", "chance", "sd", "clips")


def map_scores(maps: Floats, masks: Bools) -> dict[str, float]:
    """How maps of evidence (N, h, w) lie on masks (N, h, w) of the same size.

    ``energy_inside``: share of the positive evidence inside the mask, to be read against
    ``area``, the mask's share of the picture; ``pointing``: share of maps whose highest point is
    inside the mask, whose chance is ``area`` too. Pictures with an empty mask are left out and
    counted; a map without positive evidence counts as a miss in ``pointing`` and is left out of
    ``energy_inside``.
    """
    kept = masks.any((1, 2))
    maps, masks = np.clip(maps[kept], 0, None), masks[kept]
    energy = maps.sum((1, 2))
    lit = energy > 0
    inside = (maps * masks).sum((1, 2))[lit] / energy[lit]
    pixels = maps.shape[1] * maps.shape[2]
    highest = maps.reshape(len(maps), pixels).argmax(1)
    hit = masks.reshape(len(masks), pixels)[np.arange(len(masks)), highest] & lit
    return {
        "energy_inside": float(inside.mean()) if lit.any() else float("nan"),
        "area": float(masks.mean()) if len(masks) else float("nan"),
        "pointing": float(hit.mean()) if len(masks) else float("nan"),
        "without_evidence": float((~lit).mean()) if len(masks) else float("nan"),
        "pictures": len(maps),
    }


def _mean_over_clips(scores: Floats, positive: Bools) -> float:
    areas = [auroc(s, p) for s, p in zip(scores, positive, strict=True)]
    known = [a for a in areas if a == a]
    return float(np.mean(known)) if known else float("nan")
