"""Anyone's own clips: folders, and one table as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from actviz.datasets.base import DatasetError
from actviz.datasets.folder import open_folder


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"clip")
    return root


def table(root: Path, text: str, encoding: str = "utf-8") -> Path:
    path = root / "clips.csv"
    path.write_bytes(text.encode(encoding))
    return path


def keys(samples) -> list[str]:
    return [sample.key for sample in samples]


def test_parts_classes_and_keys_come_from_the_folders(tmp_path: Path) -> None:
    make(tmp_path, "train/wave/b.mp4", "train/clap/a.avi", "val/wave/c.mp4", "test/clap/d.MOV")
    data = open_folder(tmp_path)
    split = data.split()
    assert (data.name, data.kind, data.protocols) == ("folder", "video", ("given",))
    assert data.classes == ("clap", "wave")
    assert keys(split.train) == ["train/clap/a", "train/wave/b"]
    assert keys(split.val) == ["val/wave/c"]
    assert [(s.key, s.label) for s in split.test] == [("test/clap/d", 0)]
    assert data.absent() == ()


def test_other_words_for_the_parts_are_understood(tmp_path: Path) -> None:
    make(tmp_path, "Training/a/1.mp4", "Validation/a/2.mp4", "testing/a/3.mp4")
    split = open_folder(tmp_path).split("given")
    assert [len(part) for part in (split.train, split.val, split.test)] == [1, 1, 1]


def test_without_parts_all_is_for_training_and_said(tmp_path: Path) -> None:
    make(tmp_path, "wave/1.mp4", "clap/1.mp4")
    data = open_folder(tmp_path)
    assert len(data.split().train) == 2
    assert data.split().test == ()
    assert "all is for training" in data.notes[0]


def test_a_class_named_train_is_a_class(tmp_path: Path) -> None:
    make(tmp_path, "train/1.mp4", "car/1.mp4")
    assert open_folder(tmp_path).classes == ("car", "train")


def test_classes_are_in_natural_order(tmp_path: Path) -> None:
    make(tmp_path, *(f"train/{name}/a.mp4" for name in ("take 10", "take 2", "Apple", "banana")))
    assert open_folder(tmp_path).classes == ("Apple", "banana", "take 2", "take 10")


def test_hidden_files_clutter_and_prepared_pictures_are_no_clips(tmp_path: Path) -> None:
    make(tmp_path, "wave/1.mp4", "wave/._1.mp4", "wave/Thumbs.db", ".git/x/1.mp4", "loose.mp4")
    make(tmp_path, "prepared/wave/1/img_00001.jpg", "prepared/wave/1/clip.json", "wave/.DS_Store")
    data = open_folder(tmp_path)
    assert data.classes == ("wave",)
    assert keys(data.samples) == ["wave/1"]


def test_sidecars_are_left_out_and_counted(tmp_path: Path) -> None:
    make(tmp_path, "wave/1.mp4", "wave/1.srt", "wave/1.json", "wave/notes.txt")
    data = open_folder(tmp_path)
    assert len(data.samples) == 1
    assert "1 × .json, 1 × .srt, 1 × .txt" in " ".join(data.notes)


def test_folders_beside_the_parts_are_named(tmp_path: Path) -> None:
    make(tmp_path, "train/wave/1.mp4", "extra/wave/1.mp4")
    assert "beside train: extra" in " ".join(open_folder(tmp_path).notes)


def test_folders_within_a_class_are_read(tmp_path: Path) -> None:
    make(tmp_path, "train/wave/monday/1.mp4", "train/wave/1.mp4")
    assert sorted(keys(open_folder(tmp_path).samples)) == ["train/wave/1", "train/wave/monday/1"]


def test_skeletons_are_told_by_their_ending(tmp_path: Path) -> None:
    make(tmp_path / "a", "train/wave/1.npz", "train/wave/2.NPZ")
    make(tmp_path / "b", "train/wave/1.skeleton", "train/wave/readme.txt")
    mine, ntu = open_folder(tmp_path / "a"), open_folder(tmp_path / "b")
    assert (mine.kind, mine.layout) == ("skeleton", None)
    assert (ntu.kind, ntu.layout, len(ntu.samples)) == ("skeleton", "ntu-25", 1)


def test_videos_and_skeletons_together_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "train/wave/1.mp4", "train/wave/2.npz")
    with pytest.raises(DatasetError, match=r"1 videos .*1\.mp4.* 1 skeletons .*2\.npz"):
        open_folder(tmp_path)


def test_a_class_only_in_test_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "train/wave/1.mp4", "test/clap/1.mp4")
    with pytest.raises(DatasetError, match="got clap only in test"):
        open_folder(tmp_path)


def test_a_test_part_alone_can_be_evaluated_on(tmp_path: Path) -> None:
    make(tmp_path, "test/wave/1.mp4")
    data = open_folder(tmp_path)
    assert len(data.split().test) == 1
    assert "not trained on" in data.notes[0]


def test_an_empty_folder_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected clips as train/<class>/<file>"):
        open_folder(tmp_path)


def test_keys_are_unique_whatever_the_system_ignores(tmp_path: Path) -> None:
    names = ["w/a.mp4", "w/a.avi", "w/A.MP4", "w/b.mp4", "../c.mp4", "c.mp4", 'q".mp4', "w/..mp4"]
    rows = "".join('"{}",x,train\n'.format(name.replace('"', '""')) for name in names)
    found = keys(open_folder(table(tmp_path, "path,label,split\n" + rows)).samples)
    assert len({key.casefold() for key in found}) == len(names)
    assert found[3] == "w/b"
    assert found[6] == "q_"
    assert not any(piece.startswith(".") for key in found for piece in key.split("/"))


def test_keys_of_absolute_paths_do_not_depend_on_where_they_lie(tmp_path: Path) -> None:
    def of(home: str) -> list[str]:
        text = f"path,label\n{home}/x/1.mp4,a\n{home}/y/1.mp4,b\n"
        return keys(open_folder(table(tmp_path, text)).samples)

    assert of("/home/ann/clips") == of("/data") == of("D:/clips") == ["x/1", "y/1"]


def test_a_folder_with_one_table_is_that_table(tmp_path: Path) -> None:
    table(make(tmp_path, "1.mp4"), "path,label\n1.mp4,wave\n")
    assert open_folder(tmp_path).samples[0].path == tmp_path / "1.mp4"


def test_a_table_beside_the_one_folder_of_its_clips_is_meant(tmp_path: Path) -> None:
    make(tmp_path, "clips/1.mp4", "clips/2.mp4")
    table(tmp_path, "path,label\nclips/1.mp4,wave\nclips/2.mp4,clap\n")
    assert open_folder(tmp_path).classes == ("clap", "wave")


SAME = ["path,label,split", "Split; Path ;CLASS", "label\tset\tvideo"]


@pytest.mark.parametrize("head", SAME)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_columns_may_stand_in_any_order_and_form(tmp_path: Path, head: str, encoding: str) -> None:
    mark = next(m for m in ";\t," if m in head)
    value = {"p": "clips/é.mp4", "v": "clips/é.mp4", "l": "wave", "c": "wave", "s": "Validation"}
    row = mark.join(value[name.strip().lower()[0]] for name in head.split(mark))
    path = table(tmp_path, f"{head}\r\n{row}\r\n\r\n", encoding)
    data = open_folder(path)
    assert data.root == tmp_path
    assert data.split().val[0].path == tmp_path / "clips/é.mp4"
    assert len(data.absent()) == 1


@pytest.mark.parametrize(
    "text", ["1.mp4,wave,train\n2.mp4,clap,test\n", "Datei,Klasse,Teil\n1.mp4,wave,train\n"]
)
def test_columns_are_guessed_without_a_known_header(tmp_path: Path, text: str) -> None:
    make(tmp_path, "1.mp4")
    text = text.replace("clap", "wave")
    sample = open_folder(table(tmp_path, text)).split().train[0]
    assert (sample.key, sample.label) == ("1", 0)


def test_quotes_backslashes_and_text_labels(tmp_path: Path) -> None:
    make(tmp_path, "a/x, y.mp4", "b/2.mp4")
    text = 'path,label,split,group\n"a\\x, y.mp4","007",train,ann\nb\\2.mp4,7,train,\n'
    data = open_folder(table(tmp_path, text))
    assert data.classes == ("007", "7")
    assert data.absent() == ()
    assert [s.group for s in data.samples] == ["ann", ""]


def test_no_column_for_the_part_means_training(tmp_path: Path) -> None:
    split = open_folder(table(tmp_path, "path,label\n1.mp4,a\n2.mp4,b\n")).split()
    assert (len(split.train), len(split.test)) == (2, 0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("path,label,split\n,a,train\n", "line 2: expected a path; got none"),
        ("path,label,split\n1.mp4,,train\n", "line 2: expected a label; got none"),
        ("path,label,split\n1.mp4,a,train\n2.mp4,a,tset\n", "line 3: .*got tset"),
        ("path,label,split\n1.mp4,a,\n", "line 2: expected train, val or test; got nothing"),
        ("path,label\n1.mp4,a\n\n1.mp4,b\n", r"line 4: .*1\.mp4 again, first on line 2"),
        ("path,label\n./1.mp4,a\nx/../1.mp4,b\n", "line 3: expected each file once"),
        ("path,label,split\n1.mp4,a\n", "line 2: expected 3 cells; got 2"),
        ("label,split,path\na,train,x,y.mp4\n", "line 2: expected 3 cells; got 4"),
        ("path,label,label\n1.mp4,a,b\n", "line 1: expected one column for the label"),
        ("what,ever\n1,2\n", "line 1: expected a header with path,label,split"),
        ("path\n1.mp4\n", "line 1: expected path,label,split with commas"),
        ('path,label\n"1.mp4,a\n', "expected a CSV"),
        ("\n \n", "it is empty"),
        ("path,label\n", "found no video and no skeleton"),
    ],
)
def test_a_broken_row_is_one_sentence_naming_the_line(tmp_path: Path, text, problem) -> None:
    with pytest.raises(DatasetError, match=problem):
        open_folder(table(tmp_path, text))


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="line 2: expected a CSV in UTF-8"):
        open_folder(table(tmp_path, "path,label\né.mp4,a\n", "latin-1"))


def test_binary_files_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(b"path,label\n\x00\x00.mp4,\x00")
    with pytest.raises(DatasetError, match="holds binary data"):
        open_folder(path)
