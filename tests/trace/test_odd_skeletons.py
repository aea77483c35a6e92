"""NTU files with people upside down, leaving, crossing, or not measured: traced all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actviz.cli import main
from actviz.trace.run import trace_file
from actviz.trace.schema import MANTrace

pytestmark = pytest.mark.real
ONE, TWO = "S001C001P001R001A001.skeleton", "S001C001P001R001A050.skeleton"
FRAMES = 40
Change = Callable[[int, int, np.ndarray], np.ndarray | None]  # frame, body, its (25, 3) joints


@pytest.fixture
def recording(real_data: Path, tmp_path: Path) -> Callable[[str, Change], Path]:
    """The first 40 frames of an NTU file with every body changed; None: that body is not there."""

    def make(name: str, change: Change) -> Path:
        lines = iter((real_data / "skeletons" / "ntu" / name).read_text().split("\n"))
        next(lines)
        out = [str(FRAMES)]
        for frame in range(FRAMES):
            bodies = [_body(lines, frame, k, change) for k in range(int(next(lines)))]
            there = [body for body in bodies if body]
            out += [str(len(there)), *(line for body in there for line in body)]
        (tmp_path / name).write_text("\n".join(out) + "\n")
        return tmp_path / name

    return make


def _body(lines, frame: int, number: int, change: Change) -> list[str]:
    head, count = next(lines), int(next(lines))
    words = [next(lines).split() for _ in range(count)]
    joints = change(frame, number, np.array([w[:3] for w in words], float))
    if joints is None:
        return []
    rows = zip(joints.tolist(), words, strict=True)
    return [head, str(count), *(" ".join([*map(str, place), *w[3:]]) for place, w in rows)]


def _upside_down(frame, body, joints):
    return joints * (1, -1, 1)


def _second_upside_down(frame, body, joints):
    return joints * (1, 1 - 2 * body, 1)


def _nobody_in_the_middle(frame, body, joints):
    return None if 10 <= frame < 30 else joints


def _first_leaves(frame, body, joints):
    return None if body == 0 and frame > 12 else joints


def _nan_in_the_middle(frame, body, joints):
    return joints * np.nan if 10 <= frame < 30 else joints


def _nan_hips_at_first(frame, body, joints):
    joints[[0, 12, 16]] *= np.nan if frame < 10 else 1
    return joints


def _all_at_one_point(frame, body, joints):
    return np.tile(joints[:1], (25, 1))


def _crossing(frame, body, joints):
    """They walk through one another's place, and the one behind is not measured meanwhile."""
    along = (2 * frame / FRAMES - 1) * (1 - 2 * body)
    joints[:, 0] += along - joints[0, 0]
    return None if body == 1 and 18 <= frame < 23 else joints


@pytest.mark.parametrize(
    "change",
    [
        _upside_down,
        _second_upside_down,
        _nobody_in_the_middle,
        _first_leaves,
        _nan_in_the_middle,
        _nan_hips_at_first,
        _all_at_one_point,
        _crossing,
    ],
)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [ONE, TWO])
def test_everything_in_the_trace_of_an_odd_recording_is_a_number(name, change, recording) -> None:
    trace = trace_file(recording(name, change), model="man", device="cpu").trace
    assert isinstance(trace, MANTrace)
    for array in (trace.attention, trace.joints, trace.probabilities, trace.moved):
        assert array is not None
        assert np.isfinite(array).all()
    assert trace.attribution is not None
    assert not trace.attribution[~trace.present].any()
    assert trace.present.any()


def test_the_middle_without_anybody_is_absent_and_said(recording) -> None:
    trace = trace_file(recording(TWO, _nan_in_the_middle), model="man", device="cpu").trace
    middle = (trace.times_s >= 10 / 30) & (trace.times_s < 29.5 / 30)
    assert not trace.present[middle].any()
    assert trace.present[~middle].all()
    assert any("20 of 40 frames show nobody" in problem for problem in trace.clip["problems"])


def test_who_is_hidden_while_crossing_is_interpolated_and_marked(recording) -> None:
    trace = trace_file(recording(TWO, _crossing), model="man", device="cpu").trace
    assert trace.present.all()
    assert trace.interpolated[:, 0].sum() == 0
    assert trace.interpolated[:, 1].sum() == 5
    assert (np.diff(trace.joints[:, 1, 0, 0]) < 0).all()  # on its way all the time


def test_the_command_draws_a_recording_that_begins_and_ends_with_nobody(
    recording, tmp_path, capsys
) -> None:
    path = recording(TWO, lambda t, b, joints: joints if 10 <= t < 25 else None)
    assert main(["trace", str(path), "--model", "man", "--out", str(tmp_path / "out")]) == 0
    made = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"figure.png", "overlay.mp4", "trace.json", "trace.npz"} <= made
    assert "25 of 40 frames show nobody" in capsys.readouterr().out
