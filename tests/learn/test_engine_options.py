"""Options of the engine, on a task small enough to reckon: parts of a batch, clipping, precision,
compiling, choosing, and what is refused."""

import pytest
import torch
from tiny_task import TinyTask, fit, tiny_recipe, weights_of
from torch._inductor import config

from actviz.errors import ActvizError
from actviz.learn.engine import check_machine, train
from actviz.learn.keeping import Curves, Figures, score_of
from actviz.learn.lesson import Lesson
from actviz.learn.recipes import get_recipe
from actviz.learn.tasks import make_task


def _gradient(recipe) -> torch.Tensor:
    """Of the mean loss over all clips at the starting weights."""
    task = TinyTask(recipe)
    task.prepare()
    batch = {k: v for one in task.batches("train") for k, v in one.items()}
    task.step(batch, train=True).loss.backward()
    return torch.cat([p.grad.flatten() for p in task.network.parameters()])


def _start(recipe) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in TinyTask(recipe).network.parameters()])


def test_one_step_of_plain_descent_is_the_rate_times_the_gradient():
    recipe = tiny_recipe(batch_size=22)
    moved = _start(recipe) - weights_of(fit(recipe))
    torch.testing.assert_close(moved, 0.5 * _gradient(recipe), atol=1e-6, rtol=0)


def test_rmsprop_divides_by_the_root_of_the_smoothed_squares_as_torch_has_it():
    fields = {"optimiser": "rmsprop", "smoothing": 0.6, "learning_rate": 0.01, "batch_size": 22}
    recipe = tiny_recipe(**fields, epochs=3)
    task = TinyTask(recipe)
    task.prepare()
    theirs = torch.optim.RMSprop(task.network.parameters(), lr=0.01, alpha=0.6)
    for epoch in range(3):
        (batch,) = task.batches("train", epoch=epoch)
        theirs.zero_grad()
        task.step(batch, train=True).loss.backward()
        theirs.step()
    expected = torch.cat([p.detach().flatten() for p in task.network.parameters()])
    torch.testing.assert_close(weights_of(fit(recipe)), expected, atol=1e-6, rtol=0)


def test_the_first_step_of_rmsprop_has_one_length_whatever_the_gradient():
    fields = {"optimiser": "rmsprop", "smoothing": 0.9, "learning_rate": 0.01, "batch_size": 22}
    recipe = tiny_recipe(**fields)
    moved, gradient = _start(recipe) - weights_of(fit(recipe)), _gradient(recipe)
    expected = 0.01 * gradient.sign() / (1 - 0.9) ** 0.5
    large = gradient.abs() > 1e-4
    torch.testing.assert_close(moved[large], expected[large], atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_a_batch_in_parts_has_the_joint_batchs_gradient(parts):
    """22 clips in batches of 8: the last has 6, so that its parts are unequal or too few."""
    joint = weights_of(fit(tiny_recipe(epochs=2)))
    lesson = fit(tiny_recipe(epochs=2, accumulate=parts))
    torch.testing.assert_close(weights_of(lesson), joint, atol=1e-6, rtol=0)
    assert lesson.trainer.global_step == 2 * 3


def test_gradients_are_clipped_to_the_norm_or_not_at_all():
    free, tight = (tiny_recipe(batch_size=22, clip_norm=norm) for norm in (0, 0.01))
    assert _gradient(free).norm() > 0.1
    moved = [(_start(r) - weights_of(fit(r))).norm() / 0.5 for r in (free, tight)]
    assert moved[0] == pytest.approx(float(_gradient(free).norm()), rel=1e-5)
    assert moved[1] == pytest.approx(0.01, rel=1e-3)


def test_clipping_sees_the_whole_batch_not_its_parts():
    joint, parts = (tiny_recipe(clip_norm=0.1, accumulate=n) for n in (1, 4))
    torch.testing.assert_close(weights_of(fit(joint)), weights_of(fit(parts)), atol=1e-6, rtol=0)


def test_iterations_end_in_mid_epoch():
    assert fit(tiny_recipe(epochs=9, iterations=4)).trainer.global_step == 4
    assert fit(tiny_recipe(iterations=4, accumulate=2)).trainer.global_step == 4


def test_bf16_trains_float32_weights_close_to_full_precision():
    full, half = (fit(tiny_recipe(epochs=4, precision=p)) for p in ("32-true", "bf16-mixed"))
    assert {p.dtype for p in half.model.parameters()} == {torch.float32}
    assert not torch.equal(weights_of(full), weights_of(half))
    torch.testing.assert_close(weights_of(half), weights_of(full), atol=0.02, rtol=0)


def test_channels_last_changes_the_layout_not_the_task():
    for asked in (True, False):
        recipe = get_recipe("puppets/man", {"channels_last": asked, "train_clips": 4})
        lesson = Lesson(make_task(recipe), Curves(None))
        kernels = [p for p in lesson.model.parameters() if p.ndim == 4 and p.shape[1] > 1]
        assert kernels
        laid = {p.is_contiguous(memory_format=torch.channels_last) for p in kernels}
        assert laid == {True} or not asked


@pytest.mark.slow
def test_compiled_training_equals_the_plain_one(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    plain, compiled = (fit(tiny_recipe(epochs=2, compile=c)) for c in (False, True))
    torch.testing.assert_close(weights_of(compiled), weights_of(plain), atol=1e-5, rtol=0)
    assert list(compiled.model.state_dict()) == list(plain.model.state_dict())


def test_without_a_compiler_compiling_is_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "clips"))
    fields = {"compile": True, "train_clips": 4, "val_clips": 4, "repeats": 1, "device": "cpu"}
    missing = config.patch({"cpp.cxx": ("no-such-compiler",)})
    with missing, pytest.raises(ActvizError, match=r"needs a C\+\+ compiler.*compile=false"):
        train(get_recipe("puppets/man", fields), out=tmp_path / "run", progress=False)


def test_a_loss_that_is_not_finite_stops_the_training_and_is_never_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path / "cache"))
    fields = {"train_clips": 12, "val_clips": 4, "batch_size": 6, "repeats": 1, "device": "cpu"}
    wild = {"learning_rate": 1e30, "warmup": 0, "clip_norm": 0, "save_every": 1, "frames": 16}
    with pytest.raises(ActvizError, match=r"nan at iteration 2 .*lower learning_rate"):
        train(get_recipe("puppets/man", fields | wild), out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / "best.safetensors").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"device": "tpu"}, "device must be one of auto, cpu.*'tpu'"),
        ({"precision": "16-mixed"}, "needs a CUDA GPU"),
        ({"accumulate": 3}, r"batch_size \(8\) must divide into .* = 3"),
        ({"devices": 2, "nodes": 3}, "= 6 equal parts"),
    ],
)
def test_what_this_machine_cannot_do_is_refused_in_words(fields, said):
    with pytest.raises(ActvizError, match=said):
        check_machine(tiny_recipe(**fields))


def test_means_are_over_clips_not_batches():
    figures = Figures()
    figures.add({"loss": torch.tensor(1.0)}, 3)
    figures.add({"loss": torch.tensor(5.0)}, 1)
    names = ["loss"]
    assert figures.means(names, figures.table(names, torch.device("cpu"))) == {"loss": 2.0}
    assert Figures.means([], Figures().table([], torch.device("cpu"))) == {}


def test_the_kept_epoch_is_the_best_answered_then_the_surest_or_the_last():
    figures = {"val_top1": 0.5, "val_loss": 1.0}
    surer, better = figures | {"val_loss": 0.9}, figures | {"val_top1": 0.6, "val_loss": 3.0}
    scores = [score_of(tiny_recipe(), f, 0) for f in (figures, surer, better)]
    assert scores == sorted(scores)
    last = tiny_recipe(choose="last")
    assert score_of(last, better, 1) < score_of(last, figures, 2)
    assert score_of(tiny_recipe(), {}, 3) == [3.0]  # nothing held out
