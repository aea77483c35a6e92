"""Finished things are kept, the oldest go, and failures are not kept."""

import pytest

from explorer.compute import Ask, Shelf, devices


def test_a_thing_is_made_once():
    shelf, made = Shelf(2), []
    for _ in range(3):
        assert shelf.remember("a", lambda: made.append(1) or "thing") == "thing"
    assert made == [1]


def test_the_least_recently_used_goes_first():
    shelf = Shelf(2)
    shelf.remember("a", lambda: 1)
    shelf.remember("b", lambda: 2)
    shelf.get("a")
    shelf.remember("c", lambda: 3)
    assert (shelf.get("a"), shelf.get("b"), shelf.get("c")) == (1, None, 3)


def test_a_failure_is_not_kept():
    shelf = Shelf(2)
    with pytest.raises(ZeroDivisionError):
        shelf.remember("a", lambda: 1 / 0)
    assert shelf.remember("a", lambda: 5) == 5


def test_the_same_content_under_two_paths_is_one_trace(tmp_path):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"w")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(b"same")
    asks = [Ask("mam", tmp_path / folder / "clip.mp4", weights) for folder in ("one", "two")]
    assert asks[0].key == asks[1].key
    (tmp_path / "two" / "clip.mp4").write_bytes(b"another")
    assert asks[0].key != asks[1].key


def test_auto_and_the_cpu_are_always_offered():
    assert devices()[:2] == ["auto", "cpu"]
