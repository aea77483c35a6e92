"""NTU RGB+D by file names: official splits, classes, files without skeleton."""

from __future__ import annotations

from pathlib import Path

import pytest

from actviz.datasets.base import DatasetError, hold_out
from actviz.datasets.ntu import CLASSES, OFFICIAL_COUNTS, TRAIN_SUBJECTS, open_ntu

BODY = "1\n1\n7 0 1 1 1 1 0 0 0 2\n25\n" + "0.1 0.2 3.0 0 0 0 0 0 0 0 0 2\n" * 25


def make(folder: Path, names: list[str], content: str = BODY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.skeleton").write_text(content)
    return folder


def test_there_are_sixty_classes_half_of_the_subjects_train() -> None:
    assert len(CLASSES) == len(set(CLASSES)) == 60
    assert (CLASSES[0], CLASSES[7], CLASSES[49], CLASSES[59]) == (
        "drink water",
        "sit down",
        "punch or slap",
        "walk apart",
    )
    assert len(TRAIN_SUBJECTS) == 20
    assert {sum(counts) for counts in OFFICIAL_COUNTS.values()} == {56_578}


def test_subjects_and_cameras_split_as_published(tmp_path: Path) -> None:
    names = [f"S001C{c:03}P{p:03}R001A001" for c in (1, 2, 3) for p in (1, 3, 38, 40)]
    data = open_ntu(make(tmp_path, names))
    by_subject, by_camera = data.split("cross-subject"), data.split("cross-view")
    assert {s.group for s in by_subject.train} == {"P001", "P038"}
    assert {s.key[4:8] for s in by_camera.train} == {"C002", "C003"}
    assert {s.key[4:8] for s in by_camera.test} == {"C001"}
    for split in (by_subject, by_camera):
        assert {*split.train, *split.test} == set(data.samples)
    assert data.split() == by_subject


def test_validation_takes_whole_subjects(tmp_path: Path) -> None:
    names = [f"S001C001P{p:03}R001A{a:03}" for p in sorted(TRAIN_SUBJECTS) for a in (1, 2)]
    train, val = hold_out(open_ntu(make(tmp_path, names)).split().train, share=0.2)
    assert val
    assert not {s.group for s in train} & {s.group for s in val}


def test_files_of_the_makers_list_are_left_out(tmp_path: Path) -> None:
    names = ["S001C001P001R001A001", "S001C002P005R002A008", "S001C002P006R001A008"]
    make(tmp_path / "skeletons", names)
    (tmp_path / "samples_with_missing_skeletons.txt").write_text(f"{names[1]}\r\n{names[2]}\r\n")
    data = open_ntu(tmp_path)
    assert [s.key for s in data.samples] == names[:1]
    assert "2 files that samples_with_missing_skeletons.txt names" in data.notes[0]


def test_without_the_list_files_without_any_body_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, ["S001C001P001R001A001"])
    make(tmp_path, ["S001C001P001R001A002"], "3\n0\n0\n0\n")
    make(tmp_path, ["S001C001P001R001A003"], "")
    data = open_ntu(tmp_path)
    assert [s.label for s in data.samples] == [0]
    assert "2 files in which no frame holds a body" in data.notes[0]


def test_other_files_are_counted_and_left_out(tmp_path: Path) -> None:
    make(tmp_path, ["S001C001P001R001A001", "S018C001P042R001A061", "notes"])
    make(tmp_path / "copy", ["S001C001P001R001A001"])
    data = open_ntu(tmp_path)
    assert len(data.samples) == 1
    words = " ".join(data.notes)
    assert "1 .skeleton files hold actions 61 to 120" in words
    assert "1 .skeleton files are not named" in words
    assert "1 .skeleton files have the name of another" in words


@pytest.mark.parametrize("names", [[], ["S018C001P042R001A061"]])
def test_a_folder_without_ntu_files_is_refused(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(DatasetError, match=r"expected files like S001C001P001R001A001\.skeleton"):
        open_ntu(make(tmp_path, names))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        open_ntu(tmp_path / "nowhere")


@pytest.mark.real
def test_the_real_files_have_their_labels(real_data: Path) -> None:
    data = open_ntu(real_data / "skeletons" / "ntu")
    assert [data.classes[s.label] for s in data.samples] == [
        "drink water",
        "punch or slap",
        "brush teeth",
    ]
    assert [s.group for s in data.split().test] == ["P003"]
