"""From one source a chapter: solved and students' notebooks, nbgrader assignments.

A source is notebooks/solutions/NN_name.py, in py:percent. An exercise begins with a markdown cell
`## 1. Title  ★★ (10 minutes)`. A code cell with lines between `### BEGIN SOLUTION` and `### END
SOLUTION` (nbgrader's markers) is a solution; the check that follows it ends with
`check.NAME(answer)  # 2 points`. Text between `<!-- BEGIN SOLUTION -->` and `<!-- END SOLUTION -->`
explains an answer; students do not see it.
"""

import json
import os
import re
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace

from genimg_lib.course import chapters
from genimg_lib.course.runner import PAIR, absolute_places, own_kernel
from genimg_lib.files import check_writable, digest, write_atomically

STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")  # nbgrader's own
MARKERS = {
    "code": ("### BEGIN SOLUTION", "### END SOLUTION"),
    "markdown": ("<!-- BEGIN SOLUTION -->", "<!-- END SOLUTION -->"),
}
HEADING = re.compile(
    r"## (?P<number>\d+)\. (?P<title>\S.*?) +(?P<stars>★{1,3}) +\((?P<minutes>\d+) minutes?(,"
    r" [^()]+)?\)"
)
CHECK = re.compile(r"check\.(?P<name>\w+)\(.*\)\s*#\s*(?P<points>[1-9]\d*) points?")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CONFIG = """# nbgrader's settings for this course; see `nbgrader --help-all`.
c = get_config()  # noqa: F821, defined by nbgrader
c.CourseDirectory.course_id = "genimg"
c.Execute.timeout = 300  # seconds for one cell; importing torch on a slow machine takes many
"""


@dataclass(frozen=True)
class Cell:
    """A cell of a source, and what it is for."""

    # text, code: given to all; explanation, solution: not for students; check: judges, and gives
    # points
    kind: str
    source: str
    id: str = ""  # also its grade_id in nbgrader
    check: str = ""  # of a check cell: the name in check.NAME
    points: int = 0
    metadata: dict = field(default_factory=dict)

    @property
    def is_code(self):
        return self.kind in ("code", "solution", "check")


@dataclass(frozen=True)
class Exercise:
    """What the heading of an exercise says, and the points of its checks."""

    number: int
    title: str
    stars: int
    minutes: int
    points: int


# ------------------------------------------------------------------ reading a source


def solutions_folder():
    return chapters.notebooks_folder() / "solutions"


def students_folder():
    return chapters.notebooks_folder() / "exercises"


def standing():
    """The names of the chapters that have exercises, in order."""
    return sorted(p.stem for p in solutions_folder().glob("[0-9][0-9]_*.py"))


def choose(numbers):
    """The chapters of these numbers (or names), all of them if none is given.

    Raises ValueError for one that has no exercises.
    """
    there, chosen = standing(), []
    for number in numbers:
        found = [
            name for name in there if name == number or name.split("_")[0] == str(number).zfill(2)
        ]
        if not found:
            raise ValueError(
                f"there are no exercises {number!r}; there are {', '.join(there) or 'none yet'}"
            )
        chosen += found
    if not there:
        raise ValueError(
            "there are no exercises yet; a chapter's are written in notebooks/solutions/NN_name.py"
        )
    return chosen or there


def read(path):
    """The cells of a source, a list of Cell.

    Raises ValueError, naming the file and the cell, where the source breaks a rule of this module.
    """
    import jupytext

    cells = []
    for k, found in enumerate(jupytext.read(path).cells, start=1):
        try:
            cells.append(_understand(found))
        except ValueError as error:
            raise ValueError(f"{_place(path, k, found.source)}: {error}") from None
    return _named(path, cells)


def exercises(cells):
    """What is asked in a source: a list of Exercise."""
    found = []
    for cell in cells:
        if _begins_exercise(cell):
            heading = HEADING.match(cell.source)
            found.append(
                Exercise(
                    int(heading["number"]),
                    heading["title"],
                    len(heading["stars"]),
                    int(heading["minutes"]),
                    0,
                )
            )
        elif found:
            found[-1] = replace(found[-1], points=found[-1].points + cell.points)
    return found


def _understand(found):
    """A Cell from a cell of a notebook: its kind and its points."""
    common = {"source": found.source, "metadata": dict(found.metadata)}
    has_solution = stripped(found.source, found.cell_type) != found.source
    if found.cell_type != "code":
        if re.match(r"## \d", found.source) and not HEADING.fullmatch(
            found.source.splitlines()[0].rstrip()
        ):
            raise ValueError(
                "the heading of an exercise reads `## 1. Title  ★★ (10 minutes)`, with one to three"
                " stars"
            )
        return Cell("explanation" if has_solution else "text", **common)
    calls = [line for line in found.source.splitlines() if line.startswith("check.")]
    if not calls:
        return Cell("solution" if has_solution else "code", **common)
    if has_solution:
        raise ValueError("a solution and its check stand in two cells")
    if len(calls) > 1 or found.source.splitlines()[-1] != calls[0]:
        raise ValueError("a check cell has one check, in its last line")
    judged = CHECK.fullmatch(calls[0].rstrip())
    if not judged:
        raise ValueError("a check cell ends with its points: `check.NAME(answer)  # 2 points`")
    return Cell("check", check=judged["name"], points=int(judged["points"]), **common)


def _named(path, cells):
    """The cells with ids that stay when other cells come or go.

    They are named after the check for checks and solutions, after the exercise for the others.
    """
    named, number, counts, has_solution = [], 0, Counter(), False
    for k, cell in enumerate(cells):
        problem, name = "", f"{cell.kind}-{number}"
        if _begins_exercise(cell):
            number, has_solution = number + 1, False
            name = f"exercise-{number}"
            if not cell.source.startswith(f"## {number}."):
                problem = f"this is exercise {number}, by its place"
        elif cell.kind == "solution":
            has_solution, name = True, f"solution-{_check_after(cells, k)}"
            problem = "" if _check_after(cells, k) else "no check follows this solution"
        elif cell.kind == "check":
            name = f"check-{cell.check}"
            problem = (
                ""
                if has_solution
                else "a check comes after its solution; there is none in this exercise before it"
            )
            if counts[name]:
                problem = (
                    f"check.{cell.check} has been asked before; points are told apart by their"
                    " checks"
                )
        if problem:
            raise ValueError(f"{_place(path, k + 1, cell.source)}: {problem}")
        counts[name] += 1
        alone = cell.kind in ("solution", "check") or _begins_exercise(cell)
        named.append(
            replace(cell, id=name if alone and counts[name] == 1 else f"{name}-{counts[name]}")
        )
    return named


def _begins_exercise(cell):
    return cell.kind == "text" and HEADING.match(cell.source) is not None


def _check_after(cells, k):
    """The name of the check that judges cell k, or None.

    It is the next one before another exercise begins.
    """
    for cell in cells[k + 1 :]:
        if cell.check or _begins_exercise(cell):
            return cell.check or None
    return None


def _place(path, k, source):
    first = next((line.strip() for line in source.splitlines() if line.strip()), "empty")
    return f"{path.name}, cell {k} ({first[:60]})"


# ------------------------------------------------------------------ three forms


def stripped(source, cell_type="code"):
    """A cell's source without its solutions; in code, each leaves nbgrader's stub.

    Raises ValueError for markers that do not pair.
    """
    begin, end = MARKERS.get(cell_type, MARKERS["markdown"])
    lines, inside = [], False
    for line in source.splitlines():
        marker = line.strip()
        if marker not in (begin, end) and re.search(r"\b(BEGIN|END) SOLUTION\b", line):
            raise ValueError(
                f"a marker stands alone in its line, as `{begin}` or `{end}`; this line reads"
                f" `{marker}`"
            )
        if marker == begin:
            if inside:
                raise ValueError(f"`{begin}` twice without `{end}` between them")
            inside = True
            lines += (
                [line[: line.index(begin)] + stub for stub in STUB] if cell_type == "code" else []
            )
        elif marker == end:
            if not inside:
                raise ValueError(f"`{end}` without `{begin}` before it")
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"`{begin}` without `{end}` after it")
    return "\n".join(lines)


def solved(cells):
    """The notebook with solutions, not yet executed."""
    return _notebook([(cell, cell.source) for cell in cells])


def student(cells):
    """The students' notebook: solutions stripped, explanations gone."""
    kept = [
        (cell, stripped(cell.source, "code" if cell.is_code else "markdown").strip("\n"))
        for cell in cells
    ]
    pairs = [(cell, source) for cell, source in kept if source.strip()]
    notebook = _without_lines(_notebook(pairs))
    notebook.metadata["genimg"] = {"given": _said(notebook)}
    return notebook


def assignment(cells):
    """The notebook that nbgrader starts from: solutions marked, and who may change what.

    Explanations are left out: nbgrader keeps written solutions only in cells that students answer
    in.
    """
    kept = [
        (cell, cell.source if cell.is_code else stripped(cell.source, "markdown").strip("\n"))
        for cell in cells
    ]
    pairs = [(cell, source) for cell, source in kept if source.strip()]
    notebook = _without_lines(_notebook(pairs))
    kinds = {cell.id: cell for cell in cells}
    for made in notebook.cells:
        cell = kinds[made.id]
        rules = {
            "schema_version": 3,
            "grade_id": cell.id,
            "grade": cell.kind == "check",
            "solution": cell.kind == "solution",
            "task": False,
        }
        rules |= {"locked": cell.kind != "solution"} | (
            {"points": cell.points} if cell.kind == "check" else {}
        )
        made.metadata["nbgrader"] = rules
    return notebook


def _without_lines(notebook):
    """Without jupytext's words about blank lines, of no use to a notebook without a .py.

    (With one it needs them: else JupyterLab finds that the two differ.)
    """
    for cell in notebook.cells:
        for key in [key for key in cell.metadata if key.startswith("lines_to_")]:
            del cell.metadata[key]
    return notebook


def _notebook(pairs):
    """A notebook of (Cell, source) pairs, the same bytes each time."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells = [
        (new_code_cell if cell.is_code else new_markdown_cell)(
            source, id=cell.id, metadata=dict(cell.metadata)
        )
        for cell, source in pairs
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": dict(KERNEL)})


# ------------------------------------------------------------------ running and writing


def execute(notebook, folder, allow_errors=False, seconds=300):
    """Run a notebook in place, in a fresh kernel that works in folder.

    In profile quick unless GENIMG_PROFILE says otherwise.
    seconds: for all of it.
    Raises nbclient's CellExecutionError (unless allow_errors), CellTimeoutError or DeadKernelError.
    """
    from nbclient import NotebookClient

    end = time.monotonic() + seconds
    options = {
        **own_kernel(),
        "record_timing": False,
        "coalesce_streams": True,
        "allow_errors": allow_errors,
    }
    options["timeout_func"] = lambda _: max(1, round(end - time.monotonic()))
    client = NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, **options)
    with tempfile.TemporaryFile("w+") as said:  # a kernel's own words are nobody's business
        environment = {"GENIMG_PROFILE": "quick"} | os.environ | absolute_places()
        client.execute(env=environment, stderr=said)
    # names the exact Python, which is nobody's business here
    notebook.metadata.pop("language_info", None)
    return notebook


def make(name, nbgrader=None, force=False):
    """Write a chapter's solved and students' notebooks; returns paths and Exercises.

    With nbgrader=FOLDER its assignment is written there too; where the course is installed for
    reading only, nothing else is.
    A students' notebook that holds answers is left alone, unless force is True.
    Nothing is written unless all checks pass.
    Raises ValueError for a source that breaks a rule or a place that cannot be written, before
    anything runs; RuntimeError where a cell fails.
    """
    source = solutions_folder() / f"{name}.py"
    cells = read(source)
    for_all = _can_write(solutions_folder())
    check_writable(solutions_folder() if nbgrader is None else nbgrader)
    given_out, given = students_folder() / f"{name}.ipynb", student(cells)
    is_theirs = not force and answered(given_out, given)
    solution = _executed(solved(cells), source)
    solution.metadata["jupytext"] = dict(PAIR)
    written = {}
    if for_all:
        written[solutions_folder() / f"{name}.ipynb"] = solution
    if for_all and not is_theirs:
        written[given_out] = given
    if nbgrader is not None:
        written[nbgrader / "source" / name / f"{name}.ipynb"] = assignment(cells)
        if not (nbgrader / "nbgrader_config.py").exists():  # a teacher's own settings stay
            write_atomically(nbgrader / "nbgrader_config.py", CONFIG.encode())
    for path, notebook in written.items():
        write_atomically(path, as_bytes(notebook))
    return list(written), exercises(cells)


def answered(path, given=None):
    """Does a students' notebook say anything else than what was given out?

    given: what would be given out now; notebooks remember themselves what they said then.
    """
    import nbformat

    if not path.exists():
        return False
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # whatever somebody's editor left: it is theirs
        return True
    then = notebook.metadata.get("genimg", {}).get("given")
    if then is None and given is not None:
        then = _said(given)
    return _said(notebook) != then


def _said(notebook):
    """A digest of what a notebook's cells say."""
    cells = [[cell.cell_type, str(cell.source).strip()] for cell in notebook.cells]
    return digest(json.dumps(cells).encode())[:16]


def _can_write(folder):
    try:
        check_writable(folder)
    except ValueError:
        return False
    return True


def make_all(names, nbgrader=None, force=False):
    """Make the exercises of several chapters, a line each."""
    for name in names:
        paths, asked = make(name, nbgrader, force)
        points, minutes = sum(e.points for e in asked), sum(e.minutes for e in asked)
        print(
            f"{name}: {len(asked)} exercises, {points} points, {minutes} minutes; all checks pass",
            flush=True,
        )
        given_out = students_folder() / f"{name}.ipynb"
        if given_out not in paths and _can_write(students_folder()):
            print(f"  {given_out} holds answers and was left alone (--force writes it anew)")
    if nbgrader is not None:
        print(
            f"the assignments are in {nbgrader / 'source'}; next, in {nbgrader}: nbgrader"
            " generate_assignment NN_name"
        )


def as_bytes(notebook):
    """The notebook as its file's content."""
    import nbformat

    return (nbformat.writes(notebook) + "\n").encode()


def _executed(notebook, source):
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    try:
        return execute(notebook, source.parent)
    except CellExecutionError as failure:
        k = next(
            k
            for k, cell in enumerate(notebook.cells)
            if any(o.output_type == "error" for o in cell.get("outputs", []))
        )
        raise RuntimeError(
            f"{_place(source, k + 1, notebook.cells[k].source)}: {failure.ename}: {failure.evalue}"
        ) from None
    except CellTimeoutError:
        raise RuntimeError(f"{source.name}: stopped, it ran for five minutes") from None
    except DeadKernelError:
        raise RuntimeError(
            f"{source.name}: its kernel died, of too little memory perhaps"
        ) from None
