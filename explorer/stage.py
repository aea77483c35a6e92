"""The skeletons' stage: drawn in the browser, where the clip plays and one's view of it stays.

A chart that changes is put up anew by Streamlit, and whoever had turned it would lose the view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from actviz.clip.layouts import Layout, common_name
from actviz.views.checks import frame_edges
from actviz.views.lanes import MARGIN_LEFT, MARGIN_RIGHT
from actviz.views.shading import Shading
from actviz.views.skeleton import SIDES, bone_sides, side_marks, skeleton_extent
from actviz.views.standing import Standing
from actviz.views.theme import ATTENTION, BONES, PEOPLE, heat_colours, pick_theme

__all__ = ["Unseen", "reported", "scene_data", "stand", "tips"]

KEY = "stage"


@dataclass(frozen=True)
class Unseen:
    """What is kept from the model, and what was not measured."""

    joints: Sequence[int] = ()
    frames: NDArray[np.bool_] | None = None  # (T,)
    bridged: NDArray[np.bool_] | None = None  # (T, P), joints interpolated


@cache
def _component() -> Any:
    html, css, js = (
        Path(__file__).with_name(f"stage.{ending}").read_text(encoding="utf-8")
        for ending in ("html", "css", "js")
    )
    return st.components.v2.component("actviz_stage", html=html, css=css, js=js)


def stand(data: Mapping[str, Any], on_frame: Callable[[], None]) -> None:
    """Show a clip's people at one moment; the same stage stays when the next comes.

    ``on_frame`` is called when the stage, playing by itself, has come to another frame: the one
    that ``reported`` tells.
    """
    _component()(key=KEY, data=data, height="content", on_frame_change=on_frame)


def reported() -> int | None:
    """The frame that the stage has come to; None where it has not said so in this run."""
    frame = (st.session_state.get(KEY) or {}).get("frame")
    return None if frame is None else int(frame)


def scene_data(
    standing: Standing,
    times_s: NDArray[np.float64],
    layout: Layout,
    shading: Shading,
    *,
    flip: bool,
    dark: bool,
    unseen: Unseen | None = None,
) -> dict[str, Any]:
    """Everything the browser draws of a clip, in plain numbers: people (T, P, J, 3) at ``times_s``,
    how strongly each joint is marked, and colours.

    ``flip``: x to the left, as a common camera sees it; the Kinect's picture is a mirror picture.
    """
    theme, unseen = pick_theme(dark), unseen or Unseen()
    people = int(standing.present.any(axis=0).sum())
    sides = bone_sides(np.asarray(layout.bones), layout.left, layout.right)
    side_of = dict.fromkeys(layout.left, "left") | dict.fromkeys(layout.right, "right")
    letters = {"L": "left", "R": "right"}
    marks = side_marks(layout.bones, layout.left, layout.right)
    edges = frame_edges(times_s)
    tops = heat_colours(shading.colours)[:: 255 // 30]
    return {
        "times": np.round(times_s, 4).tolist(),
        "span": [float(edges[0]), float(edges[-1])],
        "margins": [MARGIN_LEFT, MARGIN_RIGHT],
        "poses": _of_those_there(np.round(standing.joints, 3), standing.present),
        "values": np.round(np.nan_to_num(shading.values), 2).tolist(),
        "fresh": standing.fresh.astype(int).tolist(),
        "bridged": [] if unseen.bridged is None else unseen.bridged.astype(int).tolist(),
        "masked": [] if unseen.frames is None else unseen.frames.astype(int).tolist(),
        "hidden": [int(joint) for joint in unseen.joints],
        "people": max(people, 1),
        "apart": standing.apart,
        "extent": np.round(skeleton_extent(standing.joints, standing.present), 3).tolist(),
        "bones": [[int(a), int(b), side] for side in SIDES for a, b in sides[side]],
        "used": np.unique(np.asarray(layout.bones, dtype=np.int64)).tolist(),
        "names": [name.replace("_", " ") for name in layout.joint_names],
        "tips": [[joint, side_of.get(joint, "centre")] for joint in tips(layout)],
        "marks": [[joint, word, letters[word]] for joint, word in marks],
        "looks": [
            {side: theme.graphic(look[side].colour) for side in SIDES}
            for look in (PEOPLE[p % len(PEOPLE)] for p in range(standing.present.shape[1]))
        ],
        "widths": {side: 0.8 * BONES[side].width for side in SIDES},
        "axes": {axis: theme.text(ATTENTION[axis].colour) for axis in "xz"},
        "colours": ["rgb({},{},{})".format(*colour) for colour in tops],
        "what": shading.what,
        "title": shading.title,
        "low": shading.low,
        "high": shading.high,
        "most": shading.most,
        "unit": shading.unit,
        "flip": -1 if flip else 1,
        **{name: getattr(theme, name) for name in ("ink", "muted", "grid", "panel", "paper")},
    }


def tips(layout: Layout) -> list[int]:
    """The joints whose paths tell a movement: hands, feet and head, or else where bones end."""
    wanted = ("head", "hand_left", "hand_right", "foot_left", "foot_right")
    names = [common_name(name) for name in layout.joint_names]
    named = [names.index(name) for name in wanted if name in names]
    if len(named) > 2:
        return named
    joints, counts = np.unique(np.asarray(layout.bones, dtype=np.int64), return_counts=True)
    return joints[counts == 1].tolist()[:8]


def _of_those_there(joints: NDArray[np.floating], present: NDArray[np.bool_]) -> list[list[Any]]:
    """(T, P, J, 3) as lists, with None for who is absent: no browser reads NaN."""
    return [
        [pose.tolist() if there else None for pose, there in zip(people, seen, strict=True)]
        for people, seen in zip(joints, present, strict=True)
    ]
