"""Who may import whom (models <- actviz <- explorer), and what must import without extras."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = ("av", "streamlit", "mediapipe", "cv2", "plotly", "lightning", "pytorch_grad_cam")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def offenders(room: str, *banned: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in imported(path)
        if any(name == b or name.startswith(b + ".") for b in banned)
    ]


@pytest.mark.parametrize(
    ("room", "banned"),
    [
        ("models", ("actviz", "explorer")),
        ("actviz", ("explorer", "streamlit")),
        ("actviz/views", ("models", "torch", "streamlit", "actviz.trace", "actviz.learn")),
        ("actviz/clip", ("models", "actviz.trace", "actviz.views", "actviz.learn")),
        ("explorer", ("torch", "models")),
    ],
)
def test_no_room_imports_against_the_arrows(room, banned):
    assert offenders(room, *banned) == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("models", (*OPTIONAL, "matplotlib")),
        ("actviz.learn", tuple(o for o in OPTIONAL if o != "lightning")),
        ("actviz.learn.checkpoints", OPTIONAL),
        ("actviz.trace", ("streamlit", "mediapipe", "lightning", "av", "plotly")),
        ("actviz.cli", ("streamlit", "mediapipe", "lightning", "torch", "matplotlib")),
    ],
)
def test_imports_on_a_machine_without(module, absent):
    """``sys.modules[name] = None`` makes ``import name`` fail, as where it is not installed."""
    block = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); import {module}"
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
