"""Repairing frame times, and rebuilding those of packed MPEG-4 from its packets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actviz.clip.clock import is_variable, repair_times, slots_of
from actviz.clip.pictures import Mpeg4Counter, picture_counter

NAN = float("nan")


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        ([0.0, 0.1, 0.2], [0.0, 0.1, 0.2]),
        ([0.0, 0.1, 0.1, 0.3], [0.0, 0.1, 0.2, 0.3]),  # repeated
        ([0.0, 0.2, 0.1, 0.3], [0.0, 0.1, 0.2, 0.3]),  # out of order
        ([NAN, 0.1, NAN, 0.3, NAN], [0.0, 0.1, 0.2, 0.3, 0.4]),  # missing
        ([5.0, 5.1, 0.0, 0.1], [5.0, 5.1, 5.2, 5.3]),  # the clock starts again
        ([NAN, NAN], [0.0, 0.1]),
        ([0.0, 0.0, 0.0], [0.0, 0.1, 0.2]),
    ],
)
def test_repair_by_hand(raw: list[float], repaired: list[float]) -> None:
    times, changed = repair_times(raw, 0.1)
    np.testing.assert_allclose(times, repaired, atol=1e-9)
    assert (changed == 0) == (raw == repaired)


@given(
    raw=st.lists(st.one_of(st.just(NAN), st.integers(0, 10**6)), min_size=1, max_size=80),
    period=st.floats(0.005, 1.0),
)
def test_repaired_times_always_increase(raw: list[float], period: float) -> None:
    times, changed = repair_times(np.asarray(raw, dtype=float) / 1000, period)
    assert len(times) == len(raw)
    assert np.all(np.isfinite(times))
    assert np.all(np.diff(times) > 0)
    assert changed >= np.isnan(raw).sum()


def test_good_times_are_left_alone() -> None:
    good = np.cumsum(np.random.default_rng(0).uniform(0.001, 0.9, 50))
    times, changed = repair_times(good, 0.04)
    assert changed == 0
    np.testing.assert_allclose(times, good)


def test_variable_rate_ignores_rounding_but_not_pauses() -> None:
    assert not is_variable(np.round(np.arange(60) / 30, 3))
    assert not is_variable(np.asarray([0.0, 3.0]))
    assert is_variable(np.asarray([0.0, 0.03, 0.06, 0.2, 0.23]))


def test_packed_pictures_wait_for_the_placeholder_behind_them() -> None:
    #        I  PB  -  PB  -      (HMDB51 and UCF101 files look like this)
    coded = [1, 2, 0, 2, 0]
    assert slots_of(coded, range(5)).tolist() == [0, 1, 2, 3, 4]


def test_the_encoders_delay_is_not_a_pause() -> None:
    assert slots_of([1, 0, 2, 0], range(4)).tolist() == [1, 2, 3]


def test_a_picture_still_waiting_at_the_end_is_never_shown() -> None:
    assert slots_of([1, 2], range(2)).tolist() == [0, 1]


def test_dropped_frames_leave_a_gap() -> None:
    assert slots_of([1, 1, 0, 1], [0, 1, 2, 3]).tolist() == [0, 1, 3]


def _bits(text: str) -> bytes:
    text = text.replace(" ", "")
    text += "0" + "1" * ((-len(text) - 1) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


HEADER = b"\x00\x00\x01\x20" + _bits(
    "0 00000001 0 0001 0 00 1" + format(25, "016b") + "1 0"  # 25 ticks: five bits of time
)


def _vop(kind: int, coded: int, seconds: int = 0) -> bytes:
    head = format(kind, "02b") + "1" * seconds + "0" + "1" + "00111" + "1" + str(coded)
    return b"\x00\x00\x01\xb6" + _bits(head)


def test_placeholders_are_told_from_pictures_by_their_bit_not_their_size() -> None:
    count = Mpeg4Counter(HEADER)
    assert count(_vop(0, 1)) == (1, False, False)
    assert count(_vop(1, 0, seconds=2)) == (0, False, False)
    assert count(_vop(1, 1) + _vop(2, 1)) == (2, True, False)
    assert count(b"\x7f") == (0, False, False)


def test_the_header_may_come_in_a_packet() -> None:
    count = Mpeg4Counter()
    assert count(HEADER + _vop(0, 1)).shown == 1
    assert count(_vop(1, 0)).shown == 0


def test_reference_frames_that_vp8_never_shows_do_not_count() -> None:
    count = picture_counter("vp8", None)
    assert count(b"\x10rest").shown == 1
    assert count(b"\x00rest").shown == 0


def test_nal_units_that_do_not_fill_their_packet_are_damage() -> None:
    count = picture_counter("h264", bytes([1, 100, 0, 30, 0xFF]))  # lengths of four bytes
    assert not count(b"\x00\x00\x00\x02ab\x00\x00\x00\x01c").damaged
    assert count(b"\x00\x00\x00\x09ab").damaged
    assert count(bytes(9)).damaged
