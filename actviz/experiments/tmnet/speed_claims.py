"""What the paper says of its Figures 3 and 4, and what we set ourselves, as claims."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from actviz.experiments.claims import Claim, above, alike, over
from actviz.experiments.tmnet.contenders import GROUPS

__all__ = ["GOAL_FILE", "GOAL_NETWORK", "claims3", "claims4", "claims_of_files"]

GOAL_NETWORK, GOAL_FILE = 4.0, 3.0  # times as fast as TSN and TSM on eight frames
_ALMOST_TWICE = 1.8
_CAMERA = 25.0  # frames a second
_SAYS = "section IV-A"


def claims3(backbones: Sequence[str]) -> list[Claim]:
    """Of Figure 3: speed against TSN and TSM, and accuracy where it is known."""
    said = []
    for backbone in backbones:
        group = GROUPS[backbone]
        said += [claim for rival in ("TSN", "TSM") for claim in _against(rival, group)]
    tmnet, top = "TMNet ({}), ResNet-18", "accuracy on puppets"
    for rival in ("TSN", "TSM"):
        said.append(
            above(
                f"at 8 frames TMNet is more accurate than {rival}",
                (tmnet.format("8 frames"), top),
                (f"{rival} (8 frames), ResNet-18", top),
                source="Figure 3",
            )
        )
    said.append(
        alike(
            "at 2 frames TMNet is within 2 points of what it is at 8: a good balance",
            (tmnet.format("2 frames"), top),
            (tmnet.format("8 frames"), top),
            near=0.02,
            source=_SAYS,
            same_trainings=True,
        )
    )
    return said


def _against(rival: str, group: str) -> list[Claim]:
    column = f"times {rival}'s"

    def faster(words: str, frames: str, level: float, source: str, alone: bool = False) -> Claim:
        key = (f"TMNet ({frames}), {group}", f"{column}, alone" if alone else column)
        return over(f"{words} ({group})", key, level, source=source, unit="times")

    return [
        faster(f"at 8 frames TMNet keeps 90 % of {rival}'s speed", "8 frames", 0.9, _SAYS),
        faster(f"at 2 frames TMNet is almost twice as fast as {rival}", "2 frames",
               _ALMOST_TWICE, _SAYS),
        faster(f"one glance is at least {GOAL_NETWORK:g} times as fast as {rival}, many videos",
               "one glance", GOAL_NETWORK, "ours"),
        faster(f"one glance is at least {GOAL_NETWORK:g} times as fast as {rival}, one video alone",
               "one glance", GOAL_NETWORK, "ours", alone=True),
    ]  # fmt: skip


def claims4(frames: Sequence[int]) -> list[Claim]:
    """Of Figure 4: each halving of the frames pays, the last as much as the others."""
    names = {n: "TMNet (one glance)" if n == 1 else f"TMNet ({n} frames)" for n in frames}
    keys = {n: (f"{name}, ResNet-18", "videos/s") for n, name in names.items()}
    said = [
        Claim(
            f"{few} frame{'s are' if few > 1 else ' is'} at least 1.6 times as fast as {many}",
            "Figure 4",
            {keys[few]: 1.0, keys[many]: -1.6},
            same_trainings=True,  # the same rounds
            unit="videos/s",
        )
        for few, many in pairwise(frames)
    ]
    camera = (keys[frames[0]][0], "glances/s")
    words = f"one glance after the other, without a batch, keeps up with {_CAMERA:g} frames/s"
    return [*said, over(words, camera, _CAMERA, source="title", unit="glances/s")]


def claims_of_files(groups: Sequence[str], films: Sequence[str]) -> list[Claim]:
    """Of the way from a file to the answer."""
    return [
        over(
            f"one glance is at least {GOAL_FILE:g} times as fast as {rival} from file to answer, "
            f"{words} ({group}; {film})",
            (f"TMNet (one glance), {group}, {film}", f"times {rival}'s{how}"),
            GOAL_FILE,
            source="ours",
            unit="times",
        )
        for film in films
        for group in groups
        for rival in ("TSN", "TSM")
        for words, how in (("many videos", ""), ("one video alone", ", alone"))
    ]
