"""pyproject.toml and environment.yml ask for the same things within the same bounds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}  # PyPI name -> conda-forge name


def split(requirement: str) -> tuple[str, str]:
    name, bound = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", requirement).groups()
    return name.lower(), bound


def asked_by_pyproject() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = list(project["dependencies"])
    for extra, requirements in extras.items():
        wanted += requirements if extra != "all" else []
    return dict(split(r) for r in wanted)


def asked_by_conda() -> dict[str, str]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    plain = [entry for entry in listed if isinstance(entry, str) and entry != "pip"]
    return dict(split(r) for r in plain + [r for r in pip if r != "-e ."])


def test_conda_and_pip_ask_for_the_same():
    conda = asked_by_conda()
    conda.pop("python")
    assert {CONDA_NAMES.get(n, n): b for n, b in asked_by_pyproject().items()} == conda


def test_python_has_one_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert asked_by_conda()["python"] == project["requires-python"]


def test_all_extra_holds_every_other_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    (everything,) = extras["all"]
    named = everything.removeprefix("actviz[").removesuffix("]").split(",")
    assert set(named) == set(extras) - {"all"}


def test_constraints_hold_names_and_versions_only_and_cover_what_is_asked():
    lines = (ROOT / "constraints.txt").read_text().split("\n")
    pinned = {split(line)[0] for line in lines if line}
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+]+", line) for line in lines if line)
    assert set(asked_by_pyproject()) <= pinned
