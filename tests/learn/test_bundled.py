"""The weights that come with the project: whole, small, and as good as their cards say."""

import math

import pytest

from actviz.datasets import puppets
from actviz.errors import CheckpointError
from actviz.learn.checkpoints import WEIGHTS, bundled, load_checkpoint
from actviz.learn.evaluate import evaluate
from actviz.learn.recipes import RECIPES

NAMES = {  # name of the weights -> model
    **{name: name for name in ("mam", "tmnet", "man", "tsn", "alstm", "videolstm")},
    **{"tsn-flow": "tsn", "mam-flow": "mam"},
}
CLIPS = 48


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def test_all_weights_together_stay_under_25_megabytes():
    files = list(WEIGHTS.iterdir())
    assert {f"puppets-{n}.safetensors" for n in NAMES} <= {f.name for f in files}
    assert sum(f.stat().st_size for f in files) < 25e6


@pytest.mark.parametrize("name", NAMES)
def test_card_says_how_the_weights_came_to_be(name):
    loaded = load_checkpoint(bundled(name))
    card = loaded.card
    assert loaded.name == f"puppets-{name}"
    assert card.model == NAMES[name]
    assert card.classes == tuple(puppets.ACTIONS)
    assert card.recipe in RECIPES
    assert card.command.startswith(f"actviz train {card.recipe}")
    assert len(card.commit) == 40  # of a tree without changes
    assert "test 600 clips" in card.data and "2400000" in card.data
    assert (card.input_size, card.layout) == ((None, "ntu-25") if name == "man" else (112, None))
    assert card.metrics["clips"] == 600
    assert any("puppets alone" in limit for limit in card.limits)


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_as_good_as_the_card_says(name):
    loaded = load_checkpoint(bundled(name))
    claimed = loaded.card.metrics["top1"]
    metrics = evaluate(loaded, clips=CLIPS).scores()
    error = math.sqrt(claimed * (1 - claimed) / CLIPS)
    assert metrics["top1"] == pytest.approx(claimed, abs=3 * error + 0.02)


def test_no_weights_of_that_name():
    with pytest.raises(CheckpointError, match=r"expected one of the bundled models .*'mam'"):
        bundled("mom")


@pytest.mark.parametrize("name", NAMES)
def test_readme_says_what_the_cards_say(name):
    card = load_checkpoint(bundled(name)).card
    row = next(
        line
        for line in (WEIGHTS / "README.md").read_text().splitlines()
        if line.startswith(f"| `puppets-{name}`")
    )
    assert f"| {100 * card.metrics['top1']:.1f} % |" in row
    assert f"`{card.command}`" in row
