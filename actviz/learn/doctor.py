"""What is in a weights file, whoever wrote it, in words: ``actviz doctor FILE``.

Known are our own files and whole models by the names of torchvision's classification networks, of
tsn-pytorch and of MMAction2, bare or in the wrappers that DataParallel, Lightning and MMEngine put
around them. Nothing is ever unpickled but tensors, plain dicts and texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torchvision.models as tv
from torch import Tensor, nn

import models
from actviz.learn.cards import Card
from actviz.learn.matching import (
    Difference,
    Fit,
    compare,
    first_kernel,
    nearest_fit,
    number_of_classes,
)
from actviz.learn.weights_files import WeightsFile, read_weights
from models.foreign import to_torchvision_names

__all__ = ["CONVERTIBLE", "Diagnosis", "Network", "diagnose", "examine"]

# Of torchvision; a VGG16 is read at pool5 by choice, which no file shows.
_OF_JOINTS = ("tarms.", "stcm.", "cell.weight_ih_l0", "blocks.0.space.")  # begin their layers
_OTHERS = tuple(b for b in models.BACKBONES if b not in ("resnet18_narrow", "vgg16_pool5"))
# These two end otherwise than in one linear layer on the frame's feature, as TSN does.
CONVERTIBLE = tuple(b for b in _OTHERS if b not in ("squeezenet1_1", "mobilenet_v3_small"))
_KINDS = {
    "ours": "actviz",
    "torchvision": "a torchvision classification network",
    "tsn-pytorch": "TSN as tsn-pytorch writes it",
    "mmaction2": "a recogniser as MMAction2 writes it",
    "unknown": "not recognised",
}
_BUFFERS = (".running_mean", ".running_var", ".num_batches_tracked")
_BESIDE = ("cls_head.", "data_preprocessor.", "neck.", "head.")  # of MMAction2, beside the network
_LEAST = 0.5  # share of alike keys below which no network is called recognised


@dataclass(frozen=True)
class Network:
    """A torchvision network that the names of a file speak for."""

    name: str  # as torchvision calls it: "resnet50"
    kind: str  # "torchvision", "tsn-pytorch" or "mmaction2"
    classes: int | None  # K, of the last layer; None where it is missing
    share: float  # of the network's keys, but the last layer's, alike in name and shape
    difference: Difference  # beside the last layer and the channels that enter


@dataclass(frozen=True)
class Diagnosis:
    """What is known about a weights file."""

    path: Path
    kind: str  # "ours", "torchvision", "tsn-pytorch", "mmaction2" or "unknown"
    wrapper: str  # what it stands in: "", "a Lightning checkpoint", …
    keys: int
    dtype: str  # "float32", or several
    parameters: int
    classes: int | None  # K, of the last layer
    modality: str  # "rgb", "flow", "joints" or "unknown"
    flow_length: int | None  # L
    network: Network | None  # of a foreign file
    fit: Fit | None  # the nearest builder
    trouble: str  # why it cannot be converted; "" where it can, or where it need not
    card: Card | None
    motion_length: int | None = None  # L of a second stream

    def rows(self) -> list[tuple[str, str]]:
        """All of it as (name, words), for a table."""
        rows = [
            ("file", self.path.name),
            ("kind", self._kind_in_words()),
            ("tensors", f"{self.keys}, {self.dtype}, {self.parameters:,} parameters"),
            ("classes", str(self.classes) if self.classes else "unknown"),
            ("sees", self._sees_in_words()),
        ]
        if self.network is not None:
            rows.append(("network", f"{self.network.name}, {self.network.share:.0%} of its keys"))
        if self.fit is not None:
            rows.append(("builder", f"{self.fit.call}: {self.fit.share:.0%} of the keys alike"))
        difference = self.network.difference if self.network else self.fit and self.fit.difference
        if difference:
            rows.append(("differs", difference.in_words()))
        return [*rows, ("next", self.next_step())]

    def next_step(self) -> str:
        """What the user can do with the file, in one or two sentences."""
        if self.card is not None and not (self.fit and self.fit.difference):
            return f"It has its card ({self.card.trained_on}) and loads as it is."
        if self.kind == "ours" and self.fit and not self.fit.difference:
            words = ", ".join(f"{k!r}: {v!r}" for k, v in self.fit.overrides.items())
            twin = " A TSM has the same tensors: if it is one, say model='tsm'."
            return (
                f"It has no card; load_checkpoint(FILE, model={self.fit.model!r}, "
                f"overrides={{{words}}}, classes=[…]) with its {self.classes} names loads it, and "
                "save_checkpoint writes it with one." + (twin if self.fit.model == "tsn" else "")
            )
        if self.trouble:
            return self.trouble
        return (
            f"Write the {self.classes} class names, one a line in the order of its training, and "
            f"convert: actviz doctor {self.path.name} --classes names.txt --out "
            f"best.safetensors.{self._normalisation()}"
        )

    def _kind_in_words(self) -> str:
        around = f", inside {self.wrapper}" if self.wrapper else ""
        return _KINDS[self.kind] + around

    def _sees_in_words(self) -> str:
        if self.flow_length:
            return f"flow, {self.flow_length} fields of a snippet"
        seen = {"rgb": "RGB frames"}.get(self.modality, self.modality)
        if self.motion_length:
            return f"{seen}, and flow around each, {self.motion_length} fields of a snippet"
        return seen

    def _normalisation(self) -> str:
        if self.kind != "mmaction2":
            return ""
        if self.modality == "flow":
            return " MMAction2 divides flow by other constants: the first layer takes them up."
        return " Its mean and deviation in 0..255 are ImageNet's, ours in 0..1: nothing changes."


def diagnose(path: str | Path) -> Diagnosis:
    """What is in ``path``.

    Raises:
        CheckpointError: no such file, unreadable, damaged, or holding more than tensors.
    """
    return examine(read_weights(path))


def examine(file: WeightsFile) -> Diagnosis:
    """What is in a weights file that is already read."""
    state = file.state
    shapes = {k: tuple(v.shape) for k, v in state.items()}
    modality, length = _modality(shapes)
    second = first_kernel(shapes, of="motion_backbone.")
    found = Diagnosis(
        path=file.path,
        kind="unknown",
        wrapper=_wrapper(file),
        keys=len(state),
        dtype=", ".join(_dtypes(state)),
        parameters=sum(v.numel() for k, v in state.items() if not k.endswith(_BUFFERS)),
        classes=number_of_classes(shapes),
        modality=modality,
        flow_length=length,
        network=None,
        fit=None,
        trouble="",
        card=file.card,
        motion_length=second[1] // 2 if second else None,
    )
    fit = nearest_fit(state)
    if file.card is not None or (fit is not None and fit.share > _LEAST):
        return replace(found, kind="ours", fit=fit, trouble=_misfit(fit))
    return _foreign(found, state, fit)


def _foreign(found: Diagnosis, state: Mapping[str, Tensor], fit: Fit | None) -> Diagnosis:
    network = _recognised(state)
    if network is None:
        return replace(found, fit=fit, trouble=_unknown(state))
    overrides: dict[str, Any] = {"backbone": network.name}
    if found.flow_length is not None:
        overrides["flow_length"] = found.flow_length
    fit = Fit("tsn", overrides, network.share, network.difference)
    found = replace(found, kind=network.kind, classes=network.classes, network=network, fit=fit)
    return replace(found, trouble=_trouble(found, state))


def _misfit(fit: Fit | None) -> str:
    if fit is None or not fit.difference:
        return ""
    return "It fits no builder whole; build the nearest with the sizes it was trained with."


def _unknown(state: Mapping[str, Tensor]) -> str:
    if all(k.startswith(("stages.", "head.")) for k in state):
        return "It is one of our frame CNNs alone: a training starts from it by --set weights=FILE."
    if any(v.ndim == 5 for v in state.values()):
        return (
            "Its kernels have three dimensions (I3D, SlowOnly, R3D and the like): it is not "
            "converted, but may start a network of its kind: ucf101/res-i3d or ucf101/resnet3d18 "
            "with --set weights=FILE, ucf101/tmnet-3d-b with --set weights_3d=FILE."
        )
    return f"Known are {', '.join(_OTHERS)} by the names of torchvision, tsn-pytorch and MMAction2."


def _trouble(found: Diagnosis, state: Mapping[str, Tensor]) -> str:
    """Why the file cannot become a TSN of ours; empty where it can."""
    network = found.network
    assert network is not None
    start = f"it can start a backbone: --set backbone={network.name} --set weights=FILE"
    if any(".net." in k for k in state):
        return (
            f"It shifts features in time (TSM): ucf101/tsm starts from it by --set backbone="
            f"{network.name} --set weights=FILE."
        )
    if any(v.ndim == 5 for v in state.values()):
        return _unknown(state)
    if network.difference:
        return f"Not all of {network.name} is there, or there is more: {start} once it is mended."
    if found.modality == "unknown":
        return "Its first layer takes neither RGB nor flow (x, y pairs), so nothing here feeds it."
    if found.classes is None:
        return f"It has no last layer, so no classes; {start}."
    if network.name not in CONVERTIBLE:
        return f"A {network.name} has no last layer like TSN's; {start}."
    return ""


def _recognised(state: Mapping[str, Tensor]) -> Network | None:
    """The torchvision network that most of the file agrees with."""
    residual = any(".layer1." in f".{k}" for k in state)  # no denselayer1
    best: Network | None = None
    for name in _OTHERS:
        network = _as_network(name, state) if name.startswith("resne") == residual else None
        if network is not None and network.share > (best.share if best else _LEAST):
            best = network
    return best


def _as_network(name: str, state: Mapping[str, Tensor]) -> Network | None:
    """How the file agrees with a network; None where its names come to one another."""
    net = _without_tensors(name)
    try:
        renamed, kind = to_torchvision_names(state, net)
    except ValueError:
        return None
    own = {k: tuple(v.shape) for k, v in net.state_dict().items()}
    last = list(own)[-1].rpartition(".")[0] + "."
    found = {
        k: tuple(v.shape)
        for k, v in renamed.items()
        if not k.startswith(last) and (k in own or not k.startswith(_BESIDE))
    }
    expected = {
        k: shape
        for k, shape in own.items()
        if not k.startswith(last) and (k in found or not k.endswith(_BUFFERS[2]))
    }
    first = next(k for k, shape in own.items() if len(shape) == 4)
    if len(found.get(first, ())) == 4:  # RGB or flow: another number of channels is no difference
        expected[first] = (own[first][0], found[first][1], *own[first][2:])
    alike = sum(found.get(k) == shape for k, shape in expected.items())
    share = alike / max(len(expected.keys() | found.keys()), 1)
    classes = renamed[f"{last}weight"].shape[0] if f"{last}weight" in renamed else None
    return Network(name, kind, classes, share, compare(expected, found))


@lru_cache(maxsize=len(_OTHERS))
def _without_tensors(name: str) -> nn.Module:
    with torch.device("meta"):
        return tv.get_model(name, weights=None)


def _wrapper(file: WeightsFile) -> str:
    if "pytorch-lightning_version" in file.beside:
        return "a Lightning checkpoint"
    if {"meta", "message_hub"} & set(file.beside):
        return "an OpenMMLab checkpoint"
    return "a training checkpoint" if file.beside else ""


def _dtypes(state: Mapping[str, Tensor]) -> list[str]:
    """Kinds of the numbers, the most used first; counters aside."""
    sizes: dict[str, int] = {}
    for name, value in state.items():
        if not name.endswith(_BUFFERS[2]):
            kind = str(value.dtype).removeprefix("torch.")
            sizes[kind] = sizes.get(kind, 0) + value.numel()
    return sorted(sizes, key=lambda kind: -sizes[kind])


def _modality(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, int | None]:
    """What enters, from the channels of the first convolution, and L where it is flow."""
    if any(k.startswith(_OF_JOINTS) for k in shapes):
        return "joints", None
    first = first_kernel(shapes)
    channels = 0 if first is None else first[1]
    if channels == 3:
        return "rgb", None
    if channels and channels % 2 == 0 and channels <= 64:
        return "flow", channels // 2
    return "unknown", None
