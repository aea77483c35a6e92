"""The rivals that read maps, against independent formulas and torch's own layers."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.baselines.attention_lstm import AttentionLSTM
from models.baselines.conv_lstm import ConvLSTM, ConvLSTMCell
from models.baselines.lattice_lstm import LatticeLSTM, LocalSuperposition, lattice_lstm_loss
from models.baselines.video_lstm import VideoLSTM

C, H, FRAMES, SIZE = 4, 5, 6, (3, 4)
READY = {"backbone": None, "feature_dim": C, "hidden_dim": H, "head_dim": 7}


def maps(batch: int = 2, *, dim: int = C, size: tuple[int, int] = SIZE, seed: int = 5) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(batch, FRAMES, dim, *size, generator=draw)


def alstm() -> AttentionLSTM:
    torch.manual_seed(3)
    return AttentionLSTM(3, **READY).eval()


def conv_lstm(**more) -> ConvLSTM:
    torch.manual_seed(3)
    return ConvLSTM(3, **(READY | {"map_size": SIZE} | more)).eval()


def video_lstm(**more) -> VideoLSTM:
    torch.manual_seed(3)
    motion = {} if more.get("motion", True) is False else {"motion_dim": 2}
    return VideoLSTM(3, **(READY | {"map_size": SIZE} | motion | more)).eval()


def lattice(**more) -> LatticeLSTM:
    torch.manual_seed(3)
    return LatticeLSTM(3, **(READY | {"motion_dim": C, "map_size": SIZE} | more)).eval()


# ---- ConvLSTM ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [1, 3])
def test_conv_lstm_on_maps_of_one_location_is_torchs_lstm(kernel: int) -> None:
    model, clips = conv_lstm(kernel=kernel, map_size=(1, 1)), maps(size=(1, 1))
    theirs, middle = nn.LSTM(C, H, batch_first=True), kernel // 2
    cell = model.cell
    theirs.weight_ih_l0.data = cell.from_input.weight.data[:, :, middle, middle]
    theirs.weight_hh_l0.data = cell.from_state.weight.data[:, :, middle, middle]
    theirs.bias_ih_l0.data, theirs.bias_hh_l0.data = cell.from_input.bias.data, torch.zeros(4 * H)
    expected = theirs(clips.flatten(2))[0]
    torch.testing.assert_close(model.rollout(clips).context, expected, rtol=1e-4, atol=1e-6)


def test_conv_lstm_with_kernels_of_one_is_an_lstm_at_each_location() -> None:
    cell, clip = ConvLSTMCell(C, H, kernel=1), maps(1)
    theirs = nn.LSTMCell(C, H)
    theirs.weight_ih.data = cell.from_input.weight.data.flatten(1)
    theirs.weight_hh.data = cell.from_state.weight.data.flatten(1)
    theirs.bias_ih.data, theirs.bias_hh.data = cell.from_input.bias.data, torch.zeros(4 * H)
    state = torch.zeros(1, H, *SIZE), torch.zeros(1, H, *SIZE)
    flat = (torch.zeros(12, H), torch.zeros(12, H))  # the locations as a batch
    for t, part in enumerate(cell.input_part(clip).unbind(1)):
        state = cell(part, *state)
        flat = theirs(clip[0, t].flatten(1).T, flat)
    torch.testing.assert_close(state[0][0].flatten(1).T, flat[0])


def test_state_of_a_conv_lstm_spreads_by_one_location_a_frame() -> None:
    model = conv_lstm(map_size=(1, 9))
    clips = torch.zeros(1, FRAMES, C, 1, 9)
    touched = clips.clone()
    touched[0, 0, :, 0, 0] = 1
    for frames in (1, 2, 3):
        states = []
        for clip in (clips, touched):
            hidden = cell = torch.zeros(1, H, 1, 9)
            for part in model.cell.input_part(clip[:, :frames]).unbind(1):
                hidden, cell = model.cell(part, hidden, cell)
            states.append(hidden)
        moved = (states[0] - states[1]).abs().sum((0, 1, 2)) > 0
        assert moved.tolist() == [place <= frames for place in range(9)]


def test_maps_of_another_size_are_refused_where_it_matters() -> None:
    wide = maps(size=(5, 4))
    for model in (conv_lstm(), video_lstm(motion=False)):
        with pytest.raises(ValueError, match=r"with \(h, w\) = \(3, 4\).*got \(2, 6, 4, 5, 4\)"):
            model.rollout(wide)
    assert alstm().rollout(wide).attention.shape == (2, FRAMES, 5, 4)


# ---- attention -----------------------------------------------------------------------------------


def attention_of(name: str) -> tuple[Tensor, nn.Module]:
    model = {"alstm": alstm, "videolstm": video_lstm, "unmoved": lambda: video_lstm(motion=False)}
    built = model[name]()
    given = (maps(), maps(dim=2)) if name == "videolstm" else (maps(),)
    return built.rollout(*given).attention, built


@pytest.mark.parametrize("name", ["alstm", "videolstm", "unmoved"])
def test_attention_sums_to_one_over_the_locations(name: str) -> None:
    attention, _ = attention_of(name)
    assert attention.shape == (2, FRAMES, *SIZE) and (attention > 0).all()
    torch.testing.assert_close(attention.sum((2, 3)), torch.ones(2, FRAMES))
    assert attention.std() > 1e-3  # it has a preference


@pytest.mark.parametrize("name", ["alstm", "videolstm", "unmoved"])
def test_attention_is_uniform_where_the_scores_are_equal(name: str) -> None:
    _, model = attention_of(name)
    nn.init.zeros_(model.attend.score.weight)
    given = (maps(), maps(dim=2)) if name == "videolstm" else (maps(),)
    attention = model.rollout(*given).attention
    torch.testing.assert_close(attention, torch.full_like(attention, 1 / 12))


def test_uniform_attention_is_an_lstm_on_the_mean_of_the_map() -> None:
    model, clips = alstm(), maps()
    nn.init.zeros_(model.attend.score.weight)
    theirs = nn.LSTM(C, H, batch_first=True)
    theirs.weight_ih_l0.data = model.from_input.weight.data
    theirs.weight_hh_l0.data = model.from_state.weight.data
    theirs.bias_ih_l0.data, theirs.bias_hh_l0.data = model.from_input.bias.data, torch.zeros(4 * H)
    mean = clips.mean((1, 3, 4))
    first = model.first_hidden(mean).tanh()[None], model.first_cell(mean).tanh()[None]
    expected = theirs(clips.mean((3, 4)), first)[0]
    torch.testing.assert_close(model.rollout(clips).context, expected)


def test_alstm_is_what_its_equations_say() -> None:
    model, clip = alstm(), maps(1)
    cell = nn.LSTMCell(C, H)
    cell.weight_ih.data, cell.weight_hh.data = model.from_input.weight, model.from_state.weight
    cell.bias_ih.data, cell.bias_hh.data = model.from_input.bias.data, torch.zeros(4 * H)
    mean = clip.mean((0, 1, 3, 4))
    h, c = model.first_hidden(mean).tanh()[None], model.first_cell(mean).tanh()[None]
    output, attend = model.rollout(clip), model.attend
    for t in range(FRAMES):
        places = [clip[0, t, :, i, j] for i in range(3) for j in range(4)]
        scores = [
            attend.score((attend.from_feature(x) + attend.from_state(h[0])).tanh()) for x in places
        ]
        weight = torch.cat(scores).softmax(0)
        torch.testing.assert_close(output.attention[0, t].flatten(), weight)
        h, c = cell(sum(w * x for w, x in zip(weight, places, strict=True))[None], (h, c))
    torch.testing.assert_close(output.context[:, -1], h)


# ---- VideoLSTM -----------------------------------------------------------------------------------


def conv(x: Tensor, layer: nn.Conv2d) -> Tensor:
    return F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2)


def gated(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = gates.chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def convolutional_alstm(model: VideoLSTM, x: Tensor, m: Tensor | None = None) -> list[Tensor]:
    """The paper's equations as convolutions; with ``m`` (B, T, C, h, w) those of VideoLSTM.

    Returns the attention (B, h, w) of each frame and, last, H_T.
    """
    a, first, attentions = model.attend, model.first, []
    h, c = conv(x.mean(1), first.hidden).tanh(), conv(x.mean(1), first.cell).tanh()
    if m is not None:
        b, start = model.bottom, model.bottom.first
        hm, cm = conv(m.mean(1), start.hidden).tanh(), conv(m.mean(1), start.cell).tanh()
    for t in range(x.shape[1]):
        looks = h
        if m is not None:
            told = conv(m[:, t], b.cell.from_input) + conv(hm, b.cell.from_state)
            hm, cm = gated(told + conv(h, b.from_top), cm)
            looks = hm
        by_feature = F.conv2d(x[:, t], a.from_feature.weight[..., None, None], a.from_feature.bias)
        by_state = F.conv2d(looks, a.from_state.weight[..., None, None])
        e = F.conv2d((by_feature + by_state).tanh(), a.score.weight[..., None, None])
        weight = e.exp() / e.exp().sum((2, 3), keepdim=True)  # (B, 1, h, w)
        attentions.append(weight[:, 0])
        gates = conv(x[:, t] * weight, model.cell.from_input) + conv(h, model.cell.from_state)
        h, c = gated(gates, c)
    return [*attentions, h]


def test_without_motion_it_is_the_convolutional_alstm() -> None:
    model, clips = video_lstm(motion=False), maps()
    *attention, last = convolutional_alstm(model, clips)
    output = model.rollout(clips)
    torch.testing.assert_close(output.attention, torch.stack(attention, 1))
    torch.testing.assert_close(output.context[:, -1], last.mean((2, 3)))
    torch.testing.assert_close(output.frame_logits[:, -1], model.head(last[:, None])[:, 0])
    assert model.bottom is None and model.motion_backbone is None and not model.two_stream


def test_with_motion_attention_comes_from_the_lower_layer() -> None:
    model, clips, motion = video_lstm(), maps(), maps(dim=2, seed=6)
    *attention, last = convolutional_alstm(model, clips, motion)
    output = model.rollout(clips, motion)
    torch.testing.assert_close(output.attention, torch.stack(attention, 1))
    torch.testing.assert_close(output.context[:, -1], last.mean((2, 3)))


def test_the_two_differ_by_where_attention_looks_alone() -> None:
    """Same weights, and a lower layer whose state does not reach the attention."""
    moved, still = video_lstm(), video_lstm(motion=False)
    still.load_state_dict({k: v for k, v in moved.state_dict().items() if "bottom" not in k})
    clips, motion = maps(), maps(dim=2)
    assert not torch.allclose(moved.rollout(clips, motion).logits, still.rollout(clips).logits)
    for model in (moved, still):
        nn.init.zeros_(model.attend.from_state.weight)
    torch.testing.assert_close(moved.rollout(clips, motion).logits, still.rollout(clips).logits)


def test_motion_of_a_frame_guides_the_attention_of_that_frame() -> None:
    model, clips, motion = video_lstm(), maps(), maps(dim=2)
    moved = motion.clone()
    moved[:, 2] += torch.linspace(-2, 2, 12).view(SIZE)
    moved[:, 4] -= torch.linspace(-2, 2, 12).view(SIZE)  # the mean over the frames stays
    before, after = model.rollout(clips, motion).attention, model.rollout(clips, moved).attention
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert ((before[:, 2] - after[:, 2]).abs().amax((1, 2)) > 1e-3).all()


def test_motion_that_is_switched_off_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="reads one stream"):
        video_lstm(motion=False).rollout(maps(), maps(dim=2))
    with pytest.raises(ValueError, match="motion_dim"):
        video_lstm(motion=False, motion_dim=2)


# ---- Lattice-LSTM --------------------------------------------------------------------------------


def test_local_superposition_is_what_its_formula_says() -> None:
    layer = LocalSuperposition(2, map_size=SIZE, kernel=3)
    x = torch.randn(1, 2, *SIZE, generator=torch.Generator().manual_seed(1))
    padded, out = F.pad(x, (1, 1, 1, 1))[0], layer(x)[0]
    for m in range(3):
        for n in range(4):
            around = padded[:, m : m + 3, n : n + 3]  # (l, i, j)
            expected = torch.einsum("klij,lij->k", layer.weight[m, n], around)
            torch.testing.assert_close(out[:, m, n], expected)


def with_alike_weights(model: LatticeLSTM) -> None:
    for stream in (model.appearance, model.motion):
        stream.local.weight.data[:] = stream.local.weight.data[:1, :1].clone()


@pytest.mark.parametrize("which", [0, 1])
def test_with_the_same_weights_everywhere_a_stream_is_a_conv_lstm(which: int) -> None:
    model, both = lattice(), (maps(), maps(seed=6))
    with_alike_weights(model)
    stream = (model.appearance, model.motion)[which]
    cell = ConvLSTMCell(C, H)  # gates in the order: input, forget, candidate, output
    own = torch.cat([stream.local.weight[0, 0], stream.to_output.weight])
    cell.from_state.weight.data = torch.cat([model.gates_from_state.weight, own])
    inputs = model.gates_from_input, stream.from_input
    cell.from_input.weight.data = torch.cat([layer.weight for layer in inputs])
    cell.from_input.bias.data = torch.cat([layer.bias for layer in inputs])
    state = torch.zeros(2, H, *SIZE), torch.zeros(2, H, *SIZE)
    for part in cell.input_part(both[which]).unbind(1):
        state = cell(part, *state)
    expected = stream.head(state[0][:, None])[:, 0]
    torch.testing.assert_close(model.rollout(*both).stream_logits[:, which, -1], expected)


def test_with_weights_of_their_own_locations_differ_where_the_input_does_not() -> None:
    model = lattice(map_size=(5, 6))
    flat = torch.ones(1, 2, C, 5, 6)
    inner = model._states(flat, flat)[0, 0, 1, :, 2, 2:4]  # the border has not come so far
    assert not torch.allclose(inner[:, 0], inner[:, 1])
    with_alike_weights(model)
    inner = model._states(flat, flat)[0, 0, 1, :, 2, 2:4]
    torch.testing.assert_close(inner[:, 0], inner[:, 1])


def test_shared_gates_learn_from_the_loss_of_either_stream() -> None:
    model, target = lattice(), torch.tensor([0, 2])
    gates = model.gates_from_state.weight
    grads = []
    for stream in (0, 1):
        logits = model.rollout(maps(), maps(seed=6)).stream_logits[:, stream]
        loss = F.cross_entropy(logits.flatten(0, 1), target.repeat_interleave(FRAMES))
        grads.append(torch.autograd.grad(loss, gates)[0])
    both = torch.autograd.grad(
        lattice_lstm_loss(model.rollout(maps(), maps(seed=6)), target), gates
    )
    assert all(grad.abs().max() > 0 for grad in grads)
    torch.testing.assert_close(both[0], (grads[0] + grads[1]) / 2)


def test_streams_and_frames_are_averaged_as_probabilities() -> None:
    output = lattice().rollout(maps(), maps(seed=6))
    probabilities = output.stream_logits.softmax(-1)  # (B, S, T, K)
    torch.testing.assert_close(output.frame_logits.softmax(-1), probabilities.mean(1))
    torch.testing.assert_close(output.logits.softmax(-1), probabilities.mean((1, 2)))


def test_streams_of_unlike_width_cannot_share_their_gates() -> None:
    with pytest.raises(ValueError, match="motion_dim must equal feature_dim"):
        lattice(motion_dim=C + 1)


def test_even_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel must be odd"):
        conv_lstm(kernel=2)
