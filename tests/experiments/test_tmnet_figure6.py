"""TMNet's Figure 6, measured: scores by hand, pairs of branches, and the whole on a few clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from actviz.clip.writer import VideoWriter
from actviz.errors import ActvizError
from actviz.experiments import Ask, get_experiment
from actviz.experiments.tmnet import figure6, moving
from actviz.experiments.tmnet.moving import Glances, clip_mean, enlarged
from actviz.experiments.tmnet.real_maps import films_in, score_films
from actviz.learn.checkpoints import bundled, load_checkpoint


def write(path: Path, shifts: list[int]) -> Path:
    """A film of noise with a square of other noise, so many pixels to the right."""
    ground, mover = (np.random.default_rng(n).integers(30, 220, (12, 12, 3)) for n in (0, 1))
    ground, mover = (np.kron(x, np.ones((4, 4, 1))).astype(np.uint8) for x in (ground, mover))
    with VideoWriter(path, width=48, height=48, fps=25) as writer:
        for k, shift in enumerate(shifts):
            picture = ground.copy()
            picture[12:36, 8 + shift : 28 + shift] = mover[:24, :20]
            writer.write(picture, k / 25)
    return path


def glances(features) -> Glances:
    count = len(features[0])
    return Glances(
        frames=np.zeros((count, 4, 4, 3), np.uint8),
        numbers=np.arange(count),
        evidence=np.array([False, True, True])[:count],
        masks=np.zeros((count, 4, 4), bool),
        label=0,
        probability=np.array([[0.1, 0.6, 0.8], [0.3, 0.2, 0.4]]),
        cams=torch.zeros(2, count, 2, 2),
        features=torch.tensor(features),
        seed=0,
    )


def test_knowledge_is_of_the_centre_of_the_action_and_of_the_memory():
    rb, cb = [[1.0, 0.0]] * 3, [[3.0, 0.0], [0.0, 0.0], [0.0, 0.0]]  # F_cls is (1, 0)
    found = moving._knowledge(glances([rb, cb]))
    np.testing.assert_allclose(found["probability"], [0.6, 0.2])
    np.testing.assert_allclose(found["probability_at_action"], [0.7, 0.3])
    np.testing.assert_allclose(found["distance"], [0, (0.75 + 0.25 + 0.25) / 3])
    np.testing.assert_allclose(found["cosine"], [1, 1 / 3])


def test_maps_are_compared_with_the_limbs_at_frames_of_the_action_alone():
    seen = glances([[[0.0, 0.0]] * 3] * 2)
    seen.masks[1, :2, :2] = seen.masks[0] = True  # frame 0 does not show it; 2 has no limbs
    cams = torch.zeros(2, 3, 2, 2)
    cams[0, 1, 0, 0], cams[1, 1, 1, 1] = 1.0, 1.0
    found = moving._places(replace(seen, cams=cams))
    np.testing.assert_allclose(found["pointing"], [1, 0])
    np.testing.assert_allclose(found["mask"], 0.125)
    assert found["energy"][0] > 0.5 > found["energy"][1]


def test_mean_over_a_clip_leaves_out_what_has_no_answer():
    np.testing.assert_array_equal(clip_mean(np.array([[1.0, np.nan, 3.0]])), [2.0])
    assert np.isnan(clip_mean(np.array([[np.nan, np.nan]])))[0]
    assert np.isnan(clip_mean(np.zeros((2, 0)))).all()


def test_maps_are_enlarged_without_changing_a_flat_one():
    assert (enlarged(torch.full((2, 1, 2, 2), 0.5), (8, 8)) == 0.5).all()


def test_branches_are_compared_on_clips_at_which_both_have_a_score():
    scores = {"energy": np.array([[1.0, np.nan, 0.5], [0.0, 0.7, 0.5]])}
    column = {"energy": figure6.COLUMNS["energy"]}
    found = figure6._figures(scores, column, "c")
    assert [found[b, "energy"].mean for b in figure6.BRANCHES] == [0.75, 0.25]
    assert figure6._intervals(scores, column)["energy"].clips == 2


def test_a_still_video_has_steadiness_and_no_score_on_flow(tmp_path):
    loaded, path = load_checkpoint(bundled("tmnet")), write(tmp_path / "a.mp4", [0] * 4)
    scores, (trace,) = score_films(loaded, [path])
    assert np.isnan(scores["flow"]).all()
    assert trace.motion_max == 0
    lit = [cam.any() for cam in (trace.cam_rb, trace.cam_cb)]
    np.testing.assert_allclose(scores["steady"][lit, 0], 1, atol=1e-2)
    table = figure6._film_table(scores, [trace])
    assert all("correlation with flow" not in line.ours for line in table.lines)
    assert table.verdicts[0].verdict == "not measured"


def test_videos_are_found_in_folders_and_their_absence_is_told(tmp_path):
    with pytest.raises(ActvizError, match="expected a video, or a folder with videos"):
        films_in(tmp_path)
    (tmp_path / "deep").mkdir()
    path = write(tmp_path / "deep" / "a.mp4", [0])
    assert films_in(tmp_path) == films_in(path) == [path]


def test_figure6_on_a_few_puppets_and_a_video(tmp_path):
    write(tmp_path / "a.mp4", [0, 2, 4, 6, 8, 10])
    result = get_experiment("tmnet/figure6")(Ask(clips=3, data=tmp_path))
    puppets, films = result.tables
    assert [line.name for line in puppets.lines] == ["RB", "CB"]
    assert [line.published["probability"] for line in puppets.lines] == [61.6, 41.6]
    assert all(0 <= line.ours["energy on moving limbs"].mean <= 1 for line in puppets.lines)
    assert films.notes[0].startswith("a.mp4: answer ")
    assert set(result.more["rb_minus_cb"]["figure6"]) == set(figure6.COLUMNS)
    assert list(result.figures) == ["figure6.png"]  # of puppets alone
