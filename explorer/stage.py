"""The skeleton on its stage: drawn in the browser, so that one's view stays while time moves.

A chart that changes is put up anew by Streamlit, and whoever had turned it would lose the view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from actviz.clip.layouts import Layout
from actviz.views.skeleton import SIDES, bone_sides, side_marks
from actviz.views.theme import ATTENTION, BONES, OKABE_ITO, pick_theme

__all__ = ["scene_data", "stand"]

_CSS = """
canvas { width: 100%; height: 560px; display: block; touch-action: none; cursor: grab; }
canvas:active { cursor: grabbing; }
"""


@cache
def _component() -> Any:
    return st.components.v2.component(
        "actviz_stage",
        html='<canvas role="img" tabindex="0"></canvas>',
        css=_CSS,
        js=Path(__file__).with_name("stage.js").read_text(encoding="utf-8"),
    )


def stand(data: Mapping[str, Any]) -> None:
    """Show one frame's people; the same figure stays when the next frame comes."""
    _component()(key="stage", data=data, height="content")


def scene_data(
    joints: NDArray[np.floating],
    present: NDArray[np.bool_],
    layout: Layout,
    *,
    weight: float,
    extent: NDArray[np.floating],
    words: str,
    flip: bool,
    dark: bool,
) -> dict[str, Any]:
    """Everything the browser draws of one frame: joints (P, J, 3) of those ``present`` (P,), the
    (3, 2) ``extent`` of the whole clip in metres, attention ``weight`` in [0, 1], and colours.
    ``flip``: x to the left, as a common camera sees it; the Kinect's picture is a mirror picture.
    """
    theme = pick_theme(dark)
    sides = bone_sides(np.asarray(layout.bones), layout.left, layout.right)
    letters = {"L": "left", "R": "right"}
    marks: Sequence[tuple[int, str]] = side_marks(layout.bones, layout.left, layout.right)
    return {
        "poses": np.round(joints[present], 3).tolist(),
        "extent": np.round(extent, 3).tolist(),
        "sides": {side: sides[side].tolist() for side in SIDES},
        "colours": {side: theme.graphic(BONES[side].colour) for side in SIDES},
        "widths": {side: 0.8 * BONES[side].width for side in SIDES},
        "marks": [[j, word, theme.text(BONES[letters[word]].colour)] for j, word in marks],
        "axes": {axis: theme.text(ATTENTION[axis].colour) for axis in "xz"},
        "weight": float(np.clip(weight, 0, 1)),
        "glow": OKABE_ITO["yellow"] if dark else OKABE_ITO["orange"],
        "ink": theme.ink,
        "muted": theme.muted,
        "grid": theme.grid,
        "panel": theme.panel,
        "flip": -1 if flip else 1,
        "words": words,
    }
