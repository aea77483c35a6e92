"""UT-Kinect by its label file: 199 sequences, wrong labels repaired, one recording left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from actviz.clip.skeleton import read_skeleton
from actviz.datasets.base import DatasetError
from actviz.datasets.utkinect import CLASSES, open_utkinect

LABELS = """s01_e01
walk: 4 8
sitDown: 9 12
s01_e02
walk: 154 192
carry:  NaN NaN
clapHands: 20 10
jump: 1 2
"""


def make(folder: Path, labels: str = LABELS, name: str = "actionLabel.txt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for recording in ("s01_e01", "s01_e02", "s09_e09"):
        rows = [f"{n} " + " ".join(f"{n + k}" for k in range(60)) for n in range(1, 300)]
        (folder / f"joints_{recording}.txt").write_text("\n".join(rows))
    (folder / name).write_text(labels)
    return folder


def test_each_label_is_a_sample(tmp_path: Path) -> None:
    data = open_utkinect(make(tmp_path))
    assert [s.key for s in data.samples] == ["s01_e01/walk", "s01_e01/sitDown", "s01_e02/walk"]
    assert [data.classes[s.label] for s in data.samples] == ["walk", "sit down", "walk"]
    assert [s.group for s in data.samples] == ["s01_e01", "s01_e01", "s01_e02"]
    assert not data.absent()


def test_a_wrong_label_is_repaired_and_said_so(tmp_path: Path) -> None:
    data = open_utkinect(make(tmp_path))
    assert any("154 to 192 is known to be wrong; 154 to 270 is used" in n for n in data.notes)
    sample = data.samples[-1]
    skeleton = read_skeleton(sample.path, segment=sample.segment)
    assert (skeleton.frame_index[0], skeleton.frame_index[-1]) == (154, 270)


def test_unusable_labels_are_left_out_with_a_reason(tmp_path: Path) -> None:
    words = " ".join(open_utkinect(make(tmp_path)).notes)
    assert "s01_e02 carry: the label file gives no frames (NaN); left out." in words
    assert "s01_e02 clapHands: its label ends before it starts; left out." in words
    assert "'jump' is none of the ten" in words
    assert "No labels for s09_e09" in words


def test_one_recording_is_left_out_at_a_time(tmp_path: Path) -> None:
    data = open_utkinect(make(tmp_path))
    assert data.protocols == ("leave-one-sequence-out/01", "leave-one-sequence-out/02")
    split = data.split("leave-one-sequence-out/02")
    assert {s.group for s in split.test} == {"s01_e02"}
    assert {s.group for s in split.train} == {"s01_e01"}


def test_what_a_recipe_is_chosen_by_has_nobody_of_the_group_it_is_chosen_for(
    tmp_path: Path,
) -> None:
    for person in range(1, 6):
        (tmp_path / f"joints_s{person:02}_e01.txt").write_text("")
    named = [f"s{person:02}_e01\nwalk: 1 9\n" for person in range(1, 6)]
    (tmp_path / "actionLabel.txt").write_text("".join(named))
    data = open_utkinect(tmp_path)
    assert data.protocols[5:] == ("inner/1", "inner/2", "inner/3")
    split = data.split("inner/2")  # for s03 and s04; the third group, s05 alone, tests
    assert [s.group for s in split.test] == ["s05_e01"]
    assert [s.group for s in split.train] == ["s01_e01", "s02_e01"]
    assert {s.group for s in data.split("inner/3").test} == {"s01_e01", "s02_e01"}


def test_recordings_may_lie_in_joints_and_labels_above(tmp_path: Path) -> None:
    make(tmp_path / "joints")
    (tmp_path / "joints" / "actionLabel.txt").rename(tmp_path / "actionLabel.txt")
    data = open_utkinect(tmp_path)
    assert len(data.samples) == 3
    assert len(read_skeleton(data.samples[0].path, segment=data.samples[0].segment)) == 5


def test_a_missing_recording_is_absent_and_still_a_sample(tmp_path: Path) -> None:
    (make(tmp_path) / "joints_s01_e02.txt").unlink()
    assert [s.key for s in open_utkinect(tmp_path).absent()] == ["s01_e02/walk"]


@pytest.mark.parametrize("labels", ["", "s01_e01\nwalk: a b\n", "\0\1"])
def test_broken_labels_are_refused(tmp_path: Path, labels: str) -> None:
    with pytest.raises(DatasetError, match=r"actionLabel\.txt"):
        open_utkinect(make(tmp_path, labels))


def test_what_is_no_utkinect_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"joints_s01_e01\.txt"):
        open_utkinect(tmp_path)
    (make(tmp_path) / "actionLabel.txt").unlink()
    with pytest.raises(DatasetError, match=r"actionLabel\.txt beside its joints"):
        open_utkinect(tmp_path)


@pytest.mark.real
def test_the_real_set_has_its_counts(real_data: Path) -> None:
    data = open_utkinect(real_data / "skeletons" / "utkinect")
    assert len(data.samples) == 199
    counts = [sum(s.label == k for s in data.samples) for k in range(len(CLASSES))]
    assert counts == [20, 20, 20, 20, 19, 20, 20, 20, 20, 20]
    sizes = [len(data.split(p).test) for p in data.protocols]
    assert sizes == [10] * 19 + [9] + [40, 40, 40, 39, 40]
    assert not data.absent()


@pytest.mark.real
def test_the_published_labels_alone_give_the_repaired_segments(
    real_data: Path, tmp_path: Path
) -> None:
    source = real_data / "skeletons" / "utkinect"
    for name in ("joints_s03_e01.txt", "joints_s10_e01.txt", "actionLabel.txt"):
        shutil.copy(source / name, tmp_path / name)
    data = open_utkinect(tmp_path)
    assert len(data.samples) == 199
    assert sum("known to be wrong" in note for note in data.notes) == 7
    for recording, action in (("s03_e01", "push"), ("s10_e01", "carry"), ("s10_e01", "walk")):
        name = f"joints_{recording}.txt"
        ours = read_skeleton(tmp_path / name, segment=action)
        assert (
            ours.times_s.tolist() == read_skeleton(source / name, segment=action).times_s.tolist()
        )
