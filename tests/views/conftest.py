"""Made-up clips of several lengths."""

from __future__ import annotations

import pytest
from views_fakes import Fake, make


@pytest.fixture(params=[1, 2, 16, 64], ids=lambda n: f"T={n}")
def fake(request: pytest.FixtureRequest) -> Fake:
    return make(request.param)


@pytest.fixture
def clip16() -> Fake:
    return make(16)


@pytest.fixture
def pair16() -> Fake:
    return make(16, people=2)
