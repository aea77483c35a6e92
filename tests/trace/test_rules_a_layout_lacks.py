"""A layout without some joints: the trace says which rules MAN went without."""

from __future__ import annotations

import models
from actviz.datasets.puppets import ACTIONS, make_scene
from actviz.learn.checkpoints import Card, Loaded
from actviz.trace.skeletons import trace_man


def problems(roles: dict[str, tuple[int, ...]]) -> list[str]:
    overrides = {"num_classes": len(ACTIONS), "roles": roles, "hidden": 8}
    card = Card(model="man", overrides=overrides, classes=ACTIONS, trained_on="nothing", frames=50)
    loaded = Loaded(models.build("man", **overrides).eval(), card, "0" * 64, "random-man")
    return trace_man(loaded, make_scene(3).skeleton()).clip["problems"]


def test_skipped_rules_are_named_in_one_problem():
    without = {k: v for k, v in models.NTU_ROLES.items() if "foot" not in k}
    before = problems(models.NTU_ROLES)
    more = [p for p in problems(without) if p not in before]
    assert len(more) == 1
    assert "forward along the left foot, forward along the right foot" in more[0]
    assert not any("normalisation" in p for p in before)
