"""One interface for every data set, and what parts training from validation."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actviz.datasets import DATASETS, DatasetError, Sample, hold_out, open_dataset, recognise
from actviz.datasets.puppets import ACTIONS, SPLITS, make_scene

REAL = {
    "ucf101": "ucf101",
    "hmdb51": "hmdb51",
    "ntu": "skeletons/ntu",
    "utkinect": "skeletons/utkinect",
    "hdm05": "skeletons/hdm05",
}
SAFE = re.compile(r'[^<>:"|?*\\\x00-\x1f]+')


@pytest.fixture(scope="module", params=[*REAL, "puppets", "folder"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Each data set, opened: the real samples where there are any."""
    if request.param == "puppets":
        return open_dataset("puppets", train=24, val=12, test=12)
    if request.param == "folder":
        root = tmp_path_factory.mktemp("clips")
        for name in ("train/a/1.mp4", "train/b/1.mp4", "val/a/2.mp4", "test/b/3.mp4"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        return open_dataset("folder", root)
    real = request.getfixturevalue("real_data")
    return open_dataset(request.param, real / REAL[request.param])


def test_keys_are_unique_safe_relative_paths(data) -> None:
    keys = [sample.key for sample in data.samples]
    assert len({key.casefold() for key in keys}) == len(keys) > 0
    for piece in (piece for key in keys for piece in key.split("/")):
        assert SAFE.fullmatch(piece)
        assert not piece.startswith(".")
        assert not piece.endswith((" ", "."))


def test_labels_are_places_among_the_classes(data) -> None:
    assert len(set(data.classes)) == len(data.classes)
    assert {sample.label for sample in data.samples} <= set(range(len(data.classes)))
    assert {name for group in data.coarse.values() for name in group} <= set(data.classes)


def test_every_split_parts_the_samples(data) -> None:
    for protocol in data.protocols[:10]:
        split = data.split(protocol)
        parts = [{s.key for s in part} for part in (split.train, split.val, split.test)]
        assert sum(map(len, parts)) == len(set.union(*parts))
        assert set.union(*parts) <= {s.key for s in data.samples}
        assert split.name == protocol


def test_the_usual_protocol_is_the_first(data) -> None:
    assert data.split().name == data.protocols[0]
    with pytest.raises(DatasetError, match="protocol must be one of"):
        data.split("no such protocol")


def test_absent_samples_are_those_without_a_file(data) -> None:
    absent = {s.key for s in data.absent()}
    assert absent == {s.key for s in data.samples if s.path and not s.path.exists()}


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_real_folders_are_recognised(real_data: Path, name: str) -> None:
    assert recognise(real_data / REAL[name]) == name


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["UCF-101/Archery/v_Archery_g01_c01.avi"], "ucf101"),
        (["ucfTrainTestlist/classInd.txt"], "ucf101"),
        (["testTrainMulti_7030_splits/run_test_split1.txt"], "hmdb51"),
        (["nturgb+d_skeletons/S001C001P001R001A001.skeleton"], "ntu"),
        (["joints/joints_s01_e01.txt", "actionLabel.txt"], "utkinect"),
        (["3DSkeleton/drinking/s1/sklWorld.mat"], "sysu"),
        (["HDM05_cut_amc/cartwheel/HDM_bd_cartwheel_001_120.amc"], "hdm05"),
        (["train/Archery/v_Archery_g01_c01.avi"], "folder"),
        (["train/a/S001C001P001R001A001.skeleton"], "folder"),
        (["wave/1.mp4"], "folder"),
        ([], "folder"),
    ],
)
def test_folders_are_recognised_by_names(tmp_path: Path, files: list[str], name: str) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert recognise(tmp_path) == name


def test_a_table_is_a_folder_and_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("path,label\n1.mp4,a\n")
    assert recognise(tmp_path / "clips.csv") == "folder"
    assert open_dataset("folder", tmp_path / "clips.csv").classes == ("a",)
    with pytest.raises(DatasetError, match="there is none"):
        recognise(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("name", "root", "problem"),
    [
        ("ucf11", None, "did you mean ucf101"),
        ("mine", None, "for your own clips take folder"),
        ("ucf101", None, "give its folder with --data"),
        ("ntu", "nowhere", "expected a folder with ntu"),
        ("folder", "nowhere", "expected a folder or a CSV file"),
    ],
)
def test_opening_what_is_not_there_is_one_sentence(tmp_path, name, root, problem) -> None:
    with pytest.raises(DatasetError, match=problem):
        open_dataset(name, None if root is None else tmp_path / root)


def test_an_unknown_option_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="ucf101 takes the options lists; got list"):
        open_dataset("ucf101", tmp_path, list=tmp_path)


def test_the_names_are_those_of_the_papers() -> None:
    names = ["ucf101", "hmdb51", "ntu", "utkinect", "sysu", "hdm05", "folder", "puppets"]
    assert list(DATASETS) == names


def test_puppets_are_what_their_seeds_make() -> None:
    data = open_dataset("puppets", train=12, val=1, test=1)
    split = data.split()
    assert [s.key for s in (split.val[0], split.test[0])] == ["val/1200000", "test/2400000"]
    for sample in split.train:
        assert data.classes[sample.label] == make_scene(int(sample.key.split("/")[1])).action
    assert sorted(name for group in data.coarse.values() for name in group) == sorted(ACTIONS)
    with pytest.raises(DatasetError, match=f"0 to {len(SPLITS['val'])} clips"):
        open_dataset("puppets", val=10**6)


samples = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=120).map(
    lambda pairs: tuple(
        Sample(key=f"{i:03d}", path=None, label=label, group=f"g{group}" if group else "")
        for i, (label, group) in enumerate(pairs)
    )
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(samples, st.floats(0.01, 0.99), st.integers(0, 5))
def test_hold_out_keeps_groups_whole_and_every_class_trained(clips, share, seed) -> None:
    train, val = hold_out(clips, share=share, seed=seed)
    assert sorted(s.key for s in (*train, *val)) == [s.key for s in clips]
    assert {s.label for s in train} == {s.label for s in clips}
    assert not {s.group for s in train if s.group} & {s.group for s in val if s.group}


@settings(deadline=None, max_examples=30, derandomize=True)
@given(samples, st.integers(0, 5), st.randoms())
def test_hold_out_follows_from_the_seed_alone(clips, seed, random) -> None:
    shuffled = random.sample(clips, len(clips))
    first, second = (
        hold_out(clips, share=0.2, seed=seed),
        hold_out(tuple(shuffled), share=0.2, seed=seed),
    )
    assert {s.key for s in first[1]} == {s.key for s in second[1]}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_hold_out_takes_about_the_share_of_every_class(share: float) -> None:
    clips = tuple(
        Sample(f"{k}/{i:03d}", None, k, group=f"{k}/{i // 4}") for k in range(5) for i in range(80)
    )
    _, val = hold_out(clips, share=share)
    for count in Counter(s.label for s in val).values():
        assert abs(count / 80 - share) <= 4 / 80


@pytest.mark.parametrize("share", [0, 1, -0.5, 2, float("nan")])
def test_hold_out_refuses_a_share_that_is_none(share: float) -> None:
    with pytest.raises(DatasetError, match="between 0 and 1"):
        hold_out((Sample("a", None, 0),), share=share)
