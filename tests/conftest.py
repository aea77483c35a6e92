"""Fixtures that more than one room's tests use, and the rule that CI skips nothing in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

SKIP_IS_FAILURE = os.environ.get("ACTVIZ_SKIP_IS_FAILURE") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Under ACTVIZ_SKIP_IS_FAILURE=1 a skip fails, unless the test is one for a GPU."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if SKIP_IS_FAILURE and skipped and "gpu" not in item.keywords:
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


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
def pose_model() -> Path:
    """MediaPipe's pose landmarker: ACTVIZ_POSE_MODEL, or the one beside the real recordings."""
    given = os.environ.get("ACTVIZ_POSE_MODEL")
    root = os.environ.get("ACTVIZ_REAL_DATA")
    if not given and not root:
        pytest.skip("neither ACTVIZ_POSE_MODEL nor ACTVIZ_REAL_DATA is set: no pose model")
    path = Path(given) if given else Path(str(root), "pose", "pose_landmarker_full.task")
    if not path.is_file():
        pytest.skip(f"no pose model at {path}")
    return path
