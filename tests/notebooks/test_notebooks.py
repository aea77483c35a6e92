"""Every notebook runs from top to bottom on a fresh kernel, and is built as a reader expects it.

Stored outputs are never compared: the asserts live in the cells.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_LINES = 25  # of a code cell
MAX_OUTPUT, MAX_FILE = 1_000_000, 2_000_000  # bytes
WIDGET = "application/vnd.jupyter.widget"
ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:home|root|Users|tmp|work|mnt|var|opt)/|\b[A-Z]:\\")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def parsed(cell: NotebookNode) -> ast.Module:
    """The cell's Python, without the magic lines."""
    lines = cell.source.splitlines()
    return ast.parse("\n".join(line for line in lines if not line.startswith("%")))


def with_solutions(notebook: NotebookNode) -> NotebookNode:
    """After each exercise's solution, a cell that runs it and wants the check to say so."""
    cells, check = [], ""
    for cell in notebook.cells:
        cells.append(cell)
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags:
            check = cell.source.splitlines()[-1]
        if "solution" in tags:
            code = "\n".join(PYTHON.findall(cell.source))
            test = f"{code}\nsaid = {check}\nassert said.startswith('Right'), said"
            cells.append(nbformat.v4.new_code_cell(test))
    notebook.cells = cells
    return notebook


@pytest.fixture
def own_kernel(tmp_path, monkeypatch):
    """A kernel called python3 that is this very interpreter, whatever else is installed."""
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kernel))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("ACTVIZ_FAST", "1")
    return "python3"


def test_all_notebooks_are_there():
    assert [p.stem.split("_")[0] for p in NOTEBOOKS] == ["1", "2", "2b", "3", "3b", "4", "4b"]


@pytest.mark.notebook
@pytest.mark.timeout(120)
@each_notebook
def test_runs_from_top_to_bottom_and_its_solutions_are_right(path, own_kernel):
    notebook = with_solutions(read(path))
    resources = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=120, kernel_name=own_kernel, resources=resources)
    client.execute()  # raises where a cell fails


@each_notebook
def test_opens_with_a_title_and_what_it_asks_of_the_reader(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    for words in ("You will see", "Needs", "Takes", "on a CPU"):
        assert words in first.source


@each_notebook
def test_everything_is_imported_in_one_setup_cell(path):
    imports = [
        number
        for number, cell in enumerate(code_cells(read(path)))
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(parsed(cell)))
    ]
    assert imports == [0]


@each_notebook
def test_words_come_before_each_code_cell(path):
    cells = read(path).cells
    kinds = [cell.cell_type for cell in cells]
    assert all(kinds[i - 1] == "markdown" for i, kind in enumerate(kinds) if kind == "code")
    assert kinds[-1] == "markdown"


@each_notebook
def test_code_cells_are_short(path):
    too_long = [c.source[:60] for c in code_cells(read(path)) if c.source.count("\n") >= MAX_LINES]
    assert too_long == []


@each_notebook
def test_library_names_are_not_redefined(path):
    cells = [parsed(cell) for cell in code_cells(read(path))]
    imported = {alias.asname or alias.name for node in ast.walk(cells[0]) for alias in _names(node)}
    defined = {
        node.name
        for cell in cells
        for node in ast.walk(cell)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert not imported & defined


def _names(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


@each_notebook
def test_holds_asserts_an_equation_a_prediction_and_a_caution(path):
    notebook = read(path)
    asserting = [c for c in code_cells(notebook) if "assert " in c.source]
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert len(asserting) >= 5
    assert "$$" in prose
    assert "**Prediction.**" in prose
    assert "## A word of caution" in prose
    assert "puppets are not people" in prose


@each_notebook
def test_each_widget_leaves_a_static_figure_beside_it(path):
    notebook = read(path)
    widgets = [c for c in code_cells(notebook) if "widgets.interact" in c.source]
    assert len(widgets) == 1
    assert "display(" in widgets[0].source.split("widgets.interact")[1]
    assert any("image/png" in output.get("data", {}) for output in widgets[0].outputs)


@each_notebook
def test_every_exercise_has_a_check_and_a_solution(path):
    tags = [cell.metadata.get("tags", []) for cell in read(path).cells]
    marks = [tag[0] for tag in tags if tag]
    assert marks
    assert marks == ["exercise", "solution"] * (len(marks) // 2)
    for cell in read(path).cells:
        if "solution" in cell.metadata.get("tags", []):
            assert PYTHON.search(cell.source)
            assert cell.source.startswith("<details>")


@each_notebook
def test_stored_outputs_are_whole_small_and_without_errors(path):
    notebook = read(path)
    order = [cell.execution_count for cell in code_cells(notebook)]
    assert order == list(range(1, len(order) + 1))  # run once, from top to bottom
    assert not [o for o in outputs(notebook) if o.output_type == "error"]
    assert not [o for o in outputs(notebook) if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for o in outputs(notebook)) >= 3
    assert max(len(json.dumps(o)) for o in outputs(notebook)) < MAX_OUTPUT
    assert path.stat().st_size < MAX_FILE


@each_notebook
def test_widget_state_is_stripped(path):
    notebook = read(path)
    assert "widgets" not in notebook.metadata
    kinds = [kind for output in outputs(notebook) for kind in output.get("data", {})]
    assert not [kind for kind in kinds if kind.startswith(WIDGET)]


@each_notebook
def test_names_no_place_on_somebodys_machine(path):
    notebook = read(path)
    texts = [cell.source for cell in notebook.cells]
    for output in outputs(notebook):
        texts.append(str(output.get("text", "")))
        texts += [str(v) for k, v in output.get("data", {}).items() if not k.startswith("image/")]
    assert [found.group() for text in texts for found in ABSOLUTE.finditer(text)] == []


@each_notebook
def test_asks_for_any_python_3_kernel(path):
    kernel = read(path).metadata.kernelspec
    assert (kernel.name, kernel.display_name) == ("python3", "Python 3")


@each_notebook
def test_links_lead_to_notebooks_that_exist(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    linked = re.findall(r"\]\(([^)]+\.ipynb)\)", prose)
    assert linked
    assert [name for name in linked if not (path.parent / name).is_file()] == []
