"""One glance at one picture: the same answer and maps as a trace gives, in [0, 1]."""

from __future__ import annotations

import numpy as np
import pytest
from live_films import CLASSES, glancing, picture

from actviz.clip.types import Clip
from actviz.errors import ActvizError
from actviz.live.glance import one_glance
from actviz.trace.frames import trace_tmnet


def test_answers_and_maps_are_those_of_a_trace_of_the_picture():
    loaded, seen = glancing(), picture()
    trace = trace_tmnet(loaded, Clip(seen[None], np.zeros(1), np.zeros(1, np.int64), "x", "0"))
    found = one_glance(loaded, seen)
    np.testing.assert_allclose(found.probabilities, trace.probabilities[0], atol=1e-6)
    np.testing.assert_allclose(found.probabilities_rb, trace.probabilities_rb[0], atol=1e-6)
    np.testing.assert_allclose(found.cam_rb, trace.cam_rb[0], atol=1e-3)  # stored as float16
    np.testing.assert_allclose(found.cam_cb, trace.cam_cb[0], atol=1e-3)
    assert found.cam_class == trace.cam_class
    assert found.cam_max == pytest.approx(trace.cam_max, rel=1e-5)


def test_top_is_sorted_and_of_class_reads_every_branch():
    found = one_glance(glancing(), picture())
    best = found.top(2)
    assert best[0] == (found.cam_class, pytest.approx(found.probabilities.max()))
    assert best[0][1] >= best[1][1]
    k = CLASSES.index("clap")
    three = (found.probabilities_rb, found.probabilities_cb, found.probabilities)
    assert found.of_class("clap") == pytest.approx([p[k] for p in three])


def test_both_maps_share_one_scale_that_a_stream_hands_on():
    alone = one_glance(glancing(), picture())
    assert max(alone.cam_rb.max(), alone.cam_cb.max()) == pytest.approx(1)
    later = one_glance(glancing(), picture(), scale_from=4 * alone.cam_max)
    np.testing.assert_allclose(later.cam_rb, alone.cam_rb / 4, atol=1e-6)
    assert later.cam_max == pytest.approx(4 * alone.cam_max)


def test_no_positive_evidence_gives_empty_maps():
    loaded = glancing()
    loaded.model.classifier.weight.data.abs_().neg_()  # features follow a ReLU: never negative
    found = one_glance(loaded, picture())
    assert found.cam_max == 0
    assert not found.cam_rb.any()
    assert not found.cam_cb.any()


def test_the_asked_class_is_mapped_and_unknown_ones_refused():
    for name in ("squat", "Squat"):
        assert one_glance(glancing(), picture(), cam_class=name).cam_class == "squat"
    with pytest.raises(ActvizError, match=r"class must be one of wave.*got 'dance'"):
        one_glance(glancing(), picture(), cam_class="dance")


def test_other_models_and_pictures_are_refused():
    with pytest.raises(ActvizError, match="expected weights of tmnet"):
        one_glance(glancing("mam"), picture())
    with pytest.raises(ValueError, match="upright RGB"):
        one_glance(glancing(), picture()[..., 0])


def test_the_seen_square_is_the_centre_of_the_picture():
    assert one_glance(glancing(), picture()).box == (0, 8, 48)
    assert one_glance(glancing(), picture(height=80)).box == (8, 0, 64)
