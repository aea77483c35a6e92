"""MAN: its cell, its attention, its size."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import models
from models import memory_cell
from models.man import MAN, TARM, KerasGRU, TorchGRU, man_loss, man_parameter_groups
from models.stcm import SameConv


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def small(**more) -> MAN:
    torch.manual_seed(2)
    return MAN(4, **({"frames": 16, "hidden": 6, "reduction": 4} | more))


def skeletons(batch: int = 2, frames: int = 12, people: int = 2) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(7)
    joints = torch.randn(batch, frames, people, 25, 3, generator=draw)
    return joints, torch.ones(batch, frames, people, dtype=torch.bool)


def test_number_of_parameters_is_the_published_one() -> None:
    model = MAN(60, cell="keras")
    assert count(model.stcm) + count(model.classifier) == 686_908
    assert count(model) == 856_117
    assert count(MAN(60, cell="torch")) == 857_269
    tarm = model.tarms[0]
    attention = count(tarm.squeeze) + count(tarm.excite)
    assert (count(tarm) - attention, attention) == (56_050, 353)
    assert count(model) - 3 * attention == 855_058  # as Keras counts the demo


def test_published_size_at_224() -> None:
    tarm = TARM(224, columns=224, hidden=128, reduction=16, cell=KerasGRU(128))
    assert count(tarm) == 255_072 + 6_510


def test_maps_halve_as_published() -> None:
    model = MAN(60).eval()
    sizes: list[int] = []
    for layer in (model.stcm[0], model.stcm[4], model.stcm[5], model.stcm[6]):
        layer.register_forward_hook(lambda _m, _i, out: sizes.append(out.shape[-1]))
    with torch.no_grad():
        model(*skeletons(1))
    assert sizes == [25, 25, 13, 13]
    assert sum(isinstance(m, SameConv) and m.kernel_size != (1, 1) for m in model.modules()) == 9


def test_same_padding_puts_the_odd_pixel_after() -> None:
    conv = SameConv(1, 1, 5, stride=2)
    image = torch.randn(1, 1, 50, 50)
    by_hand = F.conv2d(F.pad(image, (1, 2, 1, 2)), conv.weight, conv.bias, stride=2)
    assert by_hand.shape[-1] == 25
    torch.testing.assert_close(conv(image), by_hand)


def test_keras_cell_follows_its_formula() -> None:
    """z, r hard sigmoid; the reset before the recurrent product; h = z h + (1 − z) hh."""
    cell, x = KerasGRU(3).eval(), torch.randn(2, 5, 3)
    nn.init.normal_(cell.bias)
    expected = torch.zeros(2, 5, 3)
    for direction, steps in enumerate((range(5), range(4, -1, -1))):
        w, u, b = cell.kernel[direction], cell.recurrent[direction], cell.bias[direction]
        h = torch.zeros(2, 3)
        for t in steps:
            z = (0.2 * (x[:, t] @ w[0] + h @ u[0] + b[0]) + 0.5).clamp(0, 1)
            r = (0.2 * (x[:, t] @ w[1] + h @ u[1] + b[1]) + 0.5).clamp(0, 1)
            new = torch.tanh(x[:, t] @ w[2] + (r * h) @ u[2] + b[2])
            h = z * h + (1 - z) * new
            expected[:, t] += h
    torch.testing.assert_close(cell(x), expected)


@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5), (0.5, 0.5)])
def test_dropout_masks_enter_the_formula_per_direction_and_gate(rates, monkeypatch) -> None:
    cell, x = KerasGRU(3, dropout=rates[0], recurrent_dropout=rates[1]), torch.randn(2, 5, 3)
    masks = {5: torch.rand(2, 3, 2, 1, 3), 4: torch.rand(2, 3, 2, 3)}  # input, recurrent
    drawn: list[int] = []

    def fixed(shape, rate: float, *, like: Tensor) -> Tensor:
        drawn.append(len(shape))
        assert tuple(shape) == masks[len(shape)].shape and rate == 0.5
        return masks[len(shape)]

    monkeypatch.setattr(memory_cell, "shared_mask", fixed)
    out = cell(x)
    assert drawn == [n for n, rate in zip((5, 4), rates, strict=True) if rate]  # once for all steps
    ones = {n: mask if n in drawn else torch.ones_like(mask) for n, mask in masks.items()}
    expected = torch.zeros(2, 5, 3)
    for way, steps in enumerate((range(5), range(4, -1, -1))):
        w, u, b = cell.kernel[way], cell.recurrent[way], cell.bias[way]
        given, kept = ones[5][way, :, :, 0], ones[4][way]  # (3, B, H), gates z, r, h
        h = torch.zeros(2, 3)
        for t in steps:
            score = [(x[:, t] * given[g]) @ w[g] + (h * kept[g]) @ u[g] + b[g] for g in (0, 1)]
            z, r = ((0.2 * s + 0.5).clamp(0, 1) for s in score)
            new = torch.tanh((x[:, t] * given[2]) @ w[2] + (r * h * kept[2]) @ u[2] + b[2])
            h = z * h + (1 - z) * new
            expected[:, t] += h
    torch.testing.assert_close(out, expected)


def test_torch_cell_drops_its_input_alone_by_one_mask(monkeypatch) -> None:
    cell, x, mask = TorchGRU(4), torch.randn(2, 5, 4), torch.rand(2, 1, 4)
    monkeypatch.setattr(memory_cell, "shared_mask", lambda shape, rate, *, like: mask)
    torch.testing.assert_close(cell(x), cell.eval()(x * mask))


@pytest.mark.parametrize("weight", ["kernel", "recurrent"])
def test_keras_kernels_start_orthogonal(weight: str) -> None:
    wide = getattr(KerasGRU(8), weight)[0].movedim(0, 1).flatten(1)  # (8, 24)
    torch.testing.assert_close(wide @ wide.T, torch.eye(8), rtol=0, atol=1e-5)


def test_weights_start_as_published() -> None:
    """he_normal, cut at two sigma (which leaves .88 of it), and glorot_uniform in the TARMs."""
    torch.manual_seed(0)
    model = MAN(60)
    layers = [m for m in model.modules() if isinstance(m, SameConv)] + [model.classifier]
    for layer in layers:
        sigma = (2 / layer.weight[0].numel()) ** 0.5
        assert layer.weight.abs().max() <= 2 * sigma and not layer.bias.any()
        assert layer.weight.std().item() == pytest.approx(0.88 * sigma, rel=0.05)
    tarm = model.tarms[0]
    for layer in (tarm.embed, tarm.squeeze, tarm.excite, tarm.restore):
        bound = (6 / sum(layer.weight.shape)) ** 0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound and not layer.bias.any()


def test_batch_normalisation_is_kerass() -> None:
    norms = [m for m in MAN(60).modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 9 and {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}


@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5)])
def test_dropout_masks_hold_for_all_steps(rates: tuple[float, float]) -> None:
    """With the same input at every step and no recurrence, equal masks mean equal outputs."""
    cell = KerasGRU(16, dropout=rates[0], recurrent_dropout=rates[1])
    x = torch.randn(1, 1, 16).expand(1, 6, 16)
    if rates[0]:
        nn.init.zeros_(cell.recurrent)
        # h only depends on the steps so far through z: remove that too (z = 0).
        cell.bias.data[:, 0] = -1e3
        out = cell(x)
        torch.testing.assert_close(out, out[:, :1].expand_as(out))
    one, two = cell(x), cell(x)
    assert not torch.allclose(one, two)  # drawn anew at each call
    cell.eval()
    torch.testing.assert_close(cell(x), cell(x), rtol=0, atol=0)


def test_torch_cell_is_the_sum_of_both_directions() -> None:
    cell, x = TorchGRU(4).eval(), torch.randn(2, 5, 4)
    forwards, backwards = cell.gru(x)[0].chunk(2, -1)
    torch.testing.assert_close(cell(x), forwards + backwards)


def test_tarm_follows_its_formula() -> None:
    tarm = TARM(8, columns=5, hidden=3, reduction=4, cell=KerasGRU(3)).eval()
    x = torch.randn(2, 8, 5)
    recalibrated, attention, memory = tarm(x)
    embedded = x @ tarm.embed.weight.T + tarm.embed.bias
    torch.testing.assert_close(memory, tarm.cell(embedded))
    hidden = F.relu(embedded.mean(2) @ tarm.squeeze.weight.T + tarm.squeeze.bias)
    a = torch.sigmoid(hidden @ tarm.excite.weight.T + tarm.excite.bias)
    torch.testing.assert_close(attention, a)
    weighted = (a[..., None] * memory) @ tarm.restore.weight.T + tarm.restore.bias
    torch.testing.assert_close(recalibrated, x + weighted)


def test_scalar_attention_equals_the_replicated_form() -> None:
    """The published code repeats g over H features and runs W_1, W_2 on each of the copies."""
    tarm = TARM(8, columns=5, hidden=3, reduction=4, cell=KerasGRU(3)).eval()
    x = torch.randn(2, 8, 5)
    recalibrated, attention, memory = tarm(x)
    g = tarm.embed(x).mean(-1, keepdim=True).expand(-1, -1, 3)  # (B, S, H)
    copies = torch.sigmoid(tarm.excite(F.relu(tarm.squeeze(g.mT)))).mT  # (B, S, H)
    torch.testing.assert_close(copies, attention[..., None].expand_as(copies))
    torch.testing.assert_close(recalibrated, x + tarm.restore(copies * memory))


def test_logits_are_the_classifier_on_averaged_maps() -> None:
    model = small().eval()
    output = model(*skeletons())
    expected = model.classifier(output.maps.mean((-2, -1)))
    torch.testing.assert_close(output.logits, expected)


def test_forward_is_the_answer_to_the_image_it_sees() -> None:
    net = small().eval()
    joints, present = skeletons()
    seen, whole = net.answer(*net.see_image(joints, present)), net(joints, present)
    for name, value in vars(whole).items():
        torch.testing.assert_close(getattr(seen, name), value, rtol=0, atol=0)


def test_values_of_joints_stand_where_the_image_has_them() -> None:
    net = small(people=1, frames=50)
    image = net.columns_of(torch.arange(1.0, 26)[None, None, None].expand(1, 50, 1, 25), spare=-1)
    assert image.shape == (1, 50, 50)
    assert (image == -1).sum() == 50 * 25
    torch.testing.assert_close(net.bodies(image[:, None])[0, 3, 0, :, 0], torch.arange(1.0, 26))


def test_frozen_attention_is_not_trained_and_all_else_is() -> None:
    model = small(attention="frozen")
    still = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert len(still) == 3 * 4 and all(".squeeze." in n or ".excite." in n for n in still)
    man_loss(model(*skeletons()), torch.tensor([0, 1])).backward()
    assert all(p.grad is None for n, p in model.named_parameters() if n in still)


def test_decay_falls_on_convolutions_and_input_kernels_alone() -> None:
    for cell, kernels in (("keras", 3), ("torch", 6)):
        model = small(cell=cell)
        decayed, rest = man_parameter_groups(model)
        assert (decayed["weight_decay"], rest["weight_decay"]) == (2e-4, 0.0)
        assert len(decayed["params"]) == 10 + kernels  # nine convolutions and the shortcut
        assert sum(p.numel() for g in (decayed, rest) for p in g["params"]) == count(model)


def test_frozen_parameters_are_in_no_group() -> None:
    groups = man_parameter_groups(small(attention="frozen"))
    assert all(p.requires_grad for g in groups for p in g["params"])


def test_gru_inside_the_torch_cell_stays_in_training_mode(monkeypatch) -> None:
    """cuDNN refuses a backward pass in eval mode; no flag of the whole process is touched."""
    monkeypatch.setattr(torch.backends.cudnn, "flags", None)
    cell, x = TorchGRU(4, dropout=0.0), torch.randn(2, 5, 4)
    trained = cell(x)
    assert cell.eval().gru.training and not cell.training
    torch.testing.assert_close(cell(x), trained, rtol=0, atol=0)
    assert nn.Sequential(cell).train().eval()[0].gru.training


def test_half_precision_around_it_changes_no_pixel_of_the_image() -> None:
    model, (joints, present) = small().eval(), skeletons()
    plain = model(joints + 3, present)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model(joints + 3, present)
    assert mixed.image.dtype == torch.float32 and torch.equal(mixed.rows, plain.rows)
    torch.testing.assert_close(mixed.image, plain.image, rtol=0, atol=0)
    assert mixed.logits.isfinite().all()


def test_model_of_half_precision_takes_joints_of_single_precision() -> None:
    joints, present = skeletons()
    output = small().eval().bfloat16()(joints, present)
    assert output.logits.dtype == torch.bfloat16 and output.image.dtype == torch.float32


def test_input_gradient_in_eval_mode() -> None:
    """Saliency: the cell must allow it (on a GPU, cuDNN's would not)."""
    for cell in ("keras", "torch"):
        joints, present = skeletons()
        small(cell=cell).eval()(joints.requires_grad_(), present).logits.sum().backward()
        assert joints.grad.isfinite().all() and joints.grad.any()


def test_one_person_equals_an_absent_second() -> None:
    model = small().eval()
    joints, present = skeletons(people=1)
    padded = F.pad(joints, (0, 0, 0, 0, 0, 1))
    absent = torch.cat([present, torch.zeros_like(present)], 2)
    torch.testing.assert_close(model(joints, present).logits, model(padded, absent).logits)


def test_padding_of_a_batch_changes_nothing() -> None:
    model = small().eval()
    joints, present = skeletons()
    longer = F.pad(joints, (0, 0) * 3 + (0, 9))
    padded = F.pad(present, (0, 0, 0, 9))
    torch.testing.assert_close(model(joints, present).logits, model(longer, padded).logits)


def test_learns_sequences_whose_class_shows_in_a_few_frames() -> None:
    torch.set_num_threads(1)
    joints, present = skeletons(8, 16, 1)
    joints = joints * 0.05
    target = torch.arange(8) % 2
    joints[:, 8:12, :, 5, 2] += torch.where(target == 1, 2.0, -2.0)[:, None, None]
    model = small(people=1, dropout=0.0, recurrent_dropout=0.0, roles={}, momentum=0.1)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        loss = man_loss(model(joints, present), target)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.2 * losses[0]


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="cell"):
        small(cell="lstm")
    with pytest.raises(ValueError, match="reduction"):
        small(frames=3)
    with pytest.raises(ValueError, match="hip_left"):
        small(roles={"hips": (1,)})
    with pytest.raises(ValueError, match="0 to 24"):
        small(roles={"hip_left": (25,)})
    joints, present = skeletons()
    with pytest.raises(ValueError, match="bool"):
        small()(joints, present.float())
    with pytest.raises(ValueError, match="at most 2 people"):
        small()(*skeletons(people=3))
    assert models.MAN is MAN
