"""What-ifs as pure data: which frames are shown and forced, and what came of it in words."""

from dataclasses import replace

import numpy as np
import pytest

from actviz.trace.run import load_weights, trace_video
from explorer.sources import samples
from explorer.whatif import Wish, place_of, words


@pytest.fixture(scope="module")
def base():
    """The bundled MAM on a bundled clip."""
    return trace_video(load_weights("mam", device="cpu"), samples()["throw"].video)


def under(base, wish: Wish):
    from actviz.trace.whatif import what_if

    count = len(base.cached)
    asked = {"force": wish.force(count), "order": wish.shown(count)}
    return what_if(base.cached, threshold=wish.threshold, **asked)


def test_to_wish_for_nothing_is_no_wish():
    assert not Wish()
    assert Wish(threshold=0.2) and Wish(order="reversed") and Wish(fates=((3, "skip"),))


def test_frames_left_out_are_left_out_of_any_order():
    wish = Wish(fates=((1, "drop"), (3, "drop")))
    assert wish.shown(5).tolist() == [0, 2, 4]
    assert replace(wish, order="reversed").shown(5).tolist() == [4, 2, 0]
    mixed = replace(wish, order="shuffled", seed=4).shown(5)
    assert sorted(mixed) == [0, 2, 4]
    assert mixed.tolist() == replace(wish, order="shuffled", seed=4).shown(5).tolist()


def test_frames_are_forced_by_their_place_in_the_clip():
    force = Wish(fates=((0, "skip"), (2, "write"))).force(4)
    assert force[0] == 0 and force[2] == 1 and np.isnan(force[[1, 3]]).all()


def test_a_frame_left_out_has_no_place_and_the_others_keep_theirs(base):
    now = under(base, Wish(fates=((2, "drop"),)))
    assert place_of(base.trace, now, 2) is None
    assert [place_of(base.trace, now, at) for at in (0, 1, 3)] == [0, 1, 2]


def test_one_sentence_says_what_was_asked_and_what_came_of_it(base):
    written = np.flatnonzero(base.trace.written)
    wish = Wish(fates=tuple((int(at), "skip") for at in written[:2]))
    said = words(base.trace, under(base, wish), wish)
    one, other = base.trace.times_s[written[:2]]
    assert said.startswith(f"With the frames of {one:.2f} and {other:.2f} s skipped: ")
    assert f"instead of {len(written)} of 16 frames are written" in said
    assert "the answer stays throw" in said and said.endswith(".")


def test_an_answer_that_turns_is_said_to_turn(base):
    wish = Wish(threshold=1.0)
    said = words(base.trace, under(base, wish), wish)
    assert "0 instead of" in said and "the answer turns from throw" in said
