"""Weights files, our own and other projects', read as tensors and brought to one naming.

A file is a state dict (names to tensors), alone or inside a checkpoint under "state_dict" or
"model". Four ways of naming are known; all go by torchvision's names:

    torchvision     conv1.weight, layer1.0.bn1.weight, layer1.0.downsample.0.weight, fc.weight
    tsn-pytorch     the same behind "module.base_model.", the last layer called "new_fc"
    mmaction2       conv1.conv.weight, layer1.0.conv1.bn.weight, layer1.0.downsample.conv.weight,
                    behind "backbone.", the last layer "cls_head.fc_cls" (mmpretrain: "head.fc")
    ours            stages.0.0.weight: kept as they are

Two changes of shape are offered where the network asks for them: the first convolution from RGB to
flow, by the mean over its input channels (TSN's cross-modality initialisation), and kernels from
two to three dimensions, repeated in time and divided by the repeats (I3D's inflation).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from os import PathLike
from pathlib import Path
from typing import Any

import torch
import torchvision.models as tv
from torch import Tensor, nn

__all__ = [
    "cross_modality",
    "fit_state",
    "imagenet_state",
    "inflate_kernel",
    "kinetics_state",
    "read_state",
    "refuse_misfit",
    "to_torchvision_names",
    "torchvision_name",
]

State = dict[str, Tensor]

_NESTED = ("state_dict", "model_state_dict", "model")  # where checkpoints keep the state dict
_WRAPPERS = re.compile(r"^(?:(?:module|_orig_mod|model|network|backbone|base_model)\.)+")
_HEADS = re.compile(r"^(?:new_fc|cls_head\.fc_cls|cls_head\.fc|head\.fc)\.(weight|bias)$")
_MMACTION = (  # ConvModule holds convolution and batch normalisation; TSM puts a "net" around
    (re.compile(r"^(layer\d+\.\d+\.)downsample\.conv\.(.+)$"), r"\1downsample.0.\2"),
    (re.compile(r"^(layer\d+\.\d+\.)downsample\.bn\.(.+)$"), r"\1downsample.1.\2"),
    (re.compile(r"^((?:layer\d+\.\d+\.)?)conv(\d)\.conv\.(?:net\.)?(.+)$"), r"\1conv\2.\3"),
    (re.compile(r"^((?:layer\d+\.\d+\.)?)conv(\d)\.bn\.(.+)$"), r"\1bn\2.\3"),
)
_READ_ELSEWHERE = {"vgg16_pool5": "vgg16"}  # our name: torchvision's, of the same tensors
_COUNTER = ".num_batches_tracked"  # of batch normalisation; older files have none
_ELSE = (
    # torchvision's own DenseNet files are older than its names: norm.1 is norm1 today.
    (re.compile(r"^(.*\.denselayer\d+\.(?:norm|conv))\.(\d\..+)$"), r"\1\2"),
    (re.compile(r"^(layer\d+\.\d+\.conv1)\.net\.(.+)$"), r"\1.\2"),  # TSM's shifted convolution
)


# ---- reading -------------------------------------------------------------------------------------


def read_state(path: str | PathLike[str]) -> State:
    """Names to tensors of a ``.safetensors`` file, or of what torch.save wrote (never unpickled).

    Raises:
        ValueError: no such file, damaged, not a state dict of dense finite tensors, or holding
            Python objects beside tensors, which could run code.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"expected the path of a weights file (.pth, .pt or .safetensors); got {path}, which "
            "is no file."
        )
    payload = _safetensors(path) if path.suffix.lower() == ".safetensors" else _torch_file(path)
    for key in _NESTED:
        if isinstance(payload, dict) and isinstance(payload.get(key), Mapping):
            payload = payload[key]
            break
    if not isinstance(payload, Mapping) or not payload:
        raise ValueError(
            f"{path}: expected a state dict (names to tensors); got {type(payload).__name__} of "
            "another kind. Save model.state_dict()."
        )
    state = {str(name): value for name, value in payload.items()}
    for name, value in state.items():
        _check_tensor(value, name, path)
    return state


def torchvision_name(backbone: str) -> str:
    """What torchvision calls the network of a backbone: its own name, but for another reading."""
    return _READ_ELSEWHERE.get(backbone, backbone)


def imagenet_state(name: str) -> State:
    """torchvision's ImageNet weights (IMAGENET1K_V1) of a network of that name.

    From torch's cache (``torch.hub.get_dir()``, which TORCH_HOME moves), where torchvision's own
    downloader puts them first if they are not there yet.

    Raises:
        ValueError: not there and not to be had; or the cached file is damaged.
    """
    return _published(torchvision_name(name), "IMAGENET1K_V1", "ImageNet weights")


def kinetics_state(name: str) -> State:
    """torchvision's Kinetics-400 weights of a clip CNN, as ``imagenet_state`` has the others."""
    return _published(name, "KINETICS400_V1", "Kinetics weights")


def _published(name: str, version: str, words: str) -> State:
    weights = tv.get_model_weights(name)[version]
    cached = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    if cached.is_file():
        return read_state(cached)
    try:
        return dict(weights.get_state_dict(progress=True, check_hash=True))
    except (OSError, RuntimeError, HTTPException) as error:
        raise ValueError(
            f"expected to download torchvision's {words} of {name} from {weights.url}, "
            f"but could not ({error}); put that file at {cached} by hand, or pass weights=FILE "
            "with a weights file of this network, or weights=None for a random start."
        ) from error


def _torch_file(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch asks for reports of odd pickles; we refuse them
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file may raise anything at all
        raise ValueError(
            f"{path}: expected a state-dict file of tensors, as torch.save writes it; torch could "
            f"not read it safely ({type(error).__name__}): it is damaged or holds other Python "
            "objects. Save model.state_dict() anew."
        ) from error


def _safetensors(path: Path) -> Any:
    try:
        from safetensors.torch import load_file  # only this kind of file needs it
    except ImportError as error:
        raise ValueError(
            f"{path}: reading .safetensors needs the package safetensors; pip install safetensors, "
            "or save the weights as .pth."
        ) from error
    try:
        return load_file(path)
    except Exception as error:  # a broken file may raise anything at all
        raise ValueError(
            f"{path}: expected a whole safetensors file; it could not be read "
            f"({type(error).__name__}). Copy or download it again."
        ) from error


def _check_tensor(value: Any, name: str, path: Path) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(
            f"{path}: expected a state dict (names to tensors); {name!r:.80} is a "
            f"{type(value).__name__}. Save model.state_dict()."
        )
    if value.layout != torch.strided or value.is_quantized or value.is_meta or value.is_nested:
        raise ValueError(f"{path}: {name:.80} is no plain dense tensor; save it as one.")
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise ValueError(f"{path}: {name:.80} holds nan or infinity; take other weights.")


# ---- naming --------------------------------------------------------------------------------------


def to_torchvision_names(state: Mapping[str, Tensor], net: nn.Module) -> tuple[State, str]:
    """``state`` by torchvision's names, and the kind of naming it had.

    Args:
        state: as ``read_state`` returns it.
        net: the torchvision network (or one with its names) that it is for; the last layer of
            other namings takes the name of this one's.

    Returns:
        the renamed state (names under "stages." and what stands beside them are kept but for
        wrappers' prefixes) and "torchvision", "tsn-pytorch", "mmaction2" or "ours".

    Raises:
        ValueError: two names of the file come to one.
    """
    kind = _kind(state)
    last = list(net.state_dict())[-1].rpartition(".")[0]
    renamed: State = {}
    origin: dict[str, str] = {}
    for name, value in state.items():
        new = _renamed(_WRAPPERS.sub("", name), kind, last)
        if new in renamed:
            raise ValueError(
                f"expected the weights of one network; {origin[new]} and {name} both come to "
                f"{new}. Save the one network's state_dict() alone."
            )
        renamed[new], origin[new] = value, name
    return renamed, kind


def _kind(state: Mapping[str, Tensor]) -> str:
    names = [_WRAPPERS.sub("", name) for name in state]
    if any(name.startswith("stages.") for name in names):
        return "ours"
    foreign = any(name.startswith(("cls_head.", "head.fc.")) for name in names)
    if foreign or any(pattern.match(name) for name in names for pattern, _ in _MMACTION):
        return "mmaction2"
    wrapped = any("base_model." in name or "new_fc." in name for name in state)
    return "tsn-pytorch" if wrapped else "torchvision"


def _renamed(name: str, kind: str, last: str) -> str:
    if kind == "ours":
        return name
    if head := _HEADS.match(name):
        return f"{last}.{head[1]}"
    patterns = _MMACTION if kind == "mmaction2" else _ELSE
    for pattern, replacement in patterns:
        if pattern.match(name):
            return pattern.sub(replacement, name)
    return name


# ---- fitting -------------------------------------------------------------------------------------


def cross_modality(kernel: Tensor, channels: int) -> Tensor:
    """Kernel (out, in, …) of another modality: its mean over ``in``, repeated ``channels`` times.

    TSN's initialisation of a flow network from an RGB one. Nothing is rescaled, as published.
    """
    mean = kernel.mean(1, keepdim=True)
    return mean.expand(-1, channels, *mean.shape[2:]).contiguous()


def inflate_kernel(kernel: Tensor, length: int) -> Tensor:
    """Kernel (out, in, h, w) -> (out, in, length, h, w), a still clip's answer unchanged (I3D)."""
    return (kernel[:, :, None] / length).expand(-1, -1, length, -1, -1).contiguous()


def fit_state(
    state: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    *,
    source: str,
    called: Mapping[str, str] | None = None,
) -> State:
    """What of ``state`` a network with the state dict ``own`` loads, in the shapes it has.

    An RGB file's first convolution is brought to flow, and 2-D kernels to 3-D, where ``own`` asks
    for it. Names that ``own`` has not are left out, and batch normalisation's counters may miss
    (files older than them load elsewhere, too): the caller decides what else may. Errors speak of
    ``source``, and of tensors as they are ``called`` there.

    Raises:
        ValueError: something of ``own`` is missing or of another shape.
    """
    first = next(name for name, value in own.items() if value.ndim >= 4)
    fitted = {}
    for name in own.keys() & state.keys():
        value, target = state[name], own[name]
        if name == first and value.ndim >= 4:
            value = _to_channels(value, target.shape[1], source)
        if value.ndim == 4 and target.ndim == 5:
            value = inflate_kernel(value, target.shape[2])
        if value.ndim == 5 and target.ndim == 4:
            raise ValueError(
                f"{source}: expected 2-D kernels; these are a 3-D network's. Give them to a clip "
                "CNN, as weights_3d of TMNet's 3-D variants."
            )
        if value.shape == target.shape:
            fitted[name] = value
    lost = [name for name in own if name not in fitted and not name.endswith(_COUNTER)]
    words = called or {}
    refuse_misfit(
        source,
        missing=[words.get(name, name) for name in lost if name not in state],
        unlike=[words.get(name, name) for name in lost if name in state],
    )
    return fitted


def refuse_misfit(
    source: str,
    *,
    missing: Sequence[str] = (),
    unlike: Sequence[str] = (),
    unknown: Sequence[str] = (),
) -> None:
    """Raise a ValueError that lists what does not fit, where anything does not."""
    lists = {"missing": missing, "of another shape": unlike, "unknown": unknown}
    words = "; ".join(
        f"{kind}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''} ({len(names)} in all)"
        for kind, names in lists.items()
        if names
    )
    if words:
        raise ValueError(
            f"{source}: the weights do not fit this backbone ({words}). Name the backbone and "
            "width that they were saved from."
        )


def _to_channels(kernel: Tensor, channels: int, source: str) -> Tensor:
    has = kernel.shape[1]
    if has == channels:
        return kernel
    if has == 3:
        return cross_modality(kernel, channels)
    wanted = "RGB (3 channels)" if channels == 3 else f"flow_length={channels // 2}"
    raise ValueError(
        f"{source}: expected weights for {wanted}, or RGB ones to start flow from; their first "
        f"convolution takes {has} channels. "
        + (f"Pass flow_length={has // 2}." if has % 2 == 0 else "Give another file.")
    )
