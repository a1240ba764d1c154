"""Exercises: what is made from a source, what is refused, that nbgrader grades it.

And that each chapter's own exercises hold.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from genimg_lib.cli import main
from genimg_lib.course import chapters, exercises
from genimg_lib.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
NAMES = exercises.standing()
SECONDS = 120  # for one notebook

# checks of its own, so that it needs neither torch nor the course's checks
SAMPLE = '''# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises 90: Numbers

# %%
class Wrong(AssertionError):
    """An answer that is not right yet."""


class check:
    def judge(answer, wanted):
        try:
            given = answer(3)
        except NotImplementedError:
            raise Wrong("not written yet") from None
        if given != wanted:
            raise Wrong(f"3 gives {given}, not {wanted}")
        print("right")

    double = lambda answer: check.judge(answer, 6)
    square = lambda answer: check.judge(answer, 9)


# %% [markdown]
# ## 1. Twice  ★ (2 minutes)
# Write the double.

# %%
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION


# %%
check.double(double)  # 1 point

# %% [markdown]
# ## 2. Square  ★★★ (15 minutes, a project)
# Write the square.

# %% [markdown]
# A hint: multiply.

# %%
def square(x):
    if x == 0:
        ### BEGIN SOLUTION
        return 0
        ### END SOLUTION
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION


# %%
print("a cell that is given")

# %%
check.square(square)  # 3 points

# %% [markdown]
# <!-- BEGIN SOLUTION -->
# Why it holds: x times x is the secret.
# <!-- END SOLUTION -->

# %% [markdown]
# A last word.
#
# <!-- BEGIN SOLUTION -->
# Another secret.
# <!-- END SOLUTION -->
'''


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Writes a chapter's source into a checkout of its own; gives its path."""
    folder = tmp_path / "checkout" / "notebooks"
    (folder / "solutions").mkdir(parents=True)
    monkeypatch.setattr(chapters, "notebooks_folder", lambda: folder)

    def write(text=SAMPLE, name="90_numbers"):
        path = folder / "solutions" / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# ------------------------------------------------------------------ stripping


def test_a_solution_leaves_nbgraders_stub_where_its_marker_stood():
    code = (
        "def f(x):\n    if x:\n        ### BEGIN SOLUTION\n        y = 1\n        return y\n       "
        " ### END SOLUTION\n    return 0"
    )
    stub = "        # YOUR CODE HERE\n        raise NotImplementedError()"
    assert exercises.stripped(code) == f"def f(x):\n    if x:\n{stub}\n    return 0"
    assert exercises.stripped("a = 1\n\nb = 2") == "a = 1\n\nb = 2"
    assert (
        exercises.stripped(
            "### BEGIN SOLUTION\na\n### END SOLUTION\n### BEGIN SOLUTION\nb\n### END SOLUTION"
        ).count("raise NotImplementedError()")
        == 2
    )


def test_an_explanation_leaves_nothing():
    assert (
        exercises.stripped(
            "before\n<!-- BEGIN SOLUTION -->\nsecret\n<!-- END SOLUTION -->\nafter", "markdown"
        )
        == "before\nafter"
    )


@pytest.mark.parametrize(
    ("text", "cell_type", "said"),
    [
        ("### BEGIN SOLUTION\n1", "code", "without `### END SOLUTION` after it"),
        ("1\n### END SOLUTION", "code", "without `### BEGIN SOLUTION` before it"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "code", "twice"),
        ("# BEGIN SOLUTION\n1\n# END SOLUTION", "code", "stands alone in its line"),
        ("x = 1  ### BEGIN SOLUTION\n### END SOLUTION", "code", "stands alone in its line"),
        ("<!-- BEGIN SOLUTION -->\n1\n<!-- END SOLUTION -->", "code", "stands alone in its line"),
        ("### BEGIN SOLUTION\n1\n### END SOLUTION", "markdown", "stands alone in its line"),
        ("<!-- BEGIN SOLUTION -->\nsecret", "markdown", "without `<!-- END SOLUTION -->` after it"),
    ],
)
def test_markers_that_do_not_pair_or_are_misspelt_are_refused(text, cell_type, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        exercises.stripped(text, cell_type)


# ------------------------------------------------------------------ reading


def test_a_source_is_understood_cell_by_cell(chapter):
    cells = exercises.read(chapter())
    assert [(c.kind, c.id, c.points) for c in cells] == [
        ("text", "text-0-1", 0),
        ("code", "code-0-1", 0),
        ("text", "exercise-1", 0),
        ("solution", "solution-double", 0),
        ("check", "check-double", 1),
        ("text", "exercise-2", 0),
        ("text", "text-2-1", 0),
        ("solution", "solution-square", 0),
        ("code", "code-2-1", 0),
        ("check", "check-square", 3),
        ("explanation", "explanation-2-1", 0),
        ("explanation", "explanation-2-2", 0),
    ]
    assert exercises.exercises(cells) == [
        exercises.Exercise(1, "Twice", 1, 2, 1),
        exercises.Exercise(2, "Square", 3, 15, 3),
    ]


def test_ids_stay_when_another_exercise_gets_a_cell(chapter):
    before = [c.id for c in exercises.read(chapter())]
    after = [
        c.id
        for c in exercises.read(
            chapter(
                SAMPLE.replace(
                    "# Write the double.\n", "# Write the double.\n\n# %% [markdown]\n# More.\n"
                )
            )
        )
    ]
    assert [i for i in after if i not in before] == ["text-1-1"]
    assert [i for i in after if i in before] == before


def test_two_solutions_may_share_a_check(chapter):
    helper = (
        "# %%\ndef helper():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n\n\n#"
        " %%\ndef double"
    )
    ids = [c.id for c in exercises.read(chapter(SAMPLE.replace("# %%\ndef double", helper)))]
    assert ids[3:6] == ["solution-double", "solution-double-2", "check-double"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    return 2 * x\n    ### END SOLUTION\n",
            "    return 2 * x\n",
            "cell 4 (def double(x):): `### BEGIN SOLUTION` without",
        ),
        (
            "# A last word.\n#\n# <!-- BEGIN SOLUTION -->\n",
            "# A last word.\n",
            "cell 12 (A last word.): `<!-- END SOLUTION -->` without",
        ),
        (
            "check.double(double)  # 1 point",
            "check.double(double)",
            "cell 5 (check.double(double)): a check cell ends with its points",
        ),
        (
            "# 1 point\n",
            "# 0 points\n",
            "cell 5 (check.double(double)  # 0 points): a check cell ends with its points",
        ),
        (
            "check.double(double)  # 1 point\n",
            "pass\n",
            "cell 4 (def double(x):): no check follows this solution",
        ),
        (
            "check.square(square)  # 3 points\n",
            "pass\n",
            "cell 8 (def square(x):): no check follows this solution",
        ),
        (
            "    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n",
            "    return 2 * x\n",
            "cell 5 (check.double(double)  # 1 point): a check comes after",
        ),
        ("check.square(square)", "check.double(square)", "check.double has been asked before"),
        (
            "check.double(double)  # 1 point",
            "check.double(double)  # 1 point\nprint()",
            "a check cell has one check, in its last line",
        ),
        (
            "\n\n# %%\ncheck.double",
            "check.double",
            "cell 4 (def double(x):): a solution and its check stand in two cells",
        ),
        (
            "## 2. Square  ★★★ (15 minutes, a project)",
            "## 2. Square (15 minutes)",
            "cell 6 (## 2. Square (15 minutes)): the heading of an exercise reads",
        ),
        (
            "## 2. Square  ★★★ (15 minutes, a project)",
            "## 2. Square  ★★★",
            "the heading of an exercise reads",
        ),
        ("## 2. Square  ★★★", "## 2. Square  ★★★★", "the heading of an exercise reads"),
        ("## 2. Square", "## 3. Square", "this is exercise 2, by its place"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused_with_file_and_cell(old, new, said, chapter, capsys):
    assert SAMPLE.count(old) == 1
    path = chapter(SAMPLE.replace(old, new))
    assert main(["exercises", "90"]) == 1
    message = capsys.readouterr().err
    assert said in message and message.startswith("genimg: 90_numbers.py, cell ")
    assert [p.name for p in path.parent.parent.rglob("*.*")] == ["90_numbers.py"]


def test_an_unknown_chapter_is_refused_with_the_known_ones(chapter, capsys):
    assert main(["exercises"]) == 1
    assert "there are no exercises yet" in capsys.readouterr().err
    chapter()
    assert main(["exercises", "91"]) == 1
    assert "no exercises '91'; there are 90_numbers" in capsys.readouterr().err


# ------------------------------------------------------------------ what is made


def test_students_get_tasks_and_stubs_and_no_secrets(chapter):
    cells = exercises.read(chapter())
    made = exercises.student(cells)
    text = exercises.as_bytes(made).decode()
    assert not re.search(r"SOLUTION|secret|2 \* x|x \* x", text)
    assert [c.id for c in made.cells] == [c.id for c in cells if c.id != "explanation-2-1"]
    assert (
        made.cells[3].source
        == 'def double(x):\n    """Twice x."""\n    # YOUR CODE HERE\n    raise'
        " NotImplementedError()"
    )
    assert made.cells[-1].source == "A last word."
    for cell in made.cells:
        if cell.cell_type == "code":
            compile(cell.source, "cell", "exec")
            assert not cell.outputs and cell.execution_count is None


def test_an_assignment_says_what_is_graded_and_who_may_change_what(chapter):
    made = exercises.assignment(exercises.read(chapter()))
    rules = {c.id: c.metadata["nbgrader"] for c in made.cells}
    assert len(rules) == len(made.cells) == 11
    for i, rule in rules.items():
        check, solution = i.startswith("check"), i.startswith("solution")
        wanted = {
            "schema_version": 3,
            "grade_id": i,
            "grade": check,
            "solution": solution,
            "locked": not solution,
            "task": False,
        }
        assert rule == wanted | (
            {"points": {"check-double": 1, "check-square": 3}[i]} if check else {}
        )
    sources = {c.id: c.source for c in made.cells}
    assert (
        sources["solution-double"].count("### BEGIN SOLUTION") == 1
        and "return 2 * x" in sources["solution-double"]
    )
    assert "secret" not in str(sources)


def test_everything_is_made_and_made_again_byte_for_byte(chapter, tmp_path, capsys):
    source = chapter()
    folder = source.parents[1]
    paths = [
        folder / "solutions/90_numbers.ipynb",
        folder / "exercises/90_numbers.ipynb",
        tmp_path / "teach/source/90_numbers/90_numbers.ipynb",
    ]
    contents = []
    for _ in range(2):
        assert main(["exercises", "--nbgrader", str(tmp_path / "teach")]) == 0
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert (
        "90_numbers: 2 exercises, 4 points, 17 minutes; all checks pass" in capsys.readouterr().out
    )
    solved, student, assignment = (nbformat.read(path, as_version=4) for path in paths)
    code = [c for c in solved.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert [o.text for c in code for o in c.outputs] == [
        "right\n",
        "a cell that is given\n",
        "right\n",
    ]
    assert [c.source for c in solved.cells] == [c.source for c in jupytext.read(source).cells]
    for notebook in (solved, student, assignment):
        nbformat.validate(notebook)
        assert "language_info" not in notebook.metadata
        kept = {"nbgrader"} if notebook is not solved else {"lines_to_next_cell"}
        assert {key for c in notebook.cells for key in c.metadata} <= kept
    assert {
        p.relative_to(tmp_path / "teach").as_posix() for p in (tmp_path / "teach").rglob("*.*")
    } == {
        "nbgrader_config.py",
        "source/90_numbers/90_numbers.ipynb",
    }
    (tmp_path / "teach" / "nbgrader_config.py").write_text("mine")
    exercises.make("90_numbers", tmp_path / "teach")
    assert (tmp_path / "teach" / "nbgrader_config.py").read_text() == "mine"


def test_where_a_check_fails_nothing_is_made_and_the_reason_is_said(chapter, tmp_path, capsys):
    source = chapter(SAMPLE.replace("return x * x", "return x + x"))
    assert main(["exercises", "90", "--nbgrader", str(tmp_path / "teach")]) == 1
    assert (
        "90_numbers.py, cell 10 (check.square(square)  # 3 points): Wrong: 3 gives 6, not 9\n"
        in capsys.readouterr().err
    )
    assert [p.name for p in tmp_path.rglob("*.*")] == [source.name]


def test_a_notebook_that_never_ends_is_stopped(chapter):
    from nbclient.exceptions import CellTimeoutError

    endless = exercises.solved(
        exercises.read(
            chapter(SAMPLE.replace('print("a cell that is given")', "while True:\n    pass"))
        )
    )
    with pytest.raises(CellTimeoutError):
        exercises.execute(endless, ROOT, seconds=5)


# ------------------------------------------------------------------ nbgrader, from end to end


def source_of(name):
    return exercises.solutions_folder() / f"{name}.py"


def nbgrader(folder, *words):
    """Run a command of nbgrader in a course folder, with no settings but the course's own.

    What it does stays below the folder's parent.
    """
    own = folder.parent / "own"
    commands = str(Path(sys.executable).parent)  # nbgrader calls alembic by its bare name
    environment = os.environ | {
        "PATH": os.pathsep.join((commands, os.environ["PATH"])),
        "JUPYTER_CONFIG_DIR": str(own),
        "JUPYTER_DATA_DIR": str(own),
        "JUPYTER_RUNTIME_DIR": str(own),
        "IPYTHONDIR": str(own),
    }
    (folder.parent / "exchange").mkdir(exist_ok=True, mode=0o777)
    os.chmod(folder.parent / "exchange", 0o777)  # nbgrader wants it open to all students
    call = [
        sys.executable,
        "-m",
        "nbgrader",
        *words,
        f"--Exchange.root={folder.parent / 'exchange'}",
    ]
    done = subprocess.run(
        call, cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A course of two assignments: generated, one released, handed in twice, graded.

    The sample's, and the first chapter's of the course; handed in solved and untouched.
    Gives (the course's folder, {assignment: its cells}).
    """
    pytest.importorskip("nbgrader")
    home = tmp_path_factory.mktemp("taught")
    sample = home / "90_numbers.py"
    sample.write_text(SAMPLE, encoding="utf-8")
    cells = {path.stem: exercises.read(path) for path in (sample, source_of(NAMES[0]))}
    folder = home / "teach"
    write_atomically(folder / "nbgrader_config.py", exercises.CONFIG.encode())
    for name, of_name in cells.items():
        made = exercises.as_bytes(exercises.assignment(of_name))
        write_atomically(folder / "source" / name / f"{name}.ipynb", made)
    nbgrader(folder, "generate_assignment", "*")
    nbgrader(folder, "release_assignment", "90_numbers")
    for name, of_name in cells.items():
        answers = {c.id: c.source for c in of_name if c.kind == "solution"}
        for who, hands_in in (("solver", answers), ("sleeper", {})):
            notebook = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
            for cell in notebook.cells:
                cell.source = hands_in.get(cell.metadata.nbgrader.grade_id, cell.source)
            place = folder / "submitted" / who / name
            place.mkdir(parents=True)
            nbformat.write(notebook, place / f"{name}.ipynb")
    nbgrader(folder, "autograde", "*")
    return folder, cells


def points(folder, name, who):
    """{check: (points, of)} of who handed in an assignment."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        grades = book.find_submission_notebook(name, name, who).grades
        assert not any(g.needs_manual_grade for g in grades)
        return {g.name: (g.score, g.max_score) for g in grades}


def test_nbgrader_releases_what_is_made(taught):
    folder, cells = taught
    place = folder.parent / "exchange" / "genimg" / "outbound" / "90_numbers"
    released = nbformat.read(place / "90_numbers.ipynb", as_version=4)
    student = exercises.student(cells["90_numbers"])
    assert [(c.cell_type, c.source) for c in released.cells] == [
        (c.cell_type, c.source) for c in student.cells
    ]


def test_nbgrader_grades_what_is_made_and_a_chapter_of_the_course(taught):
    folder, cells = taught
    assert points(folder, "90_numbers", "solver") == {
        "check-double": (1, 1),
        "check-square": (3, 3),
    }
    for name, of_name in cells.items():
        full = {c.id: c.points for c in of_name if c.kind == "check"}
        assert points(folder, name, "solver") == {i: (p, p) for i, p in full.items()}
        assert points(folder, name, "sleeper") == {i: (0, p) for i, p in full.items()}


def test_nbval_leaves_exercises_alone():
    call = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "notebooks/solutions",
        "notebooks/exercises",
    ]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert "no tests collected" in done.stdout, done.stdout + done.stderr


# ------------------------------------------------------------------ course's own exercises


def errors(notebook):
    """{a cell's id: the error it ended with} of an executed notebook."""
    return {
        c.id: o
        for c in notebook.cells
        if c.cell_type == "code"
        for o in c.outputs
        if o.output_type == "error"
    }


def test_every_source_belongs_to_a_chapter_and_every_made_notebook_to_a_source():
    assert set(NAMES) <= set(chapters.standing())
    for folder in (exercises.solutions_folder(), exercises.students_folder()):
        assert sorted(p.stem for p in folder.glob("*.ipynb")) == NAMES, (
            "make them anew: genimg exercises"
        )


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_what_the_source_gives(name):
    cells = exercises.read(source_of(name))
    stored = nbformat.read(source_of(name).with_suffix(".ipynb"), as_version=4)
    again = f"make it anew: genimg exercises {name[:2]}"
    assert [(c.cell_type, c.source, c.id) for c in stored.cells] == [
        ("code" if c.is_code else "markdown", c.source, c.id) for c in cells
    ], again
    code = [c for c in stored.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)) and not errors(
        stored
    ), again
    assert (exercises.students_folder() / f"{name}.ipynb").read_bytes() == exercises.as_bytes(
        exercises.student(cells)
    ), again


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_has_four_to_six_exercises_from_easy_to_hard_each_with_points(name):
    cells = exercises.read(source_of(name))
    asked = exercises.exercises(cells)
    assert cells[0].kind == "text" and cells[0].source.startswith(f"# Exercises {name[:2]}: ")
    assert 4 <= len(asked) <= 6
    assert all(e.points and e.minutes for e in asked)
    assert asked[0].stars == 1 and max(e.stars for e in asked) > 1


@pytest.mark.parametrize("name", NAMES)
def test_links_of_exercises_lead_somewhere(name):
    text = "\n".join(c.source for c in exercises.read(source_of(name)) if not c.is_code)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith(("http", "#")):
            for folder in (exercises.solutions_folder(), exercises.students_folder()):
                assert (folder / link.split("#")[0]).exists(), link


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all chapters: it is emptied before each notebook."""
    from jupyter_client.manager import start_new_kernel

    folder = str(tmp_path_factory.mktemp("kernel"))
    manager, client = start_new_kernel(kernel_name="python3", cwd=folder)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_in(kernel, notebook):
    """Run the cells of a notebook, errors and all; the errors become its outputs."""
    kernel.execute_interactive("%reset -f", silent=True, timeout=SECONDS)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            reply = kernel.execute_interactive(
                cell.source, stop_on_error=False, output_hook=lambda _: None, timeout=SECONDS
            )["content"]
            if reply["status"] == "error":
                kept = {key: reply[key] for key in ("ename", "evalue", "traceback")}
                cell.outputs = [nbformat.v4.new_output("error", **kept)]
    return notebook


@pytest.mark.parametrize("name", NAMES)
def test_the_solved_notebook_passes_all_its_checks(name, kernel):
    done = run_in(kernel, exercises.solved(exercises.read(source_of(name))))
    assert {i: f"{e.ename}: {e.evalue}" for i, e in errors(done).items()} == {}


@pytest.mark.parametrize("name", NAMES)
def test_in_the_students_notebook_every_check_explains_and_nothing_else_fails(name, kernel):
    cells = {c.id: c for c in exercises.read(source_of(name))}
    done = run_in(kernel, exercises.student(list(cells.values())))
    failed = errors(done)
    checks = {i for i, c in cells.items() if c.kind == "check"}
    assert {i: failed[i].ename if i in failed else "passes" for i in checks} == dict.fromkeys(
        checks, "Wrong"
    )
    assert all(len(failed[i].evalue) > 20 for i in checks)
    stubs = {i for i, c in cells.items() if c.kind == "solution"}
    assert {
        i: f"{e.ename}: {e.evalue}"
        for i, e in failed.items()
        if i not in checks and not (i in stubs and e.ename == "NotImplementedError")
    } == {}


# ------------------------------------------------------------------ work that must not be lost


def test_a_students_notebook_with_answers_is_left_alone(chapter, capsys):
    chapter()
    exercises.make("90_numbers")
    path = exercises.students_folder() / "90_numbers.ipynb"
    assert not exercises.answered(path)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("raise NotImplementedError()", "return 2 * x")
    nbformat.write(notebook, path)
    mine = path.read_bytes()
    assert main(["exercises", "90"]) == 0
    assert path.read_bytes() == mine
    assert "holds answers and was left alone (--force writes it anew)" in capsys.readouterr().out
    assert main(["exercises", "90", "--force"]) == 0
    assert path.read_bytes() != mine


def test_where_the_course_cannot_be_written_the_assignment_alone_is_made(
    chapter, monkeypatch, tmp_path
):
    source = chapter()
    real = exercises.check_writable

    def check(folder):
        if source.parent in (folder, *folder.parents):
            raise ValueError(f"{folder} cannot be written: no permission")
        real(folder)

    monkeypatch.setattr(exercises, "check_writable", check)
    paths, _ = exercises.make("90_numbers", tmp_path / "teach")
    assert paths == [tmp_path / "teach" / "source" / "90_numbers" / "90_numbers.ipynb"]
    assert [p.name for p in source.parent.iterdir()] == [source.name]
    with pytest.raises(ValueError, match="no permission"):
        exercises.make("90_numbers")
