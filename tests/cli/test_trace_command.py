"""``actviz trace`` and ``actviz probe`` on clips that are fine, bundled and real."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from actviz.cli import main
from actviz.clip.reader import probe
from actviz.clip.skeleton import read_skeleton
from actviz.datasets.puppets.gallery import gallery
from actviz.trace.schema import Trace

FILES = {"trace.json", "trace.npz", "figure.png", "overlay.mp4"}


def run_trace(path: Path, model: str, out: Path, *more: object) -> Trace:
    words = ["trace", path, "--model", model, "--device", "cpu", "--out", out, *more]
    assert main([str(w) for w in words]) == 0
    skipped = {"overlay.mp4"} if "--no-overlay" in more else set()
    assert {p.name for p in out.iterdir()} >= FILES - skipped
    return Trace.load(out)


def check_curves(trace: Trace) -> None:
    """What must hold of every trace: probabilities sum to one, time runs, curves are in range."""
    assert trace.clip_probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert np.all(np.diff(trace.times_s) > 0)
    assert len(trace.times_s) == len(trace.frame_index)
    curves = {"mam": "write_probability", "tmnet": "cam_rb", "man": "attention"}
    curve = getattr(trace, curves[trace.model])
    assert np.isfinite(curve).all()
    assert curve.min() >= 0
    assert curve.max() <= 1


@pytest.mark.parametrize("model", ["mam", "tmnet"])
def test_bundled_clip_gives_the_four_files(model, tmp_path, capsys):
    clip = gallery()[0].video
    trace = run_trace(clip, model, tmp_path / "out")
    check_curves(trace)
    printed = capsys.readouterr().out
    assert trace.top(1)[0][0] in printed
    assert "trained on puppets" in printed
    overlay = probe(tmp_path / "out" / "overlay.mp4")
    assert overlay.codec == "h264"
    assert overlay.frame_count == probe(clip).frame_count
    assert {p.name for p in tmp_path.iterdir()} == {"out"}  # no scratch folder stays behind


def test_bundled_skeleton_gives_the_four_files(tmp_path, capsys):
    trace = run_trace(gallery()[0].skeleton, "man", tmp_path / "out")
    check_curves(trace)
    assert gallery()[0].action == "wave"
    printed = capsys.readouterr().out
    assert re.search(
        r"wave rests most on the right arm from 1\.\d\d to 2\.\d\d s: .* by \d\.\d\d nats", printed
    )
    assert trace.layout == "ntu-25"
    frames = len(read_skeleton(gallery()[0].skeleton))  # more than the fifty rows MAN looked at
    assert probe(tmp_path / "out" / "overlay.mp4").frame_count == frames


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    words = ["trace", gallery()[0].video, "--model", "mam", "--out", tmp_path / "out"]
    assert main([str(w) for w in [*words, "--no-overlay"]]) == 0
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "out" / "overlay.mp4").exists()


def test_no_overlay_of_an_earlier_run_stays_beside_a_newer_trace(tmp_path):
    run_trace(gallery()[0].video, "mam", tmp_path / "out")
    run_trace(gallery()[1].video, "mam", tmp_path / "out", "--no-overlay")
    assert not (tmp_path / "out" / "overlay.mp4").exists()


def test_class_may_be_written_in_capitals(tmp_path):
    clip = gallery()[0].video
    assert run_trace(clip, "tmnet", tmp_path / "out", "--class", "DRINK").cam_class == "drink"


def test_maps_by_another_method_are_named_and_motion_is_told(tmp_path, capsys):
    clip, more = gallery()[0].video, ("--cam-method", "layercam", "--motion", "--frames", 4)
    trace = run_trace(clip, "tmnet", tmp_path / "out", "--no-overlay", *more)
    assert trace.cam_method == "layercam"
    assert trace.motion.shape == (4, 28, 28)
    printed = capsys.readouterr().out
    assert "maps by LayerCAM show the evidence for" in printed
    assert f"the fastest place moves {trace.motion_max:.1f} pixels" in printed


@pytest.mark.parametrize("option", [("--cam-method", "gradcam"), ("--motion",)])
def test_maps_are_for_tmnet_alone(option, tmp_path, capsys):
    words = ["trace", gallery()[0].video, "--model", "mam", "--out", tmp_path / "out", *option]
    assert main([str(w) for w in words]) == 2
    assert f"{option[0]} is for --model tmnet" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="POSIX signals")
def test_terminated_run_leaves_nothing_behind(tmp_path):
    command = [sys.executable, "-m", "actviz", "trace", str(gallery()[0].video), "--model", "tmnet"]
    run = subprocess.Popen([*command, "--out", str(tmp_path / "a" / "b")], stderr=subprocess.PIPE)
    while not list(tmp_path.glob("a/b/.actviz-*/figure.png")):  # then it writes the overlay
        assert run.poll() is None
        time.sleep(0.005)
    run.terminate()
    assert run.wait(30) == 130
    assert list(tmp_path.iterdir()) == []


def test_span_bounds_the_trace_and_the_overlay(tmp_path):
    clip = gallery()[0].video
    trace = run_trace(clip, "mam", tmp_path / "out", "--start", 1, "--end", 2)
    assert trace.times_s.min() >= 1
    assert trace.times_s.max() < 2
    assert probe(tmp_path / "out" / "overlay.mp4").duration_s == pytest.approx(1, abs=0.2)


def test_threshold_of_one_writes_nothing_and_says_so(tmp_path, capsys):
    words = ["trace", gallery()[0].video, "--model", "mam", "--out", tmp_path / "out"]
    assert main([str(w) for w in [*words, "--threshold", 1, "--no-overlay"]]) == 0
    assert "wrote 0 of" in capsys.readouterr().out


def test_probe_says_what_the_models_will_see(capsys):
    assert main(["probe", str(gallery()[0].video)]) == 0
    printed = capsys.readouterr().out
    for words in ("h264", "frames/s", "MAM sees", "TMNet sees", "MAN sees"):
        assert words in printed


def test_trace_json_is_readable_without_actviz(tmp_path):
    run_trace(gallery()[1].video, "mam", tmp_path / "out")
    facts = json.loads((tmp_path / "out" / "trace.json").read_text())
    assert facts["schema"] == 5
    assert set(facts["weights"]) == {"name", "sha256", "trained_on", "layout"}
    assert len(facts["write_probability"]) == len(facts["times_s"])


def real_videos(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.suffix in {".mp4", ".avi"})


@pytest.mark.real
@pytest.mark.parametrize(("model", "more"), [("mam", ()), ("tmnet", ("--no-overlay",))])
def test_every_real_video_is_traced(model, more, real_data, tmp_path):
    videos = real_videos(real_data)
    assert len(videos) >= 14
    for number, video in enumerate(videos):
        out = tmp_path / str(number)
        check_curves(run_trace(video, model, out, *more))
        shutil.rmtree(out)


@pytest.mark.real
def test_both_branches_are_drawn_over_a_real_video(real_data, tmp_path):
    video = real_data / "videos" / "kinetics_R6llTwEh07w.mp4"
    run_trace(video, "tmnet", tmp_path / "out", "--start", 2, "--end", 5)
    overlay = probe(tmp_path / "out" / "overlay.mp4")
    assert overlay.width == 2 * probe(video).width  # side by side


@pytest.mark.real
def test_every_ntu_file_is_traced(real_data, tmp_path):
    files = sorted(real_data.glob("skeletons/ntu/*.skeleton"))
    assert len(files) >= 3
    for file in files:
        check_curves(run_trace(file, "man", tmp_path / file.stem))


@pytest.mark.real
def test_labelled_segment_of_a_utkinect_recording_is_traced(real_data, tmp_path):
    file = real_data / "skeletons" / "utkinect" / "joints_s01_e01.txt"
    check_curves(run_trace(file, "man", tmp_path / "out", "--segment", "walk"))


@pytest.mark.real
@pytest.mark.pose
def test_man_on_a_real_video_through_pose(real_data, pose_model, tmp_path):
    video = real_data / "videos" / "arm_wrestling.mp4"
    check_curves(run_trace(video, "man", tmp_path / "out", "--pose-model", pose_model))


@pytest.mark.real
@pytest.mark.pose
def test_man_refuses_a_video_in_which_pose_finds_nobody(real_data, pose_model, tmp_path, capsys):
    video = real_data / "ucf101" / "UCF-101" / "BenchPress" / "v_BenchPress_g01_c03.avi"
    words = ["trace", video, "--model", "man", "--out", tmp_path / "out"]
    assert main([str(w) for w in [*words, "--pose-model", pose_model]]) == 2
    assert " 0 of " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_if_changes_the_clip_and_keeps_the_threshold(tmp_path, capsys):
    more = ("--what-if", "reverse", "--what-if", "drop 0-1,4", "--threshold", "0.9", "--frames", 8)
    trace = run_trace(gallery()[0].video, "mam", tmp_path / "out", "--no-overlay", *more)
    assert trace.shown.tolist() == [7, 6, 5, 3, 2]
    assert trace.threshold == pytest.approx(0.9)
    assert "what if: threshold 0.9; without frames 0-1, 4; frames in rev" in capsys.readouterr().out


def test_what_if_masks_limbs_and_seconds_of_a_skeleton(tmp_path, capsys):
    more = ("--what-if", "without left arm, right arm; drop 0.5-1", "--class", "clap")
    trace = run_trace(gallery()[0].skeleton, "man", tmp_path / "out", "--no-overlay", *more)
    assert trace.what_if == "without left arm, right arm; without 0.50-1.00 s"
    assert trace.cam_class == "clap"
    assert not trace.attribution[(trace.times_s >= 0.5) & (trace.times_s <= 1)].any()
    np.testing.assert_allclose(trace.without_limb[2], trace.probabilities, atol=1e-6)
    assert "what if: without left arm, right arm; without 0.50" in capsys.readouterr().out


def test_what_if_of_a_limb_that_is_none_leaves_nothing_behind(tmp_path, capsys):
    words = ["trace", gallery()[0].skeleton, "--model", "man", "--out", tmp_path / "out"]
    assert main([str(w) for w in [*words, "--what-if", "without tail"]]) == 2
    assert "no limb is called 'tail'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
