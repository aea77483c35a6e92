"""HMDB51 from its official lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from actviz.datasets.base import DatasetError, hold_out
from actviz.datasets.hmdb51 import COUNTS, open_hmdb51

CLIPS = {
    "climb": ["A_Film_climb_f_cm_np1_fr_med_0.avi", "B!_[x]_climb_u_nm_np2_ba_goo_12.avi"],
    "climb_stairs": [
        "A_Film_climb_stairs_l_cm_np1_le_bad_0.avi",
        "C_climb_stairs_h_nm_np1_ri_med_1.avi",
    ],
}


def write_lists(folder: Path, marks: str = "1 2 ", ending: str = " \n") -> Path:
    """Official lists of two classes: one clip to train on, one to test on."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, names in CLIPS.items():
        text = "".join(f"{n} {m}{ending}" for n, m in zip(names, marks.split(), strict=True))
        for split in (1, 2, 3):
            (folder / f"{label}_test_split{split}.txt").write_text(text)
    return folder


@pytest.mark.real
def test_official_lists_have_the_published_counts(real_data: Path) -> None:
    data = open_hmdb51(real_data / "hmdb51")
    assert len(data.samples) == len({s.key for s in data.samples}) == 6766
    for name, counts in COUNTS.items():
        split = data.split(name)
        assert (len(split.train), len(split.test)) == counts
        assert not set(split.train) & set(split.test)
        assert {sum(s.label == k for s in split.train) for k in range(51)} == {70}


@pytest.mark.real
def test_classes_are_alphabetical(real_data: Path) -> None:
    data = open_hmdb51(real_data / "hmdb51")
    assert len(data.classes) == 51
    assert list(data.classes) == sorted(data.classes)
    assert (data.classes[0], data.classes[-1]) == ("brush_hair", "wave")


@pytest.mark.real
def test_real_files_are_found_with_their_film(real_data: Path) -> None:
    data = open_hmdb51(real_data / "hmdb51")
    absent = set(data.absent())
    there = [s for s in data.samples if s not in absent]
    assert len(there) == 3
    assert {data.classes[s.label] for s in there} == {"wave"}
    assert {s.group for s in there} == {"TrumanShow", "RATRACE", "SchoolRulesHowTheyHelpUs"}


@pytest.mark.real
@pytest.mark.parametrize("split", COUNTS)
def test_validation_never_shares_a_film_with_training(real_data: Path, split: str) -> None:
    train, val = hold_out(open_hmdb51(real_data / "hmdb51").split(split).train, share=0.1)
    assert not {s.group for s in train} & {s.group for s in val}
    assert len({s.label for s in val}) == len({s.label for s in train}) == 51


@pytest.mark.parametrize("videos", [".", "hmdb51", "hmdb51_org"])
def test_videos_are_found_where_people_put_them(tmp_path: Path, videos: str) -> None:
    write_lists(tmp_path / "testTrainMulti_7030_splits")
    for label, names in CLIPS.items():
        (tmp_path / videos / label).mkdir(parents=True)
        for name in names:
            (tmp_path / videos / label / name).touch()
    assert open_hmdb51(tmp_path).absent() == ()


def test_marks_are_train_test_and_unused(tmp_path: Path) -> None:
    data = open_hmdb51(tmp_path, lists=write_lists(tmp_path / "lists", "1 0"))
    split = data.split("split3")
    assert [s.key for s in split.train] == [
        "climb/A_Film_climb_f_cm_np1_fr_med_0",
        "climb_stairs/A_Film_climb_stairs_l_cm_np1_le_bad_0",
    ]
    assert [s.group for s in split.train] == ["A_Film", "A_Film"]
    assert split.test == ()
    assert len(data.samples) == 4


def test_the_order_is_of_the_classes_not_of_the_files(tmp_path: Path) -> None:
    assert open_hmdb51(tmp_path, lists=write_lists(tmp_path)).classes == ("climb", "climb_stairs")


@pytest.mark.parametrize("marks", ["1 3", "1 x", "1 12"])
def test_an_unknown_mark_names_the_line(tmp_path: Path, marks: str) -> None:
    with pytest.raises(DatasetError, match=r"climb_test_split1\.txt, line 2: expected a clip"):
        open_hmdb51(write_lists(tmp_path, marks))


def test_a_clip_of_another_class_is_refused(tmp_path: Path) -> None:
    (write_lists(tmp_path) / "climb_test_split2.txt").write_text("X_run_f_cm_np1_fr_med_0.avi 1\n")
    with pytest.raises(DatasetError, match="expected a clip of climb"):
        open_hmdb51(tmp_path)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    (write_lists(tmp_path) / "climb_test_split3.txt").unlink()
    with pytest.raises(DatasetError, match=r"climb_test_split3\.txt: expected one of"):
        open_hmdb51(tmp_path)


def test_without_lists_it_says_where_they_are_had(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="actviz data download hmdb51"):
        open_hmdb51(tmp_path)
    with pytest.raises(DatasetError, match="nowhere"):
        open_hmdb51(tmp_path, lists=tmp_path / "nowhere")
