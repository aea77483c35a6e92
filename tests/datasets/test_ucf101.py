"""UCF101 from its official lists."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from actviz.datasets.base import DatasetError, hold_out
from actviz.datasets.ucf101 import COARSE, COUNTS, open_ucf101

CLASSES = ("Archery", "TaiChi")
CLIPS = [f"{c}/v_{c}_g0{g}_c0{n}.avi" for c in CLASSES for g in (1, 2, 3) for n in (1, 2)]


def write_lists(folder: Path, **changes: str) -> Path:
    """Small lists of the official form: of split N, group N is tested on."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"classInd": "1 Archery\r\n2 TaiChi\r\n"}
    for n in (1, 2, 3):
        test = [clip for clip in CLIPS if f"_g0{n}_" in clip]
        train = [f"{c} {1 + CLASSES.index(c.split('/')[0])}" for c in CLIPS if c not in test]
        files |= {f"testlist0{n}": "\r\n".join(test), f"trainlist0{n}": "\r\n".join(train) + "\r\n"}
    for name, text in (files | changes).items():
        (folder / f"{name}.txt").write_bytes(text.encode())
    return folder


@pytest.mark.real
def test_official_lists_have_the_published_counts(real_data: Path) -> None:
    data = open_ucf101(real_data / "ucf101")
    assert data.protocols == ("split1", "split2", "split3")
    assert len(data.samples) == len({s.key for s in data.samples}) == 13_320
    for name, counts in COUNTS.items():
        split = data.split(name)
        assert (len(split.train), len(split.test)) == counts
        assert not {s.group for s in split.train} & {s.group for s in split.test}


@pytest.mark.real
def test_classes_are_in_the_official_order(real_data: Path) -> None:
    data = open_ucf101(real_data / "ucf101")
    lines = (real_data / "splits/ucfTrainTestlist/classInd.txt").read_text().split("\n")
    assert [f"{n} {name}" for n, name in enumerate(data.classes, 1)] == [x for x in lines if x]
    assert all(data.classes[s.label] == s.key.split("/")[0] for s in data.samples)


@pytest.mark.real
def test_coarse_groups_part_the_classes(real_data: Path) -> None:
    data = open_ucf101(real_data / "ucf101")
    names = [name for group in data.coarse.values() for name in group]
    assert sorted(names) == sorted(data.classes)
    assert [len(group) for group in COARSE.values()] == [20, 16, 5, 10, 50]


@pytest.mark.real
def test_real_files_are_found(real_data: Path) -> None:
    data = open_ucf101(real_data / "ucf101")
    absent = set(data.absent())
    there = sorted(s.key for s in data.samples if s not in absent)
    assert len(there) == 7
    assert there[0] == "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01"
    assert "SoccerJuggling/v_SoccerJuggling_g23_c01" in there


@pytest.mark.real
@pytest.mark.parametrize("split", COUNTS)
def test_validation_never_shares_a_group_with_training(real_data: Path, split: str) -> None:
    train, val = hold_out(open_ucf101(real_data / "ucf101").split(split).train, share=0.1)
    assert not {s.group for s in train} & {s.group for s in val}
    assert 0.09 < len(val) / (len(train) + len(val)) < 0.13
    held = Counter(s.label for s in val)
    assert len(held) == 101


@pytest.mark.parametrize(
    ("lists", "videos"),
    [
        ("ucfTrainTestlist", "UCF-101"),
        ("../ucfTrainTestlist", "."),
        ("splits/ucfTrainTestlist", "UCF-101"),
        ("../splits/ucfTrainTestlist", "videos"),
        (".", "UCF101"),
    ],
)
@pytest.mark.parametrize("flat", [False, True])
def test_lists_and_videos_are_found_where_people_put_them(
    tmp_path: Path, lists: str, videos: str, flat: bool
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_lists(root / lists)
    for clip in CLIPS:
        path = root / videos / (Path(clip).name if flat else clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    data = open_ucf101(root)
    assert data.absent() == ()
    assert len(data.samples) == 12


def test_lists_may_be_named(tmp_path: Path) -> None:
    lists = write_lists(tmp_path / "elsewhere")
    (tmp_path / "root").mkdir()
    data = open_ucf101(tmp_path / "root", lists=lists)
    assert len(data.absent()) == 12
    assert data.split("split2").test[0].key == "Archery/v_Archery_g02_c01"
    assert data.split("split2").test[0].group == "Archery/g02"


def test_without_lists_it_says_where_they_are_had(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="actviz data download ucf101"):
        open_ucf101(tmp_path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"classInd": "2 Archery\n"}, r"classInd\.txt, line 1: expected 1 and a class name"),
        ({"testlist01": "\nGolf/v_Golf_g01_c01.avi\n"}, r"testlist01\.txt, line 2: .*Golf"),
        ({"testlist01": "../../etc/passwd\n"}, "line 1: expected <class>/v_"),
        ({"trainlist02": "Archery/v_Archery_g01_c01.avi 2\n"}, "line 1: .*its number"),
        ({"testlist03": f"{CLIPS[0]}\n"}, "split 3 lists .* twice"),
    ],
)
def test_a_broken_list_is_one_sentence(tmp_path: Path, changes: dict, problem: str) -> None:
    write_lists(tmp_path, **changes)
    with pytest.raises(DatasetError, match=problem):
        open_ucf101(tmp_path)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    (write_lists(tmp_path) / "testlist02.txt").unlink()
    with pytest.raises(DatasetError, match=r"testlist02\.txt: expected one of the official lists"):
        open_ucf101(tmp_path)


def test_lists_of_bytes_are_refused_in_words(tmp_path: Path) -> None:
    (write_lists(tmp_path) / "trainlist01.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DatasetError, match=r"trainlist01\.txt"):
        open_ucf101(tmp_path)


@pytest.mark.real
def test_an_unknown_protocol_names_the_known_ones(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "splits", tmp_path / "splits")
    with pytest.raises(DatasetError, match="split1, split2, split3; got 'split4'"):
        open_ucf101(tmp_path).split("split4")
