"""Skeleton sequences of a data set: read once, kept, in one layout, broken ones skipped."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from actviz.clip.skeleton import read_skeleton, usable
from actviz.datasets.base import Sample
from actviz.errors import ActvizError
from actviz.learn.data import joint_store
from actviz.learn.data.joints import open_joints

OWN = {
    "layout": np.array("hand-4"),
    "joint_names": np.array(["palm", "thumb", "hip_left", "hip_right"]),
    "bones": np.array([[0, 1]]),
    "roles": np.array(json.dumps({"hip_left": ["hip_left"], "hip_right": [3]})),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(
    folder: Path, name: str, *, frames: int = 5, joints: int = 25, people: int = 1, **more
) -> Sample:
    """A sequence whose numbers differ from those of any other name."""
    path = folder / f"{name}.npz"
    rng = np.random.default_rng(list(name.encode()))
    np.savez(path, joints=rng.normal(size=(frames, people, joints, 3)), fps=30, **more)
    return Sample(name, path, label=len(name) % 3, group=name)


def test_sequences_come_back_as_the_reader_gives_them(tmp_path: Path) -> None:
    samples = [write(tmp_path, f"{'a' * k}", frames=4 + k, people=1 + k % 2) for k in (1, 2, 3)]
    source = open_joints(samples)
    for clip, sample in enumerate(samples):
        joints, present = source.read(clip)
        there = read_skeleton(sample.path)
        assert np.array_equal(joints, there.joints)
        assert np.array_equal(present, usable(there))
    assert (source.layout, source.joint_count, source.people) == ("ntu-25", 25, 2)
    assert source.labels.tolist() == [1, 2, 0]
    assert source.lengths.tolist() == [5, 6, 7]


def test_files_are_read_once_whatever_part_asks(tmp_path: Path, monkeypatch) -> None:
    samples = [write(tmp_path, name) for name in ("one", "two", "three")]
    whole = open_joints(samples)
    monkeypatch.setattr(joint_store, "read_shards", lambda *_: pytest.fail("read again"))
    again = open_joints(samples[::-1])
    assert again.keys == ("three", "two", "one")
    assert np.array_equal(again.read(0)[0], whole.read(2)[0])
    assert whole.part(samples[1:]).keys == ("two", "three")
    assert np.array_equal(whole.part(samples[1:]).read(0)[0], whole.read(1)[0])


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    sample = write(tmp_path, "one")
    open_joints([sample])
    np.savez(sample.path, joints=np.ones((9, 1, 25, 3)), fps=30)
    os.utime(sample.path, ns=(1, 1))
    assert open_joints([sample]).lengths.tolist() == [9]


def test_changed_bones_or_labels_count_as_a_change(tmp_path: Path) -> None:
    for name in ("HDM_bd.asf", "HDM_bd_walk_001_120.amc"):
        (tmp_path / name).write_text("x")
    sample = Sample("a", tmp_path / "HDM_bd_walk_001_120.amc", 0)
    before = joint_store.digest_of_sample(sample)
    (tmp_path / "HDM_bd.asf").write_text("longer")
    assert joint_store.digest_of_sample(sample) != before


def test_broken_and_missing_files_are_skipped_with_a_reason(tmp_path: Path) -> None:
    good = write(tmp_path, "good")
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    bad = Sample("bad", tmp_path / "bad.npz", 1)
    gone = Sample("gone", tmp_path / "gone.npz", 2)
    for _ in range(2):  # also when the answer comes from the cache
        source = open_joints([bad, good, gone])
        assert source.keys == ("good",)
        assert set(source.skipped) == {"bad", "gone"}
        assert "damaged or something else" in source.skipped["bad"]
        assert "no such file" in source.skipped["gone"]


def test_no_readable_file_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    bad = Sample("bad", tmp_path / "bad.npz", 1)
    for layout in (None, "ntu-25"):
        with pytest.raises(ActvizError, match="none of the 1 skeleton"):
            open_joints([bad], layout=layout)


def test_layouts_that_differ_become_one(tmp_path: Path) -> None:
    samples = [write(tmp_path, "kinect", joints=20), write(tmp_path, "ntu", joints=25)]
    assert open_joints(samples).layout == "kinect-20"
    both = open_joints(samples, layout="NTU-25")
    assert [both.read(k)[0].shape[2] for k in (0, 1)] == [25, 25]


def test_a_stray_layout_is_skipped_and_many_are_an_error(tmp_path: Path) -> None:
    body = [write(tmp_path, name) for name in ("one", "two")]
    hand = write(tmp_path, "hand", joints=4, **OWN)
    assert "hand-4 instead of ntu-25" in open_joints([*body, hand]).skipped["hand"]
    with pytest.raises(ActvizError, match="1 of 1 skeletons have another layout"):
        open_joints([hand], layout="ntu-25")


def test_a_layout_of_the_files_own_reaches_the_model(tmp_path: Path) -> None:
    samples = [write(tmp_path, name, joints=4, **OWN) for name in ("left", "right")]
    for layout in (None, "hand-4"):
        source = open_joints(samples, layout=layout)
        assert (source.layout, source.joint_count) == ("hand-4", 4)
        assert source.roles == {"hip_left": (2,), "hip_right": (3,)}
        assert source.joint_layout.joint_names[0] == "palm"
    with pytest.raises(ActvizError, match="no file brings the skeleton layout 'foot-9'"):
        open_joints(samples, layout="foot-9")


def test_nothing_asked_for_gives_an_empty_source() -> None:
    source = open_joints([])
    assert (len(source), source.people, source.skipped) == (0, 0, {})


def test_several_processes_read_the_same_and_tell_how_far(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    samples = [write(tmp_path, f"clip{k:02}", frames=3 + k) for k in range(30)]
    told: list[tuple[str, int, int]] = []
    source = open_joints(samples, progress=lambda *words: told.append(words))
    assert told[-1] == ("skeletons", 30, 30)
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 2
    for clip in (0, 14, 29):
        assert np.array_equal(source.read(clip)[0], read_skeleton(samples[clip].path).joints)


def test_an_interrupted_reading_goes_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(joint_store, "_SHARD", 2)
    samples = [write(tmp_path, f"clip{k}") for k in range(6)]
    real, read = joint_store._read, []

    def stops_at_the_fourth(path: str, *rest):
        read.append(path)
        if len(read) == 4:
            raise KeyboardInterrupt
        return real(path, *rest)

    monkeypatch.setattr(joint_store, "_read", stops_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        open_joints(samples, layout="ntu-25")
    assert len(open_joints(samples, layout="ntu-25")) == 6
    assert len(read) == 4 + 4  # the first shard of two is not read again
    assert not list((tmp_path / "cache").rglob(".job-*"))


def test_a_damaged_index_is_read_anew(tmp_path: Path) -> None:
    samples = [write(tmp_path, name) for name in ("one", "two")]
    open_joints(samples)
    next((tmp_path / "cache").rglob("*.npz")).write_bytes(b"PK")
    assert open_joints(samples).read(1)[0].shape == (5, 1, 25, 3)


def test_a_cache_that_cannot_be_written_is_told_in_words(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "file"))
    with pytest.raises(ActvizError, match="set ACTVIZ_CACHE to another folder"):
        open_joints([write(tmp_path, "one")])


def test_a_source_travels_to_another_process(tmp_path: Path) -> None:
    source = open_joints([write(tmp_path, "one", frames=400)])
    joints, _ = source.read(0)
    sent = pickle.dumps(source)
    assert len(sent) < 10_000
    assert np.array_equal(pickle.loads(sent).read(0)[0], joints)


@pytest.mark.real
def test_segments_of_real_recordings_are_sequences_of_their_own(real_data: Path) -> None:
    from actviz.datasets.utkinect import open_utkinect

    data = open_utkinect(real_data / "skeletons" / "utkinect")
    samples = [s for s in data.samples if s.group in ("s01_e01", "s10_e02")]
    source = open_joints(samples, layout="kinect-20")
    assert len(source) == 19
    assert 5 <= source.lengths.min() < source.lengths.max() <= 114
    assert not source.skipped
