"""The One-glance page: another class, another method, what moves, a picture from the camera."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from test_pages import _a_server_that_has_run_before, opened, words  # noqa: F401

from actviz.errors import ActvizError
from actviz.trace.run import load_weights, trace_video
from explorer import compute
from explorer.camera import look_at
from explorer.compute import Ask
from explorer.glance import LANES, Scene, Wish
from explorer.pictures import difference_map, glance_maps, largest_difference, motion_map
from explorer.sources import samples


@pytest.fixture(scope="module")
def base():
    """Six glances of the bundled TMNet at a bundled clip."""
    return trace_video(load_weights("tmnet", device="cpu"), samples()["throw"].video, frames=6)


def scene(base, **wish) -> Scene:
    ask = Ask("tmnet", base.path, device="cpu")
    return Scene(ask, base, Wish(base.trace.cam_class, **wish))


def photo(size=(160, 120), *, turned: bool = False) -> bytes:
    out, picture = io.BytesIO(), Image.new("RGB", size, (90, 120, 60))
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_both_maps_stand_under_their_probabilities(base):
    trace, at = base.trace, 3
    k = trace.classes.index(trace.cam_class)
    (rb, left, words_rb), (cb, right, _) = glance_maps(base, at)
    assert rb == f"Regression {trace.probabilities_rb[at, k]:.2f}"
    assert cb == f"Classification {trace.probabilities_cb[at, k]:.2f}"
    assert left.shape == right.shape and trace.cam_class in words_rb


def test_a_faint_branch_shows_on_its_own_scale_and_says_so(base):
    """Its map is brighter, the stronger branch's stays, and the difference is of one scale."""
    one, own = scene(base, pictures=("difference",)), scene(base, own_scale=True)
    faint = 0 if base.trace.cam_rb.max() < base.trace.cam_cb.max() else 1
    at = int((base.trace.cam_rb, base.trace.cam_cb)[faint].max((1, 2)).argmax())
    maps, more = one.shown(at), own.shown(at)
    assert not np.array_equal(maps[faint][1], more[faint][1])
    np.testing.assert_array_equal(maps[1 - faint][1], more[1 - faint][1])
    assert "strongest evidence 1.00 of the branch's maximum" in more[faint][2]
    assert f"by regression {base.trace.cam_rb.max():.2f}" in one.says_scale()


def test_the_difference_has_one_scale_for_the_clip(base):
    lead = base.trace.cam_rb.astype(np.float32) - base.trace.cam_cb
    assert largest_difference(base.trace) == pytest.approx(np.abs(lead).max())
    _, picture, said = difference_map(base, 3)
    assert picture.dtype == np.uint8 and f"{lead[3].min():+.2f}" in said


def test_what_is_wished_beside_the_maps_is_shown_in_its_order(base):
    moving = base.with_motion()
    titles = [shown[0] for shown in scene(moving, pictures=("motion", "difference")).shown(2)]
    assert [title.split()[0] for title in titles] == [
        "Regression", "Classification", "Difference", "Motion,",
    ]  # fmt: skip
    assert "pixels per frame" in motion_map(moving, 2)[2]


def test_a_glance_says_one_answer_or_both(base):
    shown = scene(base)
    for at, same in enumerate(base.trace.agree):
        assert ("by both branches" in shown.says(at)) == bool(same)


def test_maps_and_motion_are_kept_apart_and_shown_together(base):
    ask = Ask("tmnet", base.path, device="cpu")
    other = next(c for c in base.trace.classes if c != base.trace.cam_class)
    compute.with_maps(ask, base, cam_class=other, method="cam", motion=True)
    assert compute.is_made(ask, "motion") and compute.is_made(ask, other, "cam")
    assert not compute.is_made(ask, other, "gradcam")
    both = compute.with_maps(ask, base, cam_class=other, method="gradcam", motion=True).trace
    assert (both.cam_class, both.cam_method) == (other, "gradcam") and both.motion is not None


def test_a_camera_picture_is_looked_at_upright_and_timed():
    loaded = load_weights("tmnet", device="cpu")
    shot = look_at(loaded, photo(turned=True), cam_class="throw")
    assert shot.glance.cam_class == "throw" and len(shot.maps) == 2
    high, wide = shot.maps[0][1].shape[:2]
    assert high > wide  # 160 x 120, turned by a quarter
    assert shot.milliseconds > 0 and f"{shot.milliseconds:.1f} ms" in shot.speed


def test_what_is_no_picture_is_refused_in_a_sentence():
    with pytest.raises(ActvizError, match="cannot be read"):
        look_at(load_weights("tmnet", device="cpu"), b"no picture")


def test_another_class_shows_its_own_evidence():
    app = opened("glance")
    app.selectbox(key="class").set_value("drink").run()
    assert not app.exception and "Evidence for **drink**" in words(app)


def test_the_scale_can_be_each_branchs_own_by_address():
    app = opened("glance", **{"own-scale": "true"})
    assert not app.exception and "On one scale: strongest by regression 0." in words(app)


def test_another_method_is_named_and_its_address_restores_it():
    app = opened("glance", method="Grad-CAM++")
    assert not app.exception and not app.error
    assert "by Grad-CAM++" in words(app)
    app.selectbox(key="method").set_value("eigencam").run()
    assert not app.exception and "not of a class" in words(app)


def test_difference_and_motion_stand_beside_the_maps():
    app = opened("glance")
    assert "Motion, up to" not in words(app)
    app.button_group(key="pictures").set_value(["difference", "motion"]).run()
    assert not app.exception and not app.error
    assert "**Difference**" in words(app) and "Motion, up to" in words(app)


def test_motion_that_cannot_be_found_is_left_out_in_a_sentence(monkeypatch):
    def fails(*given, **named):
        raise ActvizError("too small for optical flow")

    monkeypatch.setattr("actviz.trace.traced.motion_maps", fails)
    app = opened("glance", clip="Throw", pictures="motion")
    assert not app.exception and "too small for optical flow" in app.error[0].value
    assert "Evidence for" in words(app) and "Motion, up to" not in words(app)


def test_trace_and_motion_can_both_be_waited_for(monkeypatch):
    monkeypatch.setattr(compute, "kept", lambda ask: None)
    monkeypatch.setattr(compute, "is_made", lambda ask, *about: False)
    app = opened("glance", clip="Throw", pictures="motion", method="Ablation-CAM (takes seconds)")
    assert not app.exception and not app.error
    assert "Motion, up to" in words(app) and "by Ablation-CAM" in words(app)


@pytest.mark.parametrize("lanes", [[], list(LANES)])
def test_lanes_can_be_chosen_and_are_said_in_words(lanes):
    app = opened("glance")
    app.button_group(key="curves").set_value(lanes).run()
    assert not app.exception
    assert ("The branches give different answers" in words(app)) == bool(lanes)
    assert ("The clip's feature is told best" in words(app)) == bool(lanes)


def test_the_camera_takes_the_clips_place_and_answers_with_its_speed():
    app = opened("glance")
    app.toggle(key="camera").set_value(True).run()
    assert not app.exception and "lies outside" in words(app)
    assert "Take a picture" in words(app) and "actviz live" in words(app)
    app.camera_input(key="shot").set_value(("shot.jpg", photo(), "image/jpeg")).run()
    assert not app.exception and not app.error
    assert "pictures per second" in words(app)


def test_a_camera_picture_that_is_none_gets_one_sentence():
    app = opened("glance")
    app.toggle(key="camera").set_value(True).run()
    app.camera_input(key="shot").set_value(("shot.jpg", b"none", "image/jpeg")).run()
    assert not app.exception and "cannot be read" in app.error[0].value
