"""MAM's rivals on stored features: of maps, of two streams, trained and tested alike."""

import numpy as np
import pytest
import torch
from run_folders import differences

from actviz.errors import ActvizError
from actviz.learn import lesson
from actviz.learn.checkpoints import load_checkpoint
from actviz.learn.data.streams import pair_streams
from actviz.learn.engine import train
from actviz.learn.evaluate import evaluate
from actviz.learn.recipes import get_recipe
from actviz.learn.tasks import make_task
from actviz.learn.tasks.feature_store import Features, with_motion

TINY = {
    "train_clips": 6, "val_clips": 4, "test_clips": 4, "batch_size": 4, "device": "cpu",
    "backbone": "resnet18_narrow", "width": 8, "input_size": 32, "frames": 3, "stored_frames": 4,
    "start_from": "", "hidden_dim": 8, "head_dim": 8, "epochs": 2, "warmup": 0, "threads": 1,
}  # fmt: skip
SINGLE = ("convnet", "lstm", "alstm", "convlstm")
NAMES = [f"{name}-{stream}" for name in (*SINGLE, "videolstm") for stream in ("rgb", "flow")]
NAMES += ["l2stm", "tslstm", "tsn-rgb"]


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def recipe(name, **settings):
    two = name.startswith(("videolstm", "l2stm", "tslstm"))
    fields = TINY | ({"start_from_flow": ""} if two else {})
    fields = {k: v for k, v in fields.items() if name != "tsn-rgb" or not k.endswith("_dim")}
    return get_recipe(f"puppets/{name}", fields | settings)


def first(task, part="train"):
    return next(iter(task.batches(part)))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_answers_each_clip_and_teaches_all_but_the_frame_cnns(name):
    task = make_task(recipe(name))
    task.set_training()
    step = task.step(first(task), train=True)
    step.loss.backward()
    assert step.logits.shape == (4, 12)
    for part, parameter in task.network.named_parameters():
        frozen = part.startswith(("backbone.", "motion_backbone."))
        assert (parameter.grad is None) == frozen, part
    cnns = [m for n, m in task.network.named_children() if n.endswith("backbone")]
    assert task.network.training and not any(cnn.training for cnn in cnns)


def test_stored_maps_are_those_of_a_direct_forward_in_half_precision():
    task = make_task(recipe("alstm-rgb"))
    frames = task.pictures("val", "rgb").read(1, np.arange(3))
    pictures = torch.from_numpy(frames).movedim(-1, 1)[None].float() / 255
    with torch.inference_mode():
        expected = task.network.eval().features(pictures)[0]
    stored = task.source("val").read(1)
    assert stored.dtype == np.float16 and stored.shape == (1, 3, 64, 2, 2)
    assert torch.allclose(torch.from_numpy(stored[0]).float(), expected, rtol=1e-3, atol=1e-4)


def test_a_second_stream_sees_the_flow_around_the_frames_of_the_first():
    task = make_task(recipe("videolstm-rgb"))
    frames, flow = task.pictures("train", "rgb"), task.pictures("train", "flow")
    both = pair_streams(frames, flow)
    middles = frames.numbers(2, np.arange(4))
    snippets = both.snippets(2, np.arange(4), 5)  # (4, 10, 32, 32)
    for middle, snippet in zip(middles[1:-1], snippets[1:-1], strict=True):
        field = flow.read(2, np.array([middle]))[0]
        assert np.array_equal(snippet[4:6].permute(1, 2, 0), field)  # the third of five
    with torch.inference_mode():
        expected = task.network.eval().motion_features(snippets[None].float() / 255)[0]
    stored = torch.from_numpy(task.source("train").motion.read(2)[0]).float()
    assert torch.allclose(stored, expected, rtol=1e-3, atol=1e-4)


def test_both_streams_of_a_clip_are_drawn_at_the_same_times():
    task = make_task(recipe("tslstm", views=3))
    source = task.source("train")
    for clip, (seen, motion) in enumerate((source.read(c), source.motion.read(c)) for c in (0, 1)):
        made = task.maker("train", epoch=0).see(clip, np.random.default_rng(3))
        found = [
            [np.abs(stored - one).sum(-1).argmin() for one in made[name]]
            for name, stored in (("features", seen.reshape(12, -1)),
                                 ("motion", motion.reshape(12, -1)))
        ]  # fmt: skip
        assert found[0] == found[1]


def test_clips_that_lack_a_stream_are_left_out_and_named():
    files = (np.arange(3, dtype=np.float32).reshape(3, 1, 1, 1),)
    one = Features(("a", "b", "c"), np.array([0, 1, 2]), {}, files, np.array([0, 1, 2]))
    other = Features(("c", "a"), np.array([2, 0]), {"b": "damaged"}, files, np.array([2, 1]))
    both = with_motion(one, other)
    assert both.keys == ("a", "c") and both.labels.tolist() == [0, 2]
    assert [float(both.read(c).item()) for c in (0, 1)] == [0, 2]
    assert [float(both.motion.read(c).item()) for c in (0, 1)] == [1, 2]
    assert both.skipped == {"b": "damaged"}


@pytest.mark.parametrize("name", ["videolstm-rgb", "videolstm-flow", "alstm-flow"])
def test_weights_load_again_and_score_as_their_stored_features_do(tmp_path, name):
    best = train(recipe(name), out=tmp_path / "run", progress=False)
    loaded = load_checkpoint(best)
    task = make_task(recipe(name))
    task.network.load_state_dict(loaded.model.state_dict())
    task.network.eval()
    with torch.inference_mode():
        stored = task.forward(first(task, "test")).logits
    done = evaluate(loaded, clips=4)
    assert np.allclose(done.logits, stored, atol=0.01)
    assert done.scores()["top1"] == loaded.card.metrics["top1"]


def test_a_stopped_training_on_two_streams_resumes_to_the_same_bits(tmp_path, monkeypatch):
    chosen = recipe("l2stm", save_every=1)
    whole = train(chosen, out=tmp_path / "whole", progress=False)
    usual, left = lesson.KeepRun._save, [3]

    def save(self, *rest):
        usual(self, *rest)
        left[0] -= 1
        if not left[0]:
            raise InterruptedError

    with monkeypatch.context() as patched, pytest.raises(InterruptedError):
        patched.setattr(lesson.KeepRun, "_save", save)
        train(chosen, out=tmp_path / "parts", progress=False)
    again = train(chosen, out=tmp_path / "parts", progress=False, resume=True)
    assert not differences(whole.parent, again.parent)


def test_puppets_have_no_runs_of_consecutive_frames():
    with pytest.raises(ActvizError, match="a puppet are spread over its clip; set sampling=even"):
        make_task(recipe("lstm-rgb", sampling="strided"))


def test_two_frame_cnns_are_not_trained_together():
    with pytest.raises(ActvizError, match="not trained together"):
        make_task(recipe("l2stm", freeze_backbone=False))
    with pytest.raises(ActvizError, match="motion_length=5"):
        make_task(recipe("videolstm-flow", motion_length=3))


def test_one_stream_can_be_trained_with_its_frame_cnn():
    task = make_task(recipe("lstm-rgb", freeze_backbone=False))
    task.step(first(task), train=True).loss.backward()
    assert all(p.grad is not None for p in task.network.backbone.parameters())
