"""MAN's memory cells: one scan for all coordinates, its way back written out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from models.man import TARM, recalibrate
from models.memory_cell import KerasGRU, TorchGRU, remember

CELLS = (KerasGRU, TorchGRU)


def cells(kind: type[nn.Module], count: int = 2, dim: int = 4) -> list[nn.Module]:
    torch.manual_seed(0)
    made = [kind(dim).double() for _ in range(count)]
    for parameter in (p for cell in made for p in cell.parameters()):
        nn.init.normal_(parameter, std=0.6)
    return made


def inputs(count: int = 2, dim: int = 4) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, 6, dim, dtype=torch.double, generator=draw).requires_grad_()


def gradients(out: Tensor, x: Tensor, made: Sequence[nn.Module]) -> list[Tensor]:
    wanted = [x, *(p for cell in made for p in cell.parameters())]
    return list(torch.autograd.grad((out * out.detach().cos()).sum(), wanted))


@pytest.mark.parametrize("kind", CELLS)
def test_scan_of_several_is_each_alone(kind: type[nn.Module]) -> None:
    made, x = [cell.eval() for cell in cells(kind)], inputs()
    alone = torch.stack([cell(e) for cell, e in zip(made, x, strict=True)])
    torch.testing.assert_close(remember(made, x), alone)


def by_loop(cell: KerasGRU, x: Tensor) -> Tensor:
    """Written as the formula is, for autograd to find the way back."""
    total: list[Tensor] = [torch.zeros(())] * x.shape[1]
    for way, steps in enumerate((range(x.shape[1]), reversed(range(x.shape[1])))):
        (wz, wr, wh), (uz, ur, uh) = cell.kernel[way], cell.recurrent[way]
        bz, br, bh = cell.bias[way]
        h = torch.zeros_like(x[:, 0])
        for t in steps:
            z = (0.2 * (x[:, t] @ wz + h @ uz + bz) + 0.5).clamp(0, 1)
            r = (0.2 * (x[:, t] @ wr + h @ ur + br) + 0.5).clamp(0, 1)
            h = z * h + (1 - z) * torch.tanh(x[:, t] @ wh + (r * h) @ uh + bh)
            total[t] = total[t] + h
    return torch.stack(total, 1)


def test_keras_scan_and_its_gradients_are_those_of_a_loop() -> None:
    made, x = [cell.eval() for cell in cells(KerasGRU)], inputs()
    made[0].kernel.data *= 5  # some gates shut, some open: their gradient is zero
    loop = torch.stack([by_loop(cell, e) for cell, e in zip(made, x, strict=True)])
    scan = remember(made, x)
    torch.testing.assert_close(scan, loop)
    for ours, theirs in zip(gradients(scan, x, made), gradients(loop, x, made), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_torch_scan_and_its_gradients_are_those_of_nn_gru() -> None:
    made, x = [cell.eval() for cell in cells(TorchGRU)], inputs()
    both = torch.stack([cell.gru(e)[0] for cell, e in zip(made, x, strict=True)])
    theirs = both[..., :4] + both[..., 4:]
    ours = remember(made, x)
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(gradients(ours, x, made), gradients(theirs, x, made), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("kind", CELLS)
def test_gradients_with_dropout_are_those_of_finite_differences(kind: type[nn.Module]) -> None:
    made, x = cells(kind, dim=3), inputs(dim=3)

    def run(x: Tensor, *weights: Tensor) -> Tensor:
        torch.manual_seed(5)  # the same masks each time
        return remember(made, x)

    torch.autograd.gradcheck(run, (x, *(p for cell in made for p in cell.parameters())))


def test_cells_agree_where_their_formulas_do() -> None:
    """One step from an empty state, with z = 0: the candidate alone is left, tanh(x W + b)."""
    keras, other = (cells(kind, 1)[0].eval() for kind in CELLS)
    keras.bias.data[:, 0] = -1e3
    for way, suffix in enumerate(("_l0", "_l0_reverse")):
        kernel, bias, hidden = (
            getattr(other.gru, name + suffix).data for name in ("weight_ih", "bias_ih", "bias_hh")
        )
        bias[4:8], kernel[8:], bias[8:] = -1e3, keras.kernel.data[way, 2].T, keras.bias[way, 2]
        hidden[8:] = 0
    x = inputs(1)[:, :, :1]
    torch.testing.assert_close(keras(x[0]), other(x[0]))


def test_coordinates_side_by_side_are_each_by_its_own_tarm() -> None:
    torch.manual_seed(0)
    made = [TARM(8, columns=5, hidden=3, reduction=4, cell=TorchGRU(3)).eval() for _ in "xyz"]
    image = torch.randn(2, 3, 8, 5)
    together = recalibrate(made, image)
    for c, tarm in enumerate(made):
        for whole, alone in zip(together, tarm(image[:, c]), strict=True):
            torch.testing.assert_close(whole[:, c], alone)


def test_memory_is_kept_in_full_precision_under_autocast() -> None:
    tarm = TARM(8, columns=5, hidden=3, reduction=4, cell=KerasGRU(3)).eval()
    x = torch.randn(2, 8, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = tarm(x)
    for ours, plain in zip(mixed, tarm(x), strict=True):
        torch.testing.assert_close(ours, plain, rtol=0, atol=0)
