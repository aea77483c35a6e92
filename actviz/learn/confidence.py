"""How sure a score is: 95 % intervals of shares and of mean class accuracy.

Both take clips for independent draws. Clips cut from one film or of one actor are not quite, so
that the true intervals are somewhat wider.

K classes
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRAWS", "mean_class_interval", "wilson_interval"]

Z = 1.959963984540054  # of the normal distribution, 97.5 %
DRAWS = 10_000  # of the bootstrap
_SEED = 0


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """95 % interval of a share of ``right`` in ``total`` (Wilson, 1927), within [0, 1].

    Unlike the usual ± 1.96 standard errors it holds for few clips and near 0 and 1.

    Raises:
        ValueError: no clip, or more right than there are.
    """
    if not 0 <= right <= total or total < 1:
        raise ValueError(f"expected 0 <= right <= total with total >= 1; got {right} of {total}.")
    share, z2 = right / total, Z * Z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    low = 0.0 if right == 0 else middle - half  # exactly, not up to rounding
    return low, 1.0 if right == total else middle + half


def mean_class_interval(
    right: NDArray[np.integer], total: NDArray[np.integer], *, seed: int = _SEED
) -> tuple[float, float]:
    """95 % bootstrap interval (2.5 and 97.5 percentile) of the mean of the classes' accuracies.

    Clips are drawn again with replacement within their class, so that each class keeps its number
    of clips; of such a draw only the number right matters, which is binomial. Classes that are all
    right or all wrong add no spread, which flatters where classes have few clips.

    Args:
        right: (K,) clips of each class answered right.
        total: (K,) clips of each class; classes without a clip are left out.
    """
    there = np.asarray(total) > 0
    count = np.asarray(total)[there]
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(count, np.asarray(right)[there] / count, size=(DRAWS, len(count)))
    low, high = np.quantile((drawn / count).mean(1), (0.025, 0.975))
    return float(low), float(high)
