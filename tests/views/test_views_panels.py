"""Panels side by side: every curve drawn at its levels, one key, nothing over anything else."""

from __future__ import annotations

import numpy as np
import pytest

from actviz.views import Panel, panels_figure

CURVES = {"MAN": [[0.9, 1.0], [0.5, 0.7]], "STCM alone": [[0.8, 0.9], [0.2, 0.4]]}


def panel(name: str = "noise", **changed) -> Panel:
    own = {"x_name": "cm", "levels": (0.0, 4.0), "curves": CURVES, "neutral": 0.0}
    return Panel(name, **(own | changed))


def test_means_of_every_curve_stand_at_their_levels_in_per_cent() -> None:
    figure = panels_figure([panel()], title="t")
    lines = [line for line in figure.axes[0].lines if line.get_linewidth() == 2]
    np.testing.assert_allclose([line.get_ydata() for line in lines], [[95, 60], [85, 30]])
    np.testing.assert_allclose(lines[0].get_xdata(), [0, 4])


def test_the_key_has_a_place_of_its_own_and_names_the_curves() -> None:
    figure = panels_figure([panel(str(n)) for n in range(4)], title="t", columns=4)
    assert len(figure.axes) == 5
    said = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert said == list(CURVES)


def test_words_of_panels_and_note_do_not_overlap() -> None:
    figure = panels_figure([panel(f"panel {n}") for n in range(5)], title="t", note="long " * 60)
    figure.canvas.draw()
    boxes = [a.get_tightbbox() for a in figure.axes[:5]]
    boxes += [text.get_window_extent() for text in figure.texts]
    for one, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[one + 1 :])


def test_curves_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 4 curves; got 0"):
        panels_figure([panel(curves={})], title="t")
    with pytest.raises(ValueError, match=r"N = 3 levels in 'noise'"):
        panels_figure([panel(levels=(0.0, 1.0, 2.0))], title="t")
    with pytest.raises(ValueError, match="expected curves MAN, STCM alone"):
        panels_figure([panel(), panel(curves={"MAN": CURVES["MAN"]})], title="t")
