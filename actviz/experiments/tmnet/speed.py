"""TMNet's Figures 3 and 4: how fast, at which cost, and how good, at full size on this machine.

The paper's Figure 3 sets TMNet beside TSN, TSM, Res-I3D and ResNet3D-18 on eight 2080 Ti, its
Figure 4 TMNet at 1 to 64 frames beside itself; no figure is printed as a number. Measured here is
what its text claims of them, with the network alone and from a file to the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from actviz.datasets.puppets import ACTIONS
from actviz.experiments.base import Ask, Column, Line, Result, Table
from actviz.experiments.claims import judge
from actviz.experiments.statistics import Measured
from actviz.experiments.timing import in_turn, machine_words, per_second, rounds_words, times
from actviz.experiments.tmnet.balls import Ball, draw_balls
from actviz.experiments.tmnet.contenders import (
    CLIP_NETS,
    Ready,
    contenders,
    glancing,
    ready,
)
from actviz.experiments.tmnet.known import known_accuracy
from actviz.experiments.tmnet.published import TABLE1
from actviz.experiments.tmnet.speed_claims import claims3, claims4
from actviz.experiments.tmnet.speed_files import ALONE, SPEED, files_table, seeing, times_faster
from actviz.trace.provenance import pick_device

__all__ = ["BACKBONES", "FRAMES4", "figure3", "figure4", "network_figures"]

BACKBONES = ("resnet18", "resnet50")
FRAMES4 = (1, 2, 4, 8, 16, 32, 64)
ROUNDS = 9
COST, ACCURACY = "GFLOPs", "accuracy on puppets"
COLUMNS = (
    Column(SPEED, "items"),
    Column("times TSN's", "items"),
    Column(ALONE, "items"),
    Column(COST, "items"),
    Column(ACCURACY),
)
_PRINTED = "acc@1 on UCF101 (Table 1)"
Figures = dict[tuple[str, str], Measured]


def figure3(ask: Ask) -> Result:
    """TMNet beside its rivals: network alone, and from a file to the answer."""
    device = pick_device("auto")
    words = machine_words(device)
    found: Figures = {}
    lines: list[Line] = []
    kept: dict[str, list[Ready]] = {}
    for group in (*BACKBONES, "3-D"):
        named = list(CLIP_NETS) if group == "3-D" else contenders(group)
        kept[group] = [ready(one, device) for one in named]
        figures = network_figures(
            kept[group], rounds=ROUNDS, progress=ask.telling(f"timing {group}")
        )
        found |= figures
        lines += [_line(one, figures) for one in kept[group]]
    networks = Table(
        name="figure3",
        title="Speed, cost and accuracy of TMNet and its rivals",
        columns=COLUMNS,
        lines=tuple(lines),
        published=(_PRINTED,),
        verdicts=tuple(judge(claim, found) for claim in claims3(BACKBONES)),
        chance={ACCURACY: 1 / len(ACTIONS)},
        measured=(words, *_how(kept["3-D"][0]), rounds_words(ROUNDS)),
        notes=_notes(lines),
    )
    both = [one for name in BACKBONES for one in kept[name]]
    files = files_table(
        seeing(both), rounds=ROUNDS, words=words, progress=ask.telling("timing files")
    )
    return Result((networks, files), figures=_drawings(kept, found, words))


def figure4(ask: Ask) -> Result:
    """TMNet-2D on ResNet-18 at 1 to 64 frames."""
    device = pick_device("auto")
    words = machine_words(device)
    those = [ready(glancing("resnet18", frames), device) for frames in FRAMES4]
    found = network_figures(those, rounds=ROUNDS, progress=ask.telling("timing TMNet"))
    lines = [_line(one, found) for one in those]
    table = Table(
        name="figure4",
        title="TMNet at 1 to 64 frames",
        columns=tuple(column for column in COLUMNS if column.name != "times TSN's"),
        lines=tuple(lines),
        published=(_PRINTED,),
        verdicts=tuple(judge(claim, found) for claim in claims4(FRAMES4)),
        chance={ACCURACY: 1 / len(ACTIONS)},
        measured=(words, *_how(those[0]), rounds_words(ROUNDS)),
        notes=_notes(lines),
    )
    title = "TMNet-2D on ResNet-18: fewer frames, faster and cheaper"
    drawn = draw_balls(_balls(those, found), title=title, note=words, chance=1 / len(ACTIONS))
    return Result((table,), figures={"figure4.png": drawn})


# ---- the network alone ---------------------------------------------------------------------------


@torch.inference_mode()
def network_figures(those: Sequence[Ready], *, rounds: int, progress: Any = None) -> Figures:
    """Speed, cost and accuracy of networks that are timed in turns: (name, column) -> figure.

    "videos/s" is of as many videos at a time as fill a pass (``Ready.videos``), "one video, ms" of
    one alone; where a single video fills it they are one measurement.
    """
    works: dict[str, Any] = {}
    for one in those:
        for videos in {1, one.videos}:
            frames = one.frames(videos)
            works[_key(one, videos)] = lambda one=one, frames=frames: one.answer(frames)
    seconds = in_turn(works, rounds=rounds, device=those[0].device, progress=progress)
    found: Figures = {}
    for one in those:
        name = one.contender.name
        found[name, SPEED] = per_second(seconds[_key(one, one.videos)], one.videos)
        found[name, ALONE] = times(seconds[_key(one, 1)], 1000)
        found[name, COST] = Measured((one.flops() / 1e9,))
        accuracy = None
        if one.contender.group in ("ResNet-18", "3-D"):  # what was trained on puppets is like it
            accuracy = known_accuracy(one.contender.model, one.contender.frames)
        if accuracy is not None:
            found[name, ACCURACY] = accuracy
    return found | _beside_rivals(those, found)


def _key(one: Ready, videos: int) -> str:
    return f"{one.contender.name} x {videos}"


def _beside_rivals(those: Sequence[Ready], found: Figures) -> Figures:
    """How many times faster than TSN and TSM on the same frame CNN, round by round."""
    told: Figures = {}
    for one in those:
        for rival in those:
            same = rival.contender.group == one.contender.group
            if same and rival.contender.model in ("tsn", "tsm"):
                names = (one.contender.name, rival.contender.name)
                told |= times_faster(*names, rival.contender.model.upper(), found)
        if one.contender.pictures == 1:  # one glance after the other: as fast as a camera?
            told[one.contender.name, "glances/s"] = per_second(
                found[one.contender.name, ALONE], 1000
            )
    return told


def _line(one: Ready, found: Figures) -> Line:
    name = one.contender.name
    ours = {c.name: found[name, c.name] for c in COLUMNS if (name, c.name) in found}
    printed: dict[str, float | None] = {}
    if name == "TMNet (one glance), ResNet-18":
        printed = {_PRINTED: TABLE1["8 frames"]["RB+CB"][1]}
    return Line(name, printed, ours, note=one.layout, group=one.contender.group)


# ---- words and drawings --------------------------------------------------------------------------


def _how(one: Ready) -> tuple[str, ...]:
    return (
        f"Random weights, {one.size} pixels, 101 classes; videos/s with {one.one_pass} pictures in "
        "a pass (8 videos of one frame where TSN has 1 of 8, and so on), one video alone beside "
        "it; each network in the layout that is quicker for it.",
        "FLOPs by torch's counter, which takes a multiply-add for two: papers' figures are half.",
        "Accuracies are of small networks trained on puppets (tmnet/table1), where the cache or "
        "results/ has them: TMNet trained on 8 frames, TSN on 3, as Table 1 has it; at "
        "8 frames that of nine glances.",
    )


def _notes(lines: Sequence[Line]) -> tuple[str, ...]:
    notes = [
        "Figures 3 and 4 print no numbers; the paper's text gives the claims alone. Its Table 1 "
        "has 75.05 % for one glance of TMNet trained on 8 frames, and 73.96 % for TSN with 3.",
        'U6a: "almost 2×" faster than TSN or TSM is said of fewer frames, not of one glance alone.',
    ]
    if any(ACCURACY not in line.ours for line in lines):
        notes.append("Where the accuracy is blank, no such training is at hand: none is done here.")
    return tuple(notes)


def _balls(those: Sequence[Ready], found: Figures) -> list[Ball]:
    balls = []
    for one in those:
        name, accuracy = one.contender.name, found.get((one.contender.name, ACCURACY))
        balls.append(
            Ball(
                name.split(", ")[0],
                one.contender.model,
                found[name, SPEED].mean,
                found[name, COST].mean * 1e9,
                None if accuracy is None else accuracy.mean,
            )
        )
    return balls


def _drawings(kept: Mapping[str, Sequence[Ready]], found: Figures, words: str) -> dict[str, Any]:
    """A figure for each frame CNN, the 3-D networks in both."""
    drawn = {}
    for backbone in BACKBONES:
        group = kept[backbone][0].contender.group
        title = f"Speed, accuracy and FLOPs on {group}"
        balls = _balls([*kept["3-D"], *kept[backbone]], found)
        drawn[f"figure3-{backbone}.png"] = draw_balls(
            balls, title=title, note=words, chance=1 / len(ACTIONS)
        )
    return drawn
