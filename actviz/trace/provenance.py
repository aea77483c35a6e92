"""Where a trace came from: file, weights, versions, device. Enough to make it again."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from actviz.clip.types import Clip, ClipInfo, Skeleton
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Loaded

__all__ = [
    "clip_facts",
    "device_name",
    "pick_device",
    "skeleton_facts",
    "versions",
    "weights_facts",
]


def pick_device(wanted: str = "auto") -> torch.device:
    """The device to compute on; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ActvizError: an unknown name, or a device this machine lacks.
    """
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.mps.is_available()}
    if wanted == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if here[name]))
    if wanted not in here:
        raise ActvizError(f"device must be one of auto, {', '.join(here)}; got {wanted!r}.")
    if not here[wanted]:
        raise ActvizError(f"no {wanted} device was found on this machine; try --device auto.")
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """``cpu (x86_64)`` or ``cuda (its product name)``."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({platform.machine()})"


def versions() -> dict[str, str]:
    """Versions of what a trace's numbers depend on."""
    packages = ("actviz", "torch", "torchvision", "numpy", "av")
    found = {name: metadata.version(name) for name in packages if _installed(name)}
    return found | {"python": platform.python_version()}


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def weights_facts(loaded: Loaded) -> dict[str, Any]:
    """Which weights spoke, and what they were trained on."""
    card = loaded.card
    return {
        "name": loaded.name,
        "sha256": loaded.sha256,
        "trained_on": card.trained_on,
        "layout": card.layout,
    }


def clip_facts(clip: Clip, info: ClipInfo | None = None) -> dict[str, Any]:
    """Facts of a video; from the clip alone where no file was probed."""
    step = (clip.times_s[-1] - clip.times_s[0]) / max(len(clip) - 1, 1)
    return {
        "name": Path(clip.source).name,
        "sha256": clip.sha256,
        "duration_s": info.duration_s if info else float(clip.times_s[-1] - clip.times_s[0] + step),
        "fps": info.fps if info else float(1 / step) if step > 0 else 0.0,
        "rotation": info.rotation if info else 0,
        "frame_count": info.frame_count if info else len(clip),
        "problems": list(info.problems) if info else [],
    }


def skeleton_facts(skeleton: Skeleton, info: ClipInfo | None = None) -> dict[str, Any]:
    """Facts of a skeleton sequence; of its video where it came through pose."""
    times = skeleton.times_s
    step = (times[-1] - times[0]) / max(len(skeleton) - 1, 1)
    return {
        "name": Path(skeleton.source).name,
        "sha256": skeleton.sha256,
        "duration_s": info.duration_s if info else float(times[-1] - times[0] + step),
        "fps": info.fps if info else float(1 / step) if step > 0 else 0.0,
        "rotation": info.rotation if info else 0,
        "frame_count": info.frame_count if info else len(skeleton),
        "problems": list(skeleton.problems) + (list(info.problems) if info else []),
    }
