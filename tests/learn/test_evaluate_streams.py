"""Rivals of MAM are tested as they answer: whole clips, and the flow around each frame."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import models
from actviz.clip.writer import VideoWriter
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded, load_checkpoint
from actviz.learn.data.streams import pair_streams
from actviz.learn.engine import train
from actviz.learn.evaluate import evaluate, evaluate_source
from actviz.learn.recipes import get_recipe

SIZE = 28  # what the network takes; the pictures are 32 high, as for an input of 28
CLASSES = tuple("abcde")
SMALL = {"num_classes": 5, "backbone": "resnet18_narrow", "width": 8, "hidden_dim": 8}
OWN = {
    "data": "folder", "width": 8, "input_size": 32, "side": 36, "frames": 3, "stored_frames": 4,
    "hidden_dim": 8, "epochs": 1, "batch_size": 4, "device": "cpu", "workers": 0, "warmup": 0,
    "train_clips": 0, "val_clips": 0, "test_clips": 0, "start_from": "", "start_from_flow": "",
    "val_share": 0.25, "threads": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


class Clips:
    """Frames, or the fields between them, of two clips in memory."""

    keys, labels = ("one", "other"), np.array([1, 3])

    def __init__(self, channels: int, counts: tuple[int, int]) -> None:
        rng = np.random.default_rng(channels)
        self.clips = [rng.integers(0, 256, (n, 32, 32, channels), np.uint8) for n in counts]
        self.skipped: dict[str, str] = {}

    def count(self, clip: int) -> int:
        return len(self.clips[clip])

    def read(self, clip: int, at: np.ndarray) -> np.ndarray:
        return self.clips[clip][at]


def loaded(model: str, **more) -> Loaded:
    overrides = SMALL | more
    network = models.build(model, **overrides).eval()
    card = Card(model, overrides, CLASSES, "nothing", 4, input_size=SIZE, sampling="tsn")
    return Loaded(network, card, "0" * 64, "tiny")


def middle(pictures: np.ndarray) -> torch.Tensor:
    """Centre crops (n, H, W, c) -> (n, c, S, S) in [0, 1]."""
    return torch.from_numpy(pictures[:, 2:30, 2:30]).movedim(-1, 1).float() / 255


@pytest.mark.parametrize("batch", [0, 3])
def test_one_stream_is_answered_as_the_whole_clip_alone(batch):
    tiny, source = loaded("alstm"), Clips(3, (9, 20))
    done = evaluate_source(tiny, source, views="centre", batch=batch)
    for logits, clip in zip(done.logits, source.clips, strict=True):
        at = [int((k + 0.5) * len(clip) / 4) for k in range(4)]
        with torch.inference_mode():
            expected = tiny.model(middle(clip[at])[None]).logits[0]
        assert np.allclose(logits, expected, atol=1e-5)


def test_two_streams_are_answered_with_the_flow_around_each_frame():
    tiny = loaded("videolstm", motion_length=3, map_size=(2, 2))
    frames, flow = Clips(3, (9, 20)), Clips(2, (8, 19))
    done = evaluate_source(tiny, pair_streams(frames, flow), views="centre")
    for row, clip in enumerate(frames.clips):
        at = np.array([int((k + 0.5) * len(clip) / 4) for k in range(4)])
        starts = np.clip(at - 1, 0, flow.count(row) - 3)
        fields = [middle(flow.clips[row][s : s + 3]).flatten(0, 1) for s in starts]
        with torch.inference_mode():
            expected = tiny.model(middle(clip[at])[None], torch.stack(fields)[None]).logits[0]
        assert np.allclose(done.logits[row], expected, atol=1e-5)


def folder(root: Path, *, flow: bool) -> Path:
    """Two classes of six clips, two of each in a test part, with their flow beside them."""
    for label, name in enumerate(("dark", "light")):
        for n in range(6):
            key = f"{'test' if n > 3 else 'train'}/{name}/{n}"
            path = root / f"{key}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            with VideoWriter(path, width=48, height=40, fps=25) as writer:
                for k in range(7):
                    writer.write(np.full((40, 48, 3), 100 * label + 8 * n, np.uint8), k / 25)
            for k in range(6 if flow else 0):
                for axis in "xy":
                    field = root / "prepared" / key / f"flow_{axis}_{k + 1:05d}.jpg"
                    field.parent.mkdir(parents=True, exist_ok=True)
                    Image.new("L", (48, 40), 90 + 60 * label).save(field)
    return root


@pytest.mark.parametrize("name", ["videolstm-rgb", "tslstm", "convlstm-flow"])
def test_ones_own_clips_train_and_test_a_rival(tmp_path, name):
    fields = {k: v for k, v in OWN.items() if k != "start_from_flow" or "conv" not in name}
    data = folder(tmp_path / "own", flow=True)
    best = train(
        get_recipe(f"puppets/{name}", fields), out=tmp_path / "run", data=data, progress=False
    )
    again = evaluate(load_checkpoint(best), data=data)
    assert len(again) == 4 and not again.skipped
    assert again.scores()["top1"] == load_checkpoint(best).card.metrics["top1"]


def test_two_streams_without_prepared_flow_say_what_to_do(tmp_path):
    data = folder(tmp_path, flow=False)
    with pytest.raises(ActvizError, match="actviz data prepare ROOT --flow"):
        train(get_recipe("puppets/l2stm", OWN), out=tmp_path / "run", data=data, progress=False)
