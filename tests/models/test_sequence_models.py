"""The rivals that read vectors, and what all rivals share, against independent formulas."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import models
from models.baselines.convnet import ConvNet
from models.baselines.lstm import LSTM
from models.baselines.sequence import SequenceOutput, answer_over_time, sequence_loss
from models.baselines.ts_lstm import TSLSTM, segment_bounds, ts_lstm_loss

D, FRAMES, CLASSES = 6, 7, 3


def features(batch: int = 2, *, dim: int = D, frames: int = FRAMES) -> Tensor:
    return torch.randn(batch, frames, dim, generator=torch.Generator().manual_seed(5))


def convnet() -> ConvNet:
    torch.manual_seed(3)
    return ConvNet(CLASSES, backbone=None, feature_dim=D).eval()


def lstm() -> LSTM:
    torch.manual_seed(3)
    return LSTM(CLASSES, backbone=None, feature_dim=D, hidden_dim=4, head_dim=5).eval()


def ts_lstm(**more) -> TSLSTM:
    torch.manual_seed(3)
    sizes = {"feature_dim": D, "motion_dim": 4, "hidden_dim": 5}
    return TSLSTM(CLASSES, backbone=None, **(sizes | more)).eval()


# ---- ConvNet -------------------------------------------------------------------------------------


def test_convnet_answers_with_the_mean_of_the_frames_probabilities() -> None:
    model, clips = convnet(), features()
    weight, bias = (p.detach().numpy() for p in model.classifier.parameters())
    power = np.exp(clips.numpy() @ weight.T + bias)  # (B, T, K)
    expected = (power / power.sum(-1, keepdims=True)).mean(1)
    answer = model.rollout(clips).logits.softmax(-1).detach().numpy()
    np.testing.assert_allclose(answer, expected, atol=1e-6)


def test_two_sure_frames_that_disagree_answer_half_and_half() -> None:
    """Averaged before the softmax, as TSN does it, the surer one would win."""
    logits = torch.tensor([[[20.0, 0, 0], [0, 40.0, 0]]])
    answer = answer_over_time(logits).softmax(-1)
    torch.testing.assert_close(answer, torch.tensor([[0.5, 0.5, 0.0]]), atol=1e-6, rtol=0)
    assert logits.mean(1).softmax(-1)[0, 1] > 0.99


def test_order_is_nothing_to_the_convnet_and_something_to_the_lstm() -> None:
    clips, order = features(), torch.tensor([3, 0, 6, 1, 5, 2, 4])
    for model, alike in ((convnet(), True), (lstm(), False)):
        there, back = model.rollout(clips).logits, model.rollout(clips[:, order]).logits
        assert torch.allclose(there, back, atol=1e-6) is alike


def test_convnet_has_neither_state_nor_attention() -> None:
    output = convnet().rollout(features())
    assert output.context is None and output.attention is None


# ---- LSTM ----------------------------------------------------------------------------------------


def test_lstm_is_torchs_lstm() -> None:
    model, clips = lstm(), features()
    theirs = nn.LSTM(D, 4, batch_first=True)
    theirs.weight_ih_l0.data = model.from_input.weight.data
    theirs.weight_hh_l0.data = model.from_state.weight.data
    theirs.bias_ih_l0.data, theirs.bias_hh_l0.data = model.from_input.bias.data, torch.zeros(16)
    output = model.rollout(clips)
    torch.testing.assert_close(output.context, theirs(clips)[0])


def test_gradient_of_the_lstm_is_torchs() -> None:
    model, clips = lstm(), features()
    theirs = nn.LSTM(D, 4, batch_first=True)
    theirs.weight_ih_l0.data = model.from_input.weight.data
    theirs.weight_hh_l0.data = model.from_state.weight.data
    theirs.bias_ih_l0.data, theirs.bias_hh_l0.data = model.from_input.bias.data, torch.zeros(16)
    model.rollout(clips).context.square().sum().backward()
    theirs(clips)[0].square().sum().backward()
    torch.testing.assert_close(model.from_state.weight.grad, theirs.weight_hh_l0.grad)
    torch.testing.assert_close(model.from_input.weight.grad, theirs.weight_ih_l0.grad)


def test_answer_at_each_frame_is_read_from_its_state_alone() -> None:
    model, clips = lstm(), features()
    output, head = model.rollout(clips), model.head
    hidden = torch.tanh(output.context @ head.fc.weight.T + head.fc.bias)
    expected = hidden @ head.classifier.weight.T + head.classifier.bias
    torch.testing.assert_close(output.frame_logits, expected)
    torch.testing.assert_close(
        output.logits.softmax(-1), output.frame_logits.softmax(-1).mean(1), atol=1e-6, rtol=1e-5
    )


def test_lstm_does_not_look_ahead() -> None:
    model, clips = lstm(), features()
    changed = clips.clone()
    changed[:, 4:] += 1
    before, after = model.rollout(clips).frame_logits, model.rollout(changed).frame_logits
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


# ---- TS-LSTM -------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [3, 4, 7, 16, 25])
def test_segments_hold_every_frame_once_in_order(frames: int) -> None:
    bounds = segment_bounds(frames, 3)
    held = [t for first, end in bounds for t in range(first, end)]
    lengths = [end - first for first, end in bounds]
    assert held == list(range(frames)) and max(lengths) - min(lengths) <= 1


def test_twenty_five_frames_are_cut_in_eight_eight_and_nine() -> None:
    assert segment_bounds(25, 3) == [(0, 8), (8, 16), (16, 25)]


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_segments_are_pooled_as_an_index_formula_says(pool: str) -> None:
    model, look, move = ts_lstm(pool=pool), features(), features(dim=4)
    pooled = model.pooled(look, move).detach().numpy()
    both = np.concatenate([look.numpy(), move.numpy()], -1) / np.sqrt(1 + 1e-5)  # fresh statistics
    reduce = np.max if pool == "max" else np.mean
    for n in range(3):
        inside = [t for t in range(FRAMES) if n * FRAMES // 3 <= t < (n + 1) * FRAMES // 3]
        np.testing.assert_allclose(pooled[:, n], reduce(both[:, inside], axis=1), atol=1e-5)


def test_each_segment_has_a_normalisation_of_its_own() -> None:
    model = ts_lstm().train()
    model.pooled(features(8, frames=6), features(8, dim=4, frames=6))
    first, *others = (norm.running_mean for norm in model.norms)
    assert all(not torch.allclose(first, other) for other in others)


def test_ts_lstm_is_torchs_lstm_over_the_pooled_segments() -> None:
    model, look, move = ts_lstm(), features(), features(dim=4)
    theirs = nn.LSTM(D + 4, 5, batch_first=True)
    theirs.weight_ih_l0.data = model.from_input.weight.data
    theirs.weight_hh_l0.data = model.from_state.weight.data
    theirs.bias_ih_l0.data, theirs.bias_hh_l0.data = model.from_input.bias.data, torch.zeros(20)
    states = theirs(model.pooled(look, move))[0]
    output = model.rollout(look, move)
    torch.testing.assert_close(output.context, states[:, [0, 0, 1, 1, 2, 2, 2]])
    torch.testing.assert_close(output.logits, model.classifier(model.norm(states[:, -1])))


def test_ts_lstm_answers_from_the_last_segment_and_learns_from_it() -> None:
    output = ts_lstm().rollout(features(), features(dim=4))
    torch.testing.assert_close(output.frame_logits[:, -3:], output.logits[:, None].expand(2, 3, -1))
    assert not torch.allclose(output.frame_logits[:, 0], output.logits)
    target = torch.tensor([0, 2])
    torch.testing.assert_close(ts_lstm_loss(output, target), F.cross_entropy(output.logits, target))


def test_statistics_of_ts_lstm_are_those_of_the_last_state_alone() -> None:
    model, look, move = ts_lstm(dropout=0.0).train(), features(8), features(8, dim=4)
    context = model.rollout(look, move).context
    expected = 0.1 * context[:, -1].mean(0)  # torch's momentum, from 0
    torch.testing.assert_close(model.norm.running_mean, expected.detach())


def test_clip_shorter_than_its_segments_is_refused() -> None:
    with pytest.raises(ValueError, match="2 frames cannot be cut into 3 segments"):
        ts_lstm().rollout(features(frames=2), features(dim=4, frames=2))


# ---- what all rivals share -----------------------------------------------------------------------


def test_loss_is_the_mean_over_clips_and_frames() -> None:
    logits = torch.randn(2, 4, CLASSES, generator=torch.Generator().manual_seed(1))
    target = torch.tensor([2, 0])
    output = SequenceOutput(logits=answer_over_time(logits), frame_logits=logits)
    each = [-logits[b, t].log_softmax(-1)[target[b]] for b in range(2) for t in range(4)]
    torch.testing.assert_close(sequence_loss(output, target), torch.stack(each).mean())


SOURCES: dict[str, dict[str, object]] = {
    "convnet": {"dropout": 0.5},
    "lstm": {"hidden_dim": 512, "head_dim": 1024, "dropout": 0.5},
    "alstm": {"hidden_dim": 512, "head_dim": 1024, "dropout": 0.5},
    "convlstm": {"hidden_dim": 512, "head_dim": 1024, "dropout": 0.7, "kernel": 3},
    "videolstm": {"hidden_dim": 512, "head_dim": 1024, "dropout": 0.7, "kernel": 3},
    "l2stm": {"hidden_dim": 512, "kernel": 3},
    "tslstm": {"hidden_dim": 512, "dropout": 0.5, "segments": 3, "pool": "max"},
}


@pytest.mark.parametrize("name", SOURCES)
def test_sizes_of_the_sources_are_the_defaults(name: str) -> None:
    defaults = inspect.signature(models.BUILDERS[name]).parameters
    assert {key: defaults[key].default for key in SOURCES[name]} == SOURCES[name]


@pytest.mark.parametrize(
    ("name", "rates"), [("lstm", [0.5, 0.5]), ("alstm", [0.5, 0.5]), ("convlstm", [0.0, 0.7])]
)
def test_dropout_is_before_and_after_the_layer_or_after_it_alone(
    name: str, rates: list[float]
) -> None:
    model = models.build(name, num_classes=2, backbone=None, feature_dim=4, hidden_dim=4)
    assert [model.head.before.p, model.head.dropout.p] == rates


@pytest.mark.parametrize("name", ["lstm", "alstm", "convlstm", "videolstm", "l2stm", "tslstm"])
def test_forward_is_rollout_of_features(name: str) -> None:
    torch.manual_seed(0)
    maps = {"map_size": (2, 2)} if name in ("convlstm", "videolstm", "l2stm") else {}
    small = {"backbone": "resnet18_narrow", "width": 4, "hidden_dim": 4} | maps
    model = models.build(name, num_classes=2, **small).eval()
    frames, flow = torch.rand(2, 3, 3, 32, 32), torch.rand(2, 3, 10, 32, 32)
    given = (frames, flow) if model.two_stream else (frames,)
    seen = [model.features(frames)] + ([model.motion_features(flow)] if model.two_stream else [])
    assert seen[0].ndim == (5 if model.takes == "maps" else 3)
    torch.testing.assert_close(model(*given).logits, model.rollout(*seen).logits, rtol=0, atol=0)


def test_half_precision_around_it_changes_no_answer() -> None:
    model, clips = lstm(), features()
    plain = model.rollout(clips).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model.rollout(clips).logits
    torch.testing.assert_close(mixed, plain, rtol=0, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_features_that_are_not_finite_are_refused(value: float) -> None:
    clips = features()
    clips[1, 3, 0] = value
    with pytest.raises(ValueError, match="features must be finite"):
        lstm().rollout(clips)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="feature_dim"):
        LSTM(2, backbone=None)
    with pytest.raises(ValueError, match="motion_dim"):
        TSLSTM(2, backbone=None, feature_dim=4)
    with pytest.raises(ValueError, match="pool"):
        ts_lstm(pool="min")
    with pytest.raises(ValueError, match=r"call rollout\(features\)"):
        lstm().features(torch.rand(1, 2, 3, 32, 32))


def test_streams_that_are_missing_too_many_or_unlike_are_refused() -> None:
    with pytest.raises(ValueError, match="reads one stream"):
        lstm().rollout(features(), features())
    with pytest.raises(ValueError, match="reads two streams; got no motion"):
        ts_lstm().rollout(features())
    with pytest.raises(ValueError, match=r"shape \(B, T, 4\)"):
        ts_lstm().rollout(features(), features())
    with pytest.raises(ValueError, match="the same clips, frames"):
        ts_lstm().rollout(features(), features(dim=4, frames=5))
