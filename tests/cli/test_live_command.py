"""``actviz live`` on a file that plays as a stream: page, recording, summary, bad input."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from actviz.cli import main
from actviz.clip.reader import probe, read_clip
from actviz.clip.writer import VideoWriter
from actviz.datasets.puppets.gallery import gallery


def short(path: Path, frames: int = 15) -> Path:
    clip = read_clip(gallery()[0].video, frame_index=range(frames), short_side=96)
    with VideoWriter(path, width=96, height=96, fps=25) as writer:
        for frame, time_s in zip(clip.frames, clip.times_s, strict=True):
            writer.write(np.ascontiguousarray(frame), float(time_s))
    return path


def test_a_film_is_seen_recorded_and_summed_up(tmp_path, capsys):
    out = tmp_path / "seen.mp4"
    clip = str(short(tmp_path / "clip.mp4"))
    assert main(["live", clip, "--no-page", "--device", "cpu", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "15 frames seen" in printed
    assert "frames/s; a glance took" in printed
    recorded = probe(out)
    assert (recorded.width, recorded.height) == (192, 96)  # both maps side by side
    assert 1 <= recorded.frame_count <= 15


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["97", "--no-page"], "camera 97 cannot be opened"),
        (["nothing.mp4", "--no-page"], "no such file"),
        (["{text}", "--no-page"], "not a video"),
        (["{clip}", "--no-page", "--seconds", "0"], "--seconds must be above 0"),
        (["{clip}", "--no-page", "--class", "dance"], "class must be one of"),
        (["{clip}", "--no-page", "--out", "{clip}"], "would be overwritten"),
        (["{clip}", "--no-page", "--out", "seen.avi"], "ends in .mp4"),
        (["{clip}", "--no-page", "--out", "no/where/seen.mp4"], "cannot be written"),
        (["{clip}", "--no-browser", "--port", "99999"], "port 99999 cannot be served"),
    ],
)
def test_bad_input_is_one_sentence(words, says, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(gallery()[0].video, "clip.mp4")
    Path("text.mp4").write_text("no video")
    named = [word.format(clip="clip.mp4", text="text.mp4") for word in words]
    assert main(["live", "--device", "cpu", *named]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "text.mp4"}


def test_interrupt_finishes_the_recording_and_says_what_was_seen(tmp_path):
    out = tmp_path / "seen.mp4"
    command = [sys.executable, "-m", "actviz", "live", str(gallery()[0].video), "--port", "0"]
    command += ["--device", "cpu", "--no-browser", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().split("http://")[1].split()[0]
    for _ in range(100):
        with urllib.request.urlopen(f"http://{url}/state.json", timeout=5) as answer:
            if b"both" in answer.read():
                break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, complaint = process.communicate(timeout=30)
    assert process.returncode == 0, complaint
    assert "frames seen" in said
    assert probe(out).frame_count >= 1
