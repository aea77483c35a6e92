"""A card says by which method the flow was computed that its weights were trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from actviz.datasets.base import Sample
from actviz.errors import CheckpointError
from actviz.learn.cards import Card, check_card
from actviz.learn.recipes import get_recipe
from actviz.learn.runs import DataPlace
from actviz.learn.summary import card_of


def card(recipe: str, *, prepared: Path | None = None, **overrides: Any) -> Card:
    asked = get_recipe(recipe)
    samples = {"train": (Sample("a/b", None, 0),)}
    task: Any = SimpleNamespace(
        recipe=asked,
        overrides=asked.build_overrides(2) | overrides,
        classes=("a", "b"),
        data_words="",
        layout=None,
        parts=SimpleNamespace(dataset=asked.data, protocol="", prepared=prepared, samples=samples),
    )
    return card_of(task, DataPlace())


@pytest.mark.parametrize("stored", [{"method": "tvl1"}, {"method": None}, None])
def test_prepared_flow_says_it_in_its_own_card(stored, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    if stored is not None:
        (tmp_path / "a" / "b" / "clip.json").write_text(json.dumps({"frames": 3} | stored))
    wanted = (stored or {}).get("method") or ""
    assert card("ucf101/tsn-flow", prepared=tmp_path).flow_method == wanted


def test_puppets_have_the_quick_flow_and_frames_have_none():
    assert card("puppets/mam-head").flow_method == ""
    assert card("puppets/mam-head", motion_length=5).flow_method == "dis"  # a second stream
    assert card("puppets/mam-head", motion_length=5, motion=False).flow_method == ""


def test_an_unknown_method_is_refused():
    sound = card("puppets/mam-head")
    with pytest.raises(CheckpointError, match="flow_method is 'guess', expected empty, dis or"):
        check_card(replace(sound, flow_method="guess"), "mine.json")
