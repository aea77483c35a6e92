"""The figures that TMNet's paper prints (Liu et al., IEEE Access 2020), and its slips.

Percent, as printed: mAP, acc@1, acc@5 of one glance by the regression branch (RB), the
classification branch (CB) and both. The paper gives no spread and no number of runs, and names
neither data set nor split of Tables 1 to 4 (D1 finds them).
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = [
    "NOTES",
    "TABLE1",
    "TABLE2",
    "TABLE3",
    "TABLE4",
    "TABLE5",
    "TEST_CLIPS",
    "Triple",
    "accuracies",
    "not_counts",
    "slips",
]

Triple = tuple[float, float, float]  # mAP, acc@1, acc@5
Branches = dict[str, Triple]
TEST_CLIPS = {"UCF101, split 1": 3783, "split 2": 3734, "split 3": 3696, "HMDB51": 1530}


def _three(rb: Triple, cb: Triple, both: Triple) -> Branches:
    return {"RB": rb, "CB": cb, "RB+CB": both}


_SIXTEEN = _three((73.34, 73.62, 92.99), (74.37, 74.62, 92.49), (74.95, 75.26, 93.42))
TABLE1: dict[str, Branches] = {  # frames in training
    "TSN, 3 frames": {"RB+CB": (73.63, 73.96, 93.44)},
    "1 frame": _three((67.21, 68.09, 91.28), (68.67, 69.52, 91.59), (67.98, 68.83, 91.30)),
    "8 frames": _three((73.23, 73.46, 92.76), (74.43, 74.68, 92.28), (74.78, 75.05, 92.84)),
    "16 frames": _SIXTEEN,
    "32 frames": _three((73.66, 74.02, 92.65), (74.26, 74.54, 92.33), (74.89, 75.23, 93.31)),
    "64 frames": _three((73.85, 74.15, 92.78), (74.32, 74.54, 92.84), (75.13, 75.39, 93.13)),
}
TABLE2: dict[str, Branches] = {  # stages of the base / of each branch
    "0/4": _three((72.5, 73.01, 92.49), (73.22, 73.67, 91.75), (74.18, 74.70, 93.13)),
    "1/3": _three((72.17, 72.67, 92.20), (74.0, 74.31, 92.28), (74.56, 74.97, 92.94)),
    "2/2": _SIXTEEN,
    "3/1": _three((73.07, 73.46, 92.92), (74.91, 75.20, 92.99), (75.04, 75.34, 93.44)),
}
TABLE3: dict[str, Branches] = {  # third that training draws the key frame from
    "begin": _three((73.31, 73.67, 92.84), (74.15, 74.31, 92.36), (74.80, 75.05, 93.02)),
    "middle": _three((73.77, 74.12, 93.02), (74.80, 75.10, 92.55), (75.38, 75.65, 92.99)),
    "end": _three((73.38, 73.70, 92.65), (75.25, 75.52, 92.86), (75.50, 75.73, 93.34)),
}
TABLE4: dict[tuple[str, str], Triple] = {  # third in training, third of the glance; RB+CB
    ("begin", "begin"): (71.59, 71.93, 91.57),
    ("begin", "middle"): (72.28, 72.59, 91.33),
    ("begin", "end"): (71.93, 72.16, 90.93),
    ("middle", "begin"): (73.75, 73.96, 92.39),
    ("middle", "middle"): (73.36, 73.57, 92.25),
    ("middle", "end"): (74.18, 74.33, 92.18),
    ("end", "begin"): (71.59, 71.93, 91.57),
    ("end", "middle"): (72.37, 72.75, 91.67),
    ("end", "end"): (71.87, 72.27, 92.28),
}
TABLE5: dict[str, tuple[str, float, float | None]] = {  # kind, top-1 on UCF101 and on HMDB51
    "DT + MVSM": ("traditional", 83.5, 55.9),
    "iDT + FV": ("traditional", 85.9, 57.2),
    "TDD + FV": ("traditional", 90.3, 63.2),
    "C3D + iDT": ("traditional", 90.4, None),
    "LTC + iDT": ("traditional", 92.4, 67.2),
    "Two Stream": ("2-D", 88.6, None),
    "TSN (BN-Inception)": ("2-D", 94.0, 68.5),
    "C3D": ("3-D", 82.3, 56.8),
    "Conv Fusion": ("2-D", 82.6, 56.8),
    "ST-ResNet": ("2-D", 93.5, 66.4),
    "Inception3D": ("3-D", 87.2, 56.9),
    "3D ResNet101, 16 frames": ("3-D", 88.9, 61.7),
    "3D ResNeXt101, 16 frames": ("3-D", 90.7, 63.8),
    "STC (ResNet101), 16 frames": ("3-D", 90.1, 62.6),
    "DynamoNet (ResNeXt101), 16 frames": ("3-D", 91.6, 66.2),
    "RGB-I3D (ResNet50), 32 frames": ("3-D", 94.5, 69.0),
    "TMNet-2D (ResNet50), 16 frames": ("TMNet", 89.6, 59.5),
    "TMNet-3D-A (SlowNet50), 16 frames": ("TMNet", 90.3, 62.5),
    "TMNet-3D-B (SlowNet50), 16 frames": ("TMNet", 94.5, 72.3),
}

NOTES: dict[str, str] = {
    "U1": "U1: frames are numbered 0 to T in one place and 0 to T-1 in another; here there are T.",
    "U2": (
        'U2: the paper calls F_cls a "pseudo supervised signal" and does not say whether the '
        "regression moves it; here it does not (detach_target)."
    ),
    "U3": (
        "U3: no classifier of RB's own is described; it shares CB's. RB+CB is the mean of the two "
        "logits, which is the same as FC of the mean feature."
    ),
    "U4": "U4: eq. 1 compares the pooled vectors here, mean over elements (maps: level=map).",
    "U5": (
        "U5: section IV-E takes 16 frames two apart, section IV-B 1 equal intervals; at paper "
        "scale Table 1 spreads its frames over the clip and the others take 16 two apart."
    ),
    "U6": (
        "U6: the text says that a glance at the middle is best whatever third was trained on. By "
        "Table 4 it is the worst of the three in the row that was trained on the middle (acc@1 "
        "73.57 against 73.96 and 74.33)."
    ),
    "U6b": (
        "U6b: Table 4 prints the same three figures for begin/begin and end/begin (71.59, 71.93, "
        "91.57), most likely copied by mistake; one of the two cells is not known."
    ),
    "U7": (
        'U7: the text\'s "Figure 2" (depths) and "Figure 5" (state of the art) are Tables 2 and 5; '
        "LTC + iDT is cited as C3D's paper, Inception3D and STC as one."
    ),
    "U8": (
        'U8: the text calls 3/1 best, RB is best at 2/2; the study of alpha and the "16 frames" of '
        "Table 1 are of 2/2."
    ),
    "U9": "U9: trained on one frame, RB+CB is below CB in the paper's own figures (68.83, 69.52).",
    "D2": (
        'D2: what the paper calls "mAP" is most likely mean class accuracy, which its framework '
        "prints beside top-1 and top-5; here it is that."
    ),
    "D3": (
        "D3: trained and tested on the middle, RB+CB is 75.65 in Table 3 and 73.57 in Table 4, "
        "which is said to be without augmentation: Tables 1 to 3 must be tested on crops. Here "
        "every glance is one frame, its centre crop."
    ),
    "D4": (
        "D4: Table 1's 16 frames and Table 2's 2/2 are one and the same row (75.26), Table 3's "
        "middle is another (75.65): the key frame of Tables 1 and 2 follows some other rule than "
        '"drawn from the middle third", which is not given. On puppets all three are one training.'
    ),
    "D5": (
        "D5: a ResNet-50 from ImageNet as TSN reaches 83.0 % on UCF101's first split in public "
        "code, so that some 75 % mean a smaller network and 89.6 to 94.5 % in Table 5 need "
        "Kinetics weights, which the paper does not mention."
    ),
    "alike": (
        "By the paper's own design of two shared stages, SlowOnly's base has no kernel in time: "
        "TMNet-3D-A and 3D-B then compute the same, and Table 5's 4.2 and 9.8 points between them "
        "(90.3 and 94.5, 62.5 and 72.3) can only be the weights that they start from, or another "
        "cut that the paper does not name. On puppets both start alike; an inflated ResNet as in "
        "I3D, whose base does see time, stands beside them."
    ),
    "64": (
        "Figures of 64 frames are as printed; 32 of a puppet clip are stored, so that ours end "
        "there."
    ),
    "tsn": (
        "TSN's figures stand under RB+CB in the paper; here it is tested at one glance, as TMNet "
        "is."
    ),
    "best": (
        'The text says that TMNet "can also achieve state-of-the-art accuracy": by Table 5 '
        "TMNet-3D-B is the best on HMDB51 and equals RGB-I3D on UCF101 (94.5); 2D is below nine "
        "and 3D-A below seven of the methods listed there."
    ),
    "twice": (
        "Text: accuracy grows with the frames of training. From 8 frames on acc@1 of RB+CB reads "
        "75.05, 75.26, 75.23, 75.39 and CB's falls from 74.68 to 74.54: within half a point, and "
        "one clip of 3,783 is 0.03."
    ),
    "sensitive": (
        "Text: accuracy depends more on where a glance looks than on what was trained on. By Table "
        "4 the reverse: along a row acc@1 differs by 0.7 to 0.8, along a column by 1.0 to 2.2."
    ),
}


def accuracies() -> Iterator[tuple[str, float]]:
    """Every acc@1 and acc@5 of Tables 1 to 4, with where it stands."""
    for name, table in (("Table 1", TABLE1), ("Table 2", TABLE2), ("Table 3", TABLE3)):
        for row, branches in table.items():
            for branch, triple in branches.items():
                yield from ((f"{name}, {row}, {branch}", value) for value in triple[1:])
    for (trained, seen), triple in TABLE4.items():
        yield from ((f"Table 4, {trained}/{seen}", value) for value in triple[1:])


def not_counts(clips: int) -> list[tuple[str, float]]:
    """Accuracies of Tables 1 to 4 that are no whole number of ``clips`` clips, to two decimals."""
    possible = {round(100 * n / clips, 2) for n in range(clips + 1)}
    return [(where, value) for where, value in accuracies() if value not in possible]


def slips() -> str:
    """D1 in a sentence, counted from the tables."""
    every = len(list(accuracies()))
    fit = {name: every - len(not_counts(clips)) for name, clips in TEST_CLIPS.items()}
    (first, most), *others = fit.items()
    rest = ", ".join(f"{name} {count}" for name, count in others)
    return (
        f"D1: of the {every} figures acc@1 and acc@5 in Tables 1 to 4, {most} are whole numbers of "
        f"the {TEST_CLIPS[first]:,} test clips of {first} (by their number of test clips {rest}): "
        "the tables, which name no data set, are of that split."
    )
