"""Figures 3 and 4 on tiny networks: what is timed, what it is set beside, and how it is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from actviz.clip.reader import probe
from actviz.experiments import timing
from actviz.experiments.base import Ask
from actviz.experiments.claims import judge
from actviz.experiments.statistics import Measured
from actviz.experiments.tmnet import contenders, known, speed
from actviz.experiments.tmnet.balls import Ball, draw_balls
from actviz.experiments.tmnet.contenders import Contender, answer_of_files, glancing, ready
from actviz.experiments.tmnet.films import LIKE_UCF101, ONE_KEY_FRAME, write_film
from actviz.experiments.tmnet.speed_claims import claims3

CPU = torch.device("cpu")
NARROW = {"width": 4}
TINY_3D = (
    Contender("ResNet3D-18 (3×8 frames)", "resnet3d18", 8, clips=3, group="3-D", settings=NARROW),
)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(speed, "BACKBONES", ("resnet18_narrow",))
    monkeypatch.setattr(speed, "CLIP_NETS", TINY_3D)
    monkeypatch.setattr(speed, "ROUNDS", 2)
    monkeypatch.setattr(contenders, "SIZE", 32)


def test_works_are_timed_in_turns_and_warm_up_is_not_counted(monkeypatch):
    clock, order = iter(range(100)), []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    works = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = timing.in_turn(works, rounds=2, device=CPU, before=lambda: order.append("-"))
    assert order == ["-", "a", "-", "b"] * 3
    assert seconds == {"a": Measured((1, 1)), "b": Measured((1, 1))}


def test_ratios_are_of_the_same_round():
    slow, fast = Measured((8.0, 2.0)), Measured((2.0, 1.0))
    assert timing.ratio(slow, fast).values == (4.0, 2.0)
    assert timing.per_second(fast, 4).values == (2.0, 4.0)


def test_several_clips_and_many_glances_give_one_answer_a_video():
    clips = ready(TINY_3D[0], CPU, size=32)
    assert clips.answer(clips.frames(2)).shape == (2, contenders.CLASSES)
    many = ready(glancing("resnet18_narrow", 20), CPU, size=32)
    frames = many.frames()
    glances = many.network.glance(frames).logits.mean(1).softmax(-1)
    assert torch.allclose(many.answer(frames), glances, atol=1e-5)  # in three passes, or in one


def test_short_looks_share_a_pass_as_long_as_eight_frames():
    rivals = [ready(one, CPU, size=32) for one in contenders.contenders("resnet18_narrow")]
    assert {one.contender.pictures * one.videos for one in rivals} == {8}
    assert rivals[0].flops() / rivals[-1].flops() > 4  # TSN's eight against one glance


@pytest.mark.parametrize("kind", [LIKE_UCF101, ONE_KEY_FRAME])
def test_a_film_is_as_said_and_answered_from_its_middle(kind, tmp_path):
    path = write_film(tmp_path / f"film{kind.ending}", replace(kind, seconds=2.0))
    info = probe(path)
    assert (info.width, info.height, info.frame_count) == (320, 240, 50)
    assert info.problems == ()
    one = ready(glancing("resnet18_narrow", 1), CPU, size=32)
    with torch.inference_mode():
        assert answer_of_files(one, [path, path]).sum(1) == pytest.approx([1, 1], abs=1e-4)


def test_figure3_has_a_line_for_each_network_and_one_from_each_file(tiny):
    networks, files = speed.figure3(Ask()).tables
    assert len(networks.lines) == 2 + 4 + 1
    assert all({"videos/s", "one video, ms", "GFLOPs"} <= set(line.ours) for line in networks.lines)
    assert [len(line.ours["videos/s"].values) for line in networks.lines] == [2] * 7
    assert len(files.lines) == 2 * 4
    assert {"videos/s", "one video, ms"} <= set(files.lines[0].ours)
    assert len(files.verdicts) == 2 * 2 * 2
    assert all(verdict.verdict != "not measured" for verdict in files.verdicts)


def test_goals_are_judged_against_tsn_and_tsm():
    key = ("TMNet (one glance), ResNet-18", "times TSN's")
    verdicts = {
        level: {v.claim.words: v.verdict for v in judged({key: Measured((level, level + 0.01))})}
        for level in (3.5, 5.0)
    }
    goal = "one glance is at least 4 times as fast as TSN, many videos (ResNet-18)"
    assert [verdicts[level][goal] for level in (3.5, 5.0)] == ["does not hold", "holds"]


def judged(figures):
    return [judge(claim, figures) for claim in claims3(("resnet18",))]


def test_fewer_glances_are_those_nearest_to_the_middles_of_equal_parts():
    assert known.glances_of(1) == [4]
    assert known.glances_of(2) == [2, 6]
    assert known.glances_of(4) == [1, 3, 5, 7]
    assert known.glances_of(8) == list(range(9))


def test_no_accuracy_is_made_up(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTVIZ_CACHE", str(tmp_path))
    assert known.known_accuracy("tmnet", 8) is None
    assert known.known_accuracy("tmnet", 64) is None
    assert known.known_accuracy("res_i3d", 8) is None


def test_balls_grow_with_flops_and_unknown_accuracies_stand_apart():
    balls = [Ball("a", "tsn", 10.0, 4e10, 0.7), Ball("b", "tmnet", 50.0, 1e10, None)]
    figure = draw_balls(balls, title="t", note="n", chance=0.1)
    known_axis, strip = figure.axes
    sizes = [float(np.max(axis.collections[0].get_sizes())) for axis in (known_axis, strip)]
    assert sizes[0] == pytest.approx(4 * sizes[1])
    assert "not measured" in strip.get_ylabel()
