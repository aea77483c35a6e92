"""SYSU-3D by its tree: classes by video number, halves of sequences and of people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from actviz.clip.skeleton import read_skeleton
from actviz.datasets.base import Dataset, DatasetError
from actviz.datasets.sysu import CLASSES, open_sysu


def make(root: Path, people: int = 40, actions: int = 12) -> Path:
    for person in range(people):
        for number in range(1, actions + 1):
            folder = root / "3DvideoNorm" / f"person{person:02}" / f"video{number}"
            folder.mkdir(parents=True)
            (folder / "sklWorld.mat").touch()
    return root


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_sysu(make(tmp_path_factory.mktemp("sysu")))


def test_forty_people_do_twelve_actions(whole: Dataset) -> None:
    assert len(whole.samples) == 480
    assert len(CLASSES) == 12
    assert all(sum(s.label == k for s in whole.samples) == 40 for k in range(12))
    assert [s.label for s in whole.samples if s.key.endswith("video10")] == [9] * 40
    assert len(whole.protocols) == 60


def test_setting_1_halves_every_class(whole: Dataset) -> None:
    split = whole.split("setting-1/07")
    assert all(sum(s.label == k for s in split.train) == 20 for k in range(12))
    assert {*split.train, *split.test} == set(whole.samples)
    assert len(split.test) == 240


def test_setting_2_halves_the_people(whole: Dataset) -> None:
    split = whole.split("setting-2/07")
    trained, tested = {s.group for s in split.train}, {s.group for s in split.test}
    assert len(trained) == len(tested) == 20
    assert not trained & tested


def test_the_thirty_halves_differ_and_stay(whole: Dataset) -> None:
    halves = {whole.split(f"setting-2/{n:02}").train for n in range(1, 31)}
    assert len(halves) == 30
    assert whole.split("setting-1/30") == whole.split("setting-1/30")
    assert any("drawn by us" in note for note in whole.notes)


def test_samples_can_be_read(tmp_path: Path) -> None:
    make(tmp_path, people=1, actions=1)
    data = open_sysu(tmp_path)
    savemat(data.samples[0].path, {"SW": np.ones((20, 3, 4)) * np.arange(1, 5)})
    skeleton = read_skeleton(data.samples[0].path)
    assert (skeleton.layout, len(skeleton)) == (data.layout, 4)


def test_other_folders_and_copies_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, people=1, actions=2)
    for extra in ("3DvideoNorm/person00/depth", "copy/person00/video2", "x/person00/video13"):
        (tmp_path / extra).mkdir(parents=True)
        (tmp_path / extra / "sklWorld.mat").touch()
    data = open_sysu(tmp_path)
    assert [s.key for s in data.samples] == ["person00/video01", "person00/video02"]
    assert sum("left out" in note for note in data.notes) == 2
    assert any("2 of the published 480" in note for note in data.notes)


def test_what_is_no_sysu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected SYSU-3D's 3DvideoNorm"):
        open_sysu(tmp_path)
