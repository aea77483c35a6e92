"""Clips as pictures: prepared or from video, of one size, counted once, broken ones left out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from actviz.clip.reader import read_clip
from actviz.clip.writer import VideoWriter
from actviz.datasets.base import Sample
from actviz.errors import ActvizError, ClipReadError
from actviz.learn.data import pictures
from actviz.learn.data.batches import Row
from actviz.learn.data.makers import PictureMaker, finish_pictures
from actviz.learn.data.pictures import open_frames
from actviz.learn.recipes import get_recipe


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))


def film(path: Path, frames=9, *, width=64, height=48) -> Path:
    """Frame k is grey 20·k, with a bright left half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, width=width, height=height, fps=25) as writer:
        for k in range(frames):
            frame = np.full((height, width, 3), 20 * k, dtype=np.uint8)
            frame[:, : width // 2] += 60
            writer.write(frame, k / 25)
    return path


def samples_in(folder: Path, *names: str) -> list[Sample]:
    return [Sample(Path(n).stem, folder / n, label) for label, n in enumerate(names)]


def flow_folder(root: Path, key: str, count=6) -> Path:
    """Flow as other tools leave it: grey level 10·k in x, 10·k + 5 in y, no clip.json."""
    folder = root / key
    folder.mkdir(parents=True)
    for k in range(count):
        for axis, level in (("x", 10 * k), ("y", 10 * k + 5)):
            Image.new("L", (40, 32), level).save(
                folder / f"flow_{axis}_{k + 1:05d}.jpg", quality=95
            )
    return root


def test_frames_asked_for_come_in_their_order_with_repeats(tmp_path):
    film(tmp_path / "a.mp4")
    source = open_frames(samples_in(tmp_path, "a.mp4"), side=48)
    read = source.read(0, np.array([5, 0, 5, 8]))
    assert source.count(0) == 9 and read.shape == (4, 48, 64, 3)
    assert np.allclose(read[:, 10, 50, 0], [100, 0, 100, 160], atol=6)
    assert np.array_equal(read[0], read[2])


@pytest.mark.parametrize(
    ("side", "how", "shape"),
    [(24, "short", (24, 32)), (96, "short", (96, 128)), (40, "square", (40, 40))],
)
def test_pictures_are_of_the_side_asked_for_small_videos_enlarged(tmp_path, side, how, shape):
    film(tmp_path / "a.mp4")
    source = open_frames(samples_in(tmp_path, "a.mp4"), side=side, resize=how)
    assert source.read(0, np.array([1])).shape == (1, *shape, 3)


def test_broken_and_missing_clips_are_left_out_with_their_reason(tmp_path):
    film(tmp_path / "a.mp4")
    (tmp_path / "b.mp4").write_bytes(b"no video at all" * 20)
    cut = film(tmp_path / "c.mp4").read_bytes()
    (tmp_path / "c.mp4").write_bytes(cut[: len(cut) // 3])
    source = open_frames(samples_in(tmp_path, "b.mp4", "a.mp4", "gone.mp4", "c.mp4"))
    assert source.keys == ("a",) and source.labels.tolist() == [1]
    assert set(source.skipped) == {"b", "gone", "c"} and all(source.skipped.values())


def test_no_clip_left_is_an_error_that_names_the_first(tmp_path):
    (tmp_path / "b.mp4").write_bytes(b"")
    with pytest.raises(ActvizError, match="none of 2 clips can be read; the first, b: "):
        open_frames(samples_in(tmp_path, "b.mp4", "gone.mp4"))
    assert open_frames(samples_in(tmp_path, "b.mp4"), may_be_empty=True).keys == ()


def test_frames_are_counted_once_until_the_file_changes(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4")
    samples = samples_in(tmp_path, "a.mp4")
    told = []
    open_frames(samples, progress=lambda *step: told.append(step))
    monkeypatch.setattr(pictures, "_count", None)  # would fail if called
    assert open_frames(samples).count(0) == 9 and told == [("counting frames", 1, 1)]
    monkeypatch.undo()
    film(tmp_path / "a.mp4", frames=5)
    assert open_frames(samples).count(0) == 5


def test_several_processes_count_alike(tmp_path, monkeypatch):
    for n in range(5):
        film(tmp_path / f"{n}.mp4", frames=3 + n)
    (tmp_path / "5.mp4").write_bytes(b"x")
    monkeypatch.setattr(pictures, "_TOGETHER", 2)
    source = open_frames(samples_in(tmp_path, *(f"{n}.mp4" for n in range(6))), workers=2)
    assert [source.count(n) for n in range(5)] == [3, 4, 5, 6, 7] and set(source.skipped) == {"5"}


def test_a_clip_that_is_gone_later_is_replaced_in_training_and_left_out_of_validation(tmp_path):
    names = [f"{n}.mp4" for n in range(3)]
    for name in names:
        film(tmp_path / name)
    source = open_frames(samples_in(tmp_path, *names), side=48)
    (tmp_path / "1.mp4").write_bytes(b"overwritten")
    recipe = get_recipe("folder/tsn", {"frames": 2, "input_size": 32, "side": 48})
    make = PictureMaker(source, recipe, size=32)
    made = make([Row(n, np.random.default_rng(n)) for n in range(3)])
    assert made.batch["frames"].shape == (3, 2, 3, 32, 32) and set(made.lost) == {"1"}
    assert made.batch["label"][1] in (0, 2)
    plain = make([Row(n, None) for n in range(3)])
    assert plain.batch["label"].tolist() == [0, 2] and set(plain.lost) == {"1"}


def test_lost_frames_of_a_damaged_clip_are_replaced_by_the_nearest(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4")
    source = open_frames(samples_in(tmp_path, "a.mp4"), side=48)

    def without_the_end(given, *, frame_index, **options):
        return read_clip(given, frame_index=[n for n in frame_index if n < 4], **options)

    monkeypatch.setattr("actviz.clip.reader.read_clip", without_the_end)
    read = source.read(0, np.array([2, 7]))
    assert np.array_equal(read[0], read[1]) and abs(int(read[1, 10, 50, 0]) - 40) < 6


def test_flow_is_read_where_it_is_prepared(tmp_path):
    root = flow_folder(tmp_path / "prepared", "a")
    samples = [Sample("a", tmp_path / "a.avi", 3), Sample("b", tmp_path / "b.avi", 1)]
    source = open_frames(samples, modality="flow", prepared=root, side=32)
    read = source.read(0, np.array([2, 4]))
    assert source.keys == ("a",) and source.count(0) == 6 and "no flow" in source.skipped["b"]
    assert read.shape == (2, 32, 40, 2) and np.allclose(read[:, 0, 0], [[20, 25], [40, 45]], atol=1)


def test_flow_that_is_not_prepared_says_how_to_make_it(tmp_path):
    film(tmp_path / "a.mp4")
    with pytest.raises(ActvizError, match=r"actviz data prepare ROOT --flow"):
        open_frames(samples_in(tmp_path, "a.mp4"), modality="flow")


def test_a_flow_batch_holds_consecutive_fields_as_channels(tmp_path):
    root = flow_folder(tmp_path / "prepared", "a", count=20)
    source = open_frames([Sample("a", None, 0)], modality="flow", prepared=root, side=32)
    recipe = get_recipe(
        "ucf101/tsn-flow", {"frames": 3, "input_size": 24, "side": 32, "flow_length": 5}
    )
    make = PictureMaker(source, recipe, size=24)
    batch = finish_pictures(make([Row(0, None)]).batch, flow=True)
    levels = batch["frames"][0, :, :, 12, 12] * 255
    starts = np.array([2, 8, 13])  # int(16/3 · (k + 1/2))
    expected = [[10 * (s + i) + 5 * axis for i in range(5) for axis in (0, 1)] for s in starts]
    assert np.allclose(levels, np.clip(expected, 0, 255), atol=1.1)


def wide_clip(seed, frames=4):
    """A source of one noisy clip whose pictures are 60 × 80."""

    class Noise:
        keys, labels, skipped = ("n",), np.array([0]), {}
        films = np.random.default_rng(seed).integers(0, 256, (frames, 60, 80, 3), dtype=np.uint8)

        def count(self, clip):
            return frames

        def read(self, clip, at):
            return self.films[at]

    return Noise()


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_resizing_on_the_device_agrees_to_one_grey_level(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    recipe = get_recipe("ucf101/tsn-rgb", {"frames": 2, "input_size": 40})
    here = PictureMaker(wide_clip(1), recipe, size=40)
    there = PictureMaker(wide_clip(1), recipe, size=40, later=True)
    batches = [m([Row(0, np.random.default_rng(s)) for s in range(6)]).batch for m in (here, there)]
    assert batches[0]["frames"].shape == (6, 2, 3, 40, 40) and "cut" in batches[1]
    one, two = (finish_pictures({k: v.to(d) for k, v in b.items()})["frames"].cpu()
                for b, d in zip(batches, ("cpu", device), strict=True))  # fmt: skip
    assert one.dtype == torch.float32 and (one - two).abs().max() <= 1 / 255 + 1e-6


def test_a_finished_batch_stays_as_it_is():
    recipe = get_recipe("folder/tsn", {"frames": 2, "input_size": 32, "augment": "mild"})
    batch = PictureMaker(wide_clip(2), recipe, size=32)([Row(0, np.random.default_rng(0))]).batch
    done = finish_pictures(batch)
    assert finish_pictures(done) is done and "vary" not in done


def test_real_clips_are_read_in_the_size_asked_for(real_data):
    clips = sorted((real_data / "ucf101").rglob("*.avi")) + sorted(
        (real_data / "hmdb51").rglob("*.avi")
    )
    source = open_frames([Sample(p.stem, p, 0) for p in clips], side=64)
    assert len(source.keys) == len(clips) >= 10 and not source.skipped
    for clip in range(len(clips)):
        last = source.read(clip, np.array([0, source.count(clip) - 1]))
        assert last.shape[0] == 2 and min(last.shape[1:3]) == 64 and last.std() > 1


def test_a_clip_without_a_file_says_so(tmp_path):
    film(tmp_path / "a.mp4")
    samples = [*samples_in(tmp_path, "a.mp4"), Sample("b", None, 1)]
    source = open_frames(samples, side=48)
    assert source.skipped == {"b": "it has no file"}
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(ClipReadError):
        source.read(0, np.array([0]))
