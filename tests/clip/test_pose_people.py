"""Who is who: scripted bodies that cross, vanish, come back, and are listed in any order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import BLUE, RED, body, numbers

from actviz.clip.pose_landmarks import LANDMARKS, Detection, torso_colours
from actviz.clip.pose_people import follow
from actviz.datasets.puppets import make_scene

X = np.linspace(100, 500, 100).tolist()  # a path of 2.5 torsos a second; the middle at frame 49.5
BEFORE, AFTER = slice(0, 40), slice(60, 100)  # well apart from somebody on the way back


def test_a_new_order_of_the_detector_changes_nothing() -> None:
    first, second = [body(100), body(300)], [body(305), body(95)]
    people = follow([(0.0, first), (0.04, second)])
    assert [p.centre[0] for p in (people[1][0], people[1][1])] == [95, 305]


def test_two_who_walk_past_each_other_keep_their_numbers() -> None:
    frames = [{"right": body(x), "left": body(600 - x)} for x in X]
    given = numbers(frames)
    assert set(given["right"][BEFORE] + given["right"][AFTER]) == {given["right"][0]}
    assert set(given["left"][BEFORE] + given["left"][AFTER]) == {1 - given["right"][0]}


@pytest.mark.parametrize("hidden", [4, 10, 20])  # frames in which the one behind is not found
def test_somebody_hidden_while_crossing_comes_out_as_the_same(hidden: int) -> None:
    frames = [
        {"front": body(x)} | ({} if abs(t - 49.5) < hidden / 2 else {"behind": body(600 - x)})
        for t, x in enumerate(X)
    ]
    given = numbers(frames)
    assert set(given["front"][BEFORE] + given["front"][AFTER]) == {given["front"][0]}
    assert set(given["behind"][BEFORE] + given["behind"][AFTER]) == {1 - given["front"][0]}


def test_somebody_who_waits_is_not_taken_along_by_who_walks_past() -> None:
    frames = [{"walks": body(x), "waits": body(300)} for x in X]
    given = numbers(frames)
    assert set(given["waits"][BEFORE] + given["waits"][AFTER]) == {given["waits"][0]}
    assert given["walks"][-1] == given["walks"][0] == 1 - given["waits"][0]


@pytest.mark.parametrize("clothes", [(RED, BLUE), (BLUE, RED)])
def test_who_turns_back_where_they_meet_is_known_by_the_clothes(clothes) -> None:
    back = [300 - abs(x - 300) for x in X]  # to the middle, and back again
    frames = [{"a": body(x, wears=clothes[0]), "b": body(600 - x, wears=clothes[1])} for x in back]
    given = numbers(frames)
    assert set(given["a"][BEFORE] + given["a"][AFTER]) == {given["a"][0]}


def test_of_two_alike_who_meet_the_path_that_goes_on_is_believed() -> None:
    back = [300 - abs(x - 300) for x in X]
    frames = [{"a": body(x, wears=RED), "b": body(600 - x, wears=RED)} for x in back]
    given = numbers(frames)["a"]
    assert given[-1] == 1 - given[0]


def test_who_is_alone_and_gone_for_a_while_stays_the_same_person() -> None:
    frames = [{"a": body(200 + t)} if t < 20 or t > 50 else {} for t in range(70)]
    assert set(numbers(frames)["a"]) == {0, -1}


def test_who_leaves_the_picture_does_not_take_the_others_number() -> None:
    leaves = [{"stays": body(100), "leaves": body(300 + 3 * t)} for t in range(30)]
    given = numbers([*leaves, *[{"stays": body(100)}] * 50])
    assert set(given["stays"]) == {given["stays"][0]}


def test_somebody_far_away_is_a_new_person() -> None:
    people = follow([(0.0, [body(100)]), (0.04, [body(400)]), (0.08, [body(104)])])
    assert [list(now) for now in people] == [[0], [1], [0]]


def test_a_third_person_gets_the_nearest_number() -> None:
    people = follow([(0.0, [body(100), body(300)]), (0.04, [body(900)])])
    assert list(people[1]) == [1]


def test_a_body_found_twice_is_one_body() -> None:
    assert [list(now) for now in follow([(0.0, [body(100), body(105)])])] == [[0]]


def test_nothing_found_is_nobody() -> None:
    assert follow([(0.0, []), (0.04, [])]) == [{}, {}]
    assert follow([]) == []


@pytest.mark.parametrize("seed", [10, 11, 22, 23])  # shake hands, push
def test_two_puppets_keep_their_numbers_by_their_true_joints(seed: int) -> None:
    scene = make_scene(seed, root="camera")
    both = scene.skeleton()
    at = np.flatnonzero(scene.truth.evidence & both.present.all(1)).tolist()
    missed = {"a": 7, "b": 5}  # one sight in so many is
    frames = [
        {n: _seen(both.joints[t, p]) for p, (n, k) in enumerate(missed.items()) if t % k}
        for t in at
    ]
    given = numbers(frames, seed=seed)
    assert sorted(({*given["a"]} - {-1}, {*given["b"]} - {-1}), key=min) == [{0}, {1}]


def _seen(joints: np.ndarray) -> Detection:
    """A body (25, 3) in camera metres as a camera of 500 pixels' focal length sees its torso."""
    pixels = 500 * joints[:, :2] / joints[:, 2:] * (1, -1)
    image = np.tile(pixels.mean(0), (LANDMARKS, 1))
    image[[11, 12, 23, 24]] = pixels[[4, 8, 12, 16]]  # shoulders, hips
    return replace(body(0), image=image)


def test_colours_are_those_of_the_torsos_halves() -> None:
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[:100], rgb[100:] = (255, 0, 0), (0, 0, 255)
    marks = body(100, 100).image
    marks[[11, 23], 0], marks[[12, 24], 0] = 110, 90
    assert torso_colours(rgb, marks).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_torso_half_out_of_the_picture_has_no_colours() -> None:
    assert torso_colours(np.zeros((90, 200, 3), np.uint8), body(100, 100).image) is None
