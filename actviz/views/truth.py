"""The truth of a puppet clip, as the lane under a model's decisions shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from actviz.views.checks import check_clock, frame_edges, runs

__all__ = ["Truth"]


def _no_cuts() -> NDArray[np.float64]:
    return np.zeros(0)


@dataclass(frozen=True)
class Truth:
    """When the action could be seen, where the film was cut and, where known, its phases.

    Raises ``ValueError`` where shapes disagree or time does not increase.
    """

    times_s: NDArray[np.float64]  # (N,), strictly increasing; need not be the model's frames
    evidence: NDArray[np.bool_]  # (N,), the action is visible now
    cuts_s: NDArray[np.float64] = field(default_factory=_no_cuts)  # (M,), first frames after cuts
    phases: Sequence[str] | None = None  # (N,), names

    def __post_init__(self) -> None:
        times = check_clock(self.times_s)
        if np.shape(self.evidence) != times.shape:
            raise ValueError(
                f"Truth.evidence must have shape {times.shape}; got {np.shape(self.evidence)}."
            )
        if self.phases is not None and len(self.phases) != len(times):
            raise ValueError(f"Truth.phases must hold {len(times)} names; got {len(self.phases)}.")

    def spans(self) -> list[tuple[float, float]]:
        """(start, end) in seconds of every stretch in which the action is visible."""
        edges = frame_edges(np.asarray(self.times_s, dtype=np.float64))
        return [(float(edges[a]), float(edges[b])) for a, b, on in runs(self.evidence) if on]

    def cut_marks(self) -> list[float]:
        """Seconds of every cut, on the border before the first frame after it."""
        times = np.asarray(self.times_s, dtype=np.float64)
        first = np.searchsorted(times, np.asarray(self.cuts_s, dtype=np.float64) - 1e-9)
        return [float(edge) for edge in frame_edges(times)[first[first < len(times)]]]

    def phase_spans(self) -> list[tuple[float, float, str]]:
        """(start, end, name) in seconds of every phase; empty where none are known."""
        if self.phases is None:
            return []
        edges = frame_edges(np.asarray(self.times_s, dtype=np.float64))
        starts = [i for i, p in enumerate(self.phases) if i == 0 or p != self.phases[i - 1]]
        stops = [*starts[1:], len(self.phases)]
        return [
            (float(edges[a]), float(edges[b]), str(self.phases[a]))
            for a, b in zip(starts, stops, strict=True)
        ]

    def shown_as(self, times_s: NDArray[np.float64], source_s: NDArray[np.float64]) -> Truth:
        """The truth of a film whose frames stand in another order; it has no cuts of its own.

        Args:
            times_s: (P,) seconds of the places, strictly increasing.
            source_s: (P,) when in the clip the frame at each place happens.
        """
        own = np.asarray(self.times_s, dtype=np.float64)
        at = np.abs(own[None] - np.asarray(source_s, dtype=np.float64)[:, None]).argmin(axis=1)
        return Truth(check_clock(times_s), np.asarray(self.evidence, dtype=bool)[at])
