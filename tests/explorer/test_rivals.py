"""Beside MAM: its stream on optical flow, and where soft-attention LSTMs look."""

from __future__ import annotations

import pytest
from test_pages import _a_server_that_has_run_before, opened, words  # noqa: F401

import models
from actviz.learn import checkpoints
from actviz.learn.checkpoints import Card, bundled, bundled_card, save_checkpoint

NARROW = {"num_classes": 12, "backbone": "resnet18_narrow", "width": 4}
SMALL = {
    "alstm": ("alstm", {"hidden_dim": 8}),
    "videolstm": ("videolstm", {"hidden_dim": 8, "motion_length": 2, "map_size": (4, 4)}),
    "mam-flow": ("mam", {"memory_dim": 8, "hidden_dim": 8, "controller_dim": 8, "flow_length": 2}),
}


@pytest.fixture
def company(monkeypatch, tmp_path):
    """Weights of nothing beside the bundled ones, where those that come along lie."""
    bundled_mam = bundled("mam")
    for file in bundled_mam.parent.glob("puppets-*"):
        if file.stem.removeprefix("puppets-") not in SMALL:
            (tmp_path / file.name).symlink_to(file)
    for name, (model, more) in SMALL.items():
        own = NARROW | more
        length = own.get("flow_length")
        seen = {"modality": "flow", "flow_length": length} if length else {}
        facts = {"classes": bundled_card("mam").classes, "frames": 4, "input_size": 64}
        card = Card(model, own, trained_on="nothing", dataset="puppets", **facts, **seen)
        network = models.build(model, **own)
        save_checkpoint(tmp_path / f"puppets-{name}.safetensors", network, card)
    monkeypatch.setattr(checkpoints, "WEIGHTS", tmp_path)


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """The bundled MAM with nothing beside it."""
    for file in bundled("mam").parent.glob("puppets-m[a-z]*"):
        if "flow" not in file.name:
            (tmp_path / file.name).symlink_to(file)
    (tmp_path / "puppets-tmnet.safetensors").symlink_to(bundled("tmnet"))
    monkeypatch.setattr(checkpoints, "WEIGHTS", tmp_path)


def test_nothing_is_offered_that_has_no_weights(alone):
    app = opened("memory")
    assert not app.exception and not app.error
    assert [group.key for group in app.button_group if group.key == "beside"] == []


def test_soft_attention_stands_beside_the_decisions_where_it_is_wanted(company):
    app = opened("memory")
    assert not app.exception and "looks here" not in words(app)
    app.button_group(key="beside").set_value(["alstm"]).run()
    assert not app.exception and not app.error
    assert "**ALSTM looks here**" in words(app) and "puppets-alstm" in words(app)
    assert "Of each of 4 frames' attention" in words(app)
    app.button(key="next-memory").click().run()
    assert not app.exception


def test_two_streams_give_their_answers_apart_and_together(company):
    app = opened("memory", clip="Throw", beside="temporal stream")
    assert not app.exception and not app.error
    said = words(app)
    for part in ("Frames alone: throw", "Optical flow alone:", "Both, by", "puppets-mam-flow"):
        assert part in said
    app.slider(key="threshold").set_value(1.0).run()
    assert not app.exception and "Optical flow alone" in words(app)
    assert "0 of 16 frames written" in words(app)


def test_all_stands_together_in_another_order(company):
    app = opened("memory", beside="videolstm", order="reversed")
    app.button_group(key="beside").set_value(["temporal stream", "alstm", "videolstm"]).run()
    assert not app.exception and not app.error
    assert "VideoLSTM looks here" in words(app) and "frames reversed" in words(app)
