"""MAM's rollout against a plain list, as the paper sets its switches and otherwise."""

from __future__ import annotations

import pytest
import torch
from mam_by_list import FRAMES, SWITCHES, by_list, features, make, mixed_force
from torch import Tensor

from models.mam import mam_loss


@pytest.mark.parametrize("force", [None, mixed_force()], ids=["free", "forced"])
@pytest.mark.parametrize("switches", SWITCHES, ids=lambda s: "-".join(s) or "paper")
@pytest.mark.parametrize("bias", [-0.2, 0.0, 0.1, 1.0])
def test_sum_and_count_equal_a_list_that_grows(
    bias: float, switches: dict, force: Tensor | None
) -> None:
    model, clips = make(output_bias=bias, **switches).eval(), features(6)
    output = model.rollout(clips, force=force)
    for b, clip in enumerate(clips):
        told = by_list(model, clip, None if force is None else force[b])
        for name, expected in told.items():
            found = getattr(output, name)[b]
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        assert output.memory_size[b].tolist() == told["written"].cumsum(0).round().tolist()


def test_that_comparison_saw_mixed_decisions() -> None:
    written = make(output_bias=0.0).eval().rollout(features(6)).written
    assert 0 < written.mean() < 1


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda s: "-".join(s) or "paper")
def test_terms_of_the_score_and_its_bias_sum_to_it(switches: dict) -> None:
    model = make(**switches).eval()
    output = model.rollout(features(6))
    whole = output.score_terms.sum(-1) + model.controller.score.bias
    torch.testing.assert_close(whole, output.score, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(torch.sigmoid(output.score), output.write_probability)
    assert not output.score_terms.requires_grad


def test_term_of_an_input_that_is_left_out_is_zero() -> None:
    output = make(inputs=["history", "feature"]).rollout(features(6))
    feature, context, history = output.score_terms.unbind(-1)
    assert feature.all() and not context.any()
    assert not history[:, 0].any() and history[:, 1:].any()  # nothing to recall at first


def test_feature_that_is_left_out_leaves_its_bias() -> None:
    model = make(inputs=("context",))
    model.lstm.requires_grad_(False)
    for weight in model.lstm.parameters():
        weight.zero_()  # the context is 0 as well
    q = model.controller.score(model.controller.from_feature.bias.relu())
    torch.testing.assert_close(model.rollout(features()).score, q.expand(2, FRAMES))


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda s: "-".join(s) or "paper")
def test_weights_of_the_paper_load_under_every_switch(switches: dict) -> None:
    make(**switches).load_state_dict(make().state_dict())
    model = make(**switches)
    mam_loss(model.rollout(features()), torch.tensor([0, 2])).backward()
    assert all(p.grad is not None for p in model.parameters())  # no parameter leaves the graph


def test_state_without_resets_is_that_of_torchs_lstm_whatever_is_written() -> None:
    model, clips = make(feature_norm="none", reset=False), features(6)
    some = model.rollout(clips, force=mixed_force())
    every = model.rollout(clips, force=torch.ones(6, FRAMES))
    torch.testing.assert_close(some.context, every.context, rtol=0, atol=0)


def test_history_as_printed_is_a_sum_and_the_video_feature_stays_a_mean() -> None:
    model, clip = make(feature_norm="none", read="sum"), features(1)[:, :3]
    output = model.rollout(clip, force=torch.tensor([[1.0, 1, 0]]))
    items = model.write(clip)
    torch.testing.assert_close(output.history[:, 2], items[:, 0] + items[:, 1])
    torch.testing.assert_close(output.video_feature, items[:, :2].mean(1))


def test_soft_writes_weigh_every_frame_and_carry_the_sigmoids_gradient() -> None:
    model, clips = make(writes="soft"), features()
    output = model.rollout(clips)
    a = output.write_probability[..., None]
    expected = (a * output.memory_items).sum(1) / a.sum(1)
    torch.testing.assert_close(output.video_feature, expected)
    torch.testing.assert_close(output.written, output.write_probability, rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(output.written[0, 0], model.controller.score.bias)
    torch.testing.assert_close(gradient[0], (a[0, 0, 0] * (1 - a[0, 0, 0])).detach())


def test_switches_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match='read must be "mean" or "sum"'):
        make(read="max")
    with pytest.raises(ValueError, match="writes must be"):
        make(writes="hard")
    for wrong in ((), ("feature", "memory"), "feature"):
        with pytest.raises(ValueError, match="inputs must list one or more of feature, context"):
            make(inputs=wrong)
    with pytest.raises(ValueError, match="no threshold"):
        make(writes="soft").rollout(features(), threshold=0.5)
