"""The card of a training, what it says in words, and figures of several seeds put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from actviz.datasets.prepared import Prepared
from actviz.learn.cards import Card
from actviz.learn.data.puppet_flow import PUPPET_FLOW
from actviz.learn.recipes import PictureRecipe, Recipe
from actviz.learn.runs import DataPlace, command_of, git_commit

if TYPE_CHECKING:
    from actviz.learn.tasks import Task

__all__ = ["card_of", "limits_in_words", "spread"]

_AIM = 0.85  # top-1 that a model which sees order should reach on the puppets
_SPREAD_OF = ("top1", "mean_class", "write", "attention", "camera_top1", "hips_top1")


def card_of(task: Task, place: DataPlace) -> Card:
    """The card of what ``task`` trains, before any figure is known."""
    recipe = task.recipe
    return Card(
        model=recipe.model,
        overrides=task.overrides,
        classes=task.classes,
        trained_on=_trained_on(recipe, place),
        frames=recipe.frames,
        recipe=recipe.name,
        command=command_of(recipe, place),
        seed=recipe.seed,
        commit=git_commit(),
        data=task.data_words,
        dataset=recipe.data,
        protocol=task.parts.protocol,
        layout=task.layout,
        flow_method=_flow_method(task),
        **_seen(recipe),
    )


def _seen(recipe: Recipe) -> dict[str, Any]:
    """What the network is shown of a clip."""
    if not isinstance(recipe, PictureRecipe):
        return {}
    same = ("input_size", "modality", "sampling", "stride", "resize", "test_views")
    length = recipe.flow_length if recipe.modality == "flow" else 1
    return {name: getattr(recipe, name) for name in same} | {"flow_length": length}


def _flow_method(task: Task) -> str:
    """How the flow was computed that ``task`` trains on; "": it trains on none, or none says."""
    recipe, overrides = task.recipe, task.overrides
    both = overrides.get("motion", True) and overrides.get("motion_length")
    if not (both or getattr(recipe, "modality", "") == "flow"):
        return ""
    if task.parts.dataset == "puppets":
        return PUPPET_FLOW
    if task.parts.prepared is None:
        return ""
    made = Prepared(task.parts.prepared).card(task.parts.samples["train"][0].key)
    return str((made or {}).get("method") or "")


def _trained_on(recipe: Recipe, place: DataPlace) -> str:
    if recipe.data != "folder" or place.root is None:
        return recipe.data
    return f"clips of {place.root.resolve().stem}"


def limits_in_words(recipe: Recipe, metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """What these weights cannot do, each a sentence, with the numbers that show it."""
    limits = _puppet_limits(recipe, metrics) if recipe.data == "puppets" else []
    if recipe.choose == "test":
        limits.append(
            "The epoch was chosen by its score on the test part, as MAN's authors did: the "
            "figures are better than those of clips that nothing was chosen by."
        )
    if metrics.get("split") == "val":
        limits.append(
            "Never tested: the data set has no test part, so the figures are of the validation "
            "part, by which the epoch was chosen too; clips of another day will score lower."
        )
    if metrics.get("split") == "none":
        limits.append(
            "Never tested: the data set has neither a test part nor a validation part; the last "
            "epoch was kept."
        )
    return (*limits, *_looks_in_words(metrics))


def _puppet_limits(recipe: Recipe, metrics: Mapping[str, Any]) -> list[str]:
    limits = [
        "Trained on puppets alone: on real video its answers mean nothing and its maps and "
        "curves show how the model works, not what is in the clip."
    ]
    if recipe.model in ("mam", "man") and metrics["top1"] < _AIM:
        gap = 100 * (_AIM - metrics["top1"])
        limits.append(
            f"Top-1 on the test split is {metrics['top1']:.3f}, {gap:.1f} points under the "
            f"{_AIM:.0%} aimed at."
        )
    for pair, shares in metrics.get("pairs", {}).items():
        if (shares["swapped"] or 0) > 0.1:  # None: too few clips to say
            limits.append(
                f"{pair}, each the other reversed in time, are taken for one another in "
                f"{shares['swapped']:.0%} of their clips."
            )
    if recipe.model == "tmnet":
        seen = metrics["centre_is_evidence"]
        limits.append(
            "One glance sees one frame: order in time is beyond it, and the centre frame shows "
            f"the action in {seen:.0%} of the test clips only."
        )
    return limits


def _looks_in_words(metrics: Mapping[str, Any]) -> list[str]:
    """Whether curves and maps find what is known to matter, in so many words."""
    said = []
    if "write" in metrics:
        write = metrics["write"]
        said.append(
            f"Of the frames written, {_share(write['precision'])} show the action (chance "
            f"{_share(write['chance'])}); of those that show it, {_share(write['recall'])} are "
            "written."
        )
    curve = metrics.get("attention", {}).get("mean", {})
    if None not in (curve.get("sd"), curve.get("auroc")):
        said.append(
            f"Attention varies by {curve['sd']:.4f} within a clip and ranks frames that show the "
            f"action above others with probability {curve['auroc']:.2f} (chance 0.50)."
        )
    for branch in ("rb", "cb"):
        if f"cam_{branch}" in metrics:
            limbs = metrics[f"cam_{branch}"]["limbs"]
            said.append(
                f"{branch.upper()}'s map has {_share(limbs['energy_inside'])} of its evidence on "
                f"the moving limbs, which fill {_share(limbs['area'])} of the picture."
            )
    return said


def _share(value: float | None) -> str:
    return "an unknown share" if value is None else f"{value:.0%}"


def spread(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and sample standard deviation over trainings that differ in their seed alone."""
    flat = [_flat({k: run[k] for k in _SPREAD_OF if k in run}) for run in runs]
    return {
        "count": len(runs),
        **{
            key: {
                "mean": float(np.mean(values)),
                "sd": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
                "values": values,
            }
            for key in flat[0]
            if all(key in run for run in flat)
            for values in [[run[key] for run in flat]]
        },
    }


def _flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[prefix + key] = float(value)
    return found
