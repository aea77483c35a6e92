"""What each model trains on and how one step of it goes; the engine runs any of them alike.

task = make_task(get_recipe("ucf101/mam-vgg16-rgb"), root=Path("/data/ucf101"))
task.prepare()
for batch in task.batches("train", epoch=0):
    step = task.step(batch, train=True)
"""

from __future__ import annotations

from pathlib import Path

from actviz.errors import ActvizError
from actviz.learn.data.batches import Batches
from actviz.learn.data.makers import pad_skeletons
from actviz.learn.data.parts import open_parts
from actviz.learn.recipes import (
    ClipRecipe,
    MAMRecipe,
    MANRecipe,
    PictureRecipe,
    Recipe,
    SequenceRecipe,
    TMNetRecipe,
)
from actviz.learn.recipes.base import TWO_STREAM
from actviz.learn.tasks.base import Place, Progress, Step, Task
from actviz.learn.tasks.frozen import FrozenMAMTask, FrozenSequenceTask, FrozenTSNTask
from actviz.learn.tasks.pictures import MAMTask, PictureTask, TMNetTask
from actviz.learn.tasks.skeletons import MANTask

__all__ = ["Batches", "Step", "Task", "classes_of", "make_task", "pad_skeletons"]


def make_task(
    recipe: Recipe,
    *,
    root: Path | None = None,
    prepared: Path | None = None,
    progress: Progress | None = None,
) -> Task:
    """How ``recipe`` trains, with its data found and its network at its starting weights.

    Args:
        root: the data set's folder (of ``folder`` data sets a CSV, too); puppets need none.
        prepared: where ``actviz data prepare`` put pictures and flow; ``root/prepared`` where that
            is there.
        progress: told how far preparation is, as (stage, done, total).

    Raises:
        ActvizError: data, network or weights are not there or do not go together.
    """
    parts = open_parts(recipe, root, prepared)
    return _kind(recipe)(recipe, parts, Place(root, parts.prepared, progress))


def classes_of(recipe: Recipe, root: Path | None = None) -> tuple[str, ...]:
    """Names of the classes of the recipe's data."""
    return open_parts(recipe, root).classes


def _kind(recipe: Recipe) -> type[Task]:
    if isinstance(recipe, MANRecipe):
        return MANTask
    if isinstance(recipe, MAMRecipe):
        return FrozenMAMTask if recipe.freeze_backbone else MAMTask
    if isinstance(recipe, TMNetRecipe):
        return TMNetTask
    frozen = isinstance(recipe, PictureRecipe) and recipe.freeze_backbone
    if frozen and isinstance(recipe, ClipRecipe):
        raise ActvizError(
            f"{recipe.name}: {recipe.model} sees the frames of a clip together, so that no frozen "
            "CNN can look at them one by one; leave freeze_backbone as it is."
        )
    if isinstance(recipe, SequenceRecipe):
        return _kind_of_sequence(recipe)
    return FrozenTSNTask if frozen else PictureTask


def _kind_of_sequence(recipe: SequenceRecipe) -> type[Task]:
    if recipe.freeze_backbone:
        return FrozenSequenceTask
    if recipe.model in TWO_STREAM:
        raise ActvizError(
            f"{recipe.name}: two frame CNNs are not trained together here; leave freeze_backbone "
            "as it is, and train each by a recipe of its own (start_from, start_from_flow)."
        )
    return PictureTask
