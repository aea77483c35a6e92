"""What of a data set can be used, and what is wrong with the rest."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_films import BROKEN, dataset_of, film

from actviz.datasets.base import DatasetError, Sample
from actviz.datasets.check import Check, check


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two sound videos, one with repaired timestamps, all kinds of broken ones, in two classes."""
    film(tmp_path / "walk" / "a.mp4")
    film(tmp_path / "wave" / "b.mp4", 1)
    path = film(tmp_path / "wave" / "cut_off.avi", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    path.rename(path.with_suffix(".mp4"))
    for name, spoil in BROKEN.items():
        spoil(tmp_path / "walk" / f"{name}.mp4")
    return tmp_path


def looked_at(root: Path, **options: object) -> Check:
    data = dataset_of(root)
    gone = Sample("walk/gone", root / "walk" / "gone.mp4", 0)
    return check(replace(data, samples=(*data.samples, gone)), **{"workers": 0, **options})


@pytest.mark.parametrize("options", [{}, {"thorough": True}, {"workers": 2}])
def test_each_sample_has_a_status_and_a_reason(options, root):
    rows = {row.key: row for row in looked_at(root, **options).rows}
    assert {key: row.status for key, row in rows.items()} == {
        "walk/a": "ok",
        "wave/b": "ok",
        "wave/cut_off": "suspicious",
        **{f"walk/{name}": "unreadable" for name in BROKEN},
        "walk/gone": "missing",
    }
    assert "0 bytes" in rows["walk/zero"].problems
    assert "sound but no pictures" in rows["walk/sound"].problems
    assert "cut off" in rows["wave/cut_off"].problems
    assert "index" in rows["walk/cut"].problems


def test_a_sound_video_is_measured(root):
    row = next(row for row in looked_at(root).rows if row.key == "walk/a")
    assert (row.frames, row.duration_s, row.fps, row.width, row.height) == (6, 0.24, 25, 64, 48)
    assert (row.class_name, row.split, row.problems) == ("walk", "train", "")


def test_counts_and_classes_that_lack_samples(root):
    found = looked_at(root)
    assert [found.count(s) for s in ("ok", "suspicious", "unreadable", "missing")] == [2, 1, 4, 1]
    assert found.unusable == 5
    assert found.spoilt_classes() == {"walk": (1, 6)}
    assert [row.status for row in found.bad()] == ["unreadable"] * 4 + ["suspicious", "missing"]
    assert sum(found.count("ok", part) for part in ("train", "test")) == 2


def test_the_csv_has_a_row_for_every_sample(root, tmp_path):
    found = looked_at(root)
    found.save(tmp_path / "found.csv")
    with (tmp_path / "found.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == [row.key for row in found.rows]
    assert rows[0]["class"] == "walk"
    assert rows[0]["frames"] == "6"


def test_a_csv_that_cannot_be_written_is_an_error_of_one_sentence(root, tmp_path):
    with pytest.raises(DatasetError, match=r"none/found.csv: cannot be written \(No such file"):
        looked_at(root).save(tmp_path / "none" / "found.csv")


def test_thorough_finds_damage_between_the_first_and_the_last_picture(tmp_path, monkeypatch):
    from actviz.clip import container

    film(tmp_path / "walk" / "a.mp4", 30)
    decode = container._decode_packet

    def lossy(stream: Any, packet: Any) -> list[Any]:
        return [picture for picture in decode(stream, packet) if picture.time != 0.4]

    monkeypatch.setattr(container, "_decode_packet", lossy)
    (quick,) = check(dataset_of(tmp_path), workers=0).rows
    (row,) = check(dataset_of(tmp_path), workers=0, thorough=True).rows
    assert quick.status == "ok"
    assert (row.status, row.problems) == ("suspicious", "1 frame(s) cannot be decoded.")


def test_a_file_that_may_not_be_read_is_unreadable(root, monkeypatch):
    refused, real = root / "walk" / "a.mp4", Path.stat

    def stat(path: Path, **options: Any) -> os.stat_result:  # chmod means nothing to root
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    data = dataset_of(root)
    monkeypatch.setattr(Path, "stat", stat)
    row = next(row for row in check(data, workers=0).rows if row.key == "walk/a")
    assert row.status == "unreadable"
    assert "Permission denied" in row.problems


def test_skeletons(tmp_path):
    good, bad = tmp_path / "good.npz", tmp_path / "bad.npz"
    joints = np.random.default_rng(0).normal(size=(10, 1, 25, 3)).astype(np.float32)
    np.savez(good, joints=joints, times_s=np.arange(10) / 30, layout="ntu-25")
    bad.write_bytes(b"PK")
    film(tmp_path / "walk" / "a.mp4", 1)
    samples = (Sample("good", good, 0), Sample("bad", bad, 0))
    data = replace(dataset_of(tmp_path), kind="skeleton", samples=samples)
    rows = check(data, workers=0).rows
    assert [row.status for row in rows] == ["ok", "unreadable"]
    assert (rows[0].frames, rows[0].fps) == (10, 30)


def test_puppets_have_no_file_to_be_missing():
    from actviz.datasets import open_dataset

    found = check(open_dataset("puppets", None, train=12, val=12, test=12), workers=0)
    assert (found.count("ok"), found.unusable) == (36, 0)


def test_progress_counts_to_the_end(root):
    seen: list[tuple[str, int, int]] = []
    looked_at(root, progress=lambda *now: seen.append(now))
    assert seen == [("checking", n, 8) for n in range(1, 9)]


def test_real_clips(real_data):
    paths = sorted((real_data / "ucf101").rglob("*.avi"))
    data = dataset_of(real_data)
    samples = tuple(Sample(path.stem, path, 0) for path in paths)
    found = check(replace(data, classes=("any",), samples=samples), workers=0)
    assert found.unusable == 0
    assert {(row.width, row.height) for row in found.rows} == {(320, 240)}
    assert {row.fps for row in found.rows} == {25.0, 29.97}
