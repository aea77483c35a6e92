"""UCF101: 13,320 clips of 101 actions from YouTube, three official splits.

Soomro, Zamir, Shah: UCF101: A Dataset of 101 Human Actions Classes From Videos in The Wild,
CRCV-TR-12-01, 2012, https://www.crcv.ucf.edu/data/UCF101.php. The official lists for recognition
(``classInd.txt``, ``trainlist0N.txt``, ``testlist0N.txt``) say which clips there are.

Clips of one class and group (``g01`` … ``g25``) were cut from the same film, so that a group is
never parted between training and validation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from actviz.datasets.base import Dataset, DatasetError, Sample, Split
from actviz.datasets.places import list_lines, lists_near, place_of

__all__ = ["COARSE", "COUNTS", "LISTS_AT", "find_lists", "open_ucf101"]

COUNTS = {"split1": (9537, 3783), "split2": (9586, 3734), "split3": (9624, 3696)}  # train, test
LISTS_AT = "https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip"
_LISTS = "ucfTrainTestlist"
_VIDEOS = ("UCF-101", "UCF101", "videos")
_FILE = re.compile(r"(?P<label>[^/]+)/v_[^/]+_(?P<group>g\d+)_c\d+\.avi")

# The five groups of the data set's makers; Table 1 of the MAM paper reports three of them.
_GROUPS = {
    "Human-Object Interaction": """
        ApplyEyeMakeup ApplyLipstick BlowDryHair BrushingTeeth CuttingInKitchen Hammering HulaHoop
        JugglingBalls JumpRope Knitting Mixing MoppingFloor Nunchucks PizzaTossing ShavingBeard
        SkateBoarding SoccerJuggling Typing WritingOnBoard YoYo""",
    "Body-Motion Only": """
        BabyCrawling BlowingCandles BodyWeightSquats HandstandPushups HandstandWalking JumpingJack
        Lunges PullUps PushUps RockClimbingIndoor RopeClimbing Swing TaiChi TrampolineJumping
        WalkingWithDog WallPushups""",
    "Human-Human Interaction": """
        BandMarching Haircut HeadMassage MilitaryParade SalsaSpin""",
    "Playing Musical Instruments": """
        Drumming PlayingCello PlayingDaf PlayingDhol PlayingFlute PlayingGuitar PlayingPiano
        PlayingSitar PlayingTabla PlayingViolin""",
    "Sports": """
        Archery BalanceBeam BaseballPitch Basketball BasketballDunk BenchPress Biking Billiards
        Bowling BoxingPunchingBag BoxingSpeedBag BreastStroke CleanAndJerk CliffDiving
        CricketBowling CricketShot Diving Fencing FieldHockeyPenalty FloorGymnastics FrisbeeCatch
        FrontCrawl GolfSwing HammerThrow HighJump HorseRace HorseRiding IceDancing JavelinThrow
        Kayaking LongJump ParallelBars PoleVault PommelHorse Punch Rafting Rowing Shotput
        SkyDiving Skiing Skijet SoccerPenalty StillRings SumoWrestling Surfing TableTennisShot
        TennisSwing ThrowDiscus UnevenBars VolleyballSpiking""",
}
COARSE = {group: tuple(names.split()) for group, names in _GROUPS.items()}


def open_ucf101(root: Path, *, lists: Path | None = None) -> Dataset:
    """UCF101 as its official lists have it, files there or not.

    Args:
        root: holds ``UCF-101/<class>/<name>.avi``, or ``<class>/<name>.avi``, or the files alone.
        lists: folder of the official lists; None looks in and beside ``root``.

    Raises:
        DatasetError: no lists, or a line that is not as the makers publish it.
    """
    root = Path(root)
    folder = Path(lists) if lists is not None else find_lists(root)
    if folder is None or not (folder / "classInd.txt").is_file():
        raise DatasetError(
            f"{folder or root}: expected UCF101's official lists (classInd.txt, trainlist01.txt, "
            f"…) in a folder {_LISTS}, in or beside the data; fetch them with `actviz data "
            f"download ucf101` or from {LISTS_AT}."
        )
    classes = _classes(folder / "classInd.txt")
    parts = {split: _parts(folder, n, classes) for n, split in enumerate(COUNTS, 1)}
    place = place_of(root, _VIDEOS, classes)
    names = {name for both in parts.values() for part in both for name in part}
    samples = {name: _sample(name, place(name), classes) for name in names}

    def make_split(split: str) -> Split:
        train, test = (tuple(samples[name] for name in part) for part in parts[split])
        return Split(split, train, test)

    return Dataset(
        name="ucf101",
        kind="video",
        root=root,
        classes=tuple(classes),
        samples=tuple(sorted(samples.values(), key=lambda s: (s.label, s.key))),
        protocols=tuple(parts),
        make_split=make_split,
        coarse=COARSE,
    )


def find_lists(root: Path) -> Path | None:
    """The folder of UCF101's lists in or beside ``root``, where there is one."""
    return lists_near(Path(root), _LISTS, "classInd.txt")


def _classes(path: Path) -> dict[str, int]:
    """Class name -> label, from lines such as ``1 ApplyEyeMakeup``."""
    names: list[str] = []
    for where, line in list_lines(path):
        number, _, name = line.partition(" ")
        if number != str(len(names) + 1) or not name.strip():
            raise DatasetError(
                f"{where}: expected {len(names) + 1} and a class name; got {line!r}; fetch the "
                "official lists anew."
            )
        names.append(name.strip())
    return {name: label for label, name in enumerate(names)}


def _parts(folder: Path, number: int, classes: dict[str, int]) -> tuple[list[str], list[str]]:
    """File names ``<class>/<file>`` of the training and the test list of one split."""
    train = list(_names(folder / f"trainlist0{number}.txt", classes))
    test = list(_names(folder / f"testlist0{number}.txt", classes))
    twice = {name for name, count in Counter((*train, *test)).items() if count > 1}
    if twice:
        raise DatasetError(
            f"{folder}: split {number} lists {sorted(twice)[0]} twice ({len(twice)} such files); "
            "fetch the official lists anew."
        )
    return train, test


def _names(path: Path, classes: dict[str, int]) -> Iterator[str]:
    for where, line in list_lines(path):
        name, _, number = line.partition(" ")
        label = classes.get(name.partition("/")[0])
        if label is None or not _FILE.fullmatch(name) or number.strip() not in ("", str(label + 1)):
            raise DatasetError(
                f"{where}: expected <class>/v_<class>_g01_c01.avi of a class in classInd.txt, and "
                f"its number if any; got {line!r}; fetch the official lists anew."
            )
        yield name


def _sample(name: str, path: Path, classes: dict[str, int]) -> Sample:
    found = _FILE.fullmatch(name)
    assert found is not None
    return Sample(
        key=name.removesuffix(".avi"),
        path=path,
        label=classes[found["label"]],
        group=f"{found['label']}/{found['group']}",
    )
