"""Learning rates of every iteration: the papers' numbers, and Keras's plateau counted by hand."""

from dataclasses import replace

import pytest

from actviz.learn.recipes import get_recipe
from actviz.learn.schedules import Plateau, epochs_of, learning_rate_trace, rate_factor


def _steps(rates: list[float]) -> dict[int, float]:
    """Iterations at which the rate changes, with the new rate."""
    first = {0: rates[0]}
    return first | {i: r for i, r in enumerate(rates) if i and r != rates[i - 1]}


@pytest.mark.parametrize(
    ("name", "length", "changes"),
    [
        ("ucf101/mam-vgg16-rgb", 18000, {0: 1e-3, 6000: 1e-4, 12000: 1e-5}),
        ("ucf101/mam-resnet101-tsn-rgb", 18000, {0: 1e-3, 6000: 1e-4, 12000: 1e-5}),
        ("hmdb51/mam-vgg16-flow", 80000, {0: 5e-3, 48000: 5e-4, 72000: 5e-5}),
        ("ucf101/tmnet-2d", 24000, {0: 0.01, 10000: 1e-3, 16000: 1e-4}),
        ("hmdb51/tmnet-3d-b", 24000, {0: 0.01, 10000: 1e-3, 16000: 1e-4}),
        ("ucf101/tsn-rgb", 3500, {0: 1e-3, 1500: 1e-4, 3000: 1e-5}),
    ],
)
def test_rates_fall_at_the_iterations_that_the_papers_name(name, length, changes):
    rates = learning_rate_trace(get_recipe(name), steps_per_epoch=149)
    assert len(rates) == length
    assert _steps(rates) == pytest.approx(changes)
    assert list(_steps(rates)) == list(changes)


def test_man_falls_by_keras_plateau_and_never_under_its_least_rate():
    recipe = get_recipe("utkinect/man", {"warmup": 0})
    losses = [2.0, 1.0, *[1.0] * 40]  # better once, never again
    rates = learning_rate_trace(recipe, steps_per_epoch=2, val_losses=losses)
    assert len(rates) == 100
    # epoch 1 is the best; epochs 2 to 6 are the patience, 7 is one too many; then 3 of rest, the
    # third of which counts again: 10 to 14 are the patience, 15 is one too many; and so is 23.
    expected = {0: 0.01, 16: 0.002, 32: 0.0004, 48: 0.0001}
    assert _steps(rates) == pytest.approx(expected)
    assert list(_steps(rates)) == list(expected)


def test_plateau_counts_only_gains_above_a_ten_thousandth():
    plateau = Plateau(factor=0.2, patience=2, cooldown=0, least=0.01)
    for loss in (1.0, 0.99995, 0.9999, 0.9999):  # 1e-4 in all, but not more
        plateau.after(loss)
    assert plateau.now == pytest.approx(0.2)
    plateau.after(0.9)
    plateau.after(0.95)
    assert plateau.now == pytest.approx(0.2)
    assert plateau.best == 0.9


def test_plateau_goes_on_from_its_state():
    whole, cut = (Plateau(0.2, 2, 1, 0.001) for _ in range(2))
    losses = [1.0, 1.1, 1.2, 1.1, 0.8, 0.9, 0.9, 0.9, 0.9]
    for loss in losses[:4]:
        whole.after(loss)
    cut.restore(whole.state())
    for loss in losses[4:]:
        whole.after(loss)
        cut.after(loss)
    assert whole == cut


def test_learning_rate_warms_up_then_falls():
    cosine = get_recipe("puppets/man", {"warmup": 4, "schedule": "cosine"})
    found = [rate_factor(cosine, step, 104) for step in (0, 4, 54, 104)]
    assert found == pytest.approx([0.25, 1, 0.5, 0])
    constant = get_recipe("puppets/man", {"warmup": 2, "schedule": "constant"})
    assert [rate_factor(constant, step, 9) for step in range(4)] == [0.5, 1, 1, 1]


def test_iterations_stand_in_for_epochs():
    recipe = get_recipe("puppets/man", {"epochs": 3})
    assert epochs_of(recipe, 7) == 3
    assert epochs_of(replace(recipe, iterations=15), 7) == 3
    assert epochs_of(replace(recipe, iterations=14), 7) == 2
    assert len(learning_rate_trace(replace(recipe, iterations=15), steps_per_epoch=7)) == 15
