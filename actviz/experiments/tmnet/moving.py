"""TMNet's maps, answers and features on puppet clips whose truth is known, clip by clip.

N clips · T glances of one · C channels · h, w feature-map size · S pixels

Branches lie along a leading axis of two: RB, then CB.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from actviz.datasets.puppets import make_scene, scene_seeds
from actviz.learn.checkpoints import Loaded
from actviz.learn.data.puppets import limb_masks, puppet_frames
from actviz.trace.cam import exact_cam
from actviz.trace.cam_scores import (
    area_above_half,
    energy_inside,
    fastest,
    mask_covered,
    motion_correlation,
    pointing_game,
)
from actviz.trace.glances import smooth_l1
from actviz.trace.motion import FLAT, motion_around
from models.tmnet import TMNet, centre_key

__all__ = ["SHARE", "Glances", "clip_mean", "enlarged", "glances_of", "score_puppets"]

SHARE = 0.2  # of the picture: its fastest places
_BATCH = 16  # clips through the network at once
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Glances:
    """What glances at one puppet clip saw, with the truth about its frames."""

    frames: NDArray[np.uint8]  # (T, S, S, 3)
    numbers: NDArray[np.int64]  # (T,), of the frames in the clip
    evidence: NDArray[np.bool_]  # (T,), is the action visible
    masks: NDArray[np.bool_]  # (T, S, S), the limbs that move
    label: int
    probability: Floats  # (2, T), of the true class
    cams: Tensor  # (2, T, h, w), its evidence, signed
    features: Tensor  # (2, T, C)
    seed: int  # of the scene


@torch.inference_mode()
def glances_of(loaded: Loaded, clips: int) -> Iterator[Glances]:
    """Glances of ``loaded`` at the first ``clips`` test clips, as many of each as it trained on."""
    model, card = loaded.model, loaded.card
    assert isinstance(model, TMNet)
    assert card.input_size is not None  # it looks at pictures
    count, size = card.frames, card.input_size
    data = puppet_frames("test", clips, count=count, size=size)
    masks, seeds = (
        limb_masks("test", clips, count=count, size=size),
        scene_seeds("test", clips),
    )
    device = next(model.parameters()).device
    for start in range(0, clips, _BATCH):
        frames = data.some(slice(start, start + _BATCH))
        seen = model.glance(torch.from_numpy(frames).to(device).movedim(-1, -3).float() / 255)
        maps = torch.stack((seen.maps_rb, seen.maps_cb)).float()  # (2, B, T, C, h, w)
        logits = torch.stack((seen.logits_rb, seen.logits_cb)).float()  # (2, B, T, K)
        for row in range(len(frames)):
            at, label = start + row, int(data.labels[start + row])
            yield Glances(
                frames=frames[row],
                numbers=data.numbers[at],
                evidence=data.evidence[at],
                masks=np.asarray(masks[at]),
                label=label,
                probability=logits[:, row].softmax(-1)[..., label].double().cpu().numpy(),
                cams=exact_cam(maps[:, row], model.classifier.weight[label]).cpu(),
                features=maps[:, row].mean((-2, -1)).cpu(),
                seed=seeds[at],
            )


def score_puppets(
    loaded: Loaded, clips: int, *, progress: Callable[[int, int], None] | None = None
) -> dict[str, Floats]:
    """Scores (2, N) by name, each the mean over a clip's frames that show the action.

    "probability" is of the key frame at a glance, the centre; "distance" and "cosine" are of all
    glances to the clip's F_cls. "mask" is the share of the picture that moves. nan: no answer.
    """
    found: dict[str, list[Any]] = {}
    for done, glances in enumerate(glances_of(loaded, clips), 1):
        scores = _knowledge(glances) | _places(glances) | _on_flow(glances)
        for name, pair in scores.items():
            found.setdefault(name, []).append(pair)
        if progress:
            progress(done, clips)
    return {name: np.stack(pairs, axis=1) for name, pairs in found.items()}


def _knowledge(glances: Glances) -> dict[str, Floats]:
    """What each branch's glance says, and how near it is to what CB makes of all frames."""
    memory = glances.features[1].mean(0).expand_as(glances.features)  # F_cls
    centre = centre_key(len(glances.frames))
    return {
        "probability": glances.probability[:, centre],
        "probability_at_action": clip_mean(glances.probability[:, glances.evidence]),
        "distance": clip_mean(smooth_l1(glances.features, memory).double().numpy()),
        "cosine": clip_mean(F.cosine_similarity(glances.features, memory, dim=-1).double().numpy()),
    }


def _places(glances: Glances) -> dict[str, Floats]:
    """Where the evidence lies, against the limbs that move."""
    shown = glances.evidence
    cams = enlarged(glances.cams[:, torch.from_numpy(shown)], glances.masks.shape[1:])
    masks = np.broadcast_to(glances.masks[shown], cams.shape)
    return {
        "energy": clip_mean(energy_inside(cams, masks)),
        "pointing": clip_mean(pointing_game(cams, masks)),
        "covered": clip_mean(mask_covered(cams, masks)),
        "area": clip_mean(area_above_half(cams)),
        "mask": clip_mean(masks.mean((-2, -1))),
    }


def _on_flow(glances: Glances) -> dict[str, Floats]:
    """How the evidence follows what moves by optical flow."""
    scene, size = make_scene(glances.seed), glances.frames.shape[1]

    def around(number: int) -> NDArray[np.uint8] | None:
        return scene.render([number], size=size)[0] if 0 <= number < len(scene) else None

    shown = np.flatnonzero(glances.evidence)
    moved = [
        motion_around(around(n - 1), frame, around(n + 1))
        for n, frame in zip(glances.numbers[shown], glances.frames[shown], strict=True)
    ]
    kept = [k for k, m in enumerate(moved) if m.max() >= FLAT]
    if not kept:
        return dict.fromkeys(("flow", "fastest"), np.full(2, np.nan))
    motion = np.stack([moved[k] for k in kept])
    cams = enlarged(glances.cams[:, torch.from_numpy(shown[kept])], motion.shape[1:])
    seen = np.broadcast_to(motion, cams.shape)
    return {
        "flow": clip_mean(motion_correlation(cams, seen)),
        "fastest": clip_mean(energy_inside(cams, fastest(seen, SHARE))),
    }


def enlarged(cams: Tensor, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Maps (2, T, h, w) brought to ``size`` bilinearly, as pictures show them."""
    large = F.interpolate(cams.float(), size=size, mode="bilinear", align_corners=False)
    return np.asarray(large.numpy(), np.float32)


def clip_mean(scores: NDArray[np.floating]) -> Floats:
    """Mean over the last axis of what has an answer; nan where nothing has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of an empty mean, which is nan
        return np.asarray(np.nanmean(scores, axis=-1), np.float64)
