"""Tables of figures: a real table on a page, aligned text in a program."""

import re

from genimg_lib import plots, results
from genimg_lib.training.run import PROFILES


def show(rows, columns):
    """Show a table of figures: a real table on a page, aligned text in a program.

    rows: a list of rows, each as long as `columns`; floats are shown with four digits.
    columns: the headings. One whose cells all read as numbers, or are empty, is aligned right.
    Raises ValueError for a row of another length.
    """
    both = both_forms(rows, columns)
    if plots.in_notebook():
        from IPython.display import display

        display(both, raw=True)
    elif plots.is_main():
        print(both["text/plain"])


def both_forms(rows, columns):
    """A table as {"text/plain": aligned text, "text/markdown": a real table}; see `show`."""
    columns = [str(column) for column in columns]
    cells = [[_cell(value) for value in row] for row in rows]
    if wrong := [row for row in cells if len(row) != len(columns)]:
        raise ValueError(f"expected rows of {len(columns)} values, {columns}; got {wrong[0]}")
    right = [_are_numbers([row[k] for row in cells]) for k in range(len(columns))]
    forms = as_text(cells, columns, right), as_markdown(cells, columns, right)
    return dict(zip(("text/plain", "text/markdown"), forms, strict=True))


A_NUMBER = re.compile(r"[+-]?([\d,]*\.?\d+(e[+-]?\d+)?|inf|nan)( ?%)?( [±–] -?[\d.]+)?")
NOTHING_STORED = "This notebook has no stored results yet."


def expected(name, *figures):
    """What a notebook's stored results let a reader expect: minutes, memory and some figures.

    name: of the notebook.
    figures: the two or three to show of those that it reports.
    Returns (rows, columns) for `show`: a row a profile; no rows where nothing is stored.
    """
    rows = []
    for profile in PROFILES:
        if r := results.stored(name, profile):
            minutes = f"{r['notebook_seconds'] / 60:.1f}"
            most = max(r["notebook_memory_mib"], r["peak_memory_mib"])
            memory = f"{most:,} MiB"
            found = [r["metrics"].get(figure, "") for figure in figures]
            rows.append((profile, r["device"], minutes, memory, *found))
    headings = [figure.replace("_", " ") for figure in figures]
    return rows, ("profile", "measured on", "minutes", "memory", *headings)


def show_expected(name, *figures):
    """Show `expected(name, *figures)`, or say that nothing is stored yet."""
    rows, columns = expected(name, *figures)
    if rows:
        show(rows, columns)
    else:
        print(NOTHING_STORED)


def as_text(cells, columns, right):
    """Cells as aligned text.

    cells: rows of texts; right: for each column, True if aligned right.
    """
    widths = [max(len(row[k]) for row in [columns, *cells]) for k in range(len(columns))]
    lines = []
    for row in [columns, *cells]:
        parts = zip(row, widths, right, strict=True)
        aligned = [v.rjust(width) if number else v.ljust(width) for v, width, number in parts]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)


def as_markdown(cells, columns, right):
    """Cells as a table in Markdown; arguments as for `as_text`."""
    rule = ["--:" if number else ":--" for number in right]
    escaped = [[value.replace("|", "\\|") for value in row] for row in [columns, rule, *cells]]
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


def _are_numbers(column):
    given = [cell for cell in column if cell]
    return bool(given) and all(A_NUMBER.fullmatch(cell) for cell in given)


def _cell(value):
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return f"{value:.4g}"
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if whole else str(value)
