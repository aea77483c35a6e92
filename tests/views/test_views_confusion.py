"""The confusion matrix can be read for one class or hundreds, and says what is confused."""

import itertools

import matplotlib
import numpy as np
import pytest

from actviz.views.confusion import confusion_figure, confusions_in_words


def words(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(matplotlib.text.Text) if t.get_text()]


def table(classes: int) -> np.ndarray:
    counts = np.diag(np.full(classes, 9))
    counts[0, -1] += 3
    return counts


@pytest.mark.parametrize("classes", [1, 2, 10, 30, 101])
def test_every_class_is_named_on_both_sides_in_letters_of_12_points(classes):
    figure = confusion_figure(table(classes), [f"kind {n}" for n in range(classes)], title="t")
    figure.draw_without_rendering()
    names = [f"kind {n}" for n in range(classes)]
    for labels in (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()):
        assert [t.get_text() for t in labels] == names
    texts = [t for t in figure.findobj(matplotlib.text.Text) if t.get_text()]
    assert min(t.get_fontsize() for t in texts) >= 12


@pytest.mark.parametrize("classes", [2, 10, 101])
def test_no_name_leaves_the_page_or_covers_its_neighbour(classes):
    figure = confusion_figure(table(classes), ["W" * 60] * classes, title="t", note="n " * 200)
    figure.draw_without_rendering()
    axes, page = figure.axes[0], figure.bbox
    labels = [t.get_window_extent() for t in (*axes.get_yticklabels(), *axes.get_xticklabels())]
    assert all(page.x0 <= box.x0 and page.y0 <= box.y0 for box in labels)
    upright = labels[:classes]
    gaps = [a.y0 - b.y1 for a, b in itertools.pairwise(upright)]
    assert all(gap > -2 for gap in gaps)  # pixels


def test_hundreds_of_classes_draw_without_names():
    figure = confusion_figure(table(400), [f"kind {n}" for n in range(400)], title="t")
    assert max(figure.get_size_inches()) < 40
    assert "kind 7" not in words(figure)


def test_counts_stand_in_their_cells_and_empty_cells_are_empty():
    figure = confusion_figure([[4, 0], [2, 5]], ["a", "b"], title="t")
    numbers = {(t.get_position(), t.get_text()) for t in figure.axes[0].texts}
    assert numbers == {((0, 0), "4"), ((0, 1), "2"), ((1, 1), "5")}


def test_names_are_words_and_never_formulas():
    confusion_figure(table(2), ["$x$", "a_{b"], title="$t", note="$n").draw_without_rendering()


def test_confusions_come_worst_first_in_words():
    counts = [[5, 3, 0], [0, 9, 0], [4, 0, 1]]
    assert confusions_in_words(counts, "abc") == ["c → a  4 of 5", "a → b  3 of 8"]
    assert confusions_in_words(np.diag([1, 2]), "ab") == []


@pytest.mark.parametrize("counts", [np.zeros((2, 3), int), -np.eye(2, dtype=int), np.eye(2), []])
def test_what_are_no_counts_is_refused(counts):
    with pytest.raises(ValueError, match="counts must"):
        confusion_figure(counts, ["a", "b"], title="t")
