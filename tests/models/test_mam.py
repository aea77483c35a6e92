"""MAM against hand-computed answers and a plain list."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.mam import MAM, mam_loss, write_decision

D, FRAMES = 6, 7


def make(**more) -> MAM:
    torch.manual_seed(3)
    sizes = {"memory_dim": 5, "hidden_dim": 4, "controller_dim": 8, "dropout": 0.0}
    return MAM(3, backbone=None, feature_dim=D, **(sizes | more))


def features(batch: int = 2) -> Tensor:
    return torch.randn(batch, FRAMES, D, generator=torch.Generator().manual_seed(5))


def by_list(model: MAM, sequence: Tensor) -> tuple[list[float], list[int], Tensor]:
    """Eq. 1–9 for one clip (T, D) as the paper tells it: a list that grows."""
    memory: list[Tensor] = []
    h = c = torch.zeros(1, 4)
    probabilities, decisions = [], []
    for x in F.rms_norm(sequence, (D,), eps=1e-6):
        history = torch.stack(memory).mean(0) if memory else torch.zeros(5)
        h, c = model.lstm(x[None], (h, c))
        control = model.controller
        mixed = control.from_feature(x) + control.from_context(h[0]) + control.from_memory(history)
        a = torch.sigmoid(control.score(mixed.relu())).item()
        probabilities.append(a)
        decisions.append(int(a > model.threshold))
        if decisions[-1]:
            memory.append(model.write(x))
        else:
            h, c = torch.zeros_like(h), torch.zeros_like(c)
    video = torch.stack(memory).mean(0) if memory else torch.zeros(5)
    return probabilities, decisions, model.classifier(video)


@pytest.mark.parametrize("bias", [-0.2, 0.0, 0.1, 1.0])
def test_sum_and_count_equal_a_list_that_grows(bias: float) -> None:
    model, clips = make(output_bias=bias).eval(), features(6)
    output = model.rollout(clips)
    for b, clip in enumerate(clips):
        probabilities, decisions, logits = by_list(model, clip)
        assert output.written[b].tolist() == decisions
        assert output.memory_size[b].tolist() == torch.tensor(decisions).cumsum(0).tolist()
        torch.testing.assert_close(output.write_probability[b], torch.tensor(probabilities))
        torch.testing.assert_close(output.logits[b], logits)


def test_that_comparison_saw_mixed_decisions() -> None:
    written = make(output_bias=0.0).eval().rollout(features(6)).written
    assert 0 < written.mean() < 1


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


def test_learns_to_write_the_frames_that_tell_the_class() -> None:
    """Eight clips, two frames of evidence each: the loss falls, and noise is written less."""
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(0)
    target = torch.arange(8) % 2
    clips = torch.randn(8, FRAMES, D, generator=draw) * 0.5
    clips[:, 3:5, :2] += 4 * F.one_hot(target, 2)[:, None]
    model = make(hidden_dim=8)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    first = None
    for _ in range(120):
        loss = mam_loss(model.rollout(clips), target)
        first = first or loss.item()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.1 * first


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
