"""The card of a weights file: what it is, how it was made and how good it is, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from actviz.errors import CheckpointError
from actviz.learn.card_fields import field_problems

__all__ = [
    "CARD_KEY",
    "CARD_SCHEMA",
    "Card",
    "check_card",
    "parse_json",
    "read_card",
    "read_json",
]

CARD_SCHEMA = 1
CARD_KEY = "actviz_card"  # where safetensors' metadata and Lightning's last.ckpt carry the card
_MOST_CARD_BYTES = 4 * 2**20
_MOST_NESTED = 32  # lists within lists


@dataclass(frozen=True)
class Card:
    """What a weights file is, how it was made and how good it is.

    The fields from ``dataset`` on came later; older cards go without them and are of RGB frames or
    of joints.
    """

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
    weights_sha256: str = ""  # of the file; "" in the copy that the file itself carries
    schema: int = CARD_SCHEMA
    dataset: str = ""  # a key of actviz.datasets.DATASETS
    protocol: str = ""  # official split: "split 1"
    modality: str = "rgb"  # what the pictures are: "rgb" or "flow"
    flow_length: int = 1  # L, flow fields of one snippet; 1 for RGB
    sampling: str = "even"  # which frames of a clip are seen: "even", "tsn" or "strided"
    stride: int = 1  # frames between two of a "strided" clip
    resize: str = "short"  # before cropping: the "short" side, or both ("square")
    test_views: str = "centre"  # of the metrics, a key of actviz.learn.protocols.VIEWS
    flow_method: str = ""  # by which the flow it was trained on was computed: "tvl1" or "dis"

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
        check_card(card, source)
        return card


def check_card(card: Card, source: str | Path) -> None:
    """Refuse a card that contradicts itself or names what there is not.

    Raises:
        CheckpointError: what does not hold, of all fields.
    """
    problems = field_problems(card)
    if not problems:
        problems = _contradictions(card)
    if problems:
        raise CheckpointError(f"{source}: the card does not hold: {'; '.join(problems)}.")


def _contradictions(card: Card) -> list[str]:
    """Fields that are each possible, but not together."""
    problems = []
    if {"weights", "weights_3d"} & set(card.overrides):
        problems.append("overrides must not name other weights to load")
    elif card.overrides.get("num_classes") != len(card.classes):
        problems.append("overrides.num_classes is not the number of classes")
    if (card.input_size is None) == (card.layout is None):
        problems.append("exactly one of input_size (pictures) and layout (joints) must be given")
    takes_flow = card.overrides.get("flow_length") is not None
    if takes_flow != (card.modality == "flow"):
        problems.append(
            f"modality is {card.modality!r} where overrides have "
            f"{'a' if takes_flow else 'no'} flow_length"
        )
    elif takes_flow and card.overrides["flow_length"] != card.flow_length:
        problems.append("flow_length differs from that of overrides")
    return problems


def read_card(path: str | Path) -> Card:
    """The card in a JSON file, checked; its weights are not looked at.

    Raises:
        CheckpointError: no such file, no JSON, or no card that holds.
    """
    return Card.from_dict(read_json(path), source=path)


def read_json(path: str | Path) -> Any:
    """The JSON value in a file of a card's size, whatever it is.

    Raises:
        CheckpointError: no such file, too large, nested too deep, or no JSON.
    """
    try:
        if Path(path).stat().st_size > _MOST_CARD_BYTES:
            raise ValueError("it is far larger than any card")
        text = Path(path).read_text(encoding="utf-8")
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{path}: expected a card in JSON ({error}).") from error
    return parse_json(text, path)


def parse_json(text: str, source: str | Path) -> Any:
    """The JSON value that ``text`` holds, whatever it is.

    Raises:
        CheckpointError: nested too deep, or no JSON.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise CheckpointError(f"{source}: expected a card; this is nested too deep.") from None
    except ValueError as error:
        raise CheckpointError(f"{source}: expected a card in JSON ({error}).") from error


def _tuples(value: Any, depth: int = 0) -> Any:
    """JSON knows no tuples: lists come back as the tuples they were."""
    if depth > _MOST_NESTED:
        raise RecursionError
    if isinstance(value, list):
        return tuple(_tuples(v, depth + 1) for v in value)
    if isinstance(value, dict):
        return {k: _tuples(v, depth + 1) for k, v in value.items()}
    return value
