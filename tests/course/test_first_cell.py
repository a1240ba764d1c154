"""The cell that makes a notebook run anywhere: where it is put, and what it does."""

import subprocess
import sys

import jupytext
import nbformat
import pytest

from genimg_lib.course import chapters, first_cell

NOTEBOOK = """# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # 11 One

# %%
import math

# %%
print(math.pi)
"""


@pytest.fixture
def pair(notebooks):
    """A notebook of two code cells, with a stored output. Its program's path."""
    path = notebooks / "11_one.py"
    path.write_text(NOTEBOOK, encoding="utf-8")
    stored = jupytext.reads(NOTEBOOK, fmt="py:percent")
    stored.cells[2].outputs = [nbformat.v4.new_output("stream", text="3.14")]
    nbformat.write(stored, path.with_suffix(".ipynb"))
    return path


def cells(path):
    return [(c.cell_type, c.source) for c in jupytext.read(path).cells]


def test_it_comes_before_the_first_code_cell_in_both_files(pair):
    assert first_cell.write("") == ["11_one"]
    sources = [source for _, source in cells(pair)]
    assert sources[1] == first_cell.source("")
    assert sources[2:] == ["import math", "print(math.pi)"]
    assert cells(pair) == cells(pair.with_suffix(".ipynb"))
    stored = nbformat.read(pair.with_suffix(".ipynb"), as_version=4)
    assert stored.cells[3].outputs[0].text == "3.14"


def test_another_address_renews_it_and_the_same_changes_nothing(pair):
    first_cell.write("")
    assert first_cell.write("") == []
    assert first_cell.write("git+https://example.org/genimg") == ["11_one"]
    sources = [source for _, source in cells(pair)]
    assert sum(first_cell.MARK in source for source in sources) == 1
    assert '"git+https://example.org/genimg"' in sources[1]


def test_every_notebook_of_the_course_has_it():
    for name in chapters.standing():
        program = jupytext.read(chapters.notebooks_folder() / f"{name}.py")
        first = next(c for c in program.cells if c.cell_type == "code")
        assert first.source == first_cell.source(), "write it again: genimg first-cell"


def alone(tmp_path, **environment):
    """Run the cell in a Python that has no genimg, in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-S", "-c", first_cell.source("")],  # -S: no site-packages
        cwd=tmp_path,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
    )


def test_without_the_course_and_without_a_wheel_it_says_what_to_do(tmp_path):
    done = alone(tmp_path)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr and "GENIMG_SOURCE" in done.stderr


def test_the_newest_wheel_beside_is_what_it_installs(tmp_path):
    for version in ("0.1.0", "0.2.0"):
        (tmp_path / f"genimg-{version}-py3-none-any.whl").write_bytes(b"no wheel")
    done = alone(tmp_path)
    assert "installing genimg from" in done.stdout and "genimg-0.2.0" in done.stdout
    assert done.returncode != 0  # pip refuses what is no wheel


def test_a_named_source_goes_before_all_others(tmp_path):
    done = alone(tmp_path, GENIMG_SOURCE="./nowhere.whl")
    assert "installing genimg from ./nowhere.whl" in done.stdout
