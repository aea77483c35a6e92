"""MAM against hand-computed answers."""

from __future__ import annotations

import pytest
import torch
from mam_by_list import FRAMES, D, features, make
from torch import Tensor, nn

from models.mam import MAM, mam_loss, write_decision


def test_lstm_that_never_resets_is_torchs_lstm() -> None:
    model, clips = make(feature_norm="none"), features()
    lstm = nn.LSTM(D, 4, batch_first=True)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(lstm, f"{name}_l0").data = getattr(model.lstm, name).data
    output = model.rollout(clips, force=torch.ones(2, FRAMES))
    torch.testing.assert_close(output.context, lstm(clips)[0])


def test_lstm_that_always_resets_sees_one_frame_at_a_time() -> None:
    model, clips = make(feature_norm="none"), features()
    output = model.rollout(clips, force=torch.zeros(2, FRAMES))
    for t in range(FRAMES):
        torch.testing.assert_close(output.context[:, t], model.lstm(clips[:, t])[0])


def test_gradient_through_a_write_is_that_of_the_sigmoid() -> None:
    score = torch.tensor([-3.0, -0.2, 0.0, 0.4, 2.0], requires_grad=True)
    _, written = write_decision(score, 0.5)
    written.sum().backward()
    a = torch.sigmoid(score.detach())
    assert written.tolist() == [0, 0, 0, 1, 1]
    torch.testing.assert_close(score.grad, a * (1 - a))


def test_decision_is_exactly_zero_or_one() -> None:
    _, written = write_decision(torch.randn(10_000), 0.5)
    assert set(written.tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("before", [[], [1], [1, 0, 1]])
def test_gradient_of_the_video_feature_with_respect_to_a_decision(before: list[int]) -> None:
    """∂out/∂s = (m − out)/n with n items in memory, this one included; m where it is empty."""
    model, clip = make(feature_norm="none"), features(1)[:, : len(before) + 1]
    items = model.write(clip)[0].detach()
    force = torch.tensor([[*map(float, before), torch.nan]])
    output = model.rollout(clip, force=force, threshold=0.0)  # the last frame is written
    probability = output.write_probability[0, -1]
    (gradient,) = torch.autograd.grad(output.video_feature[0, 2], model.controller.score.bias)
    kept = torch.cat([items[:-1][torch.tensor(before, dtype=torch.bool)], items[-1:]])
    expected = (items[-1] - kept.mean(0)) / len(kept)
    slope = probability * (1 - probability)
    torch.testing.assert_close(gradient[0], (expected[2] * slope).detach())


def test_gradient_into_an_empty_memory_is_the_item_itself() -> None:
    model, clip = make(feature_norm="none"), features(1)[:, :1]
    output = model.rollout(clip, threshold=1.0)  # nothing is written
    a = output.write_probability[0, 0].detach()
    (gradient,) = torch.autograd.grad(output.video_feature[0, 2], model.controller.score.bias)
    item = model.write(clip)[0, 0, 2].detach()
    torch.testing.assert_close(gradient[0], item * a * (1 - a))


def test_skipped_frame_leaves_memory_unchanged_and_resets_the_state() -> None:
    model, clips = make(feature_norm="none"), features()
    force = torch.tensor([[1.0, 1, 0, 1, 1, 0, 1]]).expand(2, -1)
    before = model.rollout(clips, force=force)
    changed = clips.clone()
    changed[:, 2] += 5  # whatever frame 2 shows, it was not written
    after = model.rollout(changed, force=force)
    torch.testing.assert_close(before.logits, after.logits)
    torch.testing.assert_close(before.history[:, 3], before.history[:, 2])
    torch.testing.assert_close(before.context[:, 3], model.lstm(clips[:, 3])[0])
    torch.testing.assert_close(before.context[:, 3:], after.context[:, 3:])
    assert before.memory_size[0].tolist() == [1, 2, 2, 3, 4, 4, 5]


def test_probability_exactly_one_half_is_not_written() -> None:
    model = make(output_bias=0.0)
    nn.init.zeros_(model.controller.score.weight)
    output = model.rollout(features())
    assert (output.write_probability == 0.5).all() and not output.written.any()


def test_controller_starts_with_a_bias_of_one() -> None:
    assert make().controller.score.bias.item() == 1.0


def test_forced_decisions_hold_and_nan_leaves_the_controller_free() -> None:
    model, clips = make(), features()
    free = model.rollout(clips)
    same = model.rollout(clips, force=torch.full((2, FRAMES), torch.nan))
    torch.testing.assert_close(free.logits, same.logits)
    force = torch.full((2, FRAMES), torch.nan)
    force[:, 1], force[:, 4] = 0, 1
    output = model.rollout(clips, force=force)
    assert (output.written[:, 1] == 0).all() and (output.written[:, 4] == 1).all()
    torch.testing.assert_close(output.write_probability[:, 0], free.write_probability[:, 0])


def test_empty_memory_is_the_zero_vector() -> None:
    model = make()
    output = model.rollout(features(), force=torch.zeros(2, FRAMES))
    assert not output.video_feature.any() and not output.history.any()
    assert not output.memory_size.any()
    torch.testing.assert_close(output.logits, model.classifier.bias.expand(2, -1))


def test_three_frames_two_written_are_averaged() -> None:
    model, clip = make(feature_norm="none"), features(1)[:, :3]
    output = model.rollout(clip, force=torch.tensor([[1.0, 0, 1]]))
    expected = (model.write(clip[:, 0]) + model.write(clip[:, 2])) / 2
    torch.testing.assert_close(output.video_feature, expected)
    torch.testing.assert_close(output.logits, model.classifier(expected))


def test_threshold_of_the_call_replaces_the_models() -> None:
    model, clips = make(), features()
    assert model.rollout(clips, threshold=0.0).written.all()
    assert not model.rollout(clips, threshold=1.0).written.any()


def test_features_of_any_scale_give_the_same_decisions() -> None:
    model, clips = make().eval(), features()
    one, small = model.rollout(clips), model.rollout(clips * 0.01)
    torch.testing.assert_close(one.write_probability, small.write_probability, rtol=1e-2, atol=1e-3)


def test_forward_is_rollout_of_features() -> None:
    model = MAM(3, backbone="resnet18_narrow", width=4, memory_dim=5, hidden_dim=4).eval()
    frames = torch.rand(2, 3, 3, 32, 32)
    torch.testing.assert_close(
        model(frames).logits, model.rollout(model.features(frames)).logits, rtol=0, atol=0
    )


def toy_clips(count: int, *, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Features (N, 16, 16), classes (N,) and where six frames tell the class (N, 16), bool."""
    draw = torch.Generator().manual_seed(seed)
    looks = torch.randn(5, 16, generator=torch.Generator().manual_seed(99))  # 4 classes, noise
    target = torch.randint(4, (count,), generator=draw)
    evidence = torch.rand(count, 16, generator=draw).argsort(1) < 6
    shown = torch.where(evidence, target[:, None], 4)  # (N, 16)
    return looks[shown] + 0.5 * torch.randn(count, 16, 16, generator=draw), target, evidence


def test_learns_to_write_the_frames_that_tell_the_class() -> None:
    """On fresh clips: the class is found, its frames are written, those without a class are not."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = {"memory_dim": 16, "hidden_dim": 16, "controller_dim": 16, "dropout": 0.0}
    model = MAM(4, backbone=None, feature_dim=16, **sizes)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(300):
        clips, target, _ = toy_clips(16, seed=step)
        optimiser.zero_grad()
        mam_loss(model.rollout(clips), target).backward()
        optimiser.step()
    clips, target, evidence = toy_clips(64, seed=1000)
    output = model.rollout(clips)
    assert (output.logits.argmax(1) == target).float().mean() > 0.95
    assert output.written[evidence].mean() > 0.5 > 0.1 > output.written[~evidence].mean()


def test_half_precision_around_it_changes_no_decision() -> None:
    model, clips = make(output_bias=0.0).eval(), features(64)
    plain = model.rollout(clips)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model.rollout(clips)
        from_half = model.rollout(clips.bfloat16())  # as a CNN under autocast hands them over
    assert mixed.write_probability.dtype == from_half.write_probability.dtype == torch.float32
    torch.testing.assert_close(mixed.write_probability, plain.write_probability, rtol=0, atol=0)
    assert torch.equal(mixed.written, plain.written) and 0 < plain.written.mean() < 1


def test_model_of_half_precision_counts_beyond_256_items() -> None:
    model = make().eval().bfloat16()
    clip = torch.randn(1, 1, D).bfloat16().expand(1, 400, D)
    output = model.rollout(clip, force=torch.ones(1, 400))
    assert output.memory_size[0, -1] == 400 and output.logits.dtype == torch.bfloat16
    torch.testing.assert_close(output.video_feature, output.memory_items[:, 0])  # 400 alike


@pytest.mark.parametrize("bias", [1.0, -1.0])
def test_gradient_passes_the_reset_of_the_state(bias: float) -> None:
    """Eq. 4, 5 with eq. 10: ∂ce_2/∂q_1 = a(1 − a)(∂ce_2/∂h_1 · ĥ_1 + ∂ce_2/∂c_1 · ĉ_1)."""
    model, clip = make(feature_norm="none", output_bias=bias), features(1)[:, :2]
    output = model.rollout(clip)
    (gradient,) = torch.autograd.grad(output.context[0, 1, 2], model.controller.score.bias)
    h, c = (x.detach() for x in model.lstm(clip[:, 0]))
    s = torch.tensor(output.written[0, 0].item(), requires_grad=True)
    assert s == (1.0 if bias > 0 else 0.0)
    (slope,) = torch.autograd.grad(model.lstm(clip[:, 1], (s * h, s * c))[0][0, 2], s)
    a = output.write_probability[0, 0].detach()
    assert slope.abs() > 1e-3
    torch.testing.assert_close(gradient[0], slope * a * (1 - a))


def test_sizes_and_rates_nobody_names_are_those_of_the_docstring() -> None:
    model = MAM(3, backbone=None, feature_dim=D)
    assert model.dropout.p == 0.8 and model.threshold == 0.5
    assert model.lstm.hidden_size == model.write.out_features == 512
    assert model.controller.from_feature.out_features == 512


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_features_that_are_not_finite_are_refused(value: float) -> None:
    clips = features()
    clips[1, 3, 0] = value
    with pytest.raises(ValueError, match="features must be finite"):
        make().rollout(clips)


@pytest.mark.parametrize(
    ("force", "message"),
    [(torch.ones(2, 3), r"shape \(B, T\)"), (torch.full((2, FRAMES), 0.5), "nan")],
)
def test_wrong_force_is_refused(force: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make().rollout(features(), force=force)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        make(threshold=1.5)
    with pytest.raises(ValueError, match="feature_dim"):
        MAM(3, backbone=None)
    with pytest.raises(ValueError, match="feature_norm"):
        make(feature_norm="layer")
    with pytest.raises(ValueError, match="rollout"):
        make().features(torch.rand(1, 2, 3, 32, 32))
