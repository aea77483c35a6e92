"""MAM on optical flow, alone or as the second of two streams.

Two streams are trained apart, decide apart what they write, and answer together by the mean of
their logits before softmax, 1 : 1 (MAM, section "Two-stream"; ``actviz.learn.fusion``).

T frames, and snippets at them · K classes
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import torch

from actviz.clip.types import Clip, ClipInfo
from actviz.learn.checkpoints import Loaded
from actviz.learn.fusion import mean_answer
from actviz.trace.common import Progress, expect_model, trace_head
from actviz.trace.flow import FlowSnippets, flow_batches
from actviz.trace.schema import MAMTrace, TwoStreamTrace
from actviz.trace.whatif import CachedMAM, what_if

__all__ = ["ask_streams", "flow_features", "two_streams"]


@torch.inference_mode()
def flow_features(
    loaded: Loaded,
    clip: Clip,
    flow: FlowSnippets,
    *,
    info: ClipInfo | None = None,
    progress: Progress | None = None,
) -> CachedMAM:
    """The flow CNN's pass over the snippets at the frames of ``clip``, for ``what_if``.

    Raises:
        ActvizError: the weights are not of MAM.
    """
    model = expect_model(loaded, "mam")
    device = next(loaded.model.parameters()).device
    parts = [model.features(batch) for batch in flow_batches(flow, device, progress)]
    head = trace_head(loaded, clip, info)
    head["clip"] = head["clip"] | {"flow": flow.facts}
    return CachedMAM(model, torch.cat(parts, dim=1), head)


def ask_streams(frames: CachedMAM, flow: CachedMAM | None, **conditions: Any) -> MAMTrace:
    """``what_if`` of one stream, or under the same conditions of both."""
    trace = what_if(frames, **conditions)
    return trace if flow is None else two_streams(trace, what_if(flow, **conditions))


def two_streams(frames: MAMTrace, flow: MAMTrace) -> TwoStreamTrace:
    """The trace of the stream on frames, with that on flow and the answer of both.

    Raises:
        ValueError: they are not of the same moments, or know other classes.
    """
    if not np.array_equal(frames.times_s, flow.times_s):
        raise ValueError("both streams must be traced at the same moments; these differ.")
    if set(frames.classes) != set(flow.classes):
        raise ValueError("both streams must know the same classes; these differ in theirs.")
    there = [flow.classes.index(name) for name in frames.classes]
    logits = mean_answer([frames.logits[None], flow.logits[None, there]], (1, 1))[0]
    odds = np.exp(logits - logits.max())
    own = {f.name: getattr(frames, f.name) for f in fields(MAMTrace)}
    return TwoStreamTrace(**own, flow=flow, fused=odds / odds.sum())
