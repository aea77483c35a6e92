"""Scores that only puppets allow, whose truth is known: does a model look where it should?

Every number comes from the same path that a trace takes: frames from the middles of equal segments,
eval mode, nothing augmented. Shares and accuracies lie in [0, 1].

N clips · T frames · K classes · S image rows (MAN) or pixels (masks) · h, w feature-map size
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

import models
from actviz.clip.sampling import segment_indices
from actviz.datasets import puppets
from actviz.datasets.puppet_set import COARSE
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded
from actviz.learn.data.makers import pad_skeletons
from actviz.learn.data.puppet_flow import Snippets, puppet_snippets
from actviz.learn.data.puppets import (
    Frames,
    Skeletons,
    limb_masks,
    puppet_frames,
    puppet_skeletons,
)
from actviz.learn.evaluation import Evaluation
from actviz.learn.scores import curve_scores, map_scores, pair_scores, write_scores
from actviz.trace.cam import exact_cam

__all__ = ["ALL_CLIPS", "PAIRS", "evaluate_puppets"]

PAIRS = (("sit down", "stand up"), ("pick up", "put down"))  # each the other reversed in time
ALL_CLIPS = 600  # of a split that has no end: as many as the cards were scored on
_CLIPS = 16  # clips through a network at once
# How the answer that is scored came to be.
_VIEWS = {"tmnet": "glance", **dict.fromkeys(models.ON_JOINTS, "whole")}


@torch.inference_mode()
def evaluate_puppets(loaded: Loaded, *, part: str = "test", clips: int = ALL_CLIPS) -> Evaluation:
    """Answers of ``loaded`` to the first ``clips`` puppet clips of ``part``, with truth scores.

    Raises:
        ActvizError: weights whose classes are not the puppets' actions.
    """
    classes = loaded.card.classes
    if classes != tuple(puppets.ACTIONS):
        raise ActvizError(
            f"{loaded.name}: expected weights whose classes are the puppets' "
            f"{len(puppets.ACTIONS)} actions; got {len(classes)} classes, {classes[0]!r} first."
        )
    labels, logits, metrics = _SCORERS[loaded.card.model](loaded, part, clips)
    pairs = {
        f"{a} / {b}": pair_scores(labels, logits, (classes.index(a), classes.index(b)))
        for a, b in PAIRS
    }
    return Evaluation(
        keys=tuple(f"{part}/{seed}" for seed in puppets.scene_seeds(part, clips)),
        labels=labels,
        logits=logits,
        classes=classes,
        part=part,
        views=_VIEWS.get(loaded.card.model, "centre"),
        coarse=COARSE,
        truth=_without_nan({"pairs": pairs, **metrics}),
    )


Scored = tuple[NDArray[np.int64], NDArray[np.float32], dict[str, Any]]  # labels, logits, the rest


def _score_frames(loaded: Loaded, split: str, clips: int) -> Scored:
    data = _frames(loaded, split, clips)
    model: Any = loaded.model
    logits = torch.cat([model(frames).logits for frames in _batches(loaded, data)])
    return data.labels, logits.cpu().numpy(), {}


def _score_mam(loaded: Loaded, split: str, clips: int) -> Scored:
    data = _frames(loaded, split, clips)
    model: Any = loaded.model
    outputs = [model(frames) for frames in _batches(loaded, data)]
    logits, probability, written = (
        torch.cat([getattr(o, name) for o in outputs]).cpu().numpy()
        for name in ("logits", "write_probability", "written")
    )
    return data.labels, logits, {"write": write_scores(written > 0.5, data.evidence, probability)}


def _score_tmnet(loaded: Loaded, split: str, clips: int) -> Scored:
    """The answer is that of one glance at the centre frame; more glances beside it."""
    data = _frames(loaded, split, clips)
    model: Any = loaded.model
    weight = model.classifier.weight  # (K, C)
    parts: dict[str, list[Tensor]] = {k: [] for k in ("both", "rb", "cb", "cam_rb", "cam_cb")}
    done = 0
    for frames in _batches(loaded, data):
        glance = model.glance(frames)
        label = torch.from_numpy(data.labels[done : done + len(frames)])
        done += len(frames)
        for name, logits in zip(
            ("both", "rb", "cb"), (glance.logits, glance.logits_rb, glance.logits_cb), strict=True
        ):
            parts[name].append(logits)
        for branch, maps in (("cam_rb", glance.maps_rb), ("cam_cb", glance.maps_cb)):
            cams = [exact_cam(m, weight[k]) for m, k in zip(maps, label, strict=True)]
            parts[branch].append(torch.stack(cams))  # (B, T, h, w), for the true class
    joined = {name: torch.cat(values).cpu() for name, values in parts.items()}
    centre = loaded.card.frames // 2
    answers = {name: joined[name].numpy() for name in ("both", "rb", "cb")}
    masks = limb_masks(split, clips, count=loaded.card.frames, size=_size(loaded))
    metrics = {
        "one_glance": {n: _top1(a[:, centre], data.labels) for n, a in answers.items()},
        "one_glance_at_evidence": {n: _top1_at(a, data) for n, a in answers.items()},
        "glances": {n: _by_glances(a, data.labels) for n, a in answers.items()},
        "centre_is_evidence": float(data.evidence[:, centre].mean()),
        "cam_rb": _score_cam(joined["cam_rb"], data, masks),
        "cam_cb": _score_cam(joined["cam_cb"], data, masks),
    }
    return data.labels, answers["both"][:, centre], metrics


def _score_joints(loaded: Loaded, split: str, clips: int) -> Scored:
    """On the skeletons as they come: some in the camera's metres, some centred on the hips.

    And once more on all of them in either way, as from a depth sensor and as from a video.
    """
    data = puppet_skeletons(split, clips)
    logits, attention, rows = _run_joints(loaded, list(data.joints), list(data.present))
    metrics: dict[str, Any] = {}
    for root in ("camera", "hips"):
        same = puppet_skeletons(split, clips, root=root)
        answers, _, _ = _run_joints(loaded, list(same.joints), list(same.present))
        metrics[f"{root}_top1"] = _top1(answers, same.labels)
    if attention is not None:
        metrics["attention"] = _score_attention(attention, rows, data)
    return data.labels, logits, metrics


def _score_attention(attention: NDArray, rows: NDArray, data: Skeletons) -> dict[str, Any]:
    """Of each coordinate, and their mean, against the frames that show the action."""
    real = [r >= 0 for r in rows]
    evidence = [e[r[k]] for e, r, k in zip(data.evidence, rows, real, strict=True)]
    curves = {
        "mean": [a.mean(0)[k] for a, k in zip(attention, real, strict=True)],
        **{c: [a[i][k] for a, k in zip(attention, real, strict=True)] for i, c in enumerate("xyz")},
    }
    return {name: curve_scores(c, evidence) for name, c in curves.items()}


def _score_sequence(loaded: Loaded, split: str, clips: int) -> Scored:
    """A model that reads frames in order, with the flow around them where it reads two streams."""
    data, model = _frames(loaded, split, clips), loaded.model
    assert isinstance(model, models.SequenceModel)
    motion = _motion(loaded, split, clips) if model.two_stream else None
    flows = _batches(loaded, motion) if motion is not None else repeat(None)
    pairs = zip(_batches(loaded, data), flows, strict=False)
    logits = torch.cat([model(frames, flow).logits for frames, flow in pairs])
    return data.labels, logits.cpu().numpy(), {}


_SEQUENCES = ("convnet", "lstm", "alstm", "convlstm", "videolstm", "l2stm", "tslstm")
_ON_CLIPS = ("tsn", "tsm", "res_i3d", "resnet3d18")
_SCORERS: dict[str, Callable[[Loaded, str, int], Scored]] = {
    "mam": _score_mam,
    "tmnet": _score_tmnet,
    **dict.fromkeys(models.ON_JOINTS, _score_joints),
    **dict.fromkeys(_ON_CLIPS, _score_frames),
    **dict.fromkeys(_SEQUENCES, _score_sequence),
}


def _run_joints(
    loaded: Loaded, joints: list[NDArray[np.float32]], present: list[NDArray[np.bool_]]
) -> tuple[NDArray, NDArray | None, NDArray]:
    """Logits (N, K), attention (N, 3, S) of what has it, and source frames (N, S), -1 for none."""
    device = next(loaded.model.parameters()).device
    parts = []
    for start in range(0, len(joints), _CLIPS):
        some = slice(start, start + _CLIPS)
        batch = pad_skeletons(list(zip(joints[some], present[some], strict=True)))
        output = loaded.model(batch["joints"].to(device), batch["present"].to(device))
        parts.append((output.logits, output.rows, output.attention))
    logits, rows, weights = zip(*parts, strict=True)
    attention = None if weights[0] is None else torch.cat(weights).cpu().numpy()
    return torch.cat(logits).cpu().numpy(), attention, torch.cat(rows).cpu().numpy()


def _frames(loaded: Loaded, split: str, clips: int) -> Frames | Snippets:
    """Frames (N, T, S, S, 3) of the clips, or snippets (N, T, S, S, 2L) where it takes flow."""
    if loaded.card.modality == "flow":
        return puppet_snippets(
            split,
            clips,
            count=loaded.card.frames,
            length=loaded.card.flow_length,
            size=_size(loaded),
        )
    return puppet_frames(split, clips, count=loaded.card.frames, size=_size(loaded))


def _motion(loaded: Loaded, split: str, clips: int) -> Frames | Snippets:
    """What the second stream sees: flow around the frames, or the first one's own snippets."""
    if loaded.card.modality == "flow":
        return _frames(loaded, split, clips)
    return puppet_snippets(
        split,
        clips,
        count=loaded.card.frames,
        length=loaded.card.overrides["motion_length"],
        size=_size(loaded),
        around=True,
    )


def _size(loaded: Loaded) -> int:
    if loaded.card.input_size is None:
        raise ActvizError(f"{loaded.name}: the card names no input_size, which pictures need.")
    return loaded.card.input_size


def _batches(loaded: Loaded, data: Frames | Snippets) -> Iterator[Tensor]:
    """Frames (B, T, 3, S, S), or flow (B, T, 2L, S, S), in [0, 1] on the model's device."""
    device = next(loaded.model.parameters()).device
    for start in range(0, len(data), _CLIPS):
        pictures = torch.from_numpy(data.some(slice(start, start + _CLIPS)))
        yield pictures.to(device).movedim(-1, -3).float() / 255


def _score_cam(cams: Tensor, data: Frames | Snippets, masks: NDArray[np.bool_]) -> dict[str, Any]:
    """Evidence maps (N, T, h, w) of the true class, against evidence frames and moving limbs."""
    strength = cams.clamp(min=0).mean((2, 3)).numpy()  # (N, T)
    size = masks.shape[-1]
    kept = cams[torch.from_numpy(data.evidence)]  # (M, h, w)
    large = F.interpolate(kept[:, None], size=(size, size), mode="bilinear", align_corners=False)
    return {
        "frames": curve_scores(list(strength), list(data.evidence)),
        "limbs": map_scores(large[:, 0].numpy(), np.asarray(masks)[data.evidence]),
    }


def _by_glances(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    """Top-1 of the mean of 1, 2, 4, … glances spread over the clip; logits (N, T, K)."""
    count = logits.shape[1]
    numbers = [n for n in (1, 2, 4, 8, 16, 32) if n <= count]
    return {str(n): _top1(logits[:, segment_indices(count, n)].mean(1), labels) for n in numbers}


def _top1_at(logits: NDArray[np.float32], data: Frames | Snippets) -> float:
    """Top-1 of single glances at frames that show the action."""
    labels = np.broadcast_to(data.labels[:, None], data.evidence.shape)
    return _top1(logits[data.evidence], labels[data.evidence])


def _top1(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float((logits.argmax(1) == labels).mean())


def _without_nan(value: Any) -> Any:
    """JSON has no nan: a score that could not be computed becomes None."""
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    return None if isinstance(value, float) and value != value else value
