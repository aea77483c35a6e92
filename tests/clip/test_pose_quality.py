"""What is said about a pose: what is missing, guessed, upside down, and what it cannot tell."""

from __future__ import annotations

import numpy as np

from actviz.clip.layouts import LAYOUTS
from actviz.clip.pose_quality import ASSUMED, Quality, quality_in_words

J = LAYOUTS["ntu-25"].number


def _quality(found: np.ndarray, *, visible: float = 1.0, upside: int = 1) -> Quality:
    """People standing, ten frames a second; upside -1: on their heads."""
    points = np.zeros((*found.shape, 25, 2), np.float32)
    points[..., J("head"), 1] = -50 * upside
    visibility = np.where(found[..., None], np.float32(visible), 0) * np.ones(25, np.float32)
    return Quality(np.arange(len(found)) / 10, points, visibility, found, np.zeros_like(found))


def test_of_a_perfect_pose_only_what_it_cannot_tell_is_said() -> None:
    said = quality_in_words(_quality(np.ones((30, 1), bool)), frames=30)
    assert said == [ASSUMED]
    assert all(word in ASSUMED for word in ("hips", "camera", "upright", "distance", "down"))


def test_long_stretches_without_somebody_are_named_in_seconds() -> None:
    found = np.ones((40, 2), bool)
    found[10:20, 1], found[25:28, 1] = False, False
    said = quality_in_words(_quality(found), frames=40)
    assert "Person 2 is missing at 1.0–1.9 s." in said  # 2.5–2.7 s is short
    assert not any("Person 1" in sentence for sentence in said)


def test_many_stretches_are_counted() -> None:
    found = np.arange(100)[:, None] // 10 % 2 == 0
    said = quality_in_words(_quality(found), frames=100)
    assert "Nobody is there at 1.0–1.9 s, 3.0–3.9 s, 5.0–5.9 s and 2 more times." in said


def test_what_is_guessed_is_said() -> None:
    said = quality_in_words(_quality(np.ones((9, 1), bool), visible=0.2), frames=9)
    assert any("legs are mostly out of sight" in sentence for sentence in said)
    assert "In 100% of the sights most joints are guessed rather than seen." in said


def test_somebody_upside_down_is_said_to_be() -> None:
    said = quality_in_words(_quality(np.ones((9, 1), bool), upside=-1), frames=9)
    assert any("head is below the hips: somebody is upside down" in s for s in said)


def test_interpolated_sights_and_frames_passed_over_are_counted() -> None:
    quality = _quality(np.ones((9, 1), bool))
    quality.found[3], quality.interpolated[3] = False, True
    said = quality_in_words(quality, frames=20)
    assert "A person was found in 8 of 9 frames." in said
    assert "Pose looked at 9 of 20 frames." in said
    assert "1 missing sight was interpolated (gaps up to 0.5 s)." in said
