"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_seed_every_time() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings; set ACTVIZ_REAL_DATA to run the tests that need it."""
    root = os.environ.get("ACTVIZ_REAL_DATA")
    if not root:
        pytest.skip("ACTVIZ_REAL_DATA is not set: no real recordings to test on")
    return Path(root)


@pytest.fixture(scope="session")
def pose_model(real_data: Path) -> Path:
    """MediaPipe's pose landmarker: ACTVIZ_POSE_MODEL, or the one beside the real recordings."""
    given = os.environ.get("ACTVIZ_POSE_MODEL")
    path = Path(given) if given else real_data / "pose" / "pose_landmarker_full.task"
    if not path.is_file():
        pytest.skip("no pose model: set ACTVIZ_POSE_MODEL")
    return path
