"""Is every field of a card of its kind and within its bounds? Asked before any of them is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import models

__all__ = ["MAX_CLASSES", "field_problems"]

MAX_CLASSES = 10_000
_SHORT, _LONG = 200, 20_000  # characters of a name, of prose
_TEXTS = {
    **{"recipe": _SHORT, "trained_on": _SHORT, "commit": _SHORT, "weights_sha256": _SHORT},
    **{"command": _LONG, "data": _LONG, "dataset": _SHORT, "protocol": _SHORT},
}
_CHOICES = {
    "modality": ("rgb", "flow"),
    "sampling": ("even", "tsn", "strided"),
    "resize": ("short", "square"),
    "test_views": ("25x10", "10-crop", "25", "centre", "25-clips", "glance"),
}
_MOST_FLOW = 64  # fields of one snippet; the papers have 1, 5 and 10


def field_problems(card: Any) -> list[str]:
    """What is wrong with the fields of ``card`` one by one: name, expected, got."""
    rules: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "model": (f"one of {sorted(models.BUILDERS)}", _is_builder),
        "overrides": ("a JSON object", _is_object),
        "classes": (f"a list of 1 to {MAX_CLASSES} names", _are_names),
        "frames": ("a positive whole number", lambda v: _is_whole(v, 1, 1_000_000)),
        "input_size": ("null or a whole number in 8..1024", _is_size),
        "layout": ("null or a short text", lambda v: v is None or _is_text(v, _SHORT)),
        "seed": ("null or a whole number", lambda v: v is None or _is_whole(v, -(2**64), 2**64)),
        "metrics": ("a JSON object", _is_object),
        "limits": ("a list of texts", lambda v: _are_texts(v, _LONG)),
        "flow_length": (
            f"a whole number in 1..{_MOST_FLOW}",
            lambda v: _is_whole(v, 1, _MOST_FLOW),
        ),
        "flow_method": ("empty, dis or tvl1", _choice_rule(("", "dis", "tvl1"))),
        "stride": ("a positive whole number", lambda v: _is_whole(v, 1, 1_000_000)),
    }
    for name, choices in _CHOICES.items():
        rules[name] = (f"one of {', '.join(choices)}", _choice_rule(choices))
    for name, most in _TEXTS.items():
        rules[name] = (f"a text of at most {most} characters", _text_rule(most))
    return [
        f"{name} is {_shown(getattr(card, name))}, expected {expected}"
        for name, (expected, holds) in rules.items()
        if not holds(getattr(card, name))
    ]


def _shown(value: Any) -> str:
    """``value`` in few characters, however large it is."""
    if isinstance(value, list | tuple | dict) and len(value) > 4:
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return repr(value[:40]) + (f" and {len(value) - 40} more" if len(value) > 40 else "")
    text = repr(value) if not isinstance(value, int) or abs(value) < 2**64 else "a huge number"
    return text if len(text) <= 60 else text[:57] + "..."


def _text_rule(most: int) -> Callable[[Any], bool]:
    return lambda value: _is_text(value, most)


def _choice_rule(choices: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in choices


def _is_text(value: Any, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most


def _are_texts(value: Any, most: int) -> bool:
    return isinstance(value, tuple) and all(_is_text(text, most) for text in value)


def _are_names(value: Any) -> bool:
    return _are_texts(value, _SHORT) and 1 <= len(value) <= MAX_CLASSES


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_size(value: Any) -> bool:
    return value is None or _is_whole(value, 8, 1024)


def _is_builder(value: Any) -> bool:
    return isinstance(value, str) and value in models.BUILDERS


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)
