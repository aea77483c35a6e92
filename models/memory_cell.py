"""MAN's memory cells: GRUs read in both directions and summed, several coordinates in one scan.

    hs(v) = clip(0.2 v + 0.5, 0, 1), Keras's hard sigmoid

    KerasGRU     z, r = hs(x W + h U + b)      reset before the recurrent product
                 n = tanh(x W_n + (r h) U_n + b_n)
    TorchGRU     z, r = σ(x W + b + h U + c)   reset after it
                 n = tanh(x W_n + b_n + r (h U_n + c_n))
    both         h' = z h + (1 − z) n

What costs time on a CPU is not the arithmetic but the steps, each a handful of small products. So
the coordinates and directions of MAN, which do not hear of one another, walk together as G groups
of one scan, and the way back is written out: autograd would do it in many more and smaller pieces.
``benchmarks/man.py`` says what that saves.

G groups (coordinates × directions) · B batch · S steps · H units
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["KerasGRU", "TorchGRU", "remember", "shared_mask"]


def shared_mask(shape: Sequence[int], rate: float, *, like: Tensor) -> Tensor:
    """Dropout mask to multiply with; drawn once, it holds for every time step."""
    return F.dropout(like.new_ones(*shape), rate)


class KerasGRU(nn.Module):
    """Bidirectional GRU of Keras 2.0.8, the two directions summed. Gates in the order z, r, h."""

    def __init__(self, dim: int, *, dropout: float = 0.5, recurrent_dropout: float = 0.5) -> None:
        super().__init__()
        self.dim, self.rate, self.recurrent_rate = dim, dropout, recurrent_dropout
        self.kernel = nn.Parameter(torch.empty(2, 3, dim, dim))  # direction, gate, in, out
        self.recurrent = nn.Parameter(torch.empty(2, 3, dim, dim))
        self.bias = nn.Parameter(torch.zeros(2, 3, dim))
        for weight in (self.kernel, self.recurrent):
            for direction in weight.data:  # Keras: orthogonal over the three gates side by side
                wide = nn.init.orthogonal_(direction.new_empty(dim, 3 * dim))
                direction.copy_(wide.unflatten(1, (3, dim)).movedim(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, H) -> (B, S, H)."""
        return remember([self], x[None])[0]

    def masks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of the input (2, 3, 1, B, H) and the state (2, 3, B, H), for x (B, S, H)."""
        batch, _, dim = x.shape
        given, kept = x.new_ones(2, 3, 1, 1, 1), x.new_ones(2, 3, 1, 1)
        if self.training and self.rate > 0:
            given = shared_mask((2, 3, batch, 1, dim), self.rate, like=x).transpose(2, 3)
        if self.training and self.recurrent_rate > 0:
            kept = shared_mask((2, 3, batch, dim), self.recurrent_rate, like=x)
        return given, kept.expand(2, 3, batch, dim)


class TorchGRU(nn.Module):
    """``nn.GRU``, bidirectional, summed; dropout on its input alone, one mask for all steps."""

    def __init__(self, dim: int, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.rate = dropout
        self.gru = nn.GRU(dim, dim, batch_first=True, bidirectional=True)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of this cell; ``nn.GRU`` within stays in training mode.

        cuDNN refuses a backward pass (saliency needs one) through a recurrent layer in eval mode.
        Having no dropout of its own, that layer computes the same in either.
        """
        super().train(mode)
        self.gru.train()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, H) -> (B, S, H)."""
        return remember([self], x[None])[0]

    def dropped(self, x: Tensor) -> Tensor:
        """x (B, S, H) as it is let in."""
        if self.training and self.rate > 0:
            return x * shared_mask((len(x), 1, x.shape[-1]), self.rate, like=x)
        return x


def remember(cells: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Each cell's memory of its own input: (C, B, S, H) -> (C, B, S, H), the cells of one kind.

    The two kinds of this file are scanned together; any other cell is called on its own.
    """
    if isinstance(cells[0], KerasGRU):
        states = _keras_states(cells, x)
    elif not isinstance(cells[0], TorchGRU):
        return torch.stack([cell(e) for cell, e in zip(cells, x, strict=True)])
    elif x.is_cuda:  # cuDNN walks all steps in one call
        both = torch.stack([c.gru(c.dropped(e))[0] for c, e in zip(cells, x, strict=True)])  # type: ignore[operator]
        return both.unflatten(-1, (2, -1)).sum(-2)
    else:
        states = _torch_states(cells, x)
    forwards, backwards = states.unflatten(0, (len(cells), 2)).unbind(1)  # (C, S, B, H) each
    return (forwards + backwards.flip(1)).transpose(1, 2)


def _both_ways(x: Tensor) -> Tensor:
    """(C, B, S, H) -> (C, 2, S, B, H): time before the batch, the second direction backwards."""
    x = x.transpose(1, 2)
    return torch.stack([x, x.flip(1)], 1)


def _stacked(cells: Sequence[nn.Module], name: str) -> Tensor:
    """Contiguous: "channels last" reorders every weight of four axes, which Keras's cell has."""
    return torch.stack([cell.get_parameter(name) for cell in cells]).contiguous()


def _keras_states(cells: Sequence[Any], x: Tensor) -> Tensor:
    """States (C·2, S, B, H), each direction in its own order."""
    masks = [cell.masks(e) for cell, e in zip(cells, x, strict=True)]
    mask, kept = (torch.stack(m) for m in zip(*masks, strict=True))  # (C, 2, 3, …)
    inputs = _both_ways(x)[:, :, None].repeat(1, 1, 3, 1, 1, 1) * mask  # (C, 2, 3, S, B, H)
    kernel, bias = (_stacked(cells, name).flatten(0, 2) for name in ("kernel", "bias"))
    given = torch.baddbmm(bias[:, None], inputs.flatten(3, 4).flatten(0, 2), kernel)
    given = given.unflatten(1, inputs.shape[3:5]).unflatten(0, (-1, 3))  # (G, 3, S, B, H)
    recurrent = _stacked(cells, "recurrent").flatten(0, 1)  # (G, 3, H, H)
    states: Tensor = _KerasScan.apply(given, recurrent, kept.flatten(0, 1))
    return states


def _torch_states(cells: Sequence[Any], x: Tensor) -> Tensor:
    """States (C·2, S, B, H), each direction in its own order."""
    x = torch.stack([cell.dropped(e) for cell, e in zip(cells, x, strict=True)])

    def both(name: str) -> Tensor:  # (G, …)
        ways = [_stacked(cells, f"gru.{name}_l0{way}") for way in ("", "_reverse")]
        return torch.stack(ways, 1).flatten(0, 1)

    inputs = _both_ways(x).flatten(0, 1)  # (G, S, B, H)
    given = torch.baddbmm(both("bias_ih")[:, None], inputs.flatten(1, 2), both("weight_ih").mT)
    given = given.unflatten(1, inputs.shape[1:3])  # (G, S, B, 3H)
    hidden = both("weight_hh").mT, both("bias_hh")[:, None]
    states: Tensor = _TorchScan.apply(given, *hidden)
    return states


# ---- the scans, their way back written out -------------------------------------------------------


class _KerasScan(torch.autograd.Function):
    """Given (G, 3, S, B, H), recurrent (G, 3, H, H), masks (G, 3, B, H) -> states (G, S, B, H)."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, recurrent: Tensor, kept: Tensor) -> Tensor:
        groups, _, steps, batch, dim = given.shape
        gates_given = (0.2 * given[:, :2] + 0.5).flatten(0, 1)  # the hard sigmoid's line, then cut
        into_gates = recurrent[:, :2].flatten(0, 1)  # (2G, H, H)
        states = given.new_zeros(steps + 1, groups, batch, dim)
        gates = given.new_empty(steps, 2 * groups, batch, dim)
        fresh = given.new_empty(steps, groups, batch, dim)
        for t in range(steps):
            h = states[t]
            carried = (h[:, None] * kept[:, :2]).flatten(0, 1)  # (2G, B, H)
            torch.baddbmm(gates_given[:, t], carried, into_gates, alpha=0.2, out=gates[t])
            z, r = gates[t].clamp_(0, 1).unflatten(0, (groups, 2)).unbind(1)
            reset = r * h * kept[:, 2]
            torch.baddbmm(given[:, 2, t], reset, recurrent[:, 2], out=fresh[t])
            torch.lerp(fresh[t].tanh_(), h, z, out=states[t + 1])
        ctx.save_for_backward(states, gates, fresh, recurrent, kept)
        return states[1:].transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        states, gates, fresh, recurrent, kept = ctx.saved_tensors
        steps, groups, batch, dim = fresh.shape
        before, gates = states[:-1], gates.unflatten(1, (groups, 2))  # (S, G, 2, B, H)
        z, r = gates.unbind(2)
        slope = 0.2 * ((gates > 0) & (gates < 1)).to(gates)
        of_new = (1 - z) * (1 - fresh * fresh)  # dn/dh' to before the tanh
        of_gates = torch.stack([before - fresh, before * kept[:, 2]], 2) * slope
        open_reset = r * kept[:, 2]
        out_of_gates = recurrent[:, :2].flatten(0, 1).mT
        out_of_new = recurrent[:, 2].mT
        into = grad.new_empty(steps, groups, 3, batch, dim)  # gradients before z, r and tanh
        weight = recurrent.new_zeros(3 * groups, dim, dim)
        dh = grad.new_zeros(groups, batch, dim)
        for t in range(steps - 1, -1, -1):
            dh = dh + grad[:, t]
            new = torch.mul(dh, of_new[t], out=into[t, :, 2])
            reset = torch.bmm(new, out_of_new)
            torch.mul(torch.stack([dh, reset], 1), of_gates[t], out=into[t, :, :2])
            gate = torch.bmm(into[t, :, :2].flatten(0, 1), out_of_gates).unflatten(0, (groups, 2))
            dh = (dh * z[t]).addcmul_(reset, open_reset[t])
            dh += (gate * kept[:, :2]).sum(1)
            met = kept * before[t][:, None]  # what the products took in
            met[:, 2] *= r[t]
            weight.baddbmm_(met.flatten(0, 1).mT, into[t].flatten(0, 1))
        return into.permute(1, 2, 0, 3, 4), weight.unflatten(0, (groups, 3)), None


class _TorchScan(torch.autograd.Function):
    """Given (G, S, B, 3H) in the order r, z, n, recurrent (G, H, 3H), bias (G, 1, 3H) -> states."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, recurrent: Tensor, bias: Tensor) -> Tensor:
        groups, steps, batch, wide = given.shape
        dim = wide // 3
        states = given.new_zeros(steps + 1, groups, batch, dim)
        gates = given.new_empty(steps, groups, batch, 2 * dim)
        fresh, told = given.new_empty(2, steps, groups, batch, dim)
        bias = bias.expand(groups, batch, wide)
        for t in range(steps):
            h = states[t]
            hidden = torch.baddbmm(bias, h, recurrent)  # (G, B, 3H)
            torch.add(given[:, t, :, : 2 * dim], hidden[..., : 2 * dim], out=gates[t])
            r, z = gates[t].sigmoid_().chunk(2, -1)
            told[t] = hidden[..., 2 * dim :]
            torch.addcmul(given[:, t, :, 2 * dim :], r, told[t], out=fresh[t])
            torch.lerp(fresh[t].tanh_(), h, z, out=states[t + 1])
        ctx.save_for_backward(states, gates, fresh, told, recurrent)
        return states[1:].transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        states, gates, fresh, told, recurrent = ctx.saved_tensors
        steps, groups, batch, dim = fresh.shape
        before, (r, z) = states[:-1], gates.chunk(2, -1)
        of_new = (1 - z) * (1 - fresh * fresh)
        of_reset, of_update = told * r * (1 - r), (before - fresh) * z * (1 - z)
        into = grad.new_empty(steps, groups, batch, 3 * dim)  # gradients of h U + c
        news = torch.empty_like(fresh)
        back, dh = recurrent.mT, grad.new_zeros(groups, batch, dim)
        for t in range(steps - 1, -1, -1):
            dh = dh + grad[:, t]
            new = torch.mul(dh, of_new[t], out=news[t])
            torch.mul(new, of_reset[t], out=into[t, ..., :dim])
            torch.mul(dh, of_update[t], out=into[t, ..., dim : 2 * dim])
            torch.mul(new, r[t], out=into[t, ..., 2 * dim :])
            dh = torch.baddbmm(dh * z[t], into[t], back)
        weight = torch.einsum("sgbi,sgbo->gio", before, into)
        given = torch.cat([into[..., : 2 * dim], news], -1).transpose(0, 1)
        return given, weight, into.sum((0, 2))[:, None]
