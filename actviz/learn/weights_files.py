"""Weights on disk, with the card that says what they are: written whole, read without running code.

A ``.safetensors`` file of ours carries its card in its metadata; the ``.json`` beside it is the
copy for people. Should the two ever part (a kill between two renames, a copy of one file alone),
the card inside the file stands. Foreign files are read as tensors only, never unpickled.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from actviz.clip.downloads import sha256_of
from actviz.errors import CheckpointError
from actviz.learn.cards import CARD_KEY, Card, parse_json, read_card, read_json
from actviz.learn.durable import flush_folder

__all__ = ["PICKLED", "WeightsFile", "read_weights", "write_weights"]

PICKLED = (".pt", ".pth", ".ckpt", ".tar")  # tsn-pytorch writes …_checkpoint.pth.tar, no archive
_NESTED = ("state_dict", "model_state_dict", "model")  # where others keep the state dict
_PREFIXES = ("module.", "model.", "_orig_mod.")  # DataParallel, LightningModule, torch.compile
_ALIGNED = 8  # bytes; tensors of a safetensors file begin at a multiple


@dataclass(frozen=True)
class WeightsFile:
    """What a weights file holds."""

    path: Path
    state: dict[str, Tensor]  # dense and finite, without the prefix that wrappers put before all
    card: Card | None
    sha256: str  # of the whole file
    prefix: str = ""  # what was taken off every name
    beside: tuple[str, ...] = ()  # what else a pickled file holds: "meta", "optimizer"


def write_weights(path: Path, state: Mapping[str, Tensor], card: Card) -> None:
    """Write ``path`` (.safetensors, its card inside) and the card beside it (.json).

    Each file is whole or not there, and what was there before stays until it is replaced.

    Raises:
        CheckpointError: the card holds what JSON cannot.
    """
    try:
        inside = json.dumps(replace(card, weights_sha256="").to_dict(), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: the card does not hold: expected plain finite values, as JSON takes them; "
            f"got others ({error})."
        ) from error
    tensors = {k: v.detach().to("cpu").contiguous() for k, v in state.items()}
    header, data = _with_metadata(save(tensors), {CARD_KEY: inside, "format": "pt"})
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _part(path, header, data)
    try:
        whole = replace(card, weights_sha256=sha256_of(fresh))
        fresh_card = _part(path.with_suffix(".json"), whole.to_json().encode())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    fresh.replace(path)
    fresh_card.replace(path.with_suffix(".json"))
    flush_folder(path.parent)


def _part(path: Path, *parts: bytes | memoryview) -> Path:
    """``parts`` on the disk, in a file beside ``path``."""
    fresh = path.with_name(path.name + ".part")
    try:
        with fresh.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _with_metadata(whole: bytes, metadata: dict[str, str]) -> tuple[bytes, memoryview]:
    """Header with ``metadata``, and the tensors, of a safetensors file that has none.

    The library writes metadata in an order of its own at each run; equal weights with equal cards
    shall be equal bytes.
    """
    length = int.from_bytes(whole[:8], "little")
    tensors = json.loads(whole[8 : 8 + length])
    header = json.dumps({"__metadata__": metadata} | tensors, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNED)
    return len(header).to_bytes(8, "little") + header, memoryview(whole)[8 + length :]


def read_weights(path: str | Path) -> WeightsFile:
    """The tensors of ``path`` by name, with the card that belongs to them where there is one.

    Raises:
        CheckpointError: no such file, unreadable, damaged, unsafe, or a card that does not hold.
    """
    path = Path(path)
    _check_file(path)
    if path.suffix.lower() == ".safetensors":
        return _read_safetensors(path)
    if path.suffix.lower() in PICKLED:
        return _read_pickled(path)
    raise CheckpointError(
        f"{path}: expected weights as .safetensors, .pt, .pth, .pth.tar or .ckpt; got "
        f"{path.suffix!r}."
    )


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise CheckpointError(f"{path}: expected a weights file; there is none.")
        if not path.is_file():
            raise CheckpointError(f"{path}: expected a weights file; this is no regular file.")
        path.open("rb").close()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be opened ({error.strerror}).") from error


def _read_safetensors(path: Path) -> WeightsFile:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        sha256 = sha256_of(path)
    except Exception as error:  # a hostile or broken file may raise anything at all
        raise CheckpointError(
            f"{path}: not a whole safetensors file ({error}). Copy or train it again."
        ) from error
    state, prefix = _plain_state(tensors, path)
    card = _card_of(path, sha256, metadata.get(CARD_KEY))
    return WeightsFile(path, state, card, sha256, prefix)


def _card_of(path: Path, sha256: str, inside: str | None) -> Card | None:
    """The card beside the weights where it is theirs, else the one inside, else none."""
    beside = path.with_suffix(".json")
    if inside is None:
        if not beside.is_file():
            return None
        card = read_card(beside)
        if card.weights_sha256 not in ("", sha256):
            raise CheckpointError(
                f"{beside}: this card belongs to other weights than {path.name} (their sha256 "
                "differs). Bring the pair together again, or train anew."
            )
        return card
    if _speaks_of(beside, sha256):
        return read_card(beside)
    card = Card.from_dict(parse_json(inside, path), source=path)
    return replace(card, weights_sha256=sha256)


def _speaks_of(beside: Path, sha256: str) -> bool:
    """Whether there is a file, JSON, which says that it is the card of these weights."""
    try:
        values = read_json(beside) if beside.is_file() else None
    except CheckpointError:
        return False
    return isinstance(values, dict) and values.get("weights_sha256") == sha256


def _read_pickled(path: Path) -> WeightsFile:
    try:
        with warnings.catch_warnings():
            # torch asks users to report odd pickles; we refuse them
            warnings.simplefilter("ignore")
            payload = torch.load(path, map_location="cpu", weights_only=True)
        sha256 = sha256_of(path)
    except Exception as error:  # a hostile or broken file may raise anything at all
        raise CheckpointError(
            f"{path}: expected a PyTorch file of tensors and plain dicts; this one is damaged or "
            f"holds pickled Python objects{_named(error)}, which could run code and are never "
            "loaded. Ask its author for a state dict, best as .safetensors."
        ) from error
    card = None
    around: tuple[str, ...] = ()
    if isinstance(payload, dict) and CARD_KEY in payload:
        card = Card.from_dict(payload[CARD_KEY], source=path)
    for key in _NESTED:
        if isinstance(payload, dict) and isinstance(payload.get(key), dict):
            around = tuple(str(k) for k in payload if k != key)
            payload = payload[key]
            break
    state, prefix = _plain_state(payload, path)
    return WeightsFile(path, state, card, sha256, prefix, around)


def _named(error: Exception) -> str:
    """Which object the file asked for, where torch says it."""
    found = re.search(r"GLOBAL (\S{1,80})", str(error))
    return f" ({found[1]})" if found else ""


def _plain_state(payload: Any, path: Path) -> tuple[dict[str, Tensor], str]:
    """Names to finite tensors, without the prefix that wrappers put before all, and that prefix."""
    if not isinstance(payload, dict) or not payload:
        raise CheckpointError(f"{path}: expected a state dict (names to tensors); got none.")
    odd = [str(k) for k, v in payload.items() if not isinstance(v, Tensor)]
    if odd:
        raise CheckpointError(
            f"{path}: expected a state dict (names to tensors); {odd[0]!r} is no tensor."
        )
    state: dict[str, Tensor] = {str(k): v for k, v in payload.items()}
    prefix = _prefix(state)
    state = {k.removeprefix(prefix): v for k, v in state.items()}
    odd = [k for k, v in state.items() if not _is_dense(v)]
    if odd:
        raise CheckpointError(
            f"{path}: {odd[0]:.80} is a sparse, quantised or meta tensor; save it dense."
        )
    bad = [k for k, v in state.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if bad:
        raise CheckpointError(f"{path}: {bad[0]} holds values that are not finite; train it anew.")
    return state, prefix


def _prefix(names: Iterable[str]) -> str:
    """What wrappers of the model put before every name, one wrapper within another."""
    prefix = ""
    while True:
        more = [p for p in _PREFIXES if all(k.startswith(prefix + p) for k in names)]
        if not more:
            return prefix
        prefix += more[0]


def _is_dense(tensor: Tensor) -> bool:
    odd = tensor.is_meta or tensor.is_quantized or tensor.is_nested
    return tensor.layout == torch.strided and not odd
