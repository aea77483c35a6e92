"""Which clips a model is tested on: the data set, its part, and labels as the weights count them.

N clips · K classes
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from actviz.datasets.base import Dataset, Sample, hold_out
from actviz.errors import ActvizError
from actviz.learn.checkpoints import Card, Loaded
from actviz.learn.data.parts import prepared_place, present
from actviz.learn.data.sources import FrameSource, JointSource
from actviz.learn.data.streams import pair_streams
from actviz.learn.recipes import PictureRecipe, Recipe, get_recipe, parse_settings

__all__ = [
    "coarse_groups",
    "crop_side",
    "data_name",
    "labelled_samples",
    "motion_length",
    "open_data",
    "open_source",
    "recipe_of",
    "samples_of",
]

_VAL_SHARE = 0.1  # of training clips, where the weights' recipe is not known


def data_name(loaded: Loaded, data: str | Path | None, dataset: str) -> str:
    """Key of the data set to test on: the one asked for, what ``data`` is, or the card's.

    Raises:
        ActvizError: a data set that needs a place, and none is given.
    """
    card = loaded.card
    if dataset or str(data) == "puppets":
        return dataset or "puppets"
    if data is not None:
        from actviz.datasets import recognise

        return recognise(Path(data))
    name = card.dataset or ("puppets" if card.trained_on == "puppets" else "")
    if name != "puppets":
        raise ActvizError(
            f"{loaded.name}: expected --data, the folder or list of the data set"
            f"{f' {name}' if name else ''} to score on."
        )
    return name


def open_data(name: str, data: str | Path | None) -> Dataset:
    """The data set of that name at ``data``."""
    from actviz.datasets import open_dataset

    return open_dataset(name, None if data is None else Path(data))


def labelled_samples(
    loaded: Loaded, data: Dataset, protocol: str, part: str, *, prepared: str | Path | None = None
) -> tuple[tuple[Sample, ...], dict[str, int]]:
    """The part's clips, and each one's label as the weights count classes: matched by name."""
    unknown = [name for name in data.classes if name not in loaded.card.classes]
    if unknown:
        ours = [name for name in loaded.card.classes if name not in data.classes]
        raise ActvizError(
            f"{loaded.name}: these weights know {len(loaded.card.classes)} classes and {data.name} "
            f"has {len(data.classes)}; unknown to the weights: {_few(unknown)}; not in the data: "
            f"{_few(ours)}. Score on the data set they were trained for, or train on this one."
        )
    samples = samples_of(loaded, data, protocol, part, prepared=prepared)
    place = [loaded.card.classes.index(name) for name in data.classes]
    return samples, {s.key: place[s.label] for s in samples}


def samples_of(
    loaded: Loaded, data: Dataset, protocol: str, part: str, *, prepared: str | Path | None = None
) -> tuple[Sample, ...]:
    """The clips of one part; validation is held out as the weights' own training held it out.

    Args:
        prepared: where prepared pictures are; a clip is there as a file, or prepared.

    Raises:
        ActvizError: the data set has no such part.
    """
    split, recipe = data.split(protocol), recipe_of(loaded.card)
    train, val, test = split.train, split.val, split.test
    chosen_by_test = recipe is not None and recipe.choose == "test"
    if not val and train and part != "test" and not chosen_by_test:
        share = recipe.val_share if recipe else _VAL_SHARE
        there, _ = present(train, prepared_place(data, prepared))  # as training parts them
        if share:  # 0: nothing was held out
            train, val = hold_out(there, share=share, seed=loaded.card.seed or 0)
    samples = {"train": train, "val": val, "test": test}[part]
    if not samples:
        others = {"train": train, "val": val, "test": test}
        named = ", ".join(f"{name} {len(some)}" for name, some in others.items() if some)
        raise ActvizError(
            f"{data.name} has no {part} clips by protocol {split.name}; it has {named or 'none'}: "
            "choose with --part" + (", or another --protocol." if data.protocols[1:] else ".")
        )
    return samples


def recipe_of(card: Card) -> Recipe | None:
    """The recipe that the card's command names, with its settings; None where it is unknown."""
    return _recipe(card.recipe, card.command)


@lru_cache(maxsize=64)
def _recipe(name: str, command: str) -> Recipe | None:
    try:
        settings = [b for a, b in pairwise(shlex.split(command)) if a == "--set"]
        return get_recipe(name, parse_settings(settings))
    except ValueError:  # foreign weights, or a recipe that is no longer there
        return None


def _few(names: list[str]) -> str:
    return (
        ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "none"
    )


def coarse_groups(data: Dataset, classes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The data set's coarse groups, of the classes that the weights know."""
    return {group: tuple(n for n in names if n in classes) for group, names in data.coarse.items()}


def open_source(
    card: Card,
    data: Dataset,
    samples: tuple[Sample, ...],
    *,
    prepared: str | Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> FrameSource | JointSource:
    """Where the clips are read from, as the weights were trained to see them.

    Raises:
        ActvizError: pictures where the weights want joints, or the reverse.
    """
    wanted = "video" if card.layout is None else "skeleton"
    if data.kind != wanted:
        raise ActvizError(
            f"these weights look at {wanted}s and {data.name} at {data.root} holds {data.kind}s; "
            "choose other weights, or another data set."
        )
    if card.layout is not None:
        from actviz.learn.data.joints import open_joints

        return open_joints(samples, layout=card.layout, progress=progress)
    from actviz.learn.data.pictures import open_frames

    modality: Any = card.modality
    resize: Any = card.resize
    opened = partial(
        open_frames,
        samples,
        prepared=prepared_place(data, prepared),
        side=crop_side(card),
        resize=resize,
        progress=progress,
    )
    source: Any = opened(modality=modality)
    if motion_length(card) and modality == "rgb":
        source = pair_streams(source, opened(modality="flow"))
    return source


def motion_length(card: Card) -> int:
    """L of the flow that a second stream sees beside each frame; 0: there is one stream."""
    length = card.overrides.get("motion_length") if card.overrides.get("motion", True) else 0
    return int(length or 0)


def crop_side(card: Card) -> int:
    """Pixels that the short side, or both, has before cropping: 256 for an input of 224."""
    recipe = recipe_of(card)
    if isinstance(recipe, PictureRecipe):
        return recipe.side
    return (card.input_size or 0) * 256 // 224
