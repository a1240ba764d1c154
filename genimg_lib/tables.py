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


def expected(name):
    """What a notebook's stored results let a reader expect, a row a profile: minutes, memory and figures, with their machine."""
    lines = ["| profile | measured on | whole notebook | memory | figures |", "|---|---|---|---|---|"]
    for profile in PROFILES:
        path = shipped() / "results" / f"{name}.{profile}.json"
        if path.is_file():
            r = json.loads(path.read_text(encoding="utf-8"))
            shown = ", ".join(f"{k} {v:.4g}" for k, v in r["metrics"].items() if isinstance(v, float))
            lines.append(f"| {profile} | {r['device']} | {r['notebook_seconds']} s | {r['notebook_memory_mib']:,} MiB | {shown} |")
    return "\n".join(lines) if len(lines) > 2 else "This notebook has no stored results yet."


def show_expected(name):
    """Show `expected(name)`: as a table in a notebook, as text in a program."""
    from genimg_lib import plots

    if plots.in_notebook():
        from IPython.display import Markdown, display

        display(Markdown(expected(name)))
    else:
        print(expected(name))


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
