"""Small work on one core: the calling thread's own setting, nobody else's."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from actviz.trace.cores import on_one_core

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="set where torch has OpenMP threads of its own"
)


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_the_calling_thread_has_one_and_another_keeps_its_own():
    with ThreadPoolExecutor(1) as pool:
        known = pool.submit(torch.get_num_threads).result()
        with on_one_core():
            seen = torch.get_num_threads(), pool.submit(torch.get_num_threads).result()
    assert (known, seen, torch.get_num_threads()) == (2, (1, 2), 2)


def test_a_thread_new_to_torch_has_one_too():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(on_one_core()(torch.get_num_threads)).result() == 1
        assert pool.submit(torch.get_num_threads).result() == 2


def test_a_thread_that_begins_meanwhile_has_all():
    with on_one_core(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2


def test_an_error_inside_leaves_nothing_changed():
    with pytest.raises(ValueError, match="inside"), on_one_core():
        raise ValueError("inside")
    assert torch.get_num_threads() == 2


def test_blocks_may_stand_inside_one_another():
    with on_one_core():
        with on_one_core():
            pass
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
