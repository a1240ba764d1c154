"""The form of the code: what fits the page, and which floor imports which."""

import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

from genimg_lib.course import chapters, form

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = [chapters.notebooks_folder() / f"{name}.py" for name in chapters.standing()]
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.py"))
SOURCES = sorted(
    path
    for place in ("genimg_lib", "tests", "benchmarks", "book")
    for path in (ROOT / place).rglob("*.py")
)


CHOSEN = re.compile("^(DATA|CONTENT|STYLE) = ", re.MULTILINE)


@pytest.mark.parametrize("path", [*NOTEBOOKS, *SOLUTIONS], ids=lambda path: path.stem)
def test_the_code_of_a_notebook_fits_the_page(path):
    assert not form.notebook_faults(path)


def test_what_a_reader_may_choose_stands_in_the_cell_that_papermill_overrides():
    """papermill puts its values into a cell of their own, behind the one tagged so."""
    chosen = 0
    for path in NOTEBOOKS:
        cells = jupytext.read(path).cells
        holds = [cell for cell in cells if CHOSEN.search(cell.source)]
        tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", ())]
        assert holds == tagged, path.name
        chosen += len(holds)
    assert chosen >= 11


def test_cells_are_small():
    _, median, ninth_decile, _ = form.summary(form.cell_sizes(NOTEBOOKS))
    assert median <= form.MEDIAN_TOKENS
    assert ninth_decile <= form.NINTH_DECILE_TOKENS


def test_library_and_tests_fit_their_width():
    assert not [fault for path in SOURCES for fault in form.wide_lines(path, form.WIDTH)]


def test_docstrings_begin_with_a_line_one_can_take_in():
    assert not [fault for path in SOURCES for fault in form.docstring_faults(path)]


def test_ruff_finds_nothing():
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-2000:]


def test_no_import_goes_up_or_in_a_circle():
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("x = 1  # " + "x" * 90, "columns"),
        ("x = 1  # fmt: skip", "formatter"),
        ("print(), print()", "a tuple of calls"),
        ("f = lambda x: x", "an assigned lambda"),
        ("\n".join(f"x{k} = {k}" for k in range(26)), "a cell of 26 lines"),
    ],
)
def test_each_fault_is_seen(code, what, tmp_path):
    path = tmp_path / "a.py"
    path.write_text(f"# %%\n{code}\n", encoding="utf-8")
    assert [what in fault.what for fault in form.notebook_faults(path)] == [True]


def test_tokens_count_neither_comments_nor_layout():
    assert form.tokens("x = 1  # one\n\n\n") == form.tokens("x=1") == 3
    assert form.tokens("def f(x):\n    return x\n") == 8
    assert form.tokens("f'{a!r:>{w}} b {c}'") == form.tokens("'abc'") == 1  # in every Python
