"""The form of the code: how wide lines are, how large cells, how short docstrings."""

import ast
import io
import statistics
import tokenize
from pathlib import Path
from typing import NamedTuple

import jupytext

from genimg_lib.course import chapters

NOTEBOOK_WIDTH, WIDTH = 88, 100  # columns
LINES, CELLS = 25, 80  # of a code cell, of a notebook
MEDIAN_TOKENS, NINTH_DECILE_TOKENS = 110, 220  # of the code cells of all notebooks
LINE_TOKENS = 30
FIRST_LINE = 90  # columns of a docstring's first line, quotes apart

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


class Fault(NamedTuple):
    """A place that breaks the form."""

    path: str
    line: int  # 1 for the first; of a notebook's cell, the cell's number
    what: str


def tokens(source):
    """How many tokens Python sees in a piece of code; comments and layout do not count."""
    read = io.StringIO(source).readline
    count = depth = 0
    for token in tokenize.generate_tokens(read):
        # Python 3.12 and newer take formatted strings apart; one counts as one token everywhere
        kind = tokenize.tok_name[token.type]
        depth -= kind == "FSTRING_END"
        count += token.type not in _LAYOUT and not depth and kind != "FSTRING_END"
        depth += kind == "FSTRING_START"
    return count


def code_cells(path):
    """[(number, source)] of the code cells of a notebook in py:percent form."""
    cells = jupytext.read(path).cells
    return [(k, c.source) for k, c in enumerate(cells, start=1) if c.cell_type == "code"]


def wide_lines(path, width):
    """[Fault] for the lines of a file that are wider than `width`, addresses apart."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [
        Fault(str(path), k, f"{len(line)} columns, {width} at the most")
        for k, line in enumerate(lines, start=1)
        if len(line) > width and "http" not in line
    ]


def notebook_faults(path):
    """[Fault] of a notebook's code: width, length of cells, several statements in one line."""
    found, cells = [], jupytext.read(path).cells
    if len(cells) > CELLS:
        found.append(Fault(str(path), len(cells), f"{len(cells)} cells, {CELLS} at the most"))
    for number, source in code_cells(path):
        lines = source.splitlines()
        if len(lines) > LINES:
            found.append(Fault(str(path), number, f"a cell of {len(lines)} lines, {LINES} at most"))
        found += [Fault(str(path), number, what) for what in _bad_lines(lines)]
        found += [Fault(str(path), number, what) for what in _bad_statements(source)]
    return found


def _bad_lines(lines):
    for line in lines:
        if len(line) > NOTEBOOK_WIDTH and "http" not in line:
            yield f"{len(line)} columns: {line.strip()[:50]}"
        if "# fmt: skip" in line or "# fmt: off" in line:
            yield "switches the formatter off"
        if line.startswith("# %%"):
            yield "a line `# %%` inside a code cell: the pair would come back as two cells"


def _bad_statements(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Tuple):
            yield f"a tuple of calls as a statement: {ast.unparse(node)[:50]}"
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            yield f"an assigned lambda: {ast.unparse(node)[:50]}"


def docstring_faults(path):
    """[Fault] for docstrings whose first line is longer than FIRST_LINE."""
    found = []
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            first = (ast.get_docstring(node) or "").split("\n")[0]
            if len(first) > FIRST_LINE:
                line = getattr(node, "lineno", 1)
                found.append(Fault(str(path), line, f"a first line of {len(first)}: {first[:50]}"))
    return found


def cell_sizes(paths):
    """The tokens of every code cell of these notebooks, in order of size."""
    return sorted(tokens(source) for path in paths for _, source in code_cells(path))


def summary(sizes):
    """(cells, median, ninth decile, largest) of the sizes of cells."""
    ninth = statistics.quantiles(sizes, n=10, method="inclusive")[8] if len(sizes) > 1 else sizes[0]
    return len(sizes), statistics.median(sizes), ninth, sizes[-1]


def report(paths=()):
    """Print the form of library, tests and notebooks as a table; returns the number of faults.

    paths: of notebooks to look at one by one, with their faults; none for all at once.
    """
    faults = [fault for path in paths for fault in _one(path)] if paths else _all()
    for fault in faults:
        print(f"{fault.path}, {fault.line}: {fault.what}")
    return len(faults)


def _one(path):
    n, median, ninth, most = summary(cell_sizes([path]))
    total = len(jupytext.read(path).cells)
    print(f"{path}: {total} cells, {n} of code; tokens of a code cell: median {median:.0f}, ninth")
    print(f"  decile {ninth:.0f}, largest {most}")
    return notebook_faults(path)


def _all():
    root = chapters.checkout()
    notebooks = [chapters.notebooks_folder() / f"{name}.py" for name in chapters.standing()]
    sizes = summary(cell_sizes(notebooks))
    faults = [fault for path in notebooks for fault in notebook_faults(path)]
    print(f"{len(notebooks)} notebooks: {sizes[0]} code cells; tokens: median {sizes[1]:.0f},")
    print(f"  ninth decile {sizes[2]:.0f}, largest {sizes[3]}; {len(faults)} faults")
    for place in ("genimg_lib", "tests", "benchmarks", "book"):
        files = sorted((root / place).rglob("*.py"))
        wide = [fault for path in files for fault in wide_lines(path, WIDTH)]
        long = [fault for path in files for fault in docstring_faults(path)]
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
        print(
            f"{place}: {len(files)} files, {lines:,} lines; {len(wide)} wider than {WIDTH}, "
            f"{len(long)} docstrings with a first line of more than {FIRST_LINE}"
        )
        faults += wide + long
    return faults
