"""A class's notebooks as they come: who gets which points, what is said, what survives."""

import csv
import re

import jupytext
import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from genimg_lib.cli import main
from genimg_lib.course import chapters, exercises, grading

NAME = "17_scores_and_flows"
SECONDS = 120.0  # of a notebook, where nothing is to be stopped


@pytest.fixture(scope="module")
def known():
    return {NAME: exercises.read(chapters.notebooks_folder() / "solutions" / f"{NAME}.py")}


@pytest.fixture
def submitted(tmp_path, known):
    """Writes a notebook of (some of) the solved cells, changed; gives what grading makes of it."""

    def write(change=lambda cells: cells, name=f"{NAME}.ipynb", seconds=SECONDS, memory=4.0):
        path = chapters.notebooks_folder() / "solutions" / f"{NAME}.py"
        cells = [c.source for c in jupytext.read(path).cells if c.cell_type == "code"]
        notebook = new_notebook(cells=[new_code_cell(source) for source in change(cells)])
        nbformat.write(notebook, tmp_path / name)
        return grading.grade(tmp_path / name, known, seconds, memory)

    return write


def with_cell(source, place=1):
    return lambda cells: [*cells[:place], source, *cells[place:]]


def test_a_solved_notebook_has_all_points_and_no_remark(submitted):
    result = submitted()
    assert result.total == result.of > 5
    assert result.remarks == []


def test_an_untouched_notebook_has_none(known, tmp_path):
    path = chapters.notebooks_folder() / "exercises" / f"{NAME}.ipynb"
    result = grading.grade(path, known, SECONDS)
    assert result.total == 0 < result.of
    assert len(result.remarks) == len(result.points)


IMPORT = re.compile("^from genimg_lib.check import .*$", re.MULTILINE)
ODD = {  # (what is done to the notebook, what is said of it, are all points there)
    "renamed": ({"name": "homework (final) 2.ipynb"}, "another name than", True),
    "a check copied": (
        {"change": lambda cells: cells + [c for c in cells if "check." in c][-1:]},
        "is called 2 times; it counts once",
        True,
    ),
    "all checks gone": (
        {"change": lambda cells: [c for c in cells if "check.s" not in c and "check.f" not in c]},
        "is gone; it was run at the end",
        True,
    ),
    "prints without end": (
        {"change": with_cell("while True:\n    print('x' * 1000)"), "seconds": 9.0},
        "stopped after 3 s: an endless loop",
        True,
    ),
    "a loop that catches everything": (
        {
            "change": with_cell(
                "while True:\n    try:\n        sum([1])\n    except:\n        pass"
            ),
            "seconds": 9.0,
        },
        "stopped after 3 s",
        True,
    ),
    "a loop that catches everything in two functions": (
        {
            "change": with_cell(
                "def inner():\n    try:\n        sum(range(1000))\n    except:\n        pass\n"
                "def outer():\n    while True:\n        try:\n            inner()\n"
                "        except:\n            pass\nouter()"
            ),
            "seconds": 18.0,
        },
        "stopped after 6 s",
        True,
    ),
    "a large tensor": (
        {"change": with_cell("import torch\nx = torch.zeros(20 * 2**30, dtype=torch.uint8)")},
        "wants more memory",
        True,
    ),
    "magics": (
        {"change": with_cell("%matplotlib inline\nfiles = !ls\ndisplay(3)")},
        "what begins with % or ! does nothing",
        True,
    ),
    "an import that is not here": (
        {"change": with_cell("import no_such_module")},
        "code cell 2: ModuleNotFoundError",
        True,
    ),
    "leaves": (
        {"change": with_cell("import sys\nsys.exit(3)")},
        "code cell 2: SystemExit: 3",
        True,
    ),
    "leaves at once": ({"change": with_cell("import os\nos._exit(3)")}, "ended (3) in code", False),
    "asks": (
        {"change": lambda cells: ["name = input('your name? ')\n" + cells[0], *cells[1:]]},
        "input() is answered with nothing",
        True,
    ),
    "timed": (
        {"change": lambda cells: [f"%%time\n{c}" if "SOLUTION" in c else c for c in cells]},
        "what begins with % or ! does nothing",
        True,
    ),
    "without the checks' import, and renamed": (
        {"change": lambda cells: [IMPORT.sub("", c) for c in cells], "name": "late.ipynb"},
        "the import of the checks is gone",
        True,
    ),
    "a loop that nothing stops": (
        {
            "change": with_cell(
                "import signal as s\ns.signal(s.SIGALRM, s.SIG_IGN)\nwhile True:\n    pass"
            ),
            "seconds": 9.0,
        },
        "stopped after 9 s in code cell 2",
        False,
    ),
    "no Python": ({"change": with_cell("def f(:")}, "code cell 2: SyntaxError", True),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_is_said_and_costs_its_own_points(odd, submitted):
    how, said, all_points = ODD[odd]
    result = submitted(**how)
    assert any(said in remark for remark in result.remarks), result.remarks
    assert (result.total == result.of) == all_points


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nawait asyncio.sleep(0)",
        "import builtins\nbuiltins.print = lambda *_, **__: 1 / 0",
        "import builtins\nbuiltins.sum = builtins.len = None",
    ],
)
def test_what_works_in_jupyter_costs_nothing(submitted, source):
    result = submitted(with_cell(source))
    assert result.total == result.of and not result.remarks


def test_no_process_stays_behind(submitted):
    sleep = "import time; time.sleep(77.25)"
    call = f"[sys.executable, '-c', {sleep!r}], start_new_session=True"
    submitted(with_cell(f"import subprocess, sys\nsubprocess.Popen({call})"))
    assert not [p for p in psutil.process_iter(["cmdline"]) if sleep in (p.info["cmdline"] or ())]


def test_a_mistyped_cell_is_called_by_its_number_and_not_taken_for_magic(submitted):
    (remark,) = submitted(with_cell("a note to myself")).remarks
    assert remark.startswith("code cell 2: SyntaxError") and "<cell 2>" in remark


@pytest.mark.parametrize(
    "trick",
    [
        "class check:\n    def __getattr__(self, _):\n        return print",
        f"from genimg_lib.check import {NAME[3:]} as c\nfor n in list(vars(c)):\n"
        "    setattr(c, n, lambda *_: None)",
    ],
)
def test_a_check_that_was_changed_gives_nothing_for_nothing(submitted, trick):
    def cheat(cells):
        return [trick, *(c.replace("### BEGIN SOLUTION", "return None") for c in cells)]

    assert submitted(cheat).total == 0


def test_a_folder_is_graded_with_one_command(tmp_path, monkeypatch, capsys, known):
    monkeypatch.setattr(exercises, "standing", lambda: [NAME])
    (tmp_path / "in" / "ann").mkdir(parents=True)
    solved = jupytext.read(chapters.notebooks_folder() / "solutions" / f"{NAME}.py")
    nbformat.write(solved, tmp_path / "in" / "ann" / f"{NAME}.ipynb")
    (tmp_path / "in" / "bob.ipynb").write_text("no notebook")
    nbformat.write(new_notebook(), tmp_path / "in" / "empty.IPYNB")
    (tmp_path / "in" / "dora.zip").write_bytes(b"PK")
    out = tmp_path / "grades.csv"
    assert main(["grade", str(tmp_path / "in"), "-o", str(out), "--seconds", "60"]) == 0
    said = capsys.readouterr().out
    of = sum(cell.points for cell in known[NAME])
    assert f"ann/{NAME}.ipynb: {of} of {of} points" in said
    assert "bob.ipynb: not graded\n    cannot be read as a notebook" in said
    assert "empty.IPYNB: not graded\n    no exercises of the course" in said
    assert "dora.zip: not graded\n    an archive: unpack it" in said
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["points"] for row in rows] == [str(of), "0", "0", "0"]
    assert main(["grade", str(tmp_path / "in"), "-o", str(out)]) == 1
    assert "--overwrite" in capsys.readouterr().err


def test_what_cannot_be_graded_is_refused(tmp_path, capsys):
    (tmp_path / "one.txt").write_text("1")
    for call, said in (
        ([str(tmp_path)], "there are no notebooks (.ipynb) below"),
        ([str(tmp_path / "one.txt")], "is a file; give its folder"),
        ([str(tmp_path / "none")], "does not exist"),
        ([str(tmp_path), "--seconds", "0"], "expected limits above 0, got 0 seconds"),
    ):
        assert main(["grade", *call]) == 1
        assert said in capsys.readouterr().err
