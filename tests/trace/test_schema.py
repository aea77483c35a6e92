"""A trace survives the disk, and a folder that holds none is refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace

import numpy as np
import pytest

from actviz.errors import ActvizError
from actviz.trace.schema import MAMTrace, MANTrace, TMNetTrace, Trace, moment_numbers

FRAMES, CLASSES = 3, ("wave", "clap")
FEATURE_CURVES = (
    "branch_distance",
    "memory_distance_rb",
    "memory_distance_cb",
    "memory_similarity_rb",
    "memory_similarity_cb",
)


def head(probabilities) -> dict:
    return {
        "weights": {"name": "w", "sha256": "0", "trained_on": "puppets", "layout": None},
        "clip": {"name": "c.mp4", "sha256": "1", "duration_s": 1.0, "fps": 3.0, "rotation": 0}
        | {"frame_count": 3, "problems": []},
        "device": "cpu",
        "versions": {"torch": "2"},
        "seed": 0,
        "classes": CLASSES,
        "times_s": np.array([0.1, 0.4, 1 / 3 + 0.4]),
        "frame_index": np.array([0, 4, 7]),
        "probabilities": np.asarray(probabilities, dtype=np.float32),
    }


def mam() -> MAMTrace:
    return MAMTrace(
        **head([0.25, 0.75]),
        threshold=0.5,
        write_probability=np.array([0.1, 0.9, 0.5], dtype=np.float32),
        written=np.array([False, True, False]),
        memory_size=np.array([0, 1, 1]),
        score=np.array([-2.2, 2.2, 0], dtype=np.float32),
        score_terms=np.array([[1, -1, 0], [0, 1, 1], [2, 0, -1]], dtype=np.float32),
        score_bias=-1.0,
        contribution=np.array([[0, 0], [-0.5, 0.5], [0, 0]], dtype=np.float32),
        contribution_bias=np.array([0.1, 0.2], dtype=np.float32),
        similarity=np.array([np.nan, np.nan, 0.3], dtype=np.float32),
        state_reset=np.array([True, False, True]),
        shown=np.array([2, 0, 1]),
    )


def tmnet() -> TMNetTrace:
    each = np.full((FRAMES, 2), 0.5, dtype=np.float32)
    return TMNetTrace(
        **head(each),
        probabilities_rb=each,
        probabilities_cb=each,
        clip_answer=np.array([0.6, 0.4], dtype=np.float32),
        cam_class="wave",
        cam_max=2.5,
        cam_rb=np.linspace(0, 1, 12, dtype=np.float16).reshape(FRAMES, 2, 2),
        cam_cb=np.zeros((FRAMES, 2, 2), dtype=np.float16),
        disagreement=np.array([0, 0.5, 1], dtype=np.float32),
        agree=np.array([True, True, False]),
        **dict.fromkeys(FEATURE_CURVES, np.array([0.25, 0.5, 2], dtype=np.float32)),
        motion=np.ones((FRAMES, 8, 8), dtype=np.float16),
        motion_max=3.5,
    )


def man() -> MANTrace:
    return MANTrace(
        **head([0.25, 0.75]),
        attention=np.full((3, FRAMES), 0.5, dtype=np.float32),
        joints=np.ones((FRAMES, 1, 25, 3), dtype=np.float32),
        present=np.ones((FRAMES, 1), dtype=bool),
        layout="ntu-25",
        bones=np.array([[0, 1]]),
        moved=np.full((FRAMES, 1, 25), 0.125, dtype=np.float32),
        cam_class="clap",
        attribution=np.eye(FRAMES, 25, dtype=np.float32)[:, None],
        attribution_max=1.5,
        limbs=("left arm", "right arm"),
        without_limb=np.array([[0.5, 0.5], [0.75, 0.25]], dtype=np.float32),
        moments_s=np.array([[0.1, 0.4], [0.4, 0.8]]),
        without_moment=np.array([[0.5, 0.5], [0, 1]], dtype=np.float32),
        without_limb_at=np.array([[[[0.5, 0.5]] * 2, [[0.1, 0.9]] * 2]], dtype=np.float32),
        what_if="without torso",
        interpolated=np.array([[False], [True], [False]]),
    )


@pytest.mark.parametrize("trace", [mam(), tmnet(), man()], ids=["mam", "tmnet", "man"])
def test_saved_trace_loads_bit_for_bit(trace, tmp_path):
    trace.save(tmp_path)
    again = Trace.load(tmp_path)
    assert type(again) is type(trace)
    for field in fields(trace):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(trace, field.name))


def test_json_names_are_the_python_names_and_maps_stay_out(tmp_path):
    tmnet().save(tmp_path)
    written = json.loads((tmp_path / "trace.json").read_text())
    assert written["model"] == "tmnet"
    assert written["schema"] == 5
    assert {f.name for f in fields(TMNetTrace)} - set(written) == {"cam_rb", "cam_cb", "motion"}


def test_json_of_mam_leaves_contributions_to_the_npz_and_writes_nan_as_null(tmp_path):
    mam().save(tmp_path)
    written = json.loads((tmp_path / "trace.json").read_text())
    assert {f.name for f in fields(MAMTrace)} - set(written) == {"contribution"}
    assert written["similarity"] == [None, None, 0.3]


def test_frames_shown_in_another_order_are_found_and_have_their_own_seconds():
    trace = mam()  # shows frames 2, 0, 1 of the clip
    assert trace.place_of.tolist() == [1, 2, 0]
    np.testing.assert_array_equal(trace.shown_s, trace.times_s[[2, 0, 1]])


def test_logits_are_contributions_and_bias():
    np.testing.assert_allclose(mam().logits, [-0.4, 0.7], rtol=1e-6)


def test_top_names_the_most_probable_class_first():
    assert mam().top(1) == [("clap", 0.75)]
    assert tmnet().top(1)[0][0] == "wave"  # from the clip's answer, not a frame's


def test_folder_without_a_trace_is_refused(tmp_path):
    with pytest.raises(ActvizError, match="found no such pair"):
        Trace.load(tmp_path)


def as_of_schema(folder, number: int, *, without: tuple[str, ...] = ()) -> None:
    """Make what is stored in ``folder`` look as if another version had written it."""
    stored = json.loads((folder / "trace.json").read_text()) | {"schema": number}
    text = json.dumps({k: v for k, v in stored.items() if k not in without})
    (folder / "trace.json").write_text(text)
    with np.load(folder / "trace.npz") as arrays:
        kept = {k: arrays[k] for k in arrays.files if k not in without}
    np.savez(folder / "trace.npz", **kept)


@pytest.mark.parametrize("number", [0, 99, None])
def test_trace_of_another_schema_is_refused(number, tmp_path):
    mam().save(tmp_path)
    as_of_schema(tmp_path, number)
    with pytest.raises(ActvizError, match=f"got schema {number} of 'mam'"):
        Trace.load(tmp_path)


def test_trace_of_mam_before_its_score_was_traced_says_what_it_lacks(tmp_path):
    mam().save(tmp_path)
    as_of_schema(tmp_path, 1, without=("score", "shown"))
    with pytest.raises(ActvizError, match=r"schema 1 lacks score, shown\. Make it again"):
        Trace.load(tmp_path)


def test_trace_of_tmnet_before_its_memory_was_traced_says_what_it_lacks(tmp_path):
    tmnet().save(tmp_path)
    later = ("disagreement", "agree", *FEATURE_CURVES, "cam_method", "motion", "motion_max")
    as_of_schema(tmp_path, 2, without=later)
    with pytest.raises(ActvizError, match=r"schema 2 lacks disagreement, agree, .*_cb\. Make it"):
        Trace.load(tmp_path)


def test_trace_of_man_before_joints_had_an_attribution_has_none(tmp_path):
    man().save(tmp_path)
    later = [f.name for f in fields(MANTrace) if f.default is not MISSING]
    as_of_schema(tmp_path, 3, without=tuple(later))
    old = Trace.load(tmp_path)
    assert old.attribution is None and old.without_limb is None and old.limbs == ()
    np.testing.assert_array_equal(old.attention, man().attention)


def test_a_limb_is_worth_what_the_log_odds_fall_without_it():
    whole = np.log(0.75 / 0.25)  # of clap, the class attributed
    falls = [[[whole, whole], [whole - np.log(9)] * 2]]  # to even odds; above: it speaks against
    np.testing.assert_allclose(man().limb_losses(), falls, rtol=1e-6)
    with pytest.raises(ValueError, match="no limb was masked moment by moment"):
        replace(man(), without_limb_at=None).limb_losses()


def test_traces_of_the_other_models_are_read_from_earlier_schemas(tmp_path):
    for trace, number in ((man(), 1), (man(), 2), (mam(), 2)):
        trace.save(tmp_path)
        as_of_schema(tmp_path, number)
        assert Trace.load(tmp_path).top(2) == trace.top(2)


def test_tmnet_without_motion_says_none_on_disk_too(tmp_path):
    replace(tmnet(), motion=None, motion_max=0.0).save(tmp_path)
    assert Trace.load(tmp_path).motion is None


def test_a_frame_lies_in_the_moment_that_begins_with_it_whatever_rounding_did():
    starts_s, times_s = np.array([0.5, 1.0]), np.array([0.5, 0.9, 1.0 - 1e-7, 1.4])
    assert moment_numbers(times_s, starts_s).tolist() == [0, 0, 1, 1]
