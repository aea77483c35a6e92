"""What a forward pass costs: floating-point operations, by torch's own counter.

One multiply-add is two operations, as torch counts; papers, TMNet's among them, mostly count it as
one, so that their figures are half of these. Counted are convolutions and matrix products, which
are nearly everything; normalisation, activations and pooling are not.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["count_flops"]


def count_flops(
    network: nn.Module,
    *inputs: Tensor,
    run: Callable[..., Any] | None = None,
) -> int:
    """Floating-point operations of ``run(network, *inputs)``.

    Nothing is computed: the network is copied to torch's ``meta`` device, where tensors have shapes
    alone, so that the largest one takes a moment.

    Args:
        inputs: tensors whose shapes count.
        run: what is done with the network; its forward pass where None.
    """
    shapes = deepcopy(network).to("meta")
    given = [tensor.to("meta") for tensor in inputs]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shapes(*given) if run is None else run(shapes, *given)
    return int(counter.get_total_flops())
