"""A trace's curves as a table: one row per frame the model looked at, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.trace.schema import (
    MAMTrace,
    MANTrace,
    SequenceTrace,
    TMNetTrace,
    Trace,
    TwoStreamTrace,
)
from models.mam import CONTROLLER_INPUTS

__all__ = ["curves_csv"]

_GLANCES = (
    "disagreement",
    "branch_distance",
    "memory_distance_rb",
    "memory_distance_cb",
    "memory_similarity_rb",
    "memory_similarity_cb",
)


def curves_csv(trace: Trace) -> str:
    """The curves of a trace as a table, one row per frame the model looked at."""
    columns: dict[str, NDArray] = {"time_s": trace.times_s, "frame": trace.frame_index}
    if isinstance(trace, MAMTrace):
        columns |= _memory_columns(trace)
        if isinstance(trace, TwoStreamTrace):
            columns |= {f"flow_{n}": c for n, c in _memory_columns(trace.flow).items()}
    elif isinstance(trace, TMNetTrace):
        columns |= _glance_columns(trace)
    elif isinstance(trace, SequenceTrace):
        columns |= {n: trace.frame_probabilities[:, k] for k, n in enumerate(trace.classes)}
        if trace.attention is not None:
            columns["attention_peak"] = trace.attention_peak
    elif isinstance(trace, MANTrace):
        columns |= {f"attention_{c}": trace.attention[i] for i, c in enumerate("xyz")}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        table.writerow([_cell(x) for x in row])
    return text.getvalue()


def _memory_columns(trace: MAMTrace) -> dict[str, NDArray]:
    k = int(trace.clip_probabilities.argmax())
    terms = {f"score: {n}": trace.score_terms[:, i] for i, n in enumerate(CONTROLLER_INPUTS)}
    return {
        "shown": trace.shown,
        "write_probability": trace.write_probability,
        "written": trace.written.astype(int),
        "memory_size": trace.memory_size,
        "score": trace.score,
        **terms,
        "similarity": trace.similarity,
        "state_reset": trace.state_reset.astype(int),
        f"contribution: {trace.classes[k]}": trace.contribution[:, k],
    }


def _glance_columns(trace: TMNetTrace) -> dict[str, NDArray]:
    columns: dict[str, NDArray] = {}
    for k, name in enumerate(trace.classes):
        columns[f"rb: {name}"] = trace.probabilities_rb[:, k]
        columns[f"cb: {name}"] = trace.probabilities_cb[:, k]
        columns[f"both: {name}"] = trace.probabilities[:, k]
    columns |= {name: getattr(trace, name) for name in _GLANCES} | {
        "agree": trace.agree.astype(int)
    }
    if trace.motion is not None:
        pixels = trace.motion.astype(np.float32) * np.float32(trace.motion_max)
        columns["motion"] = pixels.mean((1, 2))  # pixels per frame, mean over what the model sees
    return columns


def _cell(value: Any) -> Any:
    if not isinstance(value, np.floating):
        return value
    return "" if np.isnan(value) else f"{value:.6g}"
