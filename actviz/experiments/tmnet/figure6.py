"""TMNet's Figure 6: does the regression branch see more of what moves, and is it surer?

The paper shows one picture of HighJump with both branches' maps, and says of it that RB "captures a
larger motion area" and is surer (.616 against .416), which "suggests" that RB's feature is spatial
and temporal. One picture proves nothing: here it is measured on every frame of the puppets' test
clips that shows the action, against the limbs that move, and on videos against optical flow. What
the argument is about, that one glance of RB knows the temporal memory, is measured directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actviz.datasets.puppet_set import COARSE
from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import Claim, above, judge, over
from actviz.experiments.statistics import Measured
from actviz.experiments.tmnet.moving import SHARE, Glances, glances_of, score_puppets
from actviz.experiments.tmnet.real_maps import films_in, score_films
from actviz.learn.checkpoints import Loaded, bundled, load_checkpoint
from actviz.trace.cam import scale_together
from actviz.trace.cam_scores import Interval, branch_difference
from actviz.trace.schema import TMNetTrace

__all__ = ["figure6"]

CLIPS = 600
BRANCHES = ("RB", "CB")
PUBLISHED = {"RB": 61.6, "CB": 41.6}  # probability of HighJump in the paper's one picture, %
PRINTED = "probability"
COLUMNS = {
    "energy": Column("energy on moving limbs"),
    "pointing": Column("pointing"),
    "covered": Column("limbs covered"),
    "area": Column("area above half"),
    "flow": Column("correlation with flow", "0-1"),
    "fastest": Column("energy on the fastest fifth"),
    "probability": Column("probability"),
    "probability_at_action": Column("probability at the action"),
    "distance": Column("distance to F_cls", "0-1"),
    "cosine": Column("cosine with F_cls", "0-1"),
}
REAL = {
    "flow": COLUMNS["flow"],
    "fastest": COLUMNS["fastest"],
    "pointing": Column("pointing at it"),
    "area": COLUMNS["area"],
    "steady": Column("steadiness", "0-1"),
}
Scores = Mapping[str, NDArray[np.float64]]  # name -> (2, N)


def figure6(ask: Ask) -> Result:
    """Maps, answers and features of both branches on puppets, and on videos where given."""
    loaded, clips = load_checkpoint(bundled("tmnet")), ask.clips or CLIPS
    scores = score_puppets(loaded, clips, progress=ask.telling("looking at puppet clips"))
    tables, apart = [_puppet_table(scores, clips)], {"figure6": _intervals(scores, COLUMNS)}
    figures = {"figure6.png": _draw(loaded, clips)}
    if ask.data is not None:
        films = films_in(ask.data)
        on_films, traces = score_films(loaded, films, progress=ask.telling("looking at videos"))
        tables.append(_film_table(on_films, traces))
        apart["figure6-videos"] = _intervals(on_films, REAL)
    more = {"rb_minus_cb": {n: _plain(found) for n, found in apart.items()}}
    return Result(tuple(tables), figures=figures, more=more)


def _puppet_table(scores: Scores, clips: int) -> Table:
    figures = _figures(scores, COLUMNS, "puppets")
    area = float(np.nanmean(scores["mask"]))
    return Table(
        name="figure6",
        title="Regression and classification branch: where they look, what they know",
        columns=tuple(COLUMNS.values()),
        published=(PRINTED,),
        lines=tuple(
            Line(branch, {PRINTED: PUBLISHED[branch]}, _row(branch, figures, COLUMNS))
            for branch in BRANCHES
        ),
        verdicts=tuple(judge(claim, figures) for claim in _claims(area)),
        chance={
            COLUMNS["energy"].name: area,
            COLUMNS["pointing"].name: area,
            COLUMNS["flow"].name: 0.0,
            COLUMNS["fastest"].name: SHARE,
            COLUMNS["probability"].name: 1 / len(ACTIONS),
            COLUMNS["probability_at_action"].name: 1 / len(ACTIONS),
        },
        measured=(
            f"The bundled weights (puppets/tmnet, one training) on {clips} puppet test clips, 8 "
            "glances each; maps are exact CAMs of the true class on the frames that show the "
            "action, enlarged to the picture. A clip counts once, by the mean over its frames.",
            "Energy: share of the positive evidence on the limbs that move; pointing: the highest "
            "point lies on one; limbs covered: share of them where the evidence is at least half "
            "of its maximum, by chance the area above half; correlation: Spearman's, with the "
            "length of the optical flow without the camera's; the fastest fifth of the picture is "
            "by that flow. Probability: of the true class, at "
            "the centre frame, and at the frames that show the action. Distance (eq. 1) and cosine "
            "of one glance's feature and the clip's F_cls, over all glances.",
            _told(_intervals(scores, COLUMNS), COLUMNS),
        ),
        notes=(
            "The published probabilities are of one picture of HighJump (UCF101); ours are means "
            "over clips of other actions: they are beside each other, not the same figure.",
            "One training: the intervals and standard errors are over clips and say nothing about "
            "other trainings.",
            "F_cls is the mean of CB's features over the clip, each glance of CB among them: that "
            "favours CB in distance and cosine.",
        ),
    )


def _claims(area: float) -> list[Claim]:
    """What section V says of its one picture, and what it is an argument for."""
    paper, ours = "section V, Figure 6", "ours"
    said = [
        ("RB's maps cover more of the limbs that move", "covered", paper, "%"),
        ("RB's maps are larger", "area", paper, "%"),
        ("more of RB's evidence lies on the limbs that move", "energy", ours, "%"),
        ("RB's highest point lies on a moving limb more often", "pointing", ours, "%"),
        ("RB's maps follow the flow more closely", "flow", ours, "0-1"),
        ("RB is surer of the true class (centre frame)", "probability", paper, "%"),
        ("RB is surer of it at frames of the action", "probability_at_action", ours, "%"),
        ("a glance of RB is more like the clip's F_cls than one of CB", "cosine", ours, "0-1"),
    ]
    claims = [
        above(words, ("RB", name), ("CB", name), source=source, unit=unit)
        for words, name, source, unit in said
    ]
    nearer = "a glance of RB is nearer to the clip's F_cls than one of CB"
    claims.append(
        above(nearer, ("CB", "distance"), ("RB", "distance"), source="section III", unit="0-1")
    )
    return claims + [
        over(
            f"{branch}'s evidence lies on moving limbs more than by chance",
            (branch, "energy"),
            area,
            source=ours,
        )
        for branch in BRANCHES
    ]


def _film_table(scores: Scores, traces: Sequence[TMNetTrace]) -> Table:
    figures = _figures(scores, REAL, "videos")
    claim = above(
        "RB's maps follow the flow more closely",
        ("RB", "flow"),
        ("CB", "flow"),
        source="ours",
        unit="0-1",
    )
    return Table(
        name="figure6-videos",
        title="The same on videos, whose truth is not known, against optical flow",
        columns=tuple(REAL.values()),
        lines=tuple(Line(branch, ours=_row(branch, figures, REAL)) for branch in BRANCHES),
        verdicts=(judge(claim, figures),),
        chance={REAL["fastest"].name: SHARE, REAL["pointing"].name: SHARE, REAL["flow"].name: 0.0},
        measured=(
            f"{len(traces)} videos, 32 glances each, at those at which something moves; the maps "
            "are of the class answered. The weights know puppets alone, so that the class is "
            "wrong: this tells where evidence lies, not whether it is right.",
            "The fastest fifth: the places with the longest flow, in each frame. Steadiness: "
            "correlation of a map with the next glance's.",
            _told(_intervals(scores, REAL), REAL),
        ),
        notes=tuple(
            f"{t.clip['name']}: answer {t.cam_class}, fastest place {t.motion_max:.1f} pixels a "
            f"frame, branches agree at {int(t.agree.sum())} of {len(t.agree)} glances."
            for t in traces
        ),
    )


def _figures(
    scores: Scores, columns: Mapping[str, Column], clips: str
) -> dict[tuple[str, str], Measured]:
    """By branch and score; of the clips at which both branches have it, so that pairs compare."""
    found = {}
    for name in columns:
        pairs = scores[name][:, np.isfinite(scores[name]).all(0)]  # (2, n)
        for branch, values in zip(BRANCHES, pairs, strict=True):
            if len(values):  # of videos in which nothing moves there are none
                found[branch, name] = Measured((float(values.mean()),), values[None], clips + name)
    return found


def _row(
    branch: str, figures: Mapping[tuple[str, str], Measured], columns: Mapping[str, Column]
) -> dict[str, Measured]:
    """What is known of a branch, by the columns' names."""
    return {c.name: figures[branch, n] for n, c in columns.items() if (branch, n) in figures}


def _intervals(scores: Scores, columns: Mapping[str, Column]) -> dict[str, Interval]:
    """RB - CB of each score that at least two clips have."""
    return {
        name: branch_difference(*scores[name])
        for name in columns
        if np.isfinite(scores[name]).all(0).sum() > 1
    }


def _told(intervals: Mapping[str, Interval], columns: Mapping[str, Column]) -> str:
    parts = []
    for name, found in intervals.items():
        column = columns[name]
        mean, low, high = (column.scale * v for v in (found.mean, found.low, found.high))
        digits, unit = (1, " points") if column.unit == "%" else (3, "")
        size = f"{mean:+.{digits}f}{unit} [{low:+.{digits}f}, {high:+.{digits}f}]"
        parts.append(f"{column.name} {size}")
    return f"RB − CB with 95 % bootstrap intervals over clips: {'; '.join(parts)}."


def _plain(intervals: Mapping[str, Interval]) -> dict[str, Any]:
    """As JSON takes it, shares not in per cent."""
    return {
        name: {
            "mean": round(found.mean, 6),
            "low": round(found.low, 6),
            "high": round(found.high, 6),
            "clips": found.clips,
        }
        for name, found in intervals.items()
    }


def _draw(loaded: Loaded, clips: int) -> Any:
    """The paper's picture for the first test clip of each group of actions."""
    from actviz.views.contact import sheet
    from actviz.views.heat import blend_heat

    pictures, words = [], []
    for glances in _first_of_groups(loaded, clips):
        at = _middle_of_action(glances)
        _, maps = scale_together(*glances.cams)
        frame = glances.frames[at]
        pictures += [frame, *(blend_heat(frame, cam[at].astype(np.float32)) for cam in maps)]
        told = zip(BRANCHES, glances.probability[:, at], strict=True)
        words += [ACTIONS[glances.label], *(f"{b}: {p:.3f}" for b, p in told)]
    return sheet(
        np.stack(pictures),
        words,
        title="A frame, what RB sees in it, what CB sees",
        columns=6,
        heat="evidence, of the clip's strongest",
        note="Evidence for the true class (exact CAM) and its probability; one scale a clip. "
        "First test clip of each group of actions, the middle one of the frames that show the "
        "action. Weights puppets-tmnet, trained on puppets.",
    )


def _first_of_groups(loaded: Loaded, clips: int) -> list[Glances]:
    found: dict[str, Glances] = {}
    for glances in glances_of(loaded, clips):
        group = next(g for g, names in COARSE.items() if ACTIONS[glances.label] in names)
        if group not in found and glances.evidence.any():
            found[group] = glances
        if len(found) == len(COARSE):
            break
    return list(found.values())


def _middle_of_action(glances: Glances) -> int:
    shown = np.flatnonzero(glances.evidence)
    return int(shown[len(shown) // 2])
