"""Clips into folders of pictures: what is stored, what is left alone, what is left out and why."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_films import BROKEN, contents, dataset_of, film

from actviz.clip.flow import dequantise, flow_fields, quantise
from actviz.clip.reader import read_clip
from actviz.datasets import prepare as prepare_module
from actviz.datasets import prepare_clip
from actviz.datasets import prepared as prepared_module
from actviz.datasets.base import DatasetError, Sample
from actviz.datasets.prepare import prepare
from actviz.datasets.prepared import Prepared


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two videos, one of each class."""
    film(tmp_path / "walk" / "a.mp4")
    film(tmp_path / "wave" / "b.mp4", 4)
    return tmp_path


def make(root: Path, **options: object):
    return prepare(dataset_of(root), **{"side": 48, "workers": 0, **options})


def test_pictures_are_the_frames_in_order(root):
    done = make(root)
    stored, clip = Prepared(root / "prepared"), read_clip(root / "walk" / "a.mp4")
    assert str(done) == "2 prepared, 0 already there, 0 could not be read."
    assert stored.count("walk/a", "rgb") == len(clip) == 6
    pictures = stored.read("walk/a", "rgb", np.array([5, 0, 0]))
    assert pictures.shape == (3, 48, 64, 3)
    assert np.abs(pictures.astype(int) - clip.frames[[5, 0, 0]]).mean() < 3
    assert stored.card("walk/a")["times"] == clip.times_s.tolist()


@pytest.mark.parametrize(("width", "height"), [(64, 48), (48, 64), (320, 240)])
def test_the_shorter_side_is_as_asked_smaller_or_larger(width, height, tmp_path):
    film(tmp_path / "walk" / "a.mp4", 2, width=width, height=height)
    make(tmp_path, side=96)
    picture = Prepared(tmp_path / "prepared").read("walk/a", "rgb", np.array([1]))[0]
    assert min(picture.shape[:2]) == 96
    assert max(picture.shape[:2]) == 128


def test_flow_picture_k_leads_from_frame_k_to_the_next(root):
    make(root, flow=True, method="dis")
    stored, clip = Prepared(root / "prepared"), read_clip(root / "walk" / "a.mp4")
    assert stored.count("walk/a", "flow") == 5
    levels = stored.read("walk/a", "flow", np.array([3]))
    assert levels.shape == (1, 48, 64, 2)
    expected = quantise(flow_fields(clip.frames[3:5], method="dis"))
    assert np.abs(levels.astype(int) - expected).mean() < 2
    assert np.median(dequantise(levels[..., 0])) == pytest.approx(2, abs=0.3)  # the texture pans


def test_one_frame_has_a_picture_and_no_flow(tmp_path):
    film(tmp_path / "walk" / "a.mp4", 1)
    make(tmp_path, flow=True, method="dis")
    stored = Prepared(tmp_path / "prepared")
    assert stored.has("walk/a", "rgb")
    assert not stored.has("walk/a", "flow")


def test_what_is_done_is_left_alone(root):
    make(root)
    before = {path: path.stat().st_mtime_ns for path in (root / "prepared").rglob("*.jpg")}
    again = make(root)
    assert str(again).startswith("0 prepared, 2 already there")
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.parametrize("options", [{"side": 64}, {"flow": True, "method": "dis"}])
def test_other_settings_prepare_again(options, root):
    make(root)
    assert make(root, **options).count("prepared") == 2
    assert make(root, **options).count("present") == 2
    assert not (root / "prepared" / ".parts").exists()


def test_pictures_alone_are_there_where_flow_was_made_too(root):
    make(root, flow=True, method="dis")
    assert make(root).count("present") == 2


def test_a_changed_video_is_prepared_again_and_a_deleted_one_kept(root):
    make(root)
    film(root / "walk" / "a.mp4", 3)
    data = dataset_of(root)
    (root / "wave" / "b.mp4").unlink()
    done = prepare(data, side=48, workers=0)
    assert (done.count("prepared"), done.count("present")) == (1, 1)
    assert Prepared(root / "prepared").count("walk/a", "rgb") == 3
    assert not (root / "prepared" / "walk" / "a" / "img_00004.jpg").exists()


def test_broken_clips_are_left_out_and_listed_with_the_reason(root):
    for name, spoil in BROKEN.items():
        spoil(root / "walk" / f"{name}.mp4")
    data = dataset_of(root)
    gone = Sample("walk/gone", root / "walk" / "gone.mp4", 0)
    done = prepare(replace(data, samples=(*data.samples, gone)), side=48, workers=0)
    with done.report.open() as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    assert str(done) == (
        f"2 prepared, 0 already there, 1 missing, 4 could not be read (see {done.report})."
    )
    assert rows["walk/gone"]["status"] == "missing"
    assert "0 bytes" in rows["walk/zero"]["reason"]
    assert "sound" in rows["walk/sound"]["reason"]
    assert not list((root / "prepared" / "walk").glob("zero*"))


def test_a_truncated_video_is_prepared_as_far_as_it_goes(tmp_path):
    path = film(tmp_path / "walk" / "a.avi", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    sample = Sample("walk/a", path, 0)
    done = prepare(replace(dataset_of(tmp_path), samples=(sample,)), side=48, workers=0)
    card = Prepared(done.folder).card("walk/a")
    assert 5 < card["frames"] < 40
    assert card["problems"]


def test_auto_goes_on_with_the_flow_method_of_earlier_runs(root):
    make(root, flow=True, method="dis")
    assert make(root, flow=True).count("present") == 2


def test_a_missing_method_of_earlier_runs_is_named(root, monkeypatch):
    import cv2

    make(root, flow=True, method="tvl1", side=16)
    monkeypatch.delattr(cv2, "optflow")
    with pytest.raises(DatasetError, match=r"holds flow by tvl1, and here TV-L1 .*pip install"):
        make(root, flow=True, side=16)


@pytest.mark.parametrize("kind", ["skeleton", "puppets"])
def test_nothing_to_prepare_is_said(kind, root):
    data = dataset_of(root)
    if kind == "skeleton":
        data = replace(data, kind="skeleton")
    else:
        data = replace(data, samples=(Sample("train/0", None, 0),))
    assert "nothing to prepare, training packs them by itself" in str(prepare(data))
    assert not (root / "prepared").exists()


@pytest.mark.parametrize("key", ["../a", "/a", "a/../../b", "", "a\\b"])
def test_a_key_that_leads_out_of_the_folder_is_refused(key, root):
    data = dataset_of(root)
    with pytest.raises(DatasetError, match="relative path"):
        prepare(replace(data, samples=(replace(data.samples[0], key=key),)), workers=0)


def tsn_folder(folder: Path, count: int, flows: int = 0) -> Path:
    """A clip as TSN's tools leave it: pictures alone."""
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        Image.new("RGB", (40, 30), (number, 0, 0)).save(folder / f"img_{number:05d}.jpg")
    for number in range(1, flows + 1):
        for axis, level in (("x", 100), ("y", 200)):
            Image.new("L", (40, 30), level).save(folder / f"flow_{axis}_{number:05d}.jpg")
    return folder


@pytest.mark.parametrize("place", ["walk/v_a", "v_a"])
def test_folders_of_tsn_tools_are_read(place, tmp_path):
    tsn_folder(tmp_path / place, 4, 3)
    stored = Prepared(tmp_path)
    assert (stored.count("walk/v_a", "rgb"), stored.count("walk/v_a", "flow")) == (4, 3)
    flow = stored.read("walk/v_a", "flow", np.array([2]))
    assert (flow[0, 0, 0] == (100, 200)).all()
    assert not stored.has("walk/v_b", "rgb")


def test_a_clip_of_another_class_is_not_taken_for_one_without_class(root):
    make(root)
    (root / "prepared" / "walk" / "a").rename(root / "prepared" / "a")
    assert not Prepared(root / "prepared").has("walk/a", "rgb")


def test_a_gap_in_the_numbers_is_named(tmp_path):
    folder = tsn_folder(tmp_path / "a", 4)
    (folder / "img_00002.jpg").unlink()
    with pytest.raises(DatasetError, match=r"3 img_\*.jpg but not img_00002.jpg"):
        Prepared(tmp_path).count("a", "rgb")


def test_pictures_of_another_tool_are_used_or_left_untouched(root):
    tsn_folder(root / "prepared" / "walk" / "a", 4)
    before = contents(root / "prepared" / "walk" / "a")
    assert make(root).count("present") == 1
    done = make(root, flow=True, method="dis")
    assert done.count("unreadable") == 1
    assert "another tool" in done.report.read_text()
    assert contents(root / "prepared" / "walk" / "a") == before


@pytest.mark.parametrize(
    ("at", "words"),
    [([6], "has 6 rgb pictures; number 6"), ([-1], "number -1"), ([], "one or more")],
)
def test_numbers_outside_the_clip_are_refused(at, words, root):
    make(root)
    with pytest.raises(DatasetError, match=words):
        Prepared(root / "prepared").read("walk/a", "rgb", np.array(at, int))


@pytest.mark.parametrize("spoil", [lambda b: b"", lambda b: b[:-200], lambda b: b"GIF89a" + b])
def test_a_broken_picture_is_named(spoil, root):
    make(root)
    picture = root / "prepared" / "walk" / "a" / "img_00002.jpg"
    picture.write_bytes(spoil(picture.read_bytes()))
    with pytest.raises(DatasetError, match=r"img_00002.jpg.*prepare the clip again"):
        Prepared(root / "prepared").read("walk/a", "rgb", np.array([1]))


def test_without_opencv_the_pixels_are_the_same(root, monkeypatch):
    make(root, flow=True, method="dis")
    at, stored = np.arange(3), Prepared(root / "prepared")
    with_it = [stored.read("walk/a", kind, at) for kind in ("rgb", "flow")]
    monkeypatch.setattr(prepared_module, "_decoder", lambda: prepared_module._by_pillow)
    without = [stored.read("walk/a", kind, at) for kind in ("rgb", "flow")]
    assert all(np.array_equal(a, b) for a, b in zip(with_it, without, strict=True))


def test_no_folder_of_prepared_clips_says_how_to_make_it(tmp_path):
    with pytest.raises(DatasetError, match="actviz data prepare"):
        Prepared(tmp_path / "none")


def test_a_full_disk_stops_with_a_sentence_and_leaves_whole_clips(root, monkeypatch):
    real, written = prepare_clip._save, []

    def save(path: Path, picture: np.ndarray) -> None:
        written.append(path)
        if len(written) > 7:  # in the midst of the second clip
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, picture)

    monkeypatch.setattr(prepare_clip, "_save", save)
    with pytest.raises(DatasetError, match=r"the disk is full.*run the same command again"):
        make(root)
    assert len(list((root / "prepared").rglob("clip.json"))) == 1
    assert not (root / "prepared" / ".parts").exists()


def test_too_little_room_is_seen_after_the_first_clips(tmp_path, monkeypatch):
    for number in range(10):
        film(tmp_path / "walk" / f"{number}.mp4", 2)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000))
    with pytest.raises(DatasetError, match=r"about \d+ kB more are needed and 1.0 kB are free"):
        make(tmp_path)


def test_size_and_time_are_foretold(tmp_path):
    for number in range(10):
        film(tmp_path / "walk" / f"{number}.mp4", 2)
    said: list[str] = []
    make(tmp_path, tell=said.append)
    (line,) = said
    assert line.startswith("10 clips to prepare: about ")
    assert "are free" in line


def test_parts_of_dead_processes_are_cleared_and_those_of_living_ones_kept(root):
    home = root / "prepared" / ".parts"
    host = prepare_clip._host()
    dead, alive, old = (home / name for name in (f"{host}-99999999-ab", f"{host}-1-cd", "x-1-ef"))
    for part in (dead, alive, old):
        part.mkdir(parents=True)
    os.utime(old, (0, 0))
    make(root)
    assert [part.exists() for part in (dead, alive, old)] == [False, True, False]


def test_real_clips(real_data, tmp_path):
    paths = sorted((real_data / "hmdb51" / "wave").glob("*.avi"))
    samples = tuple(Sample(f"wave/{path.stem}", path, 0) for path in paths)
    data = replace(dataset_of(tmp_path), samples=samples)
    done = prepare(data, tmp_path / "out", workers=2)
    assert done.count("prepared") == 3
    for path, sample in zip(paths, samples, strict=True):
        clip = read_clip(path, frame_index=[10])
        picture = Prepared(tmp_path / "out").read(sample.key, "rgb", np.array([10]))[0]
        assert min(picture.shape[:2]) == 256
        small = Image.fromarray(picture).resize(clip.frames.shape[2:0:-1])
        assert np.abs(np.asarray(small).astype(int) - clip.frames[0]).mean() < 4
        card = json.loads((tmp_path / "out" / sample.key / "clip.json").read_text())
        assert any("timestamps" in problem for problem in card["problems"])


def test_the_forecast_speaks_in_units_a_reader_knows():
    assert [prepare_module._bytes(n) for n in (1, 2_300_000, 63e9)] == ["0.0 kB", "2.3 MB", "63 GB"]
    assert [prepare_module._duration(s) for s in (5, 600, 7200 * 5)] == [
        "5 s",
        "10 min",
        "10 hours",
    ]
