"""HDM05 by file names: 130 motions, 65 classes, ten folds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from actviz.datasets.base import DatasetError
from actviz.datasets.hdm05 import open_hdm05
from actviz.datasets.hdm05_motions import MERGED, MOTIONS, merged


def make(root: Path, motions: tuple[str, ...] = MOTIONS, takes: int = 3) -> Path:
    for motion in motions:
        (root / motion).mkdir(parents=True, exist_ok=True)
        for take in range(takes):
            actor = ("bd", "bk", "dg", "mm", "tr")[take % 5]
            (root / motion / f"HDM_{actor}_{motion}_{take + 1:03}_120.amc").touch()
    return root


def test_a_hundred_and_thirty_motions_make_sixty_five_classes() -> None:
    assert len(MOTIONS) == len(set(MOTIONS)) == 130
    assert list(MOTIONS) == sorted(MOTIONS)
    assert len(MERGED) == 65


def test_classes_have_the_sizes_of_the_public_merge_by_number() -> None:
    sizes = Counter(Counter(merged(motion) for motion in MOTIONS).values())
    assert sizes == {1: 26, 2: 25, 3: 4, 4: 8, 5: 2}


@pytest.mark.real
def test_the_public_merge_itself_has_these_sizes(real_data: Path) -> None:
    lines = (real_data / "hdm05_130_to_65.csv").read_text().splitlines()
    into = Counter(line.split(",")[1] for line in lines if line[:1].isdigit())
    sizes = Counter(count + 1 for count in into.values())
    ours = Counter(Counter(merged(motion) for motion in MOTIONS).values())
    assert sizes == {size: count for size, count in ours.items() if size > 1}


@pytest.mark.parametrize(
    ("motion", "name"),
    [
        ("kickLFront2Reps", "kickLFront"),
        ("jogOnPlaceStartFloor4StepsRStart", "jogOnPlace"),
        ("walkLeftCircle6StepsLstart", "walkLeftCircle"),
        ("elbowToKnee3RepsRelbowStart", "elbowToKnee"),
        ("cartwheelRHandStart1Reps", "cartwheel"),
        ("hopRLeg3hops", "hopRLeg"),
        ("walk4StepsRstart", "walk"),
        ("staircaseUp3Rstart", "staircaseUp3"),
        ("throwSittingLowR", "throwSittingR"),
        ("grabHighR", "grabHighR"),
    ],
)
def test_repetitions_and_starts_do_not_make_a_class(motion: str, name: str) -> None:
    assert merged(motion) == name


def test_every_motion_becomes_a_sample_of_its_class(tmp_path: Path) -> None:
    data = open_hdm05(make(tmp_path))
    assert len(data.samples) == 390
    assert {s.group.split()[0] for s in data.samples} == {"bd", "bk", "dg"}
    assert len({s.group for s in data.samples}) == 390  # an actor's repetitions stay together
    squats = [s for s in data.samples if data.classes[s.label] == "squat"]
    assert {s.key.split("/")[0] for s in squats} == {"squat1Reps", "squat3Reps"}
    assert len(open_hdm05(tmp_path, classes=130).classes) == 130


def test_ten_folds_test_everything_once_and_every_class_evenly(tmp_path: Path) -> None:
    data = open_hdm05(make(tmp_path, MOTIONS[:20], takes=20))
    splits = [data.split(protocol) for protocol in data.protocols]
    tested = [s for split in splits for s in split.test]
    assert len(splits) == 10
    assert sorted(s.key for s in tested) == sorted(s.key for s in data.samples)
    for split in splits:
        assert not {*split.train} & {*split.test}
        counts = Counter(s.label for s in split.test)
        whole = Counter(s.label for s in data.samples)
        assert all(abs(counts[k] - n / 10) < 1 for k, n in whole.items())


def test_one_file_of_each_motion_is_taken_angles_first(tmp_path: Path) -> None:
    make(tmp_path, ("turnLeft",), takes=2)
    for stem in ("HDM_bd_turnLeft_001_120", "HDM_tr_turnLeft_009_120"):
        (tmp_path / f"{stem}.C3D").touch()
    data = open_hdm05(tmp_path)
    assert sorted(s.path.suffix for s in data.samples) == [".C3D", ".amc", ".amc"]


def test_uncut_takes_are_counted_and_left_out(tmp_path: Path) -> None:
    make(tmp_path, ("turnLeft",), takes=1)
    (tmp_path / "HDM_bd_01-01_01_120.amc").touch()
    (tmp_path / "HDM_bd.asf").touch()
    data = open_hdm05(tmp_path)
    assert len(data.samples) == 1
    assert any("1 files are none of the 130 cut motions" in note for note in data.notes)


def test_what_is_no_hdm05_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected HDM05's cut motions"):
        open_hdm05(tmp_path)
    with pytest.raises(DatasetError, match="65 classes, merged, or 130"):
        open_hdm05(tmp_path, classes=122)


@pytest.mark.real
def test_the_real_motions_have_their_classes(real_data: Path) -> None:
    data = open_hdm05(real_data / "skeletons" / "hdm05")
    assert [data.classes[s.label] for s in data.samples] == [
        "depositFloorR",
        "elbowToKnee",
        "grabHighR",
        "hopBothLegs",
    ]
    assert {s.group.split()[0] for s in data.samples} == {"bd"}
