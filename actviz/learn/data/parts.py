"""Who is trained on, who chooses the epoch, who is tested on: a split as a recipe has it.

K classes
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from actviz.datasets import open_dataset
from actviz.datasets.base import Dataset, Kind, Sample, Split, hold_out
from actviz.datasets.prepared import Prepared
from actviz.datasets.puppets import scene_seeds
from actviz.errors import ActvizError
from actviz.learn.recipes import MANRecipe, Recipe

__all__ = ["PARTS", "Parts", "open_parts", "prepared_place", "present", "spread_over"]

PARTS = ("train", "val", "test")
_PUPPETS = {"train": 2400, "val": 240, "test": 600}  # where the recipe names no number


@dataclass(frozen=True)
class Parts:
    """The samples of a training whose files are there, and what is to be said of them."""

    dataset: str
    kind: Kind
    classes: tuple[str, ...]  # (K,)
    samples: dict[str, tuple[Sample, ...]]  # by part: "train", "val", "test"
    protocol: str = ""
    layout: str | None = None  # of skeletons, where all share one
    missing: dict[str, str] = field(default_factory=dict)  # key -> reason, not among the samples
    held_out: str = ""  # how validation came about, a phrase
    prepared: Path | None = None  # where prepared pictures are


def open_parts(recipe: Recipe, root: Path | None, prepared: Path | None = None) -> Parts:
    """The parts of ``recipe.data`` at ``root``; a clip is there as a file, or prepared.

    Args:
        prepared: where pictures and flow are; None: where ``actviz data prepare`` puts them.

    Raises:
        ActvizError: no such data set or protocol, nothing at ``root``, pictures where skeletons
            are wanted or the reverse, or no clip to train on.
    """
    if recipe.data == "puppets":
        return _puppets(recipe)
    data = open_dataset(recipe.data, root)
    wanted: Kind = "skeleton" if isinstance(recipe, MANRecipe) else "video"
    if data.kind != wanted:
        raise ActvizError(
            f"{recipe.name} needs {wanted}s; {data.name} at {data.root} holds {data.kind}s: take a "
            "recipe for these, or another data set."
        )
    split = data.split(recipe.protocol)
    prepared = prepared_place(data, prepared)
    there, missing = _present(split, prepared)
    _check_trainable(data, split, there, root)
    train, val, words = _validation(recipe, there)
    parts = {"train": train, "val": val, "test": there.test}
    limited = {p: spread_over(s, getattr(recipe, f"{p}_clips")) for p, s in parts.items()}
    return Parts(
        dataset=data.name,
        kind=data.kind,
        classes=data.classes,
        samples=limited,
        protocol=split.name if len(data.protocols) > 1 else "",
        layout=data.layout,
        missing=missing,
        held_out=words,
        prepared=prepared,
    )


def _check_trainable(data: Dataset, split: Split, there: Split, root: Path | None) -> None:
    """Refuse what nothing can be learnt from."""
    what = f"{data.name} ({split.name})"
    if not split.train:
        raise ActvizError(
            f"{root}: {what} has no training clips; add some, or only evaluate on it."
        )
    if not there.train:
        raise ActvizError(
            f"{root}: none of the {len(split.train)} clips that {what} trains on is there; "
            "`actviz data check` says what is missing."
        )
    if len(data.classes) < 2:
        raise ActvizError(
            f"{root}: expected two classes or more to tell apart; got only {data.classes[0]}; put "
            "each class into a folder of its own, or into the table's column label."
        )


def spread_over(samples: tuple[Sample, ...], limit: int) -> tuple[Sample, ...]:
    """At most ``limit`` samples (0: all), evenly over the list, which goes class by class."""
    if not limit or limit >= len(samples):
        return samples
    return tuple(samples[i * len(samples) // limit] for i in range(limit))


def _puppets(recipe: Recipe) -> Parts:
    counts = {p: getattr(recipe, f"{p}_clips") or _PUPPETS[p] for p in PARTS}
    data: Dataset = open_dataset("puppets", None, **counts)
    split = data.split()
    seeds = (list(scene_seeds(part, counts[part])) for part in PARTS)
    shown = ", ".join(f"{min(numbers)} to {max(numbers)}" for numbers in seeds)
    words = f"seeds {shown}; no actor, background or camera in two parts"
    samples = {"train": split.train, "val": split.val, "test": split.test}
    kind: Kind = "skeleton" if isinstance(recipe, MANRecipe) else "video"
    return Parts("puppets", kind, data.classes, samples, layout="ntu-25", held_out=words)


def prepared_place(data: Dataset, prepared: str | Path | None = None) -> Path | None:
    """Where the data set's prepared pictures are: ``prepared``, or the usual folder if it is there.

    None where there are none; skeletons are never prepared.
    """
    from actviz.datasets.prepare import prepared_folder  # with what prepares, not needed here

    if data.kind != "video":
        return None
    if prepared is not None:
        return Path(prepared)
    usual = prepared_folder(data)
    return usual if usual.is_dir() else None


def present(
    samples: tuple[Sample, ...], prepared: Path | None = None
) -> tuple[tuple[Sample, ...], dict[str, str]]:
    """The samples that are there, as a file or prepared, and why the others are not, by key."""
    stored = Prepared(prepared) if prepared is not None else None
    missing: dict[str, str] = {}
    for sample in samples:
        gone = sample.path is not None and not sample.path.is_file()
        if gone and not (stored is not None and stored.folder(sample.key).is_dir()):
            missing[sample.key] = f"no file {sample.path.name}" if sample.path else "no file"
    return tuple(s for s in samples if s.key not in missing), missing


def _present(split: Split, prepared: Path | None) -> tuple[Split, dict[str, str]]:
    """The split without samples that are not there, and those with the reason."""
    train, val, test = (present(part, prepared) for part in (split.train, split.val, split.test))
    there = replace(split, train=train[0], val=val[0], test=test[0])
    return there, train[1] | val[1] | test[1]


def _validation(recipe: Recipe, split: Split) -> tuple[tuple[Sample, ...], tuple[Sample, ...], str]:
    """Training and validation samples, and how they were parted, in words."""
    if recipe.choose == "test":
        return split.train, split.test, "the epoch was chosen by the test part, nothing held out"
    if split.val:
        return split.train, split.val, "validation as the data set has it"
    if not recipe.val_share:
        return split.train, (), "nothing held out"
    train, val = hold_out(split.train, share=recipe.val_share, seed=recipe.seed)
    if not val:
        return train, (), "nothing held out: every group has some class to itself"
    grouped = any(sample.group for sample in split.train)
    what = "whole groups" if grouped else "clips"
    share = f"{recipe.val_share:.0%} of the training part, {what}, by seed {recipe.seed}"
    return train, val, f"validation held out: {share}"
