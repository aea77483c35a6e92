"""Weights on disk: a safetensors file and, beside it, a card (JSON) that says what they are.

``best.safetensors`` + ``best.json`` belong together; the card holds the sha256 of the weights, so
that a card left beside other weights is noticed. Weights of other projects (``.safetensors``
without a card, ``.pt``, ``.pth``, ``.ckpt``) are read as tensors only, never unpickled, and need
to be told which model they are for.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

import models
from actviz.errors import CheckpointError
from actviz.learn.card_fields import MAX_CLASSES, field_problems
from actviz.learn.matching import find_mismatch

__all__ = [
    "CARD_KEY",
    "CARD_SCHEMA",
    "Card",
    "Loaded",
    "bundled",
    "load_checkpoint",
    "save_checkpoint",
]

CARD_SCHEMA = 1
CARD_KEY = "actviz_card"  # where Lightning's last.ckpt carries the card
WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
_MOST_CARD_BYTES = 4 * 2**20
_MOST_NESTED = 32  # lists within lists
_PICKLED = (".pt", ".pth", ".ckpt")
_NESTED = ("state_dict", "model_state_dict", "model")  # where others keep the state dict
_PREFIXES = ("module.", "model.")  # DataParallel, LightningModule


@dataclass(frozen=True)
class Card:
    """What a weights file is, how it was made and how good it is."""

    model: str  # a key of models.BUILDERS
    overrides: dict[str, Any]  # models.build(model, **overrides), num_classes among them
    classes: tuple[str, ...]  # (K,), in the order of the logits
    trained_on: str  # one short phrase: "puppets"
    frames: int  # T, how many frames or image rows of a clip the model was trained to see
    input_size: int | None = None  # pixels of the square input; None: the model takes joints
    layout: str | None = None  # skeleton layout; None: the model takes pictures
    recipe: str = ""
    command: str = ""  # makes these weights again
    seed: int | None = None
    commit: str = ""  # git hash of the code that trained them
    data: str = ""  # the training, validation and test clips in words
    metrics: dict[str, Any] = field(default_factory=dict)  # on the test split
    limits: tuple[str, ...] = ()  # each a sentence
    weights_sha256: str = ""
    schema: int = CARD_SCHEMA

    def to_json(self) -> str:
        """The card as JSON text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON takes them."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Any, *, source: str | Path) -> Card:
        """Check ``values`` (as ``to_json`` wrote them) and make the card.

        Raises:
            CheckpointError: a field is missing, unknown or of the wrong kind.
        """
        if not isinstance(values, dict):
            raise CheckpointError(
                f"{source}: expected a card, a JSON object; got {type(values).__name__}."
            )
        known = {f.name for f in fields(Card)}
        missing = sorted({"model", "overrides", "classes", "trained_on", "frames"} - set(values))
        unknown = sorted(set(values) - known)
        if missing or unknown or values.get("schema", CARD_SCHEMA) != CARD_SCHEMA:
            raise CheckpointError(
                f"{source}: expected a card of schema {CARD_SCHEMA}; got schema "
                f"{values.get('schema')!r:.20} with missing fields {missing} and unknown fields "
                f"{unknown!r:.200}. Save the weights again with save_checkpoint."
            )
        try:
            card = Card(**{k: _tuples(v) for k, v in values.items()})
        except RecursionError:
            raise CheckpointError(f"{source}: expected a card; this is nested too deep.") from None
        _check_card(card, source)
        return card


@dataclass(frozen=True)
class Loaded:
    """A model ready to look at clips, with what is known about its weights."""

    model: nn.Module  # in eval mode, on the asked device
    card: Card
    sha256: str  # of the weights file
    name: str  # to show: "puppets-mam"


def bundled(model_name: str) -> Path:
    """The weights that come with the project for ``"mam"``, ``"tmnet"`` or ``"man"``.

    Raises:
        CheckpointError: there are none under that name.
    """
    path = WEIGHTS / f"puppets-{model_name}.safetensors"
    if not path.is_file():
        here = sorted(
            p.stem.removeprefix("puppets-") for p in WEIGHTS.glob("puppets-*.safetensors")
        )
        raise CheckpointError(
            f"expected one of the bundled models {here}; got {model_name!r}. Name a weights file "
            "of your own instead, or train one with `actviz train`."
        )
    return path


def save_checkpoint(path: str | Path, model: nn.Module, card: Card) -> Path:
    """Write ``path`` (.safetensors) and its card beside it (.json), each whole or not at all.

    Raises:
        CheckpointError: ``path`` does not end in .safetensors, or the card does not fit the model.
    """
    path = Path(path)
    if path.suffix.lower() != ".safetensors":
        raise CheckpointError(f"{path}: weights are saved as .safetensors; got {path.suffix!r}.")
    _check_card(card, path)
    state = {k: v.detach().to("cpu").contiguous() for k, v in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".part")
    fresh.write_bytes(save(state, metadata={"format": "pt"}))
    card = replace(card, weights_sha256=_sha256(fresh))
    fresh_card = path.with_name(path.stem + ".json.part")
    fresh_card.write_text(card.to_json())
    fresh.replace(path)
    fresh_card.replace(path.with_suffix(".json"))
    return path


def load_checkpoint(
    path: str | Path,
    *,
    device: str | torch.device = "cpu",
    model: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    input_size: int | None = None,
    frames: int | None = None,
    layout: str | None = None,
) -> Loaded:
    """Build the model that ``path`` holds the weights of, in eval mode.

    The arguments after ``device`` describe foreign weights, which have no card; with a card they
    must not be given.

    Raises:
        CheckpointError: no such file, unreadable, unsafe, without a card where one is needed, or
            not fitting the model it is said to be of.
    """
    path = Path(path)
    state, card = _read(path)
    if card is None:
        card = _foreign_card(path, model, overrides, classes, input_size, frames, layout)
    elif model is not None and model != card.model:
        raise CheckpointError(f"{path}: expected weights of {model}; these are of {card.model}.")
    problem = find_mismatch(_build(card, path, "meta"), state, name=card.model)
    if problem:
        raise CheckpointError(f"{path}: {problem}")
    network = _build(card, path, "cpu")
    network.load_state_dict(state)
    shown = f"{path.parent.name}/{path.stem}" if path.stem in ("best", "last") else path.stem
    return Loaded(network.to(device).eval(), card, _sha256(path), shown)


def _read(path: Path) -> tuple[dict[str, Tensor], Card | None]:
    _check_file(path)
    if path.suffix.lower() == ".safetensors":
        return _read_safetensors(path)
    if path.suffix.lower() in _PICKLED:
        return _read_pickled(path)
    raise CheckpointError(
        f"{path}: expected weights as .safetensors, .pt, .pth or .ckpt; got {path.suffix!r}."
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


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], Card | None]:
    try:
        state = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: not a whole safetensors file ({error}). Copy or train it again."
        ) from error
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return _plain_state(state, path), None
    try:
        if beside.stat().st_size > _MOST_CARD_BYTES:
            raise ValueError("it is far larger than any card")
        values = json.loads(beside.read_text(encoding="utf-8"))
    except RecursionError:
        raise CheckpointError(f"{beside}: expected a card; this is nested too deep.") from None
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{beside}: expected a card in JSON ({error}).") from error
    card = Card.from_dict(values, source=beside)
    if card.weights_sha256 not in ("", _sha256(path)):
        raise CheckpointError(
            f"{beside}: this card belongs to other weights than {path.name} (their sha256 "
            "differs). Bring the pair together again, or train anew."
        )
    return _plain_state(state, path), card


def _read_pickled(path: Path) -> tuple[dict[str, Tensor], Card | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # torch asks users to report odd pickles; we refuse them
            payload = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or broken file may raise anything at all
        raise CheckpointError(
            f"{path}: expected a PyTorch file of tensors and plain dicts; this one is damaged or "
            "holds pickled Python objects, which could run code and are never loaded. Ask its "
            "author for a state dict, best as .safetensors."
        ) from error
    card = None
    if isinstance(payload, dict) and CARD_KEY in payload:
        card = Card.from_dict(payload[CARD_KEY], source=path)
    for key in _NESTED:
        if isinstance(payload, dict) and isinstance(payload.get(key), dict):
            payload = payload[key]
            break
    return _plain_state(payload, path), card


def _plain_state(payload: Any, path: Path) -> dict[str, Tensor]:
    """Names to finite tensors, without the prefix that wrappers of the model put before all."""
    if not isinstance(payload, dict) or not payload:
        raise CheckpointError(f"{path}: expected a state dict (names to tensors); got none.")
    odd = [str(k) for k, v in payload.items() if not isinstance(v, Tensor)]
    if odd:
        raise CheckpointError(
            f"{path}: expected a state dict (names to tensors); {odd[0]!r} is no tensor."
        )
    state: dict[str, Tensor] = {str(k): v for k, v in payload.items()}
    for prefix in _PREFIXES:
        if all(k.startswith(prefix) for k in state):
            state = {k.removeprefix(prefix): v for k, v in state.items()}
    odd = [k for k, v in state.items() if not _is_dense(v)]
    if odd:
        raise CheckpointError(
            f"{path}: {odd[0]:.80} is a sparse, quantised or meta tensor; save it dense."
        )
    bad = [k for k, v in state.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if bad:
        raise CheckpointError(f"{path}: {bad[0]} holds values that are not finite; train it anew.")
    return state


def _is_dense(tensor: Tensor) -> bool:
    odd = tensor.is_meta or tensor.is_quantized or tensor.is_nested
    return tensor.layout == torch.strided and not odd


def _foreign_card(
    path: Path,
    model: str | None,
    overrides: Mapping[str, Any] | None,
    classes: Sequence[str] | None,
    input_size: int | None,
    frames: int | None,
    layout: str | None,
) -> Card:
    chosen = dict(overrides or {})
    count = len(classes) if classes is not None else chosen.get("num_classes")
    if model is None or count is None:
        wanted = f"expected {path.stem}.json beside it, the card that says"
        if path.suffix.lower() in _PICKLED:  # only safetensors have a card beside them
            wanted = "expected a card inside it (as in Lightning's last.ckpt) that says"
        raise CheckpointError(
            f"{path}: {wanted} which model these weights are of; there is none. For weights of "
            "another project, say so in Python: "
            'load_checkpoint(path, model="mam", overrides={"backbone": "resnet18"}, classes=[…]).'
        )
    if classes is None and (type(count) is not int or not 1 <= count <= MAX_CLASSES):
        raise CheckpointError(
            f"{path}: expected num_classes in 1..{MAX_CLASSES}; got {count!r:.40}."
        )
    takes_joints = model == "man"
    card = Card(
        model=model,
        overrides=chosen | {"num_classes": count},
        classes=tuple(classes) if classes is not None else _numbered(count),
        trained_on="unknown data",
        frames=frames or int(chosen.get("frames", 50 if takes_joints else 16)),
        input_size=None if takes_joints else input_size or 224,
        layout=(layout or "ntu-25") if takes_joints else None,
        limits=("Foreign weights: nothing is known of how they were trained.",),
    )
    _check_card(card, path)
    return card


def _numbered(count: Any) -> tuple[str, ...]:
    return tuple(f"class {k}" for k in range(int(count)))


def _build(card: Card, path: Path, device: str) -> nn.Module:
    """The model; on ``meta`` it takes no memory, whatever sizes the card asks for."""
    try:
        with torch.device(device):
            return models.build(card.model, **card.overrides)
    except NotImplementedError:  # a layer that cannot be made on meta
        return models.build(card.model, **card.overrides)
    except Exception as error:  # hostile values break a builder in any way
        why = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise CheckpointError(f"{path}: its card does not describe a model: {why:.300}") from error


def _check_card(card: Card, source: str | Path) -> None:
    """Raise where the card contradicts itself or names what there is not."""
    problems = field_problems(card)
    if problems:
        raise CheckpointError(f"{source}: the card does not hold: {'; '.join(problems)}.")
    if "weights" in card.overrides:
        problems.append("overrides must not name other weights to load")
    elif card.overrides.get("num_classes") != len(card.classes):
        problems.append("overrides.num_classes is not the number of classes")
    if (card.input_size is None) == (card.layout is None):
        problems.append("exactly one of input_size (pictures) and layout (joints) must be given")
    if problems:
        raise CheckpointError(f"{source}: the card does not hold: {'; '.join(problems)}.")


def _tuples(value: Any, depth: int = 0) -> Any:
    """JSON knows no tuples: lists come back as the tuples they were."""
    if depth > _MOST_NESTED:
        raise RecursionError
    if isinstance(value, list):
        return tuple(_tuples(v, depth + 1) for v in value)
    if isinstance(value, dict):
        return {k: _tuples(v, depth + 1) for k, v in value.items()}
    return value


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
