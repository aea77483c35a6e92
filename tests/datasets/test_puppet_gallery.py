"""The bundled clips and the contact sheets."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from actviz.clip.reader import read_clip
from actviz.clip.skeleton import read_skeleton
from actviz.datasets.puppets import ACTIONS, SPLITS, make_scene
from actviz.datasets.puppets import gallery as room
from actviz.datasets.puppets.gallery import GALLERY, gallery, truth_for, write_gallery
from actviz.datasets.puppets.sheets import contact_sheet, write_contact_sheets
from actviz.errors import ActvizError


def test_eight_small_clips_of_the_test_split_are_bundled():
    clips = gallery()
    assert len(clips) == 8 and len({clip.action for clip in clips}) == 8
    for clip in clips:
        assert clip.seed in SPLITS["test"] and clip.action in ACTIONS
        assert clip.video.stat().st_size < 250_000 and clip.skeleton.is_file()
    assert {"sit down", "stand up"} <= {clip.action for clip in clips}


def test_the_manifest_tells_the_hash_of_every_file():
    for entry in json.loads((GALLERY / "manifest.json").read_text())["clips"]:
        for kind, name in entry["files"].items():
            digest = hashlib.sha256((GALLERY / name).read_bytes()).hexdigest()
            assert digest == entry["sha256"][kind]


@pytest.mark.parametrize("number", range(8))
def test_a_bundled_video_shows_its_scene_frame_by_frame(number):
    bundled = gallery()[number]
    clip, scene = read_clip(bundled.video), make_scene(bundled.seed)
    truth = truth_for(clip.sha256)
    assert truth is not None and truth.action == bundled.action and len(clip) == len(scene)
    np.testing.assert_allclose(clip.times_s, truth.times_s, atol=2e-4)
    index = len(scene) // 2
    drawn = scene.render([index], 320, noise=0.3)[0].astype(int)
    assert np.abs(clip.frames[index].astype(int) - drawn).mean() < 6


def test_a_bundled_skeleton_is_found_again_with_its_truth():
    bundled = gallery()[6]
    skeleton = read_skeleton(bundled.skeleton)
    scene = make_scene(bundled.seed, root="camera")
    np.testing.assert_allclose(skeleton.joints, scene.skeleton().joints, atol=1e-6)
    digest = hashlib.sha256(bundled.skeleton.read_bytes()).hexdigest()
    assert truth_for(digest) is not None and truth_for("0" * 64) is None


def test_the_gallery_can_be_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "SEEDS", room.SEEDS[:1])
    monkeypatch.setattr(room, "SIZE", 64)
    (clip,) = write_gallery(tmp_path / "gallery")
    assert read_clip(clip.video).frames.shape[1:] == (64, 64, 3)
    assert clip.skeleton.is_file() and clip.truth.is_file()


def test_a_missing_gallery_is_reported_in_words(tmp_path):
    with pytest.raises(ActvizError, match="manifest of the bundled clips"):
        gallery(tmp_path)


def test_a_contact_sheet_has_a_row_for_each_clip():
    sheet = contact_sheet("throw", clips=2, columns=3, size=32)
    assert sheet.dtype == np.uint8 and sheet.shape == (4 + 2 * 44, 3 * 36 + 4, 3)


def test_contact_sheets_of_all_actions_are_written(tmp_path):
    paths = write_contact_sheets(tmp_path, clips=1, columns=1, size=16)
    assert len(paths) == 12 and all(path.stat().st_size for path in paths)


def test_a_contact_sheet_of_no_action_is_refused():
    with pytest.raises(ValueError, match="action must be one of"):
        contact_sheet("juggle")
