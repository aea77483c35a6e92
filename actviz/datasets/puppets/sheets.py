"""Contact sheets: clips as rows, time from left to right, the kind of picture for a wall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppets.scene import SPLITS, Scene, make_scene
from actviz.datasets.puppets.shots import ACTIONS

__all__ = ["contact_sheet", "write_contact_sheets"]

GAP = 4  # pixels between the frames
PAPER = 250
SEEN = (0, 158, 115)  # the bar under a frame of evidence


def contact_sheet(
    action: str,
    *,
    clips: int = 6,
    columns: int = 10,
    size: int = 160,
    split: str = "test",
    evidence_only: bool = False,
) -> NDArray[np.uint8]:
    """A picture (H, W, 3): ``clips`` rows of ``columns`` frames spread over each clip.

    A green bar under a frame says that the action is visible in it. ``evidence_only`` shows the
    action alone.
    """
    if action not in ACTIONS:
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}; got {action!r}.")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}.")
    first = SPLITS[split].start
    first += (ACTIONS.index(action) - first) % len(ACTIONS)
    scenes = [make_scene(first + len(ACTIONS) * row) for row in range(clips)]
    rows = [_strip(scene, columns, size, evidence_only) for scene in scenes]
    edge = np.full((GAP, rows[0].shape[1], 3), PAPER, np.uint8)
    return np.concatenate([edge, *rows], axis=0)


def _strip(scene: Scene, columns: int, size: int, evidence_only: bool) -> NDArray[np.uint8]:
    """One row of the sheet with its bars, and paper to the left of each frame and at the end."""
    among = np.flatnonzero(scene.truth.evidence) if evidence_only else np.arange(len(scene))
    at = among[np.linspace(0, len(among) - 1, columns).round().astype(int)]
    row = np.full((size + 3 * GAP, columns * (size + GAP) + GAP, 3), PAPER, np.uint8)
    for column, frame in enumerate(scene.render(at.tolist(), size)):
        left = GAP + column * (size + GAP)
        row[:size, left : left + size] = frame
        if scene.truth.evidence[at[column]]:
            row[size + 1 : size + 1 + GAP, left : left + size] = SEEN
    return row


def write_contact_sheets(folder: str | Path, **options: int | str | bool) -> list[Path]:
    """Write one PNG per action into ``folder``; ``options`` as of ``contact_sheet``."""
    from PIL import Image

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for action in ACTIONS:
        path = folder / f"{action.replace(' ', '_')}.png"
        Image.fromarray(contact_sheet(action, **options)).save(path)  # type: ignore[arg-type]
        paths.append(path)
    return paths
