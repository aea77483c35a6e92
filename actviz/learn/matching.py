"""Do these weights fit this model? If not, in words: what differs, and which model they would fit.

Shapes alone are compared, on the ``meta`` device, so that asking costs no memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

import models

__all__ = ["find_mismatch", "nearest_builder"]

_SHOWN = 3  # keys named per kind of difference
_CANDIDATES: tuple[tuple[str, dict[str, str]], ...] = (
    *(
        (name, {"backbone": backbone})
        for name in ("mam", "tmnet", "tsn")
        for backbone in ("resnet18_narrow", "resnet18", "resnet50", "vgg16")
    ),
    ("man", {}),
)


def find_mismatch(network: nn.Module, state: Mapping[str, Tensor], *, name: str) -> str:
    """Say why ``state`` does not fit ``network``; the empty text where it does."""
    expected = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    found = {k: tuple(v.shape) for k, v in state.items()}
    missing = [k for k in expected if k not in found]
    unexpected = [k for k in found if k not in expected]
    misshaped = [
        f"{k} {found[k]} instead of {expected[k]}"
        for k in expected
        if k in found and found[k] != expected[k]
    ]
    parts = [
        _some("missing", missing),
        _some("unexpected", unexpected),
        _some("of another shape", misshaped),
    ]
    if not any(parts):
        return ""
    return (
        f"these weights do not fit {name} as described: {'; '.join(p for p in parts if p)}. "
        f"{nearest_builder(state)}"
    )


def nearest_builder(state: Mapping[str, Tensor]) -> str:
    """The sentence naming the builder whose keys and shapes agree most with ``state``."""
    best, share = "", 0.0
    for name, overrides in _CANDIDATES:
        expected = _shapes(name, overrides)
        agree = sum(expected.get(k) == tuple(v.shape) for k, v in state.items())
        fits = agree / max(len(expected.keys() | state.keys()), 1)
        if fits > share:
            called = "".join(f", {k}={v!r}" for k, v in overrides.items())
            best, share = f'models.build("{name}"{called}, …)', fits
    if share < 0.1:
        return "No model here has keys like these."
    return f"Nearest is {best}, with {share:.0%} of the keys and shapes alike."


def _shapes(name: str, overrides: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        network = models.build(name, num_classes=12, **overrides)
    return {k: tuple(v.shape) for k, v in network.state_dict().items()}


def _some(what: str, names: list[str]) -> str:
    if not names:
        return ""
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}: {', '.join(names[:_SHOWN])}{rest}"
