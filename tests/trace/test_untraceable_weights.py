"""Weights that can be trained but not yet looked into are refused in words, not by accident."""

from dataclasses import replace

import pytest

import models
from actviz.datasets.puppets.gallery import gallery
from actviz.describe import describe_file
from actviz.errors import CheckpointError
from actviz.learn.checkpoints import Card, bundled_card
from actviz.trace.run import check_traceable

SMALL = {"num_classes": 2, "backbone": "resnet18_narrow", "width": 8}
CARD = Card(
    model="tsn", overrides=SMALL, classes=("a", "b"), trained_on="tests", frames=3, input_size=32
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "nobody"}, "of nobody, which has nothing to show"),
        ({"model": "stgcn"}, "of stgcn, whose answers alone are compared with MAN's"),
        ({"model": "tmnet", "modality": "flow"}, "TMNet on optical flow, not traced yet"),
    ],
)
def test_what_is_not_traced_yet_is_refused(change, said):
    with pytest.raises(CheckpointError, match=said):
        check_traceable(replace(CARD, **change), "mine.safetensors")


@pytest.mark.parametrize("model", ["mam", "tmnet", "man", "tsn"])
def test_bundled_weights_can_all_be_traced(model):
    check_traceable(bundled_card(model), model)


def test_looking_into_a_file_builds_no_network(monkeypatch):
    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("a network was built")

    monkeypatch.setattr(models, "build", refuse)
    clip = gallery()[0]
    assert "at 112 x 112" in dict(describe_file(clip.video))["MAM sees"]
    assert "in layout ntu-25" in dict(describe_file(clip.skeleton))["MAN sees"]
