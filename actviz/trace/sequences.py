"""The models that MAM is compared with, frame by frame: answers over time, and where they look.

The soft-attention LSTM and VideoLSTM weigh the places of a frame's map before they go on to the
next frame; those weights are kept. What the others say at each frame is all there is to see.

B batch (here 1) · T frames, and snippets of flow at them · K classes · h, w map size
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from actviz.clip.types import Clip, ClipInfo
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.trace.cam import scale_together
from actviz.trace.common import Progress, frame_batches, probabilities, trace_head
from actviz.trace.flow import FlowSnippets, flow_batches
from actviz.trace.schema import SequenceTrace

__all__ = ["flow_length_of", "trace_sequence"]


@torch.inference_mode()
def trace_sequence(
    loaded: Loaded,
    clip: Clip,
    *,
    info: ClipInfo | None = None,
    flow: FlowSnippets | None = None,
    progress: Progress | None = None,
) -> SequenceTrace:
    """What a rival says at every frame of ``clip``, and where it looks.

    Args:
        flow: snippets at the clip's frames, for weights on flow and of two streams.

    Raises:
        ActvizError: the clip has too few frames for the model.
    """
    logits, frame_logits, attention = _answers(loaded, clip, flow, progress)
    maximum, maps = 0.0, None
    if attention is not None:
        maximum, (maps,) = scale_together(attention)
    head = trace_head(loaded, clip, info)
    if flow is not None:
        head["clip"] = head["clip"] | {"flow": flow.facts}
    return SequenceTrace(
        **head,
        probabilities=probabilities(logits),
        rival=loaded.card.model,
        frame_probabilities=probabilities(frame_logits),
        attention_max=maximum,
        attention=maps,
    )


def flow_length_of(loaded: Loaded) -> int:
    """L of the snippets that the weights look at, in whatever stream; 0: frames alone."""
    network: Any = loaded.model
    if loaded.card.modality == "flow":
        return loaded.card.flow_length  # of both streams, where there are two
    return int(network.motion_backbone.flow_length) if getattr(network, "two_stream", False) else 0


def _answers(
    loaded: Loaded, clip: Clip, flow: FlowSnippets | None, progress: Progress | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Logits of the clip (K,) and of its frames (T, K), and attention (T, h, w)."""
    model: Any = loaded.model
    if loaded.card.modality == "flow":
        batches = _moving(loaded, flow, progress)
    else:
        batches = frame_batches(loaded, clip, progress)
    if not hasattr(model, "rollout"):  # TSN: frames apart, their mean together
        frame_logits = torch.cat([model(batch).frame_logits for batch in batches], 1)[0]
        return frame_logits.mean(0), frame_logits, None
    features = torch.cat([model.features(batch) for batch in batches], 1)
    motion = None
    if model.two_stream:
        snippets = _moving(loaded, flow, None)
        motion = torch.cat([model.motion_features(part) for part in snippets], 1)
    try:
        output = model.rollout(features, motion)
    except ValueError as error:  # fewer frames than it cuts a clip into
        raise ActvizError(f"{clip.source}: {error}") from error
    attention = None if output.attention is None else output.attention[0]
    return output.logits[0], output.frame_logits[0], attention


def _moving(
    loaded: Loaded, flow: FlowSnippets | None, progress: Progress | None
) -> Iterator[Tensor]:
    if flow is None:
        raise ValueError(f"{loaded.name} looks at optical flow: give its snippets.")
    return flow_batches(flow, next(loaded.model.parameters()).device, progress)
