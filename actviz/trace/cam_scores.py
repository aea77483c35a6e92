"""How maps of evidence lie on what moves, and by how much one branch's lie better than another's.

Every score is of one map and keeps the leading axes: maps (..., h, w) -> (...). None changes when a
map is multiplied by a positive number, so that frames, clips and networks can be compared. nan says
that a score has no answer: no positive evidence, nothing that moves.

N clips · h, w pixels
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Interval",
    "area_above_half",
    "branch_difference",
    "energy_inside",
    "fastest",
    "mask_covered",
    "motion_correlation",
    "pointing_game",
    "steadiness",
]

Floats = NDArray[np.floating]
Scores = NDArray[np.float64]
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Interval:
    """A mean over clips with a bootstrap confidence interval."""

    mean: float
    low: float
    high: float
    clips: int

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def energy_inside(cam: Floats, mask: Masks) -> Scores:
    """Share of the positive evidence that lies inside the mask; by chance, the mask's area."""
    positive = _positive(cam, mask)
    total, inside = positive.sum((-2, -1)), (positive * mask).sum((-2, -1))
    return _share(inside, total, known=np.asarray(mask.any((-2, -1))))


def pointing_game(cam: Floats, mask: Masks) -> Scores:
    """1 where the highest point lies inside the mask, else 0; by chance, the mask's area.

    Without positive evidence nothing is pointed at, which is a miss.
    """
    positive = _positive(cam, mask)
    places = positive.reshape(*positive.shape[:-2], -1)
    highest = places.argmax(-1)[..., None]
    hit = np.take_along_axis(np.broadcast_to(mask, cam.shape).reshape(places.shape), highest, -1)
    hits = (hit[..., 0] & (places.max(-1) > 0)).astype(np.float64)
    return np.where(mask.any((-2, -1)), hits, np.nan)


def area_above_half(cam: Floats) -> Scores:
    """Share of the picture where the evidence is at least half of the map's own maximum."""
    above, known = _upper_half(cam)
    return np.where(known, above.mean((-2, -1)), np.nan)


def mask_covered(cam: Floats, mask: Masks) -> Scores:
    """Share of the mask where the evidence is at least half of the map's own maximum.

    By chance ``area_above_half``; what the paper's "a larger motion area is captured" is about.
    """
    above, known = _upper_half(_same_size(cam, mask))
    return _share((above & mask).sum((-2, -1)), mask.sum((-2, -1)), known=known)


def motion_correlation(cam: Floats, motion: Floats) -> Scores:
    """Rank correlation (Spearman) of the positive evidence with what moves, over the places."""
    from scipy.stats import rankdata

    positive = _positive(cam, motion)
    ranks = [
        rankdata(values.reshape(*values.shape[:-2], -1), axis=-1)
        for values in (positive, np.asarray(motion, np.float64))
    ]
    return _correlation(*ranks)


def fastest(motion: Floats, share: float = 0.2) -> Masks:
    """Mask of the places that move fastest, so large a share of the picture; ties lie outside.

    Empty where nothing moves.
    """
    flat = motion.reshape(*motion.shape[:-2], -1)
    level = np.quantile(flat, 1 - share, axis=-1)[..., None, None]
    return np.asarray(motion > level)


def steadiness(cams: Floats) -> float:
    """Mean correlation (Pearson) of each map (T, h, w) with the next one; nan where none has."""
    flat = np.clip(np.asarray(cams, np.float64), 0, None).reshape(len(cams), -1)
    found = _correlation(flat[:-1], flat[1:])
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def branch_difference(rb: Floats, cb: Floats, *, level: float = 0.95, seed: int = 0) -> Interval:
    """RB - CB over clips (N,), each clip's scores a pair; a clip without both is left out.

    Raises:
        ValueError: fewer than two clips have both, which tells nothing of their spread.
    """
    from scipy.stats import bootstrap

    difference = np.asarray(rb, np.float64) - np.asarray(cb, np.float64)
    difference = difference[np.isfinite(difference)]
    if len(difference) < 2:
        raise ValueError(f"expected at least two clips with both scores; got {len(difference)}.")
    mean = float(difference.mean())
    if np.ptp(difference) == 0:  # of which no resampling can make anything else
        return Interval(mean, mean, mean, len(difference))
    found: Any = bootstrap(
        (difference,),
        np.mean,
        confidence_level=level,
        method="percentile",
        n_resamples=4999,
        batch=100,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), len(difference))


def _positive(cam: Floats, other: NDArray[Any]) -> Scores:
    return np.clip(np.asarray(_same_size(cam, other), np.float64), 0, None)


def _same_size(cam: Floats, other: NDArray[Any]) -> Floats:
    if cam.shape != other.shape:
        raise ValueError(
            f"maps and what they are compared with must have one shape (..., h, w); got "
            f"{cam.shape} and {other.shape}. Bring the maps to its size."
        )
    return cam


def _upper_half(cam: Floats) -> tuple[Masks, Masks]:
    """Where each map reaches half of its maximum, and whether it has one above 0 (...)."""
    most = np.asarray(cam, np.float64).max((-2, -1))
    return np.asarray(cam >= most[..., None, None] / 2), most > 0


def _share(part: NDArray[Any], whole: NDArray[Any], *, known: Masks) -> Scores:
    known = known & (whole > 0)
    return np.where(known, part / np.where(known, whole, 1), np.nan)


def _correlation(one: Floats, other: Floats) -> Scores:
    """Pearson over the last axis; nan where one of the two is flat."""
    a, b = (x - x.mean(-1, keepdims=True) for x in (one, other))
    size = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return np.where(size > 0, (a * b).sum(-1) / np.where(size > 0, size, 1), np.nan)
