"""The tables of the README, made from the course's map and from results files, never typed."""

import json
import re
from pathlib import Path

from genimg_lib import course
from genimg_lib.data.fetch import shipped

PROFILES = ("quick", "cpu", "gpu")


def course_map():
    """All chapters, part by part: those that stand as links, the others as plain names."""
    there, lines = set(course.standing()), []
    for part in course.PARTS:
        lines += [f"\n**{part}**\n", "| | notebook | builds on | |", "|---|---|---|---|"]
        for c in course.CHAPTERS:
            if c.part == part:
                stands = c.name in there
                title = f"[{c.title}](notebooks/{c.name}.ipynb)" if stands else c.title
                lines.append(f"| {c.name[:2]} | {title} | {', '.join(c.needs)} | {'✓' if stands else 'to come'} |")
    return "\n".join(lines).strip()


MOST = 8  # figures of a row; the others are a click away


def figures():
    """What the notebooks and benchmarks measured: the first figures of each, with the machine, the minutes and the seed they come from."""
    lines = ["| notebook | profile | figures | time, memory | device, seed |", "|---|---|---|---|---|"]
    for path in sorted((shipped() / "results").glob("*.json")):
        r = json.loads(path.read_text(encoding="utf-8"))
        values = [f"{k.replace('_', ' ')} {v:.4g}" if isinstance(v, float) else f"{k.replace('_', ' ')} {v}" for k, v in r["metrics"].items()]
        more = [f"[and {len(values) - MOST} more](data/results/{path.name})"] if len(values) > MOST else []
        shown = "<br>".join(values[:MOST] + more)
        cost = f"{r['notebook_seconds']} s, {r['notebook_memory_mib']:,} MiB"
        lines.append(f"| {r['notebook']} | {r['profile']} | {shown} | {cost} | {r['device']}, seed {r['seed']} |")
    return "\n".join(lines)


def results(name, profile="cpu"):
    """The stored figures of a notebook or benchmark: {figure: number}. Raises FileNotFoundError where none are stored."""
    return json.loads((shipped() / "results" / f"{name}.{profile}.json").read_text(encoding="utf-8"))["metrics"]


def store(run, name, title, minutes):
    """Keep what a benchmark has reported as data/results/NAME.PROFILE.json; minutes is what it takes. In the first process only."""
    from genimg_lib.checkpoints import write_atomically  # torch takes its time, and only benchmarks need it

    if not run.is_main:
        return
    result = json.loads((run.folder / "results.json").read_text(encoding="utf-8"))
    result |= {"notebook": title, "notebook_seconds": round(60 * minutes), "notebook_memory_mib": result["peak_memory_mib"]}
    write_atomically(shipped() / "results" / f"{name}.{run.profile}.json", (json.dumps(result, indent=2) + "\n").encode())


def expected(name, *figures):
    """What a notebook's stored results let a reader expect: minutes, memory and some figures.

    name: of the notebook. figures: the two or three to show of those that it reports.
    Returns (rows, columns) for `show`: a row a profile; no rows where nothing is stored.
    """
    rows = []
    for profile in PROFILES:
        path = shipped() / "results" / f"{name}.{profile}.json"
        if path.is_file():
            r = json.loads(path.read_text(encoding="utf-8"))
            minutes = f"{r['notebook_seconds'] / 60:.1f}"
            memory = f"{r['notebook_memory_mib']:,} MiB"
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
        print("This notebook has no stored results yet.")


def show(rows, columns):
    """Show a table of figures: a real table on a page, aligned text in a program.

    rows: a list of rows, each as long as `columns`; floats are shown with four digits.
    columns: the headings.
    Raises ValueError for a row of another length.
    """
    columns = [str(column) for column in columns]
    cells = [[_cell(value) for value in row] for row in rows]
    if wrong := [row for row in cells if len(row) != len(columns)]:
        raise ValueError(f"expected rows of {len(columns)} values, {columns}; got {wrong[0]}")
    right = [all(_is_number(row[k]) for row in rows) for k in range(len(columns))]
    from genimg_lib import plots

    text = _as_text(cells, columns, right)
    if plots.in_notebook():
        from IPython.display import display

        both = {"text/plain": text, "text/markdown": _as_markdown(cells, columns, right)}
        display(both, raw=True)
    elif plots.is_main():
        print(text)


def _is_number(value):
    value = value.item() if hasattr(value, "item") else value
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value):
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if _is_number(value) else str(value)


def _as_text(cells, columns, right):
    widths = [max(len(row[k]) for row in [columns, *cells]) for k in range(len(columns))]
    lines = []
    for row in [columns, *cells]:
        parts = zip(row, widths, right, strict=True)
        line = "  ".join(v.rjust(w) if number else v.ljust(w) for v, w, number in parts)
        lines.append(line.rstrip())
    return "\n".join(lines)


def _as_markdown(cells, columns, right):
    rule = ["--:" if number else ":--" for number in right]
    escaped = [[value.replace("|", "\\|") for value in row] for row in [columns, rule, *cells]]
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


def evaluators():
    """The networks in data/weights: how they were made and how well they do."""
    lines = ["| weights | data | accuracy on held-out images | images | made in |", "|---|---|---|---|---|"]
    for path in sorted((shipped() / "weights").glob("evaluator_*.json")):
        r = json.loads(path.read_text(encoding="utf-8"))
        what = "mean over 14 factors" if len(r["accuracy_by_head"]) > 1 else "labels"
        lines.append(
            f"| {path.stem} | {r['data']} | {r['accuracy']:.1%} ({what}) | {r['test_images']:,} | {r['minutes']:.1f} min, {r['device']}, seed {r['seed']} |"
        )
    return "\n".join(lines)


TABLES = {"map": course_map, "figures": figures, "evaluators": evaluators}


def fill(text):
    """text with every region `<!-- table: NAME -->` ... `<!-- end -->` made anew."""

    def anew(match):
        if match[1] not in TABLES:
            raise ValueError(f"unknown table {match[1]!r}; known: {', '.join(TABLES)}")
        return f"<!-- table: {match[1]} -->\n{TABLES[match[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end -->", anew, text, flags=re.DOTALL)


def write(path=None):
    """Fill the tables of a file, the README if none is named. Returns True if that changed it."""
    path = Path(path or course.notebooks_folder().parent / "README.md")
    before = path.read_text(encoding="utf-8")
    after = fill(before)
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before
