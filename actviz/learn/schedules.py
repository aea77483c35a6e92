"""Learning rates, each step's own following from its number: so a resumed run needs no state.

Iterations are optimiser steps. Only "plateau" remembers something, the validation losses so far.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from actviz.learn.recipes import Recipe

__all__ = ["Plateau", "epochs_of", "learning_rate_trace", "rate_factor", "steps_of"]

_LEAST_GAIN = 1e-4  # of the validation loss, to count as better


@dataclass
class Plateau:
    """Keras's ReduceLROnPlateau on the validation loss, as a factor of the first rate.

    Counted as in Keras 2.0.8, which MAN was trained with (and as torch counts): the rate is
    multiplied with ``factor``, never under ``least``, after the first epoch beyond ``patience``
    without a loss lower by more than 1e-4; then ``cooldown`` epochs pass before it counts again.
    """

    factor: float
    patience: int
    cooldown: int
    least: float  # of the first rate
    now: float = 1.0
    best: float = math.inf
    waited: int = 0
    cooling: int = 0

    @classmethod
    def of(cls, recipe: Recipe) -> Plateau:
        """As the recipe has it."""
        return cls(
            recipe.plateau_factor,
            recipe.plateau_patience,
            recipe.plateau_cooldown,
            recipe.least_rate / recipe.learning_rate,
        )

    def after(self, loss: float) -> None:
        """Take one epoch's validation loss into account."""
        if self.cooling:
            self.cooling -= 1
            self.waited = 0
        if loss < self.best - _LEAST_GAIN:
            self.best, self.waited = loss, 0
        elif not self.cooling:
            if self.waited >= self.patience and self.now > self.least:
                self.now = max(self.now * self.factor, self.least)
                self.cooling, self.waited = self.cooldown, 0
            self.waited += 1

    def state(self) -> list[float]:
        """What it remembers."""
        return [self.now, self.best, self.waited, self.cooling]

    def restore(self, state: Sequence[float]) -> None:
        """Go on from ``state()``."""
        self.now, self.best = state[0], state[1]
        self.waited, self.cooling = int(state[2]), int(state[3])


def rate_factor(recipe: Recipe, step: int, total: int, *, plateau: float = 1.0) -> float:
    """What every learning rate is multiplied with at ``step`` of ``total`` iterations, from 0 on.

    Args:
        plateau: the factor that ``Plateau.now`` says, for that schedule.
    """
    warm = min((step + 1) / recipe.warmup, 1.0) if recipe.warmup else 1.0
    if recipe.schedule == "step":
        return warm * 0.1 ** sum(step >= m for m in recipe.milestones)
    if recipe.schedule == "cosine" and step >= recipe.warmup:
        done = (step - recipe.warmup) / max(total - recipe.warmup, 1)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1)))
    return warm * plateau if recipe.schedule == "plateau" else warm


def steps_of(recipe: Recipe, steps_per_epoch: int) -> int:
    """Optimiser steps of the whole training."""
    return recipe.iterations or recipe.epochs * steps_per_epoch


def epochs_of(recipe: Recipe, steps_per_epoch: int) -> int:
    """Epochs of the whole training; where ``iterations`` are asked for, the last may be short."""
    return math.ceil(steps_of(recipe, steps_per_epoch) / steps_per_epoch)


def learning_rate_trace(
    recipe: Recipe, *, steps_per_epoch: int, val_losses: Sequence[float] = ()
) -> list[float]:
    """The learning rate of every iteration, as the engine sets it.

    Args:
        val_losses: of each epoch, for "plateau"; where they end, the rate stays.
    """
    plateau = Plateau.of(recipe)
    total = steps_of(recipe, steps_per_epoch)
    rates = []
    for step in range(total):
        if step and step % steps_per_epoch == 0 and step // steps_per_epoch <= len(val_losses):
            plateau.after(val_losses[step // steps_per_epoch - 1])
        rates.append(recipe.learning_rate * rate_factor(recipe, step, total, plateau=plateau.now))
    return rates
