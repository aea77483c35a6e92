"""Do these weights fit this model? If not, in words: what differs, and which model they would fit.

Shapes alone are compared, on the ``meta`` device, so that asking costs no memory.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

import models
from models.stcm import STCM_CHANNELS

__all__ = [
    "Difference",
    "Fit",
    "compare",
    "find_mismatch",
    "first_kernel",
    "nearest_builder",
    "nearest_fit",
    "number_of_classes",
]

Shapes = Mapping[str, tuple[int, ...]]

_SHOWN = 3  # keys named per kind of difference
_LEAST = 0.1  # share of alike keys below which no model is called near
_COUNTER = ".num_batches_tracked"  # of batch normalisation; older files have none
_TARM = {"hidden": ("tarms.0.embed.weight", 0), "frames": ("tarms.0.squeeze.weight", 1)}
_LSTM = {"hidden_dim": ("from_state.weight", 1), "head_dim": ("head.fc.weight", 0)}
_READ_OFF = {  # keyword of a builder: the tensor, and which of its sizes is the value
    "mam": {
        "memory_dim": ("write.weight", 0),
        "hidden_dim": ("lstm.weight_hh", 1),
        "controller_dim": ("controller.score.weight", 1),
    },
    "man": _TARM,
    "tarm": _TARM,
    "lstm": _LSTM,
    "alstm": _LSTM | {"attention_dim": ("attend.from_feature.weight", 0)},
    "convlstm": {"hidden_dim": ("cell.from_state.weight", 1), "head_dim": _LSTM["head_dim"]},
    "videolstm": {
        "hidden_dim": ("cell.from_state.weight", 1),
        "attention_dim": ("attend.from_feature.weight", 0),
        "head_dim": _LSTM["head_dim"],
    },
    "l2stm": {
        "hidden_dim": ("appearance.to_output.weight", 1),
        "head_dim": ("appearance.head.fc.weight", 0),
    },
    "tslstm": {"hidden_dim": _LSTM["hidden_dim"]},
}
_ON_FRAMES = ("mam", "tsn", "lstm", "alstm", "convlstm", "videolstm", "l2stm", "tslstm")
_FLATTENED = {  # the layer after a flattened state of maps, whose inputs tell their size
    "convlstm": "head.fc.weight",
    "videolstm": "head.fc.weight",
    "l2stm": "appearance.head.fc.weight",
}


@dataclass(frozen=True)
class Difference:
    """How the tensors of a file differ from those that a network has."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshaped: tuple[str, ...]  # "name (found) instead of (expected)"

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshaped)

    def in_words(self) -> str:
        """The first few names of each kind; empty where nothing differs."""
        parts = (
            _some("missing", self.missing),
            _some("unexpected", self.unexpected),
            _some("of another shape", self.misshaped),
        )
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True)
class Fit:
    """A builder and how well a file fits it."""

    model: str
    overrides: dict[str, Any]  # but num_classes
    share: float  # of all keys of file and network, alike in name and shape
    difference: Difference

    @property
    def call(self) -> str:
        """How the network is built, as Python."""
        words = "".join(f", {k}={v!r}" for k, v in self.overrides.items())
        return f'models.build("{self.model}"{words}, …)'


def find_mismatch(network: nn.Module, state: Mapping[str, Tensor], *, name: str) -> str:
    """Say why ``state`` does not fit ``network``; the empty text where it does."""
    difference = compare(_shapes_of(network.state_dict()), _shapes_of(state))
    if not difference:
        return ""
    return (
        f"these weights do not fit {name} as described: {difference.in_words()}. "
        f"{nearest_builder(state)}"
    )


def compare(expected: Shapes, found: Shapes) -> Difference:
    """What of ``expected`` is not ``found``, and the other way round."""
    return Difference(
        missing=tuple(k for k in expected if k not in found),
        unexpected=tuple(k for k in found if k not in expected),
        misshaped=tuple(
            f"{k} {found[k]} instead of {expected[k]}"
            for k in expected
            if k in found and found[k] != expected[k]
        ),
    )


def nearest_builder(state: Mapping[str, Tensor]) -> str:
    """The sentence naming the builder whose keys and shapes agree most with ``state``."""
    fit = nearest_fit(state)
    if fit is None:
        return "No model here has keys like these."
    return f"Nearest is {fit.call}, with {fit.share:.0%} of the keys and shapes alike."


def nearest_fit(state: Mapping[str, Tensor]) -> Fit | None:
    """The builder whose keys and shapes agree most with ``state``; None where none is near."""
    found = _shapes_of(state)
    classes = number_of_classes(found) or 12
    best: Fit | None = None
    for model, overrides in _candidates(found):
        expected = _expected(model, classes, tuple(overrides.items()))
        fit = _fit(model, overrides, expected, found)
        if fit.share > (best.share if best else _LEAST):
            best = fit
    return best


def number_of_classes(found: Shapes) -> int | None:
    """K of the last layer of a model of ours; None where there is none."""
    last = (k for k in found if f".{k}".endswith(".classifier.weight"))
    name = next(last, None)
    return None if name is None else found[name][0]


def first_kernel(found: Shapes, *, of: str = "") -> tuple[int, ...] | None:
    """Shape of the convolution that pictures enter by; ``of``: of that frame CNN alone."""
    kernels = [k for k, v in found.items() if len(v) in (4, 5) and "classifier." not in k]
    named = (k for k in kernels if k.startswith(of or ("backbone.", "base.")))
    name = next(named, None if of or not kernels else kernels[0])
    return None if name is None else found[name]


def _fit(model: str, overrides: dict[str, Any], expected: Shapes, found: Shapes) -> Fit:
    """Batch normalisation's counters count for nothing: they go with their layer."""
    names = {k for k in expected.keys() | found.keys() if not k.endswith(_COUNTER)}
    alike = sum(k in expected and expected[k] == found.get(k) for k in names)
    return Fit(model, overrides, alike / max(len(names), 1), compare(expected, found))


def _candidates(found: Shapes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Builders with the keywords that the shapes in the file speak for."""
    tops = {k.partition(".")[0] for k in found}
    residual = any(".conv1." in k and ".denselayer" not in k for k in found)
    backbones = [b for b in models.BACKBONES if b.startswith("resne") == residual]
    split = tops & {"base", "classification", "regression"}
    if "backbone" in tops and _is_solid(found):
        yield from _of_clips(found)
        return
    for model in ("tmnet",) if split else _ON_FRAMES if "backbone" in tops else ():
        for backbone in backbones:
            yield from _of_pictures(model, backbone, found)
    if tops & {"stcm", "tarms"}:
        yield from _of_joints(found, tops)
    if "cell.weight_ih_l0" in found:
        both = "cell.weight_ih_l0_reverse" in found
        layers = sum(k.startswith("cell.weight_ih_l") and "reverse" not in k for k in found)
        sizes = {"hidden": found["cell.weight_hh_l0"][1], "layers": layers}
        yield "bgru" if both else "skeleton_lstm", sizes
    widths = [
        v[0] for k, v in found.items() if k.startswith("blocks.") and k.endswith("time.0.bias")
    ]
    if widths:
        yield "stgcn", {"channels": tuple(widths)}


def _of_joints(found: Shapes, tops: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """MAN, or the half of it that is there."""
    cell = {"cell": "torch"} if "tarms.0.cell.gru.weight_ih_l0" in found else {}
    if "stcm" not in tops:
        yield "tarm", cell | _sizes("tarm", found)
        return
    wide = found.get("classifier.weight", (0, 0))[-1]
    likely = [name for name, channels in STCM_CHANNELS.items() if channels == wide]
    for name in likely or STCM_CHANNELS:
        stcm = {} if name == "conv9" else {"stcm": name}
        if "tarms" not in tops:
            yield "stcm", stcm
            continue
        yield "man", stcm | cell  # its usual sizes hang on the stcm; first come stays
        yield "man", stcm | cell | _sizes("man", found)


def _of_pictures(model: str, backbone: str, found: Shapes) -> Iterator[tuple[str, dict[str, Any]]]:
    overrides: dict[str, Any] = {"backbone": backbone} | _sizes(model, found)
    overrides |= _streams(model, found)
    first = first_kernel(found) or (0, 3)
    if backbone == "resnet18_narrow" and first[0] not in (0, 16):
        overrides["width"] = first[0]
    if first[1] != 3 and first[1] % 2 == 0:
        overrides["flow_length"] = first[1] // 2
    if model != "tmnet":
        yield model, overrides
        return
    shared = {k.split(".")[1] for k in found if k.startswith("base.")}
    if shared and len(shared) != 3:  # stem and two stages are the usual
        overrides["base_stages"] = len(shared) - 1
    if not _is_solid(found):
        yield model, overrides
        return
    for variant in ("3d-a", "3d-b"):
        yield model, overrides | {"variant": variant}
        for cube, flat in models.BACKBONES_3D.items():
            if flat == backbone and cube.startswith("i3d"):  # SlowOnly is the usual
                yield model, overrides | {"variant": variant, "backbone_3d": cube}


def _of_clips(found: Shapes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Clip CNNs with one linear layer."""
    width, channels, *_ = first_kernel(found) or (0, 3)
    flow = {"flow_length": channels // 2} if channels != 3 and channels % 2 == 0 else {}
    for cube, flat in models.BACKBONES_3D.items():
        narrow = {"width": width} if flat == "resnet18_narrow" and width not in (0, 16) else {}
        yield "res_i3d", {"backbone": cube} | narrow | flow
    yield "resnet3d18", {} if width in (0, 64) else {"width": width}


def _is_solid(found: Shapes) -> bool:
    """Whether there are kernels of three dimensions."""
    return any(len(v) == 5 for v in found.values())


def _streams(model: str, found: Shapes) -> dict[str, Any]:
    """Keywords of the models that read maps or a second stream, likewise."""
    overrides: dict[str, Any] = {}
    if model == "videolstm" and not any(k.startswith("motion_backbone.") for k in found):
        overrides["motion"] = False
    second = first_kernel(found, of="motion_backbone.")
    if second is not None and second[1] % 2 == 0 and second[1] != 10:  # five fields are the usual
        overrides["motion_length"] = second[1] // 2
    state, _ = _READ_OFF.get(model, {}).get("hidden_dim", ("", 0))
    flat = found.get(_FLATTENED.get(model, ""), ())
    if len(flat) == 2 and len(found.get(state, ())) == 4:
        side = round((flat[1] / found[state][1]) ** 0.5)
        if side != 7:  # 7 x 7 is the usual
            overrides["map_size"] = (side, side)
    return overrides


def _sizes(model: str, found: Shapes) -> dict[str, int]:
    """Keywords whose values stand in the shapes, where they are not the builder's own."""
    usual = inspect.signature(models.BUILDERS[model]).parameters
    sizes = {}
    for keyword, (name, at) in _READ_OFF.get(model, {}).items():
        shape = found.get(name, ())
        as_wide = usual[keyword].default is None and len(set(shape)) == 1  # as what it is of
        if len(shape) > at and shape[at] != usual[keyword].default and not as_wide:
            sizes[keyword] = shape[at]
    return sizes


@lru_cache(maxsize=64)
def _expected(model: str, classes: int, overrides: tuple[tuple[str, Any], ...]) -> Shapes:
    """Shapes of the network of that name; none where there is no such network."""
    try:
        with torch.device("meta"):
            network = models.build(model, num_classes=classes, **dict(overrides))
    except (ValueError, TypeError, RuntimeError, NotImplementedError):
        return {}  # not every backbone comes in every variant, nor every size that a file has
    return _shapes_of(network.state_dict())


def _shapes_of(state: Mapping[str, Tensor]) -> Shapes:
    return {k: tuple(v.shape) for k, v in state.items()}


def _some(what: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}: {', '.join(names[:_SHOWN])}{rest}"
