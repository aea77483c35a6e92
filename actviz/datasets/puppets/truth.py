"""What is known about a puppet clip, frame by frame."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.errors import ActvizError

__all__ = ["PuppetTruth", "Shot"]

KINDS = ("action", "close-up", "empty stage", "idle", "pan")


@dataclass(frozen=True)
class Shot:
    """Frames ``start`` (included) to ``stop`` (excluded) between two cuts."""

    kind: str  # one of KINDS
    start: int
    stop: int


@dataclass(frozen=True)
class PuppetTruth:
    """The truth of one clip of T frames."""

    seed: int
    action: str
    times_s: NDArray[np.float64]  # (T,)
    evidence: NDArray[np.bool_]  # (T,), is the action visible now
    phase: NDArray[np.float64]  # (T,), 0 → 1 through each performance and 1 while it
    # holds still afterwards; 0 elsewhere
    cuts_s: NDArray[np.float64]  # (M,), time of the first frame after each cut
    shots: tuple[Shot, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {
            "seed": self.seed,
            "action": self.action,
            "times_s": [round(float(value), 9) for value in self.times_s],
            "evidence": [bool(value) for value in self.evidence],
            "phase": [round(float(value), 9) for value in self.phase],
            "cuts_s": [round(float(value), 9) for value in self.cuts_s],
            "shots": [{"kind": s.kind, "start": s.start, "stop": s.stop} for s in self.shots],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PuppetTruth:
        """Back from ``to_json``."""
        return cls(
            seed=int(data["seed"]),
            action=str(data["action"]),
            times_s=np.asarray(data["times_s"], dtype=np.float64),
            evidence=np.asarray(data["evidence"], dtype=bool),
            phase=np.asarray(data["phase"], dtype=np.float64),
            cuts_s=np.asarray(data["cuts_s"], dtype=np.float64),
            shots=tuple(Shot(s["kind"], int(s["start"]), int(s["stop"])) for s in data["shots"]),
        )

    def save(self, path: str | Path) -> None:
        """Write as JSON."""
        Path(path).write_text(json.dumps(self.to_json()) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> PuppetTruth:
        """Read what ``save`` wrote."""
        try:
            return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise ActvizError(
                f"{path}: expected the truth of a puppet clip (JSON); got {problem}. "
                "Write one with PuppetTruth.save."
            ) from problem
