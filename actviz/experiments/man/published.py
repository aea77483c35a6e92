"""What is published of MAN's accuracy, in per cent, with its decimals, and what is not.

The paper's full text was not at hand and its abstract names no figures: these are from public lists
of results.
"""

from __future__ import annotations

__all__ = ["NOTES", "PUBLISHED"]

PUBLISHED: dict[str, float] = {  # data set and protocol -> accuracy of MANs
    "NTU RGB+D, cross-subject": 82.67,
    "NTU RGB+D, cross-view": 93.22,
    "UT-Kinect": 100.0,
    "SYSU-3D": 87.63,
    "HDM05": 99.04,
}
NOTES = {
    "second-hand": "The published 100 % on UT-Kinect is second-hand, from a public list of "
    "results: with which convolutions and by which protocol is not stated there.",
    "ablation": "No published figure of MAN's convolutions or of its memory alone is known; that "
    "the memory helps is the abstract's claim.",
}
